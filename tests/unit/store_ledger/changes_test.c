/* SPDX-License-Identifier: Apache-2.0 */
/* changes_test.c - which objects changed since a revision. */
#include "fleet.h"
#include "store/ledger/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *fleet;
static Picket__V1__Rule rule;

static int setup(void **state)
{
    (void)state;
    fleet = fleet_new();
    fleet_operator(fleet, 0);
    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

static void a_new_and_a_deleted_object_are_changes_and_others_are_none(void **state)
{
    uint8_t changed[LEDGER_CHANGES_MAX][OP_REF_BYTES], refs[3][OP_REF_BYTES], gone[OP_REF_BYTES];
    uint32_t count = 0;
    uint64_t before;

    (void)state;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, refs[i]), LEDGER_OK);
    (void)ledger_objects_count(fleet->ledger);
    before = ledger_revision(fleet->ledger);
    assert_true(ledger_objects_changed(fleet->ledger, before, changed, &count));
    assert_int_equal(count, 0);
    assert_int_equal(fleet_delete(fleet, 0, refs[0], refs, 1, gone), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, refs[2]), LEDGER_OK);
    assert_true(ledger_objects_changed(fleet->ledger, before, changed, &count));
    assert_int_equal(count, 2);
    assert_true(memcmp(changed[0], refs[0], OP_REF_BYTES) == 0 ||
                memcmp(changed[1], refs[0], OP_REF_BYTES) == 0);
    assert_true(memcmp(changed[0], refs[2], OP_REF_BYTES) == 0 ||
                memcmp(changed[1], refs[2], OP_REF_BYTES) == 0);
}

static void more_changes_than_are_kept_are_not_known(void **state)
{
    uint8_t changed[LEDGER_CHANGES_MAX][OP_REF_BYTES], ref[OP_REF_BYTES];
    uint64_t start = ledger_revision(fleet->ledger), late = 0;
    uint32_t count = 0;

    (void)state;
    for (uint32_t i = 0; i < LEDGER_CHANGES_MAX + 1; i++) {
        assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, ref), LEDGER_OK);
        (void)ledger_objects_count(fleet->ledger);
        late = i == 9 ? ledger_revision(fleet->ledger) : late;
    }
    assert_false(ledger_objects_changed(fleet->ledger, start, changed, &count));
    assert_true(ledger_objects_changed(fleet->ledger, late, changed, &count));
    assert_int_equal(count, LEDGER_CHANGES_MAX - 9);
}

/* An ended key takes its objects with it: the whole state is made anew. */
static void what_is_folded_anew_is_not_known(void **state)
{
    uint8_t changed[LEDGER_CHANGES_MAX][OP_REF_BYTES], ref[OP_REF_BYTES];
    uint64_t before;
    uint32_t count;

    (void)state;
    fleet_operator(fleet, 1);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    (void)ledger_objects_count(fleet->ledger);
    before = ledger_revision(fleet->ledger);
    fleet_end(fleet, 1, 0, NULL);
    assert_false(ledger_objects_changed(fleet->ledger, before, changed, &count));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_new_and_a_deleted_object_are_changes_and_others_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(more_changes_than_are_kept_are_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_folded_anew_is_not_known, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
