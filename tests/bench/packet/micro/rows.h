/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* rows.h - one JSON array of measured rows on stdout, and what a run is made of. */
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

#define ROUNDS_MAX 16

/* What one run looks at, and how long. */
struct scale {
    uint32_t headers; /* of a timed trace */
    uint32_t checked; /* headers compared with the oracle, a trace */
    uint32_t repeat;
    uint32_t rounds; /* odd, below ROUNDS_MAX */
};

struct row {
    const char *name;
    double value;
    const char *unit;
    const char *peer; /* NULL: none */
    double peer_value;
    double low, high; /* of the rounds; 0 and 0: one round */
    const char *of;   /* the set this is the worst of; NULL: none */
    uint32_t entries; /* rules or prefixes of the set; 0: none */
    uint8_t family;   /* 4 or 6, with entries */
    bool is_list;     /* entries are prefixes */
};

void rows_begin(void);
void rows_add(const struct row *row);
void rows_end(void);

/* Sorts; the one in the middle. */
double median_of(double *values, uint32_t count);

/* Value, spread and peer's value of a row by its rounds; sorts both. controls may be NULL. */
void row_of_rounds(struct row *row, double *values, double *controls, uint32_t rounds);

double now_ms(void);

/* 0; 1: an answer differs from the oracle's; negative: it could not be measured. Says so on stderr.
 */
int measure_rules_file(const char *path, const struct scale *scale);
int measure_generated(const char *name, uint8_t family, uint32_t count, const struct scale *scale);
int measure_prefixes_file(const char *path, const struct scale *scale);
/* Floors, then counters. */
int measure_floors(const struct scale *scale);

#define COUNTERS_SPREAD (1U << 17) /* 4 MiB of them */
struct kernel;
int measure_counters(const struct kernel *kernel, const struct scale *scale);
int measure_prefixes(uint8_t family, uint32_t count, const struct scale *scale);
