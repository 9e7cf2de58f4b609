/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * kept.h - the records, as they are held. What the fold writes into one is marked; the rest never
 * changes.
 */
#include "store/ledger/ledger.h"

#define NONE UINT32_MAX
#define ELEMENT_REF_BYTES (OP_REF_BYTES + 4)

struct trust_record {
    uint8_t id[HASH_BYTES];
    uint32_t prev; /* index of the parent; NONE for the first */
    uint64_t position;
    uint32_t signers;
    uint8_t *at;
    size_t len;
    Picket__V1__TrustBody *body;
};

/* An operation of an entry; `links` belongs to the fold. */
struct op {
    uint32_t entry;
    uint32_t index;
    uint32_t kind;
    ProtobufCMessage *body; /* NULL: not understood */
    uint8_t object[OP_REF_BYTES];
    bool is_version; /* a rule, set, default or a delete of one, with bases that can be read */
    bool is_sound;   /* nothing is wrong with it by itself */

    struct op_links {
        uint32_t *bases; /* nearest live ancestors, ascending by reference */
        uint32_t bases_count;
        uint32_t *versions; /* of a delete: the live versions it removes */
        uint32_t versions_count;
        uint32_t depth;
        bool is_superseded;
        bool is_open; /* a base is not here, or waits */
    } links;
};

struct verdict {
    enum ledger_reason reason;
    uint32_t op; /* at fault, or NONE */
    const Picket__V1__Grant *grant;
    uint64_t grant_position;
    uint64_t position; /* judged at */
    bool is_known;
};

struct entry {
    uint8_t id[HASH_BYTES];
    uint32_t author; /* index of the chain */
    uint64_t seq;
    uint32_t prev;     /* the entry it follows; NONE for a first one */
    uint32_t beside;   /* another entry of this author and number, or NONE */
    uint32_t children; /* entries that follow it */
    uint8_t *at;
    size_t len;
    Picket__V1__Header *header;
    Picket__V1__Ops *ops;     /* NULL: malformed */
    struct verdict by_itself; /* what reading it alone says */
    uint32_t first_op;
    uint32_t ops_count;

    /* fold */
    uint64_t trust_highest; /* of the chain up to here */
    bool is_trust_unknown;  /* here or earlier in the chain */
    bool is_beside;         /* not on the branch that a cut names */
    uint64_t objects;       /* budget counts as written, after it */
    uint64_t elements;
    struct verdict verdict;
};

struct chain {
    uint8_t author[KEY_BYTES];
    uint32_t *entries; /* by seq - 1: the one path below the freeze */
    uint32_t count, capacity;
    uint32_t *newest; /* by seq - 1, all branches: the last that came; entry.beside leads on */
    uint32_t newest_count, newest_capacity;
    uint64_t forked; /* the lowest seq of which two entries are here; UINT64_MAX: none */
    uint32_t fork;   /* index of its proof, or NONE */
    uint64_t freeze; /* the first frozen seq; UINT64_MAX: none */
};

struct join {
    uint8_t id[HASH_BYTES];
    uint32_t next; /* of the same invite, or NONE */
    bool is_kept;
    uint8_t *at;
    size_t len;
    Picket__V1__JoinRecord *message;
};

struct fork {
    uint8_t id[HASH_BYTES];
    uint8_t pair[2][HASH_BYTES]; /* the two entries, ascending */
    uint8_t author[KEY_BYTES];
    uint64_t seq;
    uint8_t *at;
    size_t len;
};

/* A growing list of indices. */
struct list {
    uint32_t *at;
    uint32_t count, capacity;
};
