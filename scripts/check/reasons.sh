#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reasons.sh - every reason of the headers stands in proto/README.md with its word and its sentence. `--print` prints the rows.
set -euo pipefail
cd "$(dirname "$0")/../.."
page=proto/README.md
bad=0
# X(NAME, "word", "sentence"), over one line or two.
rows() {
    grep -A1 -E '^ +X\([A-Z0-9_]+, *"' "$1" | tr -d '\n\\' | grep -oE 'X\([A-Z0-9_]+, *"[a-z0-9_]+", *"[^"]*"\)' |
        sed -E 's/X\([A-Z0-9_]+, *"([^"]*)", *"([^"]*)"\)/| `\1` | \2 |/'
}
for header in store/ledger/record.h rpc/trust.h mesh/core/reason.h bpf/fw_reasons.h; do
    if [[ ${1:-} == --print ]]; then
        echo "$header"
        rows "$header"
        continue
    fi
    (($(rows "$header" | wc -l) == $(grep -cE '^ +X\(' "$header"))) || {
        echo "$header has a reason that reasons.sh cannot read"
        bad=1
    }
    while IFS= read -r row; do
        grep -qF "$row" "$page" || {
            echo "$page lacks a row of $header: $row"
            bad=1
        }
    done < <(rows "$header")
done
exit "$bad"
