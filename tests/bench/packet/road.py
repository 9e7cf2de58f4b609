# SPDX-License-Identifier: Apache-2.0
"""road.py - two namespaces and a veth pair between them: packets come out of one core as fast as it can make them, the
firewall has the other core. Says for each measurement whether the source saturated it."""
import json
import os
import subprocess
import time

from lab import BUILD

SOURCE, WALL = "pkbench-src-%d" % os.getpid(), "pkbench-fw-%d" % os.getpid()
SOURCE_MAC, WALL_MAC = "02:00:00:00:00:02", "02:00:00:00:00:01"  # flood.c writes them into frames
REST = "table inet rest {\nchain rest { type filter hook prerouting priority -200; counter drop; }\n}\n"


class Failed(Exception):
    """A peer or a program of ours did not do what the bench needs of it."""


def run(*command, feed=None):
    done = subprocess.run(command, text=True, input=feed, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed("%s: %s" % (" ".join(command)[:100], (done.stderr or done.stdout).strip()[:300]))
    return done.stdout


def in_wall(*command, feed=None):
    return run("ip", "netns", "exec", WALL, *command, feed=feed)


def program(name):
    return os.path.join(BUILD, name)


class Resident:
    """A program that says a first line when it is ready, and runs until its input ends."""
    running = []

    def __init__(self, *command):
        self.name = os.path.basename(command[4])
        self.child = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        Resident.running.append(self)
        self.ready = self.line()

    def line(self):
        text = self.child.stdout.readline()
        if not text:
            raise Failed("%s: %s" % (self.name, self.child.stderr.read().strip()[:300]))
        return text.split()

    def ask(self, text):
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()
        return self.line()

    def end(self):
        if self in Resident.running:
            Resident.running.remove(self)
        try:
            self.child.stdin.close()
        except OSError:
            pass
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.child.stderr.close()


def napi_thread():
    """The kernel's thread that receives for the firewall: pinned to CPU 1, before everything else there."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = open("/proc/%s/comm" % pid).read()
        except OSError:
            continue
        if name.startswith("napi/%s-" % WALL_DEVICE):
            os.sched_setaffinity(int(pid), [min(1, os.cpu_count() - 1)])
            os.sched_setscheduler(int(pid), os.SCHED_FIFO, os.sched_param(50))
            return int(pid)
    raise Failed("threaded NAPI is not here (kernel 5.12)")


WALL_DEVICE = "pkw%d" % (os.getpid() % 100000000)  # a name of its own: the threads of all namespaces are listed together
SOURCE_DEVICE = "pks%d" % (os.getpid() % 100000000)


def up():
    for name in (SOURCE, WALL):
        run("ip", "netns", "add", name)
    run("ip", "link", "add", SOURCE_DEVICE, "netns", SOURCE, "address", SOURCE_MAC, "type", "veth",
        "peer", "name", WALL_DEVICE, "netns", WALL, "address", WALL_MAC)
    run("ip", "-n", SOURCE, "link", "set", SOURCE_DEVICE, "up")
    run("ip", "-n", WALL, "link", "set", WALL_DEVICE, "up")
    in_wall("ethtool", "-K", WALL_DEVICE, "gro", "on")  # without it a veth without XDP has no NAPI
    in_wall("sh", "-c", "echo 1 > /sys/class/net/%s/threaded" % WALL_DEVICE)
    in_wall("nft", "-f", "-", feed=REST)


def down():
    for resident in list(Resident.running):
        resident.end()
    for name in (SOURCE, WALL):
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


def flood(trace):
    return Resident("ip", "netns", "exec", SOURCE, program("picket-bench-flood"), SOURCE_DEVICE, trace)


def snapshot(pid):
    link = json.loads(run("ip", "-n", WALL, "-s", "-j", "link", "show", WALL_DEVICE))[0]["stats64"]["rx"]["packets"]
    statistics = run("ip", "netns", "exec", SOURCE, "ethtool", "-S", SOURCE_DEVICE)
    errors = sum(int(line.split(":")[1]) for line in statistics.splitlines() if "xdp_xmit_errors" in line)
    rest = json.loads(in_wall("nft", "-j", "list", "chain", "inet", "rest", "rest"))
    passed = next(part["counter"]["packets"] for item in rest["nftables"] if "rule" in item
                  for part in item["rule"]["expr"] if "counter" in part)
    return {"packets": link, "cpu_ns": int(open("/proc/%d/schedstat" % pid).read().split()[0]), "errors": errors, "passed": passed}


FAR = 2  # times the least way between the two CPUs: then the machine has moved one of them
TRIES, PAUSE = 12, 2  # while they are far, for some seconds in most cases


def apart():
    """ns for a cache line from CPU 0 to CPU 1 and back; 0: not known."""
    try:
        return float(run(program("picket-bench-apart")))
    except (Failed, OSError, ValueError):
        return 0.0


class Distance:
    least, seen = 0.0, []

    @classmethod
    def take(cls):
        now = apart()
        if now:
            cls.seen.append(now)
            cls.least = min(cls.seen)
        return now


def is_far(sample):
    return sample["apart"] > FAR * Distance.least


def measure(source, seconds):
    """As sample() has it, again while the CPUs are far from each other: every line of a packet comes over that way."""
    for left in reversed(range(TRIES if seconds >= 0.1 else 1)):
        before = Distance.take()
        result = sample(source, seconds)
        result["apart"] = max(before, Distance.take())
        if not is_far(result):
            break
        if left:
            time.sleep(PAUSE)
    return result


def sample(source, seconds):
    """Packets a second, CPU of the firewall's thread a packet, and what shows whether that was its limit."""
    pid = napi_thread()
    if seconds >= 0.1:
        source.ask("0.2")
    before = snapshot(pid)
    took, sent = source.ask("%f" % seconds)
    after, took, sent = snapshot(pid), float(took), int(sent)
    delta = {key: after[key] - before[key] for key in before}
    packets = max(delta["packets"], 1)
    return {"mpps": delta["packets"] / took / 1e6, "ns": delta["cpu_ns"] / packets, "busy": delta["cpu_ns"] / took / 1e9,
            "refused": delta["errors"] / sent, "passed": delta["passed"] / packets}
