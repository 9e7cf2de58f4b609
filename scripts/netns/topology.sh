# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # lab, build and prefix are set by scripts/lab
# topology.sh - namespaces and links of the lab. Sourced by scripts/lab.
#
# Every name starts with $prefix, every file lies below $lab; nothing else is touched.
#   bridge   node I has 10.77.0.I/24 and fd77::I/64 on one switch; the host (plain Linux, no daemon) has .254 and ::fe
#   line     host - n1 - n2 - ... ; node I answers on 10.78.0.I and fd78::I, every node routes

ns() { echo "$prefix-$1"; }
in_ns() { ip netns exec "$(ns "$1")" "${@:2}"; }

# node_address I [6]: where node I is reached.
node_address() {
    local net=77.0
    local net6=fd77::
    [[ $(cat "$lab/topology") == line ]] && net=78.0 net6=fd78::
    if [[ ${2:-4} == 6 ]]; then
        printf '%s%x\n' "$net6" "$1"
    else
        echo "10.$net.$1"
    fi
}

make_ns() {
    ip netns add "$(ns "$1")"
    in_ns "$1" ip link set lo up
    # Addresses are usable at once: the lab has no duplicates to detect.
    in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0
}

# join_ns A DEV B DEV: a veth pair between two namespaces, up.
join_ns() {
    ip link add dev "$2" netns "$(ns "$1")" type veth peer name "$4" netns "$(ns "$3")"
    ip -n "$(ns "$1")" link set dev "$2" up
    ip -n "$(ns "$3")" link set dev "$4" up
}

build_bridge() {
    local i hex
    make_ns sw
    ip -n "$(ns sw)" link add dev br0 type bridge forward_delay 0
    ip -n "$(ns sw)" link set dev br0 up
    make_ns host
    join_ns host eth0 sw port0
    ip -n "$(ns sw)" link set dev port0 master br0
    ip -n "$(ns host)" addr add 10.77.0.254/24 dev eth0
    ip -n "$(ns host)" addr add fd77::fe/64 dev eth0 nodad
    for ((i = 1; i <= $1; i++)); do
        hex=$(printf '%x' "$i")
        make_ns "n$i"
        join_ns "n$i" eth0 sw "port$i"
        ip -n "$(ns sw)" link set dev "port$i" master br0
        ip -n "$(ns "n$i")" addr add "10.77.0.$i/24" dev eth0
        ip -n "$(ns "n$i")" addr add "fd77::$hex/64" dev eth0 nodad
        ip -n "$(ns "n$i")" route add default via 10.77.0.254
        ip -n "$(ns "n$i")" -6 route add default via fd77::fe
    done
}

build_line() {
    local i j hex left
    make_ns host
    for ((i = 1; i <= $1; i++)); do
        hex=$(printf '%x' "$i")
        make_ns "n$i"
        in_ns "n$i" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
        ip -n "$(ns "n$i")" addr add "10.78.0.$i/32" dev lo
        ip -n "$(ns "n$i")" addr add "fd78::$hex/128" dev lo
        # Link number i - 1 joins node i to its left neighbour.
        left=n$((i - 1))
        ((i == 1)) && left=host
        join_ns "$left" right "n$i" left
        ip -n "$(ns "$left")" addr add "10.77.$((i - 1)).1/24" dev right
        ip -n "$(ns "n$i")" addr add "10.77.$((i - 1)).2/24" dev left
        ip -n "$(ns "$left")" addr add "fd77:$(printf '%x' $((i - 1)))::1/64" dev right nodad
        ip -n "$(ns "n$i")" addr add "fd77:$(printf '%x' $((i - 1)))::2/64" dev left nodad
    done
    ip -n "$(ns host)" route add 10.78.0.0/24 via 10.77.0.2
    ip -n "$(ns host)" -6 route add fd78::/64 via fd77:0::2
    for ((i = 1; i <= $1; i++)); do
        ip -n "$(ns "n$i")" route add default via "10.77.$((i - 1)).1" src "10.78.0.$i"
        ip -n "$(ns "n$i")" -6 route add default via "fd77:$(printf '%x' $((i - 1)))::1" src "fd78::$(printf '%x' "$i")"
        for ((j = i + 1; j <= $1; j++)); do
            ip -n "$(ns "n$i")" route add "10.78.0.$j/32" via "10.77.$i.2" src "10.78.0.$i"
            ip -n "$(ns "n$i")" -6 route add "fd78::$(printf '%x' "$j")/128" via "fd77:$(printf '%x' "$i")::2" src "fd78::$(printf '%x' "$i")"
        done
    done
}

# cut A B / heal A B: nothing passes between two nodes, in either direction and without a reset: both route into a hole.
cut_one() {
    ip -n "$(ns "n$1")" route "$3" blackhole "$(node_address "$2")/32" metric 1
    ip -n "$(ns "n$1")" -6 route "$3" blackhole "$(node_address "$2" 6)/128" metric 1
}

remove_topology() {
    local name
    while read -r name _; do
        [[ $name == "$prefix"-* ]] && ip netns del "$name"
    done < <(ip netns list)
    return 0
}
