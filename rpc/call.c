/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/limits.h"
#include "base/member.h"
#include "rpc/credentials_internal.h"
#include "rpc/server_internal.h"

#include <errno.h>
#include <grpc/support/alloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_OF(tag, member) OWNER_OF(struct rpc_call, member, tag)

static void pump(struct rpc_call *call);

/* ---- life */

void rpc_call_ref(struct rpc_call *call)
{
    call->refs++;
}

static void unlist(struct rpc_call *call)
{
    if (!call->is_listed)
        return;
    if (call->prev)
        call->prev->next = call->next;
    else
        call->server->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    call->server->calls_count--;
    call->is_listed = false;
}

static void list(struct rpc_call *call)
{
    struct rpc_server *server = call->server;

    call->next = server->calls;
    if (call->next)
        call->next->prev = call;
    server->calls = call;
    server->calls_count++;
    call->is_listed = true;
}

void rpc_call_unref(struct rpc_call *call)
{
    CHECK(call->refs > 0, "every unref has its ref");
    if (--call->refs > 0)
        return;
    unlist(call);
    rpc_queue_clear(&call->queue);
    grpc_byte_buffer_destroy(call->request);
    grpc_byte_buffer_destroy(call->reply);
    grpc_byte_buffer_destroy(call->incoming);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_details_destroy(&call->details);
    grpc_slice_unref(call->details_text);
    if (call->grpc)
        grpc_call_unref(call->grpc);
    gpr_free(call->peer);
    free(call->leaf_pem);
    rpc_loop_drop(call->server->loop);
    free(call);
}

static void start_batch(
    struct rpc_call *call, const grpc_op *ops, size_t count, struct rpc_tag *tag)
{
    grpc_call_error error = grpc_call_start_batch(call->grpc, ops, count, tag, NULL);

    CHECK(error == GRPC_CALL_OK, "a batch of ours breaks no rule of gRPC");
    rpc_call_ref(call);
}

/* ---- sending */

static void put_open_metadata(struct rpc_call *call, grpc_op *op)
{
    op->op = GRPC_OP_SEND_INITIAL_METADATA;
    bool is_accepted = !call->is_finished || call->status == RPC_OK;

    if (call->method && call->method->kind != RPC_UNARY && is_accepted) {
        call->open_metadata.key = grpc_slice_from_static_string(RPC_OPEN_KEY);
        call->open_metadata.value = grpc_slice_from_static_string("open");
        op->data.send_initial_metadata.count = 1;
        op->data.send_initial_metadata.metadata = &call->open_metadata;
    }
    call->is_open = true;
}

static void put_status(struct rpc_call *call, grpc_op *op)
{
    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)call->status;
    op->data.send_status_from_server.status_details = &call->details_text;
    call->has_status = true;
}

static void on_wrote(struct rpc_tag *tag, int ok)
{
    struct rpc_call *call = CALL_OF(tag, wrote);

    call->is_writing = false;
    if (!ok)
        call->is_dead = true;
    if (call->is_dead)
        rpc_queue_clear(&call->queue);
    pump(call);
    if (!call->is_finished && rpc_queue_has_room_again(&call->queue) && call->events &&
        call->events->on_room)
        call->events->on_room(call->user, call);
    rpc_call_unref(call);
}

/* Starts the next batch, if one may start: metadata and a message, or what is last. */
static void pump(struct rpc_call *call)
{
    grpc_op ops[3] = {0};
    size_t count = 0;
    grpc_byte_buffer *frame;

    if (call->is_writing || call->has_status)
        return;
    frame = call->reply ? call->reply : rpc_queue_take(&call->queue);
    if (!frame && !call->is_finished && (call->is_open || call->method->kind == RPC_UNARY))
        return;
    if (!call->is_open && (frame || !call->is_finished))
        put_open_metadata(call, &ops[count++]);
    if (frame) {
        ops[count].op = GRPC_OP_SEND_MESSAGE;
        ops[count++].data.send_message.send_message = frame;
    }
    if (call->is_finished && !call->queue.first) {
        if (!call->is_open)
            put_open_metadata(call, &ops[count++]);
        put_status(call, &ops[count++]);
    }
    call->is_writing = true;
    start_batch(call, ops, count, &call->wrote);
    call->reply = NULL;
    grpc_byte_buffer_destroy(frame);
}

/* ---- what the owner does */

static void finish(struct rpc_call *call)
{
    CHECK(!call->is_finished, "a call is finished once");
    call->is_finished = true;
    if (call->is_dead)
        rpc_queue_clear(&call->queue);
    pump(call);
    rpc_call_unref(call);
}

static void reply(struct rpc_call *call, grpc_byte_buffer *frame)
{
    CHECK(call->method->kind == RPC_UNARY, "only unary calls have one reply");
    call->status = RPC_OK;
    call->reply = frame;
    finish(call);
}

void rpc_call_reply(struct rpc_call *call, const ProtobufCMessage *message)
{
    reply(call, rpc_frame_pack(message));
}

void rpc_call_reply_bytes(struct rpc_call *call, struct bytes message)
{
    reply(call, rpc_frame_from(message));
}

static void set_details(struct rpc_call *call, const char *text)
{
    grpc_slice_unref(call->details_text);
    call->details_text = grpc_slice_from_copied_string(text);
}

void rpc_call_fail(struct rpc_call *call, enum rpc_status status, const char *format, ...)
{
    char text[512];
    va_list arguments;

    CHECK(status != RPC_OK, "a failure has a status");
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    call->status = status;
    set_details(call, text);
    finish(call);
}

void rpc_call_end(struct rpc_call *call)
{
    CHECK(call->method->kind != RPC_UNARY, "a unary call ends with its reply");
    call->status = RPC_OK;
    finish(call);
}

static int send_frame(struct rpc_call *call, grpc_byte_buffer *frame)
{
    int r;

    CHECK(call->method->kind != RPC_UNARY && !call->is_finished, "only an open stream sends");
    if (call->is_dead) {
        grpc_byte_buffer_destroy(frame);
        return -EPIPE;
    }
    r = rpc_queue_put(&call->queue, frame);
    if (r == 0)
        pump(call);
    return r;
}

int rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message)
{
    return send_frame(call, rpc_frame_pack(message));
}

int rpc_call_send_bytes(struct rpc_call *call, struct bytes message)
{
    return send_frame(call, rpc_frame_from(message));
}

void rpc_call_set_send_max(struct rpc_call *call, size_t bytes_max)
{
    call->queue.bytes_max = bytes_max;
}

size_t rpc_call_queued_bytes(const struct rpc_call *call)
{
    return call->queue.bytes;
}

void rpc_call_attach(struct rpc_call *call, const struct rpc_call_events *events, void *user)
{
    call->events = events;
    call->user = user;
}

const struct rpc_identity *rpc_call_identity(const struct rpc_call *call)
{
    return &call->identity;
}

const char *rpc_call_path(const struct rpc_call *call)
{
    return call->method->path;
}

const char *rpc_call_peer(const struct rpc_call *call)
{
    return call->peer ? call->peer : "";
}

bool rpc_call_is_cancelled(const struct rpc_call *call)
{
    return call->is_dead;
}

const char *rpc_call_cancel_text(const struct rpc_call *call)
{
    if (call->cut_text)
        return call->cut_text;
    return call->server->is_stopping ? "this server is stopping" : "the far end went away";
}

/* ---- endings from outside */

void rpc_call_tell(struct rpc_call *call, bool is_dead)
{
    if (is_dead)
        call->is_dead = true;
    if (call->is_finished || call->is_told)
        return;
    call->is_told = true;
    if (call->events && call->events->on_cancel)
        call->events->on_cancel(call->user, call);
}

void rpc_call_cut(struct rpc_call *call, enum rpc_status status, const char *static_text)
{
    if (call->has_status)
        return;
    call->cut_text = static_text;
    (void)grpc_call_cancel_with_status(call->grpc, (grpc_status_code)status, static_text, NULL);
    rpc_call_tell(call, true);
}

static void on_closed(struct rpc_tag *tag, int ok)
{
    struct rpc_call *call = CALL_OF(tag, closed);

    (void)ok;
    if (call->was_cancelled) {
        call->is_dead = true;
        rpc_queue_clear(&call->queue);
        rpc_call_tell(call, true);
        pump(call);
    }
    rpc_call_unref(call);
}

/* ---- reading, bidi only */

static void read_next(struct rpc_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    op.data.recv_message.recv_message = &call->incoming;
    start_batch(call, &op, 1, &call->read);
}

static void on_read(struct rpc_tag *tag, int ok)
{
    struct rpc_call *call = CALL_OF(tag, read);
    bool is_end = !ok || !call->incoming;
    struct rpc_frame_view view;

    if (!call->is_finished && !call->is_dead && call->events) {
        rpc_frame_open(call->incoming, &view);
        if (!is_end && call->events->on_message)
            call->events->on_message(call->user, call, view.bytes);
        else if (is_end && ok && call->events->on_half_close)
            call->events->on_half_close(call->user, call);
        rpc_frame_close(&view);
    }
    grpc_byte_buffer_destroy(call->incoming);
    call->incoming = NULL;
    if (!is_end && !call->is_finished && !call->is_dead)
        read_next(call);
    rpc_call_unref(call);
}

/* ---- arrival */

static void learn_peer(struct rpc_call *call)
{
    call->peer = grpc_call_get_peer(call->grpc);
    call->leaf_pem = rpc_peer_leaf(call->grpc);
}

/* Who calls, judged now. Refuses the call and returns false if it may not. */
static bool admit(struct rpc_call *call)
{
    struct rpc_judgement judgement = {.identity = {.kind = RPC_LOCAL}};
    bool is_local = call->peer && strncmp(call->peer, "unix:", 5) == 0;

    if (call->leaf_pem && call->server->trust)
        rpc_trust_recheck(call->server->trust, bytes_of(call->leaf_pem, strlen(call->leaf_pem)),
            false, &judgement);
    else if (!is_local)
        judgement.refusal = RPC_REFUSED_NO_CERTIFICATE;
    call->identity = judgement.identity;
    if (judgement.refusal != RPC_REFUSED_NONE) {
        rpc_call_fail(call, RPC_UNAUTHENTICATED, "%s", rpc_refusal_text(judgement.refusal));
        return false;
    }
    if (!(call->method->who & RPC_MAY(call->identity.kind))) {
        static const char *const kinds[] = {"local callers", "nodes", "operators", "clients"};

        rpc_call_fail(call, RPC_PERMISSION_DENIED, "%s is not offered to %s", call->method->path,
            kinds[call->identity.kind]);
        return false;
    }
    return true;
}

static void serve(struct rpc_call *call)
{
    struct rpc_frame_view view;

    if (call->server->is_stopping) {
        rpc_call_fail(call, RPC_UNAVAILABLE, "the server is stopping");
        return;
    }
    if (call->server->calls_count > RPC_CALLS_MAX) {
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "too many calls are open at this server");
        return;
    }
    if (!admit(call))
        return;
    if (call->method->kind != RPC_BIDI && !call->request) {
        rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the request is missing");
        return;
    }
    rpc_frame_open(call->request, &view);
    call->method->on_call(call->method->user, call, view.bytes);
    rpc_frame_close(&view);
    if (call->is_finished)
        return;
    pump(call);
    if (call->method->kind == RPC_BIDI)
        read_next(call);
}

static void refuse_unknown(struct rpc_call *call)
{
    static const struct rpc_method nowhere = {.path = "", .kind = RPC_UNARY};
    char path[128];
    size_t len = GRPC_SLICE_LENGTH(call->details.method);

    if (len >= sizeof(path))
        len = sizeof(path) - 1;
    memcpy(path, GRPC_SLICE_START_PTR(call->details.method), len);
    path[len] = 0;
    call->method = &nowhere;
    rpc_call_fail(call, RPC_UNIMPLEMENTED, "'%s' is not a method of this server", path);
}

static void on_arrived(struct rpc_tag *tag, int ok)
{
    struct rpc_call *call = CALL_OF(tag, arrived);
    struct rpc_server *server = call->server;
    struct rpc_route *route = (struct rpc_route *)(uintptr_t)call->method; /* its first member */
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    if (!ok) { /* the server stops */
        rpc_call_unref(call);
        return;
    }
    if (!server->is_stopping)
        rpc_call_expect(server, route);
    op.data.recv_close_on_server.cancelled = &call->was_cancelled;
    list(call);
    start_batch(call, &op, 1, &call->closed);
    rpc_call_ref(call); /* across what the owner may do */
    learn_peer(call);
    if (route)
        serve(call);
    else
        refuse_unknown(call);
    rpc_call_unref(call);
}

void rpc_call_expect(struct rpc_server *server, struct rpc_route *route)
{
    struct rpc_call *call = calloc(1, sizeof(*call));
    grpc_completion_queue *queue = rpc_loop_queue(server->loop);
    grpc_call_error error;

    CHECK(call, "without memory gRPC aborts too");
    call->server = server;
    call->method = route ? &route->method : NULL;
    call->refs = 1; /* the owner's; nobody's until it arrives */
    call->details_text = grpc_empty_slice();
    call->queue.bytes_max = RPC_SEND_BYTES_MAX;
    call->arrived.fn = on_arrived;
    call->closed.fn = on_closed;
    call->wrote.fn = on_wrote;
    call->read.fn = on_read;
    grpc_metadata_array_init(&call->metadata);
    grpc_call_details_init(&call->details);
    rpc_loop_hold(server->loop);
    if (route)
        error = grpc_server_request_registered_call(server->grpc, route->handle, &call->grpc,
            &call->deadline, &call->metadata,
            route->method.kind == RPC_BIDI ? NULL : &call->request, queue, queue, &call->arrived);
    else
        error = grpc_server_request_call(server->grpc, &call->grpc, &call->details, &call->metadata,
            queue, queue, &call->arrived);
    CHECK(error == GRPC_CALL_OK, "a call may always be asked for");
}
