# SPDX-License-Identifier: Apache-2.0
"""updates.py - what a change costs the peers and ours: all loaded, all replaced, one added."""
import os
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


def ours(kind, path):
    """The first time (programs are verified), and a replacement by one item more or less: compile + fill + flip."""
    program = peers.Program("picket-bench-live", kind)
    program.start(path)
    try:
        first = sum(map(float, program.child.ready[1:]))
        replace = min(sum(map(float, program.child.ask("replace"))) for _ in range(3))
    finally:
        program.stop()
    return {"load": first, "replace": replace}


def compared(name, count, our, theirs, words):
    """Rows: ours beside theirs. Adding one takes us a replacement at most."""
    rows = []
    for what, ms in theirs.items():
        value = None if our is None else our["load" if what.endswith("load") and name != "lpm-trie" else "replace"]
        rows.append({"name": "peer/%s/%s/%s" % (name, what, configurations.size(count)), "value": value, "unit": "ms",
                     "peer": "%s, %s" % (words, what), "peer_value": ms})
    return rows


def rows(is_small, files):
    """files: {("rules" or "prefixes", count): path}, as the comparison on the road has them."""
    result = []
    for (kind, count), path in sorted(files.items()):
        if not os.path.exists(path):
            continue
        try:
            our = ours(kind, path)
        except road.Failed as error:
            print("packet:", error, flush=True)
            our = None
        if kind == "rules":
            result += compared("nft", count, our, nft_rules(path), "nft -f of as many rules")
            continue
        if count <= 100000:
            result += compared("nft", count, our, nft_set(path), "nft interval set")
        if peers.is_here(peers.Ipset(None)):
            result += compared("ipset", count, our, ipset(path), "ipset hash:net")
        result += compared("lpm-trie", count, our, lpm(path), "LPM trie, batches")
    result.append({"name": "floor/live/netns-exec", "value": exec_ms(), "unit": "ms", "peer": None, "peer_value": None})
    return result
