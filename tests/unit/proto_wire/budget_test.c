/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking: what comes out, how much memory it may take, and the lenient door. */
#include "proto/wire/wire.h"

#include <shapes.pb-c.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LISTS &shapes__lists__descriptor
#define NUMBERS &shapes__numbers__descriptor
#define BLOCKS &shapes__blocks__descriptor
#define CHOICE &shapes__choice__descriptor
#define DEEP &shapes__deep__descriptor
#define BUDGET 65536

static struct bytes from_hex(const char *hex, uint8_t *room)
{
    size_t len = strlen(hex) / 2;

    assert_int_equal(hex_parse(hex, room, len), 0);
    return bytes_of(room, len);
}

static enum wire_fault lenient_fault(const ProtobufCMessageDescriptor *type, const char *hex)
{
    uint8_t room[128];
    ProtobufCMessage *message = NULL;
    enum wire_fault fault = wire_unpack_lenient(type, from_hex(hex, room), BUDGET, &message);

    assert_true((fault == WIRE_OK) == (message != NULL));
    wire_free(message);
    return fault;
}

static void a_canonical_message_is_unpacked(void **state)
{
    uint8_t room[64];
    ProtobufCMessage *message = NULL;

    (void)state;
    assert_int_equal(wire_unpack(NUMBERS, from_hex("08073801", room), BUDGET, &message), WIRE_OK);
    assert_int_equal(((Shapes__Numbers *)message)->u32, 7);
    assert_true(((Shapes__Numbers *)message)->flag);
    wire_free(message);
}

static void an_empty_message_without_a_pointer_is_unpacked(void **state)
{
    ProtobufCMessage *message = NULL;

    (void)state;
    assert_int_equal(wire_unpack(NUMBERS, bytes_of(NULL, 0), BUDGET, &message), WIRE_OK);
    wire_free(message);
}

static void a_fault_leaves_the_result_untouched(void **state)
{
    uint8_t room[64];
    ProtobufCMessage *message = (ProtobufCMessage *)(void *)room;

    (void)state;
    assert_int_equal(wire_unpack(NUMBERS, from_hex("0800", room), BUDGET, &message), WIRE_DEFAULT);
    assert_ptr_equal(message, room);
}

/* 4,000 empty messages in 8,000 bytes ask for forty times as much. */
static void many_small_parts_do_not_pass_the_budget(void **state)
{
    enum { COUNT = 4000 };
    uint8_t *at = malloc(2 * COUNT);
    ProtobufCMessage *message = NULL;

    (void)state;
    assert_non_null(at);
    for (size_t i = 0; i < COUNT; i++) {
        at[2 * i] = 0x32;
        at[2 * i + 1] = 0;
    }
    assert_int_equal(wire_unpack(LISTS, bytes_of(at, 2 * COUNT), BUDGET, &message), WIRE_MEMORY);
    assert_int_equal(
        wire_unpack_lenient(LISTS, bytes_of(at, 2 * COUNT), BUDGET, &message), WIRE_MEMORY);
    assert_null(message);
    free(at);
}

/* Every budget too small is refused without a leak; the first that suffices gives the message. */
static void every_smaller_budget_is_refused_cleanly(void **state)
{
    uint8_t room[64];
    struct bytes bytes = from_hex("0a0201022201612a0162320208013200", room);
    ProtobufCMessage *message = NULL;
    size_t budget = 0;

    (void)state;
    while (wire_unpack(LISTS, bytes, budget, &message) == WIRE_MEMORY)
        budget++;
    assert_non_null(message);
    assert_in_range(budget, 64, 2048);
    wire_free(message);
}

static void the_lenient_door_takes_what_is_not_canonical(void **state)
{
    (void)state;
    assert_int_equal(lenient_fault(NUMBERS, "0800"), WIRE_OK);
    assert_int_equal(lenient_fault(NUMBERS, "088100"), WIRE_OK);
    assert_int_equal(lenient_fault(NUMBERS, "10010801"), WIRE_OK);
    assert_int_equal(lenient_fault(LISTS, "08010802"), WIRE_OK);
    assert_int_equal(lenient_fault(BLOCKS, "0a001a00"), WIRE_OK);
    assert_int_equal(lenient_fault(CHOICE, ""), WIRE_OK);
    assert_int_equal(lenient_fault(CHOICE, "22001a0161"), WIRE_OK);
}

static void the_lenient_door_refuses_what_is_broken(void **state)
{
    (void)state;
    assert_int_equal(lenient_fault(BLOCKS, "0a0261"), WIRE_TRUNCATED);
    assert_int_equal(lenient_fault(BLOCKS, "0a0100"), WIRE_UTF8);
    assert_int_equal(lenient_fault(BLOCKS, "0801"), WIRE_TYPE);
    assert_int_equal(lenient_fault(NUMBERS, "630164"), WIRE_TYPE);
    assert_int_equal(lenient_fault(LISTS, "0a0180"), WIRE_TRUNCATED);
    assert_int_equal(lenient_fault(LISTS, "1a03000000"), WIRE_TRUNCATED);
}

static void the_lenient_door_refuses_depth(void **state)
{
    char hex[2 * 2 * 40 + 1] = "";

    (void)state;
    for (unsigned i = 0; i < 16; i++)
        (void)snprintf(hex + 4 * i, 5, "0a%02x", 2 * (15 - i));
    assert_int_equal(lenient_fault(DEEP, hex), WIRE_DEPTH);
}

/* Field 100 beside a known field, inside a nested message and a oneof's member. */
static void unknown_fields_are_dropped_everywhere(void **state)
{
    uint8_t room[64];
    ProtobufCMessage *message = NULL;
    struct buffer buffer = {0};

    (void)state;
    assert_int_equal(wire_unpack_lenient(CHOICE,
                         from_hex("0801a206026869" /* before, unknown */
                                  "220508"
                                  "05a00601" /* message { u32, unknown } */
                                  "3200",
                             room),
                         BUDGET, &message),
        WIRE_OK);
    assert_int_equal(wire_pack(message, &buffer), 0);
    assert_int_equal(wire_check(CHOICE, buffer_bytes(&buffer)), WIRE_OK);
    assert_int_equal(buffer.len, 8);
    buffer_fini(&buffer);
    wire_free(message);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    wire_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_canonical_message_is_unpacked),
        cmocka_unit_test(an_empty_message_without_a_pointer_is_unpacked),
        cmocka_unit_test(a_fault_leaves_the_result_untouched),
        cmocka_unit_test(many_small_parts_do_not_pass_the_budget),
        cmocka_unit_test(every_smaller_budget_is_refused_cleanly),
        cmocka_unit_test(the_lenient_door_takes_what_is_not_canonical),
        cmocka_unit_test(the_lenient_door_refuses_what_is_broken),
        cmocka_unit_test(the_lenient_door_refuses_depth),
        cmocka_unit_test(unknown_fields_are_dropped_everywhere),
        cmocka_unit_test(freeing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
