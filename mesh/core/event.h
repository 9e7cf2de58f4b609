/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * event.h - what the core is told and what it asks for in return.
 *
 * Owns:    nothing. Events and effects borrow.
 * Bytes:   an event's live until mesh_core_step() returns; an effect's until its callback returns.
 * Order:   effects are performed in the order of the calls. A callback never calls
 * mesh_core_step(). Records: (kind, id, author, seq, bytes). The core reads only the frame around
 * them. `kind` has the values of enum record_kind in store/ledger/record.h, which the core does not
 * include.
 */
#include "base/bytes.h"
#include "mesh/core/reason.h"

#define MESH_ENTRY 1
#define MESH_TRUST 2
#define MESH_JOIN 3
#define MESH_FORK 4

#define MESH_LINK_NONE UINT32_MAX
#define MESH_NAME_BYTES 80     /* with the NUL */
#define MESH_ADDRESS_BYTES 128 /* host:port, with the NUL */

struct mesh_record {
    uint32_t kind;
    const uint8_t *id;     /* 32 */
    const uint8_t *author; /* 32; entries, else NULL */
    uint64_t seq;          /* entries: number; trust: position */
    struct bytes bytes;
};

enum mesh_event_kind {
    MESH_ON_TICK,        /* mesh_core_deadline_ms() has come, or any other moment */
    MESH_ON_LINK_UP,     /* an authenticated stream stands */
    MESH_ON_LINK_DOWN,   /* it ended; `reason` is a sentence for people */
    MESH_ON_DIAL_FAILED, /* the connection a DIAL asked for did not come about */
    MESH_ON_FRAME,       /* one message from a neighbour, not yet trusted */
    MESH_ON_DROPPED,     /* a SEND found the link's queue full: its content is lost */
    MESH_ON_ADDED,       /* a record is in the set and may be sent (durable, if submitted here) */
    MESH_ON_REFUSED,     /* a record TAKEn from `link` can never be added: blame it */
    MESH_ON_WAITS,       /* a record TAKEn from `link` lacks something: fetch it */
    MESH_ON_SETTLED,     /* everything in the set is on disk: worth a keepalive */
    MESH_ON_CHUNK,       /* a chunk is on disk */
    MESH_ON_CHUNK_READ,  /* the answer to READ_CHUNK; bytes.len 0: not there */
};

struct mesh_event {
    enum mesh_event_kind kind;
    uint64_t now_ms; /* monotonic; never goes back */
    uint64_t time_s; /* unix seconds, for the keepalive */
    uint32_t link;   /* environment's number; LINK_*, FRAME, DROPPED, ADDED (came from), REFUSED,
                        WAITS, CHUNK_READ */
    union {
        struct {
            const uint8_t *node; /* 32: authenticated identity */
            const char *name;
            const char *address; /* that was dialled; NULL: the neighbour dialled us */
        } up;
        const char *sentence; /* LINK_DOWN, DIAL_FAILED: may be NULL */
        struct bytes frame;
        struct mesh_record record; /* ADDED, WAITS */
        enum mesh_reason reason;   /* REFUSED */
        const uint8_t *chunk;      /* CHUNK: 32 */
        struct {
            const uint8_t *hash;
            struct bytes content;
        } chunk_read;
    };
    const char *address; /* DIAL_FAILED */
};

enum mesh_effect_kind {
    MESH_DO_SEND,       /* one message to one neighbour */
    MESH_DO_DIAL,       /* connect; ends in LINK_UP with this address, or DIAL_FAILED */
    MESH_DO_CLOSE,      /* end the link; LINK_DOWN is not expected and may come */
    MESH_DO_PENALISE,   /* the neighbour broke the protocol; for logs and counts */
    MESH_DO_TAKE,       /* a record arrived: open, verify, add */
    MESH_DO_TAKE_CHUNK, /* content that was asked for arrived: hash it, store it */
    MESH_DO_READ_CHUNK, /* a neighbour wants it: read it, answer CHUNK_READ */
};

struct mesh_effect {
    enum mesh_effect_kind kind;
    uint32_t link;
    enum mesh_reason reason;
    uint32_t record_kind; /* TAKE */
    struct bytes bytes;   /* SEND, TAKE, TAKE_CHUNK */
    const uint8_t *hash;  /* READ_CHUNK: 32 */
    const char *address;  /* DIAL */
};

struct mesh_effects {
    void *user;
    void (*fn)(void *user, const struct mesh_effect *effect);
};
