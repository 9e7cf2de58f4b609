/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waiting.c - records that lack a predecessor, a trust record or an invite. Bounded, in all and for
 * each neighbour and author; the oldest gives way, first of those that nobody has verified. What is
 * dropped, repair fetches again.
 */
#include "replica/replica_internal.h"

#include <stdlib.h>
#include <string.h>

static struct held_record *take(struct replica *replica, struct waiting *waiting)
{
    struct held_record *record = waiting->record;

    replica->waiting_bytes -= record->len;
    replica->counts.waiting--;
    replica->waiting_verified -= waiting->is_verified;
    replica->awake_count -= waiting->is_awake;
    waiting->record = NULL;
    waiting->is_awake = false;
    return record;
}

static bool gives_way(const struct waiting *a, const struct waiting *b)
{
    return a->is_verified == b->is_verified ? a->order < b->order : !a->is_verified;
}

static struct waiting *oldest(struct replica *replica)
{
    struct waiting *oldest = NULL;

    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++) {
        struct waiting *waiting = &replica->waiting[i];

        if (waiting->record && (!oldest || gives_way(waiting, oldest)))
            oldest = waiting;
    }
    return oldest;
}

/* What one neighbour makes up, or one author leaves gaps in, takes no room from others. */
static bool has_too_many(const struct replica *replica, const struct waiting *newcomer)
{
    const struct record_view *view = &newcomer->record->view;
    uint32_t count = 0;

    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++) {
        const struct waiting *waiting = &replica->waiting[i];

        if (!waiting->record || waiting->is_verified != newcomer->is_verified)
            continue;
        if (!newcomer->is_verified)
            count += waiting->link == newcomer->link;
        else
            count += waiting->record->view.kind == view->kind &&
                     memcmp(waiting->record->view.author, view->author, KEY_BYTES) == 0;
    }
    return count >=
           (newcomer->is_verified ? REPLICA_WAITING_OF_AUTHOR_MAX : REPLICA_WAITING_OF_LINK_MAX);
}

static bool is_waiting(const struct replica *replica, const struct held_record *record)
{
    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++) {
        const struct held_record *other = replica->waiting[i].record;

        if (other && other->len == record->len &&
            memcmp(other->view.id, record->view.id, HASH_BYTES) == 0 &&
            memcmp(other->bytes, record->bytes, record->len) == 0)
            return true;
    }
    return false;
}

static struct waiting *make_room(struct replica *replica, size_t len)
{
    while (replica->counts.waiting == REPLICA_WAITING_MAX ||
           replica->waiting_bytes + len > REPLICA_WAITING_BYTES_MAX) {
        free(take(replica, oldest(replica)));
        replica->counts.waiting_dropped++;
    }
    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++)
        if (!replica->waiting[i].record)
            return &replica->waiting[i];
    return NULL;
}

void replica_wait(struct replica *replica, struct held_record *record, enum ledger_reason reason,
    uint32_t link, bool is_verified)
{
    const struct waiting newcomer = {.record = record,
        .reason = reason,
        .link = link,
        .is_verified = is_verified,
        .order = replica->waiting_order++};

    if (is_waiting(replica, record)) {
        free(record);
        return;
    }
    if (replica->effects && has_too_many(replica, &newcomer)) { /* while loading all is our own */
        free(record);
        replica->counts.waiting_dropped++;
        return;
    }
    *make_room(replica, record->len) = newcomer;
    replica->waiting_verified += is_verified;
    replica->waiting_bytes += record->len;
    replica->counts.waiting++;
}

static bool is_served_by(
    const struct waiting *waiting, const struct record_view *added, struct bytes bytes)
{
    const struct record_view *view = &waiting->record->view;

    if (waiting->reason == LEDGER_UNKNOWN_INVITE) /* an invite's id stands in its entry as it is */
        return added->kind == RECORD_ENTRY && memmem(bytes.at, bytes.len, view->invite, HASH_BYTES);
    if (waiting->reason == LEDGER_UNKNOWN_PREV)
        return added->kind == view->kind && memcmp(view->prev, added->id, HASH_BYTES) == 0;
    return added->kind == RECORD_TRUST;
}

void replica_wake(struct replica *replica, const struct record_view *added, struct bytes bytes)
{
    if (!replica->counts.waiting)
        return;
    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++) {
        struct waiting *waiting = &replica->waiting[i];

        if (!waiting->record || waiting->is_awake || !is_served_by(waiting, added, bytes))
            continue;
        waiting->is_awake = true;
        replica->awake_count++;
    }
}

static void retry(struct replica *replica, struct waiting *waiting)
{
    bool is_verified = waiting->is_verified;
    uint32_t link = waiting->link;
    struct held_record *record = take(replica, waiting);

    if (is_verified && !replica->effects) {
        (void)replica_load_record(replica, record); /* while loading: it is on disk already */
    } else if (is_verified) {
        replica_admit(replica, record, link);
    } else {
        replica_receive(replica, link, record->view.kind, bytes_of(record->bytes, record->len));
        free(record);
    }
}

void replica_run_awake(struct replica *replica)
{
    while (replica->awake_count) {
        for (uint32_t i = 0; i < REPLICA_WAITING_MAX && replica->awake_count; i++)
            if (replica->waiting[i].record && replica->waiting[i].is_awake)
                retry(replica, &replica->waiting[i]);
    }
}

void replica_waiting_free(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_WAITING_MAX; i++)
        free(replica->waiting[i].record);
}
