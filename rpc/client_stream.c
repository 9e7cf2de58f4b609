/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client_internal.h"

#include "base/check.h"
#include "base/member.h"
#include "rpc/server_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_OF(tag, member) (OWNER_OF(struct rpc_stream, member, tag))

struct rpc_stream {
    struct rpc_run run;
    const struct rpc_stream_events *events;
    void *user;
    struct rpc_tag opened, ended, read, wrote;
    uint32_t in_flight; /* batches */
    struct rpc_queue queue;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *incoming;
    grpc_status_code status;
    grpc_slice details;
    bool is_writing;
    bool wants_close; /* half close after the queue */
    bool is_closed;   /* half close is under way or done */
    bool is_dead;     /* sending makes no sense any more */
};

static void start_batch(
    struct rpc_stream *stream, const grpc_op *ops, size_t count, struct rpc_tag *tag)
{
    grpc_call_error error = grpc_call_start_batch(stream->run.grpc, ops, count, tag, NULL);

    CHECK(error == GRPC_CALL_OK, "a batch of ours breaks no rule of gRPC");
    stream->in_flight++;
}

/* The last batch brings the end. */
static void came_back(struct rpc_stream *stream)
{
    char text[RPC_TEXT_BYTES_MAX];

    if (--stream->in_flight > 0)
        return;
    rpc_run_explain(&stream->run, stream->status, stream->details, text);
    if (stream->events->on_end)
        stream->events->on_end(stream->user, stream, (enum rpc_status)stream->status, text);
    rpc_queue_clear(&stream->queue);
    grpc_byte_buffer_destroy(stream->incoming);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->details);
    rpc_run_end(&stream->run);
    free(stream);
}

/* ---- sending */

static void pump(struct rpc_stream *stream)
{
    grpc_byte_buffer *frame;
    grpc_op op = {0};

    if (stream->is_writing || stream->is_dead || stream->is_closed)
        return;
    frame = rpc_queue_take(&stream->queue);
    if (frame) {
        op.op = GRPC_OP_SEND_MESSAGE;
        op.data.send_message.send_message = frame;
    } else if (stream->wants_close) {
        op.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
        stream->is_closed = true;
    } else {
        return;
    }
    stream->is_writing = true;
    start_batch(stream, &op, 1, &stream->wrote);
    grpc_byte_buffer_destroy(frame);
}

static void on_wrote(struct rpc_tag *tag, int ok)
{
    struct rpc_stream *stream = STREAM_OF(tag, wrote);

    stream->is_writing = false;
    if (!ok) {
        stream->is_dead = true;
        rpc_queue_clear(&stream->queue);
    }
    pump(stream);
    if (!stream->is_dead && rpc_queue_has_room_again(&stream->queue) && stream->events->on_room)
        stream->events->on_room(stream->user, stream);
    came_back(stream);
}

int rpc_stream_send(struct rpc_stream *stream, struct bytes message)
{
    int r;

    CHECK(!stream->wants_close, "nothing is sent after the half close");
    if (stream->is_dead)
        return -EPIPE;
    r = rpc_queue_put(&stream->queue, rpc_frame_from(message));
    if (r == 0)
        pump(stream);
    return r;
}

size_t rpc_stream_queued_bytes(const struct rpc_stream *stream)
{
    return stream->queue.bytes;
}

void rpc_stream_half_close(struct rpc_stream *stream)
{
    stream->wants_close = true;
    pump(stream);
}

void rpc_stream_cancel(struct rpc_stream *stream)
{
    stream->is_dead = true;
    (void)grpc_call_cancel(stream->run.grpc, NULL);
}

/* ---- receiving */

static void read_next(struct rpc_stream *stream)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};

    op.data.recv_message.recv_message = &stream->incoming;
    start_batch(stream, &op, 1, &stream->read);
}

static void on_read(struct rpc_tag *tag, int ok)
{
    struct rpc_stream *stream = STREAM_OF(tag, read);
    struct rpc_frame_view view;

    if (ok && stream->incoming) {
        rpc_frame_open(stream->incoming, &view);
        if (stream->events->on_message)
            stream->events->on_message(stream->user, stream, view.bytes);
        rpc_frame_close(&view);
        grpc_byte_buffer_destroy(stream->incoming);
        stream->incoming = NULL;
        read_next(stream);
    }
    came_back(stream);
}

/* A stream that the far end refuses has no initial metadata of its own; one it accepts has our key.
 */
static bool was_accepted(const struct rpc_stream *stream)
{
    for (size_t i = 0; i < stream->initial.count; i++) {
        if (grpc_slice_str_cmp(stream->initial.metadata[i].key, RPC_OPEN_KEY) == 0)
            return true;
    }
    return false;
}

static void tell_open(struct rpc_stream *stream)
{
    struct rpc_channel *channel = stream->run.channel;
    struct rpc_judgement judgement;

    if (!channel->trust) {
        stream->events->on_open(stream->user, stream, NULL);
        return;
    }
    stream->run.leaf_pem = rpc_peer_leaf(stream->run.grpc);
    if (!stream->run.leaf_pem) {
        judgement.refusal = RPC_REFUSED_NO_CERTIFICATE;
    } else {
        rpc_trust_recheck(channel->trust,
            bytes_of(stream->run.leaf_pem, strlen(stream->run.leaf_pem)), true, &judgement);
    }
    if (judgement.refusal == RPC_REFUSED_NONE) {
        stream->events->on_open(stream->user, stream, &judgement.identity);
        return;
    }
    stream->is_dead = true;
    (void)grpc_call_cancel_with_status(
        stream->run.grpc, GRPC_STATUS_UNAUTHENTICATED, rpc_refusal_text(judgement.refusal), NULL);
}

static void on_opened(struct rpc_tag *tag, int ok)
{
    struct rpc_stream *stream = STREAM_OF(tag, opened);

    if (ok && stream->events->on_open && was_accepted(stream) && !stream->is_dead)
        tell_open(stream);
    read_next(stream);
    came_back(stream);
}

static void on_ended(struct rpc_tag *tag, int ok)
{
    struct rpc_stream *stream = STREAM_OF(tag, ended);

    (void)ok;
    stream->is_dead = true;
    rpc_queue_clear(&stream->queue);
    came_back(stream);
}

int rpc_stream_open(struct rpc_channel *channel, const struct rpc_stream_options *options,
    struct rpc_stream **ret_stream)
{
    struct rpc_stream *stream = calloc(1, sizeof(*stream));
    grpc_op open[2] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    grpc_op end = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    int r;

    if (!stream)
        return -ENOMEM;
    r = rpc_run_start(&stream->run, channel, options->path, options->timeout_ms);
    if (r < 0) {
        free(stream);
        return r;
    }
    stream->events = options->events;
    stream->user = options->user;
    stream->queue.bytes_max =
        options->send_bytes_max ? options->send_bytes_max : RPC_SEND_BYTES_MAX;
    stream->opened.fn = on_opened;
    stream->ended.fn = on_ended;
    stream->read.fn = on_read;
    stream->wrote.fn = on_wrote;
    stream->details = grpc_empty_slice();
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    open[1].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    end.data.recv_status_on_client.trailing_metadata = &stream->trailing;
    end.data.recv_status_on_client.status = &stream->status;
    end.data.recv_status_on_client.status_details = &stream->details;
    start_batch(stream, open, 2, &stream->opened);
    start_batch(stream, &end, 1, &stream->ended);
    *ret_stream = stream;
    return 0;
}
