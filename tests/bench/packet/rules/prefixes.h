/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * prefixes.h - lists of prefixes: read from files, made from a seed, and an oracle for them.
 *
 * Sorted by (family, address, length), no duplicates; a covered prefix stays beside the one that
 * covers it.
 */
#include "base/problem.h"
#include "tests/bench/packet/rules/rule_set.h"

struct bench_prefixes {
    struct bench_prefix *prefixes;
    uint32_t count;
    uint32_t capacity;
    uint32_t ipv4_count; /* they stand first */
};

/*
 * One prefix or address a line; `#` and `;` begin a comment; what follows a blank or tab is a text.
 * A text that is a number is the value; any other text gets a number of its own, in order of first
 * sight, from 1. Host bits are cut. Plain or gzipped. -EINVAL names file, line and reason. Of equal
 * prefixes the first value stays.
 */
int prefixes_read(
    const char *path, struct bench_prefixes *ret_prefixes, struct problem *reterr_problem);

enum prefixes_kind {
    PREFIXES_BLOCKLIST, /* clustered: some busy networks, mostly single addresses, some nested nets
                         */
    PREFIXES_RANDOM,    /* single addresses, uniformly random */
};
/* Exactly `count` different ones, values 1 to 64 by nets. 0 or -ENOMEM. */
int prefixes_generate(enum prefixes_kind kind, uint8_t family, uint32_t count, uint64_t seed,
    struct bench_prefixes *ret_prefixes);

int prefixes_append(struct bench_prefixes *prefixes, const struct bench_prefix *prefix);
int prefixes_sort(struct bench_prefixes *prefixes); /* 0 or -ENOMEM */
void prefixes_fini(struct bench_prefixes *prefixes);

/* ---- the oracle: binary search over the ranges in which one prefix is the longest */

struct prefix_ranges;
int prefix_ranges_new(
    const struct bench_prefix *prefixes, uint32_t count, struct prefix_ranges **ret_ranges);
void prefix_ranges_free(struct prefix_ranges *ranges); /* accepts NULL */

/* Index (into `prefixes`) of the longest that holds the address, or BENCH_NO_RULE. */
uint32_t prefix_ranges_find(
    const struct prefix_ranges *ranges, uint8_t family, const uint8_t *address);

/* ---- addresses to look up: appended as sources of headers, 0 or -ENOMEM */

/* Inside uniformly chosen prefixes of the family, random or at their ends. */
int trace_prefix_hits(const struct bench_prefixes *prefixes, uint8_t family, uint32_t count,
    uint64_t seed, struct bench_headers *headers);
/* One before, the first, the last, one behind: of every prefix, or of evenly spread ones. */
int trace_prefix_corners(const struct bench_prefixes *prefixes, uint8_t family, uint32_t count,
    struct bench_headers *headers);
/* Uniformly random. */
int trace_addresses(uint8_t family, uint32_t count, uint64_t seed, struct bench_headers *headers);
