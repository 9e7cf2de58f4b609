/* SPDX-License-Identifier: Apache-2.0 */
/* directory_test.c - invites, join records, nodes (ledger.md L26, amendment 1). */
#include "fleet.h"

#include "proto/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct fleet *fleet;
static enum ledger_reason foreseen; /* of the last invite */

static int setup(void **state)
{
    Picket__V1__Grant grant;
    (void)state;

    fleet = fleet_new();
    grant_init(fleet, 0, PICKET__V1__ROLE__ROLE_ENROLLER, &grant);
    fleet_grant(fleet, &grant);
    grant_init(fleet, 1, PICKET__V1__ROLE__ROLE_ENROLLER, &grant);
    fleet_grant(fleet, &grant);
    fleet_operator(fleet, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fleet_free(fleet);
    return 0;
}

/* Adds it, whatever a node would say to it. */
static enum ledger_reason invite(
    int key, uint8_t number, const char *name, uint8_t ret_invite[HASH_BYTES])
{
    Picket__V1__Invite invite = PICKET__V1__INVITE__INIT;
    uint8_t point[65] = {4, number}, id[HASH_BYTES];
    struct change change = {PICKET__V1__OP_KIND__OP_INVITE, &invite.base};
    struct buffer bytes = {0};

    memset(ret_invite, number, HASH_BYTES);
    invite.certificate_hash = (ProtobufCBinaryData){.data = ret_invite, .len = HASH_BYTES};
    invite.public_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    invite.name = (char *)(uintptr_t)name;
    invite.join_by = 1000;
    fleet_make(fleet, key, NULL, &change, 1, &bytes, id);
    foreseen = ledger_judge_submission(fleet->ledger, buffer_bytes(&bytes), 0, NULL);
    fleet_keep(fleet, fleet->ledger, RECORD_ENTRY, &bytes, id);
    return status_of(fleet, id);
}

static void node_statement(
    const uint8_t leaf_key[65], const uint8_t *node_key, const char *name, uint8_t hash[HASH_BYTES])
{
    struct buffer bytes = {0};
    uint8_t len = (uint8_t)strlen(name);

    assert_int_equal(buffer_append(&bytes, fleet->at[0].fleet_id, HASH_BYTES), 0);
    assert_int_equal(buffer_append(&bytes, leaf_key, 65), 0);
    assert_int_equal(buffer_append(&bytes, node_key, KEY_BYTES), 0);
    assert_int_equal(buffer_append(&bytes, &len, 1), 0);
    assert_int_equal(buffer_append(&bytes, name, len), 0);
    keys_hash(HASH_NODE, buffer_bytes(&bytes), hash);
    buffer_fini(&bytes);
}

static uint8_t leaf_serial;   /* makes records of the same keys differ */
static const char *leaf_name; /* what the leaf bears; NULL: nothing */

static size_t make_leaf(uint8_t leaf[128])
{
    leaf[0] = 4;
    leaf[1] = leaf_serial;
    if (!leaf_name)
        return 2;
    leaf[2] = 0x82;
    leaf[3] = (uint8_t)snprintf((char *)leaf + 4, 124, "%s.node.picket.internal", leaf_name);
    return 4U + leaf[3];
}

/* A join record of key 7 with leaf key LEAF. */
static struct ledger_answer join(
    uint8_t leaf, uint8_t *invite_id, const char *name, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__JoinRecord record = PICKET__V1__JOIN_RECORD__INIT;
    uint8_t point[65] = {4, leaf}, hash[HASH_BYTES], signature[SIGNATURE_BYTES];
    struct record_view view;
    uint8_t certificate[128];
    struct buffer bytes = {0};
    struct ledger_answer answer;

    node_statement(point, fleet->keys[7].public, name, hash);
    keys_sign(&fleet->keys[7], hash, signature);
    record.fleet_id = (ProtobufCBinaryData){.data = fleet->at[0].fleet_id, .len = HASH_BYTES};
    record.invite = (ProtobufCBinaryData){.data = invite_id, .len = HASH_BYTES};
    record.leaf = (ProtobufCBinaryData){.data = certificate, .len = make_leaf(certificate)};
    record.leaf_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    record.node_key = (ProtobufCBinaryData){.data = fleet->keys[7].public, .len = KEY_BYTES};
    record.key_signature = (ProtobufCBinaryData){.data = signature, .len = sizeof(signature)};
    assert_int_equal(wire_pack(&record.base, &bytes), 0);
    if (record_open(fleet->ledger, RECORD_JOIN, buffer_bytes(&bytes), &view) == LEDGER_OK) {
        assert_int_equal(view.claims_count, 1);
        assert_true(keys_verify(view.claims[0].key, view.claims[0].hash, view.claims[0].signature));
    }
    answer = fleet_add(fleet->ledger, RECORD_JOIN, buffer_bytes(&bytes));
    memcpy(ret_id, answer.id, HASH_BYTES);
    buffer_fini(&bytes);
    return answer;
}

static enum node_status status_of_node(const uint8_t *invite_id)
{
    struct ledger_node node;

    assert_true(ledger_node_find(fleet->ledger, invite_id, &node));
    return node.status;
}

static void a_join_record_makes_an_invited_node_a_joined_one(void **state)
{
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES];
    struct ledger_node node;
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    assert_int_equal(status_of_node(invite_id), NODE_INVITED);
    assert_int_equal(join(1, invite_id, "box1", id).outcome, LEDGER_ADDED);
    assert_true(ledger_node_find(fleet->ledger, invite_id, &node));
    assert_int_equal(node.status, NODE_JOINED);
    assert_string_equal(node.name, "box1");
    assert_memory_equal(node.node_key, fleet->keys[7].public, KEY_BYTES);
}

static void a_join_record_waits_for_its_invite(void **state)
{
    uint8_t invite_id[HASH_BYTES] = {1}, id[HASH_BYTES];
    struct ledger_answer answer;
    (void)state;

    answer = join(1, invite_id, "box1", id);
    assert_int_equal(answer.outcome, LEDGER_WAITS);
    assert_int_equal(answer.reason, LEDGER_UNKNOWN_INVITE);
}

static void two_keys_for_one_invite_suspend_both(void **state)
{
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES];
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    assert_int_equal(join(1, invite_id, "box1", id).outcome, LEDGER_ADDED);
    assert_int_equal(join(2, invite_id, "box1", id).outcome, LEDGER_ADDED);
    assert_int_equal(status_of_node(invite_id), NODE_SUSPENDED);
}

static enum ledger_reason change_node(int key, Picket__V1__NodeChange *change)
{
    struct change operation = {PICKET__V1__OP_KIND__OP_NODE, &change->base};
    uint8_t id[HASH_BYTES];

    return fleet_write(fleet, key, NULL, &operation, 1, id);
}

static void naming_one_join_record_ends_the_conflict(void **state)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES], other[HASH_BYTES];
    struct ledger_node node;
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    assert_int_equal(join(1, invite_id, "box1", id).outcome, LEDGER_ADDED);
    assert_int_equal(join(2, invite_id, "box1", other).outcome, LEDGER_ADDED);
    change.invite = (ProtobufCBinaryData){.data = invite_id, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_JOIN_RECORD;
    change.join_record = (ProtobufCBinaryData){.data = id, .len = HASH_BYTES};
    assert_int_equal(change_node(0, &change), LEDGER_OK);
    assert_true(ledger_node_find(fleet->ledger, invite_id, &node));
    assert_int_equal(node.status, NODE_JOINED);
    assert_int_equal(node.leaf_key[1], 1);
}

static void only_its_enroller_changes_a_node(void **state)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    uint8_t invite_id[HASH_BYTES];
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    change.invite = (ProtobufCBinaryData){.data = invite_id, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_RETIRED;
    change.retired = true;
    assert_int_equal(change_node(1, &change), LEDGER_BAD_OPERATION);
    assert_int_equal(change_node(2, &change), LEDGER_ROLE_NOT_GRANTED);
    assert_int_equal(change_node(0, &change), LEDGER_OK);
    assert_int_equal(status_of_node(invite_id), NODE_RETIRED);
}

static void a_name_belongs_to_the_earlier_invite_until_it_retires(void **state)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    Picket__V1__Grant grant;
    uint8_t first[HASH_BYTES], second[HASH_BYTES];
    struct ledger_node node;
    (void)state;

    assert_int_equal(invite(0, 9, "box1", first), LEDGER_OK);
    grant_init(fleet, 3, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    fleet_grant(fleet, &grant); /* the second is judged later in the trust log */
    assert_int_equal(invite(0, 3, "box1", second), LEDGER_INVITE_VOID);
    assert_int_equal(foreseen, LEDGER_INVITE_VOID);
    assert_true(ledger_node_find(fleet->ledger, first, &node));
    assert_false(ledger_node_find(fleet->ledger, second, &node));
    change.invite = (ProtobufCBinaryData){.data = first, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_RETIRED;
    change.retired = true;
    assert_int_equal(change_node(0, &change), LEDGER_OK);
    assert_true(ledger_node_find(fleet->ledger, second, &node));
    assert_int_equal(ledger_nodes_count(fleet->ledger), 2);
}

/* Sixty records of one invite with four pairs of keys, in two orders. */
static void of_many_join_records_the_same_ones_stay_whatever_came_first(void **state)
{
    struct ledger *others[2];
    struct ledger *ours = fleet->ledger;
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES], roots[2][HASH_BYTES];
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    for (int i = 0; i < 2; i++) {
        others[i] = fleet->ledger = fleet_empty(fleet);
        for (uint32_t j = 0; j < fleet->records_count; j++)
            (void)fleet_add(fleet->ledger, fleet->records[j].kind,
                bytes_of(fleet->records[j].at, fleet->records[j].len));
        for (int j = 0; j < 60; j++) {
            int number = i ? 59 - j : j;

            leaf_serial = (uint8_t)number;
            (void)join((uint8_t)(number % 4), invite_id, "box1", id);
        }
        leaf_serial = 0;
        ledger_records_root(fleet->ledger, roots[i]);
        assert_int_equal(ledger_joins_count(fleet->ledger), 2);
        assert_int_equal(status_of_node(invite_id), NODE_SUSPENDED);
    }
    assert_memory_equal(roots[0], roots[1], HASH_BYTES);
    for (int i = 0; i < 2; i++)
        ledger_free(others[i]);
    fleet->ledger = ours;
}

static void a_named_join_record_is_taken_however_many_there_are(void **state)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES], named[HASH_BYTES];
    int serial = 0;
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    do { /* until one comes that adds nothing */
        leaf_serial = (uint8_t)++serial;
    } while (join(1, invite_id, "box1", named).outcome == LEDGER_ADDED);
    change.invite = (ProtobufCBinaryData){.data = invite_id, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_JOIN_RECORD;
    change.join_record = (ProtobufCBinaryData){.data = named, .len = HASH_BYTES};
    assert_int_equal(change_node(0, &change), LEDGER_OK);
    assert_int_equal(status_of_node(invite_id), NODE_INVITED);
    assert_int_equal(join(1, invite_id, "box1", id).outcome, LEDGER_ADDED);
    assert_int_equal(status_of_node(invite_id), NODE_JOINED);
    leaf_serial = 0;
}

/* Another enroller's invite copies the certificate's hash and gives it another name. */
static void a_copied_invite_does_not_change_what_a_joining_node_signs(void **state)
{
    uint8_t invite_id[HASH_BYTES], id[HASH_BYTES];
    (void)state;

    assert_int_equal(invite(0, 9, "box1", invite_id), LEDGER_OK);
    for (int i = 0; i < 4; i++) { /* some of these have a lower reference */
        char name[] = {'b', (char)('0' + i), 0};

        (void)invite(1, 9, name, invite_id);
        assert_int_equal(foreseen, LEDGER_INVITE_VOID);
    }
    leaf_name = "box1";
    assert_int_equal(join(1, invite_id, "box1", id).outcome, LEDGER_ADDED);
    leaf_name = NULL;
}

static void a_rename_does_not_take_the_name_of_a_later_node(void **state)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    uint8_t first[HASH_BYTES], second[HASH_BYTES];
    struct ledger_node node;
    (void)state;

    assert_int_equal(invite(0, 9, "box1", first), LEDGER_OK);
    fleet_operator(fleet, 3); /* the second is judged later in the trust log */
    assert_int_equal(invite(1, 3, "box2", second), LEDGER_OK);
    change.invite = (ProtobufCBinaryData){.data = first, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_NAME;
    change.name = (char *)"box2";
    (void)change_node(0, &change);
    assert_true(ledger_node_find(fleet->ledger, second, &node));
    assert_string_equal(node.name, "box2");
    assert_false(ledger_node_find(fleet->ledger, first, &node));
}

static void a_name_is_free_for_the_entry_that_retires_its_node(void **state)
{
    Picket__V1__Invite again = PICKET__V1__INVITE__INIT;
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    struct change changes[2] = {{PICKET__V1__OP_KIND__OP_NODE, &change.base},
        {PICKET__V1__OP_KIND__OP_INVITE, &again.base}};
    uint8_t first[HASH_BYTES], second[HASH_BYTES], point[65] = {4, 1}, id[HASH_BYTES];
    (void)state;

    assert_int_equal(invite(0, 9, "box1", first), LEDGER_OK);
    change.invite = (ProtobufCBinaryData){.data = first, .len = HASH_BYTES};
    change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_RETIRED;
    change.retired = true;
    memset(second, 3, HASH_BYTES);
    again.certificate_hash = (ProtobufCBinaryData){.data = second, .len = HASH_BYTES};
    again.public_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    again.name = (char *)"box1";
    assert_int_equal(fleet_write(fleet, 0, NULL, changes, 2, id), LEDGER_OK);
    assert_int_equal(status_of_node(first), NODE_RETIRED);
    assert_int_equal(status_of_node(second), NODE_INVITED);
}

static void operators_cannot_invite(void **state)
{
    uint8_t invite_id[HASH_BYTES];
    (void)state;

    assert_int_equal(invite(2, 9, "box1", invite_id), LEDGER_ROLE_NOT_GRANTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_join_record_makes_an_invited_node_a_joined_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_join_record_waits_for_its_invite, setup, teardown),
        cmocka_unit_test_setup_teardown(two_keys_for_one_invite_suspend_both, setup, teardown),
        cmocka_unit_test_setup_teardown(naming_one_join_record_ends_the_conflict, setup, teardown),
        cmocka_unit_test_setup_teardown(only_its_enroller_changes_a_node, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_name_belongs_to_the_earlier_invite_until_it_retires, setup, teardown),
        cmocka_unit_test_setup_teardown(
            of_many_join_records_the_same_ones_stay_whatever_came_first, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_named_join_record_is_taken_however_many_there_are, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_copied_invite_does_not_change_what_a_joining_node_signs, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_rename_does_not_take_the_name_of_a_later_node, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_name_is_free_for_the_entry_that_retires_its_node, setup, teardown),
        cmocka_unit_test_setup_teardown(operators_cannot_invite, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
