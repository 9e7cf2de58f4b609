#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""over_tls.py ADDRESS NODE CLIENT_PEM CA_PEM - an ordinary gRPC client with an operator's certificate, in the host's namespace.

Prints one line each: the names of the rules, what health says, what reflection and a caller without a certificate get.
The name it asks for is NODE's DNS name, as any client's host check does."""
import sys

import grpc
from picket_client import Client, generate


class TlsClient(Client):
    def __init__(self, address, node, credentials):
        options = [("grpc.ssl_target_name_override", node + ".node.picket.internal")]
        self.channel = grpc.secure_channel(address, credentials, options)


def refusal(ask):
    try:
        ask()
    except grpc.RpcError as error:
        return error.code().name
    return "accepted"


def main(address, node, client_pem, ca_pem):
    of = generate()
    pem, ca = open(client_pem, "rb").read(), open(ca_pem, "rb").read()
    client = TlsClient(address, node, grpc.ssl_channel_credentials(ca, pem, pem))
    stranger = TlsClient(address, node, grpc.ssl_channel_credentials(ca))
    rules = ("/picket.v1.Rules/List", of["rules"].ListRequest(kind="rule"), of["rules"].ListResponse, 5)
    health = ("/grpc.health.v1.Health/Check", of["health"].HealthCheckRequest(), of["health"].HealthCheckResponse)
    reflection = of["reflection"]
    ask = [reflection.ServerReflectionRequest(list_services="")]
    path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    print("rules", *(item.rule.name for item in client.call(*rules).objects))
    print("health", client.call(*health).status)
    print("reflection", refusal(lambda: list(client.talk(path, ask, reflection.ServerReflectionResponse))))
    print("alone", refusal(lambda: stranger.call(*rules)))


main(*sys.argv[1:])
