#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Metric names and their labels are an interface: tests/golden/metrics.txt keeps them. With --update it is written anew; the
difference is reviewed."""
import os
import sys

from lab import TOP, Lab, wait_until

GOLDEN = os.path.join(TOP, "tests", "golden", "metrics.txt")

lab = Lab(1)
wait_until("the first generation is in force", lambda: lab.status(1)["enforcing"] == "yes")
wait_until("its device is seen", lambda: any(name.startswith("picket_device_packets") for name in lab.metrics(1)))
names = "".join("%s\n" % name for name in lab.metrics(1))
if "--update" in sys.argv:
    open(GOLDEN, "w").write(names)
    sys.exit(0)
wanted = open(GOLDEN).read()
missing = sorted(set(wanted.splitlines()) - set(names.splitlines()))
fresh = sorted(set(names.splitlines()) - set(wanted.splitlines()))
assert not missing and not fresh, "gone: %s; new: %s; if this is meant: tests/netns/metrics_test.py --update" % (missing, fresh)
print("%d metrics have the names of before" % len(names.splitlines()))
