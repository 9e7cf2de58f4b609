#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench_test.py SECTION - scripts/bench SECTION runs with tiny counts, and its rows have the names and units of SECTION_rows.txt,
which other runs are compared by. Rows of a peer that is not on this machine may be missing."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIELDS = {"name", "value", "unit", "peer", "peer_value"}
PEERS = {"peer/nft/": "nft", "floor/live/nft": "nft", "peer/iptables/": "iptables-legacy", "peer/ipset/": "ipset", "peer/xdp-filter/": "xdp-filter"}

if os.geteuid():
    print("skipped: needs root, for network namespaces and BPF")
    sys.exit(77)
section = sys.argv[1]
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "rows.json")
    done = subprocess.run([os.path.join(TOP, "scripts", "bench"), section, "--small", "--json", path, "--markdown",
                           os.path.join(folder, "page.md")])
    if done.returncode:
        sys.exit(done.returncode)
    rows = json.load(open(path))


def may_be_missing(line):
    return any(line.startswith(start) and not shutil.which(command) for start, command in PEERS.items())


golden = open(os.path.join(TOP, "tests", "bench", "%s_rows.txt" % section)).read().split("\n")[:-1]
names = ["%s %s" % (row["name"], row["unit"]) for row in rows]
assert all(set(row) >= FIELDS for row in rows), rows
assert names == [line for line in golden if line in names or not may_be_missing(line)], "the rows are others:\n%s" % "\n".join(names)
# Above a floor that is subtracted, a tiny run may show nothing.
DIFFERENCES = ("verdict", "hit", "counters")
bad = [row["name"] for row in rows if ".shown." not in row["name"] and row["name"].split("/")[0] not in DIFFERENCES and not row["value"] > 0]
assert not bad, "no values: %s" % bad
