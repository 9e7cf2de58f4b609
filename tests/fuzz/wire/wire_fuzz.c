/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_fuzz.c - the first byte chooses a message, the rest is its encoding. What must hold:
 *
 *   canonical bytes unpack, and pack to themselves: one message, one encoding;
 *   what the lenient door gives packs to something it takes again, and to the same once more;
 *   too small a budget is a fault and nothing else.
 */
#include "proto/wire/wire.h"

#include "base/check.h"
#include "proto/picket/v1/entry.pb-c.h"
#include "proto/picket/v1/mesh.pb-c.h"
#include "proto/picket/v1/rules.pb-c.h"

#define BUDGET (4 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

/* The order is the corpus's: append only. */
static const ProtobufCMessageDescriptor *const types[] = {
    &picket__v1__signed_entry__descriptor,
    &picket__v1__header__descriptor,
    &picket__v1__ops__descriptor,
    &picket__v1__put_rule__descriptor,
    &picket__v1__put_set__descriptor,
    &picket__v1__set_delta__descriptor,
    &picket__v1__node_change__descriptor,
    &picket__v1__signed_trust__descriptor,
    &picket__v1__trust_header__descriptor,
    &picket__v1__trust_body__descriptor,
    &picket__v1__join_record__descriptor,
    &picket__v1__fork_proof__descriptor,
    &picket__v1__frame__descriptor,
    &picket__v1__apply_request__descriptor,
    &picket__v1__object__descriptor,
};

static void must_pack_to_itself(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    struct buffer packed = {0};
    ProtobufCMessage *message = NULL;

    CHECK(wire_unpack(type, bytes, BUDGET, &message) == WIRE_OK, "canonical bytes unpack");
    CHECK(wire_pack(message, &packed) == 0, "memory is not short");
    CHECK(bytes_equal(buffer_bytes(&packed), bytes), "one message has one encoding");
    buffer_fini(&packed);
    wire_free(message);
}

static void must_settle(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    struct buffer first = {0};
    struct buffer second = {0};
    ProtobufCMessage *message = NULL;

    if (wire_unpack_lenient(type, bytes, BUDGET, &message) != WIRE_OK)
        return;
    CHECK(wire_pack(message, &first) == 0, "memory is not short");
    wire_free(message);
    CHECK(wire_unpack_lenient(type, buffer_bytes(&first), BUDGET, &message) == WIRE_OK,
        "what we pack we take");
    CHECK(wire_pack(message, &second) == 0, "memory is not short");
    CHECK(bytes_equal(buffer_bytes(&first), buffer_bytes(&second)), "and it says the same");
    wire_free(message);
    buffer_fini(&first);
    buffer_fini(&second);
}

static void must_refuse_or_fit(
    const ProtobufCMessageDescriptor *type, struct bytes bytes, size_t budget)
{
    ProtobufCMessage *message = NULL;

    if (wire_unpack(type, bytes, budget, &message) == WIRE_OK)
        wire_free(message);
    message = NULL;
    if (wire_unpack_lenient(type, bytes, budget, &message) == WIRE_OK)
        wire_free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    const ProtobufCMessageDescriptor *type;
    struct bytes bytes;

    if (len == 0)
        return 0;
    type = types[at[0] % (sizeof(types) / sizeof(types[0]))];
    bytes = bytes_of(at + 1, len - 1);
    if (wire_check(type, bytes) == WIRE_OK && len < 16384)
        must_pack_to_itself(type, bytes);
    if (len < 16384)
        must_settle(type, bytes);
    must_refuse_or_fit(type, bytes, 200);
    must_refuse_or_fit(type, bytes, 2000);
    return 0;
}
