/* SPDX-License-Identifier: Apache-2.0 */
/* prefix_test.c - addresses and prefixes, against the C library's reader and writer. */
#include "base/prng.h"
#include "store/ledger/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void random_address(struct prng *prng, uint8_t address[16])
{
    for (int i = 0; i < 8; i++) {
        uint64_t group =
            prng_below(prng, 3) == 0 ? prng_below(prng, 65536) >> (4 * prng_below(prng, 4)) : 0;

        address[2 * i] = (uint8_t)(group >> 8);
        address[2 * i + 1] = (uint8_t)group;
    }
    if (prng_below(prng, 8) == 0)
        memset(address, 0, 10), memset(address + 10, 0xff, 2);
}

static void addresses_print_as_the_c_library_prints_them(void **state)
{
    struct prng prng;
    (void)state;

    prng_seed(&prng, 1);
    for (int i = 0; i < 20000; i++) {
        uint8_t address[16];
        char ours[64], theirs[64];
        bool is_v6 = i % 4 != 0;

        random_address(&prng, address);
        prefix_print(address, is_v6, is_v6 ? 128 : 32, ours);
        assert_non_null(inet_ntop(is_v6 ? AF_INET6 : AF_INET, address, theirs, sizeof(theirs)));
        assert_string_equal(ours, theirs);
    }
}

/* A valid text with a few characters changed: mostly near misses. */
static void random_text(struct prng *prng, char text[64])
{
    static const char alphabet[] = "0123456789abcdefF:::...g";
    uint8_t address[16];
    size_t len;

    random_address(prng, address);
    prefix_print(address, prng_below(prng, 3) != 0, 128, text);
    text[strcspn(text, "/")] = '\0';
    for (uint64_t i = prng_below(prng, 3); i > 0; i--) {
        len = strlen(text);
        if (len > 1 && prng_below(prng, 3) == 0)
            memmove(text + len / 2, text + len / 2 + 1, len - len / 2);
        else if (len > 0)
            text[prng_below(prng, len)] = alphabet[prng_below(prng, sizeof(alphabet) - 1)];
    }
}

static void addresses_read_as_the_c_library_reads_them(void **state)
{
    struct prng prng;
    (void)state;

    prng_seed(&prng, 2);
    for (int i = 0; i < 50000; i++) {
        uint8_t ours[16], theirs[16], length;
        char text[64];
        bool is_v6;

        random_text(&prng, text);
        int family = strchr(text, ':') ? AF_INET6 : AF_INET;
        bool expected = inet_pton(family, text, theirs) == 1;
        bool got = prefix_parse(text, ours, &is_v6, &length, NULL) == 0;

        if (expected != got)
            fail_msg("'%s': inet_pton says %d", text, expected);
        if (got)
            assert_memory_equal(ours, theirs, family == AF_INET6 ? 16 : 4);
    }
}

static void host_bits_are_an_error_that_names_the_prefix_meant(void **state)
{
    struct problem problem;
    uint8_t address[16], length;
    bool is_v6;
    (void)state;

    assert_int_equal(prefix_parse("192.0.2.7/24", address, &is_v6, &length, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "did you mean 192.0.2.0/24?"));
    assert_int_equal(prefix_parse("2001:db8::1/32", address, &is_v6, &length, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "did you mean 2001:db8::/32?"));
}

static void wrong_lengths_are_refused(void **state)
{
    static const char *const wrong[] = {"1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/-1", "::/",
        "/8", "", "1.2.3.4/8/8", "1.2.3.4/99999999999999999999", "::/0x1"};
    uint8_t address[16], length;
    bool is_v6;
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(prefix_parse(wrong[i], address, &is_v6, &length, NULL), -EINVAL);
}

static void a_whole_address_has_no_slash(void **state)
{
    uint8_t address[16] = {192, 0, 2, 1};
    char text[64];
    (void)state;

    prefix_print(address, false, 32, text);
    assert_string_equal(text, "192.0.2.1");
    prefix_print(address, false, 24, text);
    assert_string_equal(text, "192.0.2.1/24");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_print_as_the_c_library_prints_them),
        cmocka_unit_test(addresses_read_as_the_c_library_reads_them),
        cmocka_unit_test(host_bits_are_an_error_that_names_the_prefix_meant),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(a_whole_address_has_no_slash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
