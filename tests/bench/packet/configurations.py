# SPDX-License-Identifier: Apache-2.0
"""configurations.py - what is compared on the road: groups of peers that hold the same rules or addresses and get the same packets."""
import peers

OURS_RULES = peers.Program("picket-bench-live", "rules")
OURS_PREFIXES = peers.Program("picket-bench-live", "prefixes")
LPM = peers.Program("picket-bench-peer", "lpm")


class Group:
    """`kind` and `source` as picket-bench-make has them; members: (row name, words, peer). `ours` is None for the floor.
    has_changes: what loading, replacing and adding takes is compared here, too."""

    def __init__(self, kind, source, count, ours, members, family=4, has_changes=False):
        self.kind, self.source, self.count, self.ours, self.members = kind, source, count, ours, members
        self.family, self.has_changes = family, has_changes
        self.list = self.trace = self.change_times = None


def size(count):
    return {1000000: "1M"}.get(count) or ("%dk" % (count // 1000) if count >= 1000 else str(count))


def nft_linear(count, infix=""):
    return "nft/linear-%s%s" % (infix, size(count)), "nft, a rule a line", peers.Text(peers.nft_linear)


def iptables_linear(count):
    return "iptables/linear-%s" % size(count), "iptables, a rule a line", peers.Iptables(peers.iptables_linear)


def nft_concatenated(count):
    return "nft/concatenated-%s" % size(count), "nft, a concatenated interval set", peers.Text(peers.nft_concatenated)


def nft_interval(count, infix=""):
    return "nft/interval-%s%s" % (infix, size(count)), "nft, an interval set", peers.Text(peers.nft_interval)


def ipset(count, infix=""):
    return "ipset/hash-net-%s%s" % (infix, size(count)), "ipset hash:net, from iptables", peers.Ipset(peers.ipset_list)


def lpm(count, infix=""):
    return "lpm-trie/drop-%s%s" % (infix, size(count)), "XDP with the kernel's LPM trie", LPM


def of_addresses(count):
    return [("nft/hash-%s" % size(count), "nft, a hash set", peers.Text(peers.nft_hash)),
            ("nft/map-%s" % size(count), "nft, a verdict map", peers.Text(peers.nft_map)),
            ("xdp-filter/ipv4-%s" % size(count), "xdp-filter, denied sources", peers.XdpFilter())]


def linear(count, source):
    return Group("rules", source, count, OURS_RULES, [nft_linear(count), iptables_linear(count)], has_changes=True)


def linear_v6(count):
    return Group("rules", "acl", count, OURS_RULES, [nft_linear(count, "v6-")], 6)


def concatenated(count):
    return Group("disjoint", "-", count, OURS_RULES, [nft_concatenated(count)])


def listed(count, source):
    if count > 100000:  # what nft cannot hold in a minute; the peer left holds prefixes inside others, too
        return Group("nested", source, count, OURS_PREFIXES, [lpm(count)], has_changes=True)
    return Group("prefixes", source, count, OURS_PREFIXES, [nft_interval(count), ipset(count), lpm(count)], has_changes=True)


def listed_v6(count):
    return Group("prefixes", "blocklist", count, OURS_PREFIXES, [nft_interval(count, "v6-"), ipset(count, "v6-"), lpm(count, "v6-")], 6)


def addresses(count):
    return Group("prefixes", "random", count, OURS_PREFIXES, of_addresses(count))


def floor(source):
    return Group("rules", source, 1000, None, [
        ("floor/live/xdp-drop", "an XDP program that drops", peers.Program("picket-bench-peer", "drop")),
        ("floor/live/xdp-parse", "an XDP program that parses and drops", peers.Program("picket-bench-peer", "parse")),
        ("floor/live/nft-drop", "nft, one rule: drop", peers.Text(lambda path: peers.nft_table("drop")))])


def small(rules):
    """One of each kind of row, with few entries. Ours is verified anew for each group, which is most of the time: they are few."""
    return [floor(rules),
            Group("disjoint", "-", 50, OURS_RULES, [nft_linear(50), iptables_linear(50), nft_concatenated(50)], has_changes=True),
            Group("prefixes", "random", 50, OURS_PREFIXES, [nft_interval(50), ipset(50), lpm(50)] + of_addresses(50), has_changes=True),
            Group("prefixes", "blocklist", 50, OURS_PREFIXES, [nft_linear(50, "v6-"), nft_interval(50, "v6-"), ipset(50, "v6-"), lpm(50, "v6-")], 6)]


def groups(rules, prefixes, largest):
    """rules, prefixes: a file or a name of the generators."""
    every = [floor(rules), linear(100, rules), linear(1000, rules), linear(10000, rules), linear_v6(100), linear_v6(1000), linear_v6(10000),
             concatenated(1000), concatenated(10000), listed(10000, prefixes), listed(100000, prefixes), listed(1000000, prefixes),
             listed_v6(10000), listed_v6(100000), addresses(10000)]
    return [group for group in every if not largest or group.count <= largest or not group.ours]
