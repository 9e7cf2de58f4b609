/* SPDX-License-Identifier: Apache-2.0 */
/* set_test.c - what deltas leave in a set (ledger.md L14, amendment 14). */
#include "fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *fleet;
static uint8_t set_id[1][OP_REF_BYTES];

static enum ledger_reason put_set(Picket__V1__SetKind kind, const uint8_t *object,
    Picket__V1__Mark *vector, uint8_t ref[OP_REF_BYTES])
{
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    Picket__V1__Set set = PICKET__V1__SET__INIT;
    Picket__V1__Mark *vectors[1] = {vector};
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_SET, &put.base};
    ProtobufCBinaryData base = {.data = (uint8_t *)(uintptr_t)object, .len = OP_REF_BYTES};
    uint8_t id[HASH_BYTES];
    enum ledger_reason reason;

    set.name = (char *)"bad";
    set.kind = kind;
    put.set = &set;
    put.vector = vectors;
    put.n_vector = vector ? 1 : 0;
    if (object) {
        put.object = base;
        put.bases = &base;
        put.n_bases = 1;
    }
    reason = fleet_write(fleet, 0, NULL, &change, 1, id);
    reference(id, 0, ref);
    return reason;
}

static int setup(void **state)
{
    (void)state;
    fleet = fleet_new();
    fleet_operator(fleet, 0);
    fleet_operator(fleet, 1);
    return put_set(PICKET__V1__SET_KIND__SET_KIND_BAN, NULL, NULL, set_id[0]) == LEDGER_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

/* Adds 192.0.2.LAST/32; removes or clears as given. */
static enum ledger_reason delta(int key, uint8_t last, uint64_t expiry, const uint8_t *remove,
    Picket__V1__Mark *clear, uint8_t ret_element[OP_REF_BYTES + 4])
{
    Picket__V1__SetDelta delta = PICKET__V1__SET_DELTA__INIT;
    Picket__V1__Element element = PICKET__V1__ELEMENT__INIT;
    Picket__V1__Element *elements[1] = {&element};
    Picket__V1__Prefix prefix = PICKET__V1__PREFIX__INIT;
    Picket__V1__Mark *clears[1] = {clear};
    uint8_t address[4] = {192, 0, 2, last}, id[HASH_BYTES];
    ProtobufCBinaryData removed = {.data = (uint8_t *)(uintptr_t)remove, .len = OP_REF_BYTES + 4};
    struct change change = {PICKET__V1__OP_KIND__OP_SET_DELTA, &delta.base};
    enum ledger_reason reason;

    delta.set = (ProtobufCBinaryData){.data = set_id[0], .len = OP_REF_BYTES};
    prefix.address = (ProtobufCBinaryData){.data = address, .len = 4};
    prefix.length = 32;
    element.prefix = &prefix;
    element.expiry = expiry;
    delta.add = elements;
    delta.n_add = last ? 1 : 0;
    delta.remove = &removed;
    delta.n_remove = remove ? 1 : 0;
    delta.clear = clears;
    delta.n_clear = clear ? 1 : 0;
    reason = fleet_write(fleet, key, NULL, &change, 1, id);
    memset(ret_element, 0, OP_REF_BYTES + 4);
    memcpy(ret_element, id, HASH_BYTES);
    return reason;
}

static void assert_elements(const char *lasts)
{
    struct set_element *elements = NULL;
    uint32_t count = 0;

    assert_int_equal(ledger_set_additions(fleet->ledger, set_id[0], &elements, &count), 0);
    assert_int_equal(count, strlen(lasts));
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(elements[i].address[3], lasts[i]);
    free(elements);
}

static void additions_are_sorted_and_the_latest_expiry_wins(void **state)
{
    uint8_t ref[OP_REF_BYTES + 4];
    struct set_element *elements = NULL;
    uint32_t count = 0;
    (void)state;

    assert_int_equal(delta(1, 9, 100, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(delta(0, 3, 100, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(delta(1, 9, 300, NULL, NULL, ref), LEDGER_OK);
    assert_elements("\x03\x09");
    assert_int_equal(ledger_set_additions(fleet->ledger, set_id[0], &elements, &count), 0);
    assert_int_equal(elements[1].expiry, 300);
    free(elements);
}

static void a_removal_cancels_the_addition_it_names_only(void **state)
{
    uint8_t first[OP_REF_BYTES + 4], ref[OP_REF_BYTES + 4];
    (void)state;

    assert_int_equal(delta(1, 9, 0, NULL, NULL, first), LEDGER_OK);
    assert_int_equal(delta(0, 9, 0, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(delta(0, 0, 0, first, NULL, ref), LEDGER_OK);
    assert_elements("\x09");
    assert_int_equal(delta(1, 0, 0, ref, NULL, first), LEDGER_OK); /* of nothing: no harm */
    assert_elements("\x09");
}

static void a_clear_cancels_up_to_its_mark(void **state)
{
    Picket__V1__Mark mark = PICKET__V1__MARK__INIT;
    uint8_t ref[OP_REF_BYTES + 4];
    (void)state;

    mark.author = (ProtobufCBinaryData){.data = fleet->keys[1].public, .len = KEY_BYTES};
    mark.seq = 2;
    for (uint8_t last = 1; last <= 3; last++)
        assert_int_equal(delta(1, last, 0, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(delta(0, 0, 0, NULL, &mark, ref), LEDGER_OK);
    assert_elements("\x03");
}

static void a_vector_of_a_new_version_cancels_like_a_clear(void **state)
{
    Picket__V1__Mark mark = PICKET__V1__MARK__INIT;
    uint8_t ref[OP_REF_BYTES + 4];
    (void)state;

    mark.author = (ProtobufCBinaryData){.data = fleet->keys[1].public, .len = KEY_BYTES};
    mark.seq = 1;
    assert_int_equal(delta(1, 1, 0, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(delta(1, 2, 0, NULL, NULL, ref), LEDGER_OK);
    assert_int_equal(put_set(PICKET__V1__SET_KIND__SET_KIND_BAN, set_id[0], &mark, ref), LEDGER_OK);
    assert_elements("\x02");
}

static void the_kind_of_a_set_never_changes(void **state)
{
    uint8_t ref[OP_REF_BYTES];
    (void)state;

    assert_int_equal(
        put_set(PICKET__V1__SET_KIND__SET_KIND_PLAIN, set_id[0], NULL, ref), LEDGER_BAD_OPERATION);
}

static enum ledger_reason use_set(Picket__V1__Action action, bool negate)
{
    Picket__V1__Match match = PICKET__V1__MATCH__INIT;
    Picket__V1__Addresses source = PICKET__V1__ADDRESSES__INIT;
    Picket__V1__Rule rule;
    uint8_t ref[OP_REF_BYTES];

    rule_init(&rule, action);
    source.set = (ProtobufCBinaryData){.data = set_id[0], .len = OP_REF_BYTES};
    source.negate = negate;
    match.source = &source;
    rule.match = &match;
    return fleet_rule(fleet, 0, &rule, NULL, NULL, 0, ref);
}

static void a_ban_set_feeds_only_drop_and_reject(void **state)
{
    (void)state;
    assert_int_equal(use_set(PICKET__V1__ACTION__ACTION_DROP, false), LEDGER_OK);
    assert_int_equal(use_set(PICKET__V1__ACTION__ACTION_REJECT, false), LEDGER_OK);
    assert_int_equal(use_set(PICKET__V1__ACTION__ACTION_DROP, true), LEDGER_BAD_OPERATION);
    assert_int_equal(use_set(PICKET__V1__ACTION__ACTION_ALLOW, false), LEDGER_BAD_OPERATION);
}

static void a_delta_for_an_unknown_set_waits(void **state)
{
    uint8_t ref[OP_REF_BYTES + 4];
    (void)state;

    set_id[0][0] ^= 1;
    assert_int_equal(delta(1, 1, 0, NULL, NULL, ref), LEDGER_UNKNOWN_BASE);
}

static void a_changeset_counts_whole_or_not_at_all(void **state)
{
    Picket__V1__PutRule good = PICKET__V1__PUT_RULE__INIT, bad = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Rule rule, wrong;
    struct change changes[2] = {{PICKET__V1__OP_KIND__OP_PUT_RULE, &good.base},
        {PICKET__V1__OP_KIND__OP_PUT_RULE, &bad.base}};
    uint8_t id[HASH_BYTES];
    uint32_t op, before = ledger_objects_count(fleet->ledger);
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    wrong = rule;
    wrong.priority = 70000;
    good.rule = &rule;
    bad.rule = &wrong;
    assert_int_equal(fleet_write(fleet, 0, NULL, changes, 2, id), LEDGER_BAD_OPERATION);
    assert_int_equal(ledger_entry_status(fleet->ledger, id, &op), LEDGER_BAD_OPERATION);
    assert_int_equal(op, 1);
    assert_int_equal(ledger_objects_count(fleet->ledger), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            additions_are_sorted_and_the_latest_expiry_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_removal_cancels_the_addition_it_names_only, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clear_cancels_up_to_its_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_vector_of_a_new_version_cancels_like_a_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(the_kind_of_a_set_never_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_ban_set_feeds_only_drop_and_reject, setup, teardown),
        cmocka_unit_test_setup_teardown(a_delta_for_an_unknown_set_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changeset_counts_whole_or_not_at_all, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
