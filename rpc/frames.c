/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/frames.h"

#include <errno.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>
#include <stdlib.h>
#include <string.h>

grpc_byte_buffer *rpc_frame_from(struct bytes bytes)
{
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)bytes.at, bytes.len);
    grpc_byte_buffer *frame = grpc_raw_byte_buffer_create(&slice, 1);

    grpc_slice_unref(slice);
    return frame;
}

grpc_byte_buffer *rpc_frame_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    grpc_byte_buffer *frame;

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    frame = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return frame;
}

void rpc_frame_open(grpc_byte_buffer *frame, struct rpc_frame_view *ret_view)
{
    grpc_byte_buffer_reader reader;

    ret_view->slice = grpc_empty_slice();
    if (frame && grpc_byte_buffer_reader_init(&reader, frame)) {
        ret_view->slice = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    /* A short slice lies inside the struct: the bytes point into *ret_view. */
    ret_view->bytes =
        bytes_of(GRPC_SLICE_START_PTR(ret_view->slice), GRPC_SLICE_LENGTH(ret_view->slice));
}

void rpc_frame_close(struct rpc_frame_view *view)
{
    grpc_slice_unref(view->slice);
}

int rpc_queue_put(struct rpc_queue *queue, grpc_byte_buffer *frame)
{
    size_t len = grpc_byte_buffer_length(frame);
    struct rpc_queued *queued;

    if (queue->first && queue->bytes + len > queue->bytes_max) {
        queue->was_full = true;
        grpc_byte_buffer_destroy(frame);
        return -ENOBUFS;
    }
    queued = malloc(sizeof(*queued));
    if (!queued) {
        grpc_byte_buffer_destroy(frame);
        return -ENOMEM;
    }
    *queued = (struct rpc_queued){.frame = frame, .len = len};
    if (queue->last)
        queue->last->next = queued;
    else
        queue->first = queued;
    queue->last = queued;
    queue->bytes += len;
    return 0;
}

grpc_byte_buffer *rpc_queue_take(struct rpc_queue *queue)
{
    struct rpc_queued *queued = queue->first;
    grpc_byte_buffer *frame;

    if (!queued)
        return NULL;
    queue->first = queued->next;
    if (!queue->first)
        queue->last = NULL;
    queue->bytes -= queued->len;
    frame = queued->frame;
    free(queued);
    return frame;
}

void rpc_queue_clear(struct rpc_queue *queue)
{
    grpc_byte_buffer *frame;

    while ((frame = rpc_queue_take(queue)) != NULL)
        grpc_byte_buffer_destroy(frame);
}

bool rpc_queue_has_room_again(struct rpc_queue *queue)
{
    if (!queue->was_full || queue->bytes > queue->bytes_max / 2)
        return false;
    queue->was_full = false;
    return true;
}
