/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * clock.h - time that never goes back (ledger.md L28): the machine's clock, but never below the
 * newest time that was held, on disk too. A clock that is plainly behind is unsure: then the
 * neighbours' clocks raise the bound, the lowest of them, so that one liar alone raises nothing.
 *
 * Pure but for clock_keep() and clock_open(), which use the store. Threads: logic.
 */
#include <stdbool.h>
#include <stdint.h>

struct db;

struct node_clock {
    uint64_t newest_s; /* held: effective time is this at least */
    uint64_t kept_s;   /* on disk */
};

/* The effective time, which the caller may see; and keeps it as the newest. */
uint64_t clock_read(struct node_clock *clock, uint64_t wall_s);

/* Is the machine's clock behind what was proven before, or behind this program? */
bool clock_is_unsure(const struct node_clock *clock, uint64_t wall_s);

/* What connected neighbours say the time is; zeros are left out. */
void clock_hear(
    struct node_clock *clock, uint64_t wall_s, const uint64_t *neighbours_s, uint32_t count);

/* Is the newest time worth writing down? One that runs far ahead of all neighbours is not: it may
 * be a clock gone wild, and what is on disk binds for ever. */
bool clock_is_worth_keeping(
    const struct node_clock *clock, const uint64_t *neighbours_s, uint32_t count);

/* Reads what was kept; writes it, without waiting for the disk. */
void clock_open(struct node_clock *clock, struct db *db);
void clock_keep(struct node_clock *clock, struct db *db);
