#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts survive a restart of the daemon, and are each rule's own. A box that comes back without its pins and whose rules are more
than it can hold lets its neighbours in all the same, and they repair it."""
import os
import subprocess

from lab import BUILD, PORT, Lab, wait_until

lab = Lab(2)
lab.echo_everywhere()


def packets(node, name):
    rows = [row for row in lab.json(node, "rule", "list")["rules"] if row["name"] == name]
    return int(rows[0]["packets"]) if rows else None


def drops(node):
    return not any(lab.probe([("udp", None, lab.address(node))]))


lab.picket(1, "rule", "add", "drop in sctp priority 90 name first")
lab.picket(1, "rule", "add", "drop in udp to any port %d priority 100 name echo" % PORT)
wait_until("n1 drops", lambda: drops(1))
wait_until("n1 has counted what it dropped", lambda: packets(1, "echo"))
lab.picket(1, "rule", "delete", "first")
wait_until("n1 has done so", lambda: packets(1, "first") is None)
before = packets(1, "echo")
lab.verb("stop", "1")
lab.verb("start", "1")
wait_until("n1 enforces", lambda: lab.status(1)["enforcing"] == "yes")
wait_until("the count of before stands after a restart", lambda: (packets(1, "echo") or 0) >= before)
lab.picket(1, "rule", "add", "drop in gre priority 80 name second")
wait_until("the new rule is in force", lambda: packets(1, "second") is not None)
assert packets(1, "second") == 0, packets(1, "second")
print("after a restart a rule goes on from what it had counted, and a new one begins at zero")

many = ",".join(str(port) for port in range(10001, 10129, 2))
lab.picket(1, "rule", "add", "log in udp from any port %s to any port %s priority 200 name wide" % (many, many))
wait_until("n2 cannot hold that", lambda: lab.status(2)["enforcing"] == "cannot_enforce")
assert drops(2), "the last generation stays"
lab.verb("stop", "2")
subprocess.run(lab.inside(2, os.path.join(BUILD, "picketd"), "--remove", "--config", lab.path(2, "picket.conf")), check=True)
lab.verb("start", "2")
wait_until("n2 has the lifeline only", lambda: lab.status(2)["enforcing"] == "cannot_enforce" and drops(2))
# Node 1 forgets what it has open, so it has to come in by the mesh port.
lab.verb("stop", "1")
lab.verb("start", "1")
lab.picket(1, "rule", "delete", "wide")
took = wait_until("n2 hears of the deletion and enforces again", lambda: lab.status(2)["enforcing"] == "yes")
assert drops(2)
print("a box without a generation was repaired by its neighbour after %.1f s" % took)
