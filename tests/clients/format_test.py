#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""format_test.py VECTORS_PROGRAM - the bytes of one small history, made by C and by docs/format.md's Python, are equal."""
import subprocess
import sys
import unittest

import picket_format as fmt


def rule_ssh():
    return {"name": "ssh", "priority": 100, "action": fmt.DROP, "direction": 1,
            "match": {"to": 1, "source": {"prefixes": fmt.prefixes("192.0.2.0/24", "2001:db8::/32")}, "protocols": [6],
                      "source_ports": fmt.ports((1024, 65535)), "destination_ports": fmt.ports((22, 22), (8000, 8080))},
            "scope": fmt.scope(site=["paris", "berlin"], role=["web"]), "comment": "as long as it takes"}


def rule_web():
    return {"name": "web", "priority": 7, "action": fmt.ALLOW, "direction": 1,
            "match": {"protocols": [1], "icmp": [{"type": 8, "code": fmt.number(0)}], "vlan": fmt.number(0)}}


def rule_port_22(action):
    return {"name": "ssh", "priority": 100, "action": action, "direction": 1,
            "match": {"protocols": [6], "destination_ports": fmt.ports((22, 22))}}


class Story:
    """The history of vectors.c, told again."""

    def __init__(self):
        self.lines = {}
        self.history = fmt.History()
        self.root, self.alice, self.bob = (fmt.Key(bytes([byte]) * 32) for byte in (1, 2, 3))
        self.heads = {"alice": (0, None), "bob": (0, None)}

    def roots(self, name):
        self.lines[f"state_root_{name}"] = self.history.state_root()
        self.lines[f"records_root_{name}"] = self.history.records_root()

    def grant(self, key, person):
        body = {"grant": {"person": person, "key": key.public, "role": fmt.ROLE_OPERATOR, "actions": 0x3E, "priority_max": 65535}}
        position = self.history.position + 1
        signed, record_id = fmt.trust(self.fleet_id, position, self.history.trust_head, body, self.root)
        self.history.add_trust(signed, record_id)
        self.lines[f"trust_{position}"], self.lines[f"trust_{position}_id"] = signed, record_id

    def write(self, person, operation):
        seq, prev = self.heads[person]
        key = getattr(self, person)
        signed, entry_id = fmt.entry(self.fleet_id, seq + 1, prev, self.history.trust_head, [operation], key)
        self.heads[person] = (seq + 1, entry_id)
        self.history.add_entry(signed, entry_id)
        self.lines[f"{person}_{seq + 1}"], self.lines[f"{person}_{seq + 1}_id"] = signed, entry_id
        return fmt.op_reference(entry_id)

    def put(self, person, rule, base=None):
        fields = {"rule": rule}
        if base:
            fields.update(object=base, bases=[base])
        return self.write(person, fmt.operation(fmt.OP_PUT_RULE, "PutRule", fields))

    def delete(self, person, target, bases=None):
        self.write(person, fmt.operation(fmt.OP_DELETE, "Delete", {"object": target, "bases": bases or [target]}))

    def tell(self):
        self.lines["genesis"], self.fleet_id = fmt.genesis("vectors", [self.root.public])
        self.lines["fleet_id"] = self.fleet_id
        self.roots("empty")
        self.grant(self.alice, "alice")
        self.grant(self.bob, "bob")
        self.roots("trusted")
        self.ssh = self.put("alice", rule_ssh())
        self.roots("created")
        self.web = self.put("alice", rule_web())
        self.allow = self.put("alice", rule_port_22(fmt.ALLOW), self.ssh)
        self.roots("changed")
        self.reject = self.put("bob", rule_port_22(fmt.REJECT), self.ssh)
        self.roots("siblings")
        self.delete("bob", self.web)
        self.roots("deleted")
        self.delete("alice", self.web)
        self.roots("deleted_twice")
        self.siblings = self.history.objects()
        self.delete("alice", self.ssh, sorted([self.allow, self.reject]))
        self.roots("settled")
        content, chunks = fmt.set_content({"10.0.0.1/32": 0, "192.0.2.0/24": 1893456000, "2001:db8::/32": 0})
        self.lines["set_content"], self.lines["set_chunk"] = content, chunks[0]
        return self


class FormatTest(unittest.TestCase):
    program = None

    def test_c_and_python_make_the_same_bytes(self):
        output = subprocess.run([self.program], check=True, capture_output=True, text=True).stdout
        golden = dict(line.split() for line in output.splitlines())
        made = {name: line.hex() for name, line in Story().tell().lines.items()}
        self.assertEqual(golden, made)

    def test_the_restrictive_sibling_wins_and_a_deleted_rule_is_gone(self):
        story = Story().tell()
        self.assertEqual(story.siblings, {story.ssh: (sorted([story.allow, story.reject]), story.reject)})
        self.assertEqual(story.history.objects(), {})

    def test_what_is_not_canonical_is_refused(self):
        self.assertEqual(fmt.decode("Level", b"\x08\x01"), {"level": 1})
        for data in (b"\x08\x81\x00", b"\x08\x00", b"\x08\x01\x08\x02"):
            with self.assertRaises(ValueError):
                fmt.decode("Level", data)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: format_test.py VECTORS_PROGRAM")
    FormatTest.program = sys.argv.pop(1)
    unittest.main()
