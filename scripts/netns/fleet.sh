# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # lab, build and prefix are set by scripts/lab
# fleet.sh - a fleet of real daemons in the lab's namespaces. Sourced by scripts/lab.

picket() { "$build/picket" "$@"; }

# One bpffs a node, mounted outside the daemon: `ip netns exec` hides the machine's own, and one mounted by the
# daemon in its mount namespace would die with it.
prepare_node() {
    local i=$1 home=$lab/n$1
    mkdir -p "$home"/{state,run,bpf}
    mount -t bpf bpf "$home/bpf"
    cat >"$home/picket.conf" <<CONF
state_dir = $home/state
run_dir = $home/run
bpffs_dir = $home/bpf
listen = [::]:7425
advertise = $(node_address "$i"):7425
keepalive_ms = ${PICKET_LAB_KEEPALIVE_MS:-300}
silence_ms = ${PICKET_LAB_SILENCE_MS:-2000}
metrics_port = 9100
CONF
}

join_node() {
    local i=$1 peers=() j
    for ((j = 1; j <= $(cat "$lab/count"); j++)); do
        ((j == i)) || peers+=(--peer "$(node_address "$j"):7425")
    done
    picket node invite "n$i" --fleet "$lab/fleet" --label "node=n$i" "${peers[@]}" -o "$lab/n$i/invite" >/dev/null
    picket node join "$lab/n$i/invite" --state "$lab/n$i/state" >/dev/null
}

start_node() {
    local i=$1 home=$lab/n$1
    ip netns exec "$(ns "n$i")" setsid "$build/picketd" --config "$home/picket.conf" >>"$home/log" 2>&1 </dev/null &
    echo $! >"$home/pid"
    disown
}

# A process that has ended may wait a while for its parent to notice: that is not running.
is_alive() { kill -0 "$1" 2>/dev/null && [[ $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) != Z ]]; }
node_is_running() { [[ -s $lab/n$1/pid ]] && is_alive "$(cat "$lab/n$1/pid")"; }

# wait_node I: its local socket answers.
wait_node() {
    local try
    for ((try = 0; try < 200; try++)); do
        picket status --socket "$lab/n$1/run/picketd.sock" >/dev/null 2>&1 && return 0
        node_is_running "$1" || break
        sleep 0.05
    done
    echo "lab: n$1 does not answer; the end of its log:" >&2
    tail -5 "$lab/n$1/log" >&2
    return 1
}

# stop_node I [SIGNAL]: by the pid this lab started, never by name.
stop_node() {
    local pid try
    node_is_running "$1" || return 0
    pid=$(cat "$lab/n$1/pid")
    kill "-${2:-TERM}" "$pid"
    for ((try = 0; try < 100; try++)); do
        is_alive "$pid" || break
        sleep 0.02
    done
    is_alive "$pid" && kill -KILL "$pid"
    rm -f "$lab/n$1/pid"
}
