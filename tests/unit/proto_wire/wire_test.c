/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form, rule by rule. Each case is one encoding, written in hex, and its fault. */
#include "proto/wire/wire.h"

#include <shapes.pb-c.h>

#include "proto/picket/v1/entry.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct wire_case {
    const char *hex;
    enum wire_fault fault;
};

#define NUMBERS &shapes__numbers__descriptor
#define LISTS &shapes__lists__descriptor
#define BLOCKS &shapes__blocks__descriptor
#define CHOICE &shapes__choice__descriptor
#define DEEP &shapes__deep__descriptor
#define SPARSE &shapes__sparse__descriptor

/* Checks from a heap block of exactly the length, so that a read past it is seen. */
static enum wire_fault check_hex(const ProtobufCMessageDescriptor *type, const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *at = malloc(len ? len : 1);
    enum wire_fault fault;

    assert_non_null(at);
    assert_int_equal(hex_parse(hex, at, len), 0);
    fault = wire_check(type, bytes_of(at, len));
    free(at);
    return fault;
}

static void check_cases(
    const ProtobufCMessageDescriptor *type, const struct wire_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum wire_fault fault = check_hex(type, cases[i].hex);

        if (fault != cases[i].fault)
            fail_msg("%s: %s, expected: %s", cases[i].hex, wire_fault_text(fault),
                wire_fault_text(cases[i].fault));
    }
}
#define CHECK_CASES(type, cases) check_cases(type, cases, sizeof(cases) / sizeof((cases)[0]))

static void the_empty_message_is_canonical(void **state)
{
    (void)state;
    assert_int_equal(wire_check(NUMBERS, bytes_of(NULL, 0)), WIRE_OK);
}

static void numbers_are_shortest_and_fit_their_type(void **state)
{
    static const struct wire_case cases[] = {
        {"0801", WIRE_OK},
        {"08ffffffff0f", WIRE_OK},
        {"08808080809000", WIRE_VARINT},
        {"088080808010", WIRE_RANGE},
        {"088100", WIRE_VARINT},
        {"08ffffffffffffffffff01", WIRE_RANGE},
        {"10ffffffffffffffffff01", WIRE_OK},
        {"10ffffffffffffffffff02", WIRE_RANGE},
        {"10ffffffffffffffffff8001", WIRE_VARINT},
        {"18ffffffff07", WIRE_OK},
        {"18ffffffffffffffffff01", WIRE_OK},
        {"18ffffffff0f", WIRE_RANGE},
        {"188080808008", WIRE_RANGE},
        {"1880808080f8ffffffff01", WIRE_OK},
        {"18fffffffff7ffffffff01", WIRE_RANGE},
        {"20ffffffffffffffffff01", WIRE_OK},
        {"28ffffffff0f", WIRE_OK},
        {"288080808010", WIRE_RANGE},
        {"30ffffffffffffffffff01", WIRE_OK},
    };

    (void)state;
    CHECK_CASES(NUMBERS, cases);
}

static void a_bool_is_one(void **state)
{
    static const struct wire_case cases[] = {
        {"3801", WIRE_OK}, {"3800", WIRE_DEFAULT}, {"3802", WIRE_RANGE}, {"38ff01", WIRE_RANGE}};

    (void)state;
    CHECK_CASES(NUMBERS, cases);
}

static void an_enum_is_a_small_number_that_need_not_be_known(void **state)
{
    static const struct wire_case cases[] = {
        {"4001", WIRE_OK},
        {"407f", WIRE_OK},
        {"40ffffffff07", WIRE_OK},
        {"408080808008", WIRE_RANGE},
        {"40ffffffffffffffffff01", WIRE_RANGE},
    };

    (void)state;
    CHECK_CASES(NUMBERS, cases);
}

static void fixed_numbers_have_their_width(void **state)
{
    static const struct wire_case cases[] = {
        {"4d01000000", WIRE_OK},
        {"4d00000000", WIRE_DEFAULT},
        {"4d010000", WIRE_TRUNCATED},
        {"510100000000000000", WIRE_OK},
        {"510000000000000000", WIRE_DEFAULT},
        {"5900000000000000", WIRE_TRUNCATED},
        {"590000000000000080", WIRE_OK},
    };

    (void)state;
    CHECK_CASES(NUMBERS, cases);
}

static void defaults_are_absent(void **state)
{
    static const struct wire_case numbers[] = {{"0800", WIRE_DEFAULT}, {"4000", WIRE_DEFAULT}};
    static const struct wire_case blocks[] = {{"0a00", WIRE_DEFAULT}, {"1200", WIRE_DEFAULT},
        {"1a00", WIRE_EMPTY}, {"1a020801", WIRE_OK}};

    (void)state;
    CHECK_CASES(NUMBERS, numbers);
    CHECK_CASES(BLOCKS, blocks);
}

static void fields_ascend_and_singular_ones_stand_once(void **state)
{
    static const struct wire_case cases[] = {
        {"08011001", WIRE_OK},
        {"10010801", WIRE_ORDER},
        {"08010801", WIRE_REPEATED},
        {"080110010801", WIRE_ORDER},
    };
    static const struct wire_case lists[] = {
        {"220161220162", WIRE_OK}, {"2201612a0162220163", WIRE_ORDER}};

    (void)state;
    CHECK_CASES(NUMBERS, cases);
    CHECK_CASES(LISTS, lists);
}

static void unknown_fields_and_groups_are_refused(void **state)
{
    static const struct wire_case cases[] = {
        {"6001", WIRE_UNKNOWN},
        {"0001", WIRE_UNKNOWN},
        {"0b0c", WIRE_TYPE},
        {"0e", WIRE_TYPE},
        {"0a0101", WIRE_TYPE},
        {"0d01000000", WIRE_TYPE},
        {"8800", WIRE_VARINT},
        {"ffffffff7f", WIRE_RANGE},
    };

    (void)state;
    CHECK_CASES(NUMBERS, cases);
}

static void the_greatest_field_number_is_found(void **state)
{
    static const struct wire_case cases[] = {
        {"0801f8ffffff0f01", WIRE_OK}, {"f0ffffff0f01", WIRE_UNKNOWN}, {"1001", WIRE_UNKNOWN}};

    (void)state;
    CHECK_CASES(SPARSE, cases);
}

static void bytes_that_end_early_are_refused(void **state)
{
    static const struct wire_case cases[] = {
        {"0a", WIRE_TRUNCATED},
        {"0a02", WIRE_TRUNCATED},
        {"0a0261", WIRE_TRUNCATED},
        {"0a80", WIRE_TRUNCATED},
        {"0a8100", WIRE_VARINT},
        {"0affffffffffffffffff01", WIRE_TRUNCATED},
        {"1a0208", WIRE_TRUNCATED},
        {"1a0108", WIRE_TRUNCATED},
    };

    (void)state;
    CHECK_CASES(BLOCKS, cases);
}

static void lists_of_numbers_are_one_packed_record(void **state)
{
    static const struct wire_case cases[] = {
        {"0a03010002", WIRE_OK},
        {"0a00", WIRE_EMPTY},
        {"0801", WIRE_PACKED},
        {"0a01010a0102", WIRE_PACKED},
        {"0a0180", WIRE_TRUNCATED},
        {"0a028100", WIRE_VARINT},
        {"0a058080808010", WIRE_RANGE},
        {"0d01000000", WIRE_TYPE},
        {"12020001", WIRE_OK},
        {"120102", WIRE_RANGE},
        {"1a080000000001000000", WIRE_OK},
        {"1a0500000000ff", WIRE_TRUNCATED},
        {"1d00000000", WIRE_PACKED},
    };

    (void)state;
    CHECK_CASES(LISTS, cases);
}

static void elements_of_other_lists_may_be_empty(void **state)
{
    static const struct wire_case cases[] = {
        {"2200220161", WIRE_OK}, {"2a002a00", WIRE_OK}, {"32003200", WIRE_OK}};

    (void)state;
    CHECK_CASES(LISTS, cases);
}

static void a_oneof_has_exactly_one_member(void **state)
{
    static const struct wire_case cases[] = {
        {"10013201aa", WIRE_OK},
        {"10003200", WIRE_OK},
        {"1a003a00", WIRE_OK},
        {"22003200", WIRE_OK},
        {"28013200", WIRE_OK},
        {"28003200", WIRE_DEFAULT},
        {"", WIRE_ONEOF},
        {"1001", WIRE_ONEOF},
        {"3200", WIRE_ONEOF},
        {"10011a003200", WIRE_ONEOF},
        {"100132003a00", WIRE_ONEOF},
        {"100110013200", WIRE_REPEATED},
        {"080010013200", WIRE_DEFAULT},
    };

    (void)state;
    CHECK_CASES(CHOICE, cases);
}

static void strings_are_utf8_without_zero_bytes(void **state)
{
    static const struct wire_case cases[] = {
        {"0a0161", WIRE_OK}, {"0a02c3a9", WIRE_OK}, {"0a03e282ac", WIRE_OK},
        {"0a04f09f9880", WIRE_OK}, {"0a04f48fbfbf", WIRE_OK}, {"0a03ed9fbf", WIRE_OK},
        {"0a03ee8080", WIRE_OK}, {"0a0100", WIRE_UTF8}, {"0a03610062", WIRE_UTF8},
        {"0a0180", WIRE_UTF8}, {"0a01ff", WIRE_UTF8}, {"0a02c080", WIRE_UTF8},
        {"0a02c1bf", WIRE_UTF8}, {"0a01c3", WIRE_UTF8}, {"0a02c341", WIRE_UTF8},
        {"0a03e08080", WIRE_UTF8}, {"0a03eda080", WIRE_UTF8}, {"0a03e28241", WIRE_UTF8},
        {"0a04f0808080", WIRE_UTF8}, {"0a04f4908080", WIRE_UTF8}, {"0a04f5808080", WIRE_UTF8},
        {"0a03f09f98", WIRE_UTF8}, {"1203eda080", WIRE_OK}, /* bytes hold anything */
    };

    (void)state;
    CHECK_CASES(BLOCKS, cases);
}

/* levels messages around `bottom = 1`. */
static enum wire_fault check_depth(unsigned levels)
{
    uint8_t at[256];
    size_t len = 2;
    uint8_t *start = at + sizeof(at) - 2;

    start[0] = 0x10;
    start[1] = 1;
    for (unsigned i = 1; i < levels; i++) {
        start -= 2;
        start[0] = 0x0a;
        start[1] = (uint8_t)len;
        len += 2;
    }
    return wire_check(DEEP, bytes_of(start, len));
}

static void messages_nest_sixteen_deep_and_no_deeper(void **state)
{
    (void)state;
    assert_int_equal(check_depth(16), WIRE_OK);
    assert_int_equal(check_depth(17), WIRE_DEPTH);
}

static void what_we_pack_is_canonical(void **state)
{
    Picket__V1__PortRange ports = PICKET__V1__PORT_RANGE__INIT;
    Picket__V1__PortRange *port_list[] = {&ports};
    Picket__V1__Match match = PICKET__V1__MATCH__INIT;
    Picket__V1__Rule rule = PICKET__V1__RULE__INIT;
    uint32_t protocols[] = {6, 17};
    struct buffer buffer = {0};

    (void)state;
    ports.first = 22;
    ports.last = 23;
    match.protocols = protocols;
    match.n_protocols = 2;
    match.destination_ports = port_list;
    match.n_destination_ports = 1;
    rule.name = (char *)"ssh";
    rule.priority = 100;
    rule.action = PICKET__V1__ACTION__ACTION_DROP;
    rule.match = &match;
    assert_int_equal(wire_pack(&rule.base, &buffer), 0);
    assert_int_equal(wire_check(&picket__v1__rule__descriptor, buffer_bytes(&buffer)), WIRE_OK);
    buffer_fini(&buffer);
}

static void packing_appends(void **state)
{
    Shapes__Numbers numbers = SHAPES__NUMBERS__INIT;
    struct buffer buffer = {0};

    (void)state;
    numbers.u32 = 5;
    assert_int_equal(buffer_append(&buffer, "x", 1), 0);
    assert_int_equal(wire_pack(&numbers.base, &buffer), 0);
    assert_int_equal(buffer.len, 3);
    assert_memory_equal(buffer.at, "x\x08\x05", 3);
    buffer_fini(&buffer);
}

static void a_written_bool_in_a_node_change_is_true(void **state)
{
    (void)state;
    assert_int_equal(check_hex(&picket__v1__node_change__descriptor, "0a01aa2801"), WIRE_OK);
    assert_int_equal(check_hex(&picket__v1__node_change__descriptor, "0a01aa2800"), WIRE_DEFAULT);
    assert_int_equal(check_hex(&picket__v1__node_change__descriptor, "0a01aa"), WIRE_ONEOF);
}

static void every_fault_has_a_sentence(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WIRE_FAULT_COUNT; i++)
        assert_true(strlen(wire_fault_text((enum wire_fault)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_message_is_canonical),
        cmocka_unit_test(numbers_are_shortest_and_fit_their_type),
        cmocka_unit_test(a_bool_is_one),
        cmocka_unit_test(an_enum_is_a_small_number_that_need_not_be_known),
        cmocka_unit_test(fixed_numbers_have_their_width),
        cmocka_unit_test(defaults_are_absent),
        cmocka_unit_test(fields_ascend_and_singular_ones_stand_once),
        cmocka_unit_test(unknown_fields_and_groups_are_refused),
        cmocka_unit_test(the_greatest_field_number_is_found),
        cmocka_unit_test(bytes_that_end_early_are_refused),
        cmocka_unit_test(lists_of_numbers_are_one_packed_record),
        cmocka_unit_test(elements_of_other_lists_may_be_empty),
        cmocka_unit_test(a_oneof_has_exactly_one_member),
        cmocka_unit_test(strings_are_utf8_without_zero_bytes),
        cmocka_unit_test(messages_nest_sixteen_deep_and_no_deeper),
        cmocka_unit_test(what_we_pack_is_canonical),
        cmocka_unit_test(packing_appends),
        cmocka_unit_test(a_written_bool_in_a_node_change_is_true),
        cmocka_unit_test(every_fault_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
