#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""3,000 imported rules on a real daemon: refused without --batches, made in several changesets with it; cut short they are the rules that
decide first, and the same command goes on where it stopped."""
import os
import signal
import subprocess
import time

from lab import BUILD, Lab, wait_until

RULES = 3000
PICKET = os.path.join(BUILD, "picket")
lab = Lab(1)


def dump(count):
    """iptables-save with as many rules, each of another source."""
    rules = "".join("-A INPUT -s 10.%d.%d.0/24 -p tcp --dport %d -j %s\n" % (i // 250, i % 250, 1000 + i, "DROP" if i % 3 else "ACCEPT")
                    for i in range(count))
    return "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n%sCOMMIT\n" % rules


def imported(count):
    done = subprocess.run([PICKET, "import", "iptables-save", "-"], input=dump(count), text=True, stdout=subprocess.PIPE, check=True)
    return done.stdout


def begin(*words):
    return subprocess.Popen([PICKET, "apply", "-f", "-", *words, "--socket", lab.socket(1), "--fleet", lab.fleet], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def apply(yaml, *words):
    child = begin(*words)
    out, err = child.communicate(yaml)
    return child.returncode, out, err


def rules():
    return lab.json(1, "rule", "list")["rules"]


def written():
    return lab.status(1)["root"]


yaml = imported(RULES)
before = written()
code, out, err = apply(yaml)
assert code == 1 and "--batches" in err and written() == before, (code, err)
assert "changesets" in err, err
print("without --batches:", err.strip())
code, out, err = apply(yaml, "--dry-run")
assert code == 0 and "need --batches" in err and written() == before, (code, err)

def begin_and_wait(changes):
    """The command, once the node has so many of its changesets."""
    seen, running = written(), begin("--batches")
    running.stdin.write(yaml)
    running.stdin.close()
    while changes and running.poll() is None:
        now = written()
        changes, seen = changes - (now != seen), now
        time.sleep(0.005)
    return running


child = begin_and_wait(1)
lab.verb("stop", "1")
child.wait()
err = child.stderr.read()
assert child.returncode in (1, 3) and "run the same command again" in err, (child.returncode, err)
lab.verb("start", "1")
wait_until("the node is back", lambda: lab.picket(1, "status", check=False).returncode == 0)
print("the node stopped:", err.splitlines()[-2])

child = begin_and_wait(0)
assert "changesets" in child.stderr.readline()  # it begins to write
child.send_signal(signal.SIGKILL)
child.wait()
listed = rules()
assert 0 < len(listed) < RULES, "it was not cut short: %d rules" % len(listed)
wanted = [line.split("name ")[1].split()[0].strip("\"'") for line in yaml.splitlines() if "name " in line]
there = {r["name"] for r in listed}
if wanted:
    assert there == set(wanted[:len(there)]), "what is there is not the head of the list"
print("cut short at %d rules" % len(listed))

start = time.monotonic()
code, out, err = apply(yaml, "--batches")
assert code == 0, err
print("went on in %.1f s: %s" % (time.monotonic() - start, out.splitlines()[-1]))
names = [r["name"] for r in rules()]
assert len(names) == RULES and len(set(names)) == RULES, (len(names), len(set(names)))
code, out, err = apply(yaml, "--batches")
assert code == 0 and "nothing to do" in out, (code, out[:200], err)

code, out, err = apply(imported(RULES - 700), "--batches")
assert code == 0, err
assert len(rules()) == RULES - 700
print("700 rules taken away")

with_set = "owner: lists\nsets:\n  - {name: bad, kind: ban, elements: [192.0.2.0/24]}\nrules:\n" + "".join(
    "  - drop in tcp from @bad port %d priority %d name s%d\n" % (i + 1, 100 + i, i) for i in range(300))
code, out, err = apply(with_set, "--batches")
assert code == 0, err
assert "add set bad" in out and "301 changes" in out, out[-300:]
code, out, err = apply(with_set)
assert code == 0 and "nothing to do" in out, (code, out[:300], err)
print("300 rules and the set they name")
