/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * identity.h - who this box is: what `picket node join` left in the state folder.
 *
 * Owns: all of it. I/O: files, once, at start.
 */
#include "base/bytes.h"
#include "base/limits.h"
#include "base/problem.h"
#include "rpc/trust.h"
#include "store/keys/keys.h"
#include "store/ledger/record.h"

struct identity {
    struct buffer genesis;
    uint8_t fleet_id[HASH_BYTES];
    char name[NAME_BYTES_MAX + 1];
    uint8_t invite[HASH_BYTES];
    struct key_pair key;     /* Ed25519 */
    struct buffer chain_pem; /* leaf, invite, CA */
    struct buffer tls_key_pem;
    struct buffer leaf; /* DER */
    uint8_t leaf_key[RPC_POINT_BYTES];
    uint8_t key_signature[SIGNATURE_BYTES];
    struct buffer seed; /* records that came with the invite, length-prefixed */
    char **peers;       /* host:port */
    size_t peers_count;
};

/* -ENOENT with the sentence how to join, if the folder holds no identity. */
int identity_read(
    const char *state_dir, struct identity *ret_identity, struct problem *reterr_problem);
void identity_fini(struct identity *identity);

/* The seed's records in order; false at the end or at the first damaged one. *offset begins at 0.
 */
bool identity_seed_next(const struct identity *identity, size_t *offset, enum record_kind *ret_kind,
    struct bytes *ret_bytes);
