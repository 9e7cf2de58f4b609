/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Flags decide the tables, so hosts are made where they change; fragments need one that remembers.
 */
static void every_case_has_its_reason_on_the_host(void **state)
{
    static struct world world;
    struct host *host = NULL;
    uint32_t flags = UINT32_MAX;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    for (size_t i = 0; i < packet_cases_count; i++) {
        const struct packet_case *row = &packet_cases[i];
        struct packet packet = {0};
        struct host_answer answer;

        if (row->device_flags != flags) {
            host_free(host);
            assert_int_equal(cases_device(&world, row->device_flags), 0);
            assert_int_equal(host_new(world.tables, &host), 0);
            flags = row->device_flags;
        }
        row->build(&packet);
        for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
            struct host_packet in = {.kind = (enum fw_kind)kind,
                .ifindex = WORLD_DEVICE,
                .frame = bytes_of(packet.bytes, packet.len),
                .now_ns = 1000};

            host_decide(host, &in, &answer);
            if (answer.reason != row->reason)
                fail_msg("%s: reason %d instead of %d", row->what, answer.reason, row->reason);
        }
    }
    host_free(host);
    world_fini(&world);
}

static void a_cut_frame_never_reads_behind_its_end(void **state)
{
    static struct world world;
    struct host *host;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    for (size_t i = 0; i < packet_cases_count; i++) {
        struct packet packet = {0};

        packet_cases[i].build(&packet);
        for (size_t len = 0; len <= packet.len; len++) {
            uint8_t *exact = bytes_copy(packet.bytes, len); /* ASan watches its end */
            struct host_packet in = {
                .ifindex = WORLD_DEVICE, .frame = bytes_of(exact, len), .now_ns = 1000};
            struct host_answer answer;

            assert_non_null(exact);
            host_decide(host, &in, &answer);
            free(exact);
        }
    }
    host_free(host);
    world_fini(&world);
}

static void an_unknown_device_lets_only_the_lifeline_pass(void **state)
{
    static struct world world;
    struct packet packet = {0};
    struct host_answer answer;
    struct host *host;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    packet_cases[0].build(&packet);
    host_decide(host,
        &(struct host_packet){.ifindex = 77, .frame = bytes_of(packet.bytes, packet.len)}, &answer);
    assert_true(answer.drops);
    assert_int_equal(answer.reason, FW_REASON_DROP_LIFELINE_ONLY);
    host_free(host);
    world_fini(&world);
}

static void a_kept_verdict_ends_after_two_seconds(void **state)
{
    static struct world world;
    struct packet first = {0}, later = {0};
    struct host_answer answer;
    struct host *host;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    for (size_t i = 0; i < packet_cases_count; i++) {
        if (packet_cases[i].reason == FW_REASON_PASS_FRAG_KEPT) {
            packet_cases[i - 1].build(&first);
            packet_cases[i].build(&later);
        }
    }
    struct host_packet in = {
        .ifindex = WORLD_DEVICE, .frame = bytes_of(first.bytes, first.len), .now_ns = 5};
    host_decide(host, &in, &answer);
    in.frame = bytes_of(later.bytes, later.len);
    in.now_ns = 5 + FW_FRAGMENT_KEPT_NS - 1;
    host_decide(host, &in, &answer);
    assert_int_equal(answer.reason, FW_REASON_PASS_FRAG_KEPT);
    in.now_ns++;
    host_decide(host, &in, &answer);
    assert_int_equal(answer.reason, FW_REASON_DROP_FRAG_NO_FIRST);
    host_free(host);
    world_fini(&world);
}

static void a_tag_outside_the_frame_counts_at_tc(void **state)
{
    static struct world world;
    struct packet packet = {0};
    struct host_answer answer;
    struct host *host;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    packet_cases[0].build(&packet);
    host_decide(host,
        &(struct host_packet){.kind = FW_KIND_TC_IN,
            .ifindex = WORLD_DEVICE,
            .frame = bytes_of(packet.bytes, packet.len),
            .stripped_tag = 7,
            .is_stripped = true},
        &answer);
    assert_int_equal(answer.reason, FW_REASON_DROP_RULE);
    host_free(host);
    world_fini(&world);
}

/* A tun that was told to be Ethernet hands over bare IP: 5.6.7.8 stands where a type would be. */
static void what_the_kernel_takes_for_ip_never_passes_as_something_else(void **state)
{
    static struct world world;
    struct host *host;
    struct host_answer answer;
    struct packet packet = {0};

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    packet_ipv4(&packet, "5.6.7.8", "192.0.2.1", 6);
    packet_tcp(&packet, 1, 23, 0x02);
    packet_end(&packet);
    struct host_packet in = {.kind = FW_KIND_TC_IN,
        .ifindex = WORLD_DEVICE,
        .frame = bytes_of(packet.bytes, packet.len),
        .now_ns = 1000,
        .kernel_type = 0x0800};

    host_decide(host, &in, &answer);
    assert_int_equal(answer.reason, FW_REASON_DROP_LINK_DIFFERS);
    host_free(host);
    world_fini(&world);
}

/* How many of so many SYNs to the mesh port pass. */
static unsigned knock(struct host *host, const char *source, unsigned count, uint64_t now_ns)
{
    struct packet packet;
    struct host_answer answer;
    unsigned passed = 0;

    packet_knock(&packet, source);
    for (unsigned i = 0; i < count; i++) {
        struct host_packet in = {
            .ifindex = WORLD_DEVICE, .frame = bytes_of(packet.bytes, packet.len), .now_ns = now_ns};

        host_decide(host, &in, &answer);
        assert_int_equal(
            answer.reason, answer.drops ? FW_REASON_DROP_MESH_RATE : FW_REASON_PASS_MESH);
        passed += !answer.drops;
    }
    return passed;
}

static void strangers_knock_at_the_mesh_port_by_a_rate_of_their_own(void **state)
{
    const uint64_t second = 1000000000;
    static struct world world;
    struct host *host;

    (void)state;
    assert_int_equal(cases_world(&world), 0);
    assert_int_equal(cases_device(&world, 0), 0);
    assert_int_equal(host_new(world.tables, &host), 0);
    assert_int_equal(knock(host, "203.0.113.9", 200, second), 64);
    assert_int_equal(knock(host, "203.0.113.10", 200, second), 64);
    assert_int_equal(knock(host, "203.0.113.9", 200, 2 * second), 32);
    assert_int_equal(knock(host, "203.0.113.9", 200, 60 * second), 64);
    assert_int_equal(knock(host, "2001:db8:7:7::1", 40, second), 40);
    assert_int_equal(knock(host, "2001:db8:7:7::2", 40, second), 24); /* the same /64 */
    assert_int_equal(knock(host, "2001:db8:7:8::2", 40, second), 40);
    assert_int_equal(knock(host, "192.0.2.7", 1000, second), 1000); /* a peer */
    host_free(host);
    world_fini(&world);
}

static void the_control_word_falls_back_at_its_deadline(void **state)
{
    (void)state;
    assert_int_equal(fw_word_slot(FW_WORD(7, 3, 0), UINT64_MAX), 7);
    assert_int_equal(fw_word_slot(FW_WORD(7, 3, 1000), 999), 7);
    assert_int_equal(fw_word_slot(FW_WORD(7, 3, 1000), 1000), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_its_reason_on_the_host),
        cmocka_unit_test(a_cut_frame_never_reads_behind_its_end),
        cmocka_unit_test(an_unknown_device_lets_only_the_lifeline_pass),
        cmocka_unit_test(a_kept_verdict_ends_after_two_seconds),
        cmocka_unit_test(a_tag_outside_the_frame_counts_at_tc),
        cmocka_unit_test(what_the_kernel_takes_for_ip_never_passes_as_something_else),
        cmocka_unit_test(strangers_knock_at_the_mesh_port_by_a_rate_of_their_own),
        cmocka_unit_test(the_control_word_falls_back_at_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
