/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * flips.h - packets of many forms while the word goes back and forth between two generations: each
 * gets the verdict of one of them, for its reason.
 *
 * Threads: one more during flips_run(), which changes the word as fast as it can.
 */
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct flips;

struct flips_counts {
    uint64_t packets, passed, dropped;
    uint64_t flips; /* stores of the word, of which half change it */
};

/* Both generations loaded, and what each does with every form of packet known. */
int flips_new(struct flips **ret_flips, struct problem *reterr_problem);
void flips_free(struct flips *flips); /* accepts NULL */

/* At least so many flips, packets and seconds, and until both generations were met. 0; 1: a packet
 * saw a mixture, with a sentence; negative: it could not run. */
struct flips_least {
    uint64_t flips, packets, ms;
};
int flips_run(struct flips *flips, const struct flips_least *least, uint64_t seed,
    struct flips_counts *ret_counts, struct problem *reterr_problem);
