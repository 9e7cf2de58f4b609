#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Whoever follows a node's events sees what it drops and what log rules match, with names; rules say when they were last hit, and
devices what they let pass and dropped, over generations and a restart."""
import json
import os
import signal
import subprocess
import threading
import time

from lab import BUILD, PORT, Lab, wait_until

lab = Lab(1)
lab.echo_everywhere()


class Follower:
    """picket events --json, read as it comes."""

    def __init__(self):
        self.events = []
        self.program = subprocess.Popen([os.path.join(BUILD, "picket"), "events", "--json", "--socket", lab.socket(1)],
                                        stdout=subprocess.PIPE, text=True)
        lab.children.append(self.program)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.program.stdout:
            self.events.append(json.loads(line))

    def find(self, **wanted):
        return [event for event in self.events if all(event[name] == value for name, value in wanted.items())]

    def end(self):
        self.program.send_signal(signal.SIGINT)
        self.program.wait(10)


def rule(name):
    return [row for row in lab.json(1, "counters")["rules"] if row["name"] == name][0]


def device():
    rows = [row for row in lab.json(1, "interfaces")["interfaces"] if int(row["passed_packets"])]
    return max(rows, key=lambda row: int(row["passed_packets"]), default={"passed_packets": 0, "dropped_packets": 0})


def passes(kind="udp"):
    return any(lab.probe([(kind, None, lab.address(1))]))


lab.picket(1, "rule", "add", "drop in udp to any port %d priority 100 name no-echo" % PORT)
lab.picket(1, "rule", "add", "log in icmp priority 50 name see-ping")
wait_until("n1 drops", lambda: not passes())
assert int(rule("see-ping")["last_hit_ms"]) == 0, "a rule that was never hit says so"

follower, second = Follower(), Follower()


def seen():
    passes()
    passes("icmp")
    return follower.find(rule="no-echo") and second.find(rule="no-echo") and follower.find(observed_rule="see-ping")


wait_until("both followers see it", seen)
drop = follower.find(rule="no-echo")[0]
assert drop["verdict"] == "drop" and drop["reason"] == "drop_rule" and drop["protocol"] == 17, drop
assert drop["target_port"] == PORT and drop["target"] == lab.address(1) and drop["source"] and drop["device"], drop
assert abs(int(drop["time_ms"]) / 1000 - time.time()) < 60, drop
ping = follower.find(observed_rule="see-ping")[0]
assert ping["verdict"] == "pass" and ping["protocol"] == 1 and ping["icmp_type"] == 8 and ping["rule"] == "", ping
print("two followers see what drops and what is logged: %s" % json.dumps(drop))

wait_until("the rule says when it was hit", lambda: abs(int(rule("no-echo")["last_hit_ms"]) / 1000 - time.time()) < 60)
hit = int(rule("no-echo")["last_hit_ms"])
wait_until("the device has counted", lambda: int(device()["dropped_packets"]) > 0)
before = device()
lab.picket(1, "rule", "add", "drop in gre priority 80 name more")
wait_until("another generation counts on", lambda: passes("icmp") and
           int(device()["passed_packets"]) > int(before["passed_packets"]))
assert device()["name"] == before["name"] and int(device()["dropped_packets"]) >= int(before["dropped_packets"])


def account(who):
    """Every event is either told or counted as missed."""
    return sum(int(event["missed"]) + bool(event["verdict"]) for event in who.events)


# Far more than the cap: the rest is counted, not sent; and who does not read loses what the other one gets.
time.sleep(1.5)  # what is under way arrives
ahead = account(second) - account(follower)
second.program.send_signal(signal.SIGSTOP)
flood = "import socket,time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nend = time.time() + 6\n" \
    "while time.time() < end:\n for i in range(100): s.sendto(b'x', ('%s', %d))\n" % (lab.address(1), PORT)
count = len(follower.events)
lab.run("host", "/usr/bin/python3", "-c", flood)
wait_until("what was left out is told", lambda: sum(int(event["missed"]) for event in follower.events) > 0)
got = len([event for event in follower.events[count:] if event["verdict"]])
assert 0 < got < 15000, got
print("of a flood of 6 s: %d events, %d missed" % (got, sum(int(event["missed"]) for event in follower.events)))

second.program.send_signal(signal.SIGCONT)
wait_until("the slow one is told what it lost", lambda: account(second) - ahead == account(follower))
print("of them the slow one got %d" % len([event for event in second.events if event["verdict"]]))
second.end()
follower.end()

hit = max(hit, int(rule("no-echo")["last_hit_ms"]))
before = device()
last = Follower()
wait_until("a follower is there when the daemon stops", lambda: passes() or last.events)
lab.verb("stop", "1")
assert last.program.wait(10) in (1, 3), "the follower is told that the node stops"
lab.verb("start", "1")
wait_until("n1 enforces", lambda: lab.status(1)["enforcing"] == "yes")
wait_until("the rule knows its last hit of before", lambda: int(rule("no-echo")["last_hit_ms"]) >= hit - 100)
wait_until("the device counts on", lambda: int(device()["dropped_packets"]) >= int(before["dropped_packets"]))
print("last hit and the device's counts stand after a restart")
