#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A daemon ends within its grace and with status 0 whatever it is doing: starting, joining, linking, taking writes, fetching the content
of a set. A full disk refuses writes, keeps what was acknowledged, and passes."""
import os
import random
import shutil
import signal
import subprocess
import time

from lab import BUILD, Lab, wait_until

ROUNDS = int(os.environ.get("PICKET_ROUNDS", "24"))
SEED = int(os.environ.get("PICKET_SEED", "5"))
GRACE_S = 4.0  # a second for the streams, and what a busy machine adds
chosen = random.Random(SEED)

lab = Lab(2)
wait_until("both agree", lab.agree)
lab.verb("stop", "1")
fresh = os.path.join(lab.folder, "fresh")
shutil.copytree(lab.path(1, "state"), fresh)
for name in os.listdir(fresh):
    if name.startswith("picket.db"):
        os.unlink(os.path.join(fresh, name))  # as before its first start

addresses = os.path.join(lab.folder, "addresses.txt")
with open(addresses, "w") as out:
    out.writelines("10.%d.%d.%d\n" % (i >> 16, i >> 8 & 255, i & 255) for i in range(200000))
lab.picket(2, "set", "import", "wide", addresses)
lab.picket(2, "trust", "grant", "operator", "writer", "--new-key", os.path.join(lab.folder, "writer.key"))
writer = subprocess.Popen([os.path.join(BUILD, "picket-writer"), os.path.join(lab.folder, "writer.key"), "100000", str(SEED), lab.socket(1),
                           lab.socket(2)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, PICKET_WRITER_PAUSE_MS="20"))
lab.children.append(writer)


def start(**options):
    return subprocess.Popen(lab.inside(1, os.path.join(BUILD, "picketd"), "--config", lab.path(1, "picket.conf"),
                                       *["--%s=%s" % option for option in options.items()]),
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def watches_signals(pid):
    """Before that, the loader's time on a busy machine, SIGTERM ends it as it ends any program."""
    with open("/proc/%d/status" % pid) as file:
        blocked = next(line.split()[1] for line in file if line.startswith("SigBlk:"))
    return int(blocked, 16) >> (signal.SIGTERM - 1) & 1


slowest = 0.0
for i in range(ROUNDS):
    if i % 2 == 0:
        shutil.rmtree(lab.path(1, "state"))
        shutil.copytree(fresh, lab.path(1, "state"))
    daemon = start()
    pause = chosen.choice((0.0, 0.1, 0.3, 0.6, 1.2)) + chosen.uniform(0.05, 0.3)
    time.sleep(pause)
    is_watching = watches_signals(daemon.pid)
    begun = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    try:
        said = daemon.communicate(timeout=GRACE_S + 10)[1]
    except subprocess.TimeoutExpired:
        daemon.kill()
        raise AssertionError("round %d: stopped after %.2f s, it never ends" % (i, pause))
    took = time.monotonic() - begun
    slowest = max(slowest, took)
    early = daemon.returncode == -signal.SIGTERM and not is_watching
    assert early or daemon.returncode == 0, "round %d, after %.2f s: status %s:\n%s" % (i, pause, daemon.returncode, said[-4000:])
    assert "Sanitizer" not in said and "broken:" not in said, said[-4000:]
    assert took < GRACE_S, "round %d, after %.2f s: it took %.1f s to end" % (i, pause, took)
writer.kill()
print("%d ends, the slowest in %.2f s" % (ROUNDS, slowest))

# ---- a full disk

disk = os.path.join(lab.folder, "disk")
os.mkdir(disk)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], check=True)
try:
    shutil.copytree(fresh, os.path.join(disk, "state"))
    daemon = start(state_dir=os.path.join(disk, "state"))
    lab.children.append(daemon)
    wait_until("it answers", lambda: lab.picket(1, "status", check=False).returncode == 0)
    wait_until("both agree", lab.agree, 60)
    lab.picket(1, "rule", "add", "drop in tcp from 192.0.2.1 to any port 7 priority 700 name before")
    ballast = os.open(os.path.join(disk, "ballast"), os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError:
        pass
    os.close(ballast)
    refused = 0
    for k in range(200):  # the log still has some room of its own
        done = lab.picket(1, "rule", "add", "drop in tcp from 192.0.2.2 to any port 7 priority 701 name full%d" % k, check=False)
        if done.returncode:
            refused += 1
            break
    assert refused, "nothing is refused on a full disk"
    assert daemon.poll() is None, "the daemon ended: %s\n%s" % (daemon.returncode, daemon.stderr.read()[-4000:])
    assert "not stored" in done.stdout + done.stderr, done.stdout + done.stderr
    print("refused:", (done.stdout + done.stderr).strip().splitlines()[-1])
    names = {rule["name"] for rule in lab.json(2, "rule", "list")["rules"]}
    assert "before" in names
    os.unlink(os.path.join(disk, "ballast"))
    wait_until("writes pass again", lambda: lab.picket(
        1, "rule", "add", "drop in tcp from 192.0.2.3 to any port 7 priority 702 name after", check=False).returncode == 0)
    wait_until("both agree again", lab.agree)
    daemon.send_signal(signal.SIGTERM)
    said = daemon.communicate(timeout=GRACE_S + 10)[1]
    assert daemon.returncode == 0 and "Sanitizer" not in said, said[-4000:]
finally:
    daemon.kill()
    daemon.wait()
    subprocess.run(["umount", "-l", disk], check=False)
print("a full disk was said and passed")
