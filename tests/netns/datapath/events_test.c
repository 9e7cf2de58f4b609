/* SPDX-License-Identifier: Apache-2.0 */
/* Real packets, and what the ring and the counters of devices say of them. */
#include "bpf/fw_reasons.h"
#include "node/datapath/datapath.h"
#include "tests/netns/datapath/rules.h"
#include "tests/netns/datapath/stream.h"
#include "tests/netns/datapath/sync.h"
#include "tests/netns/links/ns.h"
#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BAD "198.51.100.66"
#define GOOD "198.51.100.7"
#define NEAR "192.0.2.1"
#define MANY 1000

static const char *bpffs;
static struct datapath *datapath;
static struct small_tables drops;
static struct stream stream;

struct heard {
    unsigned count;
    struct datapath_event last;
};

static struct datapath *open_datapath(void)
{
    const struct datapath_options options = {.bpffs = bpffs};
    struct datapath *opened;
    struct problem problem = {0};

    if (datapath_open(&options, &opened, &problem) < 0)
        fail_msg("%s", problem.text);
    return opened;
}

static void attach(void)
{
    struct link_device device = {.index = ns_index("va"),
        .link_type = ARPHRD_ETHER,
        .is_up = true,
        .mtu = 1500,
        .name = "va",
        .kind = "veth"};

    assert_int_equal(sync_attach(datapath, &device)->devices[0].mode, DEVICE_TC);
}

static int start(void **state)
{
    (void)state;
    small_tables(&drops, BAD, 0);
    datapath = open_datapath();
    sync_publish(datapath, &drops.tables);
    must("ip link add name va type veth peer name vb");
    must("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.va.rp_filter=0");
    must("ip addr add " NEAR "/24 dev va; ip link set dev va up; ip link set dev vb up;"
         "ip route replace 198.51.100.0/24 dev va");
    attach();
    stream_open(&stream, "va", "vb", NEAR);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stream_close(&stream);
    (void)sync_remove_all(datapath);
    datapath_close(datapath);
    datapath = NULL;
    (void)sh("ip link del dev va");
    return 0;
}

static void on_event(void *user, const struct datapath_event *event)
{
    struct heard *heard = user;

    if (event->reason != FW_REASON_DROP_RULE)
        return; /* the box's own noise */
    heard->count++;
    heard->last = *event;
}

static struct heard hear(void)
{
    struct heard heard = {0};

    datapath_events_read(datapath, on_event, &heard);
    return heard;
}

static void who_does_not_listen_makes_no_events(void **state)
{
    (void)state;
    (void)stream_send(&stream, BAD, 5);
    assert_int_equal(hear().count, 0);
}

static void a_drop_is_told_as_it_was(void **state)
{
    struct heard heard;
    uint8_t source[4];

    (void)state;
    datapath_events_pace(datapath, 1000);
    (void)stream_send(&stream, GOOD, 3);
    (void)stream_send(&stream, BAD, 5);
    heard = hear();
    assert_int_equal(heard.count, 5);
    (void)inet_pton(AF_INET, BAD, source);
    assert_memory_equal(heard.last.source, source, sizeof(source));
    assert_true(heard.last.is_dropped && heard.last.has_addresses && !heard.last.is_v6);
    assert_int_equal(heard.last.ifindex, ns_index("va"));
    assert_int_equal(heard.last.protocol, 17);
    assert_int_equal(heard.last.source_port, 40000);
    assert_int_equal(heard.last.target_port, 7777);
    assert_int_equal(heard.last.counter, 0);
    assert_int_equal(heard.last.frame_bytes, stream.frame_len);
    assert_int_not_equal(heard.last.time_ns, 0);
}

/* Two a second and CPU, and a quarter of it at once. */
static void more_than_the_cap_is_counted(void **state)
{
    uint64_t before = sync_counters(datapath)->events_missed;
    struct heard heard;

    (void)state;
    datapath_events_pace(datapath, (uint32_t)(2 * sysconf(_SC_NPROCESSORS_ONLN)));
    (void)stream_send(&stream, BAD, MANY);
    heard = hear();
    assert_in_range(heard.count, 1, 40);
    assert_in_range(sync_counters(datapath)->events_missed - before, MANY - heard.count, 2 * MANY);
}

static void a_restart_ends_the_listening_of_before(void **state)
{
    (void)state;
    datapath_events_pace(datapath, 1000);
    datapath_close(datapath);
    datapath = open_datapath();
    (void)stream_send(&stream, BAD, 5);
    assert_int_equal(hear().count, 0);
}

static struct datapath_device_count counted(void)
{
    const struct answer *answer = sync_counters(datapath);

    for (size_t i = 0; i < answer->device_counts_count; i++)
        if (answer->device_counts[i].index == ns_index("va"))
            return answer->device_counts[i];
    return (struct datapath_device_count){0};
}

static void a_device_counts_over_generations_and_a_restart(void **state)
{
    struct datapath_device_count before = counted();

    (void)state;
    (void)stream_send(&stream, GOOD, 4);
    (void)stream_send(&stream, BAD, 3);
    sync_publish(datapath, &drops.tables);
    (void)stream_send(&stream, BAD, 3);
    sync_publish(datapath, &drops.tables);
    datapath_close(datapath);
    datapath = open_datapath();
    attach();
    (void)stream_send(&stream, BAD, 3);
    struct datapath_device_count after = counted();

    assert_int_equal(after.dropped.packets - before.dropped.packets, 9);
    assert_int_equal(after.dropped.bytes - before.dropped.bytes, 9 * stream.frame_len);
    assert_true(after.passed.packets - before.passed.packets >= 4);
}

static void a_rule_knows_its_last_hit_after_a_restart(void **state)
{
    (void)state;
    (void)stream_send(&stream, BAD, 1);
    uint64_t last_ns = sync_counters(datapath)->rules[0].last_ns;

    assert_int_not_equal(last_ns, 0);
    sync_publish(datapath, &drops.tables);
    datapath_close(datapath);
    datapath = open_datapath();
    assert_int_equal(sync_counters(datapath)->rules[0].last_ns, last_ns);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(who_does_not_listen_makes_no_events),
        TEST(a_drop_is_told_as_it_was),
        TEST(more_than_the_cap_is_counted),
        TEST(a_restart_ends_the_listening_of_before),
        TEST(a_device_counts_over_generations_and_a_restart),
        TEST(a_rule_knows_its_last_hit_after_a_restart),
    };
#undef TEST

    ns_enter();
    bpffs = ns_bpffs();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ns_leave();
    return failed;
}
