/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stream.h - one bidirectional stream per neighbour, dialled or accepted. Frames are opaque bytes
 * here.
 *
 * Threads:  logic thread.
 * Limits:   FRAME_BYTES_MAX a frame, MESH_STREAM_SEND_BYTES_MAX queued a link; what does not fit is
 *           dropped, counted and said. Nothing is retried, reconnected or repeated here.
 * Lifetime: a link is valid from mesh_stream_dial() or on_up until on_down returns.
 */
#include "base/bytes.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

#define MESH_STREAM_SEND_BYTES_MAX (4 * 1024 * 1024)
#define MESH_STREAM_LINKS_MAX 256 /* accepted and dialled together */
#define MESH_STREAM_PATH "/picket.v1.Mesh/Link"

struct mesh_link;
struct mesh_streams;
struct rpc_credentials;
struct rpc_identity;
struct rpc_loop;
struct rpc_method;

/*
 * on_up:    the far end answered; identity (kind RPC_NODE) is admitted now and copied by the link.
 * on_frame: borrowed during the call.
 * on_room:  a link that dropped frames has half its queue free again. Optional.
 * on_down:  the last one, also for a dial that failed (then without on_up). text: why, a sentence.
 */
struct mesh_stream_events {
    void (*on_up)(void *user, struct mesh_link *link, const struct rpc_identity *identity);
    void (*on_frame)(void *user, struct mesh_link *link, struct bytes frame);
    void (*on_room)(void *user, struct mesh_link *link);
    void (*on_down)(void *user, struct mesh_link *link, const char *text);
    void *user;
};

struct mesh_stream_counts {
    uint64_t frames_in, frames_out, frames_dropped;
    uint64_t bytes_in, bytes_out;
    uint64_t links_up, links_down, dials_failed;
};

/* Free after the loop has ended. credentials must stay until then. */
int mesh_streams_new(struct rpc_loop *loop, const struct rpc_credentials *credentials,
    const struct mesh_stream_events *events, struct mesh_streams **ret_streams);
void mesh_streams_free(struct mesh_streams *streams);

/* The method to register at the server: Mesh.Link for nodes only. */
struct rpc_method mesh_streams_method(struct mesh_streams *streams);

/* address: host:port, [v6]:port. Tries once, at most timeout_ms; on_up or on_down follows, never
 * inside this call. -ENOSPC: too many links. */
int mesh_stream_dial(struct mesh_streams *streams, const char *address, uint32_t timeout_ms,
    struct mesh_link **ret_link, struct problem *reterr_problem);

/* 0; -ENOBUFS: dropped, the queue is full (on_room follows); -EMSGSIZE; -EPIPE: not up. */
int mesh_stream_send(struct mesh_link *link, struct bytes frame);

/* on_down follows with this text, never inside this call; queued frames are tried first for a short
 * while. */
void mesh_stream_close(struct mesh_link *link, const char *text);

bool mesh_link_is_up(const struct mesh_link *link);
bool mesh_link_was_dialled(const struct mesh_link *link);
const char *mesh_link_address(
    const struct mesh_link *link); /* dialled: as given; accepted: the peer's, for logs */
size_t mesh_link_queued_bytes(const struct mesh_link *link);
void mesh_link_set_user(struct mesh_link *link, void *of_user); /* a pointer of yours */
void *mesh_link_user(const struct mesh_link *link);

const struct mesh_stream_counts *mesh_streams_counts(const struct mesh_streams *streams);
