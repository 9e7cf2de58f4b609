#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A forged entry, a changed byte, a non-canonical encoding, a wrong fleet id, an operator outside its scope, an entry over a limit:
each refused with its own reason, counted, the state unchanged. A replayed entry is known and changes nothing."""
import glob
import os
import subprocess

from lab import BUILD, Lab, wait_until

REASONS = {
    "changed_signature": "bad_signature",
    "changed_operations": "ops_mismatch",
    "non_canonical": "malformed",
    "forged_by_a_stranger": "unknown_author",
    "wrong_fleet": "foreign_fleet",
    "over_limit": "over_limit",
    "outside_scope": "out_of_scope",
}

lab = Lab(1)
scoped = os.path.join(lab.folder, "scoped.key")
lab.picket(1, "trust", "grant", "operator", "berliner", "--new-key", scoped, "--scope", "site=berlin")
wait_until("the scoped operator is known", lambda: "berliner" in lab.picket(1, "trust", "list"))
operator = [path for path in glob.glob(os.path.join(lab.fleet, "*.key")) if "operator" in os.path.basename(path)][0]
before, counted = lab.status(1), lab.metrics(1)

out = subprocess.run([os.path.join(BUILD, "picket-forger"), operator, scoped, lab.socket(1)], check=True, text=True, stdout=subprocess.PIPE).stdout
answers = dict(line.split(": ", 1) for line in out.splitlines())
print(out, end="")
for name, reason in REASONS.items():
    assert answers[name].startswith(reason + ": "), "%s: wanted %s, got %s" % (name, reason, answers[name])
    key = 'picket_refused_total{reason="%s"}' % reason
    assert lab.metrics(1)[key] == counted.get(key, 0) + 1, "%s is not counted" % reason
assert answers["sound"] == answers["replayed"] == "accepted", answers

after = lab.status(1)
assert after["entries"] == before["entries"] + 1, "something refused was kept"
rules = [rule["name"] for rule in lab.json(1, "rule", "list")["rules"]]
assert rules == ["forged"], rules
