# SPDX-License-Identifier: Apache-2.0
"""
Verdicts of imported IPv6 rules equal those of ip6tables and nftables.

As import_test.py does it for IPv4. A frame is known again by its flow label, as IPv6 has no packet id;
neighbour discovery is left out, as both let it pass by rules of their own.
"""
import ipaddress
import os
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dumps  # noqa: E402
import import_test as four  # noqa: E402

OWN = "2001:db8::1"
MASK = (1 << 128) - 1
PROTOCOLS = dict(four.PROTOCOLS, **{"icmpv6": 58, "ipv6-icmp": 58, "icmp": 58})
PROBE = """table ip6 probe {
    set seen { type inet_service; size 65535; flags dynamic; }
    chain i { type filter hook input priority 1000; add @seen { @nh,16,16 } drop; }
    chain f { type filter hook forward priority 1000; add @seen { @nh,16,16 } drop; }
}
"""


def number(address):
    return int(ipaddress.IPv6Address(address))


def pseudo_sum(packet, protocol, payload):
    return four.checksum(packet[8:40] + struct.pack("!IBBBB", len(payload), 0, 0, 0, protocol) + payload)


def packet_of(source, target, protocol, payload):
    head = struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source.to_bytes(16, "big") + target.to_bytes(16, "big")
    at = {6: 16, 17: 6, 58: 2}.get(protocol)
    if at is not None:
        payload = payload[:at] + struct.pack("!H", pseudo_sum(head, protocol, payload) or 0xffff) + payload[at + 2:]
    return head + payload


ETHERTYPE = b"\x86\xdd"


def whole(packet):
    return packet[:40 + struct.unpack("!H", packet[4:6])[0]]


def mark_of(packet):
    return struct.unpack("!I", packet[:4])[0] & 0xfffff


def with_mark(packet, label):
    return struct.pack("!I", struct.unpack("!I", packet[:4])[0] & 0xfff00000 | label) + packet[4:]


class Rule(four.Rule):
    def __init__(self, text):
        super().__init__(text)
        six = r"((?:[0-9a-f]*:[0-9a-f:.]*(?:/\d+)?,?)+)"
        self.source = [p for found in re.findall(r" from (?:not )?" + six, text) for p in found.split(",") if p]
        self.target = [p for found in re.findall(r" to (?:not )?" + six, text) for p in found.split(",") if p]
        self.icmp = [p for found in re.findall(r" icmp-type ([\d/,]+)", text) for p in found.split(",")]


def near_address(pick, prefixes, other):
    if not prefixes:
        return number(other)
    address, _, length = pick.choice(prefixes).partition("/")
    size = 1 << (128 - int(length or 128))
    return (number(address) + pick.choice([0, size - 1, size // 2, -1, size])) & MASK


def near_packet(pick, rule):
    protocols = [PROTOCOLS.get(p) or (int(p) if p.isdigit() else 6) for p in rule.protocol] or [6, 17, 58, 47]
    protocol = pick.choice(protocols) if pick.random() < 0.9 else pick.choice([6, 17, 58])
    target = number(OWN) if rule.is_self and pick.random() < 0.9 else near_address(pick, rule.target, "2001:db8:beef::9")
    source = near_address(pick, rule.source, "2001:db8:%x::%x" % (pick.randrange(1, 65536), pick.randrange(1, 65536)))
    ports = struct.pack("!HH", four.near_port(pick, rule.sport), four.near_port(pick, rule.dport))
    if protocol == 6:
        payload = ports + struct.pack("!IIBBHHH", 1, 0, 0x50, 0x02, 1000, 0, 0)
    elif protocol == 17:
        payload = ports + struct.pack("!HH", 12, 0) + b"abcd"
    elif protocol == 58:
        kind = (pick.choice(rule.icmp) if rule.icmp else "128").split("/")
        payload = struct.pack("!BBHI", int(kind[0]) & 255, int((kind + ["0"])[1]), 0, pick.randrange(1 << 32))
    elif protocol == 132:
        payload = ports + bytes(16)
    else:
        payload = bytes(24)
    return packet_of(source, target, protocol, payload)


def is_plain(packet):
    """IPv6 without extension headers, short enough; TCP only as an opening, ICMPv6 only as a question."""
    if len(packet) < 48 or packet[0] >> 4 != 6 or len(packet) > 1400 or packet[6] in (0, 43, 44, 51, 59, 60, 135):
        return False
    if struct.unpack("!H", packet[4:6])[0] + 40 != len(packet):
        return False
    if packet[6] == 6:
        return len(packet) >= 60 and packet[24] != 255 and packet[53] & 0x17 == 2
    return packet[6] != 58 or packet[40] in (128, 139)


class Box(four.Box):
    RESTORE, PROBE, ETHERTYPE = "ip6tables-restore", PROBE, ETHERTYPE

    def __init__(self):
        super().__init__()
        for words in ("sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.eth0.accept_dad=0", "ip -6 addr add %s/128 dev eth0 nodad" % OWN,
                      "ip -6 route add default dev away"):
            self.inside(words)

    def seen(self):
        found = re.search(r"elements = \{(.*?)\}", self.inside("nft -n list set ip6 probe seen"), re.S)
        return {int(e, 0) for e in found.group(1).replace(",", " ").split()} if found else set()


MADE = [("ip6tables-save", "made/chains", b"""*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
-A INPUT -p tcp -j A
-A INPUT ! -i eth1 -p udp -m udp --dport 1000:2000 -j B
-A INPUT -s 2001:db8:1::/48 -p tcp -m tcp --dport 80:90 -j ACCEPT
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
-A FORWARD -p tcp -m multiport --ports 22,8000:8010 -j B
-A FORWARD ! -s 2001:db8:2::/48 -g B
-A FORWARD -p udp -m udp ! --dport 53 -j DROP
-A FORWARD -d 2001:db8:beef::/49 -j DROP
-A A -s 2001:db8:1:8000::/49 -j RETURN
-A A -p tcp -m tcp --dport 22 -j ACCEPT
-A A ! -s 2001:db8:1:4000::/50 -j B
-A B -m iprange --src-range 2001:db8:3::7-2001:db8:3::1:9 -j RETURN
-A B -p udp -m udp --dport 1500 -j DROP
-A B -p udp -j ACCEPT
-A B -d 2001:db8:beef::/125 -j ACCEPT
-A B -d 2001:db8:beef::8/125 -i eth+ -j RETURN
-A B -p 47 -j DROP
COMMIT
"""), ("nft", "made/inet", b"""table inet t {
	set bad {
		type ipv6_addr
		flags interval
		elements = { 2001:db8:3::/48, 2001:db8:10::-2001:db8:12::3, 2001:db8:77::77 }
	}
	chain i {
		type filter hook input priority filter; policy drop;
		tcp dport vmap { 1-10 : accept, 22 : drop, 80 : jump web, 443 : goto web }
		ip6 saddr . udp dport { 2001:db8:50::/64 . 53, 2001:db8:51::1 . 100-200 } accept
		icmpv6 type { echo-request, 139 } ip6 saddr != @bad accept
		meta l4proto { tcp, udp } th dport 53 jump {
			ip6 saddr 2001:db8:8000::/33 return
			ip6 daddr 2001:db8::1 accept
		}
		ip saddr 198.18.0.0/15 accept
		udp dport != 22-90 accept
	}
	chain web {
		ip6 saddr 2001:db8:4000::/34 accept
		tcp sport 1024-65535 return
		drop
	}
	chain f {
		type filter hook forward priority filter; policy accept;
		ip6 daddr { 2001:db8:beef::/125, 2001:db8:beef::10-2001:db8:beef::40 } ip6 nexthdr != tcp drop
		meta nfproto ipv4 drop
		meta nfproto ipv6 udp dport 53 ip6 saddr != 2001:db8:8000::/33 drop
		ip6 daddr 2001:db8:beef::/64 ip6 saddr @bad counter drop
	}
}
"""), ("nft", "made/ip6", b"""table ip6 t {
	chain f {
		type filter hook forward priority filter; policy drop;
		ip6 saddr fe80::/10 drop
		ip6 saddr 2000::/3 tcp dport { 22, 80-90 } accept
		ip6 daddr 2001:db8:beef::9 udp sport 1024-65535 accept
		meta l4proto ipv6-icmp icmpv6 type echo-request accept
		meta l4proto 47 ip6 saddr 2001:db8::/33 accept
	}
}
""")]


def six_dumps(folder):
    """What speaks of IPv6; iptables' own dumps say it by the file's name."""
    for form, name, text in dumps.all_dumps(folder):
        if form == "nft" and re.search(rb"table (inet|ip6) ", text) and re.search(rb"hook (input|forward)", text):
            yield form, name, text
        elif form == "iptables-save" and "ip6" in name:
            yield "ip6tables-save", name, text


def main():
    folder = four.needs("nft", "ip6tables-restore")
    if not socket.has_ipv6:
        dumps.skip("needs IPv6")
    four.compare_all(sys.modules[__name__], MADE + list(six_dumps(folder))[:60], 5)


if __name__ == "__main__":
    main()
