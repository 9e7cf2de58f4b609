/* SPDX-License-Identifier: Apache-2.0 */
/* entry_test.c - what is refused, what is kept and void, what counts. */
#include "fleet.h"

#include "proto/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *fleet;

static int setup(void **state)
{
    (void)state;
    fleet = fleet_new();
    fleet_operator(fleet, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

static void make_rule_entry(struct buffer *bytes, uint8_t id[HASH_BYTES])
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Rule rule;
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    put.rule = &rule;
    fleet_make(fleet, 0, NULL, &change, 1, bytes, id);
}

static bool is_verified(const struct record_view *view)
{
    for (uint32_t i = 0; i < view->claims_count; i++)
        if (!keys_verify(view->claims[i].key, view->claims[i].hash, view->claims[i].signature))
            return false;
    return view->claims_count > 0;
}

static void a_rule_is_an_object_of_its_operation(void **state)
{
    Picket__V1__Rule rule;
    uint8_t ref[OP_REF_BYTES];
    struct ledger_object object;
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    assert_int_equal(ledger_objects_count(fleet->ledger), 1);
    assert_true(ledger_object_find(fleet->ledger, ref, &object));
    assert_int_equal(object.kind, OBJECT_RULE);
    assert_string_equal(object.of.rule->name, "ssh");
}

static void a_forged_entry_has_a_claim_that_does_not_hold(void **state)
{
    struct buffer bytes = {0};
    struct record_view view;
    uint8_t id[HASH_BYTES];
    (void)state;

    make_rule_entry(&bytes, id);
    assert_int_equal(
        record_open(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes), &view), LEDGER_OK);
    assert_true(is_verified(&view));
    bytes.at[bytes.len - 1] ^= 1; /* of the signature */
    assert_int_equal(
        record_open(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes), &view), LEDGER_OK);
    assert_false(is_verified(&view));
    buffer_fini(&bytes);
}

static void every_changed_byte_is_refused_or_breaks_the_claim(void **state)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    (void)state;

    make_rule_entry(&bytes, id);
    for (size_t i = 0; i < bytes.len; i++) {
        struct record_view view;

        bytes.at[i] ^= 1;
        if (record_open(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes), &view) == LEDGER_OK)
            assert_false(is_verified(&view));
        bytes.at[i] ^= 1;
    }
    buffer_fini(&bytes);
}

static void a_non_canonical_encoding_is_refused(void **state)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    static const uint8_t unknown_field[] = {0x78, 1};
    (void)state;

    make_rule_entry(&bytes, id);
    assert_int_equal(buffer_append(&bytes, unknown_field, sizeof(unknown_field)), 0);
    struct ledger_answer answer = fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes));
    assert_int_equal(answer.outcome, LEDGER_REFUSED);
    assert_int_equal(answer.reason, LEDGER_MALFORMED);
    buffer_fini(&bytes);
}

static void an_entry_of_another_fleet_is_refused(void **state)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    (void)state;

    fleet->at[0].fleet_id[0] ^= 1;
    make_rule_entry(&bytes, id);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes)).reason, LEDGER_FOREIGN_FLEET);
    buffer_fini(&bytes);
}

static void a_replayed_entry_is_known_and_changes_nothing(void **state)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES], before[HASH_BYTES], after[HASH_BYTES];
    (void)state;

    make_rule_entry(&bytes, id);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes)).outcome, LEDGER_ADDED);
    ledger_records_root(fleet->ledger, before);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes)).outcome, LEDGER_KNOWN);
    ledger_records_root(fleet->ledger, after);
    assert_memory_equal(before, after, HASH_BYTES);
    buffer_fini(&bytes);
}

static void a_key_nobody_granted_is_refused(void **state)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    (void)state;

    fleet_make(fleet, 3, NULL, NULL, 0, &bytes, id);
    struct ledger_answer answer = fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes));
    assert_int_equal(answer.outcome, LEDGER_REFUSED);
    assert_int_equal(answer.reason, LEDGER_UNKNOWN_AUTHOR);
    buffer_fini(&bytes);
}

static void a_missing_predecessor_waits(void **state)
{
    struct buffer first = {0}, second = {0};
    uint8_t id[HASH_BYTES];
    (void)state;

    fleet_make(fleet, 0, NULL, NULL, 0, &first, id);
    fleet_make(fleet, 0, NULL, NULL, 0, &second, id);
    struct ledger_answer answer = fleet_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&second));
    assert_int_equal(answer.outcome, LEDGER_WAITS);
    assert_int_equal(answer.reason, LEDGER_UNKNOWN_PREV);
    buffer_fini(&first);
    buffer_fini(&second);
}

static void a_void_entry_does_not_break_its_chain(void **state)
{
    Picket__V1__Rule rule;
    uint8_t ref[OP_REF_BYTES];
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    rule.priority = 70000; /* above what a priority can be */
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, ref), LEDGER_BAD_OPERATION);
    rule.priority = 7;
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, ref), LEDGER_OK);
}

static void too_many_operations_are_void(void **state)
{
    struct change changes[ENTRY_OPS_MAX + 1];
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Rule rule;
    uint8_t id[HASH_BYTES];
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    put.rule = &rule;
    for (int i = 0; i <= ENTRY_OPS_MAX; i++)
        changes[i] = (struct change){PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    assert_int_equal(fleet_write(fleet, 0, NULL, changes, ENTRY_OPS_MAX, id), LEDGER_OK);
    assert_int_equal(
        fleet_write(fleet, 0, NULL, changes, ENTRY_OPS_MAX + 1, id), LEDGER_OVER_LIMIT);
}

static void too_many_bytes_are_refused(void **state)
{
    uint8_t *bytes = calloc(1, ENTRY_BYTES_MAX + 1);
    (void)state;

    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_ENTRY, bytes_of(bytes, ENTRY_BYTES_MAX + 1)).reason,
        LEDGER_OVER_LIMIT);
    free(bytes);
}

static void reserved_kinds_are_void(void **state)
{
    Picket__V1__Label body = PICKET__V1__LABEL__INIT;
    struct change change = {PICKET__V1__OP_KIND__OP_APPROVE, &body.base};
    uint8_t id[HASH_BYTES];
    (void)state;

    body.key = (char *)"x";
    assert_int_equal(fleet_write(fleet, 0, NULL, &change, 1, id), LEDGER_UNKNOWN_KIND);
}

/* ---- grants */

static void grant_limits_are_each_a_reason(void **state)
{
    struct one_scope room, other;
    Picket__V1__Grant grant;
    Picket__V1__Rule rule;
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    uint8_t id[HASH_BYTES];
    (void)state;

    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    grant.scope = scope_one(&room, "site", "berlin");
    grant.actions = 1U << PICKET__V1__ACTION__ACTION_DROP;
    grant.priority_min = 50;
    grant.priority_max = 200;
    grant.validity_seconds = 3600;
    fleet_grant(fleet, &grant);
    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    put.rule = &rule;
    rule.valid_from = 1000;
    rule.valid_until = 2000;
    rule.scope = grant.scope;
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_OK);
    assert_int_equal(fleet_write(fleet, 1, NULL, &change, 1, id), LEDGER_OUT_OF_SCOPE);
    rule.scope = scope_one(&other, "site", "paris");
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_OUT_OF_SCOPE);
    rule.scope = grant.scope;
    rule.priority = 201;
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_OUT_OF_BAND);
    rule.priority = 200;
    rule.action = PICKET__V1__ACTION__ACTION_ALLOW;
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_ACTION_NOT_GRANTED);
    rule.action = PICKET__V1__ACTION__ACTION_DROP;
    rule.valid_until = 4601;
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_VALIDITY_TOO_LONG);
}

static void a_narrow_operator_cannot_replace_a_wider_rule(void **state)
{
    struct one_scope room;
    Picket__V1__Grant grant;
    Picket__V1__Rule rule;
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    uint8_t id[HASH_BYTES], wide[OP_REF_BYTES];
    ProtobufCBinaryData bases[1] = {{.data = wide, .len = OP_REF_BYTES}};
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, wide), LEDGER_OK);
    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    grant.scope = scope_one(&room, "site", "berlin");
    fleet_grant(fleet, &grant);
    rule.scope = grant.scope;
    put.rule = &rule;
    put.object = bases[0];
    put.bases = bases;
    put.n_bases = 1;
    assert_int_equal(fleet_write(fleet, 1, grant.scope, &change, 1, id), LEDGER_OUT_OF_SCOPE);
}

static void observers_write_nothing(void **state)
{
    Picket__V1__Grant grant;
    Picket__V1__Rule rule;
    uint8_t ref[OP_REF_BYTES];
    (void)state;

    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OBSERVER, &grant);
    fleet_grant(fleet, &grant);
    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_ROLE_NOT_GRANTED);
}

static void a_budget_counts_the_own_chain_and_gives_back_deleted_objects(void **state)
{
    Picket__V1__Grant grant;
    Picket__V1__Budget budget = PICKET__V1__BUDGET__INIT;
    Picket__V1__Rule rule;
    uint8_t first[1][OP_REF_BYTES], ref[OP_REF_BYTES];
    (void)state;

    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    budget.live_objects = 2;
    budget.lifetime_entries = 5;
    grant.budget = &budget;
    fleet_grant(fleet, &grant);
    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, first[0]), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    assert_int_equal(fleet_delete(fleet, 1, first[0], first, 1, ref), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OVER_BUDGET);
    assert_int_equal(fleet_rule(fleet, 1, &rule, ref, (void *)ref, 1, ref), LEDGER_OVER_BUDGET);
}

static void not_after_refuses_new_submissions_and_voids_nothing(void **state)
{
    Picket__V1__Grant grant;
    struct buffer bytes = {0};
    struct problem problem;
    uint8_t id[HASH_BYTES];
    (void)state;

    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    grant.not_after = 1000;
    fleet_grant(fleet, &grant);
    fleet_make(fleet, 1, NULL, NULL, 0, &bytes, id);
    assert_int_equal(
        ledger_judge_submission(fleet->ledger, buffer_bytes(&bytes), 1000, NULL), LEDGER_OK);
    assert_int_equal(
        ledger_judge_submission(fleet->ledger, buffer_bytes(&bytes), 1001, &problem), LEDGER_ENDED);
    fleet_keep(fleet, fleet->ledger, RECORD_ENTRY, &bytes, id);
    assert_int_equal(status_of(fleet, id), LEDGER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_is_an_object_of_its_operation, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_forged_entry_has_a_claim_that_does_not_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_changed_byte_is_refused_or_breaks_the_claim, setup, teardown),
        cmocka_unit_test_setup_teardown(a_non_canonical_encoding_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_of_another_fleet_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_replayed_entry_is_known_and_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_key_nobody_granted_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_predecessor_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(a_void_entry_does_not_break_its_chain, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_operations_are_void, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_bytes_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(reserved_kinds_are_void, setup, teardown),
        cmocka_unit_test_setup_teardown(grant_limits_are_each_a_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_narrow_operator_cannot_replace_a_wider_rule, setup, teardown),
        cmocka_unit_test_setup_teardown(observers_write_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_budget_counts_the_own_chain_and_gives_back_deleted_objects, setup, teardown),
        cmocka_unit_test_setup_teardown(
            not_after_refuses_new_submissions_and_voids_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
