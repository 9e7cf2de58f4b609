#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A node that is cut off while rules are written, then healed, has the same records, state and compiled rules as the others; so
has one that joins late. Both sides of the cut are written to: by two operators, and by one operator whose command reaches both."""
import os

from lab import BUILD, Lab, wait_until

lab = Lab(4, "--no-join")
for node in (1, 2, 3):
    lab.verb("join", str(node))
for node in (1, 2, 3):
    lab.verb("start", str(node))
wait_until("three nodes agree", lambda: lab.agree((1, 2, 3)))

bob = os.path.join(lab.folder, "bob.key")
lab.picket(1, "trust", "grant", "operator", "bob", "--new-key", bob)
wait_until("n3 knows bob", lambda: "bob" in lab.picket(3, "trust", "list"))
lab.picket(1, "rule", "add", "drop in tcp to any port 9000 priority 900 name shared")
wait_until("n3 has the rule both will change", lambda: "shared" in lab.picket(3, "rule", "list"))

for other in ("1", "2"):
    lab.verb("cut", other, "3")
wait_until("the cut is noticed", lambda: lab.status(3)["peers"] == 0)

# Two operators, each on one side; both change the same rule.
for number in range(8):
    lab.picket(1, "rule", "add", "drop in tcp to any port %d priority %d name left%d" % (8000 + number, 100 + number, number))
    lab.picket(3, "rule", "add", "drop in udp to any port %d priority %d name right%d" % (7000 + number, 200 + number, number), "--operator", bob)
lab.picket(1, "rule", "delete", "shared")
lab.picket(3, "rule", "delete", "right0", "--operator", bob)

# One operator, one command, both sides: the same bytes, over TLS from a box that reaches both.
lab.run("host", os.path.join(BUILD, "picket"), "rule", "add", "drop in tcp to any port 6000 priority 300 name both",
        "--fleet", lab.fleet, "--node", lab.address(2) + ":7425", "--node", lab.address(3) + ":7425")
assert not lab.agree((1, 3)), "the cut does not cut"

for other in ("1", "2"):
    lab.verb("heal", other, "3")
took = wait_until("the healed node agrees with the others", lambda: lab.agree((1, 2, 3)), 60)
print("healed: equal records, state and compiled rules after %.1f s" % took)

lab.verb("join", "4")
lab.verb("start", "4")
took = wait_until("the node that joined late agrees", lab.agree, 60)
print("joined late: equal after %.1f s" % took)

for node in (1, 2, 3, 4):
    names = {rule["name"] for rule in lab.json(node, "rule", "list")["rules"]}
    wanted = {"left%d" % n for n in range(8)} | {"right%d" % n for n in range(1, 8)} | {"both"}
    assert names == wanted, "n%d has %s" % (node, sorted(names ^ wanted))
