/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.c - is this the one canonical encoding? A walk over the bytes beside the descriptor. One
 * call deep per nested message, at most WIRE_DEPTH_MAX.
 */
#include "proto/wire/wire.h"

#include "base/check.h"
#include "proto/wire/cursor.h"

#include <string.h>

/* Oneofs in one message type; ours have at most two. */
#define ONEOFS_MAX 8

/* A oneof is known by the place of its case number in the struct. */
struct oneofs_seen {
    unsigned case_offset[ONEOFS_MAX];
    unsigned count;
};

const char *wire_fault_text(enum wire_fault fault)
{
    static const char *const texts[] = {
#define WIRE_FAULT_TEXT(name, text) [WIRE_##name] = text,
        WIRE_FAULTS(WIRE_FAULT_TEXT)
#undef WIRE_FAULT_TEXT
    };

    CHECK(fault < WIRE_FAULT_COUNT, "a fault comes from this folder");
    return texts[fault];
}

static bool is_oneof(const ProtobufCFieldDescriptor *field)
{
    return field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static bool is_numeric(const ProtobufCFieldDescriptor *field)
{
    return wire_type_of(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

static bool oneof_is_seen(const struct oneofs_seen *seen, unsigned case_offset)
{
    for (unsigned i = 0; i < seen->count; i++)
        if (seen->case_offset[i] == case_offset)
            return true;
    return false;
}

static enum wire_fault see_oneof(struct oneofs_seen *seen, const ProtobufCFieldDescriptor *field)
{
    if (oneof_is_seen(seen, field->quantifier_offset))
        return WIRE_ONEOF;
    CHECK(seen->count < ONEOFS_MAX, "a message of the schema has few oneofs");
    seen->case_offset[seen->count++] = field->quantifier_offset;
    return WIRE_OK;
}

/* At the end of a message: every oneof has its member. */
static enum wire_fault all_oneofs_seen(
    const ProtobufCMessageDescriptor *type, const struct oneofs_seen *seen)
{
    for (unsigned i = 0; i < type->n_fields; i++)
        if (is_oneof(&type->fields[i]) && !oneof_is_seen(seen, type->fields[i].quantifier_offset))
            return WIRE_ONEOF;
    return WIRE_OK;
}

/* One number, in a record of its own or in a packed list. */
static enum wire_fault check_number(
    ProtobufCType type, struct wire_cursor *cursor, bool *ret_is_zero)
{
    static const uint8_t zero[8];
    ProtobufCWireType wire = wire_type_of(type);

    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        uint64_t value = 0;
        enum wire_fault fault = wire_read_varint(cursor, true, &value);

        if (fault)
            return fault;
        if (value > wire_varint_max(type))
            return WIRE_RANGE;
        if (type == PROTOBUF_C_TYPE_INT32 && (uint64_t)(int64_t)(int32_t)value != value)
            return WIRE_RANGE;
        *ret_is_zero = value == 0;
        return WIRE_OK;
    }

    size_t width = wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
    struct bytes bytes;
    enum wire_fault fault = wire_read_fixed(cursor, width, &bytes);

    if (fault)
        return fault;
    *ret_is_zero = memcmp(bytes.at, zero, width) == 0;
    return WIRE_OK;
}

static enum wire_fault check_packed(ProtobufCType type, struct wire_cursor *cursor)
{
    struct bytes block;
    enum wire_fault fault = wire_read_block(cursor, true, &block);

    if (fault)
        return fault;
    if (block.len == 0)
        return WIRE_EMPTY;

    struct wire_cursor inner = {.at = block.at, .left = block.len};

    while (inner.left > 0) {
        bool is_zero;

        fault = check_number(type, &inner, &is_zero);
        if (fault)
            return fault;
    }
    return WIRE_OK;
}

static enum wire_fault check_message(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth);

/* A block's content: text, bytes or a message. */
static enum wire_fault check_block(
    const ProtobufCFieldDescriptor *field, struct wire_cursor *cursor, unsigned depth)
{
    bool may_be_empty = field->label == PROTOBUF_C_LABEL_REPEATED || is_oneof(field);
    struct bytes block;
    enum wire_fault fault = wire_read_block(cursor, true, &block);

    if (fault)
        return fault;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (block.len == 0 && !may_be_empty)
            return WIRE_EMPTY;
        return check_message(field->descriptor, block, depth + 1);
    }
    if (block.len == 0 && !may_be_empty)
        return WIRE_DEFAULT;
    if (field->type == PROTOBUF_C_TYPE_STRING && !wire_is_text(block))
        return WIRE_UTF8;
    return WIRE_OK;
}

static enum wire_fault check_singular_number(
    const ProtobufCFieldDescriptor *field, struct wire_cursor *cursor)
{
    bool is_zero;
    enum wire_fault fault = check_number(field->type, cursor, &is_zero);

    if (fault)
        return fault;
    /* A written bool is 1, in a oneof too. */
    if (is_zero && (!is_oneof(field) || field->type == PROTOBUF_C_TYPE_BOOL))
        return WIRE_DEFAULT;
    return WIRE_OK;
}

static enum wire_fault check_value(const ProtobufCFieldDescriptor *field, uint32_t wire_type,
    struct wire_cursor *cursor, unsigned depth)
{
    if (is_numeric(field) && field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (wire_type == (uint32_t)wire_type_of(field->type))
            return WIRE_PACKED;
        if (wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return WIRE_TYPE;
        return check_packed(field->type, cursor);
    }
    if (wire_type != (uint32_t)wire_type_of(field->type))
        return WIRE_TYPE;
    if (is_numeric(field))
        return check_singular_number(field, cursor);
    return check_block(field, cursor, depth);
}

static enum wire_fault check_order(const ProtobufCFieldDescriptor *field, uint32_t last)
{
    if (field->id < last)
        return WIRE_ORDER;
    if (field->id > last)
        return WIRE_OK;
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return WIRE_REPEATED;
    return is_numeric(field) ? WIRE_PACKED : WIRE_OK;
}

static enum wire_fault check_message(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth)
{
    struct wire_cursor cursor = {.at = bytes.at, .left = bytes.len};
    struct oneofs_seen seen = {0};
    uint32_t last = 0;

    if (depth > WIRE_DEPTH_MAX)
        return WIRE_DEPTH;
    while (cursor.left > 0) {
        const ProtobufCFieldDescriptor *field;
        struct wire_tag tag;
        enum wire_fault fault = wire_read_tag(&cursor, true, &tag);

        if (fault)
            return fault;
        field = protobuf_c_message_descriptor_get_field(type, tag.number);
        if (!field)
            return WIRE_UNKNOWN;
        fault = check_order(field, last);
        if (!fault && is_oneof(field))
            fault = see_oneof(&seen, field);
        if (!fault)
            fault = check_value(field, tag.type, &cursor, depth);
        if (fault)
            return fault;
        last = tag.number;
    }
    return all_oneofs_seen(type, &seen);
}

enum wire_fault wire_check(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    return check_message(type, bytes, 1);
}
