#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A rule signed by an operator and written to node 1 drops real packets on nodes 2 and 3; deleted at node 3, traffic passes on all.
A device that appears later is protected without a restart, and a bridge port that leaves its bridge stays so."""
from lab import Lab, wait_until

lab = Lab(3)
lab.echo_everywhere()
NODES = (1, 2, 3)
KINDS = [(protocol, six) for protocol in ("udp", "tcp", "icmp") for six in (False, True)]


def lines(node):
    return [(protocol, None, lab.address(node, six)) for protocol, six in KINDS]


def all_pass(node):
    return all(lab.probe(lines(node)))


def all_drop(node):
    return not any(lab.probe(lines(node)))


for node in NODES:
    wait_until("n%d passes before any rule" % node, lambda: all_pass(node))

lab.picket(1, "rule", "add", "drop in tcp,udp to any port 4444 priority 100 name no-echo")
lab.picket(1, "rule", "add", "drop in icmp icmp-type 8 priority 110 name no-ping4")
lab.picket(1, "rule", "add", "drop in icmpv6 icmp-type 128 priority 120 name no-ping6")
for node in NODES:
    took = wait_until("n%d drops all that the rules of node 1 name" % node, lambda: all_drop(node))
    print("n%d enforces the rules written to node 1 (seen after %.1f s)" % (node, took))
assert lab.agree(), "roots and digests differ"

names = {rule["name"] for rule in lab.json(2, "rule", "list")["rules"]}
assert {"no-echo", "no-ping4", "no-ping6"} <= names, names
for name in ("no-echo", "no-ping4", "no-ping6"):
    lab.picket(3, "rule", "delete", name)
for node in NODES:
    took = wait_until("n%d passes again" % node, lambda: all_pass(node))
    print("n%d passes again after the deletion at node 3 (seen after %.1f s)" % (node, took))

# A device that appears while the daemon runs.
lab.run(2, "ip", "link", "add", "dev", "late0", "type", "veth", "peer", "name", "late1")


def interface(node, name):
    rows = [row for row in lab.json(node, "interfaces")["interfaces"] if row["name"] == name]
    return rows[0] if rows else {}


wait_until("late0 is protected without a restart", lambda: interface(2, "late0").get("protected"))
lab.run(2, "ip", "link", "add", "dev", "lan0", "type", "bridge")
lab.run(2, "ip", "link", "set", "dev", "late0", "master", "lan0")
lab.run(2, "ip", "link", "set", "dev", "late0", "nomaster")
wait_until("the kernel has late0's filter after it left its bridge",
           lambda: "fw_tc" in lab.run(2, "tc", "filter", "show", "dev", "late0", "ingress") or interface(2, "late0").get("mode") == "native")
assert interface(2, "late0").get("protected"), "a bridge port that leaves its bridge lost its protection"
print("a new device is protected, and stays so when it leaves its bridge")
