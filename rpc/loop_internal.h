/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * loop_internal.h - what servers, channels and calls need of the loop.
 *
 * Holds:  one for everything that still expects an event of the queue or of its owner. The queue is
 *         shut down only at zero, because a batch started on a queue that is shut down aborts the
 * process.
 */
#include "rpc/loop.h"

#include <grpc/grpc.h>

/* A server or channel: it is told of the stop, and freed when the queue is gone. */
struct rpc_part {
    void (*stop)(struct rpc_part *part, uint32_t grace_ms);
    void (*free)(struct rpc_part *part);
    struct rpc_part *next, *prev;
};

void rpc_loop_add_part(struct rpc_loop *loop, struct rpc_part *part);
void rpc_loop_remove_part(struct rpc_loop *loop, struct rpc_part *part);

void rpc_loop_hold(struct rpc_loop *loop);
void rpc_loop_drop(struct rpc_loop *loop);

grpc_completion_queue *rpc_loop_queue(struct rpc_loop *loop);

/* timers.c: a pairing heap of the callers' own nodes. */
struct rpc_timer *rpc_timers_merge(struct rpc_timer *a, struct rpc_timer *b);
struct rpc_timer *rpc_timers_remove(struct rpc_timer *root, struct rpc_timer *timer);

/* watch.c: the descriptor thread. */
struct rpc_watchers;
int rpc_watchers_new(struct rpc_loop *loop, struct rpc_watchers **ret_watchers);
void rpc_watchers_join(struct rpc_watchers *watchers);
void rpc_watchers_free(struct rpc_watchers *watchers); /* after join; NULL does nothing */
struct rpc_watchers *rpc_loop_watchers(struct rpc_loop *loop);

/* start.c: the process. */
void rpc_grpc_start(void);
void rpc_grpc_end(void);
