/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * core_internal.h - what the files of this folder do for each other.
 *
 * A file per subject: link (who is connected), hello (who they are, whom they know), book (whom to
 * dial), spread (new records), repair and summary (what is missing), serve (what others miss),
 * chunk (content), frame (bytes in and out).
 */
#include "mesh/core/state_internal.h"

/* ---- core.c */
void mesh_emit(struct mesh_core *core, const struct mesh_effect *effect);
/* Our root, computed once a step. */
const uint8_t *mesh_root(struct mesh_core *core);
/* Did we once have this root? Then its holder has nothing that we lack. */
bool mesh_root_was_ours(struct mesh_core *core, const uint8_t root[HASH_BYTES]);
/* A time in [most / 2, most] later. */
uint64_t mesh_jitter(struct mesh_core *core, uint64_t most_ms);

/* ---- frame.c */
void mesh_send(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Frame *frame);
void mesh_send_record(
    struct mesh_core *core, struct mesh_link *link, const struct mesh_record *record);
void mesh_send_keepalive(struct mesh_core *core, struct mesh_link *link);
void mesh_recv(struct mesh_core *core, struct mesh_link *link, struct bytes bytes);
static inline ProtobufCBinaryData mesh_binary(const void *at, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)at};
}
/* Exactly 32 bytes? */
static inline bool mesh_is_hash(ProtobufCBinaryData data)
{
    return data.len == HASH_BYTES;
}

/* ---- link.c */
struct mesh_link *mesh_link_find(struct mesh_core *core, uint32_t number);
struct mesh_link *mesh_link_of_node(struct mesh_core *core, const uint8_t node[HASH_BYTES]);
void mesh_link_up(struct mesh_core *core, const struct mesh_event *event);
void mesh_link_down(struct mesh_core *core, const struct mesh_event *event);
void mesh_link_close(struct mesh_core *core, struct mesh_link *link, enum mesh_reason reason);
/* Counts a fault; may close the link: check is_used afterwards. */
void mesh_link_blame(struct mesh_core *core, struct mesh_link *link, enum mesh_reason reason);
void mesh_link_tick(struct mesh_core *core);
uint64_t mesh_link_deadline_ms(const struct mesh_core *core);
void mesh_link_news(struct mesh_core *core);
void mesh_recv_keepalive(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Keepalive *keepalive);

/* ---- hello.c */
void mesh_send_hello(struct mesh_core *core, struct mesh_link *link);
void mesh_recv_hello(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Hello *hello);
void mesh_send_contacts(struct mesh_core *core, struct mesh_link *link);
void mesh_recv_contacts(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Contacts *contacts);

/* ---- book.c */
bool mesh_address_fits(const char *text);
bool mesh_book_knows(struct mesh_core *core, const char *text);
/* NULL if there is no room or it is our own. node may be NULL. */
struct mesh_address *mesh_book_learn(struct mesh_core *core, const char *text, const uint8_t *node);
void mesh_book_link_up(
    struct mesh_core *core, const char *text, const uint8_t node[HASH_BYTES], bool is_self);
/* A node says anew where it can be reached: what it said before and nobody tried goes. */
void mesh_book_forget_claims(
    struct mesh_core *core, const uint8_t node[HASH_BYTES], const Picket__V1__Hello *hello);
/* Of a link that ended or a dial that failed. */
void mesh_book_failed(struct mesh_core *core, const char *text, const char *sentence);
void mesh_book_link_down(
    struct mesh_core *core, const uint8_t node[HASH_BYTES], const char *sentence);
bool mesh_book_is_connected(const struct mesh_core *core, const struct mesh_address *address);
void mesh_book_tick(struct mesh_core *core);
uint64_t mesh_book_deadline_ms(const struct mesh_core *core);

/* ---- spread.c */
void mesh_spread_added(struct mesh_core *core, const struct mesh_event *event);
void mesh_recv_record(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Record *record);

/* ---- repair.c */
void mesh_repair_compare(struct mesh_core *core, struct mesh_link *link);
void mesh_repair_waits(
    struct mesh_core *core, struct mesh_link *link, const struct mesh_record *record);
/* A record of this neighbour's is in the set now. */
void mesh_repair_progress(struct mesh_core *core, uint32_t link);
/* A record came, whatever it is worth. */
void mesh_repair_heard(struct mesh_core *core, struct mesh_link *link);
void mesh_repair_tick(struct mesh_core *core);
uint64_t mesh_repair_deadline_ms(const struct mesh_core *core);
/* Asks for the rest of what was answered in part, where there is room. */
void mesh_repair_resume(struct mesh_core *core);
void mesh_recv_summary(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary);
void mesh_recv_end(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Absent *absent);

/* ---- summary.c */
void mesh_send_summary(struct mesh_core *core, struct mesh_link *link, bool is_answer);
/* Fills link->want with what the summary names, we lack, and nobody else was asked for. False: the
 * summary is not well formed. */
bool mesh_summary_compare(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary);

/* Ids of all records of a kind in core->scratch, ascending: count * HASH_BYTES. False: no memory.
 */
bool mesh_ids_sorted(
    struct mesh_core *core, uint32_t kind, const uint8_t **ret_ids, uint32_t *ret_count);

/* ---- budget.c */
/* May this neighbour have work done that costs so much? False: its share is spent; may blame it, so
 * check is_used. */
bool mesh_budget_take(struct mesh_core *core, struct mesh_link *link, uint64_t cost);
/* Sent in answer to it. */
void mesh_budget_spend(struct mesh_link *link, uint64_t bytes);

/* ---- serve.c */
void mesh_recv_want(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Want *want);

/* ---- chunk.c */
void mesh_recv_chunk(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Chunk *chunk);
void mesh_recv_absent_chunks(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Absent *absent);
void mesh_serve_chunks(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Want *want);
void mesh_chunk_read(
    struct mesh_core *core, struct mesh_link *link, const struct mesh_event *event);
void mesh_chunk_entry_added(struct mesh_core *core);
void mesh_chunk_stored(struct mesh_core *core, const uint8_t hash[HASH_BYTES]);
void mesh_chunk_link_down(struct mesh_core *core, const struct mesh_link *link);
void mesh_chunk_tick(struct mesh_core *core);
uint64_t mesh_chunk_deadline_ms(const struct mesh_core *core);

/* ---- trace: nothing is built without a sink */
void mesh_trace_link(struct mesh_core *core, const char *what, const struct mesh_link *link,
    const char *key, const char *word);
void mesh_trace_number(struct mesh_core *core, const char *what, const struct mesh_link *link,
    const char *key, uint64_t number);
