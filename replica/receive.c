/* SPDX-License-Identifier: Apache-2.0 */
/* receive.c - records of others: opened, verified, added, sent on; stored beside. */
#include "base/check.h"
#include "proto/wire/wire.h"
#include "replica/replica_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool replica_is_held(const struct replica *replica, const struct record_view *view)
{
    if (view->kind == RECORD_ENTRY)
        return ledger_entry_find(replica->ledger, view->id).len != 0;
    return idmap_find(&replica->others, view->id) != IDMAP_NONE;
}

bool replica_has_room(const struct replica *replica)
{
    return replica->checks_count < REPLICA_VERIFY_MAX / 4 &&
           replica->counts.unstored < REPLICA_UNSTORED_MAX / 2 &&
           replica->waiting_verified < REPLICA_WAITING_MAX / 2; /* anybody can make up the others */
}

static void blame(struct replica *replica, uint32_t link, enum mesh_reason reason)
{
    const struct note note = {.link = link, .reason = reason};

    if (link != MESH_LINK_NONE)
        replica_note(replica, &note);
}

static void refuse(
    struct replica *replica, const struct record_view *view, enum ledger_reason reason)
{
    replica->counts.refused[reason]++;
    replica_trace(replica, "refused", view, "reason", ledger_reason_word(reason));
}

/* ---- checks */

static uint32_t free_check(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_VERIFY_MAX; i++) {
        uint32_t slot = (replica->checks_next + i) % REPLICA_VERIFY_MAX;

        if (replica->checks[slot])
            continue;
        replica->checks_next = slot + 1;
        return slot;
    }
    return REPLICA_VERIFY_MAX;
}

static struct check *take_check(struct replica *replica, uint64_t ticket)
{
    uint32_t slot = replica_ticket_slot(ticket);
    struct check *check = slot < REPLICA_VERIFY_MAX ? replica->checks[slot] : NULL;

    CHECK(check && check->ticket == ticket, "VERIFIED answers a VERIFY, once");
    replica->checks[slot] = NULL;
    replica->checks_count--;
    if (idmap_find(&replica->checks_by_id, check->record->view.id) == slot)
        idmap_remove(&replica->checks_by_id, check->record->view.id);
    return check;
}

/* The very same bytes are being verified: a second copy adds nothing. Other bytes under the same id
 * do: a signature is no part of the id, and the first may be the forged one. */
static bool is_being_checked(const struct replica *replica, const uint8_t *id, struct bytes bytes)
{
    uint32_t slot = idmap_find(&replica->checks_by_id, id);
    const struct held_record *record;

    if (slot == IDMAP_NONE)
        return false;
    record = replica->checks[slot]->record;
    return bytes_equal(bytes_of(record->bytes, record->len), bytes);
}

int replica_check(
    struct replica *replica, struct held_record *record, uint32_t link, struct item *item)
{
    uint32_t slot = free_check(replica);
    struct check *check = slot < REPLICA_VERIFY_MAX ? malloc(sizeof(*check)) : NULL;
    struct replica_effect effect = {.kind = REPLICA_DO_VERIFY,
        .record_kind = record->view.kind,
        .id = record->view.id,
        .claims = record->view.claims,
        .claims_count = record->view.claims_count,
        .bytes = bytes_of(record->bytes, record->len)};

    if (!check)
        return -ENOBUFS;
    *check = (struct check){.link = link, .record = record, .item = item};
    check->ticket = effect.ticket = replica_ticket(replica, slot);
    replica->checks[slot] = check;
    replica->checks_count++;
    (void)idmap_put(&replica->checks_by_id, record->view.id, slot);
    replica->counts.verifies++;
    replica_emit(replica, &effect);
    return 0;
}

void replica_verified(struct replica *replica, uint64_t ticket, bool is_valid)
{
    struct check *check = take_check(replica, ticket);

    if (!is_valid)
        replica->counts.verify_failed++;
    if (check->item) {
        replica_item_checked(replica, check->item, is_valid);
    } else if (is_valid) {
        replica_admit(replica, check->record, check->link);
    } else {
        refuse(replica, &check->record->view, LEDGER_BAD_SIGNATURE);
        blame(replica, check->link, MESH_BAD_SIGNATURE);
        free(check->record);
    }
    free(check);
}

/* ---- arrival */

/* ledger.md, amendment 18: a key that no record held here grants. Records of losing branches count
 * too. */
static bool is_stranger(const struct replica *replica, const struct record_view *view)
{
    return (view->kind == RECORD_ENTRY || view->kind == RECORD_FORK) &&
           !replica_is_granted(replica, view->author);
}

static void note_waits(struct replica *replica, const struct record_view *view, uint32_t link)
{
    struct note note = {.is_waits = true, .link = link, .kind = view->kind, .seq = view->seq};

    memcpy(note.author, view->author, KEY_BYTES);
    if (link != MESH_LINK_NONE)
        replica_note(replica, &note);
}

/* Without its parent a trust record names no keys, without its invite a join names no leaf's
 * signer. */
static bool may_come_later(enum record_kind kind, enum ledger_reason reason)
{
    return (kind == RECORD_TRUST && reason == LEDGER_UNKNOWN_PREV) ||
           (kind == RECORD_JOIN && reason == LEDGER_UNKNOWN_INVITE);
}

static void keep_or_check(struct replica *replica, uint32_t link, const struct record_view *view,
    struct bytes bytes, enum ledger_reason reason)
{
    struct held_record *record =
        replica->counts.unstored < REPLICA_UNSTORED_MAX ? held_record_new(view, bytes) : NULL;

    if (record && reason != LEDGER_OK) {
        replica_wait(replica, record, reason, link, false);
        note_waits(replica, view, link);
    } else if (!record || replica_check(replica, record, link, NULL) < 0) {
        replica->counts.dropped++;
        free(record);
    }
}

void replica_receive(
    struct replica *replica, uint32_t link, enum record_kind kind, struct bytes bytes)
{
    struct record_view view = {.kind = kind};
    enum ledger_reason reason = record_open(replica->ledger, kind, bytes, &view);

    view.kind = kind;
    if (reason != LEDGER_OK && !may_come_later(kind, reason)) {
        refuse(replica, &view, reason);
        blame(replica, link, MESH_BAD_RECORD);
    } else if (is_stranger(replica, &view)) {
        refuse(replica, &view, LEDGER_UNKNOWN_AUTHOR);
    } else if (replica_is_held(replica, &view) || is_being_checked(replica, view.id, bytes)) {
        replica->counts.known++;
    } else {
        keep_or_check(replica, link, &view, bytes, reason);
    }
}

/* ---- after verification */

bool replica_is_granted(const struct replica *replica, const uint8_t key[KEY_BYTES])
{
    return idmap_find(&replica->granted, key) != IDMAP_NONE;
}

static void note_granted(struct replica *replica, struct bytes signed_trust)
{
    ProtobufCMessage *record = NULL, *body = NULL;
    const Picket__V1__SignedTrust *trust;
    const Picket__V1__TrustBody *action;

    if (wire_unpack(&picket__v1__signed_trust__descriptor, signed_trust, 16 * TRUST_BYTES_MAX,
            &record) != WIRE_OK)
        return;
    trust = (const Picket__V1__SignedTrust *)record;
    if (wire_unpack(&picket__v1__trust_body__descriptor,
            bytes_of(trust->body.data, trust->body.len), 16 * TRUST_BYTES_MAX, &body) == WIRE_OK) {
        action = (const Picket__V1__TrustBody *)body;
        if (action->action_case == PICKET__V1__TRUST_BODY__ACTION_GRANT &&
            action->grant->key.len == KEY_BYTES)
            (void)idmap_put(&replica->granted, action->grant->key.data, 1);
        wire_free(body);
    }
    wire_free(record);
}

void replica_added(struct replica *replica, const struct record_view *view, struct bytes bytes)
{
    replica->counts.added++;
    if (view->kind == RECORD_ENTRY)
        replica_holders_arrived(replica, view);
    else
        (void)idmap_put(&replica->others, view->id, (uint32_t)view->kind);
    if (view->kind == RECORD_TRUST)
        note_granted(replica, bytes);
    replica_wake(replica, view, bytes);
}

static void send_on(
    struct replica *replica, const struct record_view *view, struct bytes bytes, uint32_t link)
{
    struct mesh_event event = {.kind = MESH_ON_ADDED, .link = link};

    event.record = (struct mesh_record){.kind = view->kind,
        .id = view->id,
        .author = view->author,
        .seq = view->seq,
        .bytes = bytes};
    replica_tell_core(replica, &event);
}

static void admit_proof(struct replica *replica, struct bytes proof)
{
    struct record_view view;
    struct held_record *record;

    if (record_open(replica->ledger, RECORD_FORK, proof, &view) != LEDGER_OK)
        return;
    record = held_record_new(&view, proof);
    if (record)
        replica_admit(replica, record, MESH_LINK_NONE);
}

/* True: the record was kept by the waiting room. */
static bool admit(
    struct replica *replica, struct held_record *record, uint32_t link, struct buffer *ret_proof)
{
    struct bytes bytes = bytes_of(record->bytes, record->len);
    struct ledger_answer answer;

    if (ledger_add(replica->ledger, record->view.kind, bytes, &answer, ret_proof) < 0) {
        replica->counts.dropped++;
        return false;
    }
    switch (answer.outcome) {
    case LEDGER_ADDED:
        replica_trace(replica, "added", &record->view, "by", "peer");
        replica_store(replica, &record->view, bytes, NULL);
        replica_added(replica, &record->view, bytes);
        send_on(replica, &record->view, bytes, link);
        return false;
    case LEDGER_KNOWN:
        replica->counts.known++;
        return false;
    case LEDGER_WAITS:
        replica_trace(replica, "waits", &record->view, "for", ledger_reason_word(answer.reason));
        note_waits(replica, &record->view, link);
        replica_wait(replica, record, answer.reason, link, true);
        return true;
    case LEDGER_REFUSED:
        refuse(replica, &record->view, answer.reason);
        return false;
    }
    return false;
}

void replica_admit(struct replica *replica, struct held_record *record, uint32_t link)
{
    struct buffer proof = {0};

    if (!admit(replica, record, link, &proof))
        free(record);
    if (proof.len)
        admit_proof(replica, buffer_bytes(&proof));
    buffer_fini(&proof);
}
