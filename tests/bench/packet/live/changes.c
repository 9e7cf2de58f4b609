/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - picket-bench-changes: what a change costs by the way the daemon takes, from messages
 * to packets that see it. No packets, no device.
 *
 * add-one/SET: one more rule, before all others, in a set of that size: compile, fill, flip.
 * swap/SET:    of those, what follows compiling: fill, flip and the grace period.
 * load/SET:    the same the first time, when programs are verified.
 * swap:        the worst of the swaps.
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/live/box.h"
#include "tests/bench/packet/micro/rows.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bpf/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 128
#define LEAST_OF_SETS 1000

struct changes {
    struct box box;
    uint32_t rounds;
    bool is_small;
    double worst_swap;
    char worst_set[96];
};

static void add_row(const char *kind, const char *set, const struct bench_rules *rules,
    double *values, uint32_t count)
{
    char name[NAME_BYTES];
    struct row row = {.name = name,
        .unit = "ms",
        .entries = rules->count,
        .family = rules->rules[0].family == FW_IPV6 ? 6 : 4};

    (void)snprintf(name, sizeof(name), "%s/%s", kind, set);
    row_of_rounds(&row, values, NULL, count);
    rows_add(&row);
}

/* Only TCP and UDP have ports with every reader of rules: others become TCP. Numbers leave room
 * for what comes first. */
static void make_sayable(struct bench_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        struct bench_rule *rule = &rules->rules[i];
        bool has_ports = rule->source_first > 0 || rule->source_last < UINT16_MAX ||
                         rule->target_first > 0 || rule->target_last < UINT16_MAX;

        if (has_ports && !(rule->protocol_mask && (rule->protocol == 6 || rule->protocol == 17))) {
            rule->protocol = 6;
            rule->protocol_mask = 0xff;
        }
    }
    bench_rules_number(rules);
}

/* The same rules and `added` more in front: their objects are the newest, their priority is 0. */
static int with_first(
    const struct bench_rules *rules, uint32_t added, struct bench_rules *ret_rules)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < added; i++) {
        struct bench_rule rule = bench_rule_any(rules->rules[0].family);

        rule.source_length = 32;
        memset(rule.source, 0, sizeof(rule.source));
        rule.source[0] = 203;
        rule.source[1] = (uint8_t)i;
        r = bench_rules_append(ret_rules, &rule);
        if (r == 0)
            ret_rules->rules[i].object = rules->count + i;
    }
    for (uint32_t i = 0; r == 0 && i < rules->count; i++) {
        r = bench_rules_append(ret_rules, &rules->rules[i]);
        if (r == 0) {
            struct bench_rule *last = &ret_rules->rules[ret_rules->count - 1];

            last->object = i;
            last->priority = (uint16_t)(last->priority + (last->priority < UINT16_MAX));
        }
    }
    return r;
}

static int publish(struct changes *changes, const struct bench_rules *rules, uint32_t added,
    struct box_times *ret_times)
{
    struct bench_rules all = {0};
    int r = with_first(rules, added, &all);

    if (r == 0)
        r = added ? box_publish_added(&changes->box, &all, rules->count, ret_times)
                  : box_publish(&changes->box, &all, ret_times);
    bench_rules_fini(&all);
    return r;
}

static int measure_in(struct changes *changes, const char *name, const struct bench_rules *rules)
{
    double adds[ROUNDS_MAX], swaps[ROUNDS_MAX], load;
    struct box_times times;
    int r = publish(changes, rules, 0, &times);

    load = times.fill + times.flip;
    if (r == 0 && !changes->is_small) /* the second room, which takes turns with the first */
        r = publish(changes, rules, 1, &times);
    for (uint32_t round = 0; r == 0 && round < changes->rounds; round++) {
        r = publish(changes, rules, 2 + round, &times);
        swaps[round] = times.fill + times.flip;
        adds[round] = times.compile + swaps[round];
    }
    if (r < 0)
        return r;
    add_row("add-one", name, rules, adds, changes->rounds);
    add_row("swap", name, rules, swaps, changes->rounds);
    add_row("load", name, rules, &load, 1);
    if (swaps[changes->rounds / 2] > changes->worst_swap) {
        changes->worst_swap = swaps[changes->rounds / 2];
        (void)snprintf(changes->worst_set, sizeof(changes->worst_set), "%s", name);
    }
    return 0;
}

/* A box of its own for each: the first fill is a load. */
static int measure(struct changes *changes, const char *name, struct bench_rules *rules)
{
    int r;

    (void)fprintf(stderr, "packet: changes of %s\n", name);
    make_sayable(rules);
    r = box_open(&changes->box);
    if (r == 0)
        r = measure_in(changes, name, rules);
    box_close(&changes->box);
    return r;
}

static int measure_generated_set(
    struct changes *changes, const char *flavour, uint8_t family, uint32_t count)
{
    struct generate generate = {.name = flavour, .family = family, .count = count, .seed = 1};
    struct bench_rules rules = {0};
    struct problem problem = {0};
    char name[NAME_BYTES];
    int r = generate_rules(&generate, &rules, &problem);

    if (r < 0) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return r;
    }
    (void)snprintf(name, sizeof(name), "%s%s_%u", flavour, family == FW_IPV6 ? "_v6" : "", count);
    r = measure(changes, name, &rules);
    bench_rules_fini(&rules);
    return r;
}

static int measure_generated_sets(struct changes *changes, uint32_t largest)
{
    static const char *const flavours[] = {"acl", "fw", "ipc"};
    int r = 0;

    for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++)
        for (size_t i = 0; i < 3; i++)
            for (uint32_t count = LEAST_OF_SETS; count <= 100000 && count <= largest; count *= 10)
                r |= measure_generated_set(changes, flavours[i], family, count);
    return r;
}

static int measure_file(struct changes *changes, const char *path)
{
    struct bench_rules rules = {0};
    struct problem problem = {0};
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    char name[NAME_BYTES];
    int r = classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &rules, &problem);

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(base, "."), base);
    if (r < 0)
        (void)fprintf(stderr, "%s\n", problem.text);
    else if (rules.count)
        r = measure(changes, name, &rules);
    bench_rules_fini(&rules);
    return r;
}

static void add_worst(const struct changes *changes)
{
    rows_add(&(struct row){
        .name = "swap", .value = changes->worst_swap, .unit = "ms", .of = changes->worst_set});
}

int main(int argc, char **argv)
{
    struct changes changes = {.rounds = 5};
    uint32_t largest = UINT32_MAX;
    int at = 1, r;

    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--small") == 0)
            changes.is_small = true;
        else if (at + 1 < argc && strcmp(argv[at], "--largest") == 0)
            largest = (uint32_t)strtoul(argv[++at], NULL, 10);
        else if (at + 1 < argc && strcmp(argv[at], "--rounds") == 0)
            changes.rounds = (uint32_t)strtoul(argv[++at], NULL, 10);
        else
            changes.rounds = 0;
    }
    if (changes.rounds == 0 || changes.rounds >= ROUNDS_MAX) {
        (void)fprintf(stderr,
            "usage: picket-bench-changes [--small] [--largest N] [--rounds N] [FILE ...]\n");
        return 2;
    }
    if (!kernel_is_possible()) {
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    changes.rounds = changes.is_small ? 1 : changes.rounds;
    rows_begin();
    r = changes.is_small ? measure_generated_set(&changes, "acl", FW_IPV4, 100)
                         : measure_generated_sets(&changes, largest);
    for (; at < argc; at++)
        r |= measure_file(&changes, argv[at]);
    add_worst(&changes);
    rows_end();
    return r ? 1 : 0;
}
