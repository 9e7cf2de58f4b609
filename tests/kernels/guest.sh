#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# guest.sh - the first and only program of the machine that scripts/kernels boots: runs the tests that lie in /tests,
# then the real daemon, and says the one line that counts as a pass. Everything goes to the serial line.
export PATH=/tests:/sbin:/bin HOME=/root PICKET_DATA=/data
failed=0
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
mkdir -p /run/netns /dev/net
mount -t bpf bpf /sys/fs/bpf
echo "kernel: $(uname -r)"
while read -r module; do
    insmod "/modules/$module.ko" 2>/tmp/why || echo "module: $module: $(cat /tmp/why)"
done </modules/order
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
ip link set dev lo up
sysctl -qw kernel.panic_on_oops=1 net.core.bpf_jit_enable=1

# run NAME COMMAND...: its output as it is, then one line of counts.
run() {
    name=$1
    shift
    started=$(cut -d' ' -f1 /proc/uptime)
    timeout 400 "$@" >/tmp/out 2>&1
    code=$?
    cat /tmp/out
    good=$(grep -c '^\[       OK' /tmp/out)
    bad=$(grep -c '^\[  FAILED' /tmp/out)
    skipped=$(sed -n 's/^\[  SKIPPED \] \([a-z_][a-z_0-9]*\).*/\1/p' /tmp/out | sort -u | tr '\n' ' ')
    [ "$code" = 0 ] || failed=1
    [ "$code" != 0 ] || [ "$bad" = 0 ] || failed=1
    echo "result: $name exit=$code passed=$good skipped=$skipped from=$started to=$(cut -d' ' -f1 /proc/uptime)"
}

for test in $(cat /tests/order); do
    run "$test" "/tests/test_$test"
done
run daemon /bin/sh /tests/daemon.sh

if dmesg | grep -E 'BUG:|Oops|WARNING:|Call Trace|rcu.*stall|general protection'; then
    echo "the kernel complained: the lines above"
    failed=1
fi
[ "$failed" = 0 ] && echo "PICKET KERNEL PASS" || echo "PICKET KERNEL FAIL"
poweroff -f
