#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stream.py PORT TARGET... - sends UDP to every target every 5 ms until its standard input closes; prints how many
were sent and how many answers came. Runs in the host's namespace."""
import select
import socket
import sys
import time

port, targets = int(sys.argv[1]), sys.argv[2:]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent = answered = 0
print("ready", flush=True)
while True:
    for target in targets:
        try:
            sock.sendto(b"picket", (target, port))
            sent += 1
        except OSError:
            pass
    end = time.monotonic() + 0.005
    while (left := end - time.monotonic()) > 0:
        readable = select.select([sock, sys.stdin], [], [], left)[0]
        if sock in readable:
            sock.recvfrom(2048)
            answered += 1
        if sys.stdin in readable and not sys.stdin.readline():
            print(sent, answered, flush=True)
            sys.exit(0)
