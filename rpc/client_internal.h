/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * client_internal.h - a channel and what runs on it.
 *
 * A channel lives until it was freed and its last request or stream is gone; those hold the loop.
 */
#include "rpc/client.h"
#include "rpc/credentials_internal.h"
#include "rpc/frames.h"
#include "rpc/loop_internal.h"
#include "rpc/trust_internal.h"

#include <grpc/grpc.h>

#define RPC_TEXT_BYTES_MAX 512

/* A running request or stream: how the channel reaches it. */
struct rpc_run {
    struct rpc_channel *channel;
    struct rpc_run *next, *prev;
    grpc_call *grpc;
    char *leaf_pem; /* streams that are open over TLS */
};

struct rpc_channel {
    struct rpc_part part; /* first */
    struct rpc_trust_watcher watcher;
    struct rpc_loop *loop;
    grpc_channel *grpc;
    struct rpc_note *note;   /* NULL without TLS */
    struct rpc_trust *trust; /* NULL without TLS */
    struct rpc_run *runs;
    char *target;
    bool is_freed;
};

/* 0 or -ESHUTDOWN. */
int rpc_run_start(
    struct rpc_run *run, struct rpc_channel *channel, const char *path, uint32_t timeout_ms);
/* The last thing a run does. May free the channel. */
void rpc_run_end(struct rpc_run *run);

/* Turns gRPC's words into a sentence for people; text has RPC_TEXT_BYTES_MAX. */
void rpc_run_explain(
    const struct rpc_run *run, grpc_status_code status, grpc_slice details, char *ret_text);
