/* SPDX-License-Identifier: Apache-2.0 */
/* roots_test.c - k of n root keys (ledger.md L5, amendment 4). */
#include "fleet.h"

#include "proto/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct key_pair roots[3];
static struct ledger *ledger;

static int setup(void **state)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    ProtobufCBinaryData keys[3];
    struct buffer bytes = {0};
    (void)state;

    assert_int_equal(keys_start(), 0);
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t seed[32] = {i, 77};

        keys_pair_from_seed(seed, &roots[i]);
    }
    for (int i = 0; i < 2; i++) /* ascending */
        for (int j = i + 1; j < 3; j++)
            if (memcmp(roots[i].public, roots[j].public, KEY_BYTES) > 0) {
                struct key_pair swap = roots[i];

                roots[i] = roots[j];
                roots[j] = swap;
            }
    for (int i = 0; i < 3; i++)
        keys[i] = (ProtobufCBinaryData){.data = roots[i].public, .len = KEY_BYTES};
    genesis.version = 1;
    genesis.name = (char *)(uintptr_t) "berlin";
    genesis.threshold = 2;
    genesis.root_keys = keys;
    genesis.n_root_keys = 3;
    assert_int_equal(author_genesis(&genesis, &bytes, NULL), 0);
    assert_int_equal(ledger_new(buffer_bytes(&bytes), &ledger, NULL), 0);
    buffer_fini(&bytes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ledger_free(ledger);
    return 0;
}

/* A level record that names `signers` and carries `count` signatures, by the named keys in order.
 */
static enum ledger_reason open_signed(uint64_t signers, size_t count, struct record_view *view)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Level level = PICKET__V1__LEVEL__INIT;
    Picket__V1__TrustHeader header = PICKET__V1__TRUST_HEADER__INIT;
    Picket__V1__SignedTrust record = PICKET__V1__SIGNED_TRUST__INIT;
    struct buffer body_bytes = {0}, header_bytes = {0}, bytes = {0};
    uint8_t hash[HASH_BYTES], id[HASH_BYTES], signatures[3][SIGNATURE_BYTES];
    ProtobufCBinaryData fields[3];
    enum ledger_reason reason;
    size_t made = 0;

    level.level = 2;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_LEVEL;
    body.level = &level;
    assert_int_equal(wire_pack(&body.base, &body_bytes), 0);
    keys_hash(HASH_TRUST, buffer_bytes(&body_bytes), hash);
    header.version = 1;
    header.fleet_id = (ProtobufCBinaryData){
        .data = (uint8_t *)(uintptr_t)ledger_fleet_id(ledger), .len = HASH_BYTES};
    header.position = 1;
    header.signers = signers;
    header.body_hash = (ProtobufCBinaryData){.data = hash, .len = HASH_BYTES};
    header.body_len = (uint32_t)body_bytes.len;
    assert_int_equal(wire_pack(&header.base, &header_bytes), 0);
    keys_hash(HASH_TRUST, buffer_bytes(&header_bytes), id);
    for (int i = 0; i < 3; i++)
        if (signers >> i & 1)
            keys_sign(&roots[i], id, signatures[made++]);
    for (size_t i = 0; i < count; i++)
        fields[i] = (ProtobufCBinaryData){
            .data = signatures[i % (made ? made : 1)], .len = SIGNATURE_BYTES};
    record.header = (ProtobufCBinaryData){.data = header_bytes.at, .len = header_bytes.len};
    record.body = (ProtobufCBinaryData){.data = body_bytes.at, .len = body_bytes.len};
    record.signatures = fields;
    record.n_signatures = count;
    assert_int_equal(wire_pack(&record.base, &bytes), 0);
    reason = record_open(ledger, RECORD_TRUST, buffer_bytes(&bytes), view);
    buffer_fini(&body_bytes);
    buffer_fini(&header_bytes);
    buffer_fini(&bytes);
    return reason;
}

static void every_named_key_is_a_claim(void **state)
{
    struct record_view view;
    (void)state;

    assert_int_equal(open_signed(5, 2, &view), LEDGER_OK);
    assert_int_equal(view.claims_count, 2);
    assert_memory_equal(view.claims[0].key, roots[0].public, KEY_BYTES);
    assert_memory_equal(view.claims[1].key, roots[2].public, KEY_BYTES);
    for (int i = 0; i < 2; i++)
        assert_true(keys_verify(view.claims[i].key, view.claims[i].hash, view.claims[i].signature));
}

static void fewer_than_the_threshold_are_refused(void **state)
{
    struct record_view view;
    (void)state;

    assert_int_equal(open_signed(2, 1, &view), LEDGER_BAD_SIGNATURE);
}

static void a_named_key_without_a_signature_is_refused(void **state)
{
    struct record_view view;
    (void)state;

    assert_int_equal(open_signed(7, 2, &view), LEDGER_BAD_SIGNATURE);
}

static void a_signature_nobody_is_named_for_is_refused(void **state)
{
    struct record_view view;
    (void)state;

    assert_int_equal(open_signed(3, 3, &view), LEDGER_BAD_SIGNATURE);
}

static void a_bit_above_the_keys_is_refused(void **state)
{
    struct record_view view;
    (void)state;

    assert_int_equal(open_signed(9, 2, &view), LEDGER_BAD_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_named_key_is_a_claim, setup, teardown),
        cmocka_unit_test_setup_teardown(fewer_than_the_threshold_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_named_key_without_a_signature_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_signature_nobody_is_named_for_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bit_above_the_keys_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
