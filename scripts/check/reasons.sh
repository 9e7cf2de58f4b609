#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# reasons.sh - the tables of reasons in proto/README.md are those of the headers. A table follows a line "From `header`".
# `reasons.sh --update` writes the tables anew after a reason was added.
set -euo pipefail
cd "$(dirname "$0")/../.."
page=proto/README.md
headers='store/ledger/record.h rpc/trust.h mesh/core/reason.h bpf/fw_reasons.h'
bad=0

# X(NAME, "word", "sentence"), over one line or two.
rows() {
    grep -A1 -E '^ +X\([A-Z0-9_]+, *"' "$1" | tr -d '\n\\' | grep -oE 'X\([A-Z0-9_]+, *"[a-z0-9_]+", *"[^"]*"\)' |
        sed -E 's/X\([A-Z0-9_]+, *"([^"]*)", *"([^"]*)"\)/| `\1` | \2 |/'
}

# The page with the tables of today.
page_now() {
    local line in_table=no header=''
    while IFS= read -r line; do
        if [[ $line =~ ^'From `'([^\`]+)'`' ]]; then
            header=${BASH_REMATCH[1]}
        elif [[ -n $header && $line == '| `'* ]]; then
            [[ $in_table == yes ]] || rows "$header"
            in_table=yes
            continue
        elif [[ $in_table == yes ]]; then
            in_table=no header=''
        fi
        printf '%s\n' "$line"
    done <"$page"
}

for header in $headers; do
    (($(rows "$header" | wc -l) == $(grep -cE '^ +X\(' "$header"))) || {
        echo "$header has a reason that reasons.sh cannot read"
        bad=1
    }
    grep -q "^From \`$header\`" "$page" || {
        echo "$page has no table of $header"
        bad=1
    }
done
new=$(page_now)
if [[ ${1:-} == --update ]]; then
    printf '%s\n' "$new" >"$page"
elif ! diff <(printf '%s\n' "$new") "$page" >&2; then
    echo "$page does not have the reasons of the headers; run scripts/check/reasons.sh --update"
    bad=1
fi
exit "$bad"
