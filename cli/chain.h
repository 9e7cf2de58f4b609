/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * chain.h - the chain of entries of one key (ledger.md L20, L21): what was signed here is on disk
 * before it can be sent, is sent again with the same bytes until a node acknowledged it, and
 * nothing is signed where the fleet knows more of this key than this folder does.
 *
 * Files:   head-KEY, one line `picket-head-1 SEQ ID`: the newest acknowledged entry;
 *          tail-KEY, records (files.h): what was signed after it, and before it the newest
 *          acknowledged ones, for a node that has not heard of them. KEY: 16 hex digits of the key.
 * Locking: the caller holds the fleet's lock (fleet.h).
 * Owns:    struct chain owns its tail. Threads: one.
 */
#include "cli/files.h"
#include "store/keys/keys.h"
#include "store/ledger/ledger.h"

#define CHAIN_RECENT_MAX 64 /* acknowledged entries that are kept */
#define CHAIN_TAIL_MAX 256  /* entries that wait for their first acknowledgement */

struct chain {
    char head_path[FILE_PATH_MAX];
    char tail_path[FILE_PATH_MAX];
    const struct ledger *ledger; /* the fleet's; must stay */
    uint8_t key[KEY_BYTES];
    uint64_t head_seq; /* 0: none acknowledged */
    uint8_t head_id[HASH_BYTES];
    uint64_t last_seq; /* of head and tail */
    uint8_t last_id[HASH_BYTES];
    struct buffer recent; /* records up to the head */
    struct buffer tail;   /* records behind it */
};

/* An append that a crash cut short is dropped: it was never sent. Other damage is an error. */
int chain_open(const char *folder, const struct ledger *ledger, const uint8_t key[KEY_BYTES],
    struct chain *ret_chain, struct problem *reterr_problem);
void chain_fini(struct chain *chain);

/* Signs the next entry, under the trust head of the ledger; returns after fsync. */
int chain_sign(struct chain *chain, const struct key_pair *pair, const Picket__V1__Scope *scope,
    const Picket__V1__Ops *ops, uint8_t ret_id[HASH_BYTES], struct problem *reterr_problem);

/*
 * What a node says the head of this key is (seq 0: it knows none). -ESTALE with the sentence if it
 * is not an entry of head and tail: the key was used elsewhere, or these files are an old copy.
 */
int chain_check(const struct chain *chain, uint64_t seq, const uint8_t id[HASH_BYTES],
    struct problem *reterr_problem);

/* The tail in order; *offset begins at 0. */
bool chain_next(const struct chain *chain, size_t *offset, struct bytes *ret_entry);

/* Appends what a node whose head of this key is seq lacks, as records (files.h). 0, -ENOMEM. */
int chain_missing(const struct chain *chain, uint64_t seq, struct buffer *ret_list);

/* A node has everything up to here on its disk: the head moves, the tail gets shorter. */
int chain_acknowledge(struct chain *chain, uint64_t seq, struct problem *reterr_problem);

/*
 * Catching up: the entry after the last one, as a node told it. Verified: it must follow what is
 * here, and where the tail has an entry of that number it must be the same. Then it is the head.
 */
int chain_adopt(struct chain *chain, struct bytes entry, struct problem *reterr_problem);
