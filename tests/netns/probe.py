#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""probe.py [SECONDS] - asks which packets pass. Runs in the host's namespace.

Reads lines `PROTOCOL SOURCE TARGET PORT` (udp, tcp, icmp; SOURCE - for any; PORT 0 for icmp), sends all at once,
three times a third of the time apart for udp and icmp, and prints `pass` or `drop` for each, in order.
Needs echo.py at TARGET. SOURCE is an address of the host (lab.py adds them to its lo); TARGET routes back to it.
"""
import os
import select
import socket
import struct
import sys
import time


def checksum(content):
    total = sum(struct.unpack(">%dH" % (len(content) // 2), content))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Probe:
    def __init__(self, line, number):
        self.protocol, source, self.target, port = line.split()
        self.port, self.passed, self.number = int(port), False, number
        six = ":" in self.target
        family = socket.AF_INET6 if six else socket.AF_INET
        kind = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM, "icmp": socket.SOCK_RAW}[self.protocol]
        number = 0 if self.protocol != "icmp" else (socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
        self.six, self.sock = six, socket.socket(family, kind, number)
        self.sock.setblocking(False)
        if source != "-":
            self.sock.bind((source, 0))
        self.identity = (os.getpid() ^ self.number * 7919) & 0xFFFF
        if self.protocol == "tcp":
            self.sock.connect_ex((self.target, self.port))

    def send(self):
        try:
            if self.protocol == "udp":
                self.sock.sendto(b"picket", (self.target, self.port))
            elif self.protocol == "icmp":
                kind = 128 if self.six else 8
                head = struct.pack(">BBHHH", kind, 0, 0, self.identity, 1)
                sent = head if self.six else struct.pack(">BBHHH", kind, 0, checksum(head), self.identity, 1)
                self.sock.sendto(sent, (self.target, 0))
        except OSError as error:
            print("probe:", self.protocol, self.target, error, file=sys.stderr)

    def readable(self):
        try:
            content, peer = self.sock.recvfrom(2048)
        except OSError:
            return
        if self.protocol == "icmp":
            icmp = content if self.six else content[(content[0] & 15) * 4:]
            kind, _, _, identity, _ = struct.unpack(">BBHHH", icmp[:8])
            if kind != (129 if self.six else 0) or identity != self.identity:
                return
        self.passed = True

    def connected(self):
        self.passed = self.passed or self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 0.9
    probes = [Probe(line, number) for number, line in enumerate(sys.stdin) if line.strip()]
    end, next_send = time.monotonic() + seconds, 0.0
    while time.monotonic() < end and not all(probe.passed for probe in probes):
        if time.monotonic() >= next_send:
            next_send = time.monotonic() + seconds / 3
            for probe in probes:
                if not probe.passed:
                    probe.send()
        waiting = [probe for probe in probes if not probe.passed]
        reads = {p.sock: p for p in waiting if p.protocol != "tcp"}
        writes = {p.sock: p for p in waiting if p.protocol == "tcp"}
        readable, writable, _ = select.select(list(reads), list(writes), [], 0.05)
        for sock in readable:
            reads[sock].readable()
        for sock in writable:
            writes[sock].connected()
    for probe in probes:
        print("pass" if probe.passed else "drop")


main()
