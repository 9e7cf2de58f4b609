# SPDX-License-Identifier: Apache-2.0
"""peers.py - rules and lists in the words of nftables, iptables, ipset and xdp-filter, and how each is put in place and taken away."""
import shutil
import subprocess

import road

PROTOCOLS = {6: "tcp", 17: "udp"}


def read_rules(path):
    """ClassBench lines as (source, target, (first, last) source ports, (first, last) target ports, protocol or None). A line of
    a list is a rule of that source."""
    rules = []
    for line in open(path):
        if not line.startswith("@"):
            prefix = line.strip()
            rules.append((prefix, "::/0" if ":" in prefix else "0.0.0.0/0", (0, 65535), (0, 65535), None))
            continue
        source, target, source_ports, target_ports, protocol = line.strip().lstrip("@").split("\t")[:5]
        ports = [tuple(int(word) for word in text.split(":")) for text in (source_ports, target_ports)]
        number, mask = (int(word, 16) for word in protocol.split("/"))
        rules.append((source, target, ports[0], ports[1], number if mask else None))
    return rules


def read_list(path):
    return open(path).read().split()


def family_of(prefix):
    """As nft calls it."""
    return "ip6" if ":" in prefix else "ip"


def span(ports, between):
    return str(ports[0]) if ports[0] == ports[1] else "%d%s%d" % (ports[0], between, ports[1])


def nft_rule(rule, verdict="drop"):
    source, target, source_ports, target_ports, protocol = rule
    words = []
    for name, prefix in (("saddr", source), ("daddr", target)):
        if not prefix.endswith("/0"):
            words.append("%s %s %s" % (family_of(prefix), name, prefix))
    if protocol is not None:
        words.append("meta l4proto %d" % protocol)
    for name, ports in (("sport", source_ports), ("dport", target_ports)):
        if ports != (0, 65535):
            words.append("th %s %s" % (name, span(ports, "-")))
    return " ".join(words + [verdict])


def nft_table(body, sets="", family="ip"):
    text = "table %s bench {\n%s\nchain bench {\ntype filter hook prerouting priority -300;\n%s\n}\n}\n"
    return text % (family, sets, body)


def nft_linear(path):
    rules = read_rules(path)
    return nft_table("\n".join(map(nft_rule, rules)), family=family_of(rules[0][0]))


def nft_set_text(kind, flags, elements, body, family="ip"):
    content = "elements = { %s }" % ", ".join(elements)
    return nft_table(body, "set listed {\ntype %s; %s\n%s\n}" % (kind, flags, content), family)


def nft_concatenated(path):
    elements = ["%s . %s . %d . %s" % (rule[0], rule[1], rule[4], span(rule[3], "-")) for rule in read_rules(path)]
    return nft_set_text("ipv4_addr . ipv4_addr . inet_proto . inet_service", "flags interval;", elements,
                        "ip saddr . ip daddr . meta l4proto . th dport @listed drop")


def nft_interval(path):
    prefixes = read_list(path)
    family = family_of(prefixes[0])
    return nft_set_text("ipv6_addr" if family == "ip6" else "ipv4_addr", "flags interval;", prefixes,
                        "%s saddr @listed drop" % family, family)


def nft_hash(path):
    return nft_set_text("ipv4_addr", "", [word.split("/")[0] for word in read_list(path)], "ip saddr @listed drop")


def nft_map(path):
    elements = ", ".join("%s : drop" % word.split("/")[0] for word in read_list(path))
    return nft_table("ip saddr vmap @listed", "map listed {\ntype ipv4_addr : verdict;\nelements = { %s }\n}" % elements)


def iptables_linear(path):
    lines = ["*raw", ":PREROUTING ACCEPT"]
    for source, target, source_ports, target_ports, protocol in read_rules(path):
        words = ["-A PREROUTING -s %s -d %s" % (source, target)]
        if protocol is not None:
            words.append("-p %d" % protocol)
        if protocol in PROTOCOLS:
            for name, ports in (("--sport", source_ports), ("--dport", target_ports)):
                if ports != (0, 65535):
                    words.append("%s %s" % (name, span(ports, ":")))
        lines.append(" ".join(words + ["-j DROP"]))
    return "\n".join(lines + ["COMMIT", ""])


def ipset_list(path, name="listed"):
    prefixes = read_list(path)
    size = max(2 * len(prefixes), 1024)
    family = "inet6" if family_of(prefixes[0]) == "ip6" else "inet"
    return "\n".join(["create %s hash:net family %s maxelem %d" % (name, family, size)] + ["add %s %s" % (name, word) for word in prefixes] + [""])


class Text:
    """A peer that is a text for a command; the text is made once."""
    needs = "nft"

    def __init__(self, make):
        self.make, self.text = make, None

    def start(self, path):
        self.text = self.text or self.make(path)
        self.load()

    def load(self):
        road.in_wall("nft", "-f", "-", feed=self.text)

    def stop(self):
        road.in_wall("nft", "delete", "table", self.text.split()[1], "bench")


class Iptables(Text):
    needs = "iptables-legacy-restore"

    def load(self):
        road.in_wall("iptables-legacy-restore", feed=self.text)

    def stop(self):
        road.in_wall("iptables-legacy", "-t", "raw", "-F")


class Ipset(Text):
    needs = "ipset"

    def load(self):
        road.in_wall("ipset", "restore", feed=self.text)
        road.in_wall(self.command(), "-t", "raw", "-A", "PREROUTING", "-m", "set", "--match-set", "listed", "src", "-j", "DROP")

    def command(self):
        return "ip6tables-legacy" if " inet6 " in self.text else "iptables-legacy"

    def stop(self):
        road.in_wall(self.command(), "-t", "raw", "-F")
        road.in_wall("ipset", "destroy")


class XdpFilter:
    """Filled through its map: its own command takes milliseconds an address. That it drops is seen on the road."""
    needs = "xdp-filter"
    MAP = "/sys/fs/bpf/xdp-filter/filter_ipv4"

    def start(self, path):
        """Its maps are pinned in a bpffs that only the mount namespace of this shell has."""
        batch = path + ".batch"
        with open(batch, "w") as file:
            for word in read_list(path):
                key = " ".join("%02x" % int(part) for part in word.split("/")[0].split("."))
                file.write("map update pinned %s key hex %s value hex 01 00 00 00 00 00 00 00\n" % (self.MAP, key))
        script = """mount -t bpf bpf /sys/fs/bpf
            xdp-filter load -m native -f ipv4 -p allow "$1" >/dev/null
            PATH=$PATH:/usr/sbin bpftool batch file "$2" >/dev/null
            echo ready
            cat >/dev/null
            xdp-filter unload "$1" >/dev/null"""
        self.child = road.Resident("ip", "netns", "exec", road.WALL, "sh", "-ec", script, "xdp-filter", road.WALL_DEVICE, batch)

    def stop(self):
        self.child.end()


class Program:
    """A program of ours or the bench's that holds what it attached while it runs."""
    needs = None

    def __init__(self, name, *words):
        self.name, self.words = name, words

    def start(self, path):
        words = self.words + ((path,) if path else ())
        self.child = road.Resident("ip", "netns", "exec", road.WALL, road.program(self.name), road.WALL_DEVICE, *words)

    def stop(self):
        self.child.end()


def is_here(peer):
    return peer.needs is None or shutil.which(peer.needs) is not None


def flush():
    """Whatever a failed peer left behind."""
    for command in (("nft", "delete", "table", "ip", "bench"), ("nft", "delete", "table", "ip6", "bench"), ("iptables-legacy", "-t", "raw", "-F"),
                    ("ip6tables-legacy", "-t", "raw", "-F"), ("ipset", "destroy")):
        if shutil.which(command[0]):
            subprocess.run(("ip", "netns", "exec", road.WALL) + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
