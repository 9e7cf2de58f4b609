#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# page.sh FOLDER ROW... - the page of scripts/kernels, from the serial lines that it kept in FOLDER. A row is
# "NAME VERDICT SECONDS RELEASE" or "NAME skipped".
set -euo pipefail
folder=$1
shift

# count NAME PROGRAM: the verifier's count where CPUs have counters of their own; in brackets where they share them.
count() {
    awk -v p="$2" '$1 == "verified" && $2 == p { n++; c[n] = $3 }
        END { if (n == 0) print "-"; else if (n == 1) print c[1]; else print c[1] " (" c[2] ")" }' "$folder/$1.log"
}
# result NAME TEST: how many of its tests passed, and in how many seconds of the machine's own time.
result() {
    awk -v t="$2" '$1 == "result:" && $2 == t {
        for (i = 3; i <= NF; i++) { n = split($i, kv, "="); if (n == 2) v[kv[1]] = kv[2] }
        printf "%s%s, %.0f s", v["exit"] == 0 ? "" : "FAIL: ", v["passed"], v["to"] - v["from"]; found = 1 }
        END { if (!found) printf "-" }' "$folder/$1.log"
}

cat <<PAGE
# Kernels

* date: $(date +%Y-%m-%d)
* machine: $(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, shared, Linux $(uname -r | cut -d- -f1); the kernels run in qemu $(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p' | head -1) without KVM (TCG, one CPU)
* command: \`scripts/kernels --markdown docs/figures/kernels.md\`

Debian's kernels (cloud flavour, amd64), each booted with the release build in its first file system. Times are for orientation: an
emulated CPU is many times slower than a real one.

| kernel | release | verdict | seconds |
|---|---|---|---|
PAGE
for row in "$@"; do
    read -r name verdict took release <<<"$row"
    echo "| $name | ${release:--} | $verdict | ${took:--} |"
done

cat <<'PAGE'

## Verified instructions

What the verifier looked at, of at most 1,000,000. In brackets: where there are more CPUs than shards of counters and the programs add
atomically.

PAGE
echo "| kernel | fw_xdp_entry | fw_tc_entry | fw_xdp_parse | fw_xdp_verdict4 | fw_xdp_verdict6 | fw_tc_parse | fw_tc_verdict4 | fw_tc_verdict6 |"
echo "|---|---|---|---|---|---|---|---|---|"
for row in "$@"; do
    name=${row%% *}
    [[ -f $folder/$name.log ]] || continue
    echo -n "| $name |"
    for program in fw_xdp_entry fw_tc_entry fw_xdp_parse fw_xdp_verdict4 fw_xdp_verdict6 fw_tc_parse fw_tc_verdict4 fw_tc_verdict6; do echo -n " $(count "$name" $program) |"; done
    echo
done

cat <<'PAGE'

## What ran inside

Tests passed, and the seconds they took there. `decide`: every packet of the table, generated frames and captures through
`BPF_PROG_TEST_RUN` for XDP and tc, the answer compared with the host's build of the same lines. `links`, `datapath*`: netlink, hooks, pins, generations,
flips and kills on veth pairs (tc, and native XDP forced) and tap devices. `daemon`: `picketd` filters a veth end at tc and a virtio network card by native
XDP; a signed rule drops real packets, goes on when the daemon is killed with -9 and when it starts again, and ends with the rule.

PAGE
tests=$(sed -n 's/^result: \([a-z_0-9]*\) .*/\1/p' "$folder"/*.log | awk '!seen[$0]++' | tr '\n' ' ')
echo "| kernel | ${tests// / | }"
echo "|---|$(sed 's/[a-z_0-9]* /---|/g' <<<"$tests")"
for row in "$@"; do
    name=${row%% *}
    [[ -f $folder/$name.log ]] || continue
    echo -n "| $name |"
    for test in $tests; do echo -n " $(result "$name" "$test") |"; done
    echo
done
echo
for row in "$@"; do
    name=${row%% *}
    [[ -f $folder/$name.log ]] || continue
    sed -n 's/^result: \([a-z_0-9]*\) .*skipped=\(.*[a-z]\)  *from=.*/* '"$name"': `\1` skipped `\2`/p' "$folder/$name.log"
done
