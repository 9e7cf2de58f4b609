/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * event.h - what a replica is told and what it asks for in return.
 *
 * Owns:   nothing. Events and effects borrow.
 * Bytes:  everything an event points to lives until replica_step() returns: the replica copies what
 * it keeps. Everything an effect points to lives until its callback returns: the environment copies
 * what it keeps (db_put() does). Order:  effects are performed in the order of the calls. STOREs
 * reach the disk in that order. A callback never calls replica_step(): results come later, as
 * events of their own. Debts:  each VERIFY is answered by one VERIFIED, each STORE by one STORED,
 * each STORE_CHUNK by one CHUNK_STORED, each READ_CHUNK by one CHUNK_READ, each SUBMIT, JOIN and
 * CHUNK_SUBMIT by one ANSWER. Tickets are the replica's numbers, tokens the environment's; neither
 * is used twice. Rules:  a submitted record is ANSWERed, sent to others and shown by STATE after
 * its STORED(0), never before. Others' records are sent on after VERIFIED and stored beside.
 */
#include "base/problem.h"
#include "mesh/core/reason.h"
#include "store/ledger/record.h"

enum replica_event_kind {
    REPLICA_ON_TICK,        /* replica_deadline_ms() has come, or any other moment */
    REPLICA_ON_LINK_UP,     /* a stream to an authenticated node stands */
    REPLICA_ON_LINK_DOWN,   /* it ended, also after CLOSE (then it is ignored) */
    REPLICA_ON_DIAL_FAILED, /* a DIAL did not lead to LINK_UP */
    REPLICA_ON_MESSAGE,     /* one message of a neighbour's stream */
    REPLICA_ON_DROPPED, /* a SEND found the link's queue full and was lost: repair makes up for it
                         */
    REPLICA_ON_SUBMIT,  /* Rules.Apply and its like */
    REPLICA_ON_JOIN,    /* this node admitted another: the join record it made, already checked */
    REPLICA_ON_CHUNK_SUBMIT, /* Rules.PutChunks: one chunk */
    REPLICA_ON_VERIFIED,
    REPLICA_ON_STORED, /* in the order of the STOREs */
    REPLICA_ON_CHUNK_STORED,
    REPLICA_ON_CHUNK_READ,
    REPLICA_ON_CHUNK_LOST, /* the environment wanted to read a chunk that should be here and could
                              not */
    REPLICA_ON_DIGEST,     /* the tables compiled from the present state */
};

struct replica_event {
    enum replica_event_kind kind;
    uint64_t now_ms; /* monotonic; never goes back */
    uint64_t time_s; /* unix seconds */
    union {
        struct {
            uint32_t link;       /* the environment's number for it; unique while up */
            const uint8_t *node; /* 32: the invite id TLS proved */
            const char *name;
            const char *address; /* of the DIAL it comes from; NULL: the neighbour dialled us */
        } up;
        struct {
            uint32_t link;
            const char *sentence; /* for people; may be NULL */
        } down;
        struct {
            const char *address;
            const char *sentence;
        } dial_failed;
        struct {
            uint32_t link;
            struct bytes bytes; /* a Frame */
        } message;
        struct {
            uint32_t link;
        } dropped;
        struct {
            uint64_t token;
            const struct bytes *entries; /* SignedEntry each, ascending by seq if of one author */
            uint32_t entries_count; /* at most REPLICA_SUBMIT_RECORDS_MAX with the trust records */
            const struct bytes *trust; /* SignedTrust each, ascending; taken before the entries */
            uint32_t trust_count;
        } submit;
        struct {
            uint64_t token;
            struct bytes record; /* JoinRecord */
        } join;
        struct {
            uint64_t token;
            struct bytes content;
        } chunk_submit;
        struct {
            uint64_t ticket;
            bool is_valid; /* all claims hold; of a join also the leaf */
        } verified;
        struct {
            uint64_t ticket;
            int result; /* 0, or a negative errno: nothing of it is on disk */
        } stored;       /* and chunk_stored */
        struct {
            uint64_t ticket;
            int result;
            struct bytes content;
        } chunk_read;
        const uint8_t *chunk; /* CHUNK_LOST: 32 */
        struct {
            bool has_digest; /* false: the node enforces nothing at present */
            uint8_t digest[HASH_BYTES];
        } digest;
    };
};

enum replica_effect_kind {
    REPLICA_DO_SEND,     /* link, bytes: one message */
    REPLICA_DO_DIAL,     /* address */
    REPLICA_DO_CLOSE,    /* link, mesh_reason */
    REPLICA_DO_PENALISE, /* link, mesh_reason: log it; CLOSE comes by itself when it is too much */
    REPLICA_DO_VERIFY,   /* ticket, record_kind, claims; of a join also bytes, see below */
    REPLICA_DO_STORE,    /* ticket, record_kind, id, bytes */
    REPLICA_DO_STORE_CHUNK, /* ticket, id = hash, bytes */
    REPLICA_DO_READ_CHUNK,  /* ticket, id = hash */
    REPLICA_DO_ANSWER,      /* token, answers */
    REPLICA_DO_STATE, /* the ledger may say something else than at the last STATE: recompile */
};

/*
 * VERIFY of a RECORD_JOIN: also parse JoinRecord in `bytes`, find its invite with
 * ledger_node_find() (it is there now), check that the invite's key signed the leaf and that leaf,
 * leaf_key and node_key fit. Look the invite up before handing the work to another thread.
 */

enum replica_outcome {
    REPLICA_DURABLE, /* on this node's disk; `is_known`: it was here before this request */
    REPLICA_REFUSED, /* nothing changed; reason and sentence */
    REPLICA_FAILED,  /* the world failed: problem.code is a negative errno; try again with the same
                        bytes */
};

struct replica_answer {
    enum replica_outcome outcome;
    bool is_known;
    enum ledger_reason reason;
    uint8_t id[HASH_BYTES]; /* of the record or chunk; zero if it could not be read */
    struct problem problem; /* a sentence unless DURABLE */
};

struct replica_effect {
    enum replica_effect_kind kind;
    uint32_t link;
    uint64_t ticket;
    uint64_t token;
    enum mesh_reason reason;
    enum record_kind record_kind;
    bool is_submitted; /* STORE: clients wait for it */
    const uint8_t *id;
    struct bytes bytes;
    const struct signature_claim *claims;
    uint32_t claims_count;
    const char *address;
    const struct replica_answer *answers; /* SUBMIT: trust records, then entries, as submitted */
    uint32_t answers_count;
};

struct replica_effects {
    void *user;
    void (*fn)(void *user, const struct replica_effect *effect);
};
