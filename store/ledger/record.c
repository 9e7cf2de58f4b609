/* SPDX-License-Identifier: Apache-2.0 */
/* record.c - what can be said about a record before any signature is checked. */
#include "store/ledger/inside.h"

#include "base/check.h"
#include "proto/wire/wire.h"
#include "store/keys/keys.h"

#include <string.h>

#define UNPACK_BUDGET (2U * 1024 * 1024)

static struct bytes of_field(ProtobufCBinaryData field)
{
    return bytes_of(field.data, field.len);
}

static enum ledger_reason unpack(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, void *ret_message)
{
    ProtobufCMessage *message = NULL;

    if (wire_unpack(type, bytes, UNPACK_BUDGET, &message) != WIRE_OK)
        return LEDGER_MALFORMED;
    *(ProtobufCMessage **)ret_message = message;
    return LEDGER_OK;
}

/* An entry's header: encoding, version, lengths, fleet. Fills author, seq, prev, id. */
static enum ledger_reason header_read(const struct ledger *ledger, struct bytes bytes,
    struct record_view *view, Picket__V1__Header **ret_header)
{
    Picket__V1__Header *header = NULL;
    enum ledger_reason reason = LEDGER_OK;

    if (bytes.len > HEADER_BYTES_MAX)
        return LEDGER_OVER_LIMIT;
    if (unpack(&picket__v1__header__descriptor, bytes, &header))
        return LEDGER_MALFORMED;
    if (header->version != 1 || header->fleet_id.len != HASH_BYTES ||
        header->author.len != KEY_BYTES || header->trust_head.len != HASH_BYTES ||
        header->ops_hash.len != HASH_BYTES || header->seq == 0 ||
        header->prev.len != (header->seq == 1 ? 0 : HASH_BYTES))
        reason = LEDGER_MALFORMED;
    else if (memcmp(header->fleet_id.data, ledger->fleet_id, HASH_BYTES) != 0)
        reason = LEDGER_FOREIGN_FLEET;
    if (reason) {
        wire_free(&header->base);
        return reason;
    }
    memcpy(view->author, header->author.data, KEY_BYTES);
    view->seq = header->seq;
    view->has_prev = header->prev.len != 0;
    if (view->has_prev)
        memcpy(view->prev, header->prev.data, HASH_BYTES);
    keys_hash(HASH_ENTRY, bytes, view->id);
    *ret_header = header;
    return LEDGER_OK;
}

static void claim(
    struct record_view *view, const uint8_t *key, const uint8_t *hash, const uint8_t *signature)
{
    struct signature_claim *to = &view->claims[view->claims_count++];

    memcpy(to->key, key, KEY_BYTES);
    memcpy(to->hash, hash, HASH_BYTES);
    memcpy(to->signature, signature, SIGNATURE_BYTES);
}

static enum ledger_reason ops_fit(const Picket__V1__Header *header, struct bytes ops)
{
    uint8_t hash[HASH_BYTES];

    if (header->ops_len != ops.len)
        return LEDGER_OPS_MISMATCH;
    keys_hash(HASH_OPS, ops, hash);
    return memcmp(hash, header->ops_hash.data, HASH_BYTES) == 0 ? LEDGER_OK : LEDGER_OPS_MISMATCH;
}

/* *ret_ops points into bytes. */
static struct bytes inside(struct bytes bytes, ProtobufCBinaryData field)
{
    if (field.len == 0)
        return bytes_of(NULL, 0);
    return bytes_of(memmem(bytes.at, bytes.len, field.data, field.len), field.len);
}

enum ledger_reason entry_read(const struct ledger *ledger, struct bytes bytes,
    struct record_view *view, Picket__V1__Header **ret_header, struct bytes *ret_ops)
{
    Picket__V1__SignedEntry *entry = NULL;
    Picket__V1__Header *header = NULL;
    enum ledger_reason reason;

    *view = (struct record_view){.kind = RECORD_ENTRY};
    if (bytes.len > ENTRY_BYTES_MAX)
        return LEDGER_OVER_LIMIT;
    if (unpack(&picket__v1__signed_entry__descriptor, bytes, &entry))
        return LEDGER_MALFORMED;
    reason = header_read(ledger, of_field(entry->header), view, &header);
    if (!reason && entry->signature.len != SIGNATURE_BYTES)
        reason = LEDGER_MALFORMED;
    if (!reason)
        reason = ops_fit(header, of_field(entry->ops));
    if (!reason) {
        claim(view, view->author, view->id, entry->signature.data);
        *ret_ops = inside(bytes, entry->ops);
        *ret_header = header;
        header = NULL;
    }
    if (header)
        wire_free(&header->base);
    wire_free(&entry->base);
    return reason;
}

static enum ledger_reason trust_header_check(
    const struct ledger *ledger, const Picket__V1__TrustHeader *header, struct bytes body)
{
    uint8_t hash[HASH_BYTES];

    if (header->version != 1 || header->fleet_id.len != HASH_BYTES || header->position == 0 ||
        header->prev.len != (header->position == 1 ? 0 : HASH_BYTES) ||
        header->body_hash.len != HASH_BYTES)
        return LEDGER_MALFORMED;
    if (memcmp(header->fleet_id.data, ledger->fleet_id, HASH_BYTES) != 0)
        return LEDGER_FOREIGN_FLEET;
    keys_hash(HASH_TRUST, body, hash);
    if (header->body_len != body.len || memcmp(hash, header->body_hash.data, HASH_BYTES) != 0)
        return LEDGER_OPS_MISMATCH;
    return LEDGER_OK;
}

/* k of the parent's keys are named, and every named one signed. Rotations have no effect at level
 * 1, so the parent's keys are the genesis's. */
static enum ledger_reason trust_claims(const struct ledger *ledger,
    const Picket__V1__TrustHeader *header, const Picket__V1__SignedTrust *record,
    struct record_view *view)
{
    const Picket__V1__Genesis *genesis = ledger->genesis;
    size_t named = 0;

    if (header->signers >> genesis->n_root_keys)
        return LEDGER_BAD_SIGNATURE;
    for (size_t i = 0; i < genesis->n_root_keys; i++) {
        if (!(header->signers >> i & 1))
            continue;
        if (named == record->n_signatures || record->signatures[named].len != SIGNATURE_BYTES)
            return LEDGER_BAD_SIGNATURE;
        claim(view, genesis->root_keys[i].data, view->id, record->signatures[named++].data);
    }
    if (named < genesis->threshold || named != record->n_signatures)
        return LEDGER_BAD_SIGNATURE;
    return LEDGER_OK;
}

/* Link to the parent, which must be here. */
static enum ledger_reason trust_link(
    const struct ledger *ledger, const Picket__V1__TrustHeader *header, struct record_view *view)
{
    uint32_t parent;

    view->seq = header->position;
    view->has_prev = header->prev.len != 0;
    if (!view->has_prev)
        return LEDGER_OK;
    memcpy(view->prev, header->prev.data, HASH_BYTES);
    parent = idmap_find(&ledger->trust_by_id, view->prev);
    if (parent == IDMAP_NONE)
        return LEDGER_UNKNOWN_PREV;
    return ledger->trust[parent].position + 1 == view->seq ? LEDGER_OK : LEDGER_MALFORMED;
}

enum ledger_reason trust_read(const struct ledger *ledger, struct bytes bytes,
    struct record_view *view, Picket__V1__TrustBody **ret_body)
{
    Picket__V1__SignedTrust *record = NULL;
    Picket__V1__TrustHeader *header = NULL;
    enum ledger_reason reason;

    *view = (struct record_view){.kind = RECORD_TRUST};
    if (bytes.len > TRUST_BYTES_MAX)
        return LEDGER_OVER_LIMIT;
    if (unpack(&picket__v1__signed_trust__descriptor, bytes, &record))
        return LEDGER_MALFORMED;
    reason = unpack(&picket__v1__trust_header__descriptor, of_field(record->header), &header);
    if (!reason) {
        keys_hash(HASH_TRUST, of_field(record->header), view->id);
        reason = trust_header_check(ledger, header, of_field(record->body));
    }
    if (!reason)
        reason = trust_link(ledger, header, view);
    if (!reason)
        reason = trust_claims(ledger, header, record, view);
    if (!reason)
        reason = unpack(&picket__v1__trust_body__descriptor, of_field(record->body), ret_body);
    if (header)
        wire_free(&header->base);
    wire_free(&record->base);
    return reason;
}

/* Amendment 19: what the node's key signed. */
static void node_statement(const struct ledger *ledger, const Picket__V1__JoinRecord *join,
    const char *name, uint8_t ret_hash[HASH_BYTES])
{
    struct keys_hasher hasher;
    uint8_t name_len = (uint8_t)strlen(name);

    keys_hasher_init(&hasher, HASH_NODE);
    keys_hasher_add(&hasher, ledger->fleet_id, HASH_BYTES);
    keys_hasher_add(&hasher, join->leaf_key.data, join->leaf_key.len);
    keys_hasher_add(&hasher, join->node_key.data, join->node_key.len);
    keys_hasher_add(&hasher, &name_len, 1);
    keys_hasher_add(&hasher, name, name_len);
    keys_hasher_end(&hasher, ret_hash);
}

static enum ledger_reason join_check(
    const struct ledger *ledger, const Picket__V1__JoinRecord *join, struct record_view *view)
{
    uint8_t hash[HASH_BYTES];
    const char *name;

    if (join->fleet_id.len != HASH_BYTES || join->invite.len != HASH_BYTES || join->leaf.len == 0 ||
        join->leaf_key.len != 65 || join->leaf_key.data[0] != 4 ||
        join->node_key.len != KEY_BYTES || join->key_signature.len != SIGNATURE_BYTES)
        return LEDGER_MALFORMED;
    if (memcmp(join->fleet_id.data, ledger->fleet_id, HASH_BYTES) != 0)
        return LEDGER_FOREIGN_FLEET;
    memcpy(view->invite, join->invite.data, HASH_BYTES);
    if (!keys_public_is_sound(join->node_key.data))
        return LEDGER_BAD_SIGNATURE;
    name = invite_name(ledger, join);
    if (!name)
        return LEDGER_UNKNOWN_INVITE;
    node_statement(ledger, join, name, hash);
    claim(view, join->node_key.data, hash, join->key_signature.data);
    return LEDGER_OK;
}

static enum ledger_reason join_open(
    const struct ledger *ledger, struct bytes bytes, struct record_view *view)
{
    Picket__V1__JoinRecord *join = NULL;
    enum ledger_reason reason;

    *view = (struct record_view){.kind = RECORD_JOIN};
    if (bytes.len > JOIN_BYTES_MAX)
        return LEDGER_OVER_LIMIT;
    if (unpack(&picket__v1__join_record__descriptor, bytes, &join))
        return LEDGER_MALFORMED;
    keys_hash(HASH_NODE, bytes, view->id);
    reason = join_check(ledger, join, view);
    wire_free(&join->base);
    return reason;
}

/* The two headers, each opened. They must differ, agree in key and seq, and stand in the order of
 * their ids. */
static enum ledger_reason fork_check(
    const struct ledger *ledger, const Picket__V1__ForkProof *proof, struct record_view *view)
{
    struct record_view a = {0}, b = {0};
    Picket__V1__Header *header = NULL;
    enum ledger_reason reason;

    if (proof->signature_a.len != SIGNATURE_BYTES || proof->signature_b.len != SIGNATURE_BYTES)
        return LEDGER_MALFORMED;
    reason = header_read(ledger, of_field(proof->header_a), &a, &header);
    if (reason)
        return reason;
    wire_free(&header->base);
    reason = header_read(ledger, of_field(proof->header_b), &b, &header);
    if (reason)
        return reason;
    wire_free(&header->base);
    if (a.seq != b.seq || memcmp(a.author, b.author, KEY_BYTES) != 0 ||
        memcmp(a.id, b.id, HASH_BYTES) >= 0)
        return LEDGER_MALFORMED;
    view->seq = a.seq;
    memcpy(view->author, a.author, KEY_BYTES);
    claim(view, a.author, a.id, proof->signature_a.data);
    claim(view, b.author, b.id, proof->signature_b.data);
    return LEDGER_OK;
}

static enum ledger_reason fork_open(
    const struct ledger *ledger, struct bytes bytes, struct record_view *view)
{
    Picket__V1__ForkProof *proof = NULL;
    enum ledger_reason reason;

    *view = (struct record_view){.kind = RECORD_FORK};
    if (bytes.len > FORK_BYTES_MAX)
        return LEDGER_OVER_LIMIT;
    if (unpack(&picket__v1__fork_proof__descriptor, bytes, &proof))
        return LEDGER_MALFORMED;
    keys_hash(HASH_ENTRY, bytes, view->id);
    reason = fork_check(ledger, proof, view);
    wire_free(&proof->base);
    return reason;
}

enum ledger_reason record_open(const struct ledger *ledger, enum record_kind kind,
    struct bytes bytes, struct record_view *ret_view)
{
    Picket__V1__Header *header = NULL;
    Picket__V1__TrustBody *body = NULL;
    struct bytes ops;
    enum ledger_reason reason;

    switch (kind) {
    case RECORD_ENTRY:
        reason = entry_read(ledger, bytes, ret_view, &header, &ops);
        if (!reason)
            wire_free(&header->base);
        return reason;
    case RECORD_TRUST:
        reason = trust_read(ledger, bytes, ret_view, &body);
        if (!reason)
            wire_free(&body->base);
        return reason;
    case RECORD_JOIN:
        return join_open(ledger, bytes, ret_view);
    case RECORD_FORK:
        return fork_open(ledger, bytes, ret_view);
    }
    *ret_view = (struct record_view){0};
    return LEDGER_MALFORMED;
}
