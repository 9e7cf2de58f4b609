/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * replica.h - one node's copy of the fleet's records: mesh core + ledger + waiting room, as a
 * function (state, event) -> effects. picketd performs the effects; picket-sim plays the world.
 *
 * Owns:    the ledger and everything else it reaches.
 * I/O:     none: no clock, disk, socket, thread or key. See event.h for the lifetimes of bytes.
 * Threads: one. Whoever calls replica_step().
 * Fails:   replica_new() and replica_load() only. A failed disk is answered, reported and tried
 * again. Use:     replica_new(); replica_load() for every record and replica_load_chunk() for every
 * chunk on disk, in the order of arrival; then replica_step() for every event, with a TICK first.
 */
#include "mesh/core/core.h"
#include "replica/event.h"
#include "store/ledger/ledger.h"

#define REPLICA_SUBMIT_RECORDS_MAX 512 /* in one SUBMIT */
#define REPLICA_SUBMITS_MAX 1024       /* not yet answered; above: FAILED with -EBUSY */
#define REPLICA_VERIFY_MAX                                                                         \
    4096                         /* VERIFYs not yet answered; above: dropped, repair fetches again \
                                  */
#define REPLICA_WAITING_MAX 2048 /* records that lack something */
#define REPLICA_WAITING_BYTES_MAX (16 * 1024 * 1024)
#define REPLICA_WAITING_OF_LINK_MAX 512   /* of them unverified, from one neighbour */
#define REPLICA_WAITING_OF_AUTHOR_MAX 512 /* verified, of one key */

struct replica;

struct replica_options {
    struct mesh_options mesh; /* fleet_id is filled in from the genesis */
    struct bytes genesis;
    /* keys_hash(HASH_CHUNK, ...): given, because a replica may not include store/keys. */
    void (*chunk_hash)(struct bytes content, uint8_t ret_hash[HASH_BYTES]);
    uint32_t store_retry_ms; /* [1000] a failed STORE is tried again so often */
};

int replica_new(const struct replica_options *options, struct replica **ret_replica,
    struct problem *reterr_problem);
void replica_free(struct replica *replica); /* accepts NULL */

/* A record from this node's own disk: signatures were checked before it was stored. 0, -ENOMEM, or
 * -EBADMSG if it does not fit what is held (then it is left out and repair fetches it). */
int replica_load(struct replica *replica, enum record_kind kind, struct bytes bytes);
int replica_load_chunk(struct replica *replica, const uint8_t hash[HASH_BYTES]);

void replica_step(struct replica *replica, const struct replica_event *event,
    const struct replica_effects *effects);

/* When to send REPLICA_ON_TICK next, monotonic milliseconds. */
uint64_t replica_deadline_ms(const struct replica *replica);

/* For reading only; never ledger_add(). Between steps. Submitted records whose STORE is under way
 * are in it: compile from it in STATE, or while replica_is_settled(). */
struct ledger *replica_ledger(struct replica *replica);

/* No submitted record in the ledger is still on its way to the disk. True also while the disk
 * fails. */
bool replica_is_settled(const struct replica *replica);

/* So many entries, in the order of their arrival here, are on disk: what stands before may be shown
 * under its place for ever. */
uint64_t replica_entries_durable(const struct replica *replica);

/* The chunk is on this node's disk. */
bool replica_chunk_has(const struct replica *replica, const uint8_t hash[HASH_BYTES]);
/* Chunks that live manifests name and that are not here. */
uint32_t replica_chunks_missing(struct replica *replica);

/* Connected neighbours known to have this entry on disk: their last durable root covered it. This
 * node is not counted. Grows within news_ms of their commit; may fall when a neighbour disconnects.
 */
uint32_t replica_holders(struct replica *replica, const uint8_t author[KEY_BYTES], uint64_t seq);

/* Neighbours and known addresses: see struct mesh_peer. */
uint32_t replica_peers_count(const struct replica *replica);
void replica_peer_at(const struct replica *replica, uint32_t index, struct mesh_peer *ret_peer);

/* Connected neighbours and how many of them named our present records root last; since when all
 * did, in ms of the events' clock (0: they do not, or there is none). */
struct replica_convergence {
    uint32_t neighbours, agreeing;
    uint64_t agreed_since_ms;
    uint8_t root[HASH_BYTES];
};
void replica_convergence(struct replica *replica, struct replica_convergence *ret_convergence);

struct replica_counts {
    uint64_t refused[LEDGER_REASON_COUNT]; /* submitted or received, by reason */
    uint64_t added, known, submitted, answered;
    uint64_t verifies, verify_failed;
    uint64_t stores, stores_failed;
    uint64_t waiting, waiting_dropped; /* present; ever */
    uint64_t dropped;                  /* records dropped because a queue was full */
    uint64_t unstored;                 /* present: in the ledger, not yet on disk */
    bool is_disk_failing;
};
const struct replica_counts *replica_counts(const struct replica *replica);
const struct mesh_counts *replica_mesh_counts(const struct replica *replica);
