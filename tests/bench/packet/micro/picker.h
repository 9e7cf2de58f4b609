/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* picker.h - pick.bpf.c over the maps of a loaded generation: times it, and reads its answers. */
#include "base/problem.h"
#include "tests/bench/packet/micro/pick.h"
#include "tests/bench/packet/rules/prefixes.h"
#include "tests/bpf/kernel.h"

struct picker;

struct picker_options {
    const struct kernel *kernel;
    const struct bench_headers *headers;
    enum pick_mode mode;
    bool keeps;
    bool is_atomic;          /* counters are added to as on machines with more CPUs than shards */
    uint32_t counted_spread; /* PICK_COUNT: over how many counters, a power of two */
    const struct bench_prefixes
        *lpm; /* PICK_LPM: what is in the kernel's trie; values are index + 1 */
};

int picker_new(const struct picker_options *options, struct picker **ret_picker,
    struct problem *reterr_problem);
void picker_free(struct picker *picker); /* accepts NULL */

/* Nanoseconds a header; negative: errno. */
double picker_time(const struct picker *picker, uint32_t repeat);

/* Runs every header once; by header: what stood in the key's `best`. Borrowed. NULL: it failed. */
const volatile uint64_t *picker_answers(const struct picker *picker);
