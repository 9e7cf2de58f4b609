/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hammer.c - picket-flips words|generations SECONDS [SEED]: packets while generations change, for
 * as long as asked. words: between two that stand ready, as fast as the word can be stored
 * (flips.h); generations: filled one after the other by the daemon's datapath (generations.h).
 */
#include "tests/bpf/flips.h"
#include "tests/bpf/generations.h"
#include "tests/bpf/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define A_TURN_MS 10000 /* then it says how far it is */

static void say(const struct flips_counts *counts)
{
    (void)printf("%llu packets in %llu flips: %llu dropped, %llu passed\n",
        (unsigned long long)counts->packets, (unsigned long long)counts->flips,
        (unsigned long long)counts->dropped, (unsigned long long)counts->passed);
}

static int hammer(
    struct flips *flips, uint64_t seconds, uint64_t seed, struct problem *reterr_problem)
{
    struct flips_counts all = {0};
    int r = 0;

    for (uint64_t ms = 0; r == 0 && ms < seconds * 1000; ms += A_TURN_MS) {
        uint64_t left = seconds * 1000 - ms;
        struct flips_least least = {
            .flips = 1, .packets = 1, .ms = left < A_TURN_MS ? left : A_TURN_MS};
        struct flips_counts counts;

        r = flips_run(flips, &least, seed + ms, &counts, reterr_problem);
        all.packets += counts.packets;
        all.passed += counts.passed;
        all.dropped += counts.dropped;
        all.flips += counts.flips;
        say(&all);
    }
    return r;
}

static int words(uint64_t seconds, uint64_t seed, struct problem *reterr_problem)
{
    struct flips *flips = NULL;
    int r = flips_new(&flips, reterr_problem);

    if (r == 0)
        r = hammer(flips, seconds, seed, reterr_problem);
    flips_free(flips);
    return r;
}

static int generations(uint64_t seconds, struct problem *reterr_problem)
{
    struct flips_counts counts = {0};
    int r = generations_run(seconds, &counts, reterr_problem);

    say(&counts);
    return r;
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
    struct problem problem = {.text = "out of memory"};
    int r;

    if (seconds == 0 || (strcmp(argv[1], "words") != 0 && strcmp(argv[1], "generations") != 0)) {
        (void)fprintf(stderr, "usage: picket-flips words|generations SECONDS [SEED]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!kernel_is_possible()) {
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    r = strcmp(argv[1], "words") == 0 ? words(seconds, seed, &problem)
                                      : generations(seconds, &problem);
    if (r)
        (void)fprintf(stderr, "picket-flips: %s\n", problem.text);
    return r ? 1 : 0;
}
