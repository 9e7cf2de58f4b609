/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * inputs.h - what the compiler is told of this node, and the chunks of sets it asks for.
 *
 * Owns: the local indexes of counters, the chunk that is lent. Threads: logic.
 */
#include "node/compile/compile.h"
#include "node/compile/indexes.h"

struct devices;
struct node;

struct inputs {
    struct node *node;
    struct compile_indexes *indexes;
    struct buffer chunk; /* the one lent to the compiler */
    bool has_lost;       /* a chunk that should be on disk and cannot be read */
    uint8_t lost[HASH_BYTES];
};

int inputs_init(struct inputs *inputs, struct node *node); /* 0 or -ENOMEM */
void inputs_fini(struct inputs *inputs);

/* Labels and devices are valid until the next turn of the loop. */
struct compile_input inputs_open(struct inputs *inputs, struct devices *devices);
