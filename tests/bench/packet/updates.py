# SPDX-License-Identifier: Apache-2.0
"""updates.py - what a change costs the peers and ours: all loaded, all replaced, one added."""
import statistics
import time

import configurations
import peers
import road

ONE_RULE = "ip saddr 203.0.113.7 udp dport 7777 drop"


def timed(work, *arguments, **named):
    start = time.perf_counter()
    work(*arguments, **named)
    return (time.perf_counter() - start) * 1e3


def nft(text):
    return timed(road.in_wall, "nft", "-f", "-", feed=text)


def exec_ms():
    """What entering the namespace takes, which all commands' times contain."""
    return min(timed(road.in_wall, "true") for _ in range(5))


def nft_rules(path):
    text = peers.nft_linear(path)
    load = nft(text)
    replace = nft("delete table ip bench\n" + text)
    add = nft("add rule ip bench bench %s\n" % ONE_RULE)
    nft("delete table ip bench\n")
    return {"load": load, "replace": replace, "add-one": add}


def nft_set(path):
    text = peers.nft_interval(path)
    load = nft(text)
    content = text[text.index("elements = {") + len("elements = "):text.index("}") + 1]
    replace = nft("flush set ip bench listed\nadd element ip bench listed %s\n" % content)
    add = nft("add element ip bench listed { 0.0.7.7 }\n")
    nft("delete table ip bench\n")
    return {"set-load": load, "set-replace": replace, "set-add-one": add}


def ipset(path):
    first = timed(road.in_wall, "ipset", "restore", feed=peers.ipset_list(path))
    second = timed(road.in_wall, "ipset", "restore", feed=peers.ipset_list(path, "next"))
    swap = timed(road.in_wall, "ipset", "swap", "listed", "next")
    add = timed(road.in_wall, "ipset", "add", "listed", "0.0.7.7")
    road.in_wall("ipset", "destroy")
    return {"restore": min(first, second), "swap": swap, "add-one": add}


def lpm(path):
    program = peers.Program("picket-bench-peer", "lpm")
    program.start(path)
    ms = float(program.child.ready[1])
    program.stop()
    return {"load": ms}


def ours(child, rounds):
    """Of a program that runs: the first time (programs are verified), and a replacement by one item more or less: compile + fill + flip.
    The first replacement is no example: it loads the second room, which takes turns with the first from then on."""
    first = sum(map(float, child.ready[1:]))
    replaced = [sum(map(float, child.ask("replace"))) for _ in range(rounds + 1 if rounds else 0)]
    return {"load": first, "replace": statistics.median(replaced[1:] or [first])}


def compared(name, count, our, theirs, words):
    """Rows: ours beside theirs. Adding one takes us a replacement at most."""
    rows = []
    for what, ms in theirs.items():
        value = None if our is None else our["load" if what.endswith("load") and name != "lpm-trie" else "replace"]
        rows.append({"name": "peer/%s/%s/%s" % (name, what, configurations.size(count)), "value": value, "unit": "ms",
                     "peer": "%s, %s" % (words, what), "peer_value": ms})
    return rows


def rows(groups):
    """Of the groups that have changes, with what ours took while it ran there."""
    result = []
    for group in sorted((group for group in groups if group.has_changes), key=lambda group: (group.ours.words[0], group.count)):
        our, count, path = group.change_times, group.count, group.list
        if group.ours.words[0] == "rules":
            result += compared("nft", count, our, nft_rules(path), "nft -f of as many rules")
            continue
        if count <= 100000:
            result += compared("nft", count, our, nft_set(path), "nft interval set")
        if peers.is_here(peers.Ipset(None)):
            result += compared("ipset", count, our, ipset(path), "ipset hash:net")
        result += compared("lpm-trie", count, our, lpm(path), "LPM trie, batches")
    result.append({"name": "floor/live/netns-exec", "value": exec_ms(), "unit": "ms", "peer": None, "peer_value": None})
    return result
