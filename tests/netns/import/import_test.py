# SPDX-License-Identifier: Apache-2.0
"""
Verdicts of imported rules equal those of the firewall they came from.

The lines of a dump that were imported are loaded into a namespace with iptables-restore or nft; frames
go in over a veth; a last chain notes the IP id of each that got past the rules. The host build of the
packet path decides the same frames by the imported rules. Frames: at the boundaries of each rule, and
from captures. No frame belongs to a known flow, so rules for known flows match nothing and "state new"
is taken out; fragments are left out (netfilter reassembles). What the kernel itself drops before the
rules is found with an empty ruleset and left out, too.
"""
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dumps  # noqa: E402

OWN = "192.0.2.1"
FRAMES_MAX = 400
PROBE = """table ip probe {
    set seen { typeof ip id; size 65535; flags dynamic; }
    chain i { type filter hook input priority 1000; add @seen { ip id } drop; }
    chain f { type filter hook forward priority 1000; add @seen { ip id } drop; }
}
"""


def number(address):
    return struct.unpack("!I", socket.inet_aton(address))[0]


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data[:len(data) & ~1])) + (data[-1] << 8 if len(data) & 1 else 0)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ip_packet(source, target, protocol, payload, dscp=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, dscp << 2, 20 + len(payload), 0, 0, 64, protocol, 0,
                       struct.pack("!I", source), struct.pack("!I", target))
    return head + payload


ETHERTYPE = b"\x08\x00"


def whole(packet):
    """Without what a frame has behind it."""
    return packet[:struct.unpack("!H", packet[2:4])[0]]


def mark_of(packet):
    return struct.unpack("!H", packet[4:6])[0]


def with_mark(packet, ident):
    """The packet under this IP id, its header sum right."""
    size = (packet[0] & 15) * 4
    head = packet[:4] + struct.pack("!H", ident) + packet[6:10] + b"\0\0" + packet[12:size]
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + packet[size:]


class Rule:
    """What a rule's line names, for choosing packets near it."""

    def __init__(self, text):
        def words(pattern):
            found = re.search(pattern, text)
            return found.group(1).split(",") if found else []
        self.source = words(r" from (?:not )?(\d[\d./,]+)")
        self.target = words(r" to (?:not )?(\d[\d./,]+)")
        self.sport = words(r" sport ([\d,-]+)")
        self.dport = words(r" dport ([\d,-]+)")
        self.protocol = words(r" proto ([a-z0-9,-]+)")
        self.icmp = words(r" icmp-type ([\d/,]+)")
        self.is_self = " to self" in text


PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "sctp": 132, "gre": 47, "esp": 50, "ah": 51, "igmp": 2, "ospf": 89, "vrrp": 112}


def near_address(pick, prefixes, other):
    if not prefixes:
        return number(other)
    address, _, length = pick.choice(prefixes).partition("/")
    size = 1 << (32 - int(length or 32))
    return (number(address) + pick.choice([0, size - 1, size // 2, -1, size])) & 0xffffffff


def near_port(pick, ranges):
    if not ranges:
        return pick.choice([0, 1, 22, 53, 80, 443, 1023, 1024, 33434, 65535])
    ends = pick.choice(ranges).split("-")
    return min(65535, max(0, pick.choice([int(ends[0]), int(ends[-1]), int(ends[0]) - 1, int(ends[-1]) + 1])))


def near_packet(pick, rule):
    protocols = [PROTOCOLS.get(p) or (int(p) if p.isdigit() else 6) for p in rule.protocol] or [6, 17, 1, 47]
    protocol = pick.choice(protocols) if pick.random() < 0.9 else pick.choice([6, 17, 1])
    target = number(OWN) if rule.is_self and pick.random() < 0.9 else near_address(pick, rule.target, "203.0.113.9")
    source = near_address(pick, rule.source, "198.18.%d.%d" % (pick.randrange(1, 255), pick.randrange(1, 255)))
    ports = struct.pack("!HH", near_port(pick, rule.sport), near_port(pick, rule.dport))
    if protocol == 6:
        payload = ports + struct.pack("!IIBBHHH", 1, 0, 0x50, 0x02, 1000, 0, 0)
        total = checksum(struct.pack("!IIBBH", source, target, 0, 6, len(payload)) + payload)
        payload = payload[:16] + struct.pack("!H", total) + payload[18:]
    elif protocol == 17:
        payload = ports + struct.pack("!HH", 12, 0) + b"abcd"
    elif protocol == 1:
        kind = pick.choice(rule.icmp) if rule.icmp else "8"
        payload = struct.pack("!BBHI", int(kind.split("/")[0]), int((kind.split("/") + ["0"])[1]), 0, pick.randrange(1 << 32))
        payload = payload[:2] + struct.pack("!H", checksum(payload)) + payload[4:]
    elif protocol == 132:
        payload = ports + bytes(16)
    else:
        payload = bytes(24)
    return ip_packet(source, target, protocol, payload)


def is_plain(packet):
    """IPv4, whole, no fragment, short enough; TCP only as an opening, ICMP only as a question."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[0] & 15 != 5 or len(packet) > 1400:
        return False
    total, fragment = struct.unpack("!H", packet[2:4])[0], struct.unpack("!H", packet[6:8])[0] & 0x3fff
    if total != len(packet) or fragment:
        return False
    if packet[9] == 6 and packet[16] >= 224:
        return False  # there is no TCP to multicast; it is not imported for it
    return not ((packet[9] == 6 and packet[33] & 0x17 != 2) or (packet[9] == 1 and packet[20] not in (8, 13)))


def captured(family):
    """Plain packets of a family from the captures, a few of each."""
    folder = dumps.find_data("pcap")
    for name in sorted(os.listdir(folder)) if folder else []:
        data = open(os.path.join(folder, name), "rb").read(3_000_000)
        if data[:4] != b"\xd4\xc3\xb2\xa1" or struct.unpack("<I", data[20:24])[0] != 1:
            continue
        at, taken = 24, 0
        while at + 16 <= len(data) and taken < 12:
            size = struct.unpack("<I", data[at + 8:at + 12])[0]
            frame = data[at + 16:at + 16 + size]
            at += 16 + size
            if len(frame) > 34 and frame[12:14] == family.ETHERTYPE:
                packet = family.whole(frame[14:])
                if family.is_plain(packet):
                    taken += 1
                    yield packet


class Box:
    """A namespace: eth0 where frames come in, away where they would leave."""
    RESTORE, PROBE, ETHERTYPE = "iptables-restore", PROBE, ETHERTYPE

    def __init__(self):
        self.name = "picket-import-%d" % os.getpid()
        self.out = "pi%d" % os.getpid()
        self.run("ip netns add " + self.name)
        self.run("ip link add %s type veth peer name eth0 netns %s" % (self.out, self.name))
        self.run("ip link set %s up" % self.out)
        for words in ("ip link set lo up", "ip link set eth0 up", "ip addr add 192.0.2.1/32 dev eth0",
                      "ip link add away type veth peer name beyond", "ip link set away arp off up", "ip link set beyond up",
                      "ip route add default dev away",
                      "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth0.rp_filter=0"):
            self.inside(words)
        self.mac = json.loads(self.inside("ip -j link show eth0"))[0]["address"]
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((self.out, 0))

    @staticmethod
    def run(words, text=None):
        return subprocess.run(words.split(), input=text, capture_output=True, text=True, check=True, timeout=30).stdout

    def inside(self, words, text=None):
        return self.run("ip netns exec %s %s" % (self.name, words), text)

    def down(self):
        self.socket.close()
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

    def load(self, form, text):
        if form == "nft":
            self.inside("nft -f -", "flush ruleset\n" + text + "\n" + self.PROBE)
        else:
            self.inside("nft flush ruleset")
            self.inside(self.RESTORE, text)
            self.inside("nft -f -", self.PROBE)
        # Sums of captured packets are not all right; connection tracking would call those invalid.
        subprocess.run(["ip", "netns", "exec", self.name, "sysctl", "-qw", "net.netfilter.nf_conntrack_checksum=0"],
                       capture_output=True, check=False)

    def frame(self, packet):
        return bytes.fromhex(self.mac.replace(":", "")) + b"\x02\0\0\0\0\x01" + self.ETHERTYPE + packet

    def passed(self, packets):
        """Which of them the rules let pass, by their marks."""
        for packet in packets:
            self.socket.send(self.frame(packet))
        self.inside("true")
        return self.seen()

    def seen(self):
        elements = json.loads(self.inside("nft -j list set ip probe seen"))["nftables"][1]["set"].get("elem", [])
        return {int(e) for e in elements}


# What real dumps have little of.
MADE = [("iptables-save", "made/returns", b"""*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
:C - [0:0]
-A INPUT -p tcp -j A
-A INPUT ! -i eth1 -p udp -m udp --dport 1000:2000 -j B
-A INPUT -s 198.18.0.0/16 -p tcp -m tcp --dport 80:90 -j ACCEPT
-A INPUT -p icmp -m icmp ! --icmp-type 13 -j ACCEPT
-A FORWARD -p tcp -m multiport --ports 22,8000:8010 -j C
-A FORWARD ! -s 198.18.0.0/16 -g B
-A FORWARD -p udp -m udp ! --dport 53 -j DROP
-A A -s 198.18.0.0/17 -j RETURN
-A A -p tcp -m tcp --dport 22 -j ACCEPT
-A A ! -s 198.18.128.0/18 -j B
-A A -p tcp -m tcp ! --tcp-flags SYN,RST,ACK SYN -j DROP
-A B -m iprange --src-range 198.18.130.7-198.18.133.9 -j RETURN
-A B -p udp -m udp --dport 1500 -j DROP
-A B -p udp -j ACCEPT
-A B -d 203.0.113.0/28 -j ACCEPT
-A C ! -i eth0 -j ACCEPT
-A C -i eth+ -d 203.0.113.8/29 -j RETURN
-A C -j DROP
COMMIT
"""), ("nft", "made/maps", b"""table inet t {
	set bad {
		type ipv4_addr
		flags interval
		elements = { 198.18.3.0/24, 198.18.10.1-198.18.40.9, 203.0.113.77 }
	}
	set ports {
		type inet_service
		flags interval
		elements = { 22, 80-90, 443 }
	}
	map dev {
		type ifname : verdict
		elements = { "eth0" : jump outside, "eth1" : accept }
	}
	chain i {
		type filter hook input priority filter; policy drop;
		iifname vmap @dev
		tcp dport vmap { 1-10 : accept, 22 : drop, 80 : jump web, 443 : goto web }
		ip saddr . udp dport { 198.18.50.0/24 . 53, 198.18.51.1 . 100-200 } accept
		icmp type { echo-request, timestamp-request } ip saddr != @bad accept
		meta l4proto { tcp, udp } th dport 53 jump {
			ip saddr 198.18.128.0/17 return
			ip daddr 192.0.2.1 accept
		}
		udp dport != @ports accept
	}
	chain outside {
		ip saddr @bad drop
		ip saddr 198.18.200.0/21 return
		tcp dport @ports tcp flags & (fin | syn | rst | ack) == syn accept
		udp sport 0-1023 drop
	}
	chain web {
		ip saddr & 0.0.0.0 == 1.1.1.1 drop
		ip saddr 198.18.64.0/18 accept
		tcp sport 1024-65535 return
		drop
	}
	chain f {
		type filter hook forward priority filter; policy accept;
		ip daddr { 203.0.113.0/29, 203.0.113.16-203.0.113.40 } ip protocol != tcp drop
		tcp flags ! syn drop
		ip dscp { cs1, ef } drop
		iifname != "eth1" ip daddr 203.0.113.9 goto web
		ip daddr 203.0.113.0/24 ip saddr @bad counter drop
	}
}
""")]


def kept_lines(form, text, remarks):
    """The dump without what was refused: the filter table alone, or what nft can still read."""
    lines, gone, table = text.decode(errors="replace").replace("\r", "").split("\n"), dumps.refused_lines(remarks), ""
    kept = []
    for at, line in enumerate(lines, 1):
        if form != "nft" and line.startswith("*"):
            table = line.strip()
        if at in gone and not (form == "nft" and line.count("{") != line.count("}")):
            continue
        if re.search(r"--limit .*-j ACCEPT|limit rate .* accept", line):
            continue  # a rate is no verdict on one frame
        if re.search(r"type (nat|route) hook|hook (prerouting|postrouting)", line):
            continue  # its rules are refused
        if form == "nft" or table == "*filter":
            kept.append(line)
    return "\n".join(kept) + "\n"


def decide(folder, rules, frames):
    with open(os.path.join(folder, "rules"), "w") as file:
        for rule in rules:
            if " state established" not in rule and not rule.startswith("limit "):
                file.write(rule.replace(" state new", "") + "\n")
    with open(os.path.join(folder, "frames"), "wb") as file:
        for frame in frames:
            file.write(struct.pack("!H", len(frame)) + frame)
    done = subprocess.run([os.path.join(dumps.BUILD, "import-decide"), file.name.replace("frames", "rules"), file.name],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def packets_for(family, rules):
    pick = random.Random(1)
    parsed = [family.Rule(r) for r in rules if not r.startswith("set ")]
    made = [family.near_packet(pick, rule) for rule in parsed for _ in range(6)]
    made = pick.sample(made, min(len(made), FRAMES_MAX - 100))
    made += list(captured(family))[:FRAMES_MAX - len(made)]
    return [family.with_mark(packet, at + 1) for at, packet in enumerate(made) if family.is_plain(packet)]


def compare(family, box, folder, form, name, text):
    """(frames compared, of them dropped), or None if the dump cannot be loaded here."""
    _, yaml, remarks = dumps.run_import(form, text)
    rules = dumps.rule_texts(yaml)
    if "defaults:" in yaml:
        rules.append("drop in name rest priority 65535")
    rules = [re.sub(r' name "[^"]*"', " priority %d" % at, rule) if " name " in rule and "priority" not in rule else rule
             for at, rule in enumerate(rules)]
    rules = [rule for rule in rules if " out" not in rule.split(" proto")[0][:12]]
    packets = packets_for(family, rules)
    box.load("nft", "")
    reached = box.passed(packets)
    try:
        box.load(form, kept_lines(form, text, remarks))
    except subprocess.CalledProcessError as error:
        print("  %s cannot be loaded here: %s" % (name, error.stderr.strip().split("\n")[0][:150]))
        return None
    theirs = box.passed(packets)
    ours = decide(folder, rules, [box.frame(p) for p in packets])
    count = drops = 0
    for packet, letter in zip(packets, ours):
        mark = family.mark_of(packet)
        if mark not in reached or letter == "?":
            continue
        count += 1
        drops += letter == "d"
        assert (letter == "p") == (mark in theirs), "%s: Picket %s, netfilter %s: %s" % (
            name, letter, "passes" if mark in theirs else "drops", packet.hex())
    return count, drops


NAMES = re.compile(r"netnet__(?!tum|configs_sns|blog)|ipt-save-filter|wireless|hairpin=true,internal=false,icc=.*gwm=(nat,bindlh=true|routed,bindlh=false)__|"
                   r"sample-ruleset|comments_chains|merge_vmap|optionals")


def needs(*tools):
    """The folder of dumps; skips the test where something is missing."""
    folder = dumps.find_data("firewall")
    if os.geteuid():
        dumps.skip("needs root, for network namespaces")
    if not folder:
        dumps.skip("no test data here (PICKET_DATA): firewall/")
    for tool in tools:
        if not shutil.which(tool):
            dumps.skip("needs the tool " + tool)
    return folder


def compare_all(family, every, least):
    """family: a module, this one or import6_test."""
    box, sums = family.Box(), [0, 0, 0]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            for form, name, text in every:
                found = compare(family, box, scratch, form, name, text)
                if found:
                    print("  %s: %d frames, %d dropped" % (name, *found))
                    sums = [sums[0] + 1, sums[1] + found[0], sums[2] + found[1]]
    finally:
        box.down()
    print("%d dumps, %d verdicts equal, %d of them drops" % tuple(sums))
    assert sums[0] > least and sums[2] > 100, "too little was compared"


def main():
    folder = needs("nft", "iptables-restore")
    compare_all(sys.modules[__name__], MADE + [dump for dump in dumps.all_dumps(folder) if NAMES.search(dump[1])], 10)


if __name__ == "__main__":
    main()
