/* SPDX-License-Identifier: Apache-2.0 */
/* fork_test.c - a key that signed two entries with one number (ledger.md L19, amendment 2). Key 1
 * has a first entry, then a branch A and a branch B of number 2 and on. */
#include "fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *fleet;
static struct ledger *other; /* meets branch B first */
static struct author_position fork_point;
static Picket__V1__Rule allow, drop;

static int setup(void **state)
{
    uint8_t ref[OP_REF_BYTES];
    (void)state;

    fleet = fleet_new();
    fleet_operator(fleet, 0);
    fleet_operator(fleet, 1);
    rule_init(&allow, PICKET__V1__ACTION__ACTION_ALLOW);
    rule_init(&drop, PICKET__V1__ACTION__ACTION_DROP);
    assert_int_equal(fleet_rule(fleet, 1, &allow, NULL, NULL, 0, ref), LEDGER_OK);
    fork_point = fleet->at[1];
    other = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ledger_free(other);
    fleet_free(fleet);
    return 0;
}

/* The next entry of key 1, added nowhere yet. */
static void write_rule(const Picket__V1__Rule *rule, uint8_t id[HASH_BYTES])
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    struct buffer bytes = {0};
    Picket__V1__Rule unlike = *rule; /* any other: two equal entries would be one */

    unlike.priority = fleet->records_count;
    put.rule = &unlike;
    fleet_make(fleet, 1, NULL, &change, 1, &bytes, id);
    fleet_keep(fleet, NULL, RECORD_ENTRY, &bytes, id);
}

static void branch_again(void)
{
    uint8_t newest[HASH_BYTES];

    memcpy(newest, fleet->at[1].trust_head, HASH_BYTES);
    fleet->at[1] = fork_point;
    memcpy(fleet->at[1].trust_head, newest, HASH_BYTES);
}

/* Everything made so far, forwards or backwards, until nothing moves; proofs found are added. */
static void add_all(struct ledger *ledger, bool is_backwards)
{
    for (uint32_t round = 0; round < fleet->records_count; round++)
        for (uint32_t i = 0; i < fleet->records_count; i++) {
            const struct fleet_record *record =
                &fleet->records[is_backwards ? fleet->records_count - 1 - i : i];
            struct buffer proof = {0};
            struct ledger_answer answer;

            assert_int_equal(ledger_add(ledger, record->kind, bytes_of(record->at, record->len),
                                 &answer, &proof),
                0);
            if (proof.len)
                (void)fleet_add(ledger, RECORD_FORK, buffer_bytes(&proof));
            buffer_fini(&proof);
        }
}

static void bring_both_together(void)
{
    uint8_t a[HASH_BYTES], b[HASH_BYTES];

    ledger_free(other);
    other = fleet_empty(fleet);
    add_all(fleet->ledger, false);
    add_all(other, true);
    ledger_records_root(fleet->ledger, a);
    ledger_records_root(other, b);
    assert_memory_equal(a, b, HASH_BYTES);
    assert_true(ledger_state_root(fleet->ledger, a));
    assert_true(ledger_state_root(other, b));
    assert_memory_equal(a, b, HASH_BYTES);
}

static enum ledger_reason status_on_both(const uint8_t id[HASH_BYTES])
{
    uint32_t op;
    enum ledger_reason reason = ledger_entry_status(other, id, &op);

    assert_int_equal(status_of(fleet, id), reason);
    return reason;
}

static void drops_of_every_branch_stay_and_allows_of_none(void **state)
{
    uint8_t a2[HASH_BYTES], a3[HASH_BYTES], b2[HASH_BYTES], b3[HASH_BYTES];
    (void)state;

    write_rule(&allow, a2);
    write_rule(&drop, a3);
    branch_again();
    write_rule(&drop, b2);
    write_rule(&allow, b3);
    bring_both_together();
    assert_int_equal(status_on_both(a2), LEDGER_FROZEN);
    assert_int_equal(status_on_both(a3), LEDGER_OK);
    assert_int_equal(status_on_both(b2), LEDGER_OK);
    assert_int_equal(status_on_both(b3), LEDGER_FROZEN);
    assert_int_equal(ledger_objects_count(fleet->ledger), 3);
    assert_int_equal(ledger_forks_count(fleet->ledger), 1);
}

static void the_branch_a_cut_names_stands_wherever_the_other_came_first(void **state)
{
    uint8_t a2[HASH_BYTES], a3[HASH_BYTES], b2[HASH_BYTES], b3[HASH_BYTES];
    (void)state;

    write_rule(&allow, a2);
    write_rule(&drop, a3);
    branch_again();
    write_rule(&allow, b2);
    write_rule(&drop, b3);
    fleet_end(fleet, 1, 3, b3);
    bring_both_together();
    assert_int_equal(status_on_both(a2), LEDGER_ENDED);
    assert_int_equal(status_on_both(a3), LEDGER_ENDED);
    assert_int_equal(status_on_both(b2), LEDGER_OK);
    assert_int_equal(status_on_both(b3), LEDGER_OK);
}

static void a_cut_whose_entry_is_not_here_leaves_the_freeze_where_it_was(void **state)
{
    uint8_t a2[HASH_BYTES], b2[HASH_BYTES], b3[HASH_BYTES];
    struct fleet_record hidden;
    (void)state;

    write_rule(&allow, a2);
    branch_again();
    write_rule(&allow, b2);
    write_rule(&allow, b3);
    hidden = fleet->records[--fleet->records_count]; /* b3 */
    fleet_end(fleet, 1, 3, b3);
    bring_both_together();
    assert_int_equal(status_on_both(a2), LEDGER_FROZEN);
    assert_int_equal(status_on_both(b2), LEDGER_FROZEN);
    fleet->records[fleet->records_count++] = hidden;
    bring_both_together();
    assert_int_equal(status_on_both(a2), LEDGER_ENDED);
    assert_int_equal(status_on_both(b2), LEDGER_OK);
    assert_int_equal(status_on_both(b3), LEDGER_OK);
}

static void above_a_cut_a_forked_key_stays_frozen(void **state)
{
    uint8_t a2[HASH_BYTES], b2[HASH_BYTES], a3[HASH_BYTES], a4[HASH_BYTES];
    struct author_position end;
    (void)state;

    write_rule(&allow, a2);
    end = fleet->at[1];
    branch_again();
    write_rule(&allow, b2);
    fleet_end(fleet, 1, 2, a2);
    fleet_operator(fleet, 1);
    memcpy(end.trust_head, fleet->trust_head, HASH_BYTES);
    fleet->at[1] = end;
    write_rule(&allow, a3);
    write_rule(&drop, a4);
    bring_both_together();
    assert_int_equal(status_on_both(b2), LEDGER_ENDED);
    assert_int_equal(status_on_both(a3), LEDGER_FROZEN);
    assert_int_equal(status_on_both(a4), LEDGER_OK);
}

static void each_branch_has_the_budget_for_itself(void **state)
{
    Picket__V1__Grant grant;
    Picket__V1__Budget budget = PICKET__V1__BUDGET__INIT;
    uint8_t ids[2][3][HASH_BYTES];
    (void)state;

    fleet_end(fleet, 1, 0, NULL);
    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    budget.live_objects = 3;
    grant.budget = &budget;
    fleet_grant(fleet, &grant);
    for (int i = 0; i < 2; i++) {
        branch_again();
        for (int j = 0; j < 3; j++)
            write_rule(&drop, ids[i][j]);
    }
    bring_both_together();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(status_on_both(ids[i][0]), LEDGER_OK);
        assert_int_equal(status_on_both(ids[i][1]), LEDGER_OK);
        assert_int_equal(status_on_both(ids[i][2]), LEDGER_OVER_BUDGET);
    }
}

static void two_entries_with_one_number_freeze_without_their_proof(void **state)
{
    uint8_t a2[HASH_BYTES], b2[HASH_BYTES];
    (void)state;

    write_rule(&allow, a2);
    branch_again();
    write_rule(&allow, b2);
    for (uint32_t i = fleet->records_count - 2; i < fleet->records_count; i++)
        (void)fleet_add(
            fleet->ledger, RECORD_ENTRY, bytes_of(fleet->records[i].at, fleet->records[i].len));
    assert_int_equal(ledger_forks_count(fleet->ledger), 0);
    assert_int_equal(status_of(fleet, a2), LEDGER_FROZEN);
    assert_int_equal(status_of(fleet, b2), LEDGER_FROZEN);
}

static void of_three_entries_with_one_number_one_proof_remains(void **state)
{
    uint8_t id[HASH_BYTES];
    (void)state;

    write_rule(&allow, id);
    branch_again();
    write_rule(&drop, id);
    branch_again();
    write_rule(&drop, id);
    bring_both_together();
    assert_int_equal(ledger_forks_count(fleet->ledger), 1);
    assert_int_equal(ledger_forks_count(other), 1);
    assert_int_equal(ledger_branches_count(other, fleet->keys[1].public, 2), 3);
    assert_int_equal(ledger_tips_count(other), 3);
}

static void a_submission_that_would_fork_is_refused(void **state)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES], ref[OP_REF_BYTES];
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &allow, NULL, NULL, 0, ref), LEDGER_OK);
    branch_again();
    put.rule = &drop;
    fleet_make(fleet, 1, NULL, &change, 1, &bytes, id);
    assert_int_equal(
        ledger_judge_submission(fleet->ledger, buffer_bytes(&bytes), 0, NULL), LEDGER_FORK);
    buffer_fini(&bytes);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(drops_of_every_branch_stay_and_allows_of_none),
        CASE(the_branch_a_cut_names_stands_wherever_the_other_came_first),
        CASE(a_cut_whose_entry_is_not_here_leaves_the_freeze_where_it_was),
        CASE(above_a_cut_a_forked_key_stays_frozen),
        CASE(each_branch_has_the_budget_for_itself),
        CASE(two_entries_with_one_number_freeze_without_their_proof),
        CASE(of_three_entries_with_one_number_one_proof_remains),
        CASE(a_submission_that_would_fork_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
