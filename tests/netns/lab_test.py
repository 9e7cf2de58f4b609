#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The lab by itself: a line of routers whose last node gets a rule from the first; a cut in the middle; nothing is left behind."""
import os
import subprocess

from lab import PORT, TOP, Lab, wait_until

lab = Lab(3, "--topology", "line")


def address(node):
    return "10.78.0.%d" % node


lab.echo_everywhere()
wait_until("every router answers", lambda: all(lab.probe([("udp", None, address(n)) for n in (1, 2, 3)])))
lab.picket(1, "rule", "add", "drop in udp to any port %d priority 10 name far scope node=n3" % PORT)
wait_until("the far end drops what is scoped to it", lambda: lab.probe([("udp", None, address(n)) for n in (1, 2, 3)]) == [True, True, False])
roots = {lab.status(n)["state_root"] for n in (1, 2, 3)}
assert len(roots) == 1, "the state differs"
digests = {n: lab.status(n)["compiled_digest"] for n in (1, 2, 3)}
assert digests[1] == digests[2] != digests[3], "a scoped rule is compiled elsewhere, or not where it belongs"
print("a line of three routers: a rule scoped to the last one, written to the first")

lab.verb("cut", "1", "2")
lab.verb("cut", "1", "3")
wait_until("n1 has lost its neighbours", lambda: lab.status(1)["peers"] == 0)
lab.verb("heal", "1", "2")
lab.verb("heal", "1", "3")
wait_until("n1 has them again", lambda: lab.status(1)["peers"] == 2)

wrong = subprocess.run([os.path.join(TOP, "scripts", "lab"), "cut", "1", "9"], env=lab.environment, text=True, stderr=subprocess.PIPE)
assert wrong.returncode == 2 and "'9' is no node" in wrong.stderr, wrong.stderr

prefix, folder = lab.prefix, lab.folder
lab.down()
assert prefix not in subprocess.run(["ip", "netns", "list"], text=True, stdout=subprocess.PIPE).stdout, "namespaces are left"
assert not os.path.exists(folder), "files are left"
assert folder not in open("/proc/mounts").read(), "mounts are left"
print("the lab is gone without a trace")
