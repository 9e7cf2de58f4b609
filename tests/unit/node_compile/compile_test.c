/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/indexes.h"
#include "tests/bpf/world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct world world;

static int open_world(void **state)
{
    (void)state;
    return world_init(&world);
}

static int close_world(void **state)
{
    (void)state;
    world_fini(&world);
    return 0;
}

static enum compile_status status_of(uint32_t index)
{
    return (enum compile_status)world_object(&world, index)->status;
}

static uint32_t leaves_count(void)
{
    uint32_t count = 0;

    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++)
        for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++)
            count += world.tables->leaves[family][forest].count;
    return count;
}

static uint32_t counter_of_leaf(uint32_t order)
{
    return FW_ID_COUNTER(world.tables->leaves[FW_IPV4][FW_ENFORCE].items[order].id);
}

static void compile(void)
{
    if (world_compile(&world) < 0)
        fail_msg("%s", world.problem.text);
}

static void a_rule_of_another_node_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop scope site=berlin"), 0);
    compile();
    assert_int_equal(status_of(0), COMPILE_OUT_OF_SCOPE);
    assert_int_equal(leaves_count(), 0);
}

static void a_rule_holds_from_its_first_second_until_its_last(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop since 1000 until 2000"), 0);
    world.input.time_s = 999;
    compile();
    assert_int_equal(status_of(0), COMPILE_NOT_YET);
    assert_int_equal(world.tables->next_change_s, 1000);
    world.input.time_s = 1000;
    compile();
    assert_int_equal(status_of(0), COMPILE_EFFECTIVE);
    assert_int_equal(world.tables->next_change_s, 2000);
    world.input.time_s = 2000;
    compile();
    assert_int_equal(status_of(0), COMPILE_EXPIRED);
    assert_true(world.tables->next_change_s == UINT64_MAX);
}

static void what_this_version_cannot_enforce_is_left_out_with_the_reason(void **state)
{
    static const char *const lines[] = {"limit 10/s in udp", "drop state new", "drop out"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(world_rule(&world, lines[i]), 0);
    assert_int_equal(world_default_drop(&world), 0);
    compile();
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(status_of(i), COMPILE_CANNOT_ENFORCE);
        assert_true(strlen(world_object(&world, i)->why) > 0);
    }
    assert_int_equal(leaves_count(), 0);
    assert_int_equal(world.tables->devices[0].device.defaults[FW_IN], FW_ALLOW);
}

static void a_vlan_rule_needs_a_device_that_sees_tags(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop vlan 7"), 0);
    world.device.is_xdp = true;
    compile();
    assert_int_equal(status_of(0), COMPILE_CANNOT_ENFORCE);
    world.device.is_xdp = false;
    compile();
    assert_int_equal(status_of(0), COMPILE_EFFECTIVE);
}

static void a_set_whose_chunk_is_missing_holds_its_changeset(void **state)
{
    (void)state;
    assert_int_equal(world_set(&world, "bad", "192.0.2.0/24"), 0);
    assert_int_equal(world_rule(&world, "drop from @bad"), 0);
    assert_int_equal(world_rule(&world, "allow from @bad"), 0);
    assert_int_equal(world_rule(&world, "drop tcp port 1"), 0);
    /* The last rule came by the entry of the set. */
    memcpy(world.objects[3].winner, world.objects[0].winner, HASH_BYTES);
    world.chunks_missing = true;
    compile();
    assert_true(world.tables->is_waiting);
    assert_int_equal(status_of(0), COMPILE_WAITING_FOR_CONTENT);
    assert_int_equal(status_of(1), COMPILE_EFFECTIVE); /* of an empty set */
    assert_int_equal(status_of(2), COMPILE_CANNOT_ENFORCE);
    assert_int_equal(status_of(3), COMPILE_WAITING_FOR_CONTENT);
    assert_int_equal(leaves_count(), 0);
    world.chunks_missing = false;
    compile();
    assert_false(world.tables->is_waiting);
    assert_int_equal(status_of(3), COMPILE_EFFECTIVE);
}

static void a_set_of_malformed_content_is_empty(void **state)
{
    (void)state;
    assert_int_equal(world_set(&world, "bad", "192.0.2.0/24"), 0);
    assert_int_equal(world_rule(&world, "drop from @bad"), 0);
    world.chunks[0].at[1] = 99;
    compile();
    assert_int_equal(status_of(0), COMPILE_MALFORMED);
    assert_int_equal(leaves_count(), 0);
}

static void an_element_counts_until_it_expires(void **state)
{
    struct set_element elements[2] = {
        {.address = {192, 0, 2}, .length = 24, .expiry = 1500}, {.address = {10}, .length = 8}};

    (void)state;
    assert_int_equal(world_set_of(&world, "bad", elements, 2), 0);
    assert_int_equal(world_rule(&world, "drop from @bad"), 0);
    world.input.time_s = 1499;
    compile();
    assert_int_equal(world.tables->rows[FW_IPV4].count, 2);
    assert_int_equal(world.tables->next_change_s, 1500);
    world.input.time_s = 1500;
    compile();
    assert_int_equal(world.tables->rows[FW_IPV4].count, 1);
}

static void more_than_64_sets_are_refused_with_a_sentence(void **state)
{
    char text[64];

    (void)state;
    for (int i = 0; i <= FW_SETS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "s%d", i);
        assert_int_equal(world_set(&world, text, "192.0.2.0/24"), 0);
        (void)snprintf(text, sizeof(text), "drop from @s%d", i);
        assert_int_equal(world_rule(&world, text), 0);
    }
    assert_int_equal(world_compile(&world), -E2BIG);
    assert_non_null(strstr(world.problem.text, "64"));
}

static void too_many_log_rules_are_refused_with_a_sentence(void **state)
{
    char text[2048] = "log tcp,udp,sctp from any port 1";

    (void)state;
    for (int side = 0; side < 2; side++) {
        if (side)
            strcat(text, " port 1");
        for (int i = 1; i < 64; i++)
            (void)snprintf(text + strlen(text), 16, ",%d", i * 3 + 1);
    }
    assert_int_equal(world_rule(&world, text), 0);
    assert_int_equal(world_compile(&world), -E2BIG);
    assert_non_null(strstr(world.problem.text, "1024"));
}

static void a_negated_list_is_one_hidden_set(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop from not 10.0.0.0/8,192.0.2.0/24"), 0);
    compile();
    assert_int_equal(leaves_count(), 1); /* and none for IPv6 */
    assert_int_equal(world.tables->rows[FW_IPV4].count, 2);
    assert_int_equal(world.tables->leaves[FW_IPV4][FW_ENFORCE].items[0].source_set,
        FW_SET_PRESENT | FW_SET_NEGATE);
}

static void rules_stand_by_priority_then_id(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop family ipv4 priority 9"), 0);
    assert_int_equal(world_rule(&world, "allow family ipv4 priority 3"), 0);
    assert_int_equal(world_rule(&world, "drop family ipv4 priority 3"), 0);
    compile();
    assert_int_equal(counter_of_leaf(0), world_object(&world, 1)->counter);
    assert_int_equal(counter_of_leaf(1), world_object(&world, 2)->counter);
    assert_int_equal(counter_of_leaf(2), world_object(&world, 0)->counter);
}

static void a_counter_stays_with_its_object_and_is_reused_when_settled(void **state)
{
    uint32_t second;

    (void)state;
    assert_int_equal(world_rule(&world, "drop tcp until 2000000"), 0);
    assert_int_equal(world_rule(&world, "drop udp"), 0);
    compile();
    second = world_object(&world, 1)->counter;
    assert_true(world_object(&world, 1)->is_fresh);
    compile_indexes_settle(world.input.indexes, world.tables);
    world.input.time_s = 3000000; /* the first one expires */
    assert_int_equal(world_rule(&world, "drop sctp"), 0);
    compile();
    assert_int_equal(world_object(&world, 1)->counter, second);
    assert_false(world_object(&world, 1)->is_fresh);
    assert_int_equal(world_object(&world, 2)->counter, 2);
    compile_indexes_settle(world.input.indexes, world.tables);
    assert_int_equal(world_rule(&world, "drop icmp"), 0);
    compile();
    assert_int_equal(world_object(&world, 3)->counter, 0);
    assert_true(world_object(&world, 3)->is_fresh);
}

/* What was compiled may never have come into force: a fill can fail, a chunk can be missing. */
static void a_counter_is_fresh_until_a_generation_that_has_it_is_in_force(void **state)
{
    (void)state;
    assert_int_equal(world_rule(&world, "drop tcp"), 0);
    compile();
    assert_true(world_object(&world, 0)->is_fresh);
    compile();
    assert_true(world_object(&world, 0)->is_fresh);
    compile_indexes_settle(world.input.indexes, world.tables);
    compile();
    assert_false(world_object(&world, 0)->is_fresh);
}

static void a_restored_index_is_its_objects_own(void **state)
{
    uint8_t gone[OP_REF_BYTES] = {0xee};

    (void)state;
    assert_int_equal(world_rule(&world, "drop tcp"), 0);
    assert_int_equal(world_rule(&world, "drop udp"), 0);
    assert_int_equal(compile_indexes_restore(world.input.indexes, 70, world.objects[1].id), 0);
    assert_int_equal(compile_indexes_restore(world.input.indexes, 1, gone), 0);
    compile();
    assert_int_equal(world_object(&world, 1)->counter, 70);
    assert_false(world_object(&world, 1)->is_fresh);
    assert_int_equal(world_object(&world, 0)->counter, 0);
    assert_true(world_object(&world, 0)->is_fresh);
    assert_int_equal(world.tables->counters_count, 71);
    compile_indexes_settle(world.input.indexes, world.tables);
    assert_int_equal(world_rule(&world, "drop icmp"), 0);
    compile();
    assert_int_equal(world_object(&world, 2)->counter, 1);
}

static bool (*chunk_of_world)(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk);
static unsigned chunk_reads_left;

static bool chunk_of_a_failing_disk(
    void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk)
{
    return chunk_reads_left > 0 && chunk_reads_left-- > 0 && chunk_of_world(user, hash, ret_chunk);
}

/* Looked for and found, then not readable: no rule may take the set for an empty one. */
static void content_that_cannot_be_read_is_waited_for(void **state)
{
    (void)state;
    assert_int_equal(world_set(&world, "inner", "192.0.2.0/24"), 0);
    assert_int_equal(world_rule(&world, "allow from @inner"), 0);
    assert_int_equal(world_rule(&world, "allow from not @inner"), 0);
    chunk_of_world = world.input.chunk;
    chunk_reads_left = 1;
    world.input.chunk = chunk_of_a_failing_disk;
    compile();
    assert_true(world.tables->is_waiting);
    assert_int_equal(world_object(&world, 0)->status, COMPILE_WAITING_FOR_CONTENT);
    assert_int_equal(world_object(&world, 1)->status, COMPILE_CANNOT_ENFORCE);
    assert_int_equal(world_object(&world, 2)->status, COMPILE_CANNOT_ENFORCE);
    assert_int_equal(leaves_count(), 0);
}

static void the_digest_follows_content_and_time_but_not_devices(void **state)
{
    uint8_t before[HASH_BYTES];

    (void)state;
    assert_int_equal(world_set(&world, "bad", "192.0.2.0/24"), 0);
    assert_int_equal(world_rule(&world, "drop from @bad until 2000000"), 0);
    assert_int_equal(world_rule(&world, "drop vlan 3"), 0);
    compile();
    memcpy(before, world.tables->digest, HASH_BYTES);
    world.device.is_xdp = true;
    world.device.name = "wan0";
    world.lifeline.mesh_port = 1;
    compile();
    assert_memory_equal(before, world.tables->digest, HASH_BYTES);
    world.chunks[0].at[2] ^= 1;
    compile();
    assert_memory_not_equal(before, world.tables->digest, HASH_BYTES);
    world.chunks[0].at[2] ^= 1;
    compile();
    assert_memory_equal(before, world.tables->digest, HASH_BYTES);
    world.input.time_s = 2000000;
    compile();
    assert_memory_not_equal(before, world.tables->digest, HASH_BYTES);
}

static uint32_t hosts_of(const struct compile_tables *tables)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < tables->hosts_count * FW_HOST_WAYS; i++)
        count += tables->hosts[i / FW_HOST_WAYS].flags[i % FW_HOST_WAYS] != 0;
    return count;
}

static void the_lifeline_alone_has_no_rules(void **state)
{
    struct compile_tables *tables;

    (void)state;
    assert_int_equal(compile_lifeline_only(&world.input, &tables, NULL), 0);
    assert_true(tables->gen.flags & FW_GEN_LIFELINE_ONLY);
    assert_int_equal(hosts_of(tables), 6);
    assert_int_equal(tables->manage_count, 1);
    compile_tables_free(tables);
}

static void a_device_that_comes_later_gets_the_entry_of_the_generation(void **state)
{
    struct compile_device device = {.name = "wg0", .link_type = 65534, .device_class = 2};
    struct fw_device entry;

    (void)state;
    assert_int_equal(world_rule(&world, "drop device eth*,wg[0-9]"), 0);
    compile();
    compile_device_entry(&world.tables->policy, &device, &entry);
    assert_int_equal(entry.globs, 2);
    assert_int_equal(entry.flags, FW_DEVICE_KNOWN | FW_DEVICE_RAW_IP);
    assert_int_equal(entry.class, 2);
}

static void globs_are_those_of_a_shell(void **state)
{
    (void)state;
    assert_true(compile_glob_matches("eth*", "eth0"));
    assert_true(compile_glob_matches("*", ""));
    assert_true(compile_glob_matches("e?h[0-9]", "eth7"));
    assert_true(compile_glob_matches("*a*b", "xaxxab"));
    assert_false(compile_glob_matches("eth", "eth0"));
    assert_false(compile_glob_matches("eth[!0-3]", "eth2"));
    assert_false(compile_glob_matches("*x", "eth2"));
    assert_true(compile_glob_matches("a[", "a["));
}

static void a_hundred_thousand_prefixes_are_found(void **state)
{
    enum { COUNT = 100000 };
    struct set_element *elements = calloc(COUNT, sizeof(*elements));
    struct host *host;
    struct host_answer answer;
    uint8_t frame[54] = {[12] = 8, [14] = 0x45, [17] = 40, [23] = 6, [46] = 0x50};
    struct host_packet packet = {.ifindex = WORLD_DEVICE, .frame = bytes_of(frame, sizeof(frame))};

    (void)state;
    assert_non_null(elements);
    for (uint32_t i = 0; i < COUNT; i++) {
        put_be32(elements[i].address, i << 14);
        elements[i].length = 18;
    }
    assert_int_equal(world_set_of(&world, "bad", elements, COUNT), 0);
    free(elements);
    assert_int_equal(world_rule(&world, "drop from @bad"), 0);
    compile();
    assert_int_equal(world.tables->prefixes_effective, COUNT);
    assert_int_equal(world.tables->classes_count, 2);
    assert_int_equal(host_new(world.tables, &host), 0);
    put_be32(frame + 26, (99999U << 14) + 5);
    host_decide(host, &packet, &answer);
    assert_int_equal(answer.reason, FW_REASON_DROP_RULE);
    put_be32(frame + 26, 100000U << 14);
    host_decide(host, &packet, &answer);
    assert_int_equal(answer.reason, FW_REASON_PASS_DEFAULT);
    host_free(host);
}

/* One UDP packet from 10.0.0.1 to the box, through tables with these rules. */
static struct host *one_packet(struct host_answer *ret_answer)
{
    uint8_t frame[42] = {[12] = 8,
        [14] = 0x45,
        [17] = 28,
        [23] = 17,
        [26] = 10,
        [29] = 1,
        [30] = 192,
        [32] = 2,
        [33] = 1,
        [39] = 8};
    struct host *host;

    compile();
    assert_int_equal(host_new(world.tables, &host), 0);
    host_decide(host,
        &(struct host_packet){.ifindex = WORLD_DEVICE, .frame = bytes_of(frame, sizeof(frame))},
        ret_answer);
    return host;
}

static void log_and_shadow_rules_count_before_the_deciding_one_only(void **state)
{
    struct host_answer answer;

    (void)state;
    assert_int_equal(world_rule(&world, "log from 10.0.0.0/8,10.0.0.0/16 priority 1"), 0);
    assert_int_equal(world_rule(&world, "drop udp shadow priority 2"), 0);
    assert_int_equal(world_rule(&world, "allow udp priority 3"), 0);
    assert_int_equal(world_rule(&world, "log priority 4"), 0);
    struct host *host = one_packet(&answer);

    assert_int_equal(answer.reason, FW_REASON_PASS_RULE);
    assert_int_equal(host_rule_packets(host, 0), 1); /* both prefixes match, it is one rule */
    assert_int_equal(host_rule_packets(host, 1), 1);
    assert_int_equal(host_rule_packets(host, 2), 1);
    assert_int_equal(host_rule_packets(host, 3), 0);
    assert_int_equal(host_reason_packets(host, FW_REASON_SHADOW_DIFFERS), 1);
    host_free(host);
}

static void a_shadow_rule_that_agrees_is_no_difference(void **state)
{
    struct host_answer answer;

    (void)state;
    assert_int_equal(world_rule(&world, "drop udp shadow priority 2"), 0);
    assert_int_equal(world_rule(&world, "drop udp priority 3"), 0);
    struct host *host = one_packet(&answer);

    assert_true(answer.drops);
    assert_int_equal(host_reason_packets(host, FW_REASON_SHADOW_DIFFERS), 0);
    host_free(host);
}

static void a_dry_run_drops_nothing_and_counts_everything(void **state)
{
    struct host_answer answer;

    (void)state;
    world.input.is_dry_run = true;
    assert_int_equal(world_rule(&world, "drop udp"), 0);
    struct host *host = one_packet(&answer);

    assert_false(answer.drops);
    assert_int_equal(host_reason_packets(host, FW_REASON_DROP_RULE), 1);
    assert_int_equal(host_reason_packets(host, FW_REASON_PASS_DRY_RUN), 1);
    host_free(host);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_rule_of_another_node_is_left_out),
        WORLD_TEST(a_rule_holds_from_its_first_second_until_its_last),
        WORLD_TEST(what_this_version_cannot_enforce_is_left_out_with_the_reason),
        WORLD_TEST(a_vlan_rule_needs_a_device_that_sees_tags),
        WORLD_TEST(a_set_whose_chunk_is_missing_holds_its_changeset),
        WORLD_TEST(a_set_of_malformed_content_is_empty),
        WORLD_TEST(an_element_counts_until_it_expires),
        WORLD_TEST(more_than_64_sets_are_refused_with_a_sentence),
        WORLD_TEST(too_many_log_rules_are_refused_with_a_sentence),
        WORLD_TEST(a_negated_list_is_one_hidden_set),
        WORLD_TEST(rules_stand_by_priority_then_id),
        WORLD_TEST(a_counter_stays_with_its_object_and_is_reused_when_settled),
        WORLD_TEST(a_counter_is_fresh_until_a_generation_that_has_it_is_in_force),
        WORLD_TEST(a_restored_index_is_its_objects_own),
        WORLD_TEST(content_that_cannot_be_read_is_waited_for),
        WORLD_TEST(the_digest_follows_content_and_time_but_not_devices),
        WORLD_TEST(the_lifeline_alone_has_no_rules),
        WORLD_TEST(a_device_that_comes_later_gets_the_entry_of_the_generation),
        WORLD_TEST(log_and_shadow_rules_count_before_the_deciding_one_only),
        WORLD_TEST(a_shadow_rule_that_agrees_is_no_difference),
        WORLD_TEST(a_dry_run_drops_nothing_and_counts_everything),
        cmocka_unit_test(globs_are_those_of_a_shell),
        WORLD_TEST(a_hundred_thousand_prefixes_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
