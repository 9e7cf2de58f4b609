#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# headers.sh - every header compiles alone, says who may copy it, and is guarded.
# Usage: headers.sh BUILD_FOLDER (for the generated messages)
set -euo pipefail
build=$(realpath "${1:?usage: headers.sh BUILD_FOLDER}")
cd "$(dirname "$0")/../.."
bad=0
one() {
    local header=$1
    [[ $(head -1 "$header") == *SPDX-License-Identifier* ]] || echo "$header: the first line is no SPDX line"
    grep -q '^#pragma once' "$header" || echo "$header: no #pragma once"
    [[ $header == bpf/* ]] && return 0 # programs, compiled by their own rule
    echo "#include \"$header\"" |
        gcc -fsyntax-only -x c -std=gnu17 -D_GNU_SOURCE -iquote . -iquote "$build" -isystem "$build/proto" -Wall -Wextra -Werror - 2>&1 |
        sed "s|^|$header does not compile alone: |" | head -3
}
export -f one
export build
out=$(git ls-files -co --exclude-standard '*.h' | xargs -r -P "$(nproc)" -I{} bash -c 'one {}')
[[ -z $out ]] || {
    echo "$out"
    bad=1
}
while read -r file; do
    [[ $(head -1 "$file") == *SPDX-License-Identifier* ]] || {
        echo "$file: the first line is no SPDX line"
        bad=1
    }
done < <(git ls-files -co --exclude-standard '*.c' '*.proto')
exit "$bad"
