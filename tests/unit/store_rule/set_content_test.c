/* SPDX-License-Identifier: Apache-2.0 */
/* set_content_test.c - the canonical list of a set's base content. */
#include "base/prng.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct set_element v4(uint32_t address, uint8_t length, uint64_t expiry)
{
    struct set_element element = {.length = length, .expiry = expiry};

    put_be32(element.address, address);
    return element;
}

static void equal_prefixes_merge_with_the_latest_expiry(void **state)
{
    struct set_element elements[] = {v4(0x0a000000, 8, 5), v4(0x0a000000, 16, 1),
        v4(0x0a000000, 8, 9), v4(0x0a000000, 16, 0), v4(0x01000000, 8, 7)};
    (void)state;

    assert_int_equal(set_content_canonical(elements, 5), 3);
    assert_int_equal(elements[0].address[0], 1);
    assert_int_equal(elements[1].length, 8);
    assert_int_equal(elements[1].expiry, 9);
    assert_int_equal(elements[2].length, 16);
    assert_int_equal(elements[2].expiry, 0);
}

static void an_element_has_these_bytes(void **state)
{
    static const uint8_t expected[] = {4, 24, 192, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 6, 16, 0x20, 1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct set_element elements[2] = {
        v4(0xc0000200, 24, 258), {.is_v6 = 1, .length = 16, .address = {0x20, 1}}};
    struct buffer content = {0};
    (void)state;

    assert_int_equal(set_content_encode(elements, 2, &content), 0);
    assert_int_equal(content.len, sizeof(expected));
    assert_memory_equal(content.at, expected, sizeof(expected));
    buffer_fini(&content);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    struct set_element elements[500], *got;
    struct buffer content = {0};
    struct prng prng;
    uint32_t count, got_count;
    uint64_t v4_count = 0;
    (void)state;

    prng_seed(&prng, 3);
    for (int i = 0; i < 500; i++) {
        elements[i] = v4((uint32_t)prng_below(&prng, 256) << 24, 8, prng_below(&prng, 3));
        elements[i].is_v6 = prng_below(&prng, 2) != 0;
    }
    count = set_content_canonical(elements, 500);
    for (uint32_t i = 0; i < count; i++)
        v4_count += !elements[i].is_v6;
    assert_int_equal(set_content_encode(elements, count, &content), 0);
    assert_int_equal(
        set_content_decode(buffer_bytes(&content), v4_count, count - v4_count, &got, &got_count),
        0);
    assert_int_equal(got_count, count);
    assert_memory_equal(got, elements, count * sizeof(*got));
    free(got);
    assert_int_equal(set_content_decode(buffer_bytes(&content), v4_count + 1, count - v4_count - 1,
                         &got, &got_count),
        -EBADMSG);
    buffer_fini(&content);
}

static int decode(const uint8_t *content, size_t len, uint64_t v4_count, uint64_t v6_count)
{
    struct set_element *elements = NULL;
    uint32_t count;
    int r = set_content_decode(bytes_of(content, len), v4_count, v6_count, &elements, &count);

    free(elements);
    return r;
}

static void disorder_and_host_bits_are_refused(void **state)
{
    uint8_t two[28] = {4, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 2};
    (void)state;

    assert_int_equal(decode(two, 28, 2, 0), 0);
    two[16] = 1; /* twice the same */
    assert_int_equal(decode(two, 28, 2, 0), -EBADMSG);
    two[16] = 2;
    two[17] = 1; /* a host bit */
    assert_int_equal(decode(two, 28, 2, 0), -EBADMSG);
    two[17] = 0;
    two[15] = 33; /* too long */
    assert_int_equal(decode(two, 28, 2, 0), -EBADMSG);
    two[15] = 8;
    two[0] = 5; /* no such family */
    assert_int_equal(decode(two, 28, 2, 0), -EBADMSG);
}

static void counts_that_do_not_fit_are_refused_before_memory_is_taken(void **state)
{
    uint8_t one[14] = {4, 8, 1};
    (void)state;

    assert_int_equal(decode(one, 14, UINT64_MAX, 2), -EBADMSG);
    assert_int_equal(decode(one, 14, SET_ELEMENTS_MAX, 1), -EBADMSG);
    assert_int_equal(decode(one, 14, 0, 0), -EBADMSG);
    assert_int_equal(decode(one, 13, 1, 0), -EBADMSG);
    assert_int_equal(decode(NULL, 0, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_prefixes_merge_with_the_latest_expiry),
        cmocka_unit_test(an_element_has_these_bytes),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(disorder_and_host_bits_are_refused),
        cmocka_unit_test(counts_that_do_not_fit_are_refused_before_memory_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
