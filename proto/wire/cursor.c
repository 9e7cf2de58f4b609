/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire/cursor.h"

enum wire_fault wire_read_varint(struct wire_cursor *cursor, bool strict, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 10; i++) {
        if (i >= cursor->left)
            return WIRE_TRUNCATED;

        uint8_t byte = cursor->at[i];

        if (i == 9 && byte > 1)
            return byte & 0x80 ? WIRE_VARINT : WIRE_RANGE;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80)
            continue;
        if (strict && i > 0 && byte == 0)
            return WIRE_VARINT;
        cursor->at += i + 1;
        cursor->left -= i + 1;
        *ret_value = value;
        return WIRE_OK;
    }
    return WIRE_VARINT;
}

enum wire_fault wire_read_tag(struct wire_cursor *cursor, bool strict, struct wire_tag *ret_tag)
{
    uint64_t value = 0;
    enum wire_fault fault = wire_read_varint(cursor, strict, &value);

    if (fault)
        return fault;
    if (value > UINT32_MAX)
        return WIRE_RANGE;
    if (value >> 3 == 0)
        return WIRE_UNKNOWN;
    ret_tag->number = (uint32_t)(value >> 3);
    ret_tag->type = (uint32_t)(value & 7);
    return WIRE_OK;
}

enum wire_fault wire_read_fixed(struct wire_cursor *cursor, size_t width, struct bytes *ret_bytes)
{
    if (width > cursor->left)
        return WIRE_TRUNCATED;
    *ret_bytes = bytes_of(cursor->at, width);
    cursor->at += width;
    cursor->left -= width;
    return WIRE_OK;
}

enum wire_fault wire_read_block(struct wire_cursor *cursor, bool strict, struct bytes *ret_bytes)
{
    uint64_t len = 0;
    enum wire_fault fault = wire_read_varint(cursor, strict, &len);

    if (fault)
        return fault;
    if (len > cursor->left)
        return WIRE_TRUNCATED;
    return wire_read_fixed(cursor, (size_t)len, ret_bytes);
}

ProtobufCWireType wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

uint64_t wire_varint_max(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return 1;
    case PROTOBUF_C_TYPE_ENUM:
        return INT32_MAX;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return UINT32_MAX;
    default:
        return UINT64_MAX;
    }
}

/* The length of the code point at `at`, or 0 if it is not one. RFC 3629, section 4. */
static size_t code_point_len(const uint8_t *at, size_t left)
{
    uint8_t first = at[0];
    uint8_t low = 0x80;  /* the least second byte */
    uint8_t high = 0xbf; /* the greatest */
    size_t len;

    if (first < 0x80)
        return first ? 1 : 0;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (len > left || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool wire_is_text(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len;) {
        size_t len = code_point_len(bytes.at + i, bytes.len - i);

        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
