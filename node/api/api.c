/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/api.h"
#include "base/limits.h"
#include "node/api/api_internal.h"
#include "node/api/follow.h"
#include "node/node.h"
#include "proto/wire/wire.h"

#include <errno.h>
#include <stdlib.h>

#define SERVICE(name, method) "/picket.v1." name "/" method

/* Operators and clients with a certificate, and whoever may open the local socket. */
#define USERS (RPC_MAY(RPC_LOCAL) | RPC_MAY(RPC_OPERATOR) | RPC_MAY(RPC_CLIENT))
#define WRITERS (RPC_MAY(RPC_LOCAL) | RPC_MAY(RPC_OPERATOR))

struct row {
    const char *path;
    enum rpc_call_kind kind;
    uint32_t who;
    void (*on_call)(void *user, struct rpc_call *call, struct bytes request);
};

static void absent(void *user, struct rpc_call *call, struct bytes request)
{
    (void)user;
    (void)request;
    rpc_call_fail(call, RPC_UNIMPLEMENTED,
        "%s is part of the API but this version does not have it", rpc_call_path(call));
}

static const struct row rows[] = {
    {SERVICE("Rules", "Apply"), RPC_UNARY, WRITERS, api_rules_apply},
    {SERVICE("Rules", "PutChunks"), RPC_UNARY, WRITERS, api_rules_put_chunks},
    {SERVICE("Rules", "List"), RPC_UNARY, USERS, api_rules_list},
    {SERVICE("Rules", "Get"), RPC_UNARY, USERS, api_rules_get},
    {SERVICE("Rules", "Plan"), RPC_UNARY, USERS, absent},
    {SERVICE("Rules", "Watch"), RPC_SERVER_STREAM, USERS, absent},
    {SERVICE("Log", "List"), RPC_UNARY, USERS, api_log_list},
    {SERVICE("Log", "Follow"), RPC_SERVER_STREAM, USERS, api_log_follow},
    {SERVICE("Log", "Get"), RPC_UNARY, USERS, api_log_get},
    {SERVICE("Log", "Prove"), RPC_UNARY, USERS, absent},
    {SERVICE("Log", "Export"), RPC_SERVER_STREAM, USERS, absent},
    {SERVICE("Log", "At"), RPC_UNARY, USERS, absent},
    {SERVICE("Fleet", "Status"), RPC_UNARY, USERS, api_fleet_status},
    {SERVICE("Fleet", "Peers"), RPC_UNARY, USERS, api_fleet_peers},
    {SERVICE("Fleet", "Trust"), RPC_UNARY, USERS, api_fleet_trust},
    {SERVICE("Fleet", "Nodes"), RPC_UNARY, USERS, api_fleet_nodes},
    {SERVICE("Fleet", "Convergence"), RPC_UNARY, USERS, api_fleet_convergence},
    {SERVICE("Fleet", "Doctor"), RPC_UNARY, USERS, absent},
    {SERVICE("Node", "Status"), RPC_UNARY, USERS, api_node_status},
    {SERVICE("Node", "Interfaces"), RPC_UNARY, USERS, api_node_interfaces},
    {SERVICE("Node", "Counters"), RPC_UNARY, USERS, api_node_counters},
    {SERVICE("Node", "Metrics"), RPC_UNARY, USERS, api_node_metrics},
    {SERVICE("Node", "Explain"), RPC_UNARY, USERS, absent},
    {SERVICE("Node", "Events"), RPC_SERVER_STREAM, USERS, api_node_events},
    {SERVICE("Node", "Receipts"), RPC_SERVER_STREAM, USERS, absent},
};
#define ROWS_COUNT (sizeof(rows) / sizeof(rows[0]))

struct api {
    struct node *node;
    struct follower *followers;
    struct hearers hearers;
    struct submission *submissions;
    struct rpc_method methods[ROWS_COUNT];
};

int api_new(struct node *node, struct api **ret_api)
{
    struct api *api = calloc(1, sizeof(*api));

    if (!api)
        return -ENOMEM;
    api->node = node;
    for (size_t i = 0; i < ROWS_COUNT; i++)
        api->methods[i] = (struct rpc_method){.path = rows[i].path,
            .kind = rows[i].kind,
            .who = rows[i].who,
            .on_call = rows[i].on_call,
            .user = api};
    *ret_api = api;
    return 0;
}

void api_free(struct api *api)
{
    free(api);
}

void api_stop(struct api *api)
{
    follow_end_all(&api->followers);
    hearers_end_all(&api->hearers);
    submissions_end_all(api);
}

const struct rpc_method *api_methods(const struct api *api, uint32_t *ret_count)
{
    *ret_count = ROWS_COUNT;
    return api->methods;
}

struct node *api_node(struct api *api)
{
    return api->node;
}

struct follower **api_followers(struct api *api)
{
    return &api->followers;
}

struct hearers *api_hearers(struct api *api)
{
    return &api->hearers;
}

struct submission **api_submissions(struct api *api)
{
    return &api->submissions;
}

void api_records_changed(struct api *api)
{
    follow_advance(api->followers);
}

void *api_request(
    struct rpc_call *call, const ProtobufCMessageDescriptor *type, struct bytes request)
{
    ProtobufCMessage *message = NULL;
    enum wire_fault fault = wire_unpack_lenient(type, request, 4UL * REQUEST_BYTES_MAX, &message);

    if (fault != WIRE_OK) {
        rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the request is no %s: %s", type->name,
            wire_fault_text(fault));
        return NULL;
    }
    return message;
}
