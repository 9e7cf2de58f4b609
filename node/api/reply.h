/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reply.h - the memory of one answer: messages that point into each other and into the ledger, sent
 * and forgotten together.
 *
 * Threads: logic. A failed take marks the reply; reply_send() then answers RESOURCE_EXHAUSTED, so
 * that building code need not look at every step: it gets a NULL it must not write through.
 */
#include "base/arena.h"
#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct rpc_call;

struct reply {
    struct arena arena;
    struct reply_owned *owned;
    bool is_short; /* memory was */
};

/* Zeroed; NULL if memory is short. */
void *reply_take(struct reply *reply, size_t bytes);

/* A message of this type, initialised. */
void *reply_message(struct reply *reply, const ProtobufCMessageDescriptor *type);

/* An array for `count` pointers; never NULL for count 0 is needed: then NULL. */
void *reply_array(struct reply *reply, size_t count);

/* A copy. "" if memory is short, so that it can be printed. */
char *reply_text(struct reply *reply, const char *text);
__attribute__((format(printf, 2, 3))) char *reply_print(
    struct reply *reply, const char *format, ...);
ProtobufCBinaryData reply_bytes(struct reply *reply, struct bytes bytes); /* a copy */

/* Borrowed: must live until the reply is sent. */
ProtobufCBinaryData reply_borrow(struct bytes bytes);

/* The canonical message in `bytes`, freed with the reply; NULL if it cannot be read. */
void *reply_unpack(struct reply *reply, const ProtobufCMessageDescriptor *type, struct bytes bytes);

void reply_fini(struct reply *reply);

/* Answers a unary call, or says that memory is short; then reply_fini(). */
void reply_send(struct reply *reply, struct rpc_call *call, const void *message);
