/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include "rpc/loop_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(claim)                                                                               \
    do {                                                                                          \
        if (!(claim)) {                                                                           \
            (void)fprintf(stderr, "%s:%d: the fixture failed: %s\n", __FILE__, __LINE__, #claim); \
            abort();                                                                              \
        }                                                                                         \
    } while (0)

static void hash_node(struct bytes bytes, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_NODE, bytes, ret_hash);
}

const struct rpc_crypto fleet_crypto = {.hash_node = hash_node, .verify = keys_verify};

void fleet_init(struct fleet *fleet, uint8_t seed)
{
    memset(fleet, 0, sizeof(*fleet));
    MUST(keys_start() == 0);
    memset(fleet->id, seed, HASH_BYTES);
    MUST(rpc_key_new(&fleet->ca) == 0);
    rpc_key_point(fleet->ca, fleet->ca_point);
    MUST(rpc_ca_make(fleet->ca, fleet->id, FLEET_NOW, &fleet->ca_der) == 0);
}

void fleet_fini(struct fleet *fleet)
{
    rpc_key_free(fleet->ca);
    buffer_fini(&fleet->ca_der);
}

void fleet_node_invite(
    const struct fleet *fleet, const char *name, uint64_t join_by, struct fleet_node *ret_node)
{
    static const struct rpc_label labels[] = {{"role", "edge"}, {"site", "oslo"}};
    struct rpc_invite_parts parts = {
        .fleet_id = fleet->id,
        .name = name,
        .labels = labels,
        .labels_count = 2,
        .join_by = join_by,
    };

    memset(ret_node, 0, sizeof(*ret_node));
    (void)snprintf(ret_node->name, sizeof(ret_node->name), "%s", name);
    ret_node->join_by = join_by;
    MUST(rpc_key_new(&ret_node->invite_key) == 0);
    rpc_key_point(ret_node->invite_key, ret_node->invite_point);
    parts.point = ret_node->invite_point;
    MUST(rpc_invite_make(fleet->ca, &parts, FLEET_NOW, &ret_node->invite_der) == 0);
    hash_node(buffer_bytes(&ret_node->invite_der), ret_node->invite_id);
}

static void make_pem(const struct fleet *fleet, struct fleet_node *node)
{
    MUST(rpc_certificate_pem(buffer_bytes(&node->leaf_der), &node->leaf_pem) == 0);
    MUST(rpc_certificate_pem(buffer_bytes(&node->leaf_der), &node->chain_pem) == 0);
    if (node->invite_der.len > 0)
        MUST(rpc_certificate_pem(buffer_bytes(&node->invite_der), &node->chain_pem) == 0);
    MUST(rpc_certificate_pem(buffer_bytes(&fleet->ca_der), &node->chain_pem) == 0);
    MUST(rpc_key_pem(node->leaf_key, &node->key_pem) == 0);
}

void fleet_node_join(const struct fleet *fleet, struct fleet_node *node, const char *leaf_name)
{
    struct rpc_leaf_parts parts = {
        .fleet_id = fleet->id,
        .name = leaf_name,
        .point = node->leaf_point,
        .node_key = node->node_key.public,
        .key_signature = node->signature,
        .invite = node->invite_id,
    };
    struct buffer statement = {0};
    uint8_t hash[HASH_BYTES];

    MUST(rpc_key_new(&node->leaf_key) == 0);
    rpc_key_point(node->leaf_key, node->leaf_point);
    keys_pair_new(&node->node_key);
    MUST(rpc_binding_bytes(
             fleet->id, node->leaf_point, node->node_key.public, leaf_name, &statement) == 0);
    hash_node(buffer_bytes(&statement), hash);
    keys_sign(&node->node_key, hash, node->signature);
    buffer_fini(&statement);
    MUST(rpc_leaf_make(node->invite_key, &parts, FLEET_NOW, &node->leaf_der) == 0);
    make_pem(fleet, node);
}

void fleet_node_make(const struct fleet *fleet, const char *name, struct fleet_node *ret_node)
{
    fleet_node_invite(fleet, name, FLEET_NOW + 3600, ret_node);
    fleet_node_join(fleet, ret_node, name);
}

void fleet_node_join_again(
    const struct fleet *fleet, const struct fleet_node *first, struct fleet_node *ret_second)
{
    struct buffer der = {0};

    memset(ret_second, 0, sizeof(*ret_second));
    memcpy(ret_second->name, first->name, sizeof(first->name));
    MUST(rpc_key_der(first->invite_key, &der) == 0);
    MUST(rpc_key_from_der(buffer_bytes(&der), &ret_second->invite_key, NULL) == 0);
    buffer_fini(&der);
    memcpy(ret_second->invite_point, first->invite_point, RPC_POINT_BYTES);
    memcpy(ret_second->invite_id, first->invite_id, HASH_BYTES);
    MUST(buffer_append(&ret_second->invite_der, first->invite_der.at, first->invite_der.len) == 0);
    fleet_node_join(fleet, ret_second, first->name);
}

void fleet_node_fini(struct fleet_node *node)
{
    rpc_key_free(node->invite_key);
    rpc_key_free(node->leaf_key);
    buffer_fini(&node->invite_der);
    buffer_fini(&node->leaf_der);
    buffer_fini(&node->leaf_pem);
    buffer_fini(&node->chain_pem);
    buffer_fini(&node->key_pem);
}

void fleet_user_make(const struct fleet *fleet, enum rpc_identity_kind kind, const char *name,
    struct fleet_node *ret_user)
{
    memset(ret_user, 0, sizeof(*ret_user));
    MUST(rpc_key_new(&ret_user->leaf_key) == 0);
    rpc_key_point(ret_user->leaf_key, ret_user->leaf_point);
    MUST(rpc_user_make(fleet->ca, fleet->id, kind, name, ret_user->leaf_point, FLEET_NOW,
             &ret_user->leaf_der) == 0);
    make_pem(fleet, ret_user);
}

struct rpc_trust_node fleet_row(const struct fleet_node *node, enum rpc_node_status status)
{
    struct rpc_trust_node row = {.status = status};

    memcpy(row.invite, node->invite_id, HASH_BYTES);
    memcpy(row.name, node->name, sizeof(row.name));
    memcpy(row.leaf_key, node->leaf_point, RPC_POINT_BYTES);
    memcpy(row.node_key, node->node_key.public, KEY_BYTES);
    return row;
}

void fleet_publish(struct rpc_trust *trust, const struct fleet *fleet,
    const struct rpc_trust_node *rows, uint32_t count)
{
    struct rpc_trust_enroller enroller = {.is_live = true};
    struct rpc_trust_snapshot snapshot = {
        .enrollers = &enroller,
        .enrollers_count = 1,
        .nodes = rows,
        .nodes_count = count,
    };

    memcpy(snapshot.fleet_id, fleet->id, HASH_BYTES);
    memcpy(enroller.ca_key, fleet->ca_point, RPC_POINT_BYTES);
    MUST(rpc_trust_publish(trust, &snapshot) == 0);
}

static int is_late;

static void on_late(struct rpc_timer *timer)
{
    (void)timer;
    is_late = 1;
}

void turn_until(struct rpc_loop *loop, const int *flag)
{
    struct rpc_timer late = {.fn = on_late};

    is_late = 0;
    rpc_timer_set(loop, &late, rpc_now_ns() + 20000000000ULL);
    while (!*flag && !is_late)
        MUST(rpc_loop_turn(loop));
    rpc_timer_clear(loop, &late);
    MUST(!is_late);
}

void turn_for(struct rpc_loop *loop, uint32_t ms)
{
    struct rpc_timer late = {.fn = on_late};

    is_late = 0;
    rpc_timer_set(loop, &late, rpc_now_ns() + ms * 1000000ULL);
    while (!is_late)
        MUST(rpc_loop_turn(loop));
}
