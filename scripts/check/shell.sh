#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shell.sh - shellcheck agrees with every script.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -co --exclude-standard | while read -r file; do
    [[ -f $file ]] || continue
    case $file in
    *.sh) echo "$file" ;;
    *.*) ;;
    *) head -c 32 "$file" | grep -aq '^#!.*sh' && echo "$file" ;;
    esac
done | xargs -r shellcheck -S warning -x
