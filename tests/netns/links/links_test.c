/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/links.h"
#include "node/links/mode.h"
#include "tests/netns/links/ns.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define EVENTS_MAX 8192

struct heard {
    enum links_event_kind kind;
    struct link_device device;
    struct link_device was;
};

struct watch {
    struct links *links;
    struct heard *heard;
    size_t count;
};

static struct heard room[EVENTS_MAX];

static void on_event(void *user, const struct links_event *event)
{
    struct watch *watch = user;

    assert_true(watch->count < EVENTS_MAX);
    struct heard *heard = &watch->heard[watch->count++];

    *heard = (struct heard){.kind = event->kind};
    if (event->device)
        heard->device = *event->device;
    if (event->was)
        heard->was = *event->was;
}

static void read_all(struct watch *watch)
{
    struct pollfd fd = {.fd = links_fd(watch->links), .events = POLLIN};
    struct links_listener listener = {.user = watch, .fn = on_event};

    while (poll(&fd, 1, 50) > 0)
        assert_int_equal(links_read(watch->links, ns_now_ms(), &listener), 0);
}

static bool has_heard(const struct watch *watch, enum links_event_kind kind, const char *name,
    struct heard *ret_heard)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->heard[i].kind != kind || (name && strcmp(watch->heard[i].device.name, name)))
            continue;
        if (ret_heard)
            *ret_heard = watch->heard[i];
        return true;
    }
    return false;
}

static void open_watch(struct watch *watch, uint32_t receive_bytes)
{
    struct links_options options = {.receive_bytes = receive_bytes};
    struct problem problem;

    *watch = (struct watch){.heard = room};
    if (links_open(&options, ns_now_ms(), &watch->links, &problem) < 0)
        fail_msg("%s", problem.text);
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_SYNCED, NULL, NULL));
}

static int start(void **state)
{
    static struct watch watch;

    open_watch(&watch, 0);
    watch.count = 0;
    *state = &watch;
    return 0;
}

static int stop(void **state)
{
    struct watch *watch = *state;

    links_close(watch->links);
    (void)sh(
        "ip link del dev va; ip link del dev vc; ip link del dev br0; ip link del dev renamed");
    return 0;
}

static void the_first_dump_shows_what_is_there(void **state)
{
    struct watch *watch = *state;
    struct heard lo;

    must("ip link add name va type veth peer name vb");
    links_close(watch->links);
    open_watch(watch, 0);
    assert_true(has_heard(watch, LINKS_ON_APPEARED, "lo", &lo));
    assert_true(lo.device.is_loopback);
    assert_true(has_heard(watch, LINKS_ON_APPEARED, "va", NULL));
    assert_true(has_heard(watch, LINKS_ON_ADDRESSES, NULL, NULL));
}

static void a_veth_pair_created_up_is_told_at_once(void **state)
{
    struct watch *watch = *state;
    struct heard va;

    must("ip link add name va up type veth peer name vb");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_APPEARED, "va", &va));
    assert_true(va.device.is_up); /* its operstate is not asked for */
    assert_string_equal(va.device.kind, "veth");
    assert_int_equal(va.device.lower_index, ns_index("vb"));
    assert_true(has_heard(watch, LINKS_ON_APPEARED, "vb", NULL));
}

static void a_port_that_leaves_its_bridge_changes_and_stays(void **state)
{
    struct watch *watch = *state;
    struct heard va;

    must("ip link add name br0 type bridge");
    must("ip link add name va up type veth peer name vb; ip link set dev va master br0");
    read_all(watch);
    assert_int_equal(links_find(watch->links, ns_index("va"))->master_index, ns_index("br0"));
    watch->count = 0;
    must("ip link set dev va nomaster");
    read_all(watch);
    assert_false(has_heard(watch, LINKS_ON_GONE, NULL, NULL));
    assert_true(has_heard(watch, LINKS_ON_CHANGED, "va", &va));
    assert_int_equal(va.device.master_index, 0);
    assert_int_equal(va.was.master_index, ns_index("br0"));
}

static void a_rename_is_a_change_of_the_same_device(void **state)
{
    struct watch *watch = *state;
    struct heard heard;

    must("ip link add name va type veth peer name vb");
    read_all(watch);
    must("ip link set dev va name renamed");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_CHANGED, "renamed", &heard));
    assert_string_equal(heard.was.name, "va");
    assert_int_equal(heard.was.index, heard.device.index);
    assert_false(has_heard(watch, LINKS_ON_GONE, NULL, NULL));
}

static void the_same_name_again_is_another_device(void **state)
{
    struct watch *watch = *state;
    struct heard gone;

    must("ip link add name va type veth peer name vb");
    read_all(watch);
    watch->count = 0;
    must("ip link del dev va; ip link add name va type veth peer name vb");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_GONE, "va", &gone));
    assert_true(has_heard(watch, LINKS_ON_APPEARED, "va", NULL));
    assert_int_not_equal(gone.device.index, ns_index("va"));
}

static void a_device_moved_to_another_namespace_is_gone(void **state)
{
    struct watch *watch = *state;

    must("ip link add name va type veth peer name vb");
    read_all(watch);
    /* The background shell keeps a namespace alive for a moment. */
    must("unshare -n sleep 2 & sleep 0.2; ip link set dev vb netns $!");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_GONE, "vb", NULL));
    assert_false(has_heard(watch, LINKS_ON_GONE, "va", NULL));
    assert_int_equal(links_resync(watch->links, ns_now_ms()), 0); /* va itself is not announced */
    read_all(watch);
    assert_true(links_find(watch->links, ns_index("va"))->is_lower_foreign);
}

static void own_addresses_are_known(void **state)
{
    struct watch *watch = *state;
    const uint8_t wanted[4] = {192, 0, 2, 1};
    size_t count;
    bool is_found = false;

    must("ip link add name va type veth peer name vb; ip addr add 192.0.2.1/24 dev va");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_ADDRESSES, NULL, NULL));
    const struct link_address *addresses = links_addresses(watch->links, &count);

    for (size_t i = 0; i < count; i++)
        is_found |= addresses[i].family == AF_INET && !memcmp(addresses[i].address, wanted, 4) &&
                    addresses[i].device_index == ns_index("va");
    assert_true(is_found);
    watch->count = 0;
    must("ip addr del 192.0.2.1/24 dev va");
    read_all(watch);
    assert_true(has_heard(watch, LINKS_ON_ADDRESSES, NULL, NULL));
}

static void a_second_dump_tells_nothing_twice(void **state)
{
    struct watch *watch = *state;

    must("ip link add name va type veth peer name vb");
    read_all(watch);
    /* The first dump may know more than the announcements, such as the other end of the pair. */
    for (int i = 0; i < 2; i++) {
        watch->count = 0;
        assert_int_equal(links_resync(watch->links, ns_now_ms()), 0);
        read_all(watch);
    }
    assert_int_equal(watch->count, 1);
    assert_int_equal(watch->heard[0].kind, LINKS_ON_SYNCED);
}

static void time_alone_brings_the_next_dump(void **state)
{
    struct watch *watch = *state;
    struct links_counts before;
    struct links_counts after;

    links_counts(watch->links, &before);
    assert_int_equal(links_tick(watch->links, links_deadline_ms(watch->links) - 1), 0);
    assert_int_equal(links_tick(watch->links, links_deadline_ms(watch->links)), 0);
    links_counts(watch->links, &after);
    assert_int_equal(after.dumps, before.dumps + 1);
}

static void a_dump_that_never_ends_gets_a_new_socket(void **state)
{
    struct watch *watch = *state;
    struct links_counts counts;

    assert_int_equal(links_resync(watch->links, ns_now_ms()), 0);
    int fd = links_fd(watch->links);

    assert_int_equal(links_tick(watch->links, links_deadline_ms(watch->links)), 0);
    read_all(watch);
    links_counts(watch->links, &counts);
    assert_int_equal(counts.reopened, 1);
    assert_int_equal(links_fd(watch->links), fd);
    assert_true(has_heard(watch, LINKS_ON_SYNCED, NULL, NULL));
}

static void assert_as_kernel_says(const struct watch *watch)
{
    FILE *names = popen("ip -o link | cut -d: -f1", "r");
    uint32_t index;
    size_t count;
    size_t shown = 0;

    assert_non_null(names);
    for (; fscanf(names, "%u", &index) == 1; shown++)
        assert_non_null(links_find(watch->links, index));
    (void)pclose(names);
    (void)links_devices(watch->links, &count);
    assert_int_equal(count, shown);
}

static void an_overrun_ends_in_a_dump_that_finds_everything(void **state)
{
    struct watch *watch = *state;
    struct links_counts counts;

    links_close(watch->links);
    open_watch(watch, 4096);
    /* Nobody reads while 100 pairs come and a third of them go again. */
    must("for i in $(seq 100); do echo link add name f$i type veth peer name g$i; done > "
         "/tmp/batch.$$;"
         "for i in $(seq 1 3 100); do echo link del dev f$i; done >> /tmp/batch.$$;"
         "ip -batch /tmp/batch.$$; r=$?; rm /tmp/batch.$$; exit $r");
    read_all(watch);
    for (int i = 0; i < 20; i++) { /* the daemon's timer, in short */
        (void)links_tick(watch->links, ns_now_ms() + LINKS_RETRY_MS);
        read_all(watch);
    }
    links_counts(watch->links, &counts);
    assert_true(counts.overruns > 0);
    assert_as_kernel_says(watch);
    must("for i in $(seq 100); do echo link del dev f$i; done | ip -force -batch - || true");
}

static void the_driver_says_what_it_offers(void **state)
{
    (void)state;
    must("ip link add name va type veth peer name vb");
    enum xdp_offer offer = mode_xdp_offer(ns_index("va"));

    if (offer == XDP_OFFER_UNKNOWN)
        skip(); /* before 6.3 */
    assert_int_equal(offer, XDP_OFFER_NATIVE);
    assert_int_equal(mode_xdp_offer(ns_index("lo")), XDP_OFFER_NONE);
    assert_int_equal(mode_xdp_offer(999999), XDP_OFFER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_dump_shows_what_is_there, start, stop),
        cmocka_unit_test_setup_teardown(a_veth_pair_created_up_is_told_at_once, start, stop),
        cmocka_unit_test_setup_teardown(
            a_port_that_leaves_its_bridge_changes_and_stays, start, stop),
        cmocka_unit_test_setup_teardown(a_rename_is_a_change_of_the_same_device, start, stop),
        cmocka_unit_test_setup_teardown(the_same_name_again_is_another_device, start, stop),
        cmocka_unit_test_setup_teardown(a_device_moved_to_another_namespace_is_gone, start, stop),
        cmocka_unit_test_setup_teardown(own_addresses_are_known, start, stop),
        cmocka_unit_test_setup_teardown(a_second_dump_tells_nothing_twice, start, stop),
        cmocka_unit_test_setup_teardown(time_alone_brings_the_next_dump, start, stop),
        cmocka_unit_test_setup_teardown(a_dump_that_never_ends_gets_a_new_socket, start, stop),
        cmocka_unit_test_setup_teardown(
            an_overrun_ends_in_a_dump_that_finds_everything, start, stop),
        cmocka_unit_test_setup_teardown(the_driver_says_what_it_offers, start, stop),
    };

    ns_enter();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
