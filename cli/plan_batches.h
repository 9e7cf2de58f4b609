/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * plan_batches.h - a plan that is more than one changeset, cut into several.
 *
 * Their order is: sets; new rules, those that decide first coming first; changed rules; defaults;
 * deleted rules, those that decide last going first; deleted sets. Where rules are only added, or
 * only taken away, a packet then meets in between the verdict it met before or the one it will meet
 * in the end, and no third one: what is there of the new rules is a head of their list, what is
 * left of the old ones a head of theirs. For changed rules this holds where names stand for places,
 * as in an import, and rules were put in, or taken out, in one place: then the list moves up or
 * down by that many, and they are changed from its end if it grows, from its beginning if it does
 * not. Other changed rules of different changesets take effect one after the other.
 *
 * Owns: nothing. I/O: none. Threads: one.
 */
#include "cli/plan.h"

/* Operations of one changeset; the rest of the entry's 64 KiB is for its header and signature. */
#define PLAN_BATCH_BYTES_MAX (60 * 1024)

/* Into the order above; the sets' steps keep their places, as others name them by these. */
int plan_order(struct plan *plan);

/* The end of the changeset that begins at step `from`, at most `end`. */
uint32_t plan_batch_end(const struct plan *plan, uint32_t from, uint32_t end);

/* Changesets, of an ordered plan; one where it fits into one. */
uint32_t plan_batches_count(const struct plan *plan);
