/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fleet.h - a fleet made for a test: an enroller, nodes, operators, and a loop that turns until
 * something is so.
 */
#include "rpc/loop.h"
#include "rpc/trust.h"
#include "rpc/x509.h"
#include "store/keys/keys.h"

#define FLEET_NOW 1750000000ULL

struct fleet {
    uint8_t id[HASH_BYTES];
    struct rpc_key *ca;
    uint8_t ca_point[RPC_POINT_BYTES];
    struct buffer ca_der;
};

/* A node as it comes out of joining; every part may be spoilt before fleet_node_seal(). */
struct fleet_node {
    char name[NAME_BYTES_MAX + 1];
    uint64_t join_by;
    struct rpc_key *invite_key, *leaf_key;
    uint8_t invite_point[RPC_POINT_BYTES], leaf_point[RPC_POINT_BYTES];
    struct buffer invite_der, leaf_der, leaf_pem, chain_pem, key_pem;
    uint8_t invite_id[HASH_BYTES];
    struct key_pair node_key;
    uint8_t signature[SIGNATURE_BYTES];
};

extern const struct rpc_crypto fleet_crypto;

void fleet_init(struct fleet *fleet, uint8_t seed);
void fleet_fini(struct fleet *fleet);

/* The invite, by this fleet's enroller; then a leaf under it for `leaf_name`, and the PEM texts. */
void fleet_node_invite(
    const struct fleet *fleet, const char *name, uint64_t join_by, struct fleet_node *ret_node);
void fleet_node_join(const struct fleet *fleet, struct fleet_node *node, const char *leaf_name);
void fleet_node_make(const struct fleet *fleet, const char *name, struct fleet_node *ret_node);
/* Another leaf key under the same invite. */
void fleet_node_join_again(
    const struct fleet *fleet, const struct fleet_node *first, struct fleet_node *ret_second);
void fleet_node_fini(struct fleet_node *node);

/* leaf_pem, chain_pem, key_pem and leaf_point of a user. */
void fleet_user_make(const struct fleet *fleet, enum rpc_identity_kind kind, const char *name,
    struct fleet_node *ret_user);

/* A snapshot's row for the node. */
struct rpc_trust_node fleet_row(const struct fleet_node *node, enum rpc_node_status status);
/* Publishes this fleet's one enroller and the rows. */
void fleet_publish(struct rpc_trust *trust, const struct fleet *fleet,
    const struct rpc_trust_node *rows, uint32_t count);

/* Turns the loop until *flag is not 0; fails the test after 20 s. */
void turn_until(struct rpc_loop *loop, const int *flag);
/* Turns the loop until nothing has come for some ms. */
void turn_for(struct rpc_loop *loop, uint32_t ms);
