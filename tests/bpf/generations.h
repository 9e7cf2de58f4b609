/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * generations.h - packets while the daemon's own datapath fills one generation after the other and
 * flips to it. All of them drop all of these packets by a rule: what passes, or drops for another
 * reason, slipped through a change.
 *
 * Threads: one more for packets, and the datapath's worker.
 */
#include "tests/bpf/flips.h"

/* flips: generations filled and flipped to. 0; 1: a finding, with a sentence; negative. */
int generations_run(
    uint64_t seconds, struct flips_counts *ret_counts, struct problem *reterr_problem);
