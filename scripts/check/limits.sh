#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# limits.sh - docs/limits.md says what the headers say. A heading "### `file`" names the file; a row "| `NAME` | 65,536 ..."
# the limit. Limits of the headers in `complete` must all stand on the page.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
page=docs/limits.md
complete='base/limits.h bpf/fw_abi.h replica/replica.h mesh/core/core.h'
bad=0
say() {
    echo "$page: $*"
    bad=1
}

# The text behind "#define NAME", without comment, on one line.
define() {
    sed -e ':join' -e '/\\$/{N; s/\\\n//; b join' -e '}' "$2" | sed -nE "s|^#define +$1 +||p" | sed -E 's|/\*.*||' | head -1
}

# value NAME FILE: the number it stands for; names in it are looked up in the same file, then in limits.h and fw_abi.h.
value() {
    local text name file
    text=$(define "$1" "$2")
    for file in base/limits.h bpf/fw_abi.h; do
        [[ -n $text ]] || text=$(define "$1" "$file")
    done
    [[ -n $text ]] || return 1
    text=$(sed -E 's/\b([0-9]+)[uUlL]+\b/\1/g' <<<"$text")
    while [[ $text =~ [A-Z][A-Z0-9_]+ ]]; do
        name=${BASH_REMATCH[0]}
        text=${text//$name/$(value "$name" "$2")}
    done
    echo $((text))
}

file='' rows=0
while IFS= read -r line; do
    if [[ $line =~ ^'### `'([^\`]+)'`' ]]; then
        file=${BASH_REMATCH[1]}
        [[ -f $file ]] || say "there is no file $file"
    elif [[ $line =~ ^'| `'([A-Z0-9_]+)'` | '([0-9,]+) ]]; then
        name=${BASH_REMATCH[1]} told=${BASH_REMATCH[2]//,/}
        rows=$((rows + 1))
        is=$(value "$name" "$file") || is=missing
        [[ $told == "$is" ]] || say "$name is $is in $file, not $told"
    fi
done <"$page"
((rows > 0)) || say "there are no rows"

for file in $complete; do
    while read -r name; do
        grep -q "^| \`$name\` |" "$page" || say "$name of $file is missing"
    done < <(grep -oE '^#define +[A-Z0-9_]+_MAX\b' "$file" | awk '{ print $2 }')
done
exit "$bad"
