/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* client.h - what the test programs that write to daemons share: blocking calls to local sockets.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "store/keys/keys.h"
#include "store/ledger/author.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

#define CLIENT_SOCKETS_MAX 16

struct client {
    const char **sockets;
    uint32_t sockets_count;
    struct rpc_blocking *channels[CLIENT_SOCKETS_MAX];
};

/* 0, or a negative errno and the sentence; a channel that failed is dialled anew at the next call.
 */
int client_call(struct client *client, uint32_t index, const char *path,
    const ProtobufCMessage *request, struct buffer *reply, struct problem *problem);

/* Submits signed entries, ascending. */
int client_apply(struct client *client, uint32_t index, const struct buffer *entries,
    uint32_t entries_count, struct problem *problem);

/* The operator's key of a plain key file. */
int client_key(const char *path, struct key_pair *ret_key);

/* Where this key's chain stands at the first node, and the trust head there. */
int client_position(
    struct client *client, const uint8_t key[KEY_BYTES], struct author_position *ret_position);

void client_fini(struct client *client);
