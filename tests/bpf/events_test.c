/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs put into the ring, frame by frame: the host's event of the same packet. */
#include "tests/bpf/cases.h"
#include "tests/bpf/kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct box {
    struct world world;
    struct host *host;
    struct kernel *kernel;
    struct ring_buffer *ring;
    struct fw_event last;
    unsigned count;
};

static int on_record(void *user, void *record, size_t bytes)
{
    struct box *box = user;

    assert_int_equal(bytes, sizeof(box->last));
    memcpy(&box->last, record, sizeof(box->last));
    box->count++;
    return 0;
}

static void pace(struct box *box, uint64_t cost_ns, uint64_t ahead_ns)
{
    const struct fw_event_pace pace = {.cost_ns = cost_ns, .ahead_ns = ahead_ns};
    uint32_t zero = 0;
    int fd = bpf_map__fd(kernel_map(box->kernel, "fw_event_pace"));

    assert_int_equal(bpf_map_update_elem(fd, &zero, &pace, BPF_ANY), 0);
}

static struct box *box_new(bool is_dry_run)
{
    struct box *box = calloc(1, sizeof(*box));

    assert_non_null(box);
    assert_int_equal(cases_world(&box->world), 0);
    box->world.input.is_dry_run = is_dry_run;
    assert_int_equal(cases_device(&box->world, 0), 0);
    assert_int_equal(host_new(box->world.tables, &box->host), 0);
    if (kernel_new(box->world.tables, &box->kernel, &box->world.problem) < 0)
        fail_msg("%s", box->world.problem.text);
    box->ring =
        ring_buffer__new(bpf_map__fd(kernel_map(box->kernel, "fw_events")), on_record, box, NULL);
    assert_non_null(box->ring);
    pace(box, 1, UINT64_MAX / 4);
    return box;
}

static void box_free(struct box *box)
{
    ring_buffer__free(box->ring);
    kernel_free(box->kernel);
    host_free(box->host);
    world_fini(&box->world);
    free(box);
}

/* What both say of a packet, without its time. False: the kernel does not run it. */
static bool run(
    struct box *box, enum fw_kind kind, const struct packet *packet, struct fw_event *ret_host)
{
    struct host_packet in = {.kind = kind,
        .ifindex = WORLD_DEVICE,
        .frame = bytes_of(packet->bytes, packet->len),
        .now_ns = 1000};
    struct host_answer answer;
    const struct fw_event *event;
    uint32_t before;
    uint32_t after;

    if (kernel_decide(box->kernel, kind, in.frame, &answer) == -EINVAL)
        return false;
    box->count = 0;
    (void)ring_buffer__consume(box->ring);
    (void)host_event(box->host, &before);
    host_decide(box->host, &in, &answer);
    event = host_event(box->host, &after);
    assert_int_equal(box->count, after - before);
    if (event)
        *ret_host = *event;
    ret_host->time_ns = box->last.time_ns = 0;
    return box->count > 0;
}

static void the_ring_says_what_the_host_says(void **state)
{
    struct box *box = box_new(false);
    unsigned compared = 0;

    (void)state;
    for (size_t i = 0; i < packet_cases_count; i++) {
        for (int kind = FW_KIND_XDP; kind <= FW_KIND_TC_IN; kind++) {
            struct packet packet = {0};
            struct fw_event host = {0};

            packet_cases[i].build(&packet);
            if (packet_cases[i].device_flags || !run(box, (enum fw_kind)kind, &packet, &host))
                continue;
            compared++;
            if (memcmp(&host, &box->last, sizeof(host)) != 0)
                fail_msg("%s, kind %d: another event", packet_cases[i].what, kind);
        }
    }
    assert_true(compared > 40);
    box_free(box);
}

static void a_dry_run_says_what_would_drop(void **state)
{
    struct box *box = box_new(true);
    struct packet packet = {0};
    struct fw_event host = {0};

    (void)state;
    packet_cases[1].build(&packet);
    assert_true(run(box, FW_KIND_XDP, &packet, &host));
    assert_int_equal(box->last.reason, FW_REASON_DROP_RULE);
    assert_int_equal(box->last.flags, FW_EVENT_DRY_RUN);
    box_free(box);
}

static void while_nobody_listens_the_ring_stays_empty(void **state)
{
    struct box *box = box_new(false);
    struct packet packet = {0};
    struct host_answer answer;

    (void)state;
    pace(box, 0, 0);
    packet_cases[1].build(&packet);
    assert_int_equal(
        kernel_decide(box->kernel, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &answer), 0);
    assert_int_equal(ring_buffer__consume(box->ring), 0);
    box_free(box);
}

/* Nobody reads: the verdicts go on, and what found no room is counted. */
static void a_full_ring_changes_no_verdict(void **state)
{
    struct box *box = box_new(false);
    struct packet packet = {0};
    struct host_answer answer;
    int cpus = libbpf_num_possible_cpus();
    struct fw_event_cpu *rows = calloc((size_t)cpus, sizeof(*rows));
    uint64_t missed = 0;
    uint32_t zero = 0;
    unsigned many = FW_EVENTS_BYTES / sizeof(struct fw_event) + 100;

    (void)state;
    assert_non_null(rows);
    packet_cases[1].build(&packet);
    for (unsigned i = 0; i < many; i++) {
        assert_int_equal(
            kernel_decide(box->kernel, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &answer),
            0);
        assert_true(answer.drops);
    }
    assert_int_equal(
        bpf_map_lookup_elem(bpf_map__fd(kernel_map(box->kernel, "fw_event_cpus")), &zero, rows), 0);
    for (int i = 0; i < cpus; i++)
        missed += rows[i].missed;
    box->count = 0;
    (void)ring_buffer__consume(box->ring);
    assert_int_equal(box->count + missed, many);
    assert_true(missed > 0);
    free(rows);
    box_free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_says_what_the_host_says),
        cmocka_unit_test(a_dry_run_says_what_would_drop),
        cmocka_unit_test(while_nobody_listens_the_ring_stays_empty),
        cmocka_unit_test(a_full_ring_changes_no_verdict),
    };

    if (!kernel_is_possible()) {
        print_message("skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
