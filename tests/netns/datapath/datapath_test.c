/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "bpf/fw_reasons.h"
#include "node/datapath/datapath.h"
#include "node/datapath/hook.h"
#include "tests/netns/datapath/rules.h"
#include "tests/netns/datapath/stream.h"
#include "tests/netns/datapath/sync.h"
#include "tests/netns/links/ns.h"
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BAD "198.51.100.66"
#define GOOD "198.51.100.7"
#define NEAR "192.0.2.1"

static const char *bpffs;
static struct datapath *datapath;
static struct small_tables drops;
static struct small_tables passes;

static struct datapath *open_as(struct datapath_options options)
{
    struct datapath *opened;
    struct problem problem = {0};

    if (datapath_open(&options, &opened, &problem) < 0)
        fail_msg("%s", problem.text);
    return opened;
}

static struct datapath *open_with(bool forces_native)
{
    return open_as((struct datapath_options){.bpffs = bpffs, .tests_force_native = forces_native});
}

static struct link_device device_named(const char *name, const char *kind)
{
    struct link_device device = {
        .index = ns_index(name), .link_type = ARPHRD_ETHER, .is_up = true, .mtu = 1500};

    assert_int_not_equal(device.index, 0);
    (void)snprintf(device.name, sizeof(device.name), "%s", name);
    (void)snprintf(device.kind, sizeof(device.kind), "%s", kind);
    return device;
}

static const struct datapath_device *attach(const char *name, const char *kind)
{
    struct link_device device = device_named(name, kind);
    const struct answer *answer = sync_attach(datapath, &device);

    assert_int_equal(answer->devices_count, 1);
    return &answer->devices[0];
}

/* One datapath serves many tests: loading programs is slow. It begins with counts of zero. */
static int start(void **state)
{
    (void)state;
    small_tables(&drops, BAD, 0);
    small_tables(&passes, NULL, 0);
    if (!datapath)
        datapath = open_with(false);
    drops.object.is_fresh = true;
    sync_publish(datapath, &drops.tables);
    drops.object.is_fresh = false;
    must("ip link add name va type veth peer name vb");
    must("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.va.rp_filter=0");
    must("ip addr add " NEAR "/24 dev va; ip link set dev va up; ip link set dev vb up;"
         "ip route replace 198.51.100.0/24 dev va");
    return 0;
}

static int stop(void **state)
{
    static const char *const names[] = {"va", "tap0", "br0"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (datapath && ns_index(names[i]))
            (void)sync_forget(datapath, ns_index(names[i]));
    }
    (void)sh("for d in va tap0 br0; do ip link del dev $d; done");
    return 0;
}

/* For what must not outlast its test. */
static int stop_and_remove(void **state)
{
    (void)sync_remove_all(datapath);
    datapath_close(datapath);
    datapath = NULL;
    (void)state;
    (void)sh("for d in va tap0 br0; do ip link del dev $d; done");
    return 0;
}

static void a_new_device_is_filtered_by_what_runs(void **state)
{
    struct stream stream;

    (void)state;
    assert_int_equal(attach("va", "veth")->mode, DEVICE_TC);
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    stream_close(&stream);
}

/* Indexes grow as devices come and go; above FW_DEVICES_NEAR the table is another. */
static void a_device_of_a_high_index_is_filtered_alike(void **state)
{
    struct stream stream;

    (void)state;
    must("ip link add name tap0 index 70001 type veth peer name vc; ip link set dev tap0 up;"
         "ip link set dev vc up; ip route replace 198.51.100.0/24 dev tap0;"
         "sysctl -qw net.ipv4.conf.tap0.rp_filter=0");
    assert_int_equal(ns_index("tap0"), 70001);
    (void)attach("tap0", "veth");
    stream_open(&stream, "tap0", "vc", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    sync_publish(datapath, &drops.tables); /* the device is not in these tables: attach enters it */
    (void)attach("tap0", "veth");
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    stream_close(&stream);
}

static void without_a_generation_only_the_lifeline_passes(void **state)
{
    struct stream stream;

    (void)state;
    assert_true(attach("va", "veth")->is_protected);
    assert_int_equal(sync_flip(datapath, DATAPATH_SLOT_LIFELINE, 0)->code, 0);
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 0);
    stream_close(&stream);
}

/* What a box whose rules cannot be compiled is repaired through. */
static void slot_0_takes_a_lifeline_that_knows_the_box(void **state)
{
    struct small_tables lifeline;
    struct stream stream;
    struct fw_manage manage = {.family = FW_IPV4, .protocol = 17, .port = 7777};
    struct fw_host_set own = {.flags[0] = FW_HOST_OWN};

    (void)state;
    (void)attach("va", "veth");
    assert_int_equal(sync_flip(datapath, DATAPATH_SLOT_LIFELINE, 0)->code, 0);
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 0);
    small_tables(&lifeline, NULL, 0);
    (void)inet_pton(AF_INET, NEAR, own.addresses[0]);
    lifeline.tables.gen.flags = FW_GEN_LIFELINE_ONLY;
    lifeline.tables.gen.manage_count = 1;
    lifeline.tables.manage = &manage;
    lifeline.tables.manage_count = 1;
    lifeline.tables.hosts = &own;
    lifeline.tables.hosts_count = 1;
    assert_int_equal(sync_lifeline(datapath, &lifeline.tables)->code, 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    sync_publish(datapath, &drops.tables);
    assert_int_equal(sync_lifeline(datapath, &lifeline.tables)->code, 0); /* beside what runs */
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    stream_close(&stream);
}

static void rules_and_reasons_are_counted(void **state)
{
    struct stream stream;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    uint64_t before = sync_counters(datapath)->reasons[FW_REASON_DROP_RULE].packets;

    (void)stream_send(&stream, BAD, 7);
    const struct answer *answer = sync_counters(datapath);

    assert_int_equal(answer->reasons[FW_REASON_DROP_RULE].packets, before + 7);
    assert_int_equal(answer->rules[0].packets, 7);
    stream_close(&stream);
}

static void counts_survive_a_flip_and_a_larger_size_class(void **state)
{
    struct stream stream;
    struct small_tables many;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    (void)stream_send(&stream, BAD, 3);
    sync_publish(datapath, &drops.tables);
    (void)stream_send(&stream, BAD, 3);
    small_tables(&many, BAD, 0);
    many.tables.counters_count = 500;
    sync_publish(datapath, &many.tables);
    (void)stream_send(&stream, BAD, 3);
    assert_int_equal(sync_counters(datapath)->rules[0].packets, 9);
    stream_close(&stream);
}

/* The generation of before is still pinned, as the next one's room. */
static void what_was_carried_over_is_not_carried_again_at_a_restart(void **state)
{
    struct stream stream;
    struct small_tables many;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    (void)stream_send(&stream, BAD, 3);
    small_tables(&many, BAD, 0);
    many.tables.counters_count = 3000;
    sync_publish(datapath, &many.tables);
    (void)stream_send(&stream, BAD, 3);
    datapath_close(datapath);
    datapath = open_with(false);
    assert_int_equal(sync_counters(datapath)->rules[0].packets, 6);
    stream_close(&stream);
}

static void note_counted(void *user, uint32_t counter, const uint8_t id[OP_REF_BYTES])
{
    uint32_t *counters = user;

    assert_int_equal(id[0], 0xc0);
    assert_int_equal(id[OP_REF_BYTES - 1], 0x0c);
    counters[0]++;
    counters[1] = counter;
}

static void a_restart_knows_which_object_counts_where(void **state)
{
    struct small_tables named;
    uint32_t counters[2] = {0};

    (void)state;
    small_tables(&named, BAD, 17);
    named.object.id[0] = 0xc0;
    named.object.id[OP_REF_BYTES - 1] = 0x0c;
    for (int i = 0; i < 3; i++) /* loaded, then refilled */
        sync_publish(datapath, &named.tables);
    datapath_close(datapath);
    datapath = open_with(false);
    datapath_counted(datapath, note_counted, counters);
    assert_int_equal(counters[0], 1);
    assert_int_equal(counters[1], 17);
}

static void a_fresh_counter_starts_at_zero(void **state)
{
    struct stream stream;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    (void)stream_send(&stream, BAD, 3);
    sync_publish(datapath, &passes.tables);
    drops.object.is_fresh = true;
    sync_publish(datapath, &drops.tables);
    assert_int_equal(sync_counters(datapath)->rules[0].packets, 0);
    stream_close(&stream);
}

static void a_closed_datapath_goes_on_dropping(void **state)
{
    struct stream stream;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    datapath_close(datapath);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    datapath = open_with(false);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    stream_close(&stream);
}

/* Loaded, refilled, taken over and refilled again. */
static void forests_in_chunks_are_filled_and_taken_over(void **state)
{
    const struct datapath_options options = {.bpffs = bpffs, .tests_cut_blobs = true};
    struct stream stream;

    (void)state;
    datapath_close(datapath);
    datapath = open_as(options);
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    for (unsigned turn = 0; turn < 4; turn++) {
        sync_publish(datapath, &passes.tables);
        assert_int_equal(stream_send(&stream, BAD, 20), 20);
        sync_publish(datapath, &drops.tables);
        assert_int_equal(stream_send(&stream, BAD, 20), 0);
        assert_int_equal(stream_send(&stream, GOOD, 20), 20);
        if (turn != 1)
            continue;
        datapath_close(datapath);
        datapath = open_as(options);
        (void)attach("va", "veth");
    }
    stream_close(&stream);
}

static void a_restart_keeps_filter_slot_and_counters(void **state)
{
    struct stream stream;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    (void)stream_send(&stream, BAD, 5);
    uint8_t slot = datapath_active_slot(datapath, 0);

    must("tc filter show dev va ingress | grep -o 'id [0-9]*' > %s.before", bpffs);
    datapath_close(datapath);
    datapath = open_with(false);
    assert_true(attach("va", "veth")->is_protected);
    must("tc filter show dev va ingress | grep -o 'id [0-9]*' | cmp - %s.before; r=$?;"
         "rm %s.before; exit $r",
        bpffs, bpffs);
    assert_int_equal(datapath_active_slot(datapath, 0), slot);
    assert_int_equal(sync_counters(datapath)->rules[0].packets, 5);
    stream_close(&stream);
}

static void a_device_new_after_a_restart_gets_its_entry(void **state)
{
    struct stream stream;

    (void)state;
    datapath_close(datapath);
    datapath = open_with(false);
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    stream_close(&stream);
}

struct flipping {
    pthread_t thread;
    struct stream stream;
    unsigned sent, came;
    bool is_over;
};

static void *keep_sending(void *user)
{
    struct flipping *flipping = user;

    while (!__atomic_load_n(&flipping->is_over, __ATOMIC_ACQUIRE)) {
        flipping->came += stream_send(&flipping->stream, BAD, 50);
        flipping->sent += 50;
    }
    return NULL;
}

/* Between two generations that both drop, one packet that passes has seen neither. */
static void no_packet_slips_through_while_generations_change(void **state)
{
    struct flipping flipping = {0};

    (void)state;
    (void)attach("va", "veth");
    stream_open(&flipping.stream, "va", "vb", NEAR);
    assert_int_equal(pthread_create(&flipping.thread, NULL, keep_sending, &flipping), 0);
    for (int i = 0; i < 20; i++)
        sync_publish(datapath, &drops.tables);
    datapath_close(datapath);
    datapath = open_with(false);
    __atomic_store_n(&flipping.is_over, true, __ATOMIC_RELEASE);
    (void)pthread_join(flipping.thread, NULL);
    assert_true(flipping.sent > 0);
    assert_int_equal(flipping.came, 0);
    stream_close(&flipping.stream);
}

static _Noreturn void publish_for_ever(void)
{
    struct datapath_options options = {.bpffs = bpffs};

    if (datapath_open(&options, &datapath, NULL) < 0)
        _exit(1);
    (void)attach("va", "veth"); /* a generation has the devices that its daemon was told of */
    for (;;)
        sync_publish(datapath, &drops.tables);
}

static void killing_the_daemon_at_any_moment_lets_nothing_through(void **state)
{
    struct stream stream;
    unsigned came = 0;

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    datapath_close(datapath);
    for (unsigned i = 0; i < 6; i++) {
        pid_t child = fork();

        if (child == 0)
            publish_for_ever();
        (void)usleep(20000 + i * 41000);
        came += stream_send(&stream, BAD, 50);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        came += stream_send(&stream, BAD, 50);
    }
    datapath = open_with(false);
    assert_int_equal(came, 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    (void)attach("va", "veth");
    sync_publish(datapath, &passes.tables);
    assert_int_equal(stream_send(&stream, BAD, 20), 20);
    stream_close(&stream);
}

static void a_pin_of_another_shape_is_refused_with_the_remedy(void **state)
{
    struct datapath_options options = {.bpffs = bpffs};
    struct datapath *opened;
    struct problem problem = {0};
    char path[128];
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 4, 1, NULL);

    (void)state;
    (void)sync_remove_all(datapath);
    datapath_close(datapath);
    datapath = NULL;
    must("mkdir -p %s/picket/v%d", bpffs, FW_ABI_VERSION);
    (void)snprintf(path, sizeof(path), "%s/picket/v%d/fw_word", bpffs, FW_ABI_VERSION);
    assert_int_equal(bpf_obj_pin(fd, path), 0);
    assert_int_equal(datapath_open(&options, &opened, &problem), -EBADMSG);
    assert_non_null(strstr(problem.text, "picketd --remove"));
    assert_int_equal(unlink(path), 0);
    (void)close(fd);
}

static void a_fill_changes_nothing_before_the_flip(void **state)
{
    struct stream stream;

    (void)state;
    sync_publish(datapath, &passes.tables);
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    uint8_t slot = sync_fill(datapath, &drops.tables)->slot;

    assert_int_equal(stream_send(&stream, BAD, 20), 20);
    assert_int_equal(sync_flip(datapath, slot, 0)->code, 0);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    stream_close(&stream);
}

static uint64_t boot_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void an_unconfirmed_flip_reverts_by_itself(void **state)
{
    struct stream stream;

    (void)state;
    sync_publish(datapath, &passes.tables);
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    uint8_t slot = sync_fill(datapath, &drops.tables)->slot;
    uint64_t deadline_ms = boot_ms() + 500;

    assert_int_equal(sync_flip(datapath, slot, deadline_ms)->code, 0);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    while (boot_ms() < deadline_ms)
        (void)usleep(20000);
    assert_int_equal(stream_send(&stream, BAD, 20), 20);
    assert_int_not_equal(datapath_active_slot(datapath, boot_ms()), slot);
    stream_close(&stream);
}

static void a_refused_table_keeps_the_last_generation(void **state)
{
    struct stream stream;
    struct small_tables wrong;
    struct fw_manage rows[FW_MANAGE_MAX + 1] = {{.port = 22}};

    (void)state;
    (void)attach("va", "veth");
    stream_open(&stream, "va", "vb", NEAR);
    small_tables(&wrong, NULL, 0);
    wrong.tables.manage = rows;
    wrong.tables.manage_count = FW_MANAGE_MAX + 1;
    const struct answer *answer = sync_fill(datapath, &wrong.tables);

    assert_true(answer->code < 0);
    assert_non_null(strstr(answer->why, "fw_manage"));
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    stream_close(&stream);
}

#define PREFIXES 100000

/* A set of many addresses, which no rule names. */
static void big_tables(struct small_tables *big, struct trie_row *rows)
{
    struct problem problem;

    small_tables(big, BAD, 0);
    for (uint32_t i = 0; i < PREFIXES; i++) {
        rows[i] = (struct trie_row){.length = 32, .class = 1};
        put_be32(rows[i].address, 0x0b000000 + i * 7);
    }
    assert_int_equal(trie_build(&big->tables.blobs[FW_BLOB_TRIE4], rows, PREFIXES, FW_IPV4,
                         &big->tables.gen.tries[FW_IPV4], &problem),
        0);
}

static void a_hundred_thousand_prefixes_are_filled_and_refilled(void **state)
{
    static struct trie_row rows[PREFIXES];
    struct small_tables big;

    (void)state;
    big_tables(&big, rows);
    for (int i = 0; i < 4; i++) {
        uint64_t before_ms = boot_ms();

        sync_publish(datapath, &big.tables);
        print_message("%d prefixes in %u ms\n", PREFIXES, (unsigned)(boot_ms() - before_ms));
    }
    sync_publish(datapath, &drops.tables);
    blob_fini(&big.tables.blobs[FW_BLOB_TRIE4]);
}

static void an_empty_slot_cannot_be_flipped_to(void **state)
{
    (void)state;
    assert_int_equal(sync_flip(datapath, 77, 0)->code, -ENOENT);
}

static void a_lost_filter_is_put_back(void **state)
{
    (void)state;
    (void)attach("va", "veth");
    assert_int_equal(sync_reconcile(datapath)->repaired, 0);
    must("tc qdisc del dev va clsact");
    assert_int_equal(sync_reconcile(datapath)->repaired, 1);
    assert_int_equal(sync_reconcile(datapath)->repaired, 0);
}

static void a_port_keeps_its_filter_when_it_leaves_its_bridge(void **state)
{
    struct link_device port;

    (void)state;
    must("ip link add name br0 type bridge; ip link set dev va master br0");
    assert_int_equal(attach("br0", "bridge")->mode, DEVICE_EXEMPT);
    port = device_named("va", "veth");
    port.master_index = ns_index("br0");
    assert_true(sync_attach(datapath, &port)->devices[0].is_protected);
    must("ip link set dev va nomaster");
    must("tc filter show dev va ingress | grep -q fw_tc_entry");
    assert_true(attach("va", "veth")->is_protected);
}

/* Its kind stays, what is below it goes to another namespace. */
static void an_upper_whose_lower_leaves_is_filtered_from_then_on(void **state)
{
    struct link_device upper = device_named("va", "vlan");
    struct stream stream;

    (void)state;
    assert_int_equal(sync_attach(datapath, &upper)->devices[0].mode, DEVICE_EXEMPT);
    upper.is_lower_foreign = true;
    assert_true(sync_attach(datapath, &upper)->devices[0].is_protected);
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    stream_close(&stream);
}

static void a_device_that_is_gone_says_so(void **state)
{
    struct link_device gone = device_named("va", "veth");

    (void)state;
    gone.index = 9999;
    const struct answer *answer = sync_attach(datapath, &gone);

    assert_true(answer->code < 0);
    assert_int_equal(answer->devices[0].mode, DEVICE_NONE);
    assert_false(answer->devices[0].is_protected);
    assert_int_equal(sync_forget(datapath, 9999)->code, 0);
}

static void a_driver_that_offers_xdp_gets_a_pinned_link(void **state)
{
    (void)state;
    must("ip tuntap add dev tap0 mode tap");
    const struct datapath_device *device = attach("tap0", "tun");

    if (device->mode == DEVICE_TC && strstr(device->reason, "refuses"))
        skip(); /* this kernel's tun driver has no native XDP */
    assert_int_equal(device->mode, DEVICE_NATIVE);
    must("test -e %s/picket/v%d/links/%u", bpffs, FW_ABI_VERSION, ns_index("tap0"));
}

static void a_restart_keeps_the_link(void **state)
{
    (void)state;
    must("ip tuntap add dev tap0 mode tap");
    if (attach("tap0", "tun")->mode != DEVICE_NATIVE)
        skip();
    datapath_close(datapath);
    must("ip -d link show dev tap0 | grep -q prog/xdp");
    datapath = open_with(false);
    assert_int_equal(attach("tap0", "tun")->mode, DEVICE_NATIVE);
    assert_int_equal(sync_reconcile(datapath)->repaired, 0);
}

static int pass_everything(void)
{
    const struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 2},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP);

    return bpf_prog_load(BPF_PROG_TYPE_XDP, "foreign", "GPL", code, 2, &options);
}

/* Another daemon was killed between its own program's pin and the last of the links. */
static void a_link_that_carries_another_program_gets_ours_at_a_restart(void **state)
{
    char pin[160], entry_pin[160];
    int fd = pass_everything();

    (void)state;
    must("ip tuntap add dev tap0 mode tap");
    if (fd < 0 || attach("tap0", "tun")->mode != DEVICE_NATIVE)
        skip();
    (void)snprintf(
        pin, sizeof(pin), "%s/picket/v%d/links/%u", bpffs, FW_ABI_VERSION, ns_index("tap0"));
    (void)snprintf(
        entry_pin, sizeof(entry_pin), "%s/picket/v%d/fw_xdp_entry", bpffs, FW_ABI_VERSION);
    assert_int_equal(hook_xdp_replace(fd, pin), 0);
    datapath_close(datapath);
    datapath = open_with(false);
    int entry_fd = bpf_obj_get(entry_pin);

    assert_int_equal(hook_xdp_program(pin), hook_program_id(entry_fd));
    (void)close(entry_fd);
    (void)close(fd);
}

static void native_xdp_drops_as_tc_does(void **state)
{
    struct stream stream;

    (void)state;
    datapath_close(datapath);
    datapath = open_with(true);
    sync_publish(datapath, &drops.tables);
    if (attach("va", "veth")->mode != DEVICE_NATIVE)
        skip();
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, GOOD, 20), 20);
    assert_int_equal(stream_send(&stream, BAD, 20), 0);
    stream_close(&stream);
}

static void a_link_whose_device_went_is_cleared_away(void **state)
{
    (void)state;
    must("ip tuntap add dev tap0 mode tap");
    uint32_t index = ns_index("tap0");

    if (attach("tap0", "tun")->mode != DEVICE_NATIVE)
        skip();
    must("ip link del dev tap0");
    (void)sync_forget(datapath, index);
    must("test ! -e %s/picket/v%d/links/%u", bpffs, FW_ABI_VERSION, index);
}

static void beside_a_foreign_xdp_program_we_run_at_tc(void **state)
{
    char pin[128];
    int fd = pass_everything();

    (void)state;
    must("ip tuntap add dev tap0 mode tap");
    (void)snprintf(pin, sizeof(pin), "%s/foreign", bpffs);
    if (fd < 0 || hook_xdp_attach(fd, ns_index("tap0"), pin) < 0)
        skip();
    const struct datapath_device *device = attach("tap0", "tun");

    assert_int_equal(device->mode, DEVICE_TC);
    assert_true(device->is_protected);
    assert_non_null(strstr(device->reason, "somebody else"));
    assert_int_equal(hook_xdp_remove(pin), 0);
    (void)close(fd);
}

static void removing_all_leaves_nothing(void **state)
{
    struct stream stream;

    (void)state;
    (void)attach("va", "veth");
    datapath_close(datapath);
    datapath = open_with(false); /* it knows no device, as after picketd --remove */
    assert_int_equal(sync_remove_all(datapath)->code, 0);
    must("test ! -e %s/picket", bpffs);
    stream_open(&stream, "va", "vb", NEAR);
    assert_int_equal(stream_send(&stream, BAD, 20), 20);
    stream_close(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
        TEST(a_new_device_is_filtered_by_what_runs),
        TEST(a_device_of_a_high_index_is_filtered_alike),
        cmocka_unit_test_setup_teardown(
            forests_in_chunks_are_filled_and_taken_over, start, stop_and_remove),
        TEST(without_a_generation_only_the_lifeline_passes),
        TEST(slot_0_takes_a_lifeline_that_knows_the_box),
        TEST(rules_and_reasons_are_counted),
        TEST(counts_survive_a_flip_and_a_larger_size_class),
        TEST(what_was_carried_over_is_not_carried_again_at_a_restart),
        TEST(a_restart_knows_which_object_counts_where),
        TEST(a_fresh_counter_starts_at_zero),
        TEST(a_closed_datapath_goes_on_dropping),
        TEST(a_restart_keeps_filter_slot_and_counters),
        TEST(a_device_new_after_a_restart_gets_its_entry),
        TEST(no_packet_slips_through_while_generations_change),
        TEST(killing_the_daemon_at_any_moment_lets_nothing_through),
        TEST(a_pin_of_another_shape_is_refused_with_the_remedy),
        TEST(a_fill_changes_nothing_before_the_flip),
        TEST(an_unconfirmed_flip_reverts_by_itself),
        TEST(a_refused_table_keeps_the_last_generation),
        TEST(a_hundred_thousand_prefixes_are_filled_and_refilled),
        TEST(an_empty_slot_cannot_be_flipped_to),
        TEST(a_lost_filter_is_put_back),
        TEST(a_port_keeps_its_filter_when_it_leaves_its_bridge),
        TEST(an_upper_whose_lower_leaves_is_filtered_from_then_on),
        TEST(a_device_that_is_gone_says_so),
        TEST(a_driver_that_offers_xdp_gets_a_pinned_link),
        TEST(a_restart_keeps_the_link),
        TEST(a_link_that_carries_another_program_gets_ours_at_a_restart),
        cmocka_unit_test_setup_teardown(native_xdp_drops_as_tc_does, start, stop_and_remove),
        TEST(a_link_whose_device_went_is_cleared_away),
        TEST(beside_a_foreign_xdp_program_we_run_at_tc),
        cmocka_unit_test_setup_teardown(removing_all_leaves_nothing, start, stop_and_remove),
#undef TEST
    };

    ns_enter();
    bpffs = ns_bpffs();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    datapath_close(datapath);
    ns_leave();
    return failed;
}
