/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * keys.h - hash, sign, verify. The only folder that sees libsodium.
 *
 * I/O:     none here (key files are in key_file.h). Threads: any, after keys_start().
 * Hashes:  BLAKE2b-256, no key, no salt, personal = the domain string (ledger.md, amendment 5).
 */
#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

enum hash_domain {
    HASH_ENTRY,   /* picket/entry/1 */
    HASH_OPS,     /* picket/ops/1 */
    HASH_GENESIS, /* picket/genesis/1 */
    HASH_TRUST,   /* picket/trust/1 */
    HASH_CHUNK,   /* picket/chunk/1 */
    HASH_STATE,   /* picket/state/1 */
    HASH_NODE,    /* picket/node/1 */
    HASH_PEER,    /* picket/peer/1 */
    HASH_RECEIPT, /* picket/recpt/1 */
    HASH_SOFT,    /* picket/soft/1 */
    HASH_DOMAIN_COUNT
};

/* Once, before anything else. 0 or -ENOSYS if the library cannot start. */
int keys_start(void);

void keys_hash(enum hash_domain domain, struct bytes bytes, uint8_t ret_hash[HASH_BYTES]);

/* Incremental. The context is plain memory; no fini. */
struct keys_hasher {
    _Alignas(64) uint8_t opaque[384];
};
void keys_hasher_init(struct keys_hasher *hasher, enum hash_domain domain);
void keys_hasher_add(struct keys_hasher *hasher, const void *from, size_t len);
void keys_hasher_end(struct keys_hasher *hasher, uint8_t ret_hash[HASH_BYTES]);

/* An Ed25519 key pair. secret is seed || public, libsodium's form. Wipe with keys_wipe(). */
struct key_pair {
    uint8_t public[KEY_BYTES];
    uint8_t secret[64];
};

void keys_pair_new(struct key_pair *ret_pair); /* random */
void keys_pair_from_seed(
    const uint8_t seed[32], struct key_pair *ret_pair); /* for tests and simulation */
void keys_wipe(void *at, size_t len);
void keys_random(void *at, size_t len);

/* Signs a 32-byte hash. */
void keys_sign(const struct key_pair *pair, const uint8_t hash[HASH_BYTES],
    uint8_t ret_signature[SIGNATURE_BYTES]);

/* Canonical encoding, in the prime-order subgroup, not of small order: checked once, at grant. */
bool keys_public_is_sound(const uint8_t key[KEY_BYTES]);

/* Strict and cofactorless: docs/format.md. The key is assumed sound. */
bool keys_verify(const uint8_t key[KEY_BYTES], const uint8_t hash[HASH_BYTES],
    const uint8_t signature[SIGNATURE_BYTES]);
