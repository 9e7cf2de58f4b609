# SPDX-License-Identifier: Apache-2.0
"""picket_client.py - a client of Picket's API as a stranger would write it: Debian's grpc, protoc's Python output, one unix socket."""
import atexit
import importlib
import os
import shutil
import subprocess
import sys
import tempfile

import grpc

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Folder below proto/, files in it. The standard services stand in folders named grpc, which is also Python's module:
# so they are compiled from where they are.
SOURCES = ((".", ("picket/v1/entry", "picket/v1/rules", "picket/v1/log", "picket/v1/mesh", "picket/v1/fleet", "picket/v1/node")),
           ("grpc/health/v1", ("health",)), ("grpc/reflection/v1alpha", ("reflection",)))


def generate():
    """Compiles proto/ into a folder that goes away with the program; {name: module}."""
    folder = tempfile.mkdtemp(prefix="picket-proto-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    sys.path.insert(0, folder)
    found = {}
    for place, names in SOURCES:
        root = os.path.join(TOP, "proto", place)
        subprocess.run(["protoc", "-I", root, "--python_out", folder, *(name + ".proto" for name in names)], check=True)
        for name in names:
            found[os.path.basename(name)] = importlib.import_module(name.replace("/", ".") + "_pb2")
    return found


class Client:
    """One channel to a local socket. Methods are named by path, answers by type."""

    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix:" + socket)

    def call(self, path, request, answer, seconds=10):
        method = self.channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
        return method(request, timeout=seconds)

    def start(self, path, request, answer, seconds=10):
        """The same, not waited for: a future."""
        method = self.channel.unary_unary(path, type(request).SerializeToString, answer.FromString)
        return method.future(request, timeout=seconds)

    def stream(self, path, request, answer):
        """An iterator of answers; cancel() ends it."""
        return self.channel.unary_stream(path, type(request).SerializeToString, answer.FromString)(request)

    def talk(self, path, requests, answer):
        method = self.channel.stream_stream(path, lambda request: request.SerializeToString(), answer.FromString)
        return method(iter(requests))


def read_plain_key(path, kind="ed25519"):
    """The secret of a plain key file (docs/format.md, section 10)."""
    form, its_kind, kdf, ops, memory, salt, box = open(path).read().split()
    assert (form, its_kind, kdf, ops, memory, salt) == ("picket-key-1", kind, "plain", "0", "0", "-"), "not a plain key file"
    return bytes.fromhex(box)


def fleet_status(client, of):
    return client.call("/picket.v1.Fleet/Status", of["fleet"].FleetStatusRequest(), of["fleet"].FleetStatusResponse)


class Author:
    """Signs entries of one key, from where its chain stands at a node."""

    def __init__(self, fmt, key, status):
        self.fmt, self.key = fmt, key
        self.fleet_id, self.trust_head = status.fleet_id, status.trust_head
        self.seq, self.prev = 0, None
        for head in status.heads:
            if head.author == key.public:
                self.seq, self.prev = head.seq, head.id

    def sign(self, *operations):
        """(SignedEntry bytes, id); the chain moves on."""
        signed, entry_id = self.fmt.entry(self.fleet_id, self.seq + 1, self.prev, self.trust_head, list(operations), self.key)
        self.seq, self.prev = self.seq + 1, entry_id
        return signed, entry_id
