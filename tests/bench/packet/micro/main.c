/* SPDX-License-Identifier: Apache-2.0 */
/* picket-bench-packet: the classifier by itself; scripts/bench packet runs it. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/micro/rows.h"
#include "tests/bpf/kernel.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

static const struct scale full = {
    .headers = 1U << 20, .checked = 65536, .repeat = 1U << 20, .rounds = 5};
static const struct scale small = {.headers = 4096, .checked = 4096, .repeat = 4096, .rounds = 3};

static const char *const usage =
    "usage: picket-bench-packet [--small] [--rules FILE ...] [--prefixes FILE ...]\n"
    "  Rows of JSON on stdout. FILE: ClassBench filters, or one prefix a line; plain or gzipped.\n"
    "  Exit status 0; 1: an answer differs from a plain search; 2: usage; 77: BPF cannot be "
    "loaded.\n";

static int worse(int a, int b)
{
    return b == 0 ? a : b > 0 ? b : 1;
}

static int generated(const struct scale *scale, bool is_small)
{
    static const char *const flavours[] = {"acl", "fw", "ipc"};
    int worst = 0;

    for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
        for (size_t i = 0; i < 3; i++)
            for (uint32_t count = is_small ? 1000 : 10; count <= (is_small ? 1000U : 100000U);
                 count *= 10)
                worst = worse(worst, measure_generated(flavours[i], family, count, scale));
        for (uint32_t count = 1000; count <= (is_small ? 1000U : 1000000U); count *= 10)
            worst = worse(worst, measure_prefixes(family, count, scale));
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

int main(int argc, char **argv)
{
    const struct scale *scale = &full;
    int (*measure)(const char *, const struct scale *) = NULL;
    int worst = 0;

    if (!kernel_is_possible()) {
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    for (int i = 1; i < argc; i++)
        scale = strcmp(argv[i], "--small") == 0 ? &small : scale;
    stay_here();
    rows_begin();
    worst = generated(scale, scale == &small);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--small") == 0)
            continue;
        if (strcmp(argv[i], "--rules") == 0)
            measure = measure_rules_file;
        else if (strcmp(argv[i], "--prefixes") == 0)
            measure = measure_prefixes_file;
        else if (argv[i][0] == '-' || !measure) {
            (void)fputs(usage, stderr);
            return 2;
        } else
            worst = worse(worst, measure(argv[i], scale));
    }
    rows_end();
    return worst ? 1 : 0;
}
