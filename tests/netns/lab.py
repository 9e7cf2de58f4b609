# SPDX-License-Identifier: Apache-2.0
"""lab.py - the lab for tests: nodes, the host beside them, probes, and waiting for something to become true."""
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "tests", "netns")
BUILD = os.environ.get("PICKET_BUILD") or os.path.join(TOP, "build", "dev")
PORT = 4444  # of echo.py, on every node


def skip(sentence):
    print("skipped:", sentence)
    sys.exit(77)


def find_data(name):
    """A file of the test data, or None."""
    for root in (os.environ.get("PICKET_DATA"), os.path.join(TOP, "shared", "data"), os.path.join(TOP, "..", "shared", "data")):
        if root and os.path.exists(os.path.join(root, name)):
            return os.path.join(root, name)
    return None


def wait_until(what, true, seconds=30.0):
    """Polls until true() is; the time it took. A test that waits in vain says for what."""
    start = time.monotonic()
    while True:
        if true():
            return time.monotonic() - start
        if time.monotonic() - start > seconds:
            raise AssertionError("after %.0f s still not: %s" % (seconds, what))
        time.sleep(0.03)


class Lab:
    def __init__(self, count, *options):
        if os.geteuid():
            skip("needs root, for network namespaces and BPF")
        self.folder = tempfile.mkdtemp(prefix="picket-lab-")
        self.count, self.children = count, []
        self.environment = dict(os.environ, PICKET_LAB=self.folder, PICKET_BUILD=BUILD)
        atexit.register(self.down)
        self.verb("up", str(count), *options)
        self.prefix = open(os.path.join(self.folder, "prefix")).read().strip()
        self.fleet = os.path.join(self.folder, "fleet")

    def verb(self, *words):
        subprocess.run([os.path.join(TOP, "scripts", "lab"), *words], env=self.environment, check=True)

    def down(self):
        for child in self.children:
            child.kill()
            child.wait()
        self.children = []
        if os.environ.get("PICKET_LAB_LOGS"):
            for node in range(1, self.count + 1):
                path = self.path(node, "log")
                if os.path.exists(path):
                    shutil.copy(path, os.path.join(os.environ["PICKET_LAB_LOGS"], "n%d.log" % node))
        subprocess.run([os.path.join(TOP, "scripts", "lab"), "down"], env=self.environment)
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, node, *parts):
        return os.path.join(self.folder, "n%d" % node, *parts)

    def socket(self, node):
        return self.path(node, "run", "picketd.sock")

    def inside(self, node, *command):
        name = "host" if node == "host" else "n%d" % node
        return ["ip", "netns", "exec", "%s-%s" % (self.prefix, name), *command]

    def run(self, node, *command, **options):
        return subprocess.run(self.inside(node, *command), check=True, text=True, stdout=subprocess.PIPE, **options).stdout

    def background(self, node, *command):
        """A child in a namespace that prints a first line when it is ready."""
        child = subprocess.Popen(self.inside(node, *command), stdout=subprocess.PIPE, text=True)
        self.children.append(child)
        assert child.stdout.readline(), "%s ended at once" % (command,)
        return child

    def picket(self, node, *words, fleet=None, check=True):
        """The command, talking to the local socket of a node; its output."""
        done = subprocess.run([os.path.join(BUILD, "picket"), *words, "--socket", self.socket(node), "--fleet", fleet or self.fleet],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and done.returncode:
            raise AssertionError("picket %s at n%d: %s%s" % (" ".join(words), node, done.stdout, done.stderr))
        return done.stdout if check else done

    def json(self, node, *words):
        return json.loads(self.picket(node, *words, "--json"))

    def status(self, node):
        return self.json(node, "status")

    def metrics(self, node):
        """{"picket_peers": 2, 'picket_refused_total{reason="fork"}': 0, ...}"""
        fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics', timeout=5).read().decode())"
        lines = self.run(node, "/usr/bin/python3", "-c", fetch).splitlines()
        return {name: int(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}

    def agree(self, nodes=None):
        """All name the same records, state and compiled rules."""
        seen = {(s["root"], s["state_root"], s["compiled_digest"]) for s in map(self.status, nodes or range(1, self.count + 1))}
        return len(seen) == 1

    def echo_everywhere(self, nodes=None):
        for node in nodes or range(1, self.count + 1):
            self.background(node, "/usr/bin/python3", os.path.join(HERE, "echo.py"), str(PORT))

    def address(self, node, six=False):
        return ("fd77::%x" if six else "10.77.0.%d") % node

    def host_addresses(self, addresses):
        """The host answers for these addresses too: sources of probes."""
        lines = "".join("addr add %s dev lo%s\n" % (a, " nodad" if ":" in a else "") for a in addresses)
        self.run("host", "ip", "-batch", "-", input=lines)

    def probe(self, lines, seconds=0.9):
        """[True where the packet passed]; a line is (protocol, source or None, target)."""
        text = "".join("%s %s %s %d\n" % (p, s or "-", t, 0 if p == "icmp" else PORT) for p, s, t in lines)
        out = self.run("host", "/usr/bin/python3", os.path.join(HERE, "probe.py"), str(seconds), input=text)
        return [word == "pass" for word in out.split()]
