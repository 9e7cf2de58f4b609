/* SPDX-License-Identifier: Apache-2.0 */
/* picket-bench-packet: the classifier by itself; scripts/bench packet runs it. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/micro/rows.h"
#include "tests/bpf/kernel.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scale full = {
    .headers = 1U << 20, .checked = 65536, .repeat = 1U << 20, .rounds = 5};
/* A run of the program costs two grace periods, whatever it repeats. */
static const struct scale small = {.headers = 4096, .checked = 4096, .repeat = 4096, .rounds = 1};

static const char *const usage =
    "usage: picket-bench-packet [--small] [--largest N] [--rounds N] [--rules FILE ...]\n"
    "                           [--prefixes FILE ...]\n"
    "  Rows of JSON on stdout. FILE: ClassBench filters, or one prefix a line; plain or gzipped.\n"
    "  --largest: generated sets of at most N rules or prefixes. --rounds: odd, at most 15.\n"
    "  Exit status 0; 1: an answer differs from a plain search; 2: usage; 77: BPF cannot be "
    "loaded.\n";

struct order {
    struct scale scale;
    bool is_small;
    uint32_t largest;
    char **files; /* with --rules and --prefixes among them */
    int files_count;
};

static int worse(int a, int b)
{
    return b == 0 ? a : b > 0 ? b : 1;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static int generated(const struct order *order)
{
    static const char *const flavours[] = {"acl", "fw", "ipc"};
    int worst = 0;

    for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
        for (size_t i = 0; i < 3; i++)
            for (uint32_t count = 10; count <= least(order->largest, 100000); count *= 10)
                worst = worse(worst, measure_generated(flavours[i], family, count, &order->scale));
        for (uint32_t count = 1000; count <= least(order->largest, 1000000); count *= 10)
            worst = worse(worst, measure_prefixes(family, count, &order->scale));
    }
    return worst;
}

/* One of each kind. */
static int generated_small(const struct scale *scale)
{
    int worst = measure_generated("acl", FW_IPV4, 100, scale);

    return worse(worst, measure_prefixes(FW_IPV6, 1000, scale));
}

static int of_files(const struct order *order)
{
    int (*measure)(const char *, const struct scale *) = NULL;
    int worst = 0;

    for (int i = 0; i < order->files_count; i++) {
        if (strcmp(order->files[i], "--rules") == 0)
            measure = measure_rules_file;
        else if (strcmp(order->files[i], "--prefixes") == 0)
            measure = measure_prefixes_file;
        else if (measure)
            worst = worse(worst, measure(order->files[i], &order->scale));
    }
    return worst;
}

/* The key between stages is a CPU's own, so a run must not move. */
static void stay_here(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

/* The options that have no files stand first. 0 or -1. */
static int read_order(int argc, char **argv, struct order *ret_order)
{
    int at = 1;

    *ret_order = (struct order){.scale = full, .largest = UINT32_MAX};
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--rules") == 0 || strcmp(argv[at], "--prefixes") == 0)
            break;
        if (strcmp(argv[at], "--small") == 0) {
            ret_order->scale = small;
            ret_order->is_small = true;
        } else if (at + 1 < argc && strcmp(argv[at], "--largest") == 0) {
            ret_order->largest = (uint32_t)strtoul(argv[++at], NULL, 10);
        } else if (at + 1 < argc && strcmp(argv[at], "--rounds") == 0) {
            ret_order->scale.rounds = (uint32_t)strtoul(argv[++at], NULL, 10);
        } else {
            return -1;
        }
    }
    ret_order->files = argv + at;
    ret_order->files_count = argc - at;
    return ret_order->scale.rounds % 2 == 1 && ret_order->scale.rounds < ROUNDS_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct order order;
    int worst;

    if (read_order(argc, argv, &order) < 0) {
        (void)fputs(usage, stderr);
        return 2;
    }
    if (!kernel_is_possible()) {
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    stay_here();
    rows_begin();
    worst = worse(0, measure_floors(&order.scale));
    worst = worse(worst, order.is_small ? generated_small(&order.scale) : generated(&order));
    worst = worse(worst, of_files(&order));
    rows_end();
    return worst ? 1 : 0;
}
