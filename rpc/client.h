/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * client.h - channels to other daemons and to the local one: unary calls and streams in the loop,
 * and a blocking form for the command.
 *
 * Threads:  logic thread; the blocking form: the thread that opened it.
 * Fails:    a call ends with a status and a sentence. Where the near end refused the far
 *           certificate, the sentence says why; where the far end may have refused ours, it says
 * so.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "rpc/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_channel;
struct rpc_credentials;
struct rpc_identity;
struct rpc_loop;
struct rpc_request;
struct rpc_stream;

struct rpc_channel_options {
    const char *target;                        /* "unix:/path", "/path" or "host:port" */
    const struct rpc_credentials *credentials; /* NULL exactly for unix sockets */
    size_t message_bytes_max;                  /* 0: REQUEST_BYTES_MAX */
    bool has_keepalive;                        /* HTTP/2 pings each 10 s: for links that stay */
};

/* Connects at the first call. The loop frees channels that are left. */
int rpc_channel_new(struct rpc_loop *loop, const struct rpc_channel_options *options,
    struct rpc_channel **ret_channel, struct problem *reterr_problem);

/* Calls still running are cancelled and get their callback. */
void rpc_channel_free(struct rpc_channel *channel);

/* The end of a unary call. text: the sentence, "" for RPC_OK. reply and text are borrowed. Never
 * called inside rpc_call_start(). */
typedef void rpc_reply_fn(void *user, enum rpc_status status, const char *text, struct bytes reply);

/* timeout_ms 0: no deadline. *ret_request (may be NULL) is valid until the callback. 0 or -ENOMEM,
 * -ESHUTDOWN (then no callback). */
int rpc_call_start(struct rpc_channel *channel, const char *path, struct bytes request,
    uint32_t timeout_ms, rpc_reply_fn *on_reply, void *user, struct rpc_request **ret_request);
void rpc_request_cancel(struct rpc_request *request);

/* ---- bidirectional streams, and server streams with one request */

/*
 * on_open:    the far end answered (initial metadata); identity is its, NULL on a unix socket.
 * on_message: borrowed; the next one is read after return.
 * on_room:    the send queue, once full, has fallen below half.
 * on_end:     exactly once, the last callback; the stream is gone after it returns.
 */
struct rpc_stream_events {
    void (*on_open)(void *user, struct rpc_stream *stream, const struct rpc_identity *identity);
    void (*on_message)(void *user, struct rpc_stream *stream, struct bytes message);
    void (*on_room)(void *user, struct rpc_stream *stream);
    void (*on_end)(void *user, struct rpc_stream *stream, enum rpc_status status, const char *text);
};

struct rpc_stream_options {
    const char *path;
    const struct rpc_stream_events *events; /* must stay */
    void *user;
    size_t send_bytes_max; /* 0: RPC_SEND_BYTES_MAX of server.h */
    uint32_t timeout_ms;   /* 0: none */
};

/* 0, -ENOMEM, -ESHUTDOWN. No callback comes before it returns. */
int rpc_stream_open(struct rpc_channel *channel, const struct rpc_stream_options *options,
    struct rpc_stream **ret_stream);

/* As rpc_call_send_bytes(): 0, -ENOBUFS, -EPIPE, -ENOMEM. Before on_open it queues. */
int rpc_stream_send(struct rpc_stream *stream, struct bytes message);
size_t rpc_stream_queued_bytes(const struct rpc_stream *stream);

/* Nothing more will be sent; what is queued goes first. */
void rpc_stream_half_close(struct rpc_stream *stream);

/* on_end follows, never inside this call. */
void rpc_stream_cancel(struct rpc_stream *stream);

/* ---- the blocking form */

struct rpc_blocking; /* a channel with a loop of its own */

/* The same options; credentials' trust may be made with a NULL loop (then without events). */
int rpc_blocking_open(const struct rpc_channel_options *options, struct rpc_blocking **ret_blocking,
    struct problem *reterr_problem);
void rpc_blocking_close(struct rpc_blocking *blocking);

/*
 * 0 and the reply appended to *reply; else rpc_status_errno() and the sentence in the problem.
 * Nobody listening is said at once.
 */
int rpc_call_blocking(struct rpc_blocking *blocking, const char *path, struct bytes request,
    uint32_t timeout_ms, struct buffer *reply, struct problem *reterr_problem);

/* A server stream: on_each for each message; it returns false to stop (then the result is 0). */
int rpc_stream_blocking(struct rpc_blocking *blocking, const char *path, struct bytes request,
    uint32_t timeout_ms, bool (*on_each)(void *user, struct bytes message), void *user,
    struct problem *reterr_problem);
