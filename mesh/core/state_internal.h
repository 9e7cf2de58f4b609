/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * core_internal.h - the inside of the core, for the files of this folder.
 *
 * A file per subject: link (who is connected), book (whom to dial), spread (new records), repair
 * (what is missing), serve (what others miss), chunk (content), frame (bytes out).
 */
#include "base/limits.h"
#include "base/prng.h"
#include "mesh/core/core.h"

#include "proto/picket/v1/mesh.pb-c.h"

#define MESH_OWN_ADDRESSES_MAX 4
#define MESH_WANT_RANGES_MAX 64
#define MESH_WANT_IDS_MAX 256
#define MESH_ANSWER_BYTES_MAX (256 * 1024) /* records in answer to one want */
#define MESH_ANSWER_RECORDS_MAX 512
#define MESH_SESSIONS_MAX 3      /* neighbours with whom repair runs at a time */
#define MESH_CHUNKS_A_LINK_MAX 4 /* asked of one neighbour at a time */
#define MESH_CHUNKS_MAX 16       /* asked at a time */
#define MESH_READS_A_LINK_MAX 8  /* chunks being read for one neighbour */
#define MESH_ROOTS_MAX 64        /* remembered roots of our own */
#define MESH_FAULTY_MAX 64       /* nodes whose faults are remembered across links */
#define MESH_SUMMARY_HEADS_MAX 1500
#define MESH_SUMMARY_TRUST_MAX 1024
#define MESH_SUMMARY_JOINS_MAX 10000
#define MESH_SUMMARY_FORKS_MAX 500
#define MESH_UNPACK_BYTES_MAX (4 * FRAME_BYTES_MAX)

/* 34 bytes an id, 80 a head, and room for the frame around: a full summary fits one message. */
_Static_assert((MESH_SUMMARY_TRUST_MAX + MESH_SUMMARY_JOINS_MAX + MESH_SUMMARY_FORKS_MAX) * 34 +
                       MESH_SUMMARY_HEADS_MAX * 80 + 64 <=
                   FRAME_BYTES_MAX,
    "a full summary fits a frame");
_Static_assert(ENTRY_BYTES_MAX + 64 <= FRAME_BYTES_MAX && CHUNK_BYTES + 64 <= FRAME_BYTES_MAX,
    "every record and every chunk fits a frame");

struct mesh_range {
    uint8_t author[KEY_BYTES];
    uint64_t first, last;
};

/* What one neighbour was asked for. One at a time. */
struct mesh_want {
    bool is_open;           /* asked; the end of the answer is due */
    bool is_paused;         /* the answer ended early; the rest is asked when there is room */
    uint64_t at_ms;         /* asked, or last heard of; since when it is paused */
    uint32_t records_count; /* that came since it was asked */
    uint32_t ranges_count, ids_count;
    uint64_t trust_from; /* 0: none */
    struct mesh_range ranges[MESH_WANT_RANGES_MAX];
    uint8_t ids[MESH_WANT_IDS_MAX][HASH_BYTES]; /* joins, then forks */
    uint32_t joins_count;
};

struct mesh_link {
    bool is_used, has_hello, is_dialled, is_dirty, contacts_due;
    uint32_t number;
    uint8_t node[HASH_BYTES];
    char name[MESH_NAME_BYTES];
    char address[MESH_ADDRESS_BYTES]; /* dialled, or the first it says; "" if none */
    uint64_t up_ms, frame_ms;
    uint64_t keepalive_ms; /* when the next is due */
    uint64_t contacts_ms;  /* not before */
    uint32_t contacts_taken;
    uint32_t reads; /* chunks being read for it */

    bool has_root, is_root_durable, has_state_root, has_digest;
    uint8_t root[HASH_BYTES], state_root[HASH_BYTES], digest[HASH_BYTES];
    uint64_t time_s;

    uint64_t spent;         /* of its share, see budget.c; flows back with time */
    uint64_t spent_ms;      /* as of then */
    uint32_t refused_count; /* asked above its share, since it last was below */

    bool differs;
    uint64_t differs_ms; /* since when */
    bool is_asked;       /* our summary went out and asks for theirs */
    uint64_t asked_ms;
    uint64_t answered_ms; /* when theirs was answered last */
    uint64_t rest_ms;     /* no repair with it before */
    uint64_t progress_ms; /* repair with it began, or brought something new */
    uint32_t suspects_count;
    struct mesh_range suspects[4]; /* where its chains and ours part: asked first */
    bool is_trust_suspect;         /* its trust log has a branch unknown here */
    struct mesh_want want;
};

struct mesh_address {
    bool is_used, is_configured, is_dialling, is_self, is_met, has_node;
    bool is_claimed; /* its node says so of itself; nobody here has dialled it */
    char text[MESH_ADDRESS_BYTES];
    uint8_t node[HASH_BYTES];
    uint32_t fails;
    uint64_t next_ms; /* not dialled before; while dialling: given up then */
    char refused[MESH_ADDRESS_BYTES];
};

struct mesh_chunk_want {
    bool is_used;
    uint8_t hash[HASH_BYTES];
    uint32_t link; /* asked; MESH_LINK_NONE: it had nothing */
    uint64_t at_ms;
    uint32_t tried; /* bit per slot of links[] that did not have it */
};

struct mesh_faulty {
    uint8_t node[HASH_BYTES];
    uint32_t faults;
    uint64_t at_ms; /* counted down since */
};

struct mesh_core {
    struct mesh_options options;
    struct mesh_view view;
    char name[MESH_NAME_BYTES];
    char own[MESH_OWN_ADDRESSES_MAX][MESH_ADDRESS_BYTES];
    uint32_t own_count;
    struct prng prng;
    struct mesh_link links[MESH_LINKS_MAX];
    struct mesh_address addresses[MESH_ADDRESSES_MAX];
    struct mesh_chunk_want chunks[MESH_CHUNKS_MAX];
    struct mesh_faulty faulty[MESH_FAULTY_MAX];
    uint64_t dial_ms;      /* no dial before */
    uint64_t news_sent_ms; /* last keepalive to all */
    bool news_due;
    uint64_t chunks_ms;                        /* look for missing chunks then */
    uint8_t roots[MESH_ROOTS_MAX][HASH_BYTES]; /* a ring; each names a subset of what is held */
    uint32_t roots_count;
    bool has_root;         /* roots' newest is of this step */
    struct buffer out;     /* the frame being sent */
    struct buffer scratch; /* lists a frame points to while it is built */
    struct mesh_counts counts;

    /* Of the step under way. */
    uint64_t now_ms, time_s;
    const struct mesh_effects *effects;
};
