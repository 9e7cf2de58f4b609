#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# map.sh - every `path:symbol` and every `path/` named in ARCHITECTURE.md and the READMEs must exist.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
bad=0
while IFS=: read -r path symbol; do
    grep -qw -- "$symbol" "$path" 2>/dev/null || {
        echo "ARCHITECTURE.md names $path:$symbol, which is gone"
        bad=1
    }
done < <(grep -oE '`[a-z_./0-9]+\.[a-z.]+:[a-z_0-9]+`' ARCHITECTURE.md | tr -d '`')
while read -r file path; do
    [[ -e $path || -e $(dirname "$file")/$path ]] || {
        echo "$file names $path, which is gone"
        bad=1
    }
done < <(grep -oHE '`(base|bpf|cli|docs|mesh|node|proto|replica|rpc|scripts|store|tests)/[A-Za-z_./0-9-]*`' README.md ARCHITECTURE.md HACKING.md |
    sed 's/:`/ /; s/`$//' | sort -u)
exit "$bad"
