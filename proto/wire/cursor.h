/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cursor.h - a position in encoded bytes. Reads never pass the end; a failed read says why.
 *
 * Private to proto/wire. I/O: none.
 */
#include "base/bytes.h"
#include "proto/wire/wire.h"

#define WIRE_DEPTH_MAX 16

struct wire_cursor {
    const uint8_t *at;
    size_t left;
};

/* One record's tag. */
struct wire_tag {
    uint32_t number;
    uint32_t type; /* ProtobufCWireType, or 3, 4, 6, 7: groups and nothing */
};

/* strict: only the shortest form. At most ten bytes and 64 bits either way. */
enum wire_fault wire_read_varint(struct wire_cursor *cursor, bool strict, uint64_t *ret_value);

/* Field numbers are 1 ... 2^29 - 1. */
enum wire_fault wire_read_tag(struct wire_cursor *cursor, bool strict, struct wire_tag *ret_tag);

/* A length, then that many bytes; ret_bytes borrows them. */
enum wire_fault wire_read_block(struct wire_cursor *cursor, bool strict, struct bytes *ret_bytes);

/* width bytes that stand there as they are. */
enum wire_fault wire_read_fixed(struct wire_cursor *cursor, size_t width, struct bytes *ret_bytes);

/* How one value of this type is written: varint, 32 bit, 64 bit or a block. */
ProtobufCWireType wire_type_of(ProtobufCType type);

/* The largest varint a value of this type may have, read as unsigned; int32 is checked apart. */
uint64_t wire_varint_max(ProtobufCType type);

/* Valid UTF-8 (no overlong form, no surrogate, at most U+10FFFF) without a zero byte. */
bool wire_is_text(struct bytes bytes);
