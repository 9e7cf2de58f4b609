#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who is refused at the door, and why: an invite used twice, one past its join_by, a stranger of another fleet. Each is refused with
its own reason, counted, and changes nothing."""
import os
import shutil
import subprocess
import time

from lab import BUILD, Lab, wait_until

lab = Lab(4, "--no-join")
lab.verb("join", "1")
lab.verb("start", "1")
lab.verb("join", "2")
lab.verb("start", "2")
wait_until("n1 and n2 agree", lambda: lab.status(1)["peers"] == 1 and lab.agree((1, 2)))
peers = ["--peer", "%s:7425" % lab.address(1), "--peer", "%s:7425" % lab.address(2)]


def offline(*words):
    subprocess.run([os.path.join(BUILD, "picket"), *words], check=True, stdout=subprocess.DEVNULL)


def refused(node, reason):
    return lab.metrics(node)['picket_tls_refused_total{reason="%s"}' % reason]


def nobody_came():
    assert lab.status(1)["peers"] == 1 and lab.status(2)["peers"] == 1, "a stranger became a neighbour"


before = lab.status(1)["state_root"]
offline("node", "join", lab.path(2, "invite"), "--state", lab.path(3, "state"))
lab.verb("start", "3")
wait_until("the second use of an invite is refused", lambda: refused(1, "invite_used") > 0)
nobody_came()
assert lab.status(1)["state_root"] == before, "the refused box changed the state"
lab.verb("stop", "3")
print("an invite used twice: invite_used")

offline("node", "invite", "n4", "--fleet", lab.fleet, "--join-by", "2s", *peers, "-o", lab.path(4, "invite"))
offline("node", "join", lab.path(4, "invite"), "--state", lab.path(4, "state"))
time.sleep(3)  # the invite's own time, not ours: it must pass
lab.verb("start", "4")
wait_until("an invite past its join_by is refused", lambda: refused(1, "join_by_passed") > 0)
nobody_came()
lab.verb("stop", "4")
print("an invite past its join_by: join_by_passed")

other = os.path.join(lab.folder, "other")
offline("fleet", "init", "other", "--dir", other)
offline("node", "invite", "n4", "--fleet", other, *peers, "-o", lab.path(4, "foreign"))
shutil.rmtree(lab.path(4, "state"))
os.mkdir(lab.path(4, "state"))
offline("node", "join", lab.path(4, "foreign"), "--state", lab.path(4, "state"))
lab.verb("start", "4")
wait_until("a box of another fleet is refused", lambda: refused(1, "foreign_fleet") + refused(1, "stranger") > 0)
nobody_came()
print("a stranger: foreign_fleet" if refused(1, "foreign_fleet") else "a stranger: stranger")
