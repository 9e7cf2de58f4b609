/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * loop.h - the one queue of the process: calls, posts, timers, watched descriptors. It is gRPC's
 * completion queue, and the thread in rpc_loop_run() is the logic thread.
 *
 * Threads: everything here belongs to the logic thread (or to whoever sets up before
 *          rpc_loop_run()), except rpc_post() and rpc_now_ns(): any thread.
 * I/O:     all of it, inside rpc_loop_run().
 * Order:   posts arrive in the order of posting, per thread. Nothing called back may block.
 */
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct rpc_loop;

/* What comes back through the queue. Put it first in your own struct. ok is 1 for posts. */
struct rpc_tag {
    void (*fn)(struct rpc_tag *tag, int ok);
    bool is_post; /* the loop's */
};

/*
 * Call it before other threads exist: it cleans GRPC_* and *_proxy from the environment, limits TLS
 * to 1.3, ignores SIGPIPE, and starts gRPC with all signals blocked in gRPC's threads. Several
 * loops in one process are allowed.
 */
int rpc_loop_new(struct rpc_loop **ret_loop, struct problem *reterr_problem);

/* Serves until a stop is complete. */
void rpc_loop_run(struct rpc_loop *loop);

/* One event, or the next deadline: for what must be done before the rest may begin. False when a
 * stop is complete. */
bool rpc_loop_turn(struct rpc_loop *loop);

/*
 * Begins the end and returns: every server stops listening; every open call and link gets its
 * cancel/down notice now and has `grace_ms` to finish, then it is cut; channels close; when nothing
 * is left in flight rpc_loop_run() returns. Calls handed to you by rpc/server.h must still be
 * finished by you, or the loop never ends. Calling it twice does nothing more.
 */
void rpc_loop_stop(struct rpc_loop *loop, uint32_t grace_ms);

bool rpc_loop_is_stopping(const struct rpc_loop *loop);

/* After rpc_loop_run() has returned, or if it never ran (it then stops and drains by itself). NULL
 * does nothing. Threads that post must be gone. Frees servers and channels of this loop too. */
void rpc_loop_free(struct rpc_loop *loop);

/* Any thread. The tag must stay where it is until it is called, and may not be posted twice at the
 * same time. 0, or -ESHUTDOWN when the loop has ended: then the tag is not called. */
int rpc_post(struct rpc_loop *loop, struct rpc_tag *tag);

/* ---- time */

/* CLOCK_MONOTONIC. Any thread. */
uint64_t rpc_now_ns(void);

/* Yours; zero it before first use. Resolution 1 ms, never early. */
struct rpc_timer {
    void (*fn)(struct rpc_timer *timer);
    uint64_t deadline_ns;
    struct rpc_timer *child, *next, *prev; /* the loop's */
    bool is_set;
};

/* Sets or moves; allocates nothing. A timer fires once, then it is clear; fn may set it again.
 * Timers still set when the loop ends do not fire. */
void rpc_timer_set(struct rpc_loop *loop, struct rpc_timer *timer, uint64_t deadline_ns);
void rpc_timer_clear(struct rpc_loop *loop, struct rpc_timer *timer);

/* ---- descriptors */

/*
 * fn runs in the logic thread when fd is readable, and again as long as it stays readable (it is
 * re-armed after fn returns). The descriptor remains yours; remove the watch before closing it.
 */
struct rpc_watch;
int rpc_watch_add(struct rpc_loop *loop, int fd, void (*fn)(void *user, int fd), void *user,
    struct rpc_watch **ret_watch);

/* fn is not called any more. NULL does nothing. Allowed inside fn. */
void rpc_watch_remove(struct rpc_watch *watch);

/* ---- what gRPC itself complains about */

/* A listener died of a failed accept (out of descriptors): the daemon should restart itself. gRPC's
 * other complaints are dropped: any stranger can cause them. Any thread. */
bool rpc_listener_is_broken(void);
