/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * frames.h - messages as gRPC byte buffers, and the bounded queue of those that wait to be sent.
 */
#include "base/bytes.h"

#include <grpc/byte_buffer.h>
#include <protobuf-c/protobuf-c.h>

/* A copy; NULL never (gRPC aborts without memory). */
grpc_byte_buffer *rpc_frame_from(struct bytes bytes);
grpc_byte_buffer *rpc_frame_pack(const ProtobufCMessage *message);

/* A frame read as one piece of memory. The slice must live as long as the bytes. frame NULL: empty.
 * Unref with rpc_frame_close(). Compressed frames are read as what they are. */
struct rpc_frame_view {
    grpc_slice slice;
    struct bytes bytes;
};
void rpc_frame_open(grpc_byte_buffer *frame, struct rpc_frame_view *ret_view);
void rpc_frame_close(struct rpc_frame_view *view);

struct rpc_queued {
    struct rpc_queued *next;
    grpc_byte_buffer *frame;
    size_t len;
};

struct rpc_queue {
    struct rpc_queued *first, *last;
    size_t bytes;
    size_t bytes_max;
    bool was_full;
};

/* Takes the frame, also when it fails: -ENOBUFS (was_full is set) or -ENOMEM. */
int rpc_queue_put(struct rpc_queue *queue, grpc_byte_buffer *frame);
/* NULL if empty. */
grpc_byte_buffer *rpc_queue_take(struct rpc_queue *queue);
void rpc_queue_clear(struct rpc_queue *queue);
/* True once when a queue that was full is below half. */
bool rpc_queue_has_room_again(struct rpc_queue *queue);
