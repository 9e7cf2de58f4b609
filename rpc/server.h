/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * server.h - methods by path, calls as handles.
 *
 * Threads:  logic thread.
 * Owns:     a call belongs to you from on_call until you finish it, exactly once, with
 *           rpc_call_reply(), rpc_call_reply_bytes(), rpc_call_end() or rpc_call_fail(). It stays
 * valid till then even if the client is long gone; sending on a dead call does nothing. Limits:
 * REQUEST_BYTES_MAX a message in; RPC_SEND_BYTES_MAX queued a stream out; compressed messages are
 * refused. Always there: health (Check, Watch) on every address; reflection on unix sockets only;
 * every other path answers UNIMPLEMENTED with a sentence.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "rpc/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#define RPC_SEND_BYTES_MAX (4 * 1024 * 1024) /* preset of a call's send queue */

struct rpc_call;
struct rpc_credentials;
struct rpc_identity;
struct rpc_loop;
struct rpc_server;

enum rpc_call_kind { RPC_UNARY, RPC_SERVER_STREAM, RPC_BIDI };

/* Who may call: any of these bits. Others get PERMISSION_DENIED with a sentence. */
#define RPC_MAY(kind) (1U << (kind)) /* RPC_MAY(RPC_NODE) */
#define RPC_MAY_ANYONE 0xfU

struct rpc_method {
    const char *path; /* "/picket.v1.Rules/Apply"; must outlive the server */
    enum rpc_call_kind kind;
    uint32_t who;
    /* request: unary and server stream, borrowed during the call, not parsed; bidi: empty. */
    void (*on_call)(void *user, struct rpc_call *call, struct bytes request);
    void *user;
};

/*
 * Notices about a call, all optional. A unary call may leave them out.
 * on_cancel: the client went away, the deadline passed, the server stops or its identity is no
 * longer admitted. At most once; finish the call soon (inside it or later, any status). on_room:
 * the send queue, once full, has fallen below half. on_message, on_half_close: bidi only. The bytes
 * are borrowed; the next message is read after return.
 */
struct rpc_call_events {
    void (*on_cancel)(void *user, struct rpc_call *call);
    void (*on_room)(void *user, struct rpc_call *call);
    void (*on_message)(void *user, struct rpc_call *call, struct bytes message);
    void (*on_half_close)(void *user, struct rpc_call *call);
};

/* methods are copied (paths are not). The loop frees the server; rpc_loop_stop() stops it. */
int rpc_server_new(struct rpc_loop *loop, const struct rpc_method *methods, uint32_t methods_count,
    struct rpc_server **ret_server);

/* Before rpc_server_start(). A stale socket file is replaced, a live one is -EADDRINUSE. Mode 0660.
 */
int rpc_server_listen_unix(
    struct rpc_server *server, const char *path, struct problem *reterr_problem);

/* address "0.0.0.0:7425", "[::]:7425", port 0 picks one; mutual TLS 1.3. The port is in *ret_port
 * (may be NULL). */
int rpc_server_listen_tls(struct rpc_server *server, const char *address,
    const struct rpc_credentials *credentials, int *ret_port, struct problem *reterr_problem);

int rpc_server_start(struct rpc_server *server, struct problem *reterr_problem);

/* Health: "" is the whole server and serves from the start. A service is known once it was set.
 * Watchers hear of changes. */
int rpc_server_set_health(struct rpc_server *server, const char *service, bool is_serving);

/* Number of calls that are not finished. */
uint32_t rpc_server_calls_count(const struct rpc_server *server);

/* ---- calls */

/* Valid as long as the call. */
const struct rpc_identity *rpc_call_identity(const struct rpc_call *call);
const char *rpc_call_path(const struct rpc_call *call);
/* For logs only: the far address is not authenticated. */
const char *rpc_call_peer(const struct rpc_call *call);
bool rpc_call_is_cancelled(const struct rpc_call *call);
/* In and after on_cancel: why, a sentence. */
const char *rpc_call_cancel_text(const struct rpc_call *call);

void rpc_call_attach(
    struct rpc_call *call, const struct rpc_call_events *events, void *user); /* events must stay */

/* Unary: the reply and OK. */
void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *message);
void rpc_call_reply_bytes(struct rpc_call *call, struct bytes message);

/* Ends any call with a status that is not OK; the sentence reaches the client. Queued messages go
 * first. */
__attribute__((format(printf, 3, 4))) void rpc_call_fail(
    struct rpc_call *call, enum rpc_status status, const char *format, ...);

/* Streams: OK after everything that is queued. */
void rpc_call_end(struct rpc_call *call);

/*
 * Streams: queues one message. 0; -ENOBUFS if the queue is full (nothing queued, on_room will
 * follow; a message longer than the whole queue is taken when it is empty); -EPIPE if the call is
 * cancelled; -ENOMEM.
 */
int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message);
int rpc_call_send_bytes(struct rpc_call *call, struct bytes message);
void rpc_call_set_send_max(struct rpc_call *call, size_t bytes_max);
size_t rpc_call_queued_bytes(const struct rpc_call *call);
