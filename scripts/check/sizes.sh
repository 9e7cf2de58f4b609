#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# sizes.sh - files and functions stay small: .c 800 lines, .h 200, a function 70. sizes.txt beside it lists
# what is over; its numbers may only fall. `sizes.sh --update` rewrites it after something shrank.
set -euo pipefail
cd "$(dirname "$0")/../.."
ratchet=scripts/check/sizes.txt
found=$(mktemp)
trap 'rm -f "$found"' EXIT

git ls-files -co --exclude-standard '*.c' '*.h' | while read -r file; do
    [[ -f $file ]] || continue
    lines=$(wc -l <"$file")
    max=800
    [[ $file == *.h ]] && max=200
    [[ $file == bpf/*.h ]] && max=800 # the kernel's programs are headers
    ((lines > max)) && echo "$file $lines"
    # A function body is what stands between '{' and '}' in column one.
    awk -v file="$file" '
        /^[a-z_].*[^;]$/ && /\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        /^\{/ { start = NR }
        /^\}/ { if (start && NR - start - 1 > 70) print file ":" name, NR - start - 1; start = 0 }' "$file"
done | sort >"$found"

if [[ ${1:-} == --update ]]; then
    cp "$found" "$ratchet"
    exit 0
fi
bad=0
while read -r what lines; do
    allowed=$(awk -v what="$what" '$1 == what { print $2 }' "$ratchet" 2>/dev/null || true)
    if [[ -z $allowed ]]; then
        echo "$what: $lines lines; split it"
        bad=1
    elif ((lines > allowed)); then
        echo "$what: grew from $allowed to $lines lines; it may only shrink"
        bad=1
    fi
done <"$found"
exit "$bad"
