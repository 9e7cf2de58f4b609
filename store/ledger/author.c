/* SPDX-License-Identifier: Apache-2.0 */
/* author.c - the inverse of record.c: makes and signs what it reads. */
#include "store/ledger/author.h"

#include "proto/wire/wire.h"

#include <errno.h>
#include <string.h>

static ProtobufCBinaryData field(const void *at, size_t len)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)at, .len = len};
}

static ProtobufCBinaryData field_of(const struct buffer *buffer)
{
    return field(buffer->at, buffer->len);
}

/* Packs and makes sure that it is what everyone will read. */
static int pack(const ProtobufCMessage *message, struct buffer *ret, struct problem *reterr_problem)
{
    size_t before = ret->len;
    enum wire_fault fault;
    int r = wire_pack(message, ret);

    if (r < 0)
        return problem_say(reterr_problem, r, "no memory to encode");
    fault = wire_check(message->descriptor, bytes_of(ret->at + before, ret->len - before));
    if (!fault)
        return 0;
    ret->len = before;
    return problem_say(reterr_problem, -EINVAL, "%s has no canonical form: %s",
        message->descriptor->short_name, wire_fault_text(fault));
}

int author_genesis(
    const Picket__V1__Genesis *genesis, struct buffer *ret, struct problem *reterr_problem)
{
    return pack(&genesis->base, ret, reterr_problem);
}

void author_fleet_id(struct bytes genesis, uint8_t ret_fleet_id[HASH_BYTES])
{
    keys_hash(HASH_GENESIS, genesis, ret_fleet_id);
}

int author_trust(const uint8_t fleet_id[HASH_BYTES], uint64_t position, const uint8_t *prev,
    const Picket__V1__TrustBody *body, const struct key_pair *root, uint32_t signer_index,
    struct buffer *ret_signed_trust, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__TrustHeader header = PICKET__V1__TRUST_HEADER__INIT;
    Picket__V1__SignedTrust record = PICKET__V1__SIGNED_TRUST__INIT;
    struct buffer body_bytes = {0}, header_bytes = {0};
    uint8_t hash[HASH_BYTES], signature[SIGNATURE_BYTES];
    ProtobufCBinaryData signatures[1];
    int r = pack(&body->base, &body_bytes, NULL);

    if (r == 0) {
        keys_hash(HASH_TRUST, buffer_bytes(&body_bytes), hash);
        header.version = 1;
        header.fleet_id = field(fleet_id, HASH_BYTES);
        header.position = position;
        header.prev = field(prev, prev ? HASH_BYTES : 0);
        header.signers = UINT64_C(1) << signer_index;
        header.body_hash = field(hash, HASH_BYTES);
        header.body_len = (uint32_t)body_bytes.len;
        r = pack(&header.base, &header_bytes, NULL);
    }
    if (r == 0) {
        keys_hash(HASH_TRUST, buffer_bytes(&header_bytes), ret_id);
        keys_sign(root, ret_id, signature);
        signatures[0] = field(signature, SIGNATURE_BYTES);
        record.header = field_of(&header_bytes);
        record.body = field_of(&body_bytes);
        record.signatures = signatures;
        record.n_signatures = 1;
        r = pack(&record.base, ret_signed_trust, NULL);
    }
    buffer_fini(&body_bytes);
    buffer_fini(&header_bytes);
    return r;
}

static int entry_header(const struct author_position *at, const Picket__V1__Scope *scope,
    uint64_t valid_from, uint64_t valid_until, struct bytes ops, const uint8_t *author,
    struct buffer *ret)
{
    Picket__V1__Header header = PICKET__V1__HEADER__INIT;
    uint8_t hash[HASH_BYTES];

    keys_hash(HASH_OPS, ops, hash);
    header.version = 1;
    header.fleet_id = field(at->fleet_id, HASH_BYTES);
    header.author = field(author, KEY_BYTES);
    header.seq = at->seq;
    header.prev = field(at->prev, at->seq > 1 ? HASH_BYTES : 0);
    header.trust_head = field(at->trust_head, HASH_BYTES);
    header.scope = (Picket__V1__Scope *)(uintptr_t)scope;
    header.valid_from = valid_from;
    header.valid_until = valid_until;
    header.ops_hash = field(hash, HASH_BYTES);
    header.ops_len = (uint32_t)ops.len;
    return pack(&header.base, ret, NULL);
}

int author_entry(const struct author_position *at, const Picket__V1__Scope *scope,
    uint64_t valid_from, uint64_t valid_until, const Picket__V1__Ops *ops,
    const struct key_pair *key, struct buffer *ret_signed_entry, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__SignedEntry entry = PICKET__V1__SIGNED_ENTRY__INIT;
    struct buffer ops_bytes = {0}, header_bytes = {0};
    uint8_t signature[SIGNATURE_BYTES];
    int r = pack(&ops->base, &ops_bytes, NULL);

    if (r == 0)
        r = entry_header(at, scope, valid_from, valid_until, buffer_bytes(&ops_bytes), key->public,
            &header_bytes);
    if (r == 0) {
        keys_hash(HASH_ENTRY, buffer_bytes(&header_bytes), ret_id);
        keys_sign(key, ret_id, signature);
        entry.header = field_of(&header_bytes);
        entry.ops = field_of(&ops_bytes);
        entry.signature = field(signature, SIGNATURE_BYTES);
        r = pack(&entry.base, ret_signed_entry, NULL);
    }
    buffer_fini(&ops_bytes);
    buffer_fini(&header_bytes);
    return r;
}

int author_operation(
    Picket__V1__OpKind kind, const ProtobufCMessage *body, Picket__V1__Operation *ret_operation)
{
    struct buffer bytes = {0};
    int r = pack(body, &bytes, NULL);

    if (r < 0) {
        buffer_fini(&bytes);
        return r;
    }
    picket__v1__operation__init(ret_operation);
    ret_operation->kind = (uint32_t)kind;
    ret_operation->body = field_of(&bytes);
    return 0;
}

void author_operation_fini(Picket__V1__Operation *operation)
{
    struct buffer bytes = {.at = operation->body.data, .len = operation->body.len};

    buffer_fini(&bytes);
    operation->body = (ProtobufCBinaryData){0};
}
