/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NS_PER_S 1000000000ULL

static unsigned sent_within(struct fw_event_cpu *cpu, const struct fw_event_pace *pace,
    uint64_t from_ns, uint64_t until_ns, unsigned tries)
{
    unsigned sent = 0;

    for (unsigned i = 0; i < tries; i++)
        sent += fw_event_may(cpu, pace, from_ns + (until_ns - from_ns) / tries * i) != 0;
    return sent;
}

static void a_flood_is_cut_to_the_cap(void **state)
{
    struct fw_event_pace pace = events_pace_of(1000, 1);
    struct fw_event_cpu cpu = {0};
    unsigned sent = sent_within(&cpu, &pace, 5 * NS_PER_S, 15 * NS_PER_S, 100000);

    (void)state;
    assert_in_range(sent, 10000, 10000 + 251); /* and a quarter of a second's worth at once */
    assert_int_equal(cpu.missed, 100000 - sent);
}

static void cpus_share_the_cap(void **state)
{
    struct fw_event_pace pace = events_pace_of(1000, 8);
    struct fw_event_cpu cpu = {0};
    unsigned sent = sent_within(&cpu, &pace, NS_PER_S, 9 * NS_PER_S, 100000);

    (void)state;
    assert_in_range(sent, 1000, 1000 + 33);
}

static void what_comes_slowly_is_told_whole(void **state)
{
    struct fw_event_pace pace = events_pace_of(1000, 2);
    struct fw_event_cpu cpu = {0};

    (void)state;
    assert_int_equal(sent_within(&cpu, &pace, NS_PER_S, 11 * NS_PER_S, 4000), 4000);
    assert_int_equal(cpu.missed, 0);
}

static void without_a_cap_there_is_no_pace(void **state)
{
    (void)state;
    assert_int_equal(events_pace_of(0, 4).cost_ns, 0);
}

static void a_record_is_read_field_by_field(void **state)
{
    const struct fw_event record = {.time_ns = 7,
        .source = {1},
        .target = {2},
        .ifindex = 3,
        .frame_bytes = 60,
        .counter = 9,
        .observed = FW_COUNTER_NONE,
        .source_port = 4000,
        .target_port = 22,
        .ethertype = 0x0800,
        .vlan = 5,
        .protocol = 6,
        .tcp_flags = 2,
        .reason = 2,
        .flags = FW_EVENT_DROPPED,
        .slot = 4};
    struct datapath_event event;

    (void)state;
    assert_true(events_decode(&record, sizeof(record), &event));
    assert_true(event.has_addresses && event.is_dropped && !event.is_dry_run && !event.is_v6);
    assert_int_equal(event.counter, 9);
    assert_int_equal(event.observed, UINT32_MAX);
    assert_int_equal(event.source_port, 4000);
    assert_int_equal(event.target_port, 22);
    assert_int_equal(event.vlan, 5);
    assert_int_equal(event.slot, 4);
    assert_memory_equal(event.source, record.source, sizeof(event.source));
}

static void a_short_record_is_none(void **state)
{
    struct fw_event record = {0};
    struct datapath_event event;

    (void)state;
    assert_false(events_decode(&record, sizeof(record) - 1, &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_is_cut_to_the_cap),
        cmocka_unit_test(cpus_share_the_cap),
        cmocka_unit_test(what_comes_slowly_is_told_whole),
        cmocka_unit_test(without_a_cap_there_is_no_pace),
        cmocka_unit_test(a_record_is_read_field_by_field),
        cmocka_unit_test(a_short_record_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
