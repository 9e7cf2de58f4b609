/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pair.h - two cores, A and B, joined by a queue of frames; each holds toy records in a toy view.
 * The trace lines of both make one transcript.
 */
#include "mesh/core/core.h"

#define TOY_AUTHORS 4
#define TOY_SEQS 64
#define TOY_FRAMES 512
#define TOY_RECORD_BYTES 8000

struct toy_record {
    uint8_t id[HASH_BYTES], author[KEY_BYTES], bytes[TOY_RECORD_BYTES];
    bool is_held;
};

struct toy_frame {
    uint32_t to;
    uint8_t *bytes;
    size_t len;
};

struct toy_node {
    struct mesh_core *core;
    struct toy_pair *pair;
    uint32_t index;
    struct toy_record entries[TOY_AUTHORS][TOY_SEQS]; /* by seq - 1 */
    bool is_room, is_deaf;
    char dialled[MESH_ADDRESS_BYTES];
    uint32_t dials, taken, chunk_reads;
    enum mesh_reason closed, blamed;
    uint8_t chunk_wanted[HASH_BYTES];
    bool is_chunk_wanted, is_chunk_held, is_chunk_taken;
    uint32_t chunks_wanted; /* more of them: hashes that begin with 100, 101, ... */
    uint64_t chunks_stored; /* bit per one of those */
    uint8_t chunk_read[TOY_SEQS][HASH_BYTES];
};

struct toy_pair {
    struct toy_node nodes[2];
    uint64_t now_ms;
    struct toy_frame frames[TOY_FRAMES];
    uint32_t frames_first, frames_last;
    char transcript[65536];
};

struct toy_pair *pair_new(void);
void pair_free(struct toy_pair *pair);
/* A dials B. */
void pair_connect(struct toy_pair *pair);
/* Gives node `n` entries 1..count of an author. */
void pair_hold(struct toy_pair *pair, uint32_t n, uint32_t author, uint64_t count);
uint64_t pair_head(const struct toy_pair *pair, uint32_t n, uint32_t author);
/* Delivers all frames, and the frames they cause. */
void pair_deliver(struct toy_pair *pair);
/* Delivers, then ticks both until this time. */
void pair_run(struct toy_pair *pair, uint64_t for_ms);
void pair_event(struct toy_pair *pair, uint32_t n, struct mesh_event event);
/* Hands bytes to a node as if they came over the link. */
void pair_frame(struct toy_pair *pair, uint32_t n, const void *bytes, size_t len);
/* All frames on their way are lost. */
void pair_lose(struct toy_pair *pair);
void pair_forget(struct toy_pair *pair); /* empties the transcript */
