/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keys/keys.h"

#include "base/check.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

_Static_assert(KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "an Ed25519 key");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "an Ed25519 signature");
_Static_assert(sizeof(((struct key_pair *)0)->secret) == crypto_sign_SECRETKEYBYTES, "seed, key");
_Static_assert(sizeof(struct keys_hasher) >= sizeof(crypto_generichash_blake2b_state), "room");
_Static_assert(_Alignof(struct keys_hasher) >= _Alignof(crypto_generichash_blake2b_state), "place");

/* Zero-padded to 16 bytes: that is the personal string. */
static const char domains[HASH_DOMAIN_COUNT][crypto_generichash_blake2b_PERSONALBYTES] = {
    [HASH_ENTRY] = "picket/entry/1",
    [HASH_OPS] = "picket/ops/1",
    [HASH_GENESIS] = "picket/genesis/1",
    [HASH_TRUST] = "picket/trust/1",
    [HASH_CHUNK] = "picket/chunk/1",
    [HASH_STATE] = "picket/state/1",
    [HASH_NODE] = "picket/node/1",
    [HASH_PEER] = "picket/peer/1",
    [HASH_RECEIPT] = "picket/recpt/1",
    [HASH_SOFT] = "picket/soft/1",
};

int keys_start(void)
{
    return sodium_init() < 0 ? -ENOSYS : 0;
}

static const uint8_t *personal(enum hash_domain domain)
{
    CHECK((unsigned)domain < HASH_DOMAIN_COUNT, "a domain of ledger.md");
    return (const uint8_t *)domains[domain];
}

void keys_hash(enum hash_domain domain, struct bytes bytes, uint8_t ret_hash[HASH_BYTES])
{
    int r = crypto_generichash_blake2b_salt_personal(
        ret_hash, HASH_BYTES, bytes.at, bytes.len, NULL, 0, NULL, personal(domain));

    CHECK(r == 0, "BLAKE2b refuses only wrong lengths");
}

/* libsodium's state, inside the opaque bytes; their alignment and room are asserted above. */
static crypto_generichash_blake2b_state *state_of(struct keys_hasher *hasher)
{
    return (crypto_generichash_blake2b_state *)(void *)hasher->opaque;
}

void keys_hasher_init(struct keys_hasher *hasher, enum hash_domain domain)
{
    int r = crypto_generichash_blake2b_init_salt_personal(
        state_of(hasher), NULL, 0, HASH_BYTES, NULL, personal(domain));

    CHECK(r == 0, "BLAKE2b refuses only wrong lengths");
}

void keys_hasher_add(struct keys_hasher *hasher, const void *from, size_t len)
{
    if (len > 0)
        (void)crypto_generichash_blake2b_update(state_of(hasher), from, len);
}

void keys_hasher_end(struct keys_hasher *hasher, uint8_t ret_hash[HASH_BYTES])
{
    int r = crypto_generichash_blake2b_final(state_of(hasher), ret_hash, HASH_BYTES);

    CHECK(r == 0, "a hasher ends once");
}

void keys_pair_new(struct key_pair *ret_pair)
{
    (void)crypto_sign_keypair(ret_pair->public, ret_pair->secret);
}

void keys_pair_from_seed(const uint8_t seed[32], struct key_pair *ret_pair)
{
    (void)crypto_sign_seed_keypair(ret_pair->public, ret_pair->secret, seed);
}

void keys_wipe(void *at, size_t len)
{
    sodium_memzero(at, len);
}

void keys_random(void *at, size_t len)
{
    randombytes_buf(at, len);
}

void keys_sign(const struct key_pair *pair, const uint8_t hash[HASH_BYTES],
    uint8_t ret_signature[SIGNATURE_BYTES])
{
    (void)crypto_sign_detached(ret_signature, NULL, hash, HASH_BYTES, pair->secret);
}

/*
 * Is L times the point the neutral element, L being the order of the prime subgroup? Asked as
 * [L - 1]P == -P. libsodium's own answer (crypto_core_ed25519_is_valid_point) looks only at the x
 * of [L]P in releases without the fix of CVE-2025-69277, so a point with the part of order two in
 * it passes there.
 */
static bool has_prime_order(const uint8_t key[KEY_BYTES])
{
    static const uint8_t order_less_one[32] = {0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6,
        0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    uint8_t point[KEY_BYTES];

    if (crypto_scalarmult_ed25519_noclamp(point, order_less_one, key) != 0)
        return false;
    point[31] ^= 0x80; /* the encoding of the negative; x is not 0, as small orders are refused */
    return memcmp(point, key, KEY_BYTES) == 0;
}

bool keys_public_is_sound(const uint8_t key[KEY_BYTES])
{
    return crypto_core_ed25519_is_valid_point(key) == 1 && has_prime_order(key);
}

bool keys_verify(const uint8_t key[KEY_BYTES], const uint8_t hash[HASH_BYTES],
    const uint8_t signature[SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, hash, HASH_BYTES, key) == 0;
}
