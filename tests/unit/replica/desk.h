/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * desk.h - one replica on a desk: signatures are checked at once, the disk does what it is told,
 * what the replica asks for is counted. One operator, one neighbour.
 */
#include "replica/replica.h"
#include "store/keys/keys.h"

#define DESK_STORES_MAX 64
#define DESK_ANSWERS_MAX 32
#define DESK_LINK 5

struct desk_store {
    uint64_t ticket;
    bool is_chunk;
    uint8_t id[HASH_BYTES];
};

struct desk {
    struct replica *replica;
    struct key_pair root, operator, stranger, enroller, node;
    struct buffer genesis, trust, trust_enroller;
    uint8_t fleet_id[HASH_BYTES], trust_id[HASH_BYTES], trust_enroller_id[HASH_BYTES];
    uint64_t now_ms, tokens;

    /* of the environment */
    struct desk_store stores[DESK_STORES_MAX];
    uint32_t stores_count;
    uint64_t verify_tickets[DESK_STORES_MAX];
    bool verify_results[DESK_STORES_MAX];
    uint32_t verify_count;
    struct replica_answer answers[DESK_ANSWERS_MAX];
    uint64_t answer_tokens[DESK_ANSWERS_MAX];
    uint32_t answers_count;
    uint32_t states, records_sent, reads;
    uint64_t read_ticket;
    enum mesh_reason blamed, closed;
};

struct desk *desk_new(void);
void desk_free(struct desk *desk);
/* The neighbour's link comes up and says hello. */
void desk_connect(struct desk *desk);

/* An entry of one rule with this author and number; prev and ret_id 32 bytes. Free with
 * buffer_fini(). */
struct buffer desk_entry(const struct desk *desk, const struct key_pair *key, uint64_t seq,
    const uint8_t *prev, const char *rule, uint8_t ret_id[HASH_BYTES]);

/* The enroller's first entry: one invite; and a join record for it. */
struct buffer desk_invite(const struct desk *desk);
struct buffer desk_join(const struct desk *desk);

/* Verifies are answered at once; stores are left to desk_disk(). Returns the token. */
uint64_t desk_submit(
    struct desk *desk, const struct buffer *entries, uint32_t count, bool with_trust);
void desk_receive(struct desk *desk, enum record_kind kind, struct bytes bytes);
/* Answers all open stores. */
void desk_disk(struct desk *desk, int result);
void desk_event(struct desk *desk, struct replica_event event);
/* The last answer list of this token: its first answer; NULL if none came. */
const struct replica_answer *desk_answer(const struct desk *desk, uint64_t token, uint32_t index);
