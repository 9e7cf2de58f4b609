/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * api.h - the gRPC services. Each file serves one; this one names their methods.
 *
 * Threads: logic. Requests are unpacked leniently (clients owe no canonical form), with a budget.
 */
#include "base/bytes.h"
#include "node/api/reply.h"
#include "rpc/server.h"

/* A page ends with the item that reaches it: ordinary clients take messages of at most 4 MiB. */
#define API_PAGE_BYTES (1024UL * 1024)

struct api;
struct ledger_object;
struct node;

int api_new(struct node *node, struct api **ret_api);
void api_free(struct api *api);

/* Before the loop stops: ends every stream and every waiting Apply with a sentence. */
void api_stop(struct api *api);

/* All methods, for rpc_server_new(); valid as long as api. */
const struct rpc_method *api_methods(const struct api *api, uint32_t *ret_count);

/* The replica's ANSWER to a submission that Rules.Apply made; token is the one it submitted with.
 */
struct replica_effect;
void api_answered(struct api *api, const struct replica_effect *effect);

/* The set of records grew: Log.Follow looks. */
void api_records_changed(struct api *api);

/* One file each: */
void api_rules_apply(void *user, struct rpc_call *call, struct bytes request);
void api_rules_put_chunks(void *user, struct rpc_call *call, struct bytes request);
void api_rules_list(void *user, struct rpc_call *call, struct bytes request);
void api_rules_get(void *user, struct rpc_call *call, struct bytes request);
void api_log_list(void *user, struct rpc_call *call, struct bytes request);
void api_log_follow(void *user, struct rpc_call *call, struct bytes request);
void api_log_get(void *user, struct rpc_call *call, struct bytes request);
void api_fleet_status(void *user, struct rpc_call *call, struct bytes request);
void api_fleet_peers(void *user, struct rpc_call *call, struct bytes request);
void api_fleet_trust(void *user, struct rpc_call *call, struct bytes request);
void api_fleet_nodes(void *user, struct rpc_call *call, struct bytes request);
void api_fleet_convergence(void *user, struct rpc_call *call, struct bytes request);
void api_node_status(void *user, struct rpc_call *call, struct bytes request);
void api_node_interfaces(void *user, struct rpc_call *call, struct bytes request);
void api_node_counters(void *user, struct rpc_call *call, struct bytes request);
void api_node_events(void *user, struct rpc_call *call, struct bytes request);
void api_node_metrics(void *user, struct rpc_call *call, struct bytes request);

/* What several of them need. */
struct node *api_node(struct api *api);

/* Unpacks or answers INVALID_ARGUMENT with the sentence; NULL then. wire_free() it. */
void *api_request(
    struct rpc_call *call, const ProtobufCMessageDescriptor *type, struct bytes request);
