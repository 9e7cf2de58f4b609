/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack.c - from checked bytes to messages within a budget, and back.
 *
 * Budgeted memory comes from malloc(), so wire_free() needs no budget.
 */
#include "base/check.h"
#include "proto/wire/cursor.h"
#include "proto/wire/wire.h"

#include <errno.h>
#include <stdlib.h>

struct budget {
    size_t left;
    bool is_refused;
};

static void *budget_alloc(void *user, size_t size)
{
    struct budget *budget = user;
    void *at = NULL;

    if (size <= budget->left)
        at = malloc(size ? size : 1);
    if (!at) {
        budget->is_refused = true;
        return NULL;
    }
    budget->left -= size;
    return at;
}

/* What is given back does not return to the budget: the sum of all requests is what it bounds. */
static void budget_free(void *user, void *at)
{
    (void)user;
    free(at);
}

/* Bytes that passed a scan: if the library refuses them and memory was there, the scan has a hole.
 */
static enum wire_fault unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes,
    size_t limit, ProtobufCMessage **ret_message)
{
    static const uint8_t nothing[1];
    struct budget budget = {.left = limit};
    ProtobufCAllocator allocator = {
        .alloc = budget_alloc, .free = budget_free, .allocator_data = &budget};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len, bytes.at ? bytes.at : nothing);

    if (!message)
        return budget.is_refused ? WIRE_MEMORY : WIRE_TYPE;
    *ret_message = message;
    return WIRE_OK;
}

enum wire_fault wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes,
    size_t budget, ProtobufCMessage **ret_message)
{
    enum wire_fault fault = wire_check(type, bytes);

    if (fault)
        return fault;
    return unpack(type, bytes, budget, ret_message);
}

void wire_free(ProtobufCMessage *message)
{
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
}

static enum wire_fault scan_message(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth);

/* Passes over one value; ret_block is filled for a block. */
static enum wire_fault skip_value(
    uint32_t wire_type, struct wire_cursor *cursor, struct bytes *ret_block)
{
    uint64_t number;

    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return wire_read_varint(cursor, false, &number);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return wire_read_fixed(cursor, 4, ret_block);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return wire_read_fixed(cursor, 8, ret_block);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return wire_read_block(cursor, false, ret_block);
    default:
        return WIRE_TYPE;
    }
}

static enum wire_fault scan_packed(ProtobufCType type, struct bytes block)
{
    struct wire_cursor cursor = {.at = block.at, .left = block.len};

    while (cursor.left > 0) {
        struct bytes ignored;
        enum wire_fault fault = skip_value((uint32_t)wire_type_of(type), &cursor, &ignored);

        if (fault)
            return fault;
    }
    return WIRE_OK;
}

static enum wire_fault scan_value(
    const ProtobufCFieldDescriptor *field, uint32_t wire_type, struct bytes block, unsigned depth)
{
    ProtobufCWireType want = wire_type_of(field->type);

    if (wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
        want != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && field->label == PROTOBUF_C_LABEL_REPEATED)
        return scan_packed(field->type, block);
    if (wire_type != (uint32_t)want)
        return WIRE_TYPE;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_message(field->descriptor, block, depth + 1);
    if (field->type == PROTOBUF_C_TYPE_STRING && !wire_is_text(block))
        return WIRE_UTF8;
    return WIRE_OK;
}

static enum wire_fault scan_message(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth)
{
    struct wire_cursor cursor = {.at = bytes.at, .left = bytes.len};

    if (depth > WIRE_DEPTH_MAX)
        return WIRE_DEPTH;
    while (cursor.left > 0) {
        const ProtobufCFieldDescriptor *field;
        struct bytes block = {0};
        struct wire_tag tag;
        enum wire_fault fault = wire_read_tag(&cursor, false, &tag);

        if (!fault)
            fault = skip_value(tag.type, &cursor, &block);
        if (fault)
            return fault;
        field = protobuf_c_message_descriptor_get_field(type, tag.number);
        if (!field)
            continue;
        fault = scan_value(field, tag.type, block, depth);
        if (fault)
            return fault;
    }
    return WIRE_OK;
}

static void *member(ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *)message + offset;
}

/* A oneof's member is there only if the case number names it. */
static bool member_is_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return true;
    return *(uint32_t *)member(message, field->quantifier_offset) == field->id;
}

/* The library keeps unknown fields and would send them on; a lenient message is what we understood.
 */
static void drop_unknown(ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        free(message->unknown_fields[i].data);
    free(message->unknown_fields);
    message->unknown_fields = NULL;
    message->n_unknown_fields = 0;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        ProtobufCMessage **items = member(message, field->offset);
        size_t count = 1;

        if (field->type != PROTOBUF_C_TYPE_MESSAGE || !member_is_set(message, field))
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            count = *(size_t *)member(message, field->quantifier_offset);
            items = *(ProtobufCMessage ***)items;
        }
        for (size_t k = 0; k < count; k++)
            if (items[k])
                drop_unknown(items[k]);
    }
}

enum wire_fault wire_unpack_lenient(const ProtobufCMessageDescriptor *type, struct bytes bytes,
    size_t budget, ProtobufCMessage **ret_message)
{
    ProtobufCMessage *message = NULL;
    enum wire_fault fault = scan_message(type, bytes, 1);

    if (!fault)
        fault = unpack(type, bytes, budget, &message);
    if (fault)
        return fault;
    drop_unknown(message);
    *ret_message = message;
    return WIRE_OK;
}

int wire_pack(const ProtobufCMessage *message, struct buffer *buffer)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    int r = buffer_reserve(buffer, size);

    if (r < 0)
        return r;
    if (size > 0)
        buffer->len += protobuf_c_message_pack(message, buffer->at + buffer->len);
    return 0;
}
