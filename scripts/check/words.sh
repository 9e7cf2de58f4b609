#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# words.sh - words that say nothing in file and function names; promises and spelling in the text.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
bad=0
empty='util|utils|helper|helpers|common|misc|manager|handler|process|data|stuff'
files() { git ls-files -co --exclude-standard "$@"; }

while read -r file; do
    echo "$file: the file's name says nothing"
    bad=1
done < <(files | grep -E "(^|[/_.-])($empty)([/_.-]|$)" || true)

# Function definitions and declarations start in column one and hold a parenthesis.
while IFS= read -r hit; do
    echo "$hit: the function's name says nothing"
    bad=1
done < <(files '*.c' '*.h' | xargs -r grep -nHE "^[a-z].*[ *]([a-z0-9]+_)*($empty)(_[a-z0-9]+)*\(" | grep -vE '^[^:]+:[0-9]+:(typedef|extern)|common_name' || true)

while IFS= read -r hit; do
    echo "$hit: a promise instead of the thing"
    bad=1
done < <(files '*.c' '*.h' '*.proto' '*.sh' '*.py' '*.md' '*.txt' 'scripts/*' | grep -v '^scripts/check/words.sh$' |
    xargs -r grep -nHE '\b(TODO|FIXME|XXX)\b' || true)

if command -v codespell >/dev/null; then
    files '*.c' '*.h' '*.proto' '*.md' '*.sh' '*.py' | xargs -r codespell -q 3 -L 'ot,fo,te,hist,crate,ser,ans,inout,ro,nd,doub,operato,abd,caf,iif' || bad=1
fi
exit "$bad"
