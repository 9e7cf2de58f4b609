#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# planted.sh - the checks find what is planted: a crossed layer, a foreign header, a clock in a pure folder, a gone symbol.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
toy=$(mktemp -d)
trap 'rm -rf "$toy"' EXIT
mkdir -p "$toy"/{base,mesh/core,store/ledger,store/db,node,cli}
cd "$toy"
echo '#include "store/ledger/ledger.h"' >mesh/core/crossed.c
echo '#include <sqlite3.h>' >cli/foreign.c
echo '#include <time.h>' >store/ledger/clock.c
echo 'The packet enters at `node/main.c:node_start` and lives in `node/gone/`.' >ARCHITECTURE.md
touch README.md HACKING.md node/main.c

out=$("$top/scripts/check/layers.sh" "$toy" 2>&1) && { echo "layers.sh accepted the planted includes"; exit 1; }
for want in mesh/core/crossed.c cli/foreign.c store/ledger/clock.c; do
    grep -q "$want" <<<"$out" || { echo "layers.sh missed $want"; exit 1; }
done
out=$("$top/scripts/check/map.sh" "$toy" 2>&1) && { echo "map.sh accepted the planted names"; exit 1; }
grep -q node_start <<<"$out" || { echo "map.sh missed the gone symbol"; exit 1; }
grep -q node/gone <<<"$out" || { echo "map.sh missed the gone folder"; exit 1; }
