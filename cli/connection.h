/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * connection.h - the nodes one run talks to: --node over TLS with client.pem, or the daemon of this
 * box through its socket.
 *
 * Owns: struct connections owns its channels. Threads: one.
 */
#include "cli/cli.h"

#include <protobuf-c/protobuf-c.h>

#define PICKET_SOCKET_PATH "/run/picket/picketd.sock"
#define CONNECTIONS_MAX (OPTION_VALUES_MAX + 1)

struct rpc_blocking;
struct rpc_credentials;
struct rpc_trust;

struct connection {
    const char *where; /* as given */
    bool is_socket;
    struct rpc_blocking *channel;
    int state;               /* 0, or why it is left out: a negative errno */
    uint64_t trust_position; /* of the node's trust head, once asked */
    uint64_t key_seq;        /* of the signing key's head there, once asked */
    struct problem why;
};

struct connections {
    struct connection *at[CONNECTIONS_MAX];
    uint32_t count;
    struct rpc_trust *trust;
    struct rpc_credentials *credentials;
};

/* Is --node or --socket given (or PICKET_SOCKET set)? */
bool connections_are_named(const struct cli *cli);

/* Needs the fleet's folder exactly for --node. Nothing is dialled yet. */
int connections_open(
    struct cli *cli, struct connections *ret_connections, struct problem *reterr_problem);
void connections_fini(struct connections *connections);

/* The first that is not left out; NULL if there is none. */
struct connection *connections_first(struct connections *connections);

/* A unary call. *ret_reply: wire_free(). The sentence begins with the node. */
int connection_ask(struct connection *connection, const char *path, const void *request,
    const ProtobufCMessageDescriptor *reply_type, void *ret_reply, struct problem *reterr_problem);

/* A server stream; on_reply returns false to stop. */
int connection_follow(struct connection *connection, const char *path, const void *request,
    bool (*on_reply)(void *user, struct bytes reply), void *user, struct problem *reterr_problem);
