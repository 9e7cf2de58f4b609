/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct scene {
    struct fleet fleet;
    struct rpc_trust *trust;
    struct fleet_node node;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    fleet_init(&scene->fleet, 7);
    fleet_node_make(&scene->fleet, "edge-1", &scene->node);
    assert_int_equal(rpc_trust_new(NULL, &fleet_crypto, NULL, &scene->trust), 0);
    rpc_trust_set_time(scene->trust, FLEET_NOW);
    fleet_publish(scene->trust, &scene->fleet, NULL, 0);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    rpc_trust_free(scene->trust);
    fleet_node_fini(&scene->node);
    fleet_fini(&scene->fleet);
    free(scene);
    return 0;
}

static struct rpc_judgement judge(
    struct scene *scene, const struct fleet_node *node, bool with_chain, bool we_dialled)
{
    struct rpc_judgement judgement;

    rpc_trust_judge(scene->trust, buffer_bytes(&node->leaf_pem),
        with_chain ? buffer_bytes(&node->chain_pem) : (struct bytes){0}, we_dialled, &judgement);
    return judgement;
}

static void a_first_admission_is_said_to_be_one(void **state)
{
    struct scene *scene = *state;
    struct rpc_judgement judgement = judge(scene, &scene->node, true, false);

    assert_int_equal(judgement.refusal, RPC_REFUSED_NONE);
    assert_true(judgement.is_first);
    assert_false(judgement.identity.is_recorded);
    assert_string_equal(judgement.identity.name, "edge-1");
    assert_memory_equal(judgement.identity.invite, scene->node.invite_id, HASH_BYTES);
}

static void after_a_handshake_the_leaf_alone_is_enough(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(judge(scene, &scene->node, false, false).refusal, RPC_REFUSED_NO_INVITE);
    (void)judge(scene, &scene->node, true, false);
    assert_int_equal(judge(scene, &scene->node, false, false).refusal, RPC_REFUSED_NONE);
}

static void a_recorded_node_is_admitted_by_its_key(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->node, RPC_NODE_JOINED);
    struct rpc_judgement judgement;

    (void)strcpy(row.name, "renamed");
    fleet_publish(scene->trust, &scene->fleet, &row, 1);
    judgement = judge(scene, &scene->node, false, false);
    assert_int_equal(judgement.refusal, RPC_REFUSED_NONE);
    assert_true(judgement.identity.is_recorded);
    assert_false(judgement.is_first);
    assert_string_equal(judgement.identity.name, "renamed");
}

static void a_strangers_certificate_is_refused(void **state)
{
    struct scene *scene = *state;
    struct fleet stranger;
    struct fleet_node node;

    fleet_init(&stranger, 7); /* claims the same fleet, has another key */
    fleet_node_make(&stranger, "edge-1", &node);
    assert_int_equal(judge(scene, &node, true, false).refusal, RPC_REFUSED_STRANGER);
    fleet_node_fini(&node);
    fleet_fini(&stranger);
}

static void a_node_of_another_fleet_is_refused(void **state)
{
    struct scene *scene = *state;
    struct fleet other;
    struct fleet_node node;

    fleet_init(&other, 8);
    fleet_node_make(&other, "edge-1", &node);
    assert_int_equal(judge(scene, &node, true, false).refusal, RPC_REFUSED_FOREIGN_FLEET);
    fleet_node_fini(&node);
    fleet_fini(&other);
}

static void an_invite_used_for_another_name_is_refused(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;

    fleet_node_invite(&scene->fleet, "edge-2", FLEET_NOW + 60, &node);
    fleet_node_join(&scene->fleet, &node, "edge-3");
    assert_int_equal(judge(scene, &node, true, false).refusal, RPC_REFUSED_WRONG_NAME);
    fleet_node_fini(&node);
}

static void an_invite_used_twice_is_refused_even_before_its_record(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->node, RPC_NODE_JOINED);
    struct fleet_node second;

    fleet_node_join_again(&scene->fleet, &scene->node, &second);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_NONE);
    assert_int_equal(judge(scene, &second, true, false).refusal, RPC_REFUSED_INVITE_USED);
    fleet_publish(scene->trust, &scene->fleet, &row, 1);
    assert_int_equal(judge(scene, &second, true, false).refusal, RPC_REFUSED_INVITE_USED);
    fleet_node_fini(&second);
}

static void join_by_binds_only_those_who_have_not_joined(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->node, RPC_NODE_JOINED);

    rpc_trust_set_time(scene->trust, FLEET_NOW + 7200);
    rpc_trust_set_time(scene->trust, FLEET_NOW); /* time never goes back */
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_JOIN_BY_PASSED);
    fleet_publish(scene->trust, &scene->fleet, &row, 1);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_NONE);
}

static void a_joining_node_may_dial_members_it_cannot_know(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_enroller enroller = {.is_live = true};
    struct rpc_trust_snapshot snapshot = {
        .enrollers = &enroller, .enrollers_count = 1, .is_joining = true};
    struct rpc_judgement judgement;

    memcpy(snapshot.fleet_id, scene->fleet.id, HASH_BYTES);
    memcpy(enroller.ca_key, scene->fleet.ca_point, RPC_POINT_BYTES);
    assert_int_equal(rpc_trust_publish(scene->trust, &snapshot), 0);
    rpc_trust_set_time(scene->trust, FLEET_NOW + 7200);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_JOIN_BY_PASSED);
    judgement = judge(scene, &scene->node, true, true);
    assert_int_equal(judgement.refusal, RPC_REFUSED_NONE);
    assert_false(judgement.is_first); /* and makes no join record of it */
}

static void retired_and_suspended_nodes_are_refused(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->node, RPC_NODE_RETIRED);

    fleet_publish(scene->trust, &scene->fleet, &row, 1);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_RETIRED);
    row.status = RPC_NODE_SUSPENDED;
    fleet_publish(scene->trust, &scene->fleet, &row, 1);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_SUSPENDED);
}

static void an_ended_enroller_admits_only_whom_the_fleet_knows(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_enroller enroller = {.is_live = false};
    struct rpc_trust_node row = fleet_row(&scene->node, RPC_NODE_INVITED);
    struct rpc_trust_snapshot snapshot = {.enrollers = &enroller, .enrollers_count = 1};
    struct fleet_node operator;

    memcpy(snapshot.fleet_id, scene->fleet.id, HASH_BYTES);
    memcpy(enroller.ca_key, scene->fleet.ca_point, RPC_POINT_BYTES);
    assert_int_equal(rpc_trust_publish(scene->trust, &snapshot), 0);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_ENROLLER_ENDED);
    fleet_user_make(&scene->fleet, RPC_OPERATOR, "anna", &operator);
    assert_int_equal(judge(scene, &operator, true, false).refusal, RPC_REFUSED_ENROLLER_ENDED);
    snapshot.nodes = &row;
    snapshot.nodes_count = 1;
    assert_int_equal(rpc_trust_publish(scene->trust, &snapshot), 0);
    assert_int_equal(judge(scene, &scene->node, true, false).refusal, RPC_REFUSED_NONE);
    fleet_node_fini(&operator);
}

static void a_node_key_that_did_not_sign_is_refused(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;
    struct rpc_leaf_parts parts = {.fleet_id = scene->fleet.id, .name = "edge-4"};

    fleet_node_invite(&scene->fleet, "edge-4", FLEET_NOW + 60, &node);
    fleet_node_join(&scene->fleet, &node, "edge-4");
    node.signature[0] ^= 1;
    parts.point = node.leaf_point;
    parts.node_key = node.node_key.public;
    parts.key_signature = node.signature;
    parts.invite = node.invite_id;
    node.leaf_der.len = node.leaf_pem.len = 0;
    assert_int_equal(rpc_leaf_make(node.invite_key, &parts, FLEET_NOW, &node.leaf_der), 0);
    assert_int_equal(rpc_certificate_pem(buffer_bytes(&node.leaf_der), &node.leaf_pem), 0);
    assert_int_equal(judge(scene, &node, true, false).refusal, RPC_REFUSED_BAD_BINDING);
    fleet_node_fini(&node);
}

static void a_leaf_shown_with_another_invite_is_refused(void **state)
{
    struct scene *scene = *state;
    struct fleet_node other;
    struct rpc_judgement judgement;

    fleet_node_make(&scene->fleet, "edge-2", &other);
    rpc_trust_judge(scene->trust, buffer_bytes(&scene->node.leaf_pem),
        buffer_bytes(&other.chain_pem), false, &judgement);
    assert_int_equal(judgement.refusal, RPC_REFUSED_WRONG_INVITE);
    fleet_node_fini(&other);
}

static void an_operator_is_admitted_but_is_no_node_to_dial(void **state)
{
    struct scene *scene = *state;
    struct fleet_node operator;
    struct rpc_judgement judgement;

    fleet_user_make(&scene->fleet, RPC_OPERATOR, "anna", &operator);
    judgement = judge(scene, &operator, false, false);
    assert_int_equal(judgement.refusal, RPC_REFUSED_NONE);
    assert_int_equal(judgement.identity.kind, RPC_OPERATOR);
    assert_string_equal(judgement.identity.name, "anna");
    assert_int_equal(judge(scene, &operator, true, true).refusal, RPC_REFUSED_NOT_A_NODE);
    fleet_node_fini(&operator);
}

static void without_a_snapshot_nobody_is_admitted(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust *trust;
    struct rpc_judgement judgement;

    assert_int_equal(rpc_trust_new(NULL, &fleet_crypto, NULL, &trust), 0);
    rpc_trust_judge(trust, buffer_bytes(&scene->node.leaf_pem),
        buffer_bytes(&scene->node.chain_pem), false, &judgement);
    assert_int_equal(judgement.refusal, RPC_REFUSED_NO_TRUST);
    rpc_trust_free(trust);
}

static void certificates_that_are_none_are_refused(void **state)
{
    struct scene *scene = *state;
    struct rpc_judgement judgement;

    rpc_trust_judge(scene->trust, (struct bytes){0}, (struct bytes){0}, false, &judgement);
    assert_int_equal(judgement.refusal, RPC_REFUSED_NO_CERTIFICATE);
    rpc_trust_judge(scene->trust, bytes_of("hello", 5), (struct bytes){0}, false, &judgement);
    assert_int_equal(judgement.refusal, RPC_REFUSED_MALFORMED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_first_admission_is_said_to_be_one),
        TEST(after_a_handshake_the_leaf_alone_is_enough),
        TEST(a_recorded_node_is_admitted_by_its_key),
        TEST(a_strangers_certificate_is_refused),
        TEST(a_node_of_another_fleet_is_refused),
        TEST(an_invite_used_for_another_name_is_refused),
        TEST(an_invite_used_twice_is_refused_even_before_its_record),
        TEST(join_by_binds_only_those_who_have_not_joined),
        TEST(a_joining_node_may_dial_members_it_cannot_know),
        TEST(retired_and_suspended_nodes_are_refused),
        TEST(an_ended_enroller_admits_only_whom_the_fleet_knows),
        TEST(a_node_key_that_did_not_sign_is_refused),
        TEST(a_leaf_shown_with_another_invite_is_refused),
        TEST(an_operator_is_admitted_but_is_no_node_to_dial),
        TEST(without_a_snapshot_nobody_is_admitted),
        TEST(certificates_that_are_none_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
