# SPDX-License-Identifier: Apache-2.0
"""packet.py - the packet path: the classifier by itself (picket-bench-packet, C), then, with --peers, the whole way of packets
through a veth pair with the same rules in ours and in other firewalls, and what changes cost each."""
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "packet"))
import configurations
import page
import peers
import road
import updates

TITLE = "The packet path"
METHOD = """Exactness comes first: the classifier's answers are compared with a plain search, and any difference fails the run.

* `verdict/SET/TRACE`, `hit/LIST/TRACE`: median ns above the same program without the lookup (`BPF_PROG_TEST_RUN`), iterations chained.
  Traces: `rules` drawn from the rules, `hit` from the list, `flood` random, `flow` one header again and again
* `floor/...`: ns of a whole program with one frame: empty, parse only, ours from frame to verdict without a generation, without rules,
  with one rule that the packet misses or meets. `counters/...`: ns of counting a reason, and a rule above that: always the same rule, any of 131,072
  (`-spread`: the caches' price), and by the atomic adds of a machine with more than 16 CPUs (`-atomic`)
* `swap/SET`: from a compiled generation until packets see it: fill, flip, grace period; `add-one/SET`: one rule more, before all others: compile,
  too, where possible by changing the tables in force (`node/compile/amend.h`); `load/SET`: the first swap, when programs are verified
* `peer/NAME/CONFIG`: million packets a second through a veth pair in two namespaces; CPU 0 sends as fast as it can
  (`BPF_F_TEST_XDP_LIVE_FRAMES`), CPU 1 receives (threaded NAPI, SCHED_FIFO). The same rules or addresses for all, every packet is to be
  dropped, a later chain counts what was not. Ours: the attached programs, parse, verdict, counters. Medians of interleaved rounds. `busy` is
  the share of the time for which the receiving thread ran, `refused` the share of packets that found its ring full: a peer is at its
  limit where both are high. `.../cpu`: CPU ns a packet of that thread
* `floor/live/apart`: ns for a cache line from one of the two CPUs to the other and back. A virtual machine's CPUs are moved: a sample during which
  they are more than twice as far apart as at best is taken again, and counts only if no other is left
* `peer/NAME/load`, `replace`, `add-one`, ... `/SIZE`: milliseconds of the peer's own command (entering the namespace included: `floor/live/netns-exec`)
  beside ours: compile, fill, flip, which replaces all and so is also the most that one addition takes"""

SCALES = {False: {"headers": 1 << 20, "seconds": 1.0, "rounds": 3}, True: {"headers": 1 << 12, "seconds": 0.02, "rounds": 1}}
PASSED_MAX = 0.02  # of packets that should drop; what the lifeline lets through is far below


def progress(text):
    print("packet:", text, flush=True)


# ---- the classifier by itself, and changes of it

def rows_of(name, is_small, options, what, files=()):
    """Of a program that prints them."""
    command = [road.program(name)]
    if not os.path.exists(command[0]):
        progress("%s is not built: no rows of %s" % (name, what))
        return [], True
    command += ["--small"] if is_small else []
    for word in ("largest", "rounds"):
        command += ["--" + word, str(getattr(options, word))] if getattr(options, word) else []
    progress(what)
    done = subprocess.run(command + list(files), text=True, stdout=subprocess.PIPE)
    try:
        rows = json.loads(done.stdout)
    except ValueError:
        progress("%s: no rows" % name)
        return [], False
    if done.returncode:
        progress("%s ended with %d: an answer is wrong, or something could not be measured" % (name, done.returncode))
    return rows, done.returncode == 0


def alone(is_small, options):
    files = []
    for name in ("rules", "prefixes"):
        files += ["--" + name] + getattr(options, name) if getattr(options, name) else []
    rows, is_right = rows_of("picket-bench-packet", is_small, options, "the classifier by itself", files)
    more, is_too = rows_of("picket-bench-changes", is_small, options, "what changes cost", options.rules or ())
    return rows + more, is_right and is_too


# ---- the whole way

def make(group, folder, number, headers, fallback):
    """The list and the trace of a group; a file that has too few gives way to a generator."""
    group.list, group.trace = (os.path.join(folder, "%d.%s" % (number, word)) for word in ("list", "trace"))
    for source in (group.source, fallback[group.kind]):
        out = road.run(road.program("picket-bench-make"), group.kind, source, str(group.count), group.list, group.trace, str(headers),
                       str(group.family))
        if int(out) >= 0.9 * group.count:
            return
    raise road.Failed("only %s of %d %s" % (out.strip(), group.count, group.kind))


def try_member(peer, group, source, seconds):
    """One measurement, or None with a sentence."""
    try:
        peer.start(group.list if group.ours else None)
        try:
            sample = road.measure(source, seconds)
            if peer is group.ours and group.has_changes:
                group.change_times = group.change_times or updates.ours(peer.child, 3 if seconds >= 1 else 0)
            return sample
        finally:
            peer.stop()
    except road.Failed as error:
        progress(error)
        peers.flush()
        return None


def measure_group(group, scale, samples):
    members = [(name, peer) for name, _, peer in group.members if peers.is_here(peer)]
    members += [("ours", group.ours)] if group.ours else []
    source = road.flood(group.trace)
    try:
        for name, peer in members:
            sample = try_member(peer, group, source, scale["seconds"])
            if sample:
                samples.setdefault((id(group), name), []).append(sample)
    finally:
        source.end()


def near(samples):
    """Without those that the machine disturbed (road.measure), where others are left."""
    return [sample for sample in samples if not road.is_far(sample)] or samples


def distance_row():
    seen = road.Distance.seen
    return [{"name": "floor/live/apart", "value": statistics.median(seen), "unit": "ns", "low": min(seen), "high": max(seen),
             "peer": None, "peer_value": None}] if seen else []


def median(samples, key):
    return statistics.median(sample[key] for sample in samples) if samples else None


def spread(samples, key, prefix=""):
    return {prefix + "low": min(sample[key] for sample in samples), prefix + "high": max(sample[key] for sample in samples)} if samples else {}


def row_of(name, words, our, their, key, unit):
    row = {"name": name, "value": median(our, key), "unit": unit, "peer": words, "peer_value": median(their, key)}
    row.update(spread(our, key), rounds=len(their or our))
    row.update(spread(their, key, "peer_"))
    for prefix, samples in (("", our), ("peer_", their)):
        for what in ("busy", "refused", "passed") if samples else ():
            row[prefix + what] = median(samples, what)
    return row


def group_rows(group, samples):
    rows, our = [], near(samples.get((id(group), "ours"), []))
    for name, words, peer in group.members:
        their = near(samples.get((id(group), name), []))
        if not peers.is_here(peer):
            progress("%s is not here: no row %s" % (peer.needs, name))
        elif their and group.ours:
            rows.append(row_of("peer/" + name, words, our, their, "mpps", "Mpps"))
            rows.append(row_of("peer/%s/cpu" % name, words, our, their, "ns", "ns"))
        elif their:
            rows.append(row_of(name, None, their, None, "mpps", "Mpps"))
            rows.append(row_of(name + "/cpu", None, their, None, "ns", "ns"))
    return rows


def all_dropped(rows):
    """A firewall that lets through what it should drop is not fast but wrong."""
    bad = [row["name"] for row in rows for key in ("passed", "peer_passed") if row.get(key) is not None and row[key] > PASSED_MAX]
    for name in sorted(set(bad)):
        progress("%s: packets passed that should have been dropped" % name)
    return not bad


def made_groups(is_small, options, folder):
    first = {name: (getattr(options, name) or [generator])[0] for name, generator in (("rules", "acl"), ("prefixes", "blocklist"))}
    fallback = {"rules": "acl", "prefixes": "blocklist", "nested": "blocklist", "disjoint": "-"}
    every = configurations.small(first["rules"]) if is_small else configurations.groups(first["rules"], first["prefixes"], options.largest)
    groups = []
    for number, group in enumerate(every):
        try:
            make(group, folder, number, SCALES[is_small]["headers"], fallback)
            groups.append(group)
        except road.Failed as error:
            progress(error)
    return groups


def live_rows(is_small, options, folder):
    scale, groups, samples = SCALES[is_small], made_groups(is_small, options, folder), {}
    rounds = options.rounds or scale["rounds"]
    for number in range(rounds):
        for group in groups:
            progress("round %d of %d: %s" % (number + 1, rounds, ", ".join(name for name, _, _ in group.members)))
            measure_group(group, scale, samples)
    rows = distance_row() + [row for group in groups for row in group_rows(group, samples)]
    progress("what changes cost the peers")
    return rows + updates.rows(groups), all_dropped(rows)


def on_end(number, _):
    raise SystemExit("ended by signal %d" % number)


def run(is_small, options):
    rows, is_right = alone(is_small, options)
    if not (options.peers or is_small):
        return rows, is_right
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_end)
    folder = tempfile.mkdtemp(prefix="picket-bench-")
    try:
        road.up()
        more, are_dropped = live_rows(is_small, options, folder)
        return rows + more, is_right and are_dropped
    finally:
        road.down()
        shutil.rmtree(folder, ignore_errors=True)


write_page = page.write
