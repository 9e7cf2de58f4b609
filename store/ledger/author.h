/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * author.h - makes what the ledger checks: genesis, trust records, entries. Used by the command,
 * the simulator and the tests. Pure but for the key it is handed.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "store/keys/keys.h"

#include "proto/picket/v1/entry.pb-c.h"

/* All append canonical bytes to *ret; 0, -ENOMEM, or -EINVAL with a sentence. */

int author_genesis(
    const Picket__V1__Genesis *genesis, struct buffer *ret, struct problem *reterr_problem);
void author_fleet_id(struct bytes genesis, uint8_t ret_fleet_id[HASH_BYTES]);

/* prev NULL for position 1. One signer: index into the root keys in force. */
int author_trust(const uint8_t fleet_id[HASH_BYTES], uint64_t position, const uint8_t *prev,
    const Picket__V1__TrustBody *body, const struct key_pair *root, uint32_t signer_index,
    struct buffer *ret_signed_trust, uint8_t ret_id[HASH_BYTES]);

struct author_position {
    uint8_t fleet_id[HASH_BYTES];
    uint64_t seq;             /* of the entry to make; 1 for the first */
    uint8_t prev[HASH_BYTES]; /* ignored for seq 1 */
    uint8_t trust_head[HASH_BYTES];
};
/* scope may be NULL; window 0,0 is none. */
int author_entry(const struct author_position *at, const Picket__V1__Scope *scope,
    uint64_t valid_from, uint64_t valid_until, const Picket__V1__Ops *ops,
    const struct key_pair *key, struct buffer *ret_signed_entry, uint8_t ret_id[HASH_BYTES]);

/* Packs an operation body into an Operation the caller frees with author_operation_fini(). */
int author_operation(
    Picket__V1__OpKind kind, const ProtobufCMessage *body, Picket__V1__Operation *ret_operation);
void author_operation_fini(Picket__V1__Operation *operation);
