/* SPDX-License-Identifier: Apache-2.0 */
/* What is below every verdict: an empty program, a parser, and ours from frame to verdict with
 * next to no rules, by one frame a family. */
#include "tests/bench/packet/micro/rows.h"
#include "tests/bpf/kernel.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/world.h"

#include "live/peers.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Worlds: a rule that the frames of both families meet, or one they miss by a port. */
enum world_kind { LIFELINE_ONLY, NO_RULES, RULE_MISSED, ONE_RULE, WORLDS };

static const char *const world_names[WORLDS] = {
    [LIFELINE_ONLY] = "lifeline-only",
    [NO_RULES] = "no-rules",
    [RULE_MISSED] = "rule-missed",
    [ONE_RULE] = "one-rule",
};
static const char *const rules[WORLDS] = {
    [RULE_MISSED] = "drop in tcp to any port 81",
    [ONE_RULE] = "drop in tcp to any port 80",
};
static const bool drops[WORLDS] = {[LIFELINE_ONLY] = true, [ONE_RULE] = true};
static const char *const families[FW_FAMILY_COUNT] = {"v4", "v6"};

#define EMPTY 0
#define PARSE(family) (1 + (family))
#define WORLD(kind, family) (3 + 2 * (kind) + (family))
#define FLOORS WORLD(WORLDS, 0)

/* One generation whose maps take turns, so that all worlds are decided by the same code. */
struct floors {
    struct peers *peers;
    struct world *worlds[WORLDS];
    struct compile_tables *lifeline;
    struct kernel *kernel;
    struct packet frames[FW_FAMILY_COUNT];
    double times[FLOORS][ROUNDS_MAX];
};

static void make_frames(struct floors *floors)
{
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        struct packet *frame = &floors->frames[family];

        packet_ethernet(frame, family == FW_IPV4 ? 0x0800 : 0x86dd);
        if (family == FW_IPV4)
            packet_ipv4(frame, "203.0.113.7", "192.0.2.1", 6);
        else
            packet_ipv6(frame, "2001:db8:7::7", "2001:db8::1", 6);
        packet_tcp(frame, 40000, 80, 2);
        packet_end(frame);
    }
}

static struct bytes frame_of(const struct floors *floors, uint32_t family)
{
    return bytes_of(floors->frames[family].bytes, floors->frames[family].len);
}

static const struct compile_tables *tables_of(const struct floors *floors, enum world_kind kind)
{
    return kind == LIFELINE_ONLY ? floors->lifeline : floors->worlds[kind]->tables;
}

static int compile_world(struct floors *floors, enum world_kind kind)
{
    struct world *world = calloc(1, sizeof(*world));
    int r;

    floors->worlds[kind] = world;
    if (!world)
        return -ENOMEM;
    r = world_init(world);
    world->device.is_xdp = true;
    if (r == 0 && rules[kind])
        r = world_rule(world, rules[kind]);
    if (r == 0 && kind == LIFELINE_ONLY)
        r = compile_lifeline_only(&world->input, &floors->lifeline, &world->problem);
    else if (r == 0)
        r = world_compile(world);
    if (r < 0)
        (void)fprintf(stderr, "floor/%s: %s\n", world_names[kind], world->problem.text);
    return r;
}

/* A floor that decides otherwise than it says measures something else. */
static int check_world(struct floors *floors, enum world_kind kind)
{
    int r = kernel_refill(floors->kernel, tables_of(floors, kind));

    for (uint32_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++) {
        struct host_answer answer;

        r = kernel_decide(floors->kernel, FW_KIND_XDP, frame_of(floors, family), &answer);
        if (r == 0 && answer.drops != drops[kind]) {
            (void)fprintf(stderr, "floor/%s/%s: the packet %s\n", world_names[kind],
                families[family], answer.drops ? "drops" : "passes");
            return 1;
        }
    }
    return r;
}

static int open_floors(struct floors *floors)
{
    struct problem problem = {.text = "out of memory"};
    int r = 0;

    make_frames(floors);
    for (uint32_t kind = 0; r == 0 && kind < WORLDS; kind++)
        r = compile_world(floors, kind);
    if (r < 0)
        return r;
    floors->worlds[ONE_RULE]->tables->counters_count = COUNTERS_SPREAD;
    r = kernel_new_one_cpu(floors->worlds[ONE_RULE]->tables, &floors->kernel, &problem);
    if (r < 0)
        (void)fprintf(stderr, "floors: %s\n", problem.text);
    for (uint32_t kind = 0; r == 0 && kind < WORLDS; kind++)
        r = check_world(floors, kind);
    if (r)
        return r;
    floors->peers = peers__open_and_load();
    return floors->peers ? 0 : -errno;
}

static void close_floors(struct floors *floors)
{
    for (uint32_t kind = 0; kind < WORLDS; kind++) {
        if (floors->worlds[kind])
            world_fini(floors->worlds[kind]);
        free(floors->worlds[kind]);
    }
    compile_tables_free(floors->lifeline);
    kernel_free(floors->kernel);
    peers__destroy(floors->peers);
    free(floors);
}

static double time_program(const struct bpf_program *program, struct bytes frame, uint32_t repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.at,
        .data_size_in = (uint32_t)frame.len, .repeat = (int)repeat);
    int r = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

    return r < 0 ? (double)r : (double)options.duration;
}

static int time_round(struct floors *floors, uint32_t round, uint32_t repeat)
{
    int r = 0;

    floors->times[EMPTY][round] =
        time_program(floors->peers->progs.drop_all, frame_of(floors, FW_IPV4), repeat);
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++)
        floors->times[PARSE(family)][round] =
            time_program(floors->peers->progs.parse_drop, frame_of(floors, family), repeat);
    for (uint32_t kind = 0; r == 0 && kind < WORLDS; kind++) {
        r = kernel_refill(floors->kernel, tables_of(floors, kind));
        for (uint32_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++)
            floors->times[WORLD(kind, family)][round] =
                kernel_time(floors->kernel, FW_KIND_XDP, frame_of(floors, family), repeat);
    }
    return r;
}

static void add_row(
    const struct floors *floors, const char *name, uint32_t which, const struct scale *scale)
{
    double values[ROUNDS_MAX], empty[ROUNDS_MAX];
    struct row row = {
        .name = name, .unit = "ns", .peer = which == EMPTY ? NULL : "an empty XDP program"};

    memcpy(values, floors->times[which], sizeof(values));
    memcpy(empty, floors->times[EMPTY], sizeof(empty));
    row_of_rounds(&row, values, empty, scale->rounds);
    rows_add(&row);
}

static void add_rows(const struct floors *floors, const struct scale *scale)
{
    char name[64];

    add_row(floors, "floor/empty", EMPTY, scale);
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        (void)snprintf(name, sizeof(name), "floor/parse/%s", families[family]);
        add_row(floors, name, PARSE(family), scale);
        for (uint32_t kind = 0; kind < WORLDS; kind++) {
            (void)snprintf(name, sizeof(name), "floor/%s/%s", world_names[kind], families[family]);
            add_row(floors, name, WORLD(kind, family), scale);
        }
    }
}

int measure_floors(const struct scale *scale)
{
    struct floors *floors = calloc(1, sizeof(*floors));
    int r;

    if (!floors)
        return -ENOMEM;
    r = open_floors(floors);
    for (uint32_t round = 0; r == 0 && round < scale->rounds; round++)
        r = time_round(floors, round, scale->repeat);
    if (r == 0) {
        add_rows(floors, scale);
        r = measure_counters(floors->kernel, scale);
    } else if (r < 0) {
        (void)fprintf(stderr, "floors: %s\n", strerror(-r));
    }
    close_floors(floors);
    return r;
}
