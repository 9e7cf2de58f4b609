/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * amend.h - tables that were built follow a few changed rules without being built again: new rules
 * stand in the late leaf of the forest, old ones are made to match nothing. What it takes is the
 * copying of the blobs, not the cutting of 100,000 rules.
 *
 * Owns: nothing beyond the tables. Threads: those of compile_run(); nobody else uses the tables
 * meanwhile. I/O: none.
 */
#include "node/compile/compile.h"
#include "store/ledger/ledger.h"

#define AMEND_FROM 2048 /* leaf rules below which building anew takes no longer */
#define AMEND_OBJECTS_MAX 32

/* Does it pay, and is all there that it needs? */
bool amend_is_possible(const struct compile_tables *tables);

/*
 * What changed since `tables` were built, earlier amendments included: ids, in any order, and
 * objects, those of them that there still are, ascending by id. input is as it was but for the
 * ledger, which only compile_objects() may ask. On 0 all of tables but the digest and the prefixes
 * follows: objects, counters, time of the next change. -ENOTSUP: this takes a whole run; nothing
 * has changed. -ENOMEM: the same, or the tables cannot be amended any more.
 */
struct amendment {
    uint8_t ids[AMEND_OBJECTS_MAX][OP_REF_BYTES];
    uint32_t ids_count;
    struct ledger_object objects[AMEND_OBJECTS_MAX];
    uint32_t objects_count;
};
int amend(
    struct compile_tables *tables, const struct compile_input *input, struct amendment *amendment);
