# SPDX-License-Identifier: Apache-2.0
"""configurations.py - what is compared on the road: groups of peers that hold the same rules or addresses and get the same packets."""
import peers

OURS_RULES = peers.Program("picket-bench-live", "rules")
OURS_PREFIXES = peers.Program("picket-bench-live", "prefixes")
LPM = peers.Program("picket-bench-peer", "lpm")


class Group:
    """`kind` and `source` as picket-bench-make has them; members: (row name, words, peer). `ours` is None for the floor."""

    def __init__(self, kind, source, count, ours, members):
        self.kind, self.source, self.count, self.ours, self.members = kind, source, count, ours, members
        self.list = self.trace = None


def size(count):
    return {1000000: "1M"}.get(count) or ("%dk" % (count // 1000) if count >= 1000 else str(count))


def linear(count, source):
    members = [("nft/linear-%s" % size(count), "nft, a rule a line", peers.Text(peers.nft_linear)),
               ("iptables/linear-%s" % size(count), "iptables, a rule a line", peers.Iptables(peers.iptables_linear))]
    return Group("rules", source, count, OURS_RULES, members)


def concatenated(count):
    return Group("disjoint", "-", count, OURS_RULES,
                 [("nft/concatenated-%s" % size(count), "nft, a concatenated interval set", peers.Text(peers.nft_concatenated))])


def listed(count, source):
    members = [("nft/interval-%s" % size(count), "nft, an interval set", peers.Text(peers.nft_interval)),
               ("ipset/hash-net-%s" % size(count), "ipset hash:net, from iptables", peers.Ipset(peers.ipset_list)),
               ("lpm-trie/drop-%s" % size(count), "XDP with the kernel's LPM trie", LPM)]
    if count > 100000:  # what nft cannot hold in a minute; the two left hold prefixes inside others, too
        return Group("nested", source, count, OURS_PREFIXES, members[2:])
    return Group("prefixes", source, count, OURS_PREFIXES, members)


def addresses(count):
    members = [("nft/hash-%s" % size(count), "nft, a hash set", peers.Text(peers.nft_hash)),
               ("nft/map-%s" % size(count), "nft, a verdict map", peers.Text(peers.nft_map)),
               ("xdp-filter/ipv4-%s" % size(count), "xdp-filter, denied sources", peers.XdpFilter())]
    return Group("prefixes", "random", count, OURS_PREFIXES, members)


def floor(source):
    return Group("rules", source, 1000, None, [
        ("floor/live/xdp-drop", "an XDP program that drops", peers.Program("picket-bench-peer", "drop")),
        ("floor/live/xdp-parse", "an XDP program that parses and drops", peers.Program("picket-bench-peer", "parse")),
        ("floor/live/nft-drop", "nft, one rule: drop", peers.Text(lambda path: peers.nft_table("drop")))])


def groups(is_small, rules, prefixes):
    """All, or one of each kind with few entries. rules, prefixes: a file or a name of the generators."""
    if is_small:
        return [floor(rules), linear(100, rules), concatenated(100), listed(200, prefixes), addresses(50)]
    return [floor(rules), linear(100, rules), linear(1000, rules), linear(10000, rules), concatenated(1000), concatenated(10000),
            listed(10000, prefixes), listed(100000, prefixes), listed(1000000, prefixes), addresses(10000)]
