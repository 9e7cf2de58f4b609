/* SPDX-License-Identifier: Apache-2.0 */
/* watch_test.c - links and datapath together, as the daemon joins them: no device stays
 * unprotected. */
#include "node/datapath/datapath.h"
#include "node/links/links.h"
#include "tests/netns/datapath/rules.h"
#include "tests/netns/datapath/stream.h"
#include "tests/netns/datapath/sync.h"
#include "tests/netns/links/ns.h"
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BAD "198.51.100.66"

static const char *bpffs;
static struct datapath *datapath;
static struct links *links;
static struct small_tables drops;

static void on_link(void *user, const struct links_event *event)
{
    (void)user;
    switch (event->kind) {
    case LINKS_ON_APPEARED:
    case LINKS_ON_CHANGED:
        assert_int_equal(datapath_attach(datapath, event->device, FW_CLASS_EXTERNAL, NULL), 0);
        return;
    case LINKS_ON_GONE:
        assert_int_equal(datapath_forget(datapath, event->device->index, NULL), 0);
        return;
    case LINKS_ON_ADDRESSES:
    case LINKS_ON_SYNCED:
        return;
    }
}

/* What the daemon's loop does until nothing more is told. */
static struct answer *settle(void)
{
    struct pollfd fd = {.fd = links_fd(links), .events = POLLIN};
    const struct links_listener listener = {.fn = on_link};

    for (int quiet = 0; quiet < 3; quiet++) {
        while (poll(&fd, 1, 40) > 0)
            assert_int_equal(links_read(links, ns_now_ms(), &listener), 0);
        (void)links_tick(links, ns_now_ms() + LINKS_RETRY_MS);
    }
    return sync_reconcile(datapath);
}

static void open_links(uint32_t receive_bytes)
{
    struct links_options listen = {.receive_bytes = receive_bytes};
    struct problem problem = {0};

    if (links_open(&listen, ns_now_ms(), &links, &problem) < 0)
        fail_msg("%s", problem.text);
}

static int start(void **state)
{
    (void)state;
    open_links(0);
    (void)settle();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)sh("for d in va vc br0 renamed; do ip link del dev $d; done");
    (void)settle();
    links_close(links);
    return 0;
}

static int start_all(void **state)
{
    struct datapath_options options = {.bpffs = bpffs};
    struct problem problem = {0};

    (void)state;
    small_tables(&drops, BAD, 0);
    if (datapath_open(&options, &datapath, &problem) < 0)
        fail_msg("%s", problem.text);
    sync_publish(datapath, &drops.tables);
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    (void)sync_remove_all(datapath);
    datapath_close(datapath);
    return 0;
}

static const struct datapath_device *state_of(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->devices_count && i < 64; i++) {
        if (answer->devices[i].index == ns_index(name))
            return &answer->devices[i];
    }
    fail_msg("%s is unknown", name);
    return NULL;
}

static bool carries_filter(const char *name)
{
    return sh("tc filter show dev %s ingress | grep -q fw_tc_entry", name) == 0;
}

/* Asked of the kernel, not of our own lists. No upper is among the devices of these tests. */
static void assert_all_protected(void)
{
    struct if_nameindex *names = if_nameindex();

    for (const struct if_nameindex *name = names; name && name->if_index; name++) {
        if (strcmp(name->if_name, "lo") != 0 && !carries_filter(name->if_name))
            fail_msg("%s is unprotected", name->if_name);
    }
    if_freenameindex(names);
}

static void a_pair_that_appears_is_protected_without_a_restart(void **state)
{
    (void)state;
    must("ip link add name va up type veth peer name vb; ip link set dev vb up");
    (void)settle();
    assert_all_protected();
}

static void its_packets_meet_the_rules(void **state)
{
    struct stream stream;

    (void)state;
    must("ip link add name va type veth peer name vb; ip addr add 192.0.2.1/24 dev va;"
         "ip link set dev va up; ip link set dev vb up;"
         "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.va.rp_filter=0;"
         "ip route replace 198.51.100.0/24 dev va");
    (void)settle();
    stream_open(&stream, "va", "vb", "192.0.2.1");
    assert_int_equal(stream_send(&stream, "198.51.100.7", 20), 20);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    stream_close(&stream);
}

static void loopback_and_bridge_are_exempt_and_say_why(void **state)
{
    const struct answer *answer;

    (void)state;
    must("ip link add name br0 type bridge");
    answer = settle();
    assert_int_equal(state_of(answer, "lo")->mode, DEVICE_EXEMPT);
    assert_int_equal(state_of(answer, "br0")->mode, DEVICE_EXEMPT);
    assert_true(state_of(answer, "br0")->reason[0]);
}

static void a_port_stays_protected_when_it_leaves_its_bridge(void **state)
{
    (void)state;
    must("ip link add name br0 type bridge; ip link add name va up type veth peer name vb;"
         "ip link set dev va master br0");
    (void)settle();
    assert_true(carries_filter("va"));
    must("ip link set dev va nomaster");
    assert_int_equal(settle()->repaired, 0);
    assert_true(carries_filter("va"));
}

static void a_renamed_device_stays_protected(void **state)
{
    (void)state;
    must("ip link add name va type veth peer name vb");
    (void)settle();
    must("ip link set dev va name renamed");
    assert_int_equal(settle()->repaired, 0);
    assert_all_protected();
}

static void the_same_name_again_is_protected_again(void **state)
{
    (void)state;
    must("ip link add name va type veth peer name vb");
    (void)settle();
    must("ip link del dev va; ip link add name va type veth peer name vb");
    (void)settle();
    assert_all_protected();
}

static void two_hundred_flapping_devices_end_protected(void **state)
{
    struct links_counts counts;

    (void)state;
    links_close(links);
    open_links(4096);
    must("for i in $(seq 100); do echo link add name f$i type veth peer name g$i; done | "
         "ip -batch -");
    must("for n in 1 2 3; do for i in $(seq 100); do echo link set dev f$i up; done;"
         "for i in $(seq 100); do echo link set dev f$i down; done; done | ip -batch -");
    must("for i in $(seq 1 3 100); do echo link del dev f$i; done | ip -batch -");
    must("for i in $(seq 1 3 100); do echo link add name f$i up type veth peer name g$i; done | "
         "ip -batch -");
    (void)settle();
    links_counts(links, &counts);
    assert_true(counts.overruns > 0);
    assert_all_protected();
    (void)sh("for i in $(seq 100); do echo link del dev f$i; done | ip -force -batch -");
    (void)settle();
    assert_int_equal(settle()->devices_count, 1); /* lo */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_pair_that_appears_is_protected_without_a_restart),
        TEST(its_packets_meet_the_rules),
        TEST(loopback_and_bridge_are_exempt_and_say_why),
        TEST(a_port_stays_protected_when_it_leaves_its_bridge),
        TEST(a_renamed_device_stays_protected),
        TEST(the_same_name_again_is_protected_again),
        TEST(two_hundred_flapping_devices_end_protected),
#undef TEST
    };

    ns_enter();
    bpffs = ns_bpffs();
    int failed = cmocka_run_group_tests(tests, start_all, stop_all);

    ns_leave();
    return failed;
}
