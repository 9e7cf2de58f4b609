/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storing.c - records in the ledger that are not on disk yet. What is in the ledger will be in the
 * store: a failed STORE is tried again until it succeeds.
 */
#include "base/check.h"
#include "replica/replica_internal.h"

#include <errno.h>
#include <string.h>

static uint32_t free_slot(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_UNSTORED_ROOM; i++) {
        uint32_t slot = (replica->unstored_next + i) % REPLICA_UNSTORED_ROOM;

        if (replica->unstored[slot].is_used)
            continue;
        replica->unstored_next = slot + 1;
        return slot;
    }
    CHECK(false, "what is taken while the table is full is bounded by its extra room");
    return 0;
}

static void emit_store(struct replica *replica, struct unstored *unstored, struct bytes bytes)
{
    struct replica_effect effect = {.kind = REPLICA_DO_STORE,
        .record_kind = unstored->kind,
        .is_submitted = unstored->is_submitted,
        .id = unstored->id,
        .bytes = bytes};
    uint32_t slot = (uint32_t)(unstored - replica->unstored);

    unstored->ticket = effect.ticket = replica_ticket(replica, slot);
    unstored->is_in_flight = true;
    replica->counts.stores++;
    if (unstored->is_submitted)
        replica->round_pending++;
    replica_emit(replica, &effect);
}

static void line_up(struct replica *replica, struct unstored *unstored)
{
    unstored->arrival = ledger_entries_count(replica->ledger) - 1;
    unstored->older = replica->newest_entry;
    if (unstored->older)
        unstored->older->newer = unstored;
    else
        replica->oldest_entry = unstored;
    replica->newest_entry = unstored;
}

static void leave_line(struct replica *replica, struct unstored *unstored)
{
    if (unstored->older)
        unstored->older->newer = unstored->newer;
    else
        replica->oldest_entry = unstored->newer;
    if (unstored->newer)
        unstored->newer->older = unstored->older;
    else
        replica->newest_entry = unstored->older;
}

uint64_t replica_entries_durable(const struct replica *replica)
{
    return replica->oldest_entry ? replica->oldest_entry->arrival
                                 : ledger_entries_count(replica->ledger);
}

void replica_store(
    struct replica *replica, const struct record_view *view, struct bytes bytes, struct item *item)
{
    uint32_t slot = free_slot(replica);
    struct unstored *unstored = &replica->unstored[slot];

    *unstored = (struct unstored){
        .is_used = true, .is_submitted = item != NULL, .kind = view->kind, .seq = view->seq};
    memcpy(unstored->id, view->id, HASH_BYTES);
    memcpy(unstored->author, view->author, KEY_BYTES);
    memcpy(unstored->prev, view->prev, HASH_BYTES);
    unstored->items = item;
    if (view->kind == RECORD_ENTRY)
        line_up(replica, unstored);
    replica->counts.unstored++;
    replica->hidden_count += unstored->is_submitted;
    (void)idmap_put(&replica->unstored_by_id, view->id, slot);
    emit_store(replica, unstored, bytes);
}

struct unstored *replica_unstored_find(const struct replica *replica, const uint8_t id[HASH_BYTES])
{
    uint32_t slot = idmap_find(&replica->unstored_by_id, id);

    return slot == IDMAP_NONE ? NULL : &replica->unstored[slot];
}

const struct unstored *replica_hidden_below(
    const struct replica *replica, const uint8_t *author, uint64_t seq)
{
    const struct unstored *lowest = NULL;
    uint32_t left = replica->hidden_count;

    for (uint32_t i = 0; i < REPLICA_UNSTORED_ROOM && left; i++) {
        const struct unstored *unstored = &replica->unstored[i];

        if (!unstored->is_used || !unstored->is_submitted)
            continue;
        left--;
        if (unstored->kind == RECORD_ENTRY && unstored->seq <= seq &&
            memcmp(unstored->author, author, KEY_BYTES) == 0 &&
            (!lowest || unstored->seq < lowest->seq))
            lowest = unstored;
    }
    return lowest;
}

/* The bytes of a record that is in the ledger. */
static struct bytes find_bytes(struct replica *replica, enum record_kind kind, const uint8_t *id)
{
    struct mesh_view view;
    struct mesh_record record;

    if (kind == RECORD_ENTRY)
        return ledger_entry_find(replica->ledger, id);
    replica_view(replica, &view);
    for (uint32_t i = 0; i < view.count(replica, kind); i++) {
        (void)view.at(replica, kind, i, &record);
        if (memcmp(record.id, id, HASH_BYTES) == 0)
            return record.bytes;
    }
    return bytes_of(NULL, 0);
}

static void tell_items(struct replica *replica, struct unstored *unstored, int result)
{
    struct item *item = unstored->items;

    unstored->items = NULL;
    while (item) {
        struct item *next = item->next_storing;

        item->next_storing = NULL;
        replica_item_stored(replica, item, result);
        item = next;
    }
}

static void look_for_failures(struct replica *replica)
{
    replica->counts.is_disk_failing = false;
    for (uint32_t i = 0; i < REPLICA_UNSTORED_ROOM; i++)
        if (replica->unstored[i].is_used && replica->unstored[i].is_failing)
            replica->counts.is_disk_failing = true;
}

/* A submitted record may be shown to others from here on. */
static void send_stored(struct replica *replica, const struct unstored *unstored)
{
    struct mesh_event event = {.kind = MESH_ON_ADDED, .link = MESH_LINK_NONE};

    event.record = (struct mesh_record){.kind = unstored->kind,
        .id = unstored->id,
        .author = unstored->author,
        .seq = unstored->seq,
        .bytes = find_bytes(replica, unstored->kind, unstored->id)};
    CHECK(event.record.bytes.len, "what is stored is in the ledger");
    replica_tell_core(replica, &event);
}

void replica_stored(struct replica *replica, uint64_t ticket, int result)
{
    uint32_t slot = replica_ticket_slot(ticket);
    struct unstored *unstored = slot < REPLICA_UNSTORED_ROOM ? &replica->unstored[slot] : NULL;
    bool was_failing;

    CHECK(unstored && unstored->is_used && unstored->is_in_flight && unstored->ticket == ticket,
        "STORED answers a STORE, once");
    unstored->is_in_flight = false;
    if (unstored->is_submitted)
        replica->round_pending--;
    if (result < 0) {
        replica->counts.stores_failed++;
        replica->counts.is_disk_failing = true;
        unstored->is_failing = true;
        unstored->retry_ms = replica->now_ms + replica->store_retry_ms;
        tell_items(replica, unstored, result);
        return;
    }
    was_failing = unstored->is_failing;
    unstored->is_failing = false;
    if (was_failing)
        look_for_failures(replica);
    tell_items(replica, unstored, 0);
    replica->counts.unstored--;
    replica->hidden_count -= unstored->is_submitted;
    idmap_remove(&replica->unstored_by_id, unstored->id);
    if (unstored->kind == RECORD_ENTRY)
        leave_line(replica, unstored);
    unstored->is_used = false;
    if (unstored->is_submitted)
        send_stored(replica, unstored);
}

void replica_store_tick(struct replica *replica)
{
    if (!replica->counts.is_disk_failing)
        return;
    for (uint32_t i = 0; i < REPLICA_UNSTORED_ROOM; i++) {
        struct unstored *unstored = &replica->unstored[i];

        if (unstored->is_used && unstored->is_failing && !unstored->is_in_flight &&
            replica->now_ms >= unstored->retry_ms)
            emit_store(replica, unstored, find_bytes(replica, unstored->kind, unstored->id));
    }
}

uint64_t replica_store_deadline_ms(const struct replica *replica)
{
    uint64_t deadline = UINT64_MAX;

    if (!replica->counts.is_disk_failing)
        return deadline;
    for (uint32_t i = 0; i < REPLICA_UNSTORED_ROOM; i++) {
        const struct unstored *unstored = &replica->unstored[i];

        if (unstored->is_used && unstored->is_failing && !unstored->is_in_flight &&
            unstored->retry_ms < deadline)
            deadline = unstored->retry_ms;
    }
    return deadline;
}
