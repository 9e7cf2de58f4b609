/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/client_internal.h"

#include "base/check.h"

#include <errno.h>
#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

struct rpc_request {
    struct rpc_tag tag; /* first */
    struct rpc_run run;
    rpc_reply_fn *on_reply;
    void *user;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice details;
};

static void on_done(struct rpc_tag *tag, int ok)
{
    struct rpc_request *request = (struct rpc_request *)tag;
    char text[RPC_TEXT_BYTES_MAX];
    struct rpc_frame_view view;

    (void)ok;
    rpc_run_explain(&request->run, request->status, request->details, text);
    rpc_frame_open(request->reply, &view);
    if (request->on_reply)
        request->on_reply(request->user, (enum rpc_status)request->status, text, view.bytes);
    rpc_frame_close(&view);
    grpc_byte_buffer_destroy(request->reply);
    grpc_metadata_array_destroy(&request->initial);
    grpc_metadata_array_destroy(&request->trailing);
    grpc_slice_unref(request->details);
    rpc_run_end(&request->run);
    free(request);
}

static void start(struct rpc_request *request, struct bytes message)
{
    grpc_byte_buffer *frame = rpc_frame_from(message);
    grpc_op ops[6] = {
        {.op = GRPC_OP_SEND_INITIAL_METADATA},
        {.op = GRPC_OP_SEND_MESSAGE},
        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
        {.op = GRPC_OP_RECV_INITIAL_METADATA},
        {.op = GRPC_OP_RECV_MESSAGE},
        {.op = GRPC_OP_RECV_STATUS_ON_CLIENT},
    };
    grpc_call_error error;

    ops[1].data.send_message.send_message = frame;
    ops[3].data.recv_initial_metadata.recv_initial_metadata = &request->initial;
    ops[4].data.recv_message.recv_message = &request->reply;
    ops[5].data.recv_status_on_client.trailing_metadata = &request->trailing;
    ops[5].data.recv_status_on_client.status = &request->status;
    ops[5].data.recv_status_on_client.status_details = &request->details;
    error = grpc_call_start_batch(request->run.grpc, ops, 6, &request->tag, NULL);
    CHECK(error == GRPC_CALL_OK, "a batch of ours breaks no rule of gRPC");
    grpc_byte_buffer_destroy(frame);
}

int rpc_call_start(struct rpc_channel *channel, const char *path, struct bytes request,
    uint32_t timeout_ms, rpc_reply_fn *on_reply, void *user, struct rpc_request **ret_request)
{
    struct rpc_request *fresh = calloc(1, sizeof(*fresh));
    int r;

    if (!fresh)
        return -ENOMEM;
    r = rpc_run_start(&fresh->run, channel, path, timeout_ms);
    if (r < 0) {
        free(fresh);
        return r;
    }
    fresh->tag.fn = on_done;
    fresh->on_reply = on_reply;
    fresh->user = user;
    fresh->details = grpc_empty_slice();
    grpc_metadata_array_init(&fresh->initial);
    grpc_metadata_array_init(&fresh->trailing);
    start(fresh, request);
    if (ret_request)
        *ret_request = fresh;
    return 0;
}

void rpc_request_cancel(struct rpc_request *request)
{
    (void)grpc_call_cancel(request->run.grpc, NULL);
}
