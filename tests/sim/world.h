/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * world.h - a fleet in one process: real replicas, ledgers, codec and signatures; a modelled net,
 * disk and clock. The same seed gives the same world, event by event.
 *
 * After every step the checkers run (checks.c):
 *   I1 nothing submitted is applied, answered or sent before it is stored
 *   I2 heads never go back; after a crash they are at least what was stored
 *   I3 equal records roots imply equal state roots
 *   I4 nothing answered is ever lost
 *   L1 after healing all nodes agree within a bounded time, and hold everything answered
 */
#include "base/idmap.h"
#include "base/prng.h"
#include "replica/replica.h"
#include "store/keys/keys.h"

#define SIM_NODES_MAX 32
#define SIM_PEOPLE_MAX 3
#define SIM_CHAIN_MAX 256
#define SIM_TRACE_LINES 200
#define SIM_TRACE_BYTES 320
#define SIM_CONNS_MAX 4096

#define SIM_FAULTS(X)                                                     \
    X(LOSS, "loss", "frames vanish")                                      \
    X(DELAY, "delay", "frames take long")                                 \
    X(DUPLICATE, "duplicate", "frames come twice")                        \
    X(REORDER, "reorder", "frames overtake each other")                   \
    X(FULL, "full", "send queues are full")                               \
    X(PARTITION, "partition", "the fleet is cut in two for a while")      \
    X(CRASH, "crash", "nodes die before, after and between their writes") \
    X(SLOW_DISK, "slow_disk", "commits take up to a second")              \
    X(BAD_DISK, "bad_disk", "commits fail for a while")                   \
    X(FORGERY, "forgery", "bits flip in frames")

enum sim_fault {
#define SIM_FAULT_ENUM(name, word, text) SIM_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
        SIM_FAULT_COUNT
};
#define SIM_FAULTS_ALL ((1U << SIM_FAULT_COUNT) - 1)

/* Planted bugs, to see the checkers fail. */
enum sim_bug {
    SIM_NO_BUG,
    SIM_BUG_DISK_LIES,    /* a write is confirmed before it is on disk, and may then be lost: I4 */
    SIM_BUG_DISK_FORGETS, /* a restart finds the newest record gone: I2, I4 */
    SIM_BUG_DEAF,         /* one node never hears records: L1 */
};

struct sim_options {
    uint32_t nodes;
    uint64_t seed;
    uint32_t faults; /* bit per enum sim_fault */
    enum sim_bug bug;
    bool is_loud; /* print every trace line */
};

enum sim_event_kind {
    SIM_DELIVER,
    SIM_DIALLED,
    SIM_CONN_DOWN,
    SIM_VERIFIED,
    SIM_COMMIT,
    SIM_STORED,
    SIM_CHUNK_STORED,
    SIM_CHUNK_READ,
    SIM_RESTART,
    SIM_CRASH_NOW,
    SIM_PARTITION_NOW,
    SIM_HEAL_NOW,
    SIM_DISK_BREAKS,
    SIM_DISK_HEALS,
    SIM_PERSON_ACTS,
    SIM_PERSON_SUBMITS,
    SIM_TRUST_ACTS,
};

struct sim_event {
    uint64_t at_ms, order;
    enum sim_event_kind kind;
    uint32_t node, epoch; /* of a life of the node; 0: any */
    uint32_t conn, person;
    uint64_t ticket;
    int result;
    uint8_t *bytes; /* owned */
    size_t len;
    uint8_t hash[HASH_BYTES];
};

struct sim_write {
    bool is_chunk, is_submitted;
    enum record_kind kind;
    uint64_t ticket;
    uint8_t id[HASH_BYTES];
    uint8_t *bytes;
    size_t len;
};

struct sim_disk {
    struct sim_write *durable;
    uint32_t durable_count, durable_capacity;
    struct sim_write *pending;
    uint32_t pending_count, pending_capacity;
    struct idmap ids; /* of durable records and chunks: index */
    bool is_committing, is_broken;
    uint32_t committing_count; /* the first so many of pending */
};

struct sim_node {
    struct replica *replica; /* NULL: dead */
    uint32_t epoch;
    uint8_t id[HASH_BYTES];
    char name[16], address[16];
    uint32_t side; /* of the partition */
    uint64_t tick_ms;
    struct sim_disk disk;
    uint64_t heads[SIM_PEOPLE_MAX]; /* I2 */
    uint64_t checked_revision;
    struct idmap answered; /* ids this node has answered for: I4 */
    uint8_t (*answered_list)[HASH_BYTES];
    uint32_t answered_count;
};

struct sim_conn {
    uint32_t ends[2]; /* dialler, dialled */
    uint32_t epochs[2];
    bool is_up[2];
    uint64_t first_ms[2]; /* when the first frame towards that end arrives */
};

struct sim_entry {
    struct buffer bytes, chunk;
    uint8_t id[HASH_BYTES];
    bool is_acked;
};

struct sim_person {
    struct key_pair key;
    uint32_t trust_count; /* records it knows: its grant is among them */
    struct sim_entry chain[SIM_CHAIN_MAX];
    uint32_t chain_count;
};

struct sim_world {
    struct sim_options options;
    struct prng prng;
    uint64_t now_ms, order, steps;
    struct sim_event *heap;
    uint32_t heap_count, heap_capacity;
    struct sim_node nodes[SIM_NODES_MAX];
    struct sim_conn conns[SIM_CONNS_MAX];
    uint32_t conns_count;
    bool is_cut, is_calm; /* calm: healed, no more faults */
    struct buffer genesis;
    struct key_pair root;
    struct buffer trust[SIM_PEOPLE_MAX];
    uint8_t trust_ids[SIM_PEOPLE_MAX][HASH_BYTES];
    uint32_t trust_submitted;
    struct sim_person people[SIM_PEOPLE_MAX];
    struct sim_request *requests;
    uint32_t requests_count, requests_capacity;
    struct idmap claims; /* signature: 1 good, 0 bad */
    struct idmap roots;  /* records root: index into state_roots, I3 */
    uint8_t (*state_roots)[HASH_BYTES];
    uint32_t state_roots_count;
    uint32_t stepping; /* node */
    bool has_failed;
    char failure[240];
    uint64_t answered, refused, crashes;
    char trace[SIM_TRACE_LINES][SIM_TRACE_BYTES];
    uint64_t trace_count;
};

/* ---- world.c */
struct sim_world *sim_new(const struct sim_options *options);
void sim_free(struct sim_world *world);
/* The whole life: faults, healing, agreement. False: a checker failed, see failure. */
bool sim_run(struct sim_world *world);
void sim_print_failure(const struct sim_world *world);
/* Steps until this time; people and faults act as they were scheduled. */
void sim_run_until(struct sim_world *world, uint64_t until_ms);
void sim_node_crash(struct sim_world *world, uint32_t node);

/* ---- people.c */
void sim_person_writes(struct sim_world *world, uint32_t person, uint32_t node);
/* Its unanswered tail, to this node. */
void sim_person_submits(struct sim_world *world, uint32_t person, uint32_t node);
void sim_trust_submits(struct sim_world *world, uint32_t count, uint32_t node);

/* Do all live nodes agree and hold everything answered? */
bool sim_is_agreed(struct sim_world *world, bool is_final);
bool sim_disk_has(const struct sim_disk *disk, const uint8_t id[HASH_BYTES]);
