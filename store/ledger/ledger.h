/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ledger.h - the reduced state as a pure function of a set of records (ledger.md L0).
 *
 * Owns:     everything it is given: bytes are copied in.
 * I/O:      none; no clock, no key of its own.
 * Threads:  one.
 * Borrowed: whatever a const pointer returns lives until the next ledger_add().
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "store/ledger/element.h"
#include "store/ledger/record.h"

#include "proto/picket/v1/entry.pb-c.h"

struct ledger;

/* genesis: canonical Genesis. Fails with a sentence on anything else. */
int ledger_new(struct bytes genesis, struct ledger **ret_ledger, struct problem *reterr_problem);
void ledger_free(struct ledger *ledger);

const uint8_t *ledger_fleet_id(const struct ledger *ledger);
struct bytes ledger_genesis(const struct ledger *ledger);
const char *ledger_fleet_name(const struct ledger *ledger);

enum ledger_outcome {
    LEDGER_ADDED,   /* it is in the set now */
    LEDGER_KNOWN,   /* it was */
    LEDGER_WAITS,   /* not kept: something it needs is missing (reason says what) */
    LEDGER_REFUSED, /* not kept: reason */
};

struct ledger_answer {
    enum ledger_outcome outcome;
    enum ledger_reason reason; /* for LEDGER_ADDED: OK */
    uint8_t id[HASH_BYTES];
};

/*
 * Adds a record whose claims (record.h) the caller has verified. The set grows or stays; the state
 * follows at the next read. An entry that makes a fork is added too, with the proof in *ret_fork
 * (may be NULL), a record to add and spread; buffer_fini() it. 0, or -ENOMEM with nothing
 * changed.
 */
int ledger_add(struct ledger *ledger, enum record_kind kind, struct bytes bytes,
    struct ledger_answer *ret_answer, struct buffer *ret_fork);

/*
 * What ledger_add() and the reduction would make of an entry now, changing nothing: what Apply
 * refuses with. LEDGER_OK, or the reason; ret_problem gets the sentence, with the operation's index
 * where one is at fault. Includes the checks that gate only new submissions: a grant's not_after
 * against now_s (unix seconds).
 */
enum ledger_reason ledger_judge_submission(
    struct ledger *ledger, struct bytes signed_entry, uint64_t now_s, struct problem *ret_problem);

/* ---- roots */

/* Over entries' tips, trust records, fork proofs and join records (amendment 9). */
void ledger_records_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES]);

/* Amendment 10. Returns LEDGER_OK, or that the fleet's level is above this software: then no root
 * exists. */
bool ledger_state_root(struct ledger *ledger, uint8_t ret_root[HASH_BYTES]);

/* Number of records added so far; changes exactly when the set does. */
uint64_t ledger_revision(const struct ledger *ledger);

/* ---- entries */

struct ledger_head {
    const uint8_t *author;
    uint64_t seq;
    const uint8_t *id;
};

/* The last entry of each key below its freeze. */
uint32_t ledger_heads_count(const struct ledger *ledger);
struct ledger_head ledger_head_at(
    const struct ledger *ledger, uint32_t index); /* ascending by author */
bool ledger_head_find(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], struct ledger_head *ret_head);

/* Every entry that none follows, of all branches: what the set of entries is known by. Ascending by
 * author, seq, id. */
uint32_t ledger_tips_count(const struct ledger *ledger);
struct ledger_head ledger_tip_at(const struct ledger *ledger, uint32_t index);

/* All entries of one author and number, in any order. len 0: not so many. */
uint32_t ledger_branches_count(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq);
struct bytes ledger_branch_at(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq, uint32_t index);

/* The SignedEntry bytes below the freeze; len 0 if absent. */
struct bytes ledger_entry_at(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq);
struct bytes ledger_entry_find(const struct ledger *ledger, const uint8_t id[HASH_BYTES]);
uint64_t ledger_entries_count(const struct ledger *ledger);

/* By order of arrival here, 0-based: for the Log service. */
struct bytes ledger_entry_by_arrival(
    const struct ledger *ledger, uint64_t index, const uint8_t **ret_id);

/* OK: its changeset counts. Otherwise void or waiting, with the reason. *ret_op: the operation at
 * fault or UINT32_MAX. INVITE_VOID: all of it counts but an invite of a name that is taken. */
enum ledger_reason ledger_entry_status(
    struct ledger *ledger, const uint8_t id[HASH_BYTES], uint32_t *ret_op);

/* ---- trust */

struct bytes ledger_trust_head(const struct ledger *ledger,
    uint64_t *ret_position); /* id; len 0 before the first; ret_position may be NULL */
/* The record at this position of the chain in force, SignedTrust bytes; len 0 if above the head. */
struct bytes ledger_trust_at(const struct ledger *ledger, uint64_t position);
/* All records, losing branches too: for repair. */
uint32_t ledger_trust_count(const struct ledger *ledger);
struct bytes ledger_trust_any(
    const struct ledger *ledger, uint32_t index, const uint8_t **ret_id, uint64_t *ret_position);

/* The grant in force for a key at the trust head; NULL if none or ended (then *ret_ended, may be
 * NULL, is true). */
const Picket__V1__Grant *ledger_grant_find(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], bool *ret_ended);
/* All grants of the chain in force, in its order, with whether each still stands. */
uint32_t ledger_grants_count(const struct ledger *ledger);
const Picket__V1__Grant *ledger_grant_at(
    const struct ledger *ledger, uint32_t index, bool *ret_is_live);
/* The grant that judged this entry; NULL if none. */
const Picket__V1__Grant *ledger_entry_grant(struct ledger *ledger, const uint8_t id[HASH_BYTES]);

/* ---- joins, forks */

uint32_t ledger_joins_count(const struct ledger *ledger);
struct bytes ledger_join_at(const struct ledger *ledger, uint32_t index, const uint8_t **ret_id);
uint32_t ledger_forks_count(const struct ledger *ledger);
struct bytes ledger_fork_at(const struct ledger *ledger, uint32_t index, const uint8_t **ret_id);

enum node_status { NODE_INVITED, NODE_JOINED, NODE_SUSPENDED, NODE_RETIRED };
struct ledger_node {
    const uint8_t *invite;     /* 32: the identity */
    const uint8_t *invite_key; /* 65 */
    const uint8_t *enroller;   /* 32: the author of the invite */
    const char *name;
    Picket__V1__Label *const *labels;
    size_t labels_count;
    uint64_t join_by;
    enum node_status status;
    const uint8_t *leaf_key; /* 65; NULL unless joined */
    const uint8_t *node_key; /* 32; NULL unless joined */
};
uint32_t ledger_nodes_count(struct ledger *ledger);
void ledger_node_at(
    struct ledger *ledger, uint32_t index, struct ledger_node *ret_node); /* ascending by invite */
bool ledger_node_find(
    struct ledger *ledger, const uint8_t invite[HASH_BYTES], struct ledger_node *ret_node);

/* ---- objects with a live head, ascending by id */

enum object_kind { OBJECT_RULE = 1, OBJECT_SET = 2, OBJECT_DEFAULT = 3 };

struct ledger_object {
    uint8_t id[OP_REF_BYTES];
    enum object_kind kind;
    uint8_t winner[OP_REF_BYTES]; /* the head that has effect */
    bool winner_is_delete;        /* a conflict in which the delete wins: no effect */
    uint32_t heads_count;         /* more than one: a conflict */
    union {                       /* of the winner; NULL if it is a delete */
        const Picket__V1__Rule *rule;
        const Picket__V1__Set *set;
        const Picket__V1__DefaultPolicy *policy;
    } of;
    const Picket__V1__Manifest *manifest; /* sets; may be NULL */
};

uint32_t ledger_objects_count(struct ledger *ledger);
void ledger_object_at(struct ledger *ledger, uint32_t index, struct ledger_object *ret_object);
bool ledger_object_find(
    struct ledger *ledger, const uint8_t id[OP_REF_BYTES], struct ledger_object *ret_object);
/* Copies up to max head references, ascending; returns how many there are. */
uint32_t ledger_object_heads(struct ledger *ledger, const uint8_t id[OP_REF_BYTES],
    uint8_t (*ret_refs)[OP_REF_BYTES], uint32_t max);

/* A set reference inside a rule (36, or 4 = local to the entry of `winner`) as an object id. */
bool ledger_set_resolve(
    const uint8_t winner[OP_REF_BYTES], struct bytes reference, uint8_t ret_id[OP_REF_BYTES]);

/* Live elements of a set that came by deltas, sorted by (family, address, length), latest expiry of
 * each prefix. */
int ledger_set_additions(struct ledger *ledger, const uint8_t id[OP_REF_BYTES],
    struct set_element **ret_elements, uint32_t *ret_count);

/* Every chunk that live manifests name, one call each: what a node must hold. */
void ledger_chunks_wanted(
    struct ledger *ledger, void (*want)(void *user, const uint8_t hash[HASH_BYTES]), void *user);
