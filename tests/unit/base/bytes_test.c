/* SPDX-License-Identifier: Apache-2.0 */
/* Byte strings, growing buffers, hex, big-endian numbers. */
#include "base/bytes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bytes text(const char *from)
{
    return bytes_of(from, strlen(from));
}

static void equal_bytes_have_equal_content(void **state)
{
    (void)state;
    assert_true(bytes_equal(text("abc"), text("abc")));
    assert_false(bytes_equal(text("abc"), text("abd")));
    assert_false(bytes_equal(text("abc"), text("ab")));
    assert_true(bytes_equal(bytes_of(NULL, 0), text("")));
}

static void bytes_are_ordered_like_words_in_a_dictionary(void **state)
{
    (void)state;
    assert_true(bytes_compare(text("a"), text("b")) < 0);
    assert_true(bytes_compare(text("b"), text("a")) > 0);
    assert_true(bytes_compare(text("a"), text("ab")) < 0);
    assert_true(bytes_compare(text("ab"), text("a")) > 0);
    assert_true(bytes_compare(text("\x7f"), text("\x80")) < 0);
    assert_int_equal(bytes_compare(bytes_of(NULL, 0), bytes_of(NULL, 0)), 0);
}

static void a_buffer_keeps_what_is_appended(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t byte = (uint8_t)i;

        assert_int_equal(buffer_append(&buffer, &byte, 1), 0);
    }
    assert_int_equal(buffer.len, 1000);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(buffer.at[i], (uint8_t)i);
    buffer_fini(&buffer);
    assert_null(buffer.at);
    assert_int_equal(buffer.len, 0);
}

static void appending_nothing_is_fine(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
    assert_int_equal(buffer.len, 0);
    buffer_fini(&buffer);
}

static void an_impossible_size_is_refused_and_changes_nothing(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    assert_int_equal(buffer_append(&buffer, "ab", 2), 0);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX / 2), -ENOMEM);
    assert_int_equal(buffer.len, 2);
    assert_memory_equal(buffer.at, "ab", 2);
    buffer_fini(&buffer);
}

static void a_copy_is_another_place(void **state)
{
    uint8_t *copy = bytes_copy("abc", 3);
    uint8_t *nothing = bytes_copy(NULL, 0);

    (void)state;
    assert_memory_equal(copy, "abc", 3);
    assert_non_null(nothing);
    free(copy);
    free(nothing);
}

static void hex_goes_there_and_back(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xa5, 0xff};
    char digits[2 * sizeof(bytes) + 1];
    uint8_t back[sizeof(bytes)];

    (void)state;
    hex_print(bytes, sizeof(bytes), digits);
    assert_string_equal(digits, "000ff0a5ff");
    assert_int_equal(hex_parse(digits, back, sizeof(back)), 0);
    assert_memory_equal(bytes, back, sizeof(bytes));
    assert_int_equal(hex_parse("000FF0A5FF", back, sizeof(back)), 0);
}

static void what_is_no_hex_is_refused(void **state)
{
    static const char *const wrong[] = {"", "0", "012", "0g", "0 1", "01 ", "0x01", "01020"};
    uint8_t byte[2];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(hex_parse(wrong[i], byte, sizeof(byte)), -EINVAL);
    assert_int_equal(hex_parse("zzzz", byte, sizeof(byte)), -EINVAL);
    assert_int_equal(hex_parse("", byte, 0), 0);
}

static void numbers_are_big_endian(void **state)
{
    uint8_t room[8];

    (void)state;
    put_be32(room, 0x01020304);
    assert_memory_equal(room, "\x01\x02\x03\x04", 4);
    assert_int_equal(get_be32(room), 0x01020304);
    put_be64(room, 0xfffefdfcfbfaf9f8);
    assert_memory_equal(room, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", 8);
    assert_true(get_be64(room) == 0xfffefdfcfbfaf9f8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bytes_have_equal_content),
        cmocka_unit_test(bytes_are_ordered_like_words_in_a_dictionary),
        cmocka_unit_test(a_buffer_keeps_what_is_appended),
        cmocka_unit_test(appending_nothing_is_fine),
        cmocka_unit_test(an_impossible_size_is_refused_and_changes_nothing),
        cmocka_unit_test(a_copy_is_another_place),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(what_is_no_hex_is_refused),
        cmocka_unit_test(numbers_are_big_endian),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
