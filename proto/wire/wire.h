/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * wire.h - the strict decoder: canonical protobuf only, with a budget. The only door by which bytes
 * from outside become messages.
 *
 * Canonical form: ledger.md L2 and its amendment 6; docs/format.md spells it out.
 * I/O: none. Threads: any.
 */
#include "base/bytes.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Why bytes are not a canonical message; the names are in metrics and sentences. */
#define WIRE_FAULTS(X)                                          \
    X(OK, "canonical")                                          \
    X(TRUNCATED, "ends inside a field")                         \
    X(VARINT, "a number is not in its shortest form")           \
    X(RANGE, "a number does not fit its type")                  \
    X(ORDER, "fields are not in ascending order")               \
    X(REPEATED, "a singular field stands twice")                \
    X(UNKNOWN, "an unknown field")                              \
    X(TYPE, "a field has the wrong wire type")                  \
    X(DEFAULT, "a field is written at its default value")       \
    X(EMPTY, "an empty submessage or packed list is written")   \
    X(ONEOF, "a oneof has not exactly one member")              \
    X(UTF8, "a string is not valid UTF-8 or holds a zero byte") \
    X(PACKED, "a list of numbers is not one packed record")     \
    X(DEPTH, "messages are nested too deep")                    \
    X(MEMORY, "the message needs more memory than its budget")

enum wire_fault {
#define WIRE_FAULT_ENUM(name, text) WIRE_##name,
    WIRE_FAULTS(WIRE_FAULT_ENUM)
#undef WIRE_FAULT_ENUM
        WIRE_FAULT_COUNT
};

/* The sentence of a fault; static storage. */
const char *wire_fault_text(enum wire_fault fault);

/*
 * Is `bytes` the one canonical encoding of a message of this type? Works from the descriptor alone
 * and allocates nothing. A oneof with no member set is a fault (WIRE_ONEOF) in every message that
 * has one.
 */
enum wire_fault wire_check(const ProtobufCMessageDescriptor *type, struct bytes bytes);

/*
 * wire_check(), then unpack. At most `budget` bytes are allocated in all; free with wire_free().
 * *ret_message is untouched on a fault.
 */
enum wire_fault wire_unpack(const ProtobufCMessageDescriptor *type, struct bytes bytes,
    size_t budget, ProtobufCMessage **ret_message);

/*
 * The same without the canonical check, for API requests, whose clients owe us no canonical form:
 * still budgeted, depth-limited and UTF-8 checked; unknown fields are skipped.
 */
enum wire_fault wire_unpack_lenient(const ProtobufCMessageDescriptor *type, struct bytes bytes,
    size_t budget, ProtobufCMessage **ret_message);

/* Accepts NULL. */
void wire_free(ProtobufCMessage *message);

/* Appends the encoding to a buffer. For messages without empty submessages it is canonical. 0,
 * -ENOMEM. */
int wire_pack(const ProtobufCMessage *message, struct buffer *buffer);
