/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/stream/stream.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/member.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "rpc/trust.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES_MAX 512
#define ADDRESS_BYTES_MAX 320
#define CLOSE_GRACE_NS 200000000ULL

enum link_state {
    LINK_DIALLING, /* waits for the far end's answer */
    LINK_UP,
    LINK_CLOSING, /* the end has been asked for; on_down is still to come */
};

struct mesh_link {
    struct mesh_streams *streams;
    struct mesh_link *next, *prev;
    struct rpc_channel *channel; /* dialled */
    struct rpc_stream *stream;   /* dialled */
    struct rpc_call *call;       /* accepted; NULL once it is finished */
    struct rpc_timer timer;      /* dialling: patience. closing: the end */
    enum link_state state;
    bool was_dialled;
    bool has_dropped; /* on_room is owed */
    void *of_user;
    char address[ADDRESS_BYTES_MAX];
    char text[TEXT_BYTES_MAX]; /* why it goes down, if we know better */
};

struct mesh_streams {
    struct rpc_loop *loop;
    const struct rpc_credentials *credentials;
    struct mesh_stream_events events;
    struct mesh_stream_counts counts;
    struct mesh_link *links;
    uint32_t links_count;
};

/* ---- the set */

int mesh_streams_new(struct rpc_loop *loop, const struct rpc_credentials *credentials,
    const struct mesh_stream_events *events, struct mesh_streams **ret_streams)
{
    struct mesh_streams *streams = calloc(1, sizeof(*streams));

    if (!streams)
        return -ENOMEM;
    streams->loop = loop;
    streams->credentials = credentials;
    streams->events = *events;
    *ret_streams = streams;
    return 0;
}

void mesh_streams_free(struct mesh_streams *streams)
{
    if (!streams)
        return;
    CHECK(!streams->links, "every link is down when the loop has ended");
    free(streams);
}

const struct mesh_stream_counts *mesh_streams_counts(const struct mesh_streams *streams)
{
    return &streams->counts;
}

static void keep_text(struct mesh_link *link, const char *text)
{
    if (!link->text[0])
        (void)snprintf(link->text, sizeof(link->text), "%s", text);
}

static struct mesh_link *new_link(struct mesh_streams *streams, const char *address)
{
    struct mesh_link *link = calloc(1, sizeof(*link));

    if (!link)
        return NULL;
    link->streams = streams;
    (void)snprintf(link->address, sizeof(link->address), "%s", address);
    link->next = streams->links;
    if (link->next)
        link->next->prev = link;
    streams->links = link;
    streams->links_count++;
    return link;
}

static void free_link(struct mesh_link *link)
{
    struct mesh_streams *streams = link->streams;

    rpc_timer_clear(streams->loop, &link->timer);
    if (link->prev)
        link->prev->next = link->next;
    else
        streams->links = link->next;
    if (link->next)
        link->next->prev = link->prev;
    streams->links_count--;
    if (link->channel)
        rpc_channel_free(link->channel);
    free(link);
}

/* ---- up, frames, down */

static void go_up(struct mesh_link *link, const struct rpc_identity *identity)
{
    struct mesh_streams *streams = link->streams;

    link->state = LINK_UP;
    streams->counts.links_up++;
    if (streams->events.on_up)
        streams->events.on_up(streams->events.user, link, identity);
}

static void go_down(struct mesh_link *link, const char *text)
{
    struct mesh_streams *streams = link->streams;

    keep_text(link, text);
    if (link->state == LINK_DIALLING)
        streams->counts.dials_failed++;
    else
        streams->counts.links_down++;
    link->state = LINK_CLOSING;
    if (streams->events.on_down)
        streams->events.on_down(streams->events.user, link, link->text);
    free_link(link);
}

static void take_frame(struct mesh_link *link, struct bytes frame)
{
    struct mesh_streams *streams = link->streams;

    if (link->state != LINK_UP)
        return;
    if (frame.len > FRAME_BYTES_MAX) {
        mesh_stream_close(link, "the neighbour sent a frame that is too long");
        return;
    }
    streams->counts.frames_in++;
    streams->counts.bytes_in += frame.len;
    if (streams->events.on_frame)
        streams->events.on_frame(streams->events.user, link, frame);
}

static void tell_room(struct mesh_link *link)
{
    struct mesh_streams *streams = link->streams;

    if (link->state != LINK_UP || !link->has_dropped)
        return;
    link->has_dropped = false;
    if (streams->events.on_room)
        streams->events.on_room(streams->events.user, link);
}

int mesh_stream_send(struct mesh_link *link, struct bytes frame)
{
    struct mesh_streams *streams = link->streams;
    int r;

    if (link->state != LINK_UP)
        return -EPIPE;
    if (frame.len > FRAME_BYTES_MAX)
        return -EMSGSIZE;
    r = link->stream ? rpc_stream_send(link->stream, frame)
                     : rpc_call_send_bytes(link->call, frame);
    if (r < 0) {
        streams->counts.frames_dropped++;
        link->has_dropped = true;
        return r;
    }
    streams->counts.frames_out++;
    streams->counts.bytes_out += frame.len;
    return 0;
}

/* ---- dialled */

static void on_stream_open(
    void *user, struct rpc_stream *stream, const struct rpc_identity *identity)
{
    struct mesh_link *link = user;

    (void)stream;
    if (link->state != LINK_DIALLING)
        return;
    rpc_timer_clear(link->streams->loop, &link->timer);
    if (!identity || identity->kind != RPC_NODE) {
        keep_text(link, "the far end is not a node of this fleet");
        rpc_stream_cancel(link->stream);
        return;
    }
    go_up(link, identity);
}

static void on_stream_message(void *user, struct rpc_stream *stream, struct bytes message)
{
    (void)stream;
    take_frame(user, message);
}

static void on_stream_room(void *user, struct rpc_stream *stream)
{
    (void)stream;
    tell_room(user);
}

static void on_stream_end(
    void *user, struct rpc_stream *stream, enum rpc_status status, const char *text)
{
    struct mesh_link *link = user;

    (void)stream;
    link->stream = NULL;
    go_down(link, status == RPC_OK ? "the neighbour closed the link" : text);
}

static const struct rpc_stream_events stream_events = {
    .on_open = on_stream_open,
    .on_message = on_stream_message,
    .on_room = on_stream_room,
    .on_end = on_stream_end,
};

static void on_timer(struct rpc_timer *timer)
{
    struct mesh_link *link = OWNER_OF(struct mesh_link, timer, timer);

    if (!link->was_dialled) {
        go_down(link, "closed");
        return;
    }
    keep_text(link, "the neighbour did not answer in time");
    rpc_stream_cancel(link->stream);
}

int mesh_stream_dial(struct mesh_streams *streams, const char *address, uint32_t timeout_ms,
    struct mesh_link **ret_link, struct problem *reterr_problem)
{
    struct rpc_channel_options channel_options = {
        .target = address,
        .credentials = streams->credentials,
        .message_bytes_max = FRAME_BYTES_MAX,
        .has_keepalive = true,
    };
    struct rpc_stream_options options = {
        .path = MESH_STREAM_PATH,
        .events = &stream_events,
        .send_bytes_max = MESH_STREAM_SEND_BYTES_MAX,
    };
    struct mesh_link *link;
    int r;

    if (streams->links_count >= MESH_STREAM_LINKS_MAX)
        return problem_say(
            reterr_problem, -ENOSPC, "at most %d links are kept", MESH_STREAM_LINKS_MAX);
    link = new_link(streams, address);
    if (!link)
        return -ENOMEM;
    link->was_dialled = true;
    link->timer.fn = on_timer;
    options.user = link;
    r = rpc_channel_new(streams->loop, &channel_options, &link->channel, reterr_problem);
    if (r == 0)
        r = rpc_stream_open(link->channel, &options, &link->stream);
    if (r < 0) {
        free_link(link);
        return r;
    }
    rpc_timer_set(streams->loop, &link->timer, rpc_now_ns() + timeout_ms * 1000000ULL);
    *ret_link = link;
    return 0;
}

/* ---- accepted */

static void on_call_cancel(void *user, struct rpc_call *call)
{
    struct mesh_link *link = user;
    const char *text = rpc_call_cancel_text(call);

    keep_text(link, text);
    link->call = NULL;
    rpc_call_fail(call, RPC_UNAVAILABLE, "%s", text);
    go_down(link, text);
}

static void on_call_room(void *user, struct rpc_call *call)
{
    (void)call;
    tell_room(user);
}

static void on_call_message(void *user, struct rpc_call *call, struct bytes message)
{
    (void)call;
    take_frame(user, message);
}

static void on_call_half_close(void *user, struct rpc_call *call)
{
    struct mesh_link *link = user;

    link->call = NULL;
    rpc_call_end(call);
    go_down(link, "the neighbour closed the link");
}

static const struct rpc_call_events call_events = {
    .on_cancel = on_call_cancel,
    .on_room = on_call_room,
    .on_message = on_call_message,
    .on_half_close = on_call_half_close,
};

static void on_link(void *user, struct rpc_call *call, struct bytes request)
{
    struct mesh_streams *streams = user;
    struct mesh_link *link;

    (void)request;
    link = streams->links_count < MESH_STREAM_LINKS_MAX ? new_link(streams, rpc_call_peer(call))
                                                        : NULL;
    if (!link) {
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "this node keeps at most %d links",
            MESH_STREAM_LINKS_MAX);
        return;
    }
    link->call = call;
    link->timer.fn = on_timer;
    rpc_call_set_send_max(call, MESH_STREAM_SEND_BYTES_MAX);
    rpc_call_attach(call, &call_events, link);
    go_up(link, rpc_call_identity(call));
}

struct rpc_method mesh_streams_method(struct mesh_streams *streams)
{
    return (struct rpc_method){
        .path = MESH_STREAM_PATH,
        .kind = RPC_BIDI,
        .who = RPC_MAY(RPC_NODE),
        .on_call = on_link,
        .user = streams,
    };
}

/* ---- closing */

void mesh_stream_close(struct mesh_link *link, const char *text)
{
    struct rpc_loop *loop = link->streams->loop;

    if (link->state == LINK_CLOSING)
        return;
    keep_text(link, text);
    if (link->state == LINK_DIALLING) {
        rpc_stream_cancel(link->stream); /* still counts as a failed dial */
        return;
    }
    link->state = LINK_CLOSING;
    if (link->was_dialled) {
        rpc_stream_half_close(link->stream);
        rpc_timer_set(loop, &link->timer, rpc_now_ns() + CLOSE_GRACE_NS);
        return;
    }
    rpc_call_end(link->call);
    link->call = NULL;
    rpc_timer_set(loop, &link->timer, rpc_now_ns());
}

/* ---- reading */

bool mesh_link_is_up(const struct mesh_link *link)
{
    return link->state == LINK_UP;
}

bool mesh_link_was_dialled(const struct mesh_link *link)
{
    return link->was_dialled;
}

const char *mesh_link_address(const struct mesh_link *link)
{
    return link->address;
}

size_t mesh_link_queued_bytes(const struct mesh_link *link)
{
    if (link->stream)
        return rpc_stream_queued_bytes(link->stream);
    return link->call ? rpc_call_queued_bytes(link->call) : 0;
}

void mesh_link_set_user(struct mesh_link *link, void *of_user)
{
    link->of_user = of_user;
}

void *mesh_link_user(const struct mesh_link *link)
{
    return link->of_user;
}
