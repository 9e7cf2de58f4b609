/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fleet fleet;
static struct fleet_node node;

static int set_up(void **state)
{
    (void)state;
    fleet_init(&fleet, 7);
    fleet_node_make(&fleet, "edge-1", &node);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fleet_node_fini(&node);
    fleet_fini(&fleet);
    return 0;
}

static void an_invite_says_whom_it_admits(void **state)
{
    struct rpc_certificate invite;
    struct problem problem;

    (void)state;
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&node.invite_der), &invite, &problem), 0);
    assert_int_equal(invite.kind, RPC_CERTIFICATE_INVITE);
    assert_string_equal(invite.name, "edge-1");
    assert_memory_equal(invite.fleet_id, fleet.id, HASH_BYTES);
    assert_memory_equal(invite.point, node.invite_point, RPC_POINT_BYTES);
    assert_int_equal(invite.labels_count, 2);
    assert_string_equal(invite.labels[1].key, "site");
    assert_string_equal(invite.labels[1].value, "oslo");
    assert_true(invite.join_by == FLEET_NOW + 3600);
    assert_true(rpc_certificate_signed_by(buffer_bytes(&node.invite_der), fleet.ca_point));
}

static void a_leaf_says_who_it_is(void **state)
{
    struct rpc_certificate leaf;
    struct problem problem;

    (void)state;
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&node.leaf_der), &leaf, &problem), 0);
    assert_int_equal(leaf.kind, RPC_CERTIFICATE_NODE);
    assert_int_equal(leaf.identity_kind, RPC_NODE);
    assert_string_equal(leaf.name, "edge-1");
    assert_memory_equal(leaf.invite, node.invite_id, HASH_BYTES);
    assert_memory_equal(leaf.node_key, node.node_key.public, KEY_BYTES);
    assert_memory_equal(leaf.key_signature, node.signature, SIGNATURE_BYTES);
    assert_true(leaf.not_before_s == FLEET_NOW - 86400);
    assert_true(leaf.not_after_s > FLEET_NOW + 9ULL * 365 * 86400);
    assert_true(rpc_certificate_signed_by(buffer_bytes(&node.leaf_der), node.invite_point));
    assert_false(rpc_certificate_signed_by(buffer_bytes(&node.leaf_der), fleet.ca_point));
}

static void an_operator_is_signed_by_the_enroller_itself(void **state)
{
    struct rpc_certificate leaf;
    struct fleet_node operator;

    (void)state;
    fleet_user_make(&fleet, RPC_OPERATOR, "anna", &operator);
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&operator.leaf_der), &leaf, NULL), 0);
    assert_int_equal(leaf.kind, RPC_CERTIFICATE_USER);
    assert_int_equal(leaf.identity_kind, RPC_OPERATOR);
    assert_string_equal(leaf.name, "anna");
    assert_true(rpc_certificate_signed_by(buffer_bytes(&operator.leaf_der), fleet.ca_point));
    fleet_node_fini(&operator);
}

static void the_ca_certificate_is_read_as_one(void **state)
{
    struct rpc_certificate ca;

    (void)state;
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&fleet.ca_der), &ca, NULL), 0);
    assert_int_equal(ca.kind, RPC_CERTIFICATE_CA);
    assert_memory_equal(ca.point, fleet.ca_point, RPC_POINT_BYTES);
}

static void keys_survive_der_and_pem(void **state)
{
    struct buffer text = {0};
    struct rpc_key *key = NULL;
    uint8_t point[RPC_POINT_BYTES];

    (void)state;
    assert_int_equal(rpc_key_der(node.leaf_key, &text), 0);
    assert_int_equal(rpc_key_from_der(buffer_bytes(&text), &key, NULL), 0);
    rpc_key_point(key, point);
    assert_memory_equal(point, node.leaf_point, RPC_POINT_BYTES);
    rpc_key_free(key);
    key = NULL;
    assert_int_equal(rpc_key_from_pem(buffer_bytes(&node.key_pem), &key, NULL), 0);
    rpc_key_point(key, point);
    assert_memory_equal(point, node.leaf_point, RPC_POINT_BYTES);
    rpc_key_free(key);
    buffer_fini(&text);
}

static void a_pem_chain_is_read_by_index(void **state)
{
    struct buffer der = {0};

    (void)state;
    assert_int_equal(rpc_certificate_from_pem(buffer_bytes(&node.chain_pem), 1, &der), 0);
    assert_true(bytes_equal(buffer_bytes(&der), buffer_bytes(&node.invite_der)));
    assert_int_equal(rpc_certificate_from_pem(buffer_bytes(&node.chain_pem), 3, &der), -ENOENT);
    assert_int_equal(rpc_certificate_from_pem(bytes_of("hello", 5), 0, &der), -ENOENT);
    buffer_fini(&der);
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
    struct rpc_certificate certificate;
    struct problem problem;

    (void)state;
    assert_int_equal(rpc_certificate_parse(bytes_of("hello", 5), &certificate, &problem), -EINVAL);
    assert_string_equal(problem.text, "these bytes are not an X.509 certificate");
    assert_int_equal(rpc_certificate_parse(
                         bytes_of(node.leaf_der.at, node.leaf_der.len - 1), &certificate, &problem),
        -EINVAL);
}

static void no_changed_byte_of_a_leaf_passes_the_join_check(void **state)
{
    struct rpc_join_parts parts = {
        .fleet_id = fleet.id,
        .invite = node.invite_id,
        .invite_key = node.invite_point,
        .invite_name = "edge-1",
        .leaf = buffer_bytes(&node.leaf_der),
        .leaf_key = node.leaf_point,
        .node_key = node.node_key.public,
        .key_signature = node.signature,
    };

    (void)state;
    assert_int_equal(rpc_join_check(&parts, &fleet_crypto, NULL), RPC_REFUSED_NONE);
    for (size_t i = 0; i < node.leaf_der.len; i += 3) {
        node.leaf_der.at[i] ^= 0x10;
        assert_int_not_equal(rpc_join_check(&parts, &fleet_crypto, NULL), RPC_REFUSED_NONE);
        node.leaf_der.at[i] ^= 0x10;
    }
}

static void a_join_record_that_lies_is_refused_by_its_reason(void **state)
{
    struct rpc_join_parts good = {
        .fleet_id = fleet.id,
        .invite = node.invite_id,
        .invite_key = node.invite_point,
        .invite_name = "edge-1",
        .leaf = buffer_bytes(&node.leaf_der),
        .leaf_key = node.leaf_point,
        .node_key = node.node_key.public,
        .key_signature = node.signature,
    };
    struct rpc_join_parts bad;
    uint8_t zero[65] = {0};
    struct problem problem;

    (void)state;
    bad = good;
    bad.fleet_id = zero;
    assert_int_equal(rpc_join_check(&bad, &fleet_crypto, &problem), RPC_REFUSED_FOREIGN_FLEET);
    bad = good;
    bad.invite = zero;
    assert_int_equal(rpc_join_check(&bad, &fleet_crypto, &problem), RPC_REFUSED_WRONG_INVITE);
    bad = good;
    bad.invite_name = "edge-2";
    assert_int_equal(rpc_join_check(&bad, &fleet_crypto, &problem), RPC_REFUSED_WRONG_NAME);
    assert_string_equal(problem.text, "the invite was made for another name");
    bad = good;
    bad.leaf_key = zero;
    assert_int_equal(rpc_join_check(&bad, &fleet_crypto, &problem), RPC_REFUSED_MALFORMED);
    bad = good;
    bad.invite_key = fleet.ca_point;
    assert_int_equal(rpc_join_check(&bad, &fleet_crypto, &problem), RPC_REFUSED_WRONG_INVITE);
}

static void names_are_dns_labels(void **state)
{
    struct buffer der = {0};
    char long_name[65];

    (void)state;
    memset(long_name, 'a', 64);
    long_name[64] = 0;
    assert_true(rpc_name_is_sound("edge-1"));
    assert_false(rpc_name_is_sound(""));
    assert_false(rpc_name_is_sound("-a"));
    assert_false(rpc_name_is_sound("a.b"));
    assert_false(rpc_name_is_sound("Edge"));
    assert_false(rpc_name_is_sound(long_name));
    long_name[63] = 0;
    assert_true(rpc_name_is_sound(long_name));
    assert_int_equal(
        rpc_user_make(fleet.ca, fleet.id, RPC_OPERATOR, "a/b", node.leaf_point, FLEET_NOW, &der),
        -EINVAL);
    buffer_fini(&der);
}

static void the_longest_name_fits(void **state)
{
    struct rpc_certificate leaf;
    struct fleet_node longest;
    char name[64];

    (void)state;
    memset(name, 'x', 63);
    name[63] = 0;
    fleet_node_make(&fleet, name, &longest);
    assert_int_equal(rpc_certificate_parse(buffer_bytes(&longest.leaf_der), &leaf, NULL), 0);
    assert_string_equal(leaf.name, name);
    fleet_node_fini(&longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_invite_says_whom_it_admits),
        cmocka_unit_test(a_leaf_says_who_it_is),
        cmocka_unit_test(an_operator_is_signed_by_the_enroller_itself),
        cmocka_unit_test(the_ca_certificate_is_read_as_one),
        cmocka_unit_test(keys_survive_der_and_pem),
        cmocka_unit_test(a_pem_chain_is_read_by_index),
        cmocka_unit_test(nonsense_is_refused_with_a_sentence),
        cmocka_unit_test(no_changed_byte_of_a_leaf_passes_the_join_check),
        cmocka_unit_test(a_join_record_that_lies_is_refused_by_its_reason),
        cmocka_unit_test(names_are_dns_labels),
        cmocka_unit_test(the_longest_name_fits),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
