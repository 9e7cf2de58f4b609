# SPDX-License-Identifier: Apache-2.0
"""way.py - the way of a write: durable where it was written, shown, stored and enforced everywhere; a large import; memory."""
import os
import queue
import random
import shutil
import subprocess
import threading
import time

import grpc
import picket_format as fmt
from lab import BUILD, Lab, wait_until
from picket_client import Author, Client, fleet_status, generate, read_plain_key

TITLE = "The way of a write"
METHOD = """Real daemons of the release build, each in a network namespace of its own, all on one switch and one disk. A rule is written to
node 1; times are from its acknowledgement until the last node. One write at a time, the next when all nodes enforce the one before.

* `durable_write`: one client (C, local socket) at one node, from the signed entry to the answer; beside the disk's own time in the same minute
* `acknowledged`: `Apply` has answered: the entry is on node 1's disk (a Python client, the other nodes at work beside it)
* `shown`: the `Log.Follow` stream of every node has sent the entry: received, verified, folded
* `stored`: every node acknowledges the same bytes, which it does once they are on its disk
* `enforced`: every node answers the same with `FOR_ENFORCED`: the generation with it decides packets
* `memory`: resident set of one `picketd` in the small fleet, idle and after so many entries in its log
* `import_100k`: from the start of `picket set import` with 100,000 prefixes until every node's generation has them"""

OBJECTS = 20        # rules that the writes change again and again
BATCH = 200         # entries of one Apply that fills the log
ENTRY_BYTES = 400   # about what an entry takes on disk: what the peer writes
COUNTS = {False: {"lone": (10, 100), "fleets": ((3, 300), (10, 150)), "prefixes": 100000, "entries": 10000},
                 True: {"lone": (2, 10), "fleets": ((2, 5), (3, 5)), "prefixes": 500, "entries": 200}}
NODES_NAMED = (3, 10)  # in the rows' names, also when --small takes fewer


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(name, value, unit, peer=None, peer_value=None):
    return {"name": "way." + name, "value": round(value, 4), "unit": unit, "peer": peer,
            "peer_value": None if peer_value is None else round(peer_value, 4)}


def two_rows(name, values, unit, peer=None, peer_values=None):
    return [row("%s.%s" % (name, word), percentile(values, share), unit, peer and "%s %s" % (peer, word),
                percentile(peer_values, share) if peer_values else None)
            for word, share in (("p50", 0.5), ("p99", 0.99))]


def progress(text):
    print("way:", text, flush=True)


# ---- one writer, one node

def fdatasync_us(folder, count):
    """What the disk takes for an appended record, in microseconds."""
    path, times = os.path.join(folder, "probe"), []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    content = os.urandom(ENTRY_BYTES)
    for _ in range(count):
        start = time.perf_counter()
        os.write(fd, content)
        os.fdatasync(fd)
        times.append((time.perf_counter() - start) * 1e6)
    os.close(fd)
    os.unlink(path)
    return times


def grant_writer(lab, name):
    path = os.path.join(lab.folder, name + ".key")
    lab.picket(1, "trust", "grant", "operator", name, "--new-key", path)
    for node in range(1, lab.count + 1):
        wait_until("n%d knows the writer" % node, lambda: name in lab.picket(node, "trust", "list"))
    return path


def lone_writer(rounds, count):
    """Durable writes of one client at one node; the disk's own time is taken between the rounds."""
    lab, times, peer = Lab(1), [], []
    try:
        key = grant_writer(lab, "bench")
        for number in range(rounds):
            peer += fdatasync_us(lab.folder, count)
            out = subprocess.run([os.path.join(BUILD, "picket-writer"), key, str(count), str(number), lab.socket(1)], check=True,
                                 text=True, stdout=subprocess.PIPE).stdout
            times += [float(line.split()[2]) for line in out.splitlines()]
        assert len(times) == rounds * count, "%d writes were acknowledged" % len(times)
        return two_rows("durable_write", times, "us", "fdatasync of %d bytes," % ENTRY_BYTES, peer)
    finally:
        lab.down()


# ---- one write, all nodes

class Watcher:
    """Follows one node's log and asks it for what it holds; puts (what, node, entry id, when) into `seen`."""

    def __init__(self, of, node, client, requests, seen):
        self.of, self.node, self.client, self.requests, self.seen = of, node, client, requests, seen
        request = of["log"].ListLogRequest(follow_new_only=True)
        self.stream = client.stream("/picket.v1.Log/Follow", request, of["log"].LogEntry)
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        try:
            for item in self.stream:
                self.seen.put(("shown", self.node, item.id, time.perf_counter()))
                for what in ("stored", "enforced"):
                    request = self.requests.get((item.id, what))
                    if request:
                        self.ask(what, item.id, request)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.CANCELLED:
                self.seen.put((error.details(), self.node, None, 0))

    def ask(self, what, entry_id, request):
        future = self.client.start("/picket.v1.Rules/Apply", request, self.of["rules"].ApplyResponse, 30)
        future.add_done_callback(lambda done: self.answered(what, entry_id, done))

    def answered(self, what, entry_id, done):
        when = time.perf_counter()
        if done.exception():
            self.seen.put((done.details(), self.node, None, 0))
        elif what == "enforced" and not done.result().enforced_here:
            self.seen.put(("n%d does not enforce it" % self.node, self.node, None, 0))
        else:
            self.seen.put((what, self.node, entry_id, when))

    def stop(self):
        self.stream.cancel()
        self.thread.join()


class Writes:
    """Signs versions of a few rules, one after the other."""

    def __init__(self, author):
        self.author, self.versions, self.count = author, [], 0

    def next(self):
        number = self.count % OBJECTS
        rule = {"name": "bench%d" % number, "priority": 1000 + number, "action": fmt.DROP, "direction": 1,
                "match": {"source": {"prefixes": fmt.prefixes("198.51.100.0/24")}, "protocols": [17],
                          "destination_ports": fmt.ports((1 + self.count, 1 + self.count))}}
        fields = {"rule": rule}
        if self.count >= OBJECTS:
            first, newest = self.versions[number]
            fields.update(object=first, bases=[newest])
        signed, entry_id = self.author.sign(fmt.operation(fmt.OP_PUT_RULE, "PutRule", fields))
        reference = fmt.op_reference(entry_id)
        if self.count < OBJECTS:
            self.versions.append((reference, reference))
        else:
            self.versions[number] = (self.versions[number][0], reference)
        self.count += 1
        return signed, entry_id


class Fleet:
    """A lab, its clients, and an author."""

    def __init__(self, of, nodes):
        self.of, self.lab, self.nodes = of, Lab(nodes), range(1, nodes + 1)
        self.clients = {node: Client(self.lab.socket(node)) for node in self.nodes}
        key = fmt.Key(read_plain_key(grant_writer(self.lab, "bench")))
        self.writes = Writes(Author(fmt, key, fleet_status(self.clients[1], of)))

    def status(self, node):
        return self.clients[node].call("/picket.v1.Node/Status", self.of["node"].NodeStatusRequest(), self.of["node"].NodeStatusResponse)

    def apply(self, entries):
        request = self.of["rules"].ApplyRequest(entries=[self.of["entry"].SignedEntry.FromString(signed) for signed in entries])
        return self.clients[1].call("/picket.v1.Rules/Apply", request, self.of["rules"].ApplyResponse, 60)

    def settle(self):
        wait_until("all nodes agree on records, state and compiled rules", self.lab.agree, 120)

    def write(self, requests, seen):
        """One write; the times from its acknowledgement to the last node, in ms, by what."""
        signed, entry_id = self.writes.next()
        bare = self.of["rules"].ApplyRequest(entries=[self.of["entry"].SignedEntry.FromString(signed)])
        enforced = self.of["rules"].ApplyRequest(entries=bare.entries,
                                                 wait=self.of["rules"].Wait(**{"for": self.of["rules"].Wait.FOR_ENFORCED}))
        requests[entry_id, "stored"], requests[entry_id, "enforced"] = bare, enforced
        start = time.perf_counter()
        self.clients[1].call("/picket.v1.Rules/Apply", bare, self.of["rules"].ApplyResponse)
        acknowledged = time.perf_counter()
        last = {"acknowledged": (acknowledged - start) * 1e3}
        left = 3 * len(self.nodes)
        while left:
            what, node, its_id, when = seen.get(timeout=30)
            assert its_id, "n%d: %s" % (node, what)
            if its_id == entry_id:  # else: an invite's entry that came late
                last[what], left = max(last.get(what, -1e9), (when - acknowledged) * 1e3), left - 1
        return last


def spread_rows(fleet, name, count):
    requests, seen, times = {}, queue.Queue(), {}
    watchers = [Watcher(fleet.of, node, fleet.clients[node], requests, seen) for node in fleet.nodes]
    fleet.settle()
    time.sleep(0.5)  # all streams are open
    chance = random.Random(1)
    for number in range(count + OBJECTS):
        last = fleet.write(requests, seen)
        time.sleep(chance.uniform(0.005, 0.025))  # in no step with any timer
        if number >= OBJECTS:
            for what, ms in last.items():
                times.setdefault(what, []).append(ms)
    for watcher in watchers:
        watcher.stop()
    fleet.settle()
    rows = []
    for what in ("acknowledged", "shown", "stored", "enforced"):
        rows += two_rows("%s.%s" % (name, what), times[what], "ms")
    return rows


# ---- a large import

def write_prefixes(path, count):
    """Different networks, most of them single addresses, none of the lab's."""
    chance, seen = random.Random(2026), set()
    while len(seen) < count:
        length = chance.choice((24, 28, 32, 32, 32, 32))
        address = chance.randrange(0x0B000000, 0xDF000000) >> (32 - length) << (32 - length)
        seen.add("%d.%d.%d.%d/%d" % (address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255, length))
    with open(path, "w") as file:
        file.write("\n".join(seen) + "\n")


def nft_seconds(lab, path):
    """The same list into one nftables interval set, on one box (the lab's host); None without nft."""
    if not shutil.which("nft"):
        return None
    rules = os.path.join(lab.folder, "rules.nft")
    with open(rules, "w") as file:
        file.write("table ip bench {\nset listed {\ntype ipv4_addr\nflags interval\nauto-merge\nelements = { %s }\n}\n}\n" %
                   ", ".join(open(path).read().split()))
    start = time.perf_counter()
    lab.run("host", "nft", "-f", rules)
    return time.perf_counter() - start


def import_rows(fleet, count):
    """From the start of the command until every node's generation has the prefixes."""
    folder = fleet.lab.folder
    small, large = os.path.join(folder, "few.txt"), os.path.join(folder, "many.txt")
    write_prefixes(small, 5)
    write_prefixes(large, count)
    fleet.lab.picket(1, "set", "import", "bench", small, "--kind", "ban")
    fleet.lab.picket(1, "rule", "add", "drop in from @bench priority 50 name bench-set")
    wait_until("the set is in force", lambda: all(fleet.status(node).prefixes >= 5 for node in fleet.nodes))
    start = time.perf_counter()
    fleet.lab.picket(1, "set", "import", "bench", large, "--kind", "ban")
    acknowledged = time.perf_counter() - start
    # Covered prefixes may be merged: most of them is all of them here.
    wait_until("the prefixes are in force", lambda: all(fleet.status(node).prefixes > count * 0.9 for node in fleet.nodes), 120)
    enforced = time.perf_counter() - start
    fleet.settle()
    peer = nft_seconds(fleet.lab, large)
    return [row("import_100k.acknowledged", acknowledged, "s"),
            row("import_100k.enforced", enforced, "s", peer and "nft -f of the same set, one box", peer)]


# ---- memory

def resident_mb(lab, node):
    pid = open(lab.path(node, "pid")).read().strip()
    for line in open("/proc/%s/status" % pid):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("n%d does not run" % node)


def fill_log(fleet, count):
    """`count` more entries, many an Apply."""
    for start in range(0, count, BATCH):
        fleet.apply([fleet.writes.next()[0] for _ in range(min(BATCH, count - start))])
    wanted = fleet.status(1).entries
    wait_until("all nodes have the entries", lambda: all(fleet.status(node).entries == wanted for node in fleet.nodes), 120)
    fleet.settle()


def run(is_small, _options):
    counts, rows = COUNTS[is_small], []
    of = generate()
    progress("one writer at one node, %d times %d writes" % counts["lone"])
    rows += lone_writer(*counts["lone"])
    for named, (nodes, writes) in zip(NODES_NAMED, counts["fleets"]):
        progress("%d writes in a fleet of %d" % (writes, nodes))
        fleet = Fleet(of, nodes)
        try:
            idle = resident_mb(fleet.lab, nodes)
            rows += spread_rows(fleet, "%d_nodes" % named, writes)
            if named == NODES_NAMED[0]:
                progress("%d entries more" % counts["entries"])
                fill_log(fleet, counts["entries"])
                rows += [row("memory.idle", idle, "MB"), row("memory.10k_entries", resident_mb(fleet.lab, nodes), "MB")]
                progress("import of %d prefixes" % counts["prefixes"])
                rows += import_rows(fleet, counts["prefixes"])
        finally:
            fleet.lab.down()
    return rows, True
