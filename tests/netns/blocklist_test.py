#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real blocklist imported at node 2: packets from 50 listed sources drop on every node, from 50 unlisted ones pass."""
import ipaddress
import random
import sys

from lab import Lab, find_data, wait_until

SAMPLES = 50
chosen = random.Random(2026)


def own_list():
    """Without the test data: 20,000 addresses and networks, made here."""
    networks = set()
    while len(networks) < 20000:
        length = chosen.choice((24, 28, 32, 32, 32))
        networks.add(ipaddress.ip_network((chosen.randrange(0x0B000000, 0xDF000000) >> (32 - length) << (32 - length), length)))
    return "".join("%s\n" % network for network in networks)


def usable(address):
    return address.is_global and not address.is_multicast


def sample(text):
    """Listed and unlisted addresses; an unlisted one is in no network of the list."""
    networks = [ipaddress.ip_network(line.split()[0]) for line in text.splitlines() if line.strip() and line[0] != "#"]
    listed = [n.network_address + chosen.randrange(n.num_addresses) for n in chosen.sample(networks, SAMPLES * 2)]
    listed = [str(a) for a in listed if usable(a)][:SAMPLES]
    by_length = {}
    for n in networks:
        by_length.setdefault(n.prefixlen, set()).add(int(n.network_address))

    def is_listed(number):
        return any(number >> (32 - length) << (32 - length) in starts for length, starts in by_length.items())

    unlisted = []
    while len(unlisted) < SAMPLES:
        number = chosen.randrange(0x01000000, 0xDF000000)
        if usable(ipaddress.ip_address(number)) and not is_listed(number):
            unlisted.append(str(ipaddress.ip_address(number)))
    assert len(listed) == SAMPLES
    return listed, unlisted


def main():
    path = find_data("prefixes/ipsum2026_level3.txt")
    lab = Lab(3)
    if path:
        text = open(path).read()
    else:
        text = own_list()
        path = lab.path(1, "blocklist.txt")
        open(path, "w").write(text)
    print("list:", "the test data's ipsum level 3" if "ipsum" in path else "made here", len(text.splitlines()), "lines")
    listed, unlisted = sample(text)
    lab.host_addresses(listed + unlisted)
    lab.echo_everywhere()
    for node in (1, 2, 3):
        wait_until("n%d answers before" % node, lambda: all(lab.probe([("udp", s, lab.address(node)) for s in listed + unlisted])))

    lab.picket(2, "set", "import", "bad", path, "--kind", "ban")
    lab.picket(2, "rule", "add", "drop in from @bad priority 50 name blocklist")
    for node in (1, 2, 3):
        took = wait_until("n%d drops the listed sources" % node, lambda: not any(lab.probe([("udp", s, lab.address(node)) for s in listed])))
        passed = lab.probe([("udp", s, lab.address(node)) for s in unlisted])
        assert all(passed), "n%d drops unlisted sources: %s" % (node, [s for s, p in zip(unlisted, passed) if not p])
        print("n%d: %d listed sources drop, %d unlisted pass (%.1f s)" % (node, len(listed), len(unlisted), took))
    assert lab.agree(), "roots and digests differ"


sys.exit(main())
