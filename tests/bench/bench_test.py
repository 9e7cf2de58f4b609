#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/bench way runs with tiny counts, and its rows have the names and units of way_rows.txt, which other runs are compared by."""
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIELDS = {"name", "value", "unit", "peer", "peer_value"}

if os.geteuid():
    print("skipped: needs root, for network namespaces and BPF")
    sys.exit(77)
with tempfile.NamedTemporaryFile() as out:
    done = subprocess.run([os.path.join(TOP, "scripts", "bench"), "way", "--small", "--json", out.name])
    if done.returncode:
        sys.exit(done.returncode)
    rows = json.load(open(out.name))
golden = open(os.path.join(TOP, "tests", "bench", "way_rows.txt")).read().split("\n")[:-1]
assert all(set(row) == FIELDS for row in rows), rows
assert ["%s %s" % (row["name"], row["unit"]) for row in rows] == golden, "rows.txt and the rows differ:\n%s" % rows
assert all(row["value"] > 0 for row in rows if ".shown." not in row["name"]), rows
