/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes and strict Ed25519; the edge vectors hold the linked library to what the ledger says. */
#include "store/keys/keys.h"

#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The eight points whose order divides eight, and their encodings that are not canonical. */
static const char *const small_orders[] = {
    "0100000000000000000000000000000000000000000000000000000000000000", /* order 1 */
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* order 2 */
    "0000000000000000000000000000000000000000000000000000000000000000", /* order 4 */
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", /* order 8 */
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080", /* x = 0 with a sign */
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p */
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p + 1 */
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
#define SMALL_ORDERS (sizeof(small_orders) / sizeof(small_orders[0]))

/* The order L of the prime subgroup, little endian. */
static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
    0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};

struct signed_hash {
    struct key_pair pair;
    uint8_t hash[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
};

static struct signed_hash sign_something(void)
{
    static const uint8_t seed[32] = {1, 2, 3};
    struct signed_hash made;

    keys_pair_from_seed(seed, &made.pair);
    keys_hash(HASH_ENTRY, bytes_of("something", 9), made.hash);
    keys_sign(&made.pair, made.hash, made.signature);
    return made;
}

static bool holds(const struct signed_hash *made)
{
    return keys_verify(made->pair.public, made->hash, made->signature);
}

static int start(void **state)
{
    (void)state;
    return keys_start();
}

static void starting_twice_is_fine(void **state)
{
    (void)state;
    assert_int_equal(keys_start(), 0);
}

static void print_hash(enum hash_domain domain, struct bytes bytes, char text[2 * HASH_BYTES + 1])
{
    uint8_t hash[HASH_BYTES];

    keys_hash(domain, bytes, hash);
    hex_print(hash, HASH_BYTES, text);
}

/* python3 -c 'import hashlib; print(hashlib.blake2b(b"abc", digest_size=32,
 * person=b"picket/entry/1").hexdigest())' */
static void hashes_are_blake2b_with_a_personal_string(void **state)
{
    static const struct {
        enum hash_domain domain;
        const char *hex;
    } cases[] = {
        {HASH_ENTRY, "842f3f4fb8c4b03e67c2110074401c094ba21e51504e4e418d644b242934e7ac"},
        {HASH_OPS, "d4bac90fdc6f72ea6a38b7b7370b6eefa471b9981ecccb41f5e2514dc57323e9"},
        {HASH_GENESIS, "1c6380e940b52f9230071a43201340bdfc713a3a57fdbd3ca380bd43f8da10d3"},
        {HASH_TRUST, "1f28e6c635217e0ccbf5f70b380895d486791571acd8d7cec261207b31afe210"},
        {HASH_CHUNK, "d15a83e235e516b718fd47bf37a937a7894b76e70b65cc6191a3a3c61b576b94"},
        {HASH_STATE, "cd2d46bebee4e593c0d659a375f3aa9878b05290ea4b7cc1c69694518173ec19"},
        {HASH_NODE, "f66074e615ba1d665fa998d9098731c9195fe96a443c8c2d275e0959e7d7dbc8"},
        {HASH_PEER, "46cf438ab01d24b53b4b324bfd34e84226b098f3a333a27e8a2c546bcf4c9c47"},
        {HASH_RECEIPT, "c733509e1eaf99f824502f10a80931cdcd97a5d81ea24412fec10f9557d80b86"},
        {HASH_SOFT, "8c616029caa651439019c65a48820cdc35a3773f9a14895462135af9ccff2bc9"},
    };
    char text[2 * HASH_BYTES + 1];

    (void)state;
    assert_int_equal(sizeof(cases) / sizeof(cases[0]), HASH_DOMAIN_COUNT);
    for (size_t i = 0; i < HASH_DOMAIN_COUNT; i++) {
        print_hash(cases[i].domain, bytes_of("abc", 3), text);
        assert_string_equal(text, cases[i].hex);
    }
}

static void nothing_has_a_hash(void **state)
{
    char text[2 * HASH_BYTES + 1];

    (void)state;
    print_hash(HASH_ENTRY, bytes_of(NULL, 0), text);
    assert_string_equal(text, "cb912b53b6cdd6bf588dea313afbb99bfa312f0da68da754bfa20784d5c42f3d");
}

static void a_hash_in_pieces_is_the_hash_of_the_whole(void **state)
{
    uint8_t text[1000];
    uint8_t whole[HASH_BYTES];
    uint8_t pieces[HASH_BYTES];
    struct keys_hasher hasher;

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)i;
    keys_hash(HASH_STATE, bytes_of(text, sizeof(text)), whole);
    keys_hasher_init(&hasher, HASH_STATE);
    keys_hasher_add(&hasher, NULL, 0);
    keys_hasher_add(&hasher, text, 1);
    keys_hasher_add(&hasher, text + 1, 299);
    keys_hasher_add(&hasher, text + 300, 700);
    keys_hasher_end(&hasher, pieces);
    assert_memory_equal(whole, pieces, HASH_BYTES);
}

static void an_honest_signature_holds(void **state)
{
    struct signed_hash made = sign_something();

    (void)state;
    assert_true(keys_public_is_sound(made.pair.public));
    assert_true(holds(&made));
}

/* RFC 8032, 7.1, test 1: the seed gives the key. */
static void a_seed_gives_its_key(void **state)
{
    uint8_t seed[32];
    char text[2 * KEY_BYTES + 1];
    struct key_pair pair;

    (void)state;
    assert_int_equal(
        hex_parse("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, 32), 0);
    keys_pair_from_seed(seed, &pair);
    hex_print(pair.public, KEY_BYTES, text);
    assert_string_equal(text, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
}

static void new_pairs_differ_and_are_sound(void **state)
{
    struct key_pair a;
    struct key_pair b;

    (void)state;
    keys_pair_new(&a);
    keys_pair_new(&b);
    assert_memory_not_equal(a.public, b.public, KEY_BYTES);
    assert_true(keys_public_is_sound(a.public));
}

static void every_changed_bit_breaks_a_signature(void **state)
{
    struct signed_hash made = sign_something();

    (void)state;
    for (unsigned bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
        made.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(holds(&made));
        made.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    made.hash[0] ^= 1;
    assert_false(holds(&made));
}

/* S + L solves the same equation; only the canonical S may stand. */
static void a_larger_s_is_refused(void **state)
{
    struct signed_hash made = sign_something();

    (void)state;
    for (unsigned times = 0; times < 8; times++) {
        sodium_add(made.signature + 32, order, sizeof(order));
        assert_false(holds(&made));
    }
}

/* Even where the equation could hold: S = 0, R = [-h]A is out of reach, so only that R is refused.
 */
static void an_r_of_small_order_is_refused(void **state)
{
    struct signed_hash made = sign_something();

    (void)state;
    for (size_t i = 0; i < SMALL_ORDERS; i++) {
        assert_int_equal(hex_parse(small_orders[i], made.signature, 32), 0);
        assert_false(holds(&made));
    }
}

/*
 * With a small-order key the equation holds for whoever likes: R = [S]B - [h]A, and for A of order
 * 1 that is [S]B whatever the message. The library must refuse the key by itself.
 */
static void a_key_of_small_order_signs_nothing(void **state)
{
    struct signed_hash made = sign_something();
    uint8_t s[32] = {5};

    (void)state;
    assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(made.signature, s), 0);
    memcpy(made.signature + 32, s, sizeof(s));
    for (size_t i = 0; i < SMALL_ORDERS; i++) {
        assert_int_equal(hex_parse(small_orders[i], made.pair.public, KEY_BYTES), 0);
        assert_false(holds(&made));
    }
}

static void keys_of_small_order_are_not_sound(void **state)
{
    uint8_t key[KEY_BYTES];

    (void)state;
    for (size_t i = 0; i < SMALL_ORDERS; i++) {
        assert_int_equal(hex_parse(small_orders[i], key, KEY_BYTES), 0);
        assert_false(keys_public_is_sound(key));
    }
}

/* An honest key plus a point of order 2, 4 or 8 is on the curve but outside the prime subgroup. */
static void keys_of_mixed_order_are_not_sound(void **state)
{
    struct signed_hash made = sign_something();

    (void)state;
    for (size_t i = 1; i < 8; i++) {
        uint8_t torsion[KEY_BYTES];
        uint8_t mixed[KEY_BYTES];

        assert_int_equal(hex_parse(small_orders[i], torsion, KEY_BYTES), 0);
        assert_int_equal(crypto_core_ed25519_add(mixed, made.pair.public, torsion), 0);
        assert_false(keys_public_is_sound(mixed));
    }
}

/* y and y + p are one coordinate with two encodings. */
static void keys_that_are_not_canonical_are_not_sound(void **state)
{
    uint8_t key[KEY_BYTES];

    (void)state;
    for (unsigned y = 0; y < 19; y++) {
        memset(key, 0xff, sizeof(key));
        key[0] = (uint8_t)(0xed + y);
        assert_false(keys_public_is_sound(key));
        key[31] = 0x7f;
        assert_false(keys_public_is_sound(key));
    }
}

static void a_point_off_the_curve_is_not_sound(void **state)
{
    uint8_t key[KEY_BYTES] = {2};

    (void)state;
    assert_false(keys_public_is_sound(key));
}

/* R' = R + T: the cofactored equation would accept it, ours compares the encodings. With the
 * neutral element for T the signature is an honest one: the test itself is right. */
static void verification_is_cofactorless(void **state)
{
    struct signed_hash made = sign_something();
    uint8_t honest[32];

    (void)state;
    memcpy(honest, made.signature, sizeof(honest));
    for (size_t i = 0; i < 8; i++) {
        uint8_t torsion[32];
        uint8_t challenge[64];
        uint8_t reduced[32];
        uint8_t nonce_scalar[32] = {7};
        uint8_t wide[64];
        crypto_hash_sha512_state sha;

        /* Made by a signer who knows the secret: R = [7]B + T, S = 7 + h a. */
        assert_int_equal(hex_parse(small_orders[i], torsion, 32), 0);
        assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(honest, nonce_scalar), 0);
        assert_int_equal(crypto_core_ed25519_add(made.signature, honest, torsion), 0);
        crypto_hash_sha512_init(&sha);
        crypto_hash_sha512_update(&sha, made.signature, 32);
        crypto_hash_sha512_update(&sha, made.pair.public, 32);
        crypto_hash_sha512_update(&sha, made.hash, HASH_BYTES);
        crypto_hash_sha512_final(&sha, challenge);
        crypto_core_ed25519_scalar_reduce(reduced, challenge);
        crypto_hash_sha512(wide, made.pair.secret, 32);
        wide[0] &= 248;
        wide[31] = (uint8_t)((wide[31] & 127) | 64);
        memset(wide + 32, 0, 32);
        crypto_core_ed25519_scalar_reduce(challenge, wide);
        crypto_core_ed25519_scalar_mul(reduced, reduced, challenge);
        crypto_core_ed25519_scalar_add(made.signature + 32, reduced, nonce_scalar);
        assert_int_equal(holds(&made), i == 0);
    }
}

static void a_wiped_secret_is_gone(void **state)
{
    uint8_t secret[32];
    static const uint8_t zero[32];

    (void)state;
    keys_random(secret, sizeof(secret));
    assert_memory_not_equal(secret, zero, sizeof(secret));
    keys_wipe(secret, sizeof(secret));
    assert_memory_equal(secret, zero, sizeof(secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starting_twice_is_fine),
        cmocka_unit_test(hashes_are_blake2b_with_a_personal_string),
        cmocka_unit_test(nothing_has_a_hash),
        cmocka_unit_test(a_hash_in_pieces_is_the_hash_of_the_whole),
        cmocka_unit_test(an_honest_signature_holds),
        cmocka_unit_test(a_seed_gives_its_key),
        cmocka_unit_test(new_pairs_differ_and_are_sound),
        cmocka_unit_test(every_changed_bit_breaks_a_signature),
        cmocka_unit_test(a_larger_s_is_refused),
        cmocka_unit_test(an_r_of_small_order_is_refused),
        cmocka_unit_test(a_key_of_small_order_signs_nothing),
        cmocka_unit_test(keys_of_small_order_are_not_sound),
        cmocka_unit_test(keys_of_mixed_order_are_not_sound),
        cmocka_unit_test(keys_that_are_not_canonical_are_not_sound),
        cmocka_unit_test(a_point_off_the_curve_is_not_sound),
        cmocka_unit_test(verification_is_cofactorless),
        cmocka_unit_test(a_wiped_secret_is_gone),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
