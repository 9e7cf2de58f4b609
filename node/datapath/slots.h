/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * slots.h - the loaded generations and the word that chooses among them.
 *
 * Threads: the worker's (or the opener's, before there is one).
 * Rule:    what the word named is refilled or freed only after a grace period that began after the
 * store which left it.
 */
#include "node/datapath/generation.h"

struct slots {
    struct entry *entry;
    struct generation *all[FW_SLOTS]; /* NULL: the slot is free, or the spare's */
    struct generation *spare;         /* out of use and out of the arrays: the next fill's room */
    bool has_left;                    /* a generation that no packet is in any more: slots_tidy() */
};

/* Takes over what is pinned, then makes sure that slot 0 stands. lifeline NULL: nothing but what
 * every box needs passes. */
int slots_open(struct slots *slots, struct entry *entry, const struct compile_tables *lifeline,
    struct problem *reterr_problem);
void slots_close(struct slots *slots);

/* Makes slot 0 anew. Where that fails, packets that would use it get ARP only. */
int slots_lifeline(
    struct slots *slots, const struct compile_tables *lifeline, struct problem *reterr_problem);

int slots_fill(struct slots *slots, const struct compile_tables *tables, uint8_t *ret_slot,
    struct problem *reterr_problem);
/* Makes sure that the next fill with tables of this size needs no load. */
int slots_prepare(
    struct slots *slots, const struct compile_tables *tables, struct problem *reterr_problem);
/* On return no packet is in what was left. */
int slots_flip(
    struct slots *slots, uint8_t slot, uint64_t deadline_ms, struct problem *reterr_problem);
/* Sets aside what a flip left. Apart from it, as taking programs out of the arrays waits for as
 * many grace periods more, for which nobody else need wait. */
void slots_tidy(struct slots *slots);

/* The generation that packets use; NULL only where slot 0 is missing. */
struct generation *slots_running(const struct slots *slots);

/* Into, or out of, every loaded generation. */
int slots_enter(const struct slots *slots, const struct compile_device *device);
void slots_leave(const struct slots *slots, uint32_t index);
