/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rpc_blocking {
    struct rpc_loop *loop;
    struct rpc_channel *channel;
};

/* What one blocking call waits for. */
struct wait {
    bool is_done;
    bool is_stopped; /* by on_message */
    enum rpc_status status;
    int fault; /* -ENOMEM from copying the reply */
    char text[RPC_TEXT_BYTES_MAX];
    struct buffer *reply;
    bool (*on_message)(void *user, struct bytes message);
    void *user;
};

int rpc_blocking_open(const struct rpc_channel_options *options, struct rpc_blocking **ret_blocking,
    struct problem *reterr_problem)
{
    struct rpc_blocking *blocking = calloc(1, sizeof(*blocking));
    int r;

    if (!blocking)
        return problem_say(reterr_problem, -ENOMEM, "no memory for a connection");
    r = rpc_loop_new(&blocking->loop, reterr_problem);
    if (r == 0)
        r = rpc_channel_new(blocking->loop, options, &blocking->channel, reterr_problem);
    if (r < 0) {
        rpc_blocking_close(blocking);
        return r;
    }
    *ret_blocking = blocking;
    return 0;
}

void rpc_blocking_close(struct rpc_blocking *blocking)
{
    if (!blocking)
        return;
    rpc_loop_free(blocking->loop);
    free(blocking);
}

static void set_end(struct wait *wait, enum rpc_status status, const char *text)
{
    wait->status = status;
    memcpy(wait->text, text, strnlen(text, sizeof(wait->text) - 1) + 1);
    wait->text[sizeof(wait->text) - 1] = 0;
    wait->is_done = true;
}

static void on_reply(void *user, enum rpc_status status, const char *text, struct bytes reply)
{
    struct wait *wait = user;

    if (status == RPC_OK && wait->reply)
        wait->fault = buffer_append(wait->reply, reply.at, reply.len);
    set_end(wait, status, text);
}

/* Turns the loop until the wait is over, then makes an errno of it. */
static int wait_for(
    struct rpc_blocking *blocking, const struct wait *wait, struct problem *reterr_problem)
{
    while (!wait->is_done && rpc_loop_turn(blocking->loop)) {
    }
    if (wait->fault < 0)
        return problem_say(reterr_problem, wait->fault, "no memory for the answer");
    if (wait->status == RPC_OK || wait->is_stopped)
        return 0;
    return problem_say(reterr_problem, rpc_status_errno(wait->status), "%s",
        wait->text[0] ? wait->text : rpc_status_word(wait->status));
}

int rpc_call_blocking(struct rpc_blocking *blocking, const char *path, struct bytes request,
    uint32_t timeout_ms, struct buffer *reply, struct problem *reterr_problem)
{
    struct wait wait = {.reply = reply};
    int r = rpc_call_start(blocking->channel, path, request, timeout_ms, on_reply, &wait, NULL);

    if (r < 0)
        return problem_say(reterr_problem, r, "the call cannot be started");
    return wait_for(blocking, &wait, reterr_problem);
}

static void on_message(void *user, struct rpc_stream *stream, struct bytes message)
{
    struct wait *wait = user;

    if (wait->is_stopped || wait->on_message(wait->user, message))
        return;
    wait->is_stopped = true;
    rpc_stream_cancel(stream);
}

static void on_end(void *user, struct rpc_stream *stream, enum rpc_status status, const char *text)
{
    (void)stream;
    set_end(user, status, text);
}

int rpc_stream_blocking(struct rpc_blocking *blocking, const char *path, struct bytes request,
    uint32_t timeout_ms, bool (*on_each)(void *user, struct bytes message), void *user,
    struct problem *reterr_problem)
{
    static const struct rpc_stream_events events = {.on_message = on_message, .on_end = on_end};
    struct wait wait = {.on_message = on_each, .user = user};
    struct rpc_stream_options options = {
        .path = path, .events = &events, .user = &wait, .timeout_ms = timeout_ms};
    struct rpc_stream *stream;
    int r = rpc_stream_open(blocking->channel, &options, &stream);

    if (r < 0)
        return problem_say(reterr_problem, r, "the call cannot be started");
    (void)rpc_stream_send(stream, request);
    rpc_stream_half_close(stream);
    return wait_for(blocking, &wait, reterr_problem);
}
