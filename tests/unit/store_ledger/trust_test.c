/* SPDX-License-Identifier: Apache-2.0 */
/* trust_test.c - the trust log, cuts, forks. */
#include "fleet.h"

#include "proto/wire/wire.h"

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
    fleet_operator(fleet, 1);
    rule_init(&rule, PICKET__V1__ACTION__ACTION_DROP);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

static void entries_up_to_the_cut_stay_and_later_ones_are_void(void **state)
{
    uint8_t kept[OP_REF_BYTES], late[OP_REF_BYTES], later[OP_REF_BYTES];
    uint8_t old_head[HASH_BYTES];
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, kept), LEDGER_OK);
    memcpy(old_head, fleet->trust_head, HASH_BYTES);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, late), LEDGER_OK);
    fleet_end(fleet, 1, 1, kept);
    memcpy(fleet->at[1].trust_head, old_head, HASH_BYTES);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, later), LEDGER_ENDED);
    assert_int_equal(status_of(fleet, kept), LEDGER_OK);
    assert_int_equal(status_of(fleet, late), LEDGER_ENDED);
    assert_int_equal(ledger_objects_count(fleet->ledger), 1);
}

static void entries_beside_the_branch_of_a_cut_are_void(void **state)
{
    uint8_t kept[OP_REF_BYTES], other[HASH_BYTES] = {1};
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, kept), LEDGER_OK);
    fleet_end(fleet, 1, 1, other);
    assert_int_equal(status_of(fleet, kept), LEDGER_ENDED);
}

static void an_older_trust_head_than_before_is_void(void **state)
{
    uint8_t ref[OP_REF_BYTES], old_head[HASH_BYTES];
    (void)state;

    memcpy(old_head, fleet->trust_head, HASH_BYTES);
    fleet_operator(fleet, 2);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    memcpy(fleet->at[1].trust_head, old_head, HASH_BYTES);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_TRUST_WENT_BACK);
    memcpy(fleet->at[1].trust_head, fleet->trust_head, HASH_BYTES);
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
}

static void an_unknown_trust_head_waits_for_its_record(void **state)
{
    struct ledger *whole = fleet->ledger, *part = fleet_empty(fleet);
    uint8_t ref[OP_REF_BYTES];
    struct fleet_record *newest;
    uint32_t op;
    (void)state;

    for (uint32_t i = 0; i < fleet->records_count; i++)
        (void)fleet_add(
            part, fleet->records[i].kind, bytes_of(fleet->records[i].at, fleet->records[i].len));
    fleet_operator(fleet, 2);
    newest = &fleet->records[fleet->records_count - 1];
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    assert_int_equal(
        fleet_add(part, RECORD_ENTRY, ledger_entry_find(whole, ref)).outcome, LEDGER_ADDED);
    assert_int_equal(ledger_entry_status(part, ref, &op), LEDGER_UNKNOWN_TRUST);
    assert_int_equal(
        fleet_add(part, RECORD_TRUST, bytes_of(newest->at, newest->len)).outcome, LEDGER_ADDED);
    assert_int_equal(ledger_entry_status(part, ref, &op), LEDGER_OK);
    ledger_free(part);
}

static void a_trust_record_waits_for_its_parent(void **state)
{
    struct ledger *part = fleet_empty(fleet);
    struct ledger_answer answer;
    (void)state;

    answer = fleet_add(part, RECORD_TRUST, bytes_of(fleet->records[1].at, fleet->records[1].len));
    assert_int_equal(answer.outcome, LEDGER_WAITS);
    assert_int_equal(answer.reason, LEDGER_UNKNOWN_PREV);
    ledger_free(part);
}

static void of_two_successors_the_end_wins_over_the_grant(void **state)
{
    uint8_t head[HASH_BYTES], nothing[HASH_BYTES] = {0};
    bool ended;
    (void)state;

    memcpy(head, fleet->trust_head, HASH_BYTES);
    fleet_operator(fleet, 2);
    assert_non_null(ledger_grant_find(fleet->ledger, fleet->keys[2].public, NULL));
    fleet->trust_position--;
    memcpy(fleet->trust_head, head, HASH_BYTES);
    fleet_end(fleet, 1, 0, nothing);
    assert_null(ledger_grant_find(fleet->ledger, fleet->keys[2].public, NULL));
    assert_null(ledger_grant_find(fleet->ledger, fleet->keys[1].public, &ended));
    assert_true(ended);
    assert_int_equal(ledger_trust_count(fleet->ledger), 4);
}

static void a_second_grant_of_a_key_is_a_link_without_effect(void **state)
{
    uint64_t position;
    (void)state;

    fleet_operator(fleet, 1);
    assert_int_equal(ledger_grants_count(fleet->ledger), 2);
    assert_int_equal(ledger_trust_head(fleet->ledger, &position).len, HASH_BYTES);
    assert_int_equal(position, 3);
}

static void a_level_above_ours_has_no_state_root(void **state)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Level level = PICKET__V1__LEVEL__INIT;
    uint8_t root[HASH_BYTES];
    (void)state;

    level.level = FLEET_LEVEL + 1;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_LEVEL;
    body.level = &level;
    assert_true(ledger_state_root(fleet->ledger, root));
    fleet_trust(fleet, &body);
    assert_false(ledger_state_root(fleet->ledger, root));
}

/* Whatever is written at the new level is kept and folded by nobody who does not know it; the state
 * stays as the old level left it. */
static void a_level_above_ours_stops_the_fold_and_keeps_the_state(void **state)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Level level = PICKET__V1__LEVEL__INIT;
    struct ledger *other = fleet_empty(fleet);
    uint8_t before[OP_REF_BYTES], after[OP_REF_BYTES], base[1][OP_REF_BYTES];
    struct change unknown = {(Picket__V1__OpKind)77, &level.base};
    uint8_t id[HASH_BYTES];
    uint32_t op;
    (void)state;

    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, before), LEDGER_OK);
    level.level = 2;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_LEVEL;
    body.level = &level;
    fleet_trust(fleet, &body);
    memcpy(base[0], before, OP_REF_BYTES);
    assert_int_equal(fleet_delete(fleet, 1, before, (const uint8_t(*)[OP_REF_BYTES])base, 1, after),
        LEDGER_SOFTWARE_TOO_OLD);
    assert_int_equal(fleet_write(fleet, 1, NULL, &unknown, 1, id), LEDGER_SOFTWARE_TOO_OLD);
    assert_int_equal(ledger_objects_count(fleet->ledger), 1);
    for (uint32_t i = 0; i < fleet->records_count; i++) /* as after a restart */
        (void)fleet_add(
            other, fleet->records[i].kind, bytes_of(fleet->records[i].at, fleet->records[i].len));
    assert_int_equal(ledger_objects_count(other), 1);
    assert_int_equal(ledger_entry_status(other, after, &op), LEDGER_SOFTWARE_TOO_OLD);
    ledger_free(other);
}

static void too_few_signers_are_refused(void **state)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Level level = PICKET__V1__LEVEL__INIT;
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    (void)state;

    level.level = 2;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_LEVEL;
    body.level = &level;
    assert_int_equal(author_trust(fleet->at[0].fleet_id, 3, fleet->trust_head, &body, &fleet->root,
                         1, &bytes, id),
        0);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_TRUST, buffer_bytes(&bytes)).reason, LEDGER_BAD_SIGNATURE);
    buffer_fini(&bytes);
}

/* ---- forks */

/* Two different entries of key 1 with the same number; the first is added. */
static void two_branches(struct buffer *ret_proof, uint8_t first[HASH_BYTES])
{
    struct author_position before;
    struct buffer bytes = {0};
    struct ledger_answer answer;
    uint8_t ref[OP_REF_BYTES], other[HASH_BYTES];

    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    before = fleet->at[1];
    assert_int_equal(fleet_rule(fleet, 1, &rule, NULL, NULL, 0, ref), LEDGER_OK);
    memcpy(first, ref, HASH_BYTES);
    fleet->at[1] = before;
    fleet_make(fleet, 1, NULL, NULL, 0, &bytes, other);
    assert_int_equal(
        ledger_add(fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes), &answer, ret_proof), 0);
    assert_int_equal(answer.outcome, LEDGER_ADDED);
    buffer_fini(&bytes);
}

static void a_fork_gives_a_proof_that_freezes_the_key(void **state)
{
    struct buffer proof = {0};
    struct record_view view;
    struct ledger_head head;
    uint8_t first[HASH_BYTES];
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_ALLOW);
    two_branches(&proof, first);
    assert_int_equal(
        record_open(fleet->ledger, RECORD_FORK, buffer_bytes(&proof), &view), LEDGER_OK);
    assert_int_equal(view.claims_count, 2);
    for (int i = 0; i < 2; i++)
        assert_true(keys_verify(view.claims[i].key, view.claims[i].hash, view.claims[i].signature));
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_FORK, buffer_bytes(&proof)).outcome, LEDGER_ADDED);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_FORK, buffer_bytes(&proof)).outcome, LEDGER_KNOWN);
    assert_int_equal(status_of(fleet, first), LEDGER_FROZEN);
    assert_int_equal(ledger_objects_count(fleet->ledger), 1);
    assert_true(ledger_head_find(fleet->ledger, fleet->keys[1].public, &head));
    assert_int_equal(head.seq, 1);
    buffer_fini(&proof);
}

static void a_cut_keeps_what_it_names_from_a_later_proof(void **state)
{
    struct buffer proof = {0};
    uint8_t first[HASH_BYTES];
    (void)state;

    rule_init(&rule, PICKET__V1__ACTION__ACTION_ALLOW);
    two_branches(&proof, first);
    fleet_end(fleet, 1, 2, first);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_FORK, buffer_bytes(&proof)).outcome, LEDGER_ADDED);
    assert_int_equal(status_of(fleet, first), LEDGER_OK);
    buffer_fini(&proof);
}

static void a_proof_in_the_other_order_is_refused(void **state)
{
    struct buffer proof = {0}, swapped = {0};
    ProtobufCMessage *message = NULL;
    Picket__V1__ForkProof other = PICKET__V1__FORK_PROOF__INIT;
    const Picket__V1__ForkProof *from;
    uint8_t first[HASH_BYTES];
    (void)state;

    two_branches(&proof, first);
    assert_int_equal(
        wire_unpack(&picket__v1__fork_proof__descriptor, buffer_bytes(&proof), 65536, &message), 0);
    from = (const void *)message;
    other.header_a = from->header_b;
    other.signature_a = from->signature_b;
    other.header_b = from->header_a;
    other.signature_b = from->signature_a;
    assert_int_equal(wire_pack(&other.base, &swapped), 0);
    assert_int_equal(
        fleet_add(fleet->ledger, RECORD_FORK, buffer_bytes(&swapped)).reason, LEDGER_MALFORMED);
    wire_free(message);
    buffer_fini(&proof);
    buffer_fini(&swapped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            entries_up_to_the_cut_stay_and_later_ones_are_void, setup, teardown),
        cmocka_unit_test_setup_teardown(
            entries_beside_the_branch_of_a_cut_are_void, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_trust_head_than_before_is_void, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_unknown_trust_head_waits_for_its_record, setup, teardown),
        cmocka_unit_test_setup_teardown(a_trust_record_waits_for_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(
            of_two_successors_the_end_wins_over_the_grant, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_second_grant_of_a_key_is_a_link_without_effect, setup, teardown),
        cmocka_unit_test_setup_teardown(a_level_above_ours_has_no_state_root, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_level_above_ours_stops_the_fold_and_keeps_the_state, setup, teardown),
        cmocka_unit_test_setup_teardown(too_few_signers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fork_gives_a_proof_that_freezes_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_cut_keeps_what_it_names_from_a_later_proof, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proof_in_the_other_order_is_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
