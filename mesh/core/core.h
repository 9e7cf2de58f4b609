/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * core.h - the protocol between neighbours as a function of (state, event).
 *
 * Owns:    struct mesh_core and all it reaches, allocated in mesh_core_new(); while it unpacks a
 * frame it allocates at most a small multiple of FRAME_BYTES_MAX. I/O:     none. No clock, socket,
 * file or environment. Threads: one. Whoever calls mesh_core_step(). Fails:   only mesh_core_new()
 * can. A bad frame is an effect, not an error.
 */
#include "mesh/core/event.h"

#define MESH_LINKS_MAX 32     /* streams at a time, duplicates about to be closed included */
#define MESH_ADDRESSES_MAX 64 /* remembered addresses of other nodes */

/* What the core may ask about the records its environment holds. Cheap, never blocks. Ids and
 * bytes live until the core returns. */
struct mesh_view {
    void *user;
    void (*records_root)(void *user, uint8_t ret_root[HASH_BYTES]);
    bool (*state_root)(void *user, uint8_t ret_root[HASH_BYTES]); /* false: there is none */
    bool (*digest)(void *user, uint8_t ret_digest[HASH_BYTES]);   /* of the compiled tables */
    bool (*is_durable)(void *user); /* everything under records_root is on disk */

    bool (*has_room)(void *user); /* for more records to verify: else wants pause */

    /* Tips of author chains, ascending by author; of a key that forked, one each branch. Bytes are
     * not filled. head_find: the last entry of which no other has the number, nor any before it. */
    uint32_t (*heads_count)(void *user);
    void (*head_at)(void *user, uint32_t index, struct mesh_record *ret_record);
    bool (*head_find)(void *user, const uint8_t *author, struct mesh_record *ret_record);
    /* Of one number there is one entry, or one each branch. entry_at fills bytes only. False: not
     * here, or not to be sent yet. */
    uint32_t (*entries_count)(void *user, const uint8_t *author, uint64_t seq);
    bool (*entry_at)(void *user, const uint8_t *author, uint64_t seq, uint32_t index,
        struct mesh_record *ret_record);
    bool (*entry_has)(void *user, const uint8_t *id);
    bool (*is_author_known)(
        void *user, const uint8_t *author); /* granted by a trust record held here */

    /* Trust records of all branches, joins, forks, in any stable order. at: false if not to be sent
     * yet. */
    uint32_t (*count)(void *user, uint32_t kind);
    bool (*at)(void *user, uint32_t kind, uint32_t index, struct mesh_record *ret_record);
    bool (*trust_head)(void *user, uint8_t ret_id[HASH_BYTES], uint64_t *ret_position);

    /* Calls `want` for each chunk that is needed here and absent, at most max times. */
    void (*chunks_missing)(
        void *user, uint32_t max, void (*want)(void *core, const uint8_t *hash), void *core);
    bool (*chunk_has)(void *user, const uint8_t *hash); /* it is here and may be asked for now */
};

struct mesh_options {
    uint8_t fleet_id[HASH_BYTES];
    uint8_t node[HASH_BYTES]; /* this node's invite id */
    const char *name;
    const char *const *dial; /* host:port of nodes to stay connected to; copied */
    uint32_t dial_count;
    const char *const *own; /* host:port where others can reach this node; copied, at most 4 */
    uint32_t own_count;
    uint64_t seed; /* of jitter */
    /* Zero: the default in brackets. */
    uint32_t keepalive_ms; /* [1000] */
    uint32_t silence_ms;   /* [5000] a link without a frame for so long is closed */
    uint32_t grace_ms;    /* [500] roots may differ so long before they are compared by summaries */
    uint32_t want_ms;     /* [2000] an unanswered want is asked of another neighbour */
    uint32_t news_ms;     /* [20] shortest time between two keepalives */
    uint32_t dial_min_ms; /* [200] first retry, then doubled with jitter */
    uint32_t dial_max_ms; /* [10000] */
    uint32_t faults_max;  /* [20] a link is closed above; one fault is forgiven a minute */
    void *trace_user;
    void (*trace)(void *user, const char *line); /* key=value words, no newline; may be NULL */
};

struct mesh_core;

/* 0, -ENOMEM, or -EINVAL for an address that does not fit. The view is copied. */
int mesh_core_new(
    const struct mesh_options *options, const struct mesh_view *view, struct mesh_core **ret_core);
void mesh_core_free(struct mesh_core *core); /* accepts NULL */

void mesh_core_step(
    struct mesh_core *core, const struct mesh_event *event, const struct mesh_effects *effects);

/* When to send MESH_ON_TICK next. */
uint64_t mesh_core_deadline_ms(const struct mesh_core *core);

/* What a neighbour said last: for status and for counting who holds what. */
struct mesh_peer {
    uint32_t link;       /* MESH_LINK_NONE: not connected */
    const uint8_t *node; /* 32; NULL: never met */
    const char *name;    /* "" if never met */
    const char *address; /* dialled or said by it; "" if unknown */
    bool has_root, is_root_durable;
    uint8_t root[HASH_BYTES]; /* of its last keepalive */
    bool has_state_root, has_digest;
    uint8_t state_root[HASH_BYTES], digest[HASH_BYTES];
    uint64_t frame_ms; /* when its last frame came */
    uint64_t up_ms;
    uint64_t time_s;     /* its clock in its last keepalive; 0: none yet */
    const char *refused; /* why the last attempt or link failed; "" if none */
};

/* Links first, then addresses that are not connected. Valid until the next step. */
uint32_t mesh_core_peers_count(const struct mesh_core *core);
void mesh_core_peer_at(const struct mesh_core *core, uint32_t index, struct mesh_peer *ret_peer);

struct mesh_counts {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t keepalives_in, summaries_out, summaries_in, wants_out, wants_in;
    uint64_t records_in, records_out, chunks_in, chunks_out;
    uint64_t wants_late;    /* asked again of another neighbour */
    uint64_t sends_dropped; /* told by DROPPED */
    uint64_t dials, dials_failed;
    uint64_t penalties[MESH_REASON_COUNT];
    uint64_t closes[MESH_REASON_COUNT];
};
const struct mesh_counts *mesh_core_counts(const struct mesh_core *core);
