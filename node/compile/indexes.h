/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * indexes.h - local indexes of counters: dense, kept for an object over generations (datapath.md
 * D18).
 */
#include "base/bytes.h"

struct compile_indexes;
int compile_indexes_new(struct compile_indexes **ret_indexes);
/* Before the first run: this index is this object's since an earlier daemon. 0 or -ENOMEM. */
int compile_indexes_restore(
    struct compile_indexes *indexes, uint32_t index, const uint8_t id[OP_REF_BYTES]);
/* The object that counts at this index; NULL: none does. */
const uint8_t *compile_indexes_object(const struct compile_indexes *indexes, uint32_t index);
void compile_indexes_free(struct compile_indexes *indexes); /* accepts NULL */

struct compile_tables;

/*
 * `tables` is the only generation that packets use or can return to: every index that it does not
 * use is free from here on, and those that it uses are no longer fresh. Call it once a flip is
 * confirmed and the generation before it is gone.
 */
void compile_indexes_settle(struct compile_indexes *indexes, const struct compile_tables *tables);
