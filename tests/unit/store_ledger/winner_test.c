/* SPDX-License-Identifier: Apache-2.0 */
/* winner_test.c - versions, conflicts, and who wins them (ledger.md L11, amendments 11 and 12). */
#include "fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define OPERATOR PICKET__V1__ROLE__ROLE_OPERATOR
#define ENROLLER PICKET__V1__ROLE__ROLE_ENROLLER
#define GATEWAY PICKET__V1__ROLE__ROLE_GATEWAY
#define BANNER PICKET__V1__ROLE__ROLE_BANNER
#define ALLOW PICKET__V1__ACTION__ACTION_ALLOW
#define DROP PICKET__V1__ACTION__ACTION_DROP
#define REJECT PICKET__V1__ACTION__ACTION_REJECT
#define LIMIT PICKET__V1__ACTION__ACTION_LIMIT
#define LOG PICKET__V1__ACTION__ACTION_LOG
#define DELETE 100
#define SHADOW 200 /* added to an action */

/* Key 0 made the object with the first action; 1 and 2 wrote a sibling each. */
static const struct row {
    const char *name;
    Picket__V1__Action before;
    Picket__V1__Role left_role;
    int left;
    Picket__V1__Role right_role;
    int right;
    bool left_wins;
} rows[] = {
    {"operator over enroller", ALLOW, OPERATOR, ALLOW, ENROLLER, DROP, true},
    {"enroller over gateway", ALLOW, GATEWAY, DROP, ENROLLER, ALLOW, false},
    {"gateway over banner", ALLOW, GATEWAY, ALLOW, BANNER, DROP, true},
    {"drop over reject", ALLOW, OPERATOR, REJECT, OPERATOR, DROP, false},
    {"reject over limit", ALLOW, OPERATOR, LIMIT, OPERATOR, REJECT, false},
    {"limit over allow", ALLOW, OPERATOR, ALLOW, OPERATOR, LIMIT, false},
    {"limit over delete of an allow", ALLOW, OPERATOR, DELETE, OPERATOR, LIMIT, false},
    {"delete of an allow over allow", ALLOW, OPERATOR, ALLOW, OPERATOR, DELETE, false},
    {"delete of a limit over allow", LIMIT, OPERATOR, ALLOW, OPERATOR, DELETE, false},
    {"allow over log", ALLOW, OPERATOR, LOG, OPERATOR, ALLOW, false},
    {"allow over shadow drop", ALLOW, OPERATOR, DROP + SHADOW, OPERATOR, ALLOW, false},
    {"log over delete of a drop", DROP, OPERATOR, DELETE, OPERATOR, LOG, false},
    {"allow over delete of a drop", DROP, OPERATOR, DELETE, OPERATOR, ALLOW, false},
    {"log beside delete of a log: the earlier grant", LOG, OPERATOR, DELETE, OPERATOR, LOG, true},
    {"drop beside drop: the earlier grant", ALLOW, OPERATOR, DROP, OPERATOR, DROP, true},
};

static enum ledger_reason write_side(struct fleet *fleet, int key, int what, const uint8_t *object,
    const uint8_t (*bases)[OP_REF_BYTES], uint8_t ref[OP_REF_BYTES])
{
    Picket__V1__Rule rule;

    if (what == DELETE)
        return fleet_delete(fleet, key, object, bases, 1, ref);
    rule_init(&rule, (Picket__V1__Action)(what % SHADOW));
    rule.mode = what >= SHADOW ? PICKET__V1__MODE__MODE_SHADOW : PICKET__V1__MODE__MODE_ENFORCE;
    return fleet_rule(fleet, key, &rule, object, bases, 1, ref);
}

static void try_row(const struct row *row)
{
    struct fleet *fleet = fleet_new();
    Picket__V1__Grant grant;
    Picket__V1__Rule rule;
    uint8_t first[1][OP_REF_BYTES], left[OP_REF_BYTES], right[OP_REF_BYTES];
    struct ledger_object object;

    fleet_operator(fleet, 0);
    grant_init(fleet, 1, row->left_role, &grant);
    fleet_grant(fleet, &grant);
    grant_init(fleet, 2, row->right_role, &grant);
    fleet_grant(fleet, &grant);
    rule_init(&rule, row->before);
    assert_int_equal(fleet_rule(fleet, 0, &rule, NULL, NULL, 0, first[0]), LEDGER_OK);
    assert_int_equal(write_side(fleet, 1, row->left, first[0], first, left), LEDGER_OK);
    assert_int_equal(write_side(fleet, 2, row->right, first[0], first, right), LEDGER_OK);
    assert_true(ledger_object_find(fleet->ledger, first[0], &object));
    assert_int_equal(object.heads_count, 2);
    if (memcmp(object.winner, row->left_wins ? left : right, OP_REF_BYTES) != 0)
        fail_msg("%s", row->name);
    assert_int_equal(object.winner_is_delete, (row->left_wins ? row->left : row->right) == DELETE);
    fleet_free(fleet);
}

static void the_winner_is_by_role_effect_grant_and_id(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        try_row(&rows[i]);
}

/* ---- one object through its life */

static struct fleet *fleet;
static Picket__V1__Rule rule;
static uint8_t first[1][OP_REF_BYTES];

static int setup(void **state)
{
    (void)state;
    fleet = fleet_new();
    fleet_operator(fleet, 0);
    fleet_operator(fleet, 1);
    fleet_operator(fleet, 2);
    rule_init(&rule, DROP);
    return fleet_rule(fleet, 0, &rule, NULL, NULL, 0, first[0]) == LEDGER_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

static void naming_all_heads_merges(void **state)
{
    uint8_t heads[2][OP_REF_BYTES], ref[OP_REF_BYTES];
    struct ledger_object object;
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, first[0], first, 1, ref), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 2, &rule, first[0], first, 1, ref), LEDGER_OK);
    assert_int_equal(ledger_object_heads(fleet->ledger, first[0], heads, 2), 2);
    assert_int_equal(fleet_rule(fleet, 0, &rule, first[0], heads, 2, ref), LEDGER_OK);
    assert_true(ledger_object_find(fleet->ledger, first[0], &object));
    assert_int_equal(object.heads_count, 1);
    assert_memory_equal(object.winner, ref, OP_REF_BYTES);
}

static void a_deleted_object_is_gone_and_can_be_made_again(void **state)
{
    uint8_t deleted[1][OP_REF_BYTES], ref[OP_REF_BYTES];
    struct ledger_object object;
    (void)state;

    assert_int_equal(fleet_delete(fleet, 1, first[0], first, 1, deleted[0]), LEDGER_OK);
    assert_false(ledger_object_find(fleet->ledger, first[0], &object));
    assert_int_equal(ledger_objects_count(fleet->ledger), 0);
    assert_int_equal(fleet_rule(fleet, 2, &rule, first[0], deleted, 1, ref), LEDGER_OK);
    assert_true(ledger_object_find(fleet->ledger, first[0], &object));
}

static void a_void_base_is_replaced_by_its_own(void **state)
{
    uint8_t middle[1][OP_REF_BYTES], ref[OP_REF_BYTES];
    struct ledger_object object;
    (void)state;

    rule.priority = 70000;
    assert_int_equal(
        fleet_rule(fleet, 1, &rule, first[0], first, 1, middle[0]), LEDGER_BAD_OPERATION);
    rule.priority = 100;
    assert_int_equal(fleet_rule(fleet, 2, &rule, first[0], middle, 1, ref), LEDGER_OK);
    assert_true(ledger_object_find(fleet->ledger, first[0], &object));
    assert_int_equal(object.heads_count, 1);
    assert_memory_equal(object.winner, ref, OP_REF_BYTES);
}

static void a_base_of_another_object_is_void(void **state)
{
    uint8_t other[1][OP_REF_BYTES], ref[OP_REF_BYTES];
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, other[0]), LEDGER_OK);
    assert_int_equal(fleet_rule(fleet, 1, &rule, first[0], other, 1, ref), LEDGER_BAD_BASE);
}

static void an_object_of_others_cannot_be_written_without_a_base(void **state)
{
    uint8_t ref[OP_REF_BYTES];
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, first[0], NULL, 0, ref), LEDGER_BAD_OPERATION);
}

static void an_unknown_base_waits_and_only_there(void **state)
{
    uint8_t unknown[1][OP_REF_BYTES] = {{1, 2, 3}}, ref[OP_REF_BYTES];
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, first[0], unknown, 1, ref), LEDGER_UNKNOWN_BASE);
    assert_int_equal(fleet_rule(fleet, 1, &rule, first[0], first, 1, ref), LEDGER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_winner_is_by_role_effect_grant_and_id),
        cmocka_unit_test_setup_teardown(naming_all_heads_merges, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_deleted_object_is_gone_and_can_be_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_void_base_is_replaced_by_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(a_base_of_another_object_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_object_of_others_cannot_be_written_without_a_base, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unknown_base_waits_and_only_there, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
