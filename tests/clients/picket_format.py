# SPDX-License-Identifier: Apache-2.0
"""picket_format.py - a second implementation of docs/format.md: bytes, ids, signatures, and the reduction of rules.

Written from that page alone. Messages are dicts; absent keys are defaults and are not written.
"""
import hashlib
import ipaddress
import struct

from nacl.signing import SigningKey

# ---- canonical protobuf: name -> fields as (number, key, type, repeated). Types: u (number), b (bool), s (string),
# y (bytes), else the name of a message.
MESSAGES = {
    "Genesis": [(1, "version", "u", 0), (2, "name", "s", 0), (3, "threshold", "u", 0), (4, "root_keys", "y", 1),
                (5, "limits", "Limits", 0)],
    "Limits": [(1, "entry_bytes", "u", 0), (2, "operations", "u", 0), (3, "lifetime_entries", "u", 0),
               (4, "live_objects", "u", 0), (5, "live_elements", "u", 0)],
    "SignedTrust": [(1, "header", "y", 0), (2, "body", "y", 0), (3, "signatures", "y", 1)],
    "TrustHeader": [(1, "version", "u", 0), (2, "fleet_id", "y", 0), (3, "position", "u", 0), (4, "prev", "y", 0),
                    (5, "signers", "u", 0), (6, "body_hash", "y", 0), (7, "body_len", "u", 0)],
    "TrustBody": [(1, "grant", "Grant", 0), (2, "narrow", "Narrow", 0), (3, "end", "End", 0), (5, "policy", "Policy", 0),
                  (6, "level", "Level", 0)],
    "Grant": [(1, "person", "s", 0), (2, "key", "y", 0), (3, "role", "u", 0), (4, "scope", "Scope", 0),
              (5, "actions", "u", 0), (6, "priority_min", "u", 0), (7, "priority_max", "u", 0), (8, "budget", "Budget", 0),
              (9, "validity_seconds", "u", 0), (10, "not_after", "u", 0), (11, "ca_key", "y", 0), (12, "may_suspend", "b", 0)],
    "Budget": [(1, "lifetime_entries", "u", 0), (2, "live_objects", "u", 0), (3, "live_elements", "u", 0)],
    "Cut": [(1, "key", "y", 0), (2, "seq", "u", 0), (3, "id", "y", 0)],
    "Narrow": [(1, "cut", "Cut", 0), (2, "grant", "Grant", 0)],
    "End": [(1, "cut", "Cut", 0), (2, "reason", "s", 0)],
    "Policy": [(1, "limits", "Limits", 0)],
    "Level": [(1, "level", "u", 0)],
    "SignedEntry": [(1, "header", "y", 0), (2, "ops", "y", 0), (3, "signature", "y", 0)],
    "Header": [(1, "version", "u", 0), (2, "fleet_id", "y", 0), (3, "author", "y", 0), (4, "seq", "u", 0), (5, "prev", "y", 0),
               (6, "trust_head", "y", 0), (7, "scope", "Scope", 0), (8, "valid_from", "u", 0), (9, "valid_until", "u", 0),
               (10, "confirm_by", "u", 0), (11, "confirm_within", "u", 0), (12, "ops_hash", "y", 0), (13, "ops_len", "u", 0)],
    "Ops": [(1, "ops", "Operation", 1)],
    "Operation": [(1, "kind", "u", 0), (2, "body", "y", 0)],
    "PutRule": [(1, "object", "y", 0), (2, "bases", "y", 1), (3, "rule", "Rule", 0)],
    "PutSet": [(1, "object", "y", 0), (2, "bases", "y", 1), (3, "set", "Set", 0), (4, "manifest", "Manifest", 0),
               (5, "vector", "Mark", 1)],
    "SetDelta": [(1, "set", "y", 0), (2, "add", "Element", 1), (3, "remove", "y", 1), (4, "clear", "Mark", 1)],
    "PutDefault": [(1, "object", "y", 0), (2, "bases", "y", 1), (3, "policy", "DefaultPolicy", 0)],
    "Delete": [(1, "object", "y", 0), (2, "bases", "y", 1)],
    "Mark": [(1, "author", "y", 0), (2, "seq", "u", 0)],
    "Rule": [(1, "name", "s", 0), (2, "priority", "u", 0), (3, "action", "u", 0), (4, "direction", "u", 0),
             (5, "match", "Match", 0), (6, "scope", "Scope", 0), (7, "mode", "u", 0), (8, "valid_from", "u", 0),
             (9, "valid_until", "u", 0), (10, "comment", "s", 0), (11, "limit", "Limit", 0), (12, "owner", "s", 0)],
    "Limit": [(1, "rate", "u", 0), (2, "burst", "u", 0), (3, "bytes", "b", 0), (4, "source_prefix_v4", "u", 0),
              (5, "source_prefix_v6", "u", 0)],
    "Scope": [(1, "terms", "ScopeTerm", 1)],
    "ScopeTerm": [(1, "key", "s", 0), (2, "values", "s", 1)],
    "Match": [(1, "to", "u", 0), (2, "family", "u", 0), (3, "source", "Addresses", 0), (4, "destination", "Addresses", 0),
              (5, "protocols", "u", 1), (6, "source_ports", "PortRange", 1), (7, "destination_ports", "PortRange", 1),
              (8, "icmp", "Icmp", 1), (9, "tcp_flags", "TcpFlags", 0), (10, "states", "u", 0), (11, "devices", "s", 1),
              (12, "device_class", "u", 0), (13, "vlan", "Number", 0), (14, "fragment", "u", 0), (15, "dscp", "Number", 0)],
    "Addresses": [(1, "prefixes", "Prefix", 1), (2, "set", "y", 0), (3, "negate", "b", 0)],
    "Prefix": [(1, "address", "y", 0), (2, "length", "u", 0)],
    "PortRange": [(1, "first", "u", 0), (2, "last", "u", 0)],
    "Icmp": [(1, "type", "u", 0), (2, "code", "Number", 0)],
    "TcpFlags": [(1, "mask", "u", 0), (2, "value", "u", 0)],
    "Number": [(1, "value", "u", 0), (2, "present", "b", 0)],
    "Set": [(1, "name", "s", 0), (2, "kind", "u", 0), (3, "scope", "Scope", 0), (4, "comment", "s", 0), (5, "owner", "s", 0)],
    "Manifest": [(1, "elements_v4", "u", 0), (2, "elements_v6", "u", 0), (3, "content_len", "u", 0), (4, "chunks", "y", 1)],
    "Element": [(1, "prefix", "Prefix", 0), (2, "expiry", "u", 0)],
    "DefaultPolicy": [(1, "scope", "Scope", 0), (2, "direction", "u", 0), (3, "device_class", "u", 0), (4, "action", "u", 0)],
}
ONEOFS = {"TrustBody"}  # exactly one member, written even when empty

OP_PUT_RULE, OP_PUT_SET, OP_SET_DELTA, OP_PUT_DEFAULT, OP_DELETE = 1, 2, 3, 4, 5
ALLOW, DROP, REJECT, LIMIT, LOG = 1, 2, 3, 4, 5
ROLE_OPERATOR, ROLE_ENROLLER, ROLE_GATEWAY, ROLE_BANNER = 1, 2, 3, 4


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def block(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def content_of(kind, value):
    if kind == "s":
        return value.encode()
    return bytes(value) if kind == "y" else encode(kind, value)


def encode(message, fields):
    """The canonical bytes of a message."""
    known = {key for _, key, _, _ in MESSAGES[message]}
    if not set(fields) <= known:
        raise ValueError(f"{message} has no {set(fields) - known}")
    out = b""
    for number, key, kind, repeated in MESSAGES[message]:
        value = fields.get(key)
        if value is None:
            continue
        if repeated and kind == "u":
            out += block(number, b"".join(varint(item) for item in value)) if value else b""
        elif repeated:
            out += b"".join(block(number, content_of(kind, item)) for item in value)
        elif kind in "ub":
            out += varint(number << 3) + varint(int(value)) if value else b""
        else:
            content = content_of(kind, value)
            out += block(number, content) if content or message in ONEOFS else b""
    return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def decode(message, data):
    """The fields of canonical bytes; anything else raises, for encoding them again must give them back."""
    rows = {number: (key, kind, repeated) for number, key, kind, repeated in MESSAGES[message]}
    fields, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        key, kind, repeated = rows[tag >> 3]
        value, at = read_varint(data, at)
        if tag & 7 == 2:
            content, at = data[at:at + value], at + value
            if kind == "u":
                value, place = [], 0
                while place < len(content):
                    item, place = read_varint(content, place)
                    value.append(item)
                fields[key] = value
                continue
            value = content.decode() if kind == "s" else content if kind == "y" else decode(kind, content)
        if repeated:
            fields.setdefault(key, []).append(value)
        else:
            fields[key] = value
    if encode(message, fields) != data:
        raise ValueError(f"not a canonical {message}")
    return fields


# ---- hashes, keys

def picket_hash(domain, data):
    """BLAKE2b-256 with the domain as personalisation, zero-padded to 16."""
    return hashlib.blake2b(data, digest_size=32, person=f"picket/{domain}/1".encode()).digest()


class Key:
    def __init__(self, seed):
        self.signing = SigningKey(seed)
        self.public = bytes(self.signing.verify_key)

    def sign(self, digest):
        return self.signing.sign(digest).signature


# ---- what is signed

def genesis(name, root_keys, threshold=1, limits=None):
    """(bytes, fleet id)"""
    fields = {"version": 1, "name": name, "threshold": threshold, "root_keys": sorted(root_keys)}
    if limits:
        fields["limits"] = limits
    data = encode("Genesis", fields)
    return data, picket_hash("genesis", data)


def trust(fleet_id, position, prev, body, root, signer=0):
    """A record signed by one root key: (SignedTrust bytes, id). prev is None in the first."""
    packed = encode("TrustBody", body)
    header = encode("TrustHeader", {"version": 1, "fleet_id": fleet_id, "position": position, "prev": prev or b"",
                                    "signers": 1 << signer, "body_hash": picket_hash("trust", packed), "body_len": len(packed)})
    record_id = picket_hash("trust", header)
    return encode("SignedTrust", {"header": header, "body": packed, "signatures": [root.sign(record_id)]}), record_id


def operation(kind, message, fields):
    return {"kind": kind, "body": encode(message, fields)}


def entry(fleet_id, seq, prev, trust_head, ops, key, scope=None, valid_from=0, valid_until=0):
    """(SignedEntry bytes, id). ops: list of operation(). prev is None in the first."""
    packed = encode("Ops", {"ops": ops})
    fields = {"version": 1, "fleet_id": fleet_id, "author": key.public, "seq": seq, "prev": prev or b"",
              "trust_head": trust_head, "valid_from": valid_from, "valid_until": valid_until,
              "ops_hash": picket_hash("ops", packed), "ops_len": len(packed)}
    if scope:
        fields["scope"] = scope
    header = encode("Header", fields)
    entry_id = picket_hash("entry", header)
    return encode("SignedEntry", {"header": header, "ops": packed, "signature": key.sign(entry_id)}), entry_id


def op_reference(entry_id, index=0):
    return entry_id + struct.pack(">I", index)


# ---- objects

def prefix(text):
    network = ipaddress.ip_network(text)
    return {"address": network.network_address.packed, "length": network.prefixlen}


def prefixes(*texts):
    return sorted((prefix(text) for text in texts), key=lambda p: (len(p["address"]), p["address"], p["length"]))


def number(value):
    return {"value": value, "present": True}


def ports(*ranges):
    return [{"first": first, "last": last} for first, last in sorted(ranges)]


def scope(**terms):
    return {"terms": [{"key": key, "values": sorted(values)} for key, values in sorted(terms.items())]}


def set_content(elements):
    """Canonical base content of {prefix text: expiry}, and the names of its chunks."""
    rows = sorted((ipaddress.ip_network(text), expiry) for text, expiry in elements.items() if ":" not in text)
    rows += sorted((ipaddress.ip_network(text), expiry) for text, expiry in elements.items() if ":" in text)
    content = b"".join(bytes([network.version, network.prefixlen]) + network.network_address.packed + struct.pack(">Q", expiry)
                       for network, expiry in rows)
    chunks = [content[at:at + 65536] for at in range(0, len(content), 65536)]
    return content, [picket_hash("chunk", chunk) for chunk in chunks]


# ---- the reduction of a history of rules: versions, siblings, deletes. Every entry is taken to be valid.

ROLE_RANK = {ROLE_OPERATOR: 4, ROLE_ENROLLER: 3, ROLE_GATEWAY: 2, ROLE_BANNER: 1}


def tree_root(leaves):
    """RFC 6962 under picket/state/1."""
    if not leaves:
        return picket_hash("state", b"")
    if len(leaves) == 1:
        return picket_hash("state", b"\0" + leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return picket_hash("state", b"\1" + tree_root(leaves[:split]) + tree_root(leaves[split:]))


class History:
    def __init__(self):
        self.trust_ids = []
        self.tips = set()   # (author, seq, id) of entries that none follows
        self.grants = {}    # key -> (role, position)
        self.versions = {}  # op reference -> (object, kind, bases, rule or None, author)
        self.position = 0
        self.trust_head = b""

    def add_trust(self, signed, record_id):
        body = decode("TrustBody", decode("SignedTrust", signed)["body"])
        self.position += 1
        self.trust_head = record_id
        self.trust_ids.append(record_id)
        if "grant" in body:
            self.grants[body["grant"]["key"]] = (body["grant"]["role"], self.position)

    def add_entry(self, signed, entry_id):
        fields = decode("SignedEntry", signed)
        header = decode("Header", fields["header"])
        author = header["author"]
        self.tips.discard((author, header["seq"] - 1, header.get("prev", b"")))
        self.tips.add((author, header["seq"], entry_id))
        for index, op in enumerate(decode("Ops", fields["ops"])["ops"]):
            reference = op_reference(entry_id, index)
            body = decode("Delete" if op["kind"] == OP_DELETE else "PutRule", op["body"])
            self.versions[reference] = (body.get("object", reference), op["kind"], body.get("bases", []), body.get("rule"), author)

    def effect(self, reference):
        """The rank of docs/format.md, Versions, 2."""
        _, kind, bases, rule, _ = self.versions[reference]
        if kind == OP_DELETE:
            return min(self.delete_rank(base) for base in bases)
        if rule.get("mode"):
            return 1
        return {DROP: 6, REJECT: 5, LIMIT: 4, ALLOW: 2, LOG: 1}[rule["action"]]

    def delete_rank(self, base):
        _, kind, bases, _, _ = self.versions[base]
        if kind == OP_DELETE:
            return min(self.delete_rank(below) for below in bases)
        return {6: 0, 5: 0, 4: 3, 2: 3, 1: 1}[self.effect(base)]

    def strength(self, reference):
        """Compares greatest first; the lower reference is stronger."""
        role, position = self.grants[self.versions[reference][4]]
        return (ROLE_RANK[role], self.effect(reference), -position, bytes(255 - byte for byte in reference))

    def objects(self):
        """object id -> (heads ascending, winner), without objects all of whose heads are deletes."""
        superseded = {base for version in self.versions.values() for base in version[2]}
        heads = {}
        for reference, version in self.versions.items():
            if reference not in superseded:
                heads.setdefault(version[0], []).append(reference)
        found = {}
        for object_id, references in sorted(heads.items()):
            if all(self.versions[reference][1] == OP_DELETE for reference in references):
                continue
            found[object_id] = (sorted(references), max(references, key=self.strength))
        return found

    def records_root(self):
        leaves = [b"\1" + author + struct.pack(">Q", seq) + entry_id for author, seq, entry_id in sorted(self.tips)]
        return tree_root(leaves + [b"\2" + record_id for record_id in sorted(self.trust_ids)])

    def state_root(self):
        leaves = [struct.pack(">I", 1) + (self.trust_head or bytes(32))]
        for object_id, (heads, winner) in self.objects().items():
            leaves.append(b"\1" + object_id + b"\1" + struct.pack(">I", len(heads)) + b"".join(head + b"\1" for head in heads) + winner)
        return tree_root(leaves)
