/* SPDX-License-Identifier: Apache-2.0 */
/* picket-flips SECONDS [SEED]: packets while generations flip, for as long as asked; see flips.h.
 */
#include "tests/bpf/flips.h"
#include "tests/bpf/kernel.h"

#include <stdio.h>
#include <stdlib.h>

#define A_TURN_MS 10000 /* then it says how far it is */

static int hammer(struct flips *flips, uint64_t seconds, uint64_t seed)
{
    struct problem problem = {0};
    struct flips_counts all = {0};
    int r = 0;

    for (uint64_t ms = 0; r == 0 && ms < seconds * 1000; ms += A_TURN_MS) {
        uint64_t left = seconds * 1000 - ms;
        struct flips_least least = {
            .flips = 1, .packets = 1, .ms = left < A_TURN_MS ? left : A_TURN_MS};
        struct flips_counts counts;

        r = flips_run(flips, &least, seed + ms, &counts, &problem);
        all.packets += counts.packets;
        all.passed += counts.passed;
        all.dropped += counts.dropped;
        all.flips += counts.flips;
        (void)printf("%llu packets in %llu flips: %llu dropped, %llu passed\n",
            (unsigned long long)all.packets, (unsigned long long)all.flips,
            (unsigned long long)all.dropped, (unsigned long long)all.passed);
    }
    if (r)
        (void)fprintf(
            stderr, "picket-flips: seed %llu: %s\n", (unsigned long long)seed, problem.text);
    return r ? 1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct problem problem = {0};
    struct flips *flips = NULL;
    int r;

    if (seconds == 0) {
        (void)fprintf(stderr, "usage: picket-flips SECONDS [SEED]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!kernel_is_possible()) {
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    r = flips_new(&flips, &problem);
    if (r < 0)
        (void)fprintf(stderr, "picket-flips: %s\n", problem.text);
    else
        r = hammer(flips, seconds, seed);
    flips_free(flips);
    return r ? 1 : 0;
}
