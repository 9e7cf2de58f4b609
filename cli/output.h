/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * output.h - what people see: aligned columns; and what programs see: JSON.
 *
 * Control characters from outside are shown as '?'. Colour only at a terminal.
 */
#include "base/bytes.h"
#include "cli/cli.h"

#include <jansson.h>

struct table; /* rows of texts */

struct table *table_new(const char *const *titles, uint32_t columns);
/* One text per column; copied; NULL is "". */
void table_add(struct table *table, const char *const *cells);
/* Titles and rows, or `empty` if there are none. Frees the table. */
void table_free(struct table *table);
void table_print(struct table *table, FILE *out, const char *empty);

/* Prints and frees. 0, or -ENOMEM if it could not be built. */
int json_show(FILE *out, json_t *json, struct problem *reterr_problem);

/* Lower-case hex as a JSON string; "" for nothing. */
json_t *json_hex(struct bytes bytes);
json_t *json_number(uint64_t number);

/* The first 16 digits, for people. ret_text: 17 bytes or more. */
void short_hex(struct bytes bytes, char ret_text[17]);
/* 2026-01-31 08:00:00Z; "-" for 0. */
void time_print(uint64_t time_s, char ret_text[32]);

/* "done 12 of 40", on a terminal, once a second. */
struct progress {
    FILE *err;
    uint64_t next_ns;
    bool is_shown;
};
void progress_init(struct progress *progress, FILE *err);
void progress_show(struct progress *progress, const char *what, uint64_t done, uint64_t all);
void progress_end(struct progress *progress);
