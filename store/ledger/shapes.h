/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * shapes.h - the state folded from the set of records (kept.h).
 *
 * Records are kept for good. Everything in `struct fold` is a function of them: it is thrown away
 * and folded anew, or extended by one entry where nothing else can depend on that entry.
 */
#include "base/idmap.h"
#include "store/ledger/changes.h"
#include "store/ledger/kept.h"
#include "store/ledger/merkle.h"

struct node_entry; /* inside.h */

/* What a record of the chain in force says about a key. */
struct grant_event {
    uint64_t position;
    const Picket__V1__Grant *grant; /* NULL: ended */
    const Picket__V1__Cut *cut;     /* NULL: a first grant */
    uint32_t next;                  /* of the same key, or NONE */
    uint8_t key[KEY_BYTES];
};

struct trust_position {
    uint32_t record;
    uint32_t level;
    Picket__V1__Limits limits;
    enum ledger_reason reason; /* BAD_TRUST: a link without effect */
};

struct trust_fold {
    struct trust_position *positions; /* [0] is the genesis */
    uint32_t head;                    /* index of the last; 0: none */
    struct grant_event *events;
    uint32_t events_count;
    struct idmap first_event; /* key -> event */
};

struct object {
    uint8_t id[OP_REF_BYTES];
    struct list heads; /* ascending by reference */
    uint32_t winner;   /* operation; NONE: not live */
    bool is_stale;     /* heads and winner are to be found again */
    bool is_live;      /* stands in fold.live */
    bool is_unsettled; /* in fold.unsettled */
    bool is_unhashed;  /* in fold.unhashed */
    uint8_t leaf[HASH_BYTES];
    /* sets */
    struct list deltas;  /* operations that count */
    struct list vectors; /* operations with a vector that count */
};

struct fold {
    bool is_stale;        /* fold anew */
    uint32_t entries;     /* the first so many entries are folded */
    struct idmap awaited; /* identifiers that were looked for in vain */
    struct idmap objects_by_id;
    struct object *objects;
    uint32_t objects_count, objects_capacity;
    uint32_t *live; /* indices of live objects, ascending by id */
    uint32_t live_count, live_capacity;
    struct list unsettled; /* objects that changed since `live` was brought up to date */
    struct {               /* the last that did, a ring */
        uint32_t object;
        uint64_t revision;
    } changes[LEDGER_CHANGES_MAX];
    uint64_t changes_count;      /* ever */
    uint64_t changes_known_from; /* all of later revisions are in the ring */
    struct list unhashed;        /* objects that changed since the last root */
    uint32_t moved;     /* places in `live` from here on are others than at the last root */
    struct merkle tree; /* the state's: a first leaf, objects, nodes */
    bool are_nodes_unhashed;
    struct idmap tally; /* as written: deletes, removals, manifest counts of each author's own */
    struct node_entry *nodes;
    uint32_t nodes_count;
    bool is_directory_stale;
};

struct ledger {
    uint8_t fleet_id[HASH_BYTES];
    uint8_t *genesis_at;
    size_t genesis_len;
    Picket__V1__Genesis *genesis;
    uint64_t revision;

    struct entry *entries;
    uint32_t entries_count, entries_capacity;
    struct idmap entry_by_id;
    struct op *ops;
    uint32_t ops_count, ops_capacity;
    struct chain *chains;
    uint32_t chains_count, chains_capacity;
    struct idmap chain_by_author;
    struct list heads; /* chains with a head, ascending by author */
    struct list tips;  /* entries that none follows, ascending by author, seq, id */

    struct trust_record *trust;
    uint32_t trust_count, trust_capacity;
    struct idmap trust_by_id;
    struct idmap granted; /* keys any record grants */
    struct trust_fold in_force;

    struct join *joins;
    uint32_t joins_count, joins_capacity;
    struct idmap join_by_id;
    struct idmap join_by_invite; /* -> the newest */
    struct idmap joins_named;    /* ids that some change of a node names */
    struct list joins_kept;      /* those that are in the set */
    struct fork *forks;
    uint32_t forks_count, forks_capacity;
    struct list invites;        /* operations, as they came */
    struct list invites_before; /* place of an earlier one with the same id, or NONE */
    struct idmap invite_by_id;  /* -> place of the newest in `invites` */
    struct list node_changes;

    struct fold fold;
    struct merkle records;
    struct list hashed_tips; /* entries, by leaf */
    uint64_t others;         /* changes when trust records, joins or fork proofs do */
    uint64_t hashed_others;
};
