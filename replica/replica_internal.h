/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * replica_internal.h - what the files of this folder do for each other.
 *
 * receive (others' records), submit (clients' records, in rounds), storing (on the way to the
 * disk), waiting (lacking something), chunks, view (what the core sees), holders (who has what).
 */
#include "replica/state_internal.h"

/* ---- replica.c */
void replica_emit(struct replica *replica, const struct replica_effect *effect);
/* Never 0; its low 16 bits are `slot`. */
uint64_t replica_ticket(struct replica *replica, uint32_t slot);
static inline uint32_t replica_ticket_slot(uint64_t ticket)
{
    return (uint32_t)(ticket & 0xffff);
}
void replica_tell_core(struct replica *replica, const struct mesh_event *event);
void replica_note(struct replica *replica, const struct note *note);
void replica_trace(struct replica *replica, const char *what, const struct record_view *view,
    const char *key, const char *word);
/* Takes the record. As replica_load(). */
int replica_load_record(struct replica *replica, struct held_record *record);
struct held_record *held_record_new(const struct record_view *view, struct bytes bytes);

/* ---- receive.c */
bool replica_is_held(const struct replica *replica, const struct record_view *view);
void replica_receive(
    struct replica *replica, uint32_t link, enum record_kind kind, struct bytes bytes);
void replica_verified(struct replica *replica, uint64_t ticket, bool is_valid);
/* 0: VERIFY is out, the record belongs to the check (or stays the item's). */
int replica_check(
    struct replica *replica, struct held_record *record, uint32_t link, struct item *item);
/* Adds what was verified; takes the record. */
void replica_admit(struct replica *replica, struct held_record *record, uint32_t link);
/* After a record came into the ledger: bookkeeping, and who waited for it. */
void replica_added(struct replica *replica, const struct record_view *view, struct bytes bytes);
/* Does any trust record held here grant this key something, in force or not? */
bool replica_is_granted(const struct replica *replica, const uint8_t key[KEY_BYTES]);
bool replica_has_room(const struct replica *replica);

/* ---- submit.c */
void replica_submit(struct replica *replica, const struct replica_event *event);
void replica_join(struct replica *replica, const struct replica_event *event);
void replica_item_checked(struct replica *replica, struct item *item, bool is_valid);
void replica_item_stored(struct replica *replica, struct item *item, int result);
/* Ends the round if it is over, answers, begins the next. */
void replica_settle(struct replica *replica);
void replica_submissions_free(struct replica *replica);

/* ---- storing.c */
void replica_store(
    struct replica *replica, const struct record_view *view, struct bytes bytes, struct item *item);
void replica_stored(struct replica *replica, uint64_t ticket, int result);
void replica_store_tick(struct replica *replica);
uint64_t replica_store_deadline_ms(const struct replica *replica);
struct unstored *replica_unstored_find(const struct replica *replica, const uint8_t id[HASH_BYTES]);
/* Lowest hidden entry of this author at or below seq; NULL if none. */
const struct unstored *replica_hidden_below(
    const struct replica *replica, const uint8_t *author, uint64_t seq);

/* ---- waiting.c */
void replica_wait(struct replica *replica, struct held_record *record, enum ledger_reason reason,
    uint32_t link, bool is_verified);
void replica_wake(struct replica *replica, const struct record_view *added, struct bytes bytes);
/* Tries those that woke until none is left. */
void replica_run_awake(struct replica *replica);
void replica_waiting_free(struct replica *replica);

/* ---- chunks.c */
void replica_chunk_submit(struct replica *replica, const struct replica_event *event);
void replica_chunk_receive(struct replica *replica, uint32_t link, struct bytes content);
void replica_chunk_stored(struct replica *replica, uint64_t ticket, int result);
void replica_chunk_want(struct replica *replica, uint32_t link, const uint8_t *hash);
void replica_chunk_was_read(struct replica *replica, const struct replica_event *event);
/* Gone or damaged: missing again, if a manifest names it. */
void replica_chunk_lost(struct replica *replica, const uint8_t hash[HASH_BYTES]);
/* It is here, and one more read may be under way. */
bool replica_chunk_may_be_read(const struct replica *replica, const uint8_t hash[HASH_BYTES]);
void replica_chunks_look(struct replica *replica);
/* Are all chunks of all manifests in this entry here? */
bool replica_entry_has_content(const struct replica *replica, struct bytes signed_entry);

/* ---- holders.c */
void replica_holders_arrived(struct replica *replica, const struct record_view *view);
void replica_holders_look(struct replica *replica);

/* ---- view.c */
void replica_view(struct replica *replica, struct mesh_view *ret_view);
