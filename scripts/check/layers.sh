#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# layers.sh - the dependency drawing in ARCHITECTURE.md, enforced from the includes.
# Includes are written from the root, so an edge is a path prefix.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

edges='
base          base
proto         proto base
bpf           bpf
store/ledger  store/ledger store/keys proto base
store/keys    store/keys base
store/db      store/db store/ledger store/keys proto base
store/verify  store proto base
rpc           rpc proto base
mesh/core     mesh/core proto base
mesh/stream   mesh rpc proto base
replica       replica mesh/core store/ledger store/keys proto base
node/compile  node/compile bpf store/ledger proto base
node          node mesh replica rpc store bpf proto base
cli           cli rpc store/ledger store/keys proto base
'
# A foreign header has one home.
homes='
<grpc/            rpc
<openssl/         rpc
<sodium           store/keys
<sqlite3.h>       store/db
<yaml.h>          cli/text
<jansson.h>       cli
<bpf/bpf_         bpf
<bpf/libbpf       node/datapath
<netlink/         node/links
<linux/rtnetlink  node/links
'
bad=0
say() { echo "$*"; bad=1; }
includes() {
    grep -rnE --exclude-dir=build --include='*.[ch]' "^[[:space:]]*#[[:space:]]*include[[:space:]]+$2" "$1" 2>/dev/null || true
}

while read -r layer may; do
    [[ -n $layer ]] || continue
    while IFS=: read -r file line text; do
        [[ -n $file ]] || continue
        # The nearest row decides: node/compile is stricter than node.
        [[ $layer == node && $file == node/compile/* ]] && continue
        to=${text#*\"}
        to=${to%%\"*}
        ok=0
        for prefix in $may; do [[ $to == "$prefix"/* ]] && ok=1; done
        ((ok)) || say "$file:$line: $layer must not include \"$to\""
    done < <(includes "$layer" '"')
done <<<"$edges"

while read -r header home; do
    [[ -n $header ]] || continue
    while IFS=: read -r file line _; do
        [[ -n $file && $file != "$home"/* ]] && say "$file:$line: only $home/ may include $header"
    done < <(includes . "$header" | sed 's|^\./||' | grep -v '^tests/' || true)
done <<<"$homes"

# Pure folders are functions. These headers are doors to the outside.
while IFS=: read -r file line text; do
    [[ -n $file ]] && say "$file:$line: a pure folder does no I/O and reads no clock: $text"
done < <(for pure in mesh/core replica store/ledger node/compile; do
    includes "$pure" '<(time|unistd|stdio|pthread|sys/|netinet/|poll)'
done)

exit "$bad"
