/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * generation.h - the tables and programs of one slot.
 *
 * Owns: descriptors. Pins and program arrays keep it alive in the kernel until generation_retire().
 */
#include "bpf/fw_abi.h"
#include "node/datapath/blobs.h"
#include "node/datapath/device_rows.h"
#include "node/datapath/entry.h"
#include "node/datapath/tables.h"

struct compile_device;
struct compile_tables;

#define GENERATION_STAGES 2

struct generation {
    uint8_t slot;
    bool was_used;     /* packets may have seen it: it goes only after a grace period */
    bool is_complete;  /* its tables could be taken over; if not, only its programs are known */
    uint32_t counters; /* size class: entries of one shard */
    uint32_t shards;
    bool is_refillable; /* of this build, and all that follows is open */
    int programs[GENERATION_STAGES];
    struct tables_maps maps;
    struct blobs_maps blobs;
    int fragments_fd;
    struct device_rows devices;
    int counts_fd;
    int counted_fd;          /* -1: of an older build, which says nothing of it */
    struct fw_count *counts; /* mapped; the shard after the last is carried over from older maps */
    struct fw_policy policy;
};

/*
 * Loads, fills, pins and, at the very end, puts the programs where the trampoline finds them.
 * `before` is the running generation, whose counters are kept where they are large enough; NULL:
 * none.
 */
int generation_fill(const struct entry *entry, uint8_t slot, const struct compile_tables *tables,
    const struct generation *before, struct generation **ret_generation,
    struct problem *reterr_problem);

/* Can generation_refill() take these tables, where `before` runs? */
bool generation_takes(const struct generation *spare, const struct compile_tables *tables,
    const struct generation *before);

/*
 * The same without a load, which is most of the cost: a generation that no packet can be in takes
 * new tables in its own slot. -E2BIG if it is not large enough, then nothing has changed. After any
 * other failure it is good for generation_retire() only.
 */
int generation_refill(const struct entry *entry, struct generation *spare,
    const struct compile_tables *tables, const struct generation *before,
    struct problem *reterr_problem);

/* Takes over what is pinned for a slot. Never NULL unless memory is short. */
int generation_adopt(const struct entry *entry, uint8_t slot, struct generation **ret_generation);

/* The device's entry in this generation, made from its policy. */
int generation_enter(const struct generation *generation, const struct compile_device *device);
void generation_leave(const struct generation *generation, uint32_t index);

/* Moves what `old` counted to `heir`, if it counts in other arrays. After the grace period. */
void generation_carry_counts(const struct generation *old, const struct generation *heir);

/* Sum over the shards. */
struct fw_count generation_count(const struct generation *generation, uint32_t counter);

/* Out of the program arrays: no packet finds it any more. */
void generation_withdraw(const struct entry *entry, uint8_t slot);

/* Withdraws, unpins, frees. The caller has waited for the grace period. */
void generation_retire(const struct entry *entry, struct generation *generation);

/* Frees; the kernel keeps it. Accepts NULL. */
void generation_forget(struct generation *generation);
