/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/row.h"

#include "base/limits.h"
#include "proto/picket/v1/entry.pb-c.h"
#include "proto/wire/wire.h"
#include "store/keys/keys.h"
#include "store/ledger/record.h"

/* Room to unpack the largest record: its bytes, and small change for its parts. */
#define UNPACK_BUDGET (4 * ENTRY_BYTES_MAX + 65536)

#define FAULT_SUM "its bytes changed on the disk"
#define FAULT_ID "its id is not the hash of its content"
#define FAULT_FORM "it is not in the canonical form"
#define FAULT_CONTENT "its content is not the one its header names"

void row_sum(uint8_t kind, struct bytes name, struct bytes bytes, uint8_t ret_sum[ROW_SUM_BYTES])
{
    struct keys_hasher hasher;
    uint8_t hash[HASH_BYTES];

    /* The domain is any: this hash is compared with itself alone. */
    keys_hasher_init(&hasher, HASH_CHUNK);
    keys_hasher_add(&hasher, &kind, 1);
    keys_hasher_add(&hasher, name.at, name.len);
    keys_hasher_add(&hasher, bytes.at, bytes.len);
    keys_hasher_end(&hasher, hash);
    for (size_t i = 0; i < ROW_SUM_BYTES; i++)
        ret_sum[i] = hash[i];
}

bool row_sum_holds(uint8_t kind, struct bytes name, struct bytes bytes, struct bytes sum)
{
    uint8_t expected[ROW_SUM_BYTES];

    row_sum(kind, name, bytes, expected);
    return bytes_equal(bytes_of(expected, sizeof(expected)), sum);
}

uint64_t row_mark(int64_t place, int64_t kind, struct bytes name)
{
    const uint64_t prime = 0x100000001b3; /* FNV-1a's */
    uint64_t mark = 0xcbf29ce484222325;

    mark = (mark ^ (uint64_t)place) * prime;
    mark = (mark ^ (uint64_t)kind) * prime;
    for (size_t i = 0; i < name.len; i++)
        mark = (mark ^ name.at[i]) * prime;
    return mark ^ mark >> 32;
}

static bool is_hash_of(enum hash_domain domain, struct bytes content, struct bytes hash)
{
    uint8_t expected[HASH_BYTES];

    keys_hash(domain, content, expected);
    return bytes_equal(bytes_of(expected, sizeof(expected)), hash);
}

static struct bytes from_field(ProtobufCBinaryData field)
{
    return bytes_of(field.data, field.len);
}

/* Header and content of a signed thing: do they belong together? */
static bool content_fits(struct bytes content, ProtobufCBinaryData hash, uint64_t len)
{
    return content.len == len && is_hash_of(HASH_OPS, content, from_field(hash));
}

static const char *entry_parts_fault(const Picket__V1__SignedEntry *entry, struct bytes id)
{
    ProtobufCMessage *message = NULL;
    bool fits;

    if (!is_hash_of(HASH_ENTRY, from_field(entry->header), id))
        return FAULT_ID;
    if (wire_unpack(&picket__v1__header__descriptor, from_field(entry->header), UNPACK_BUDGET,
            &message) != WIRE_OK)
        return FAULT_FORM;

    const Picket__V1__Header *header = (const Picket__V1__Header *)message;

    fits = content_fits(from_field(entry->ops), header->ops_hash, header->ops_len);
    wire_free(message);
    return fits ? NULL : FAULT_CONTENT;
}

static const char *entry_fault(struct bytes bytes, struct bytes id)
{
    ProtobufCMessage *message = NULL;
    const char *fault;

    if (wire_unpack(&picket__v1__signed_entry__descriptor, bytes, UNPACK_BUDGET, &message) !=
        WIRE_OK)
        return FAULT_FORM;
    fault = entry_parts_fault((const Picket__V1__SignedEntry *)message, id);
    wire_free(message);
    return fault;
}

static const char *trust_parts_fault(const Picket__V1__SignedTrust *trust, struct bytes id)
{
    ProtobufCMessage *message = NULL;
    bool fits;

    if (!is_hash_of(HASH_TRUST, from_field(trust->header), id))
        return FAULT_ID;
    if (wire_unpack(&picket__v1__trust_header__descriptor, from_field(trust->header), UNPACK_BUDGET,
            &message) != WIRE_OK)
        return FAULT_FORM;

    const Picket__V1__TrustHeader *header = (const Picket__V1__TrustHeader *)message;

    fits = trust->body.len == header->body_len;
    wire_free(message);
    return fits ? NULL : FAULT_CONTENT;
}

static const char *trust_fault(struct bytes bytes, struct bytes id)
{
    ProtobufCMessage *message = NULL;
    const char *fault;

    if (wire_unpack(&picket__v1__signed_trust__descriptor, bytes, UNPACK_BUDGET, &message) !=
        WIRE_OK)
        return FAULT_FORM;
    fault = trust_parts_fault((const Picket__V1__SignedTrust *)message, id);
    wire_free(message);
    return fault;
}

const char *record_row_fault(const struct record_row *row)
{
    if (row->kind < RECORD_ENTRY || row->kind > RECORD_FORK || row->id.len != HASH_BYTES)
        return FAULT_SUM;
    if (!row_sum_holds((uint8_t)row->kind, row->id, row->bytes, row->sum))
        return FAULT_SUM;
    switch ((enum record_kind)row->kind) {
    case RECORD_ENTRY:
        return entry_fault(row->bytes, row->id);
    case RECORD_TRUST:
        return trust_fault(row->bytes, row->id);
    case RECORD_JOIN:
        return is_hash_of(HASH_NODE, row->bytes, row->id) ? NULL : FAULT_ID;
    case RECORD_FORK:
        return is_hash_of(HASH_ENTRY, row->bytes, row->id) ? NULL : FAULT_ID;
    }
    return FAULT_SUM;
}

const char *chunk_row_fault(struct bytes hash, struct bytes content)
{
    if (hash.len != HASH_BYTES || !is_hash_of(HASH_CHUNK, content, hash))
        return FAULT_SUM;
    return NULL;
}
