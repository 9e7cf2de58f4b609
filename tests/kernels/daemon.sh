#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# daemon.sh - inside the machine of scripts/kernels: the real daemon, one signed rule, real packets. The drop begins with
# the rule, stays when the daemon is killed and when it starts again, and ends with the rule.
set -u
PATH=/tests:/sbin:/bin
export PICKET_FLEET=/tmp/fleet
daemon=

die() {
    echo "[  FAILED  ] $*"
    [ -f /tmp/daemon.log ] && tail -20 /tmp/daemon.log
    exit 1
}
ok() { echo "[       OK ] $*"; }
# From the far end of the veth pair, and to the machine behind the emulated network card.
veth_passes() { ip netns exec far ping -c 1 -W 1 192.0.2.1 >/dev/null; }
card_passes() { ping -c 1 -W 1 10.0.2.2 >/dev/null; }
# until COMMAND: polls for up to 20 s.
until_true() {
    tries=0
    while ! "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.2
    done
}
veth_drops() { ! veth_passes; }
card_drops() { ! card_passes; }
is_filtered() { picket interfaces | grep "$1" | grep -q "$2"; }
answers() { picket status >/dev/null 2>&1; }
start() {
    picketd --config /tmp/picket.conf >>/tmp/daemon.log 2>&1 &
    daemon=$!
    until_true answers || die "the daemon does not answer"
}

ip netns add far || die "no network namespaces"
ip link add name near type veth peer name far0 netns far || die "no veth"
ip addr add 192.0.2.1/24 dev near
ip link set dev near up
ip -n far addr add 192.0.2.2/24 dev far0
ip -n far link set dev far0 up
ip -n far link set dev lo up
card=$(basename "$(dirname "$(ls -d /sys/class/net/*/device 2>/dev/null | head -1)")")
if [ "$card" != . ]; then
    ip addr add 10.0.2.15/24 dev "$card"
    ip link set dev "$card" up
fi
until_true veth_passes || die "the veth pair does not carry a ping"
[ "$card" = . ] || until_true card_passes || die "the network card does not carry a ping"

mkdir -p /run/picket /tmp/state
cat >/tmp/picket.conf <<CONF
state_dir = /tmp/state
run_dir = /run/picket
bpffs_dir = /sys/fs/bpf
listen = [::]:7425
advertise = 192.0.2.1:7425
CONF
picket fleet init kernels --person tester --dir /tmp/fleet >/dev/null || die "no fleet"
picket node invite n1 --fleet /tmp/fleet -o /tmp/invite >/dev/null || die "no invite"
picket node join /tmp/invite --state /tmp/state >/dev/null || die "the node does not join"
export PICKET_SOCKET=/run/picket/picketd.sock # from here on there is a daemon to ask
start
until_true is_filtered near tc || die "the veth end is not filtered at tc"
[ "$card" = . ] || until_true is_filtered "$card" native || die "the network card is not filtered natively"
picket interfaces
veth_passes || die "without a rule the ping does not pass"
ok a_daemon_filters_every_device_of_this_kernel

picket rule add "drop in icmp from any to any priority 100 name no-ping" || die "the rule is not taken"
until_true veth_drops || die "the rule does not drop on the veth pair"
[ "$card" = . ] || card_drops || die "the rule does not drop on the network card"
ok a_signed_rule_drops_real_packets

kill -9 "$daemon"
wait "$daemon" 2>/dev/null
veth_drops || die "a killed daemon lets packets pass on the veth pair"
[ "$card" = . ] || card_drops || die "a killed daemon lets packets pass on the network card"
ok the_drop_outlives_the_daemon

start
veth_drops || die "a daemon that starts again lets packets pass"
picket rule delete no-ping || die "the rule is not deleted"
until_true veth_passes || die "the deleted rule still drops on the veth pair"
[ "$card" = . ] || until_true card_passes || die "the deleted rule still drops on the network card"
ok without_the_rule_packets_pass_again

kill "$daemon"
wait "$daemon" 2>/dev/null
picketd --config /tmp/picket.conf --remove || die "picketd --remove failed"
[ ! -e /sys/fs/bpf/picket ] || die "picketd --remove left pins"
ok removing_leaves_nothing
