#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""echo.py PORT - answers TCP and UDP on both families, until killed. Runs in a node's namespace."""
import select
import socket
import sys


def listener(kind, port):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", port))
    return sock


port = int(sys.argv[1])
tcp = listener(socket.SOCK_STREAM, port)
tcp.listen(256)
udp = listener(socket.SOCK_DGRAM, port)
print("ready", flush=True)
while True:
    for sock in select.select([tcp, udp], [], [])[0]:
        if sock is udp:
            content, peer = udp.recvfrom(2048)
            udp.sendto(content, peer)
        else:
            connection, _ = tcp.accept()
            connection.close()
