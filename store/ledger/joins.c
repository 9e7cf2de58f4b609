/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joins.c - join records and the invites they name. Of one invite the set holds the record with the
 * lowest id, of those with other keys the one with the lowest id, and every one that an enroller
 * names: enough to prove a conflict and to end it, whatever came first and however many there are.
 */
#include "store/ledger/inside.h"

#include "proto/wire/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- invites */

static const Picket__V1__Invite *invite_at(const struct ledger *ledger, uint32_t place)
{
    return (const void *)ledger->ops[ledger->invites.at[place]].body;
}

void invite_note(struct ledger *ledger, uint32_t op)
{
    const Picket__V1__Invite *invite = (const void *)ledger->ops[op].body;

    list_push(&ledger->invites_before, invite_first(ledger, invite->certificate_hash.data));
    list_push(&ledger->invites, op);
    must_put(&ledger->invite_by_id, invite->certificate_hash.data, ledger->invites.count - 1);
}

uint32_t invite_first(const struct ledger *ledger, const uint8_t id[HASH_BYTES])
{
    uint32_t place = idmap_find(&ledger->invite_by_id, id);

    return place == IDMAP_NONE ? NONE : place;
}

uint32_t invite_next(const struct ledger *ledger, uint32_t place)
{
    return ledger->invites_before.at[place];
}

/* Its DNS name, as a subject alternative name in DER. */
static bool leaf_bears(ProtobufCBinaryData leaf, const char *name)
{
    static const char rest[] = ".node.picket.internal";
    uint8_t wanted[2 + 63 + sizeof(rest)] = {0x82};
    size_t name_len = strlen(name), len = name_len + sizeof(rest) - 1;

    wanted[1] = (uint8_t)len;
    memcpy(wanted + 2, name, name_len);
    memcpy(wanted + 2 + name_len, rest, sizeof(rest) - 1);
    return memmem(leaf.data, leaf.len, wanted, 2 + len) != NULL;
}

const char *invite_name(const struct ledger *ledger, const Picket__V1__JoinRecord *join)
{
    uint32_t best = NONE;
    bool best_fits = false;

    for (uint32_t place = invite_first(ledger, join->invite.data); place != NONE;
         place = invite_next(ledger, place)) {
        bool fits = leaf_bears(join->leaf, invite_at(ledger, place)->name);

        if (best == NONE || (fits && !best_fits) ||
            (fits == best_fits &&
                op_compare(ledger, ledger->invites.at[place], ledger->invites.at[best]) < 0)) {
            best = place;
            best_fits = fits;
        }
    }
    return best == NONE ? NULL : invite_at(ledger, best)->name;
}

/* ---- join records */

bool join_is_same(const Picket__V1__JoinRecord *a, const Picket__V1__JoinRecord *b)
{
    return memcmp(a->leaf_key.data, b->leaf_key.data, a->leaf_key.len) == 0 &&
           memcmp(a->node_key.data, b->node_key.data, KEY_BYTES) == 0;
}

/* The lowest id, among records with other keys than `unlike` if that is one. */
static uint32_t lowest(const struct ledger *ledger, uint32_t first, uint32_t unlike)
{
    uint32_t found = NONE;

    for (uint32_t i = first; i != NONE; i = ledger->joins[i].next) {
        if (unlike != NONE && join_is_same(ledger->joins[i].message, ledger->joins[unlike].message))
            continue;
        if (found == NONE || memcmp(ledger->joins[i].id, ledger->joins[found].id, HASH_BYTES) < 0)
            found = i;
    }
    return found;
}

static bool is_named(const struct ledger *ledger, const struct join *join)
{
    return idmap_find(&ledger->joins_named, join->id) != IDMAP_NONE;
}

static void list_kept(struct ledger *ledger)
{
    ledger->joins_kept.count = 0;
    for (uint32_t i = 0; i < ledger->joins_count; i++)
        if (ledger->joins[i].is_kept)
            list_push(&ledger->joins_kept, i);
}

/* Which records of this invite are in the set. One that leaves is remembered: it may be named. */
static void choose(struct ledger *ledger, const uint8_t *invite)
{
    uint32_t first = idmap_find(&ledger->join_by_invite, invite), low, other;
    bool has_left = false;

    if (first == IDMAP_NONE)
        return;
    low = lowest(ledger, first, NONE);
    other = lowest(ledger, first, low);
    for (uint32_t i = first; i != NONE; i = ledger->joins[i].next) {
        struct join *join = &ledger->joins[i];
        bool is_kept = i == low || i == other || is_named(ledger, join);

        has_left |= join->is_kept && !is_kept;
        if (is_kept && !join->is_kept)
            list_push(&ledger->joins_kept, i);
        join->is_kept = is_kept;
    }
    if (has_left)
        list_kept(ledger);
    ledger->others++;
    ledger->fold.is_directory_stale = true;
}

/* Would it change what is chosen? Those that would not are not even remembered. */
static bool adds_something(
    const struct ledger *ledger, const struct record_view *view, const Picket__V1__JoinRecord *join)
{
    uint32_t first = idmap_find(&ledger->join_by_invite, view->invite), low, other;

    if (first == IDMAP_NONE || idmap_find(&ledger->joins_named, view->id) != IDMAP_NONE)
        return true;
    low = lowest(ledger, first, NONE);
    if (memcmp(view->id, ledger->joins[low].id, HASH_BYTES) < 0)
        return true;
    if (join_is_same(join, ledger->joins[low].message))
        return false;
    other = lowest(ledger, first, low);
    return other == NONE || memcmp(view->id, ledger->joins[other].id, HASH_BYTES) < 0;
}

static int push(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__JoinRecord *message)
{
    uint32_t before = idmap_find(&ledger->join_by_invite, view->invite);
    uint8_t *copy = bytes_copy(bytes.at, bytes.len);
    struct join *join;

    if (!copy || idmap_put(&ledger->join_by_id, view->id, ledger->joins_count) < 0 ||
        idmap_put(&ledger->join_by_invite, view->invite, ledger->joins_count) < 0) {
        free(copy);
        return -ENOMEM;
    }
    ledger->joins = must_grow(
        ledger->joins, &ledger->joins_capacity, ledger->joins_count, sizeof(*ledger->joins));
    join = &ledger->joins[ledger->joins_count++];
    *join = (struct join){.at = copy, .len = bytes.len, .message = message};
    join->next = before == IDMAP_NONE ? NONE : before;
    memcpy(join->id, view->id, HASH_BYTES);
    return 0;
}

int join_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view)
{
    ProtobufCMessage *unpacked = NULL;
    Picket__V1__JoinRecord *message;
    int r = 0;

    if (wire_unpack(&picket__v1__join_record__descriptor, bytes, 4 * JOIN_BYTES_MAX, &unpacked))
        return -ENOMEM;
    message = (Picket__V1__JoinRecord *)(void *)unpacked;
    if (adds_something(ledger, view, message)) {
        r = push(ledger, bytes, view, message);
        if (r == 0) {
            choose(ledger, view->invite);
            return 1;
        }
    }
    wire_free(unpacked);
    return r;
}

void join_note_named(struct ledger *ledger, const Picket__V1__NodeChange *change)
{
    if (change->change_case != PICKET__V1__NODE_CHANGE__CHANGE_JOIN_RECORD)
        return;
    must_put(&ledger->joins_named, change->join_record.data, 1);
    choose(ledger, change->invite.data);
}
