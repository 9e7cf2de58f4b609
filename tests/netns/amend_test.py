#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One change among many rules is in force before a whole generation is made: added, changed and deleted rules, a burst of more
than an amendment holds, and what a whole generation then makes of them. A stream that a rule drops is dropped throughout."""
import os
import random
import subprocess
import time

from lab import HERE, PORT, Lab, wait_until

SOURCES, PORTS = 32, 32  # a rule of lists is as many leaf rules as they have combinations
RULES = 3
chosen = random.Random(5)

lab = Lab(1)
lab.echo_everywhere()
TARGET = lab.address(1)
lab.host_addresses(["10.99.%d.%d/32" % (i // 250, i % 250 + 1) for i in range(60)])


def add(name, text, priority):
    lab.picket(1, "rule", "add", "%s priority %d name %s" % (text, priority, name), "--wait", "enforced")


def passes(source):
    return lab.probe([("udp", source, TARGET)], 0.3)[0]


for i in range(RULES):
    sources = ",".join("198.18.%d.0/24" % (i * SOURCES + j) for j in range(SOURCES))
    ports = ",".join(str(10000 + 7 * j) for j in range(PORTS))
    add("filler%d" % i, "drop in tcp from %s to any port %s" % (sources, ports), 100 + i)
HOST = lab.run("host", "ip", "-o", "route", "get", TARGET).split(" src ")[1].split()[0]
add("always", "drop in udp from %s/32 to any port %d" % (HOST, PORT), 5000)
assert not passes(None)
stream = subprocess.Popen(lab.inside("host", "/usr/bin/python3", os.path.join(HERE, "stream.py"), str(PORT), TARGET),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
lab.children.append(stream)
assert stream.stdout.readline().strip() == "ready"


def settled():
    """A whole generation follows when writes pause; then nothing flips any more."""
    before = lab.status(1)["generation_count"]
    time.sleep(0.5)
    return lab.status(1)["generation_count"] == before


wait_until("nothing more flips", settled)
flips = lab.status(1)["generation_count"]
add("one", "drop in udp from 10.99.0.1/32 to any port %d" % PORT, 50)
assert not passes("10.99.0.1") and passes("10.99.0.2")
wait_until("the whole generation follows", lambda: lab.status(1)["generation_count"] >= flips + 2)
assert not passes("10.99.0.1") and passes("10.99.0.2"), "the whole generation decides otherwise than the amendment"

for turn in range(12):  # at random moments of the whole generations that follow
    name, source = "turn%d" % turn, "10.99.0.%d" % (turn + 10)
    add(name, "drop in udp from %s/32 to any port %d" % (source, PORT), chosen.choice((10, 2000, 90)))
    assert not passes(source), name
    if turn % 3 == 0:
        add("pardon%d" % turn, "allow in udp from %s/32 to any port %d" % (source, PORT), 5)
        assert passes(source), "an allow before the drop of " + name
    if turn % 3 == 1:
        lab.picket(1, "rule", "delete", name, "--wait", "enforced")
        assert passes(source), "the deleted " + name
    time.sleep(chosen.uniform(0, 0.3))

for i in range(40):  # more than an amendment holds
    lab.picket(1, "rule", "add", "drop in udp from 10.99.0.%d/32 to any port %d priority %d name burst%d" % (i + 1, PORT, 3, i))
wait_until("all of the burst is in force", lambda: not any(lab.probe([("udp", "10.99.0.%d" % (i + 1), TARGET) for i in range(40)])))
wait_until("nothing more flips", settled)
assert not any(lab.probe([("udp", "10.99.0.%d" % (i + 1), TARGET) for i in range(40)]))
stream.stdin.close()
sent, answered = map(int, stream.stdout.readline().split())
assert sent > 100 and answered == 0, "%d of %d packets of the dropped stream passed" % (answered, sent)
print("1 + 12 + 40 changes among %d leaf rules; %d packets of the dropped stream, 0 passed" % (RULES * SOURCES * PORTS, sent))
