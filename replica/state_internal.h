/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * replica_internal.h - what a replica remembers and what its files do for each other.
 *
 * receive (others' records), submit (clients' records, in rounds), storing (on the way to the
 * disk), waiting (lacking something), chunks, view (what the core sees), holders (who has what).
 *
 * A round: submitted records enter the ledger together, are stored together, and only when all of
 * them are on disk comes STATE, then the ANSWERs, then the next round. It is the group commit of
 * the disk, seen from above; it makes "nothing is applied before it is stored" true without a
 * second ledger.
 */
#include "base/idmap.h"
#include "replica/replica.h"

#define REPLICA_ROUND_MAX 1024 /* records in one round */
#define REPLICA_UNSTORED_MAX \
    8192 /* in the ledger, not on disk; above: nothing is taken from others */
#define REPLICA_CHUNK_STORES_MAX 64
#define REPLICA_CHUNK_READS_MAX 1024
#define REPLICA_NOTES_MAX 16
#define REPLICA_ROOTS_MAX 128
#define REPLICA_ARRIVALS_MAX 16384

#define REPLICA_UNSTORED_ROOM \
    (REPLICA_UNSTORED_MAX + REPLICA_SUBMIT_RECORDS_MAX + REPLICA_ROUND_MAX)

/* A copy of a record and what record_open() said of it. Heap. */
struct held_record {
    struct record_view view;
    size_t len;
    uint8_t bytes[];
};

enum item_state {
    ITEM_LATER,    /* a trust record whose parent stands before it in the request */
    ITEM_CHECKING, /* VERIFY is out */
    ITEM_READY,    /* to be judged in its turn */
    ITEM_STORING,  /* in the ledger, waits for the disk */
    ITEM_DONE,     /* its answer stands */
};

struct submission;

struct item {
    enum item_state state;
    enum record_kind kind;
    struct held_record *record; /* until DONE */
    struct submission *submission;
    struct item *next_storing; /* of those that wait for one STORE */
};

struct submission {
    struct submission *next;
    uint64_t token;
    uint32_t count, turn; /* items before `turn` are STORING or DONE */
    uint32_t storing_count, checking_count;
    struct replica_answer *answers;
    struct item items[];
};

/* A VERIFY that is out. */
struct check {
    uint64_t ticket;
    uint32_t link;              /* whom it came from */
    struct held_record *record; /* of link; of an item it stays the item's */
    struct item *item;          /* NULL: from a link */
};

/* A record in the ledger and not on disk. */
struct unstored {
    bool is_used, is_submitted, is_failing, is_in_flight;
    enum record_kind kind;
    uint64_t ticket;
    uint64_t retry_ms;
    uint8_t id[HASH_BYTES], author[KEY_BYTES], prev[HASH_BYTES];
    uint64_t seq;
    struct item *items; /* that wait for it */
    /* Entries, in the order of their arrival. */
    uint64_t arrival;
    struct unstored *older, *newer;
};

struct waiting {
    struct held_record *record; /* NULL: free */
    enum ledger_reason reason;
    uint32_t link;
    uint64_t order; /* the oldest gives way */
    bool is_verified, is_awake;
};

struct chunk_store {
    bool is_used, has_token;
    uint64_t ticket, token;
    uint8_t hash[HASH_BYTES];
};

struct chunk_read {
    bool is_used;
    uint64_t ticket;
    uint32_t link;
    uint8_t hash[HASH_BYTES];
};

/* Something to tell the core after its step. */
struct note {
    bool is_waits; /* else blame */
    uint32_t link;
    enum mesh_reason reason;
    uint32_t kind;
    uint8_t author[KEY_BYTES];
    uint64_t seq;
};

struct root_seen {
    uint8_t root[HASH_BYTES];
    uint64_t entries_count;
};

struct holder {
    uint32_t link;
    uint64_t entries_count; /* it has the first so many that arrived here */
};

struct replica {
    struct ledger *ledger;
    struct mesh_core *core;
    struct mesh_options mesh; /* trace sink */
    void (*chunk_hash)(struct bytes content, uint8_t ret_hash[HASH_BYTES]);
    uint32_t store_retry_ms;
    struct replica_counts counts;
    uint64_t tickets; /* given out so far */

    struct check *checks[REPLICA_VERIFY_MAX];
    uint32_t checks_count, checks_next;
    struct idmap checks_by_id;
    struct idmap granted; /* keys */
    struct idmap others;  /* ids of trust, join and fork records held */

    struct unstored *unstored; /* REPLICA_UNSTORED_MAX + a submission's worth */
    struct idmap unstored_by_id;
    struct unstored *oldest_entry, *newest_entry;
    uint32_t unstored_next, hidden_count;

    struct submission *submissions, **submissions_end;
    uint32_t submissions_count;
    uint32_t round_pending;  /* submitted records in flight to the disk */
    uint64_t state_revision; /* at the last STATE */
    uint64_t news_revision;  /* at the last SETTLED */
    bool state_owed;

    struct waiting waiting[REPLICA_WAITING_MAX];
    size_t waiting_bytes;
    uint32_t waiting_verified; /* of them */
    uint64_t waiting_order;
    uint32_t awake_count;

    struct idmap chunks_present, chunks_missing; /* missing: index into missing_list */
    struct buffer missing_list;                  /* hashes */
    uint64_t chunks_revision;
    bool has_chunks_revision;
    struct chunk_store chunk_stores[REPLICA_CHUNK_STORES_MAX];
    struct chunk_read chunk_reads[REPLICA_CHUNK_READS_MAX];

    struct root_seen roots[REPLICA_ROOTS_MAX];
    uint32_t roots_count;
    struct holder holders[MESH_LINKS_MAX];
    uint32_t holders_count;
    struct idmap arrivals; /* author and seq of submitted entries: order of arrival */
    uint64_t keepalives_seen, holders_revision;
    struct replica_convergence convergence;

    bool has_digest;
    uint8_t digest[HASH_BYTES];
    struct note notes[REPLICA_NOTES_MAX];
    uint32_t notes_count;

    /* Of the step under way. */
    uint64_t now_ms, time_s;
    const struct replica_effects *effects;
};
