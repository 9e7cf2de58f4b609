/* SPDX-License-Identifier: Apache-2.0 */
/* The programs in the kernel, without a device: every case, and the same answer as the host's. */
#include "base/prng.h"
#include "tests/bpf/cases.h"
#include "tests/bpf/kernel.h"
#include "tests/bpf/pcap.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GENERATED 4000
#define FRAME_LEAST 14 /* the kernel runs none that is shorter */
#define FRAME_CUT 1514

struct both {
    struct world world;
    struct host *host;
    struct kernel *kernel;
    uint32_t frames;
    const char *what;
};

static struct both *both_new(uint8_t device_flags)
{
    struct both *both = calloc(1, sizeof(*both));

    assert_non_null(both);
    assert_int_equal(cases_world(&both->world), 0);
    assert_int_equal(cases_device(&both->world, device_flags), 0);
    assert_int_equal(host_new(both->world.tables, &both->host), 0);
    if (kernel_new(both->world.tables, &both->kernel, &both->world.problem) < 0)
        fail_msg("%s", both->world.problem.text);
    return both;
}

static void both_free(struct both *both)
{
    kernel_free(both->kernel);
    host_free(both->host);
    world_fini(&both->world);
    free(both);
}

/* Host and kernel say the same of a frame, for both kinds of program. */
static void agree(struct both *both, struct bytes frame)
{
    for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
        struct host_packet in = {
            .kind = (enum fw_kind)kind, .ifindex = WORLD_DEVICE, .frame = frame, .now_ns = 1000};
        struct host_answer host, kernel;
        int r = kernel_decide(both->kernel, in.kind, frame, &kernel);

        if (r == -EINVAL && kind == FW_KIND_TC_IN)
            continue; /* the kernel looks at the IP header before it runs a tc program */
        assert_int_equal(r, 0);
        host_decide(both->host, &in, &host);
        if (host.reason != kernel.reason || host.drops != kernel.drops)
            fail_msg("%s, frame %u, kind %d: host %d, kernel %d", both->what, both->frames, kind,
                host.reason, kernel.reason);
    }
    both->frames++;
}

/* The kernel runs a tc program on frames only, so one without link header gets the header that a
 * tunnel might leave there: the program must not look at it. */
static int decide(struct both *both, const struct packet_case *row, enum fw_kind kind,
    const struct packet *packet, struct host_answer *ret_answer)
{
    struct packet framed = {0};

    if (kind == FW_KIND_XDP || !(row->device_flags & FW_DEVICE_RAW_IP))
        return kernel_decide(both->kernel, kind, bytes_of(packet->bytes, packet->len), ret_answer);
    packet_ethernet(&framed, packet->bytes[0] >> 4 == 4   ? 0x0800
                             : packet->bytes[0] >> 4 == 6 ? 0x86dd
                                                          : 0x8847);
    framed.bytes[0] = 0x45;
    memcpy(framed.bytes + framed.len, packet->bytes, packet->len);
    return kernel_decide(
        both->kernel, kind, bytes_of(framed.bytes, framed.len + packet->len), ret_answer);
}

static void every_case_has_its_reason_in_the_kernel(void **state)
{
    struct both *both = NULL;
    uint32_t flags = UINT32_MAX;

    (void)state;
    for (size_t i = 0; i < packet_cases_count; i++) {
        const struct packet_case *row = &packet_cases[i];
        struct packet packet = {0};

        if (row->device_flags != flags) {
            if (both)
                both_free(both);
            both = both_new(row->device_flags);
            flags = row->device_flags;
        }
        row->build(&packet);
        for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
            struct host_answer answer;
            int r = decide(both, row, (enum fw_kind)kind, &packet, &answer);

            if (r == -EINVAL && kind == FW_KIND_TC_IN)
                continue;
            assert_int_equal(r, 0);
            if (answer.reason != row->reason)
                fail_msg("%s, kind %d: reason %d instead of %d", row->what, kind, answer.reason,
                    row->reason);
        }
    }
    both_free(both);
}

/* Frames of the table with a few bytes changed and the end cut. */
static void host_and_kernel_agree_on_generated_frames(void **state)
{
    struct both *both = both_new(0);
    struct prng prng;

    (void)state;
    both->what = "generated";
    prng_seed(&prng, 7);
    for (int i = 0; i < GENERATED; i++) {
        struct packet packet = {0};

        packet_cases[prng_below(&prng, packet_cases_count)].build(&packet);
        for (uint64_t n = prng_below(&prng, 4); n > 0; n--)
            packet.bytes[prng_below(&prng, packet.len)] = (uint8_t)prng_next(&prng);
        if (prng_below(&prng, 4) == 0)
            packet.len = prng_below(&prng, packet.len + 1);
        if (packet.len >= FRAME_LEAST)
            agree(both, bytes_of(packet.bytes, packet.len));
    }
    both_free(both);
}

static void agree_captured(void *user, uint32_t link_type, struct bytes frame)
{
    struct both *both = user;

    if (link_type != PCAP_LINK_ETHERNET || frame.len < FRAME_LEAST)
        return;
    if (frame.len > FRAME_CUT)
        frame.len = FRAME_CUT;
    agree(both, frame);
}

static DIR *open_captures(char *ret_folder, size_t len)
{
    const char *places[] = {getenv("PICKET_DATA"), "shared/data", "../shared/data"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        DIR *folder = NULL;

        if (places[i] && snprintf(ret_folder, len, "%s/pcap", places[i]) < (int)len)
            folder = opendir(ret_folder);
        if (folder)
            return folder;
    }
    return NULL;
}

static void host_and_kernel_agree_on_every_capture(void **state)
{
    char place[512], path[1024];
    DIR *folder = open_captures(place, sizeof(place));
    struct both *both;
    struct dirent *entry;

    (void)state;
    if (!folder) {
        print_message("skipped: the captures of the test data are not here (PICKET_DATA)\n");
        skip();
        return;
    }
    both = both_new(0);
    while ((entry = readdir(folder))) {
        if (!strstr(entry->d_name, ".pcap") && !strstr(entry->d_name, ".cap"))
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", place, entry->d_name);
        both->what = path;
        (void)pcap_each(path, agree_captured, both);
    }
    (void)closedir(folder);
    print_message("%u captured frames\n", both->frames);
    assert_true(both->frames > 0);
    both_free(both);
}

static enum fw_reason ask(struct both *both, enum fw_kind kind, bool *ret_drops)
{
    struct packet packet = {0};
    struct host_answer answer;

    packet_cases[0].build(&packet); /* passes by default */
    assert_int_equal(
        kernel_decide(both->kernel, kind, bytes_of(packet.bytes, packet.len), &answer), 0);
    *ret_drops = answer.drops;
    return answer.reason;
}

static void past_its_deadline_a_generation_gives_way_to_the_fallback(void **state)
{
    struct both *both = both_new(0);
    bool drops;

    (void)state;
    kernel_set_word(both->kernel, FW_WORD(9, KERNEL_SLOT, 1)); /* long past */
    assert_int_equal(ask(both, FW_KIND_XDP, &drops), FW_REASON_PASS_DEFAULT);
    kernel_set_word(both->kernel, FW_WORD(KERNEL_SLOT, 9, FW_DEADLINE_MASK));
    assert_int_equal(ask(both, FW_KIND_TC_IN, &drops), FW_REASON_PASS_DEFAULT);
    assert_false(drops);
    both_free(both);
}

static void an_empty_slot_without_a_lifeline_program_drops(void **state)
{
    struct both *both = both_new(0);
    bool drops;

    (void)state;
    kernel_set_word(both->kernel, FW_WORD(9, 9, 0));
    assert_int_equal(ask(both, FW_KIND_XDP, &drops), FW_REASON_DROP_STAGE);
    assert_true(drops);
    assert_int_equal(ask(both, FW_KIND_TC_IN, &drops), FW_REASON_DROP_STAGE);
    assert_true(drops);
    both_free(both);
}

static void a_missing_second_stage_drops(void **state)
{
    struct both *both = both_new(0);
    bool drops;

    (void)state;
    for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
        assert_int_equal(kernel_remove_program(both->kernel, (enum fw_kind)kind, 1, FW_IPV4), 0);
        assert_int_equal(ask(both, (enum fw_kind)kind, &drops), FW_REASON_DROP_STAGE);
        assert_true(drops);
    }
    both_free(both);
}

static unsigned knock(struct both *both, enum fw_kind kind, const char *source)
{
    struct packet packet;
    struct host_answer answer;
    unsigned passed = 0;

    packet_knock(&packet, source);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(
            kernel_decide(both->kernel, kind, bytes_of(packet.bytes, packet.len), &answer), 0);
        assert_int_equal(
            answer.reason, answer.drops ? FW_REASON_DROP_MESH_RATE : FW_REASON_PASS_MESH);
        passed += !answer.drops;
    }
    return passed;
}

static void strangers_knock_at_the_mesh_port_by_a_rate_of_their_own(void **state)
{
    struct both *both = both_new(0);

    (void)state;
    for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
        static const char *const strangers[2][2] = {
            {"203.0.113.9", "2001:db8:7::1"}, {"203.0.113.10", "2001:db8:8::1"}};

        for (int family = 0; family < 2; family++)
            assert_in_range(knock(both, (enum fw_kind)kind, strangers[kind][family]), 64, 100);
        assert_int_equal(knock(both, (enum fw_kind)kind, "192.0.2.7"), 200);
    }
    both_free(both);
}

static void a_dry_run_counts_and_passes(void **state)
{
    struct both *both = calloc(1, sizeof(*both));
    struct packet packet = {0};
    struct host_answer answer;

    (void)state;
    assert_non_null(both);
    assert_int_equal(cases_world(&both->world), 0);
    both->world.input.is_dry_run = true;
    assert_int_equal(cases_device(&both->world, 0), 0);
    assert_int_equal(kernel_new(both->world.tables, &both->kernel, &both->world.problem), 0);
    packet_cases[1].build(&packet);
    assert_int_equal(
        kernel_decide(both->kernel, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &answer), 0);
    assert_int_equal(answer.reason, FW_REASON_DROP_RULE);
    assert_false(answer.drops);
    both_free(both);
}

/* 64 ports in one rule are 64 leaf rules in each family. */
static void add_wide_rule(struct world *world, int number)
{
    char text[1024];
    size_t len = (size_t)snprintf(text, sizeof(text), "drop in udp priority 5 port 1");

    for (int i = 1; i < 64; i++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, ",%d", 20000 + (number * 64 + i) * 2);
    assert_int_equal(world_rule(world, text), 0);
}

typedef int (*load_fn)(const struct compile_tables *, struct kernel **, struct problem *);

/* Many rules, with more log rules before the last one than are counted. */
static void the_last_of_many_rules_decides(load_fn load)
{
    struct both *both = calloc(1, sizeof(*both));
    struct packet packet = {0};
    struct host_answer answer;

    assert_non_null(both);
    assert_int_equal(world_init(&both->world), 0);
    for (int i = 0; i < FW_HITS_MAX + 4; i++)
        assert_int_equal(world_rule(&both->world, "log in family ipv4"), 0);
    for (int i = 0; i < 63; i++)
        add_wide_rule(&both->world, i);
    assert_int_equal(world_rule(&both->world, "drop in tcp port 80 priority 9"), 0);
    assert_int_equal(world_compile(&both->world), 0);
    assert_int_equal(load(both->world.tables, &both->kernel, &both->world.problem), 0);
    packet_cases[0].build(&packet);
    for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
        assert_int_equal(kernel_decide(both->kernel, (enum fw_kind)kind,
                             bytes_of(packet.bytes, packet.len), &answer),
            0);
        assert_int_equal(answer.reason, FW_REASON_DROP_RULE);
    }
    both_free(both);
}

static void the_last_of_many_rules_decides_in_one_value(void **state)
{
    (void)state;
    the_last_of_many_rules_decides(kernel_new);
}

static void the_last_of_many_rules_decides_in_chunks(void **state)
{
    (void)state;
    the_last_of_many_rules_decides(kernel_new_cut);
}

/* As on kernels that take no large values. */
static void every_case_has_its_reason_over_chunks(void **state)
{
    struct both *both = both_new(0);
    struct kernel *cut = NULL;

    (void)state;
    assert_int_equal(kernel_new_cut(both->world.tables, &cut, &both->world.problem), 0);
    for (size_t i = 0; i < packet_cases_count; i++) {
        struct packet packet = {0};
        struct host_answer whole, chunks;

        if (packet_cases[i].device_flags)
            continue;
        packet_cases[i].build(&packet);
        if (packet.len < FRAME_LEAST)
            continue;
        assert_int_equal(
            kernel_decide(both->kernel, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &whole),
            0);
        assert_int_equal(
            kernel_decide(cut, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &chunks), 0);
        assert_int_equal(whole.reason, chunks.reason);
    }
    kernel_free(cut);
    both_free(both);
}

static void no_program_needs_more_than_200000_verified_instructions(void **state)
{
    struct both *both = both_new(0);
    uint32_t most = kernel_verified_max(both->kernel);

    (void)state;
    print_message("%u verified instructions at most\n", most);
    assert_true(most <= 200000);
    both_free(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_has_its_reason_in_the_kernel),
        cmocka_unit_test(host_and_kernel_agree_on_generated_frames),
        cmocka_unit_test(host_and_kernel_agree_on_every_capture),
        cmocka_unit_test(past_its_deadline_a_generation_gives_way_to_the_fallback),
        cmocka_unit_test(an_empty_slot_without_a_lifeline_program_drops),
        cmocka_unit_test(a_missing_second_stage_drops),
        cmocka_unit_test(strangers_knock_at_the_mesh_port_by_a_rate_of_their_own),
        cmocka_unit_test(a_dry_run_counts_and_passes),
        cmocka_unit_test(no_program_needs_more_than_200000_verified_instructions),
        cmocka_unit_test(the_last_of_many_rules_decides_in_one_value),
        cmocka_unit_test(the_last_of_many_rules_decides_in_chunks),
        cmocka_unit_test(every_case_has_its_reason_over_chunks),
    };

    if (!kernel_is_possible()) {
        print_message("skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
