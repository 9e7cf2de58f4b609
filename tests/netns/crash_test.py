#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of every daemon at random moments during 1,000 writes: nothing acknowledged is lost, all roots are equal in the end,
and enforcement never stops: a stream of packets is dropped throughout."""
import os
import random
import subprocess

from lab import BUILD, HERE, PORT, Lab, wait_until

WRITES = int(os.environ.get("PICKET_WRITES", "1000"))
SEED = int(os.environ.get("PICKET_SEED", "7"))
chosen = random.Random(SEED)
NODES = (1, 2, 3)

lab = Lab(3)
lab.echo_everywhere()
lab.picket(1, "rule", "add", "drop in udp from any to any port %d priority 100 name always" % PORT)
for node in NODES:
    wait_until("n%d drops the stream" % node, lambda: not any(lab.probe([("udp", None, lab.address(node))])))

stream = subprocess.Popen(lab.inside("host", "/usr/bin/python3", os.path.join(HERE, "stream.py"), str(PORT), *map(lab.address, NODES)),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
lab.children.append(stream)
assert stream.stdout.readline().strip() == "ready"
lab.picket(1, "trust", "grant", "operator", "writer", "--new-key", os.path.join(lab.folder, "writer.key"))
for node in NODES:
    wait_until("n%d knows the writer" % node, lambda: "writer" in lab.picket(node, "trust", "list"))
out_path = os.path.join(lab.folder, "acknowledged")
writer = subprocess.Popen([os.path.join(BUILD, "picket-writer"), os.path.join(lab.folder, "writer.key"), str(WRITES), str(SEED),
                           *map(lab.socket, NODES)], stdout=open(out_path, "w"), env=dict(os.environ, PICKET_WRITER_PAUSE_MS="12"))
lab.children.append(writer)

kills = {node: 0 for node in NODES}
while writer.poll() is None:
    node = chosen.choice(NODES)
    try:
        writer.wait(chosen.uniform(0.05, 0.6))
    except subprocess.TimeoutExpired:
        lab.verb("kill", str(node))
        kills[node] += 1
        lab.verb("start", str(node))
assert writer.returncode == 0, "the writer gave up"
for node in NODES:  # each at least once, even where the writes were quick
    if not kills[node]:
        lab.verb("kill", str(node))
        lab.verb("start", str(node))
        kills[node] += 1

acknowledged = [line.split()[1] for line in open(out_path)]
assert len(acknowledged) == WRITES, len(acknowledged)
took = wait_until("all three agree on records, state and compiled rules", lab.agree, 60)


def ids(node):
    return {entry["id"] for entry in lab.json(node, "log", "--limit", str(4 * WRITES))["entries"]}


for node in NODES:
    lost = set(acknowledged) - ids(node)
    assert not lost, "n%d lost %d acknowledged entries" % (node, len(lost))
stream.stdin.close()
sent, answered = map(int, stream.stdout.readline().split())
assert sent > 100 and answered == 0, "%d of %d packets of the dropped stream passed" % (answered, sent)
print("%d writes acknowledged, %s kills, none lost, all agree after %.1f s; %d packets of the dropped stream, 0 passed" %
      (WRITES, sum(kills.values()), took, sent))
