/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * server_internal.h - the server and its calls, seen from inside.
 *
 * References of a call: one while its owner has not finished it, one per batch in flight, one while
 * a list is walked over it. Each call holds the loop.
 */
#include "rpc/frames.h"
#include "rpc/loop_internal.h"
#include "rpc/server.h"
#include "rpc/trust_internal.h"

#include <grpc/grpc.h>

#define RPC_CALLS_MAX 4096 /* of one server; above it RESOURCE_EXHAUSTED */
/* Initial metadata of a stream that was accepted, so that the far end knows it from a refusal. */
#define RPC_OPEN_KEY "picket-stream"

struct rpc_health;

/* A path the server knows: the caller's method and what gRPC calls it. */
struct rpc_route {
    struct rpc_method method;
    void *handle;
};

struct rpc_server {
    struct rpc_part part; /* first */
    struct rpc_trust_watcher watcher;
    struct rpc_loop *loop;
    grpc_server *grpc;
    struct rpc_route *routes;
    uint32_t routes_count;
    struct rpc_trust *trust; /* NULL without a TLS listener */
    struct rpc_health *health;
    struct rpc_call *calls; /* accepted and not gone */
    uint32_t calls_count;
    bool is_started;
    bool is_stopping;
    bool is_drained;
    struct rpc_tag drained;
    struct rpc_timer grace;
};

struct rpc_call {
    struct rpc_server *server;
    const struct rpc_method *method; /* NULL: no such method */
    struct rpc_call *next, *prev;
    grpc_call *grpc;
    grpc_metadata_array metadata;
    grpc_call_details details; /* of calls without a route */
    gpr_timespec deadline;
    grpc_byte_buffer *request;
    struct rpc_tag arrived, closed, wrote, read;
    uint32_t refs;

    struct rpc_identity identity;
    char *leaf_pem; /* NULL on the unix socket */
    char *peer;

    const struct rpc_call_events *events;
    void *user;
    struct rpc_queue queue;
    grpc_byte_buffer *reply; /* unary */
    grpc_byte_buffer *incoming;
    enum rpc_status status;
    grpc_slice details_text;
    grpc_metadata open_metadata;
    const char *cut_text; /* static; NULL unless this end cut it */
    int was_cancelled;    /* filled by gRPC */
    bool is_listed;
    bool is_finished; /* by its owner */
    bool is_told;     /* on_cancel has been called */
    bool is_dead;     /* nothing reaches the client any more */
    bool is_writing;
    bool is_open;    /* initial metadata went out */
    bool has_status; /* the last batch has been started */
};

/* ---- call.c */

/* Asks gRPC for the next call of this route (NULL: of any other path). */
void rpc_call_expect(struct rpc_server *server, struct rpc_route *route);

/* on_cancel, once. is_dead says that the client is gone, too. */
void rpc_call_tell(struct rpc_call *call, bool is_dead);

/* Ends a call against its owner's will; the owner is told and still has to finish it. */
void rpc_call_cut(struct rpc_call *call, enum rpc_status status, const char *static_text);

void rpc_call_ref(struct rpc_call *call);
void rpc_call_unref(struct rpc_call *call);

/* ---- health.c */

int rpc_health_new(struct rpc_server *server, struct rpc_health **ret_health);
void rpc_health_free(struct rpc_health *health);
#define RPC_HEALTH_METHODS 2
void rpc_health_methods(
    struct rpc_health *health, struct rpc_method ret_methods[RPC_HEALTH_METHODS]);

/* ---- reflection.c */

#define RPC_REFLECTION_METHODS 2
void rpc_reflection_methods(struct rpc_method ret_methods[RPC_REFLECTION_METHODS]);

/* ---- descriptors.c: the FileDescriptorSet of every service, embedded by the build */

struct bytes rpc_descriptors(void);
