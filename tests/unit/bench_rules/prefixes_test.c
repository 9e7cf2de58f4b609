/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/prefixes.h"
#include "tests/bench/packet/rules/shared_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct problem problem;
static char path[] = "/tmp/picket-prefixes-XXXXXX";

static int read_text(const char *text, struct bench_prefixes *ret_prefixes)
{
    FILE *file;
    int fd, r;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    file = fdopen(fd, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    r = prefixes_read(path, ret_prefixes, &problem);
    assert_int_equal(unlink(path), 0);
    return r;
}

static void a_list_is_read_sorted_and_without_duplicates(void **state)
{
    struct bench_prefixes prefixes;

    (void)state;
    assert_int_equal(read_text("# a list\n10.1.0.0/16\n2001:db8::/32 # six\n10.0.0.0/8\n10.1.2.3\n"
                               "10.1.0.0/16\t5\n; asn\n10.1.255.255/16\n",
                         &prefixes),
        0);
    assert_int_equal(prefixes.count, 4);
    assert_int_equal(prefixes.ipv4_count, 3);
    assert_int_equal(prefixes.prefixes[0].length, 8);
    assert_int_equal(prefixes.prefixes[1].length, 16);
    assert_int_equal(prefixes.prefixes[1].value, 0);
    assert_int_equal(prefixes.prefixes[2].length, 32);
    assert_int_equal(prefixes.prefixes[3].family, FW_IPV6);
    prefixes_fini(&prefixes);
}

static void texts_become_numbers_in_order_of_sight(void **state)
{
    struct bench_prefixes prefixes;

    (void)state;
    assert_int_equal(
        read_text("1.0.0.0/8\tde\n2.0.0.0/8\tfr\n3.0.0.0/8 de\n4.0.0.0/8\t77\n", &prefixes), 0);
    assert_int_equal(prefixes.prefixes[0].value, 1);
    assert_int_equal(prefixes.prefixes[1].value, 2);
    assert_int_equal(prefixes.prefixes[2].value, 1);
    assert_int_equal(prefixes.prefixes[3].value, 77);
    prefixes_fini(&prefixes);
}

static void a_bad_line_is_named(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"1.0.0.0/8\n1.2.3\n", "line 2: '1.2.3' is no address"},
        {"1.0.0.0/33\n", "line 1: '33' is no prefix length up to 32"},
        {"::/129\n", "line 1: '129' is no prefix length up to 128"},
        {"1.0.0.0/\n", "line 1: '' is no prefix length"},
        {"1.0.0.0/-1\n", "line 1: '-1' is no prefix length"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_prefixes prefixes;

        assert_int_equal(read_text(rows[i].text, &prefixes), -EINVAL);
        assert_non_null(strstr(problem.text, rows[i].reason));
        assert_null(prefixes.prefixes);
    }
}

static uint32_t longest(
    const struct bench_prefixes *prefixes, uint8_t family, const uint8_t *address)
{
    uint32_t best = BENCH_NO_RULE;

    for (uint32_t i = 0; i < prefixes->count; i++) {
        const struct bench_prefix *prefix = &prefixes->prefixes[i];

        if (prefix->family == family &&
            bench_prefix_holds(prefix->address, prefix->length, address) &&
            (best == BENCH_NO_RULE || prefix->length > prefixes->prefixes[best].length))
            best = i;
    }
    return best;
}

static void assert_longest_is_found(const struct bench_prefixes *prefixes, uint8_t family)
{
    struct bench_headers headers = {0};
    struct prefix_ranges *ranges;

    assert_int_equal(prefix_ranges_new(prefixes->prefixes, prefixes->count, &ranges), 0);
    assert_int_equal(trace_prefix_hits(prefixes, family, 200, 1, &headers), 0);
    assert_int_equal(trace_prefix_corners(prefixes, family, 4000, &headers), 0);
    assert_int_equal(trace_addresses(family, 200, 1, &headers), 0);
    for (uint32_t i = 0; i < headers.count; i++) {
        const uint8_t *address = headers.headers[i].source;

        assert_int_equal(
            prefix_ranges_find(ranges, family, address), longest(prefixes, family, address));
    }
    prefix_ranges_free(ranges);
    bench_headers_fini(&headers);
}

static void the_longest_prefix_is_found_in_generated_lists(void **state)
{
    (void)state;
    for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
        struct bench_prefixes prefixes;

        assert_int_equal(prefixes_generate(PREFIXES_BLOCKLIST, family, 700, 5, &prefixes), 0);
        assert_longest_is_found(&prefixes, family);
        prefixes_fini(&prefixes);
    }
}

static void nested_and_bordering_prefixes_are_told_apart(void **state)
{
    struct bench_prefixes prefixes;

    (void)state;
    assert_int_equal(
        read_text("0.0.0.0/0\n0.0.0.0/1\n0.0.0.0/32\n255.255.255.255\n255.255.255.254/31\n"
                  "128.0.0.0/1\n10.0.0.0/8\n10.255.0.0/16\n10.255.255.255\n11.0.0.0/8\n"
                  "::/0\nffff::/16\nffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n::1\n",
            &prefixes),
        0);
    assert_longest_is_found(&prefixes, FW_IPV4);
    assert_longest_is_found(&prefixes, FW_IPV6);
    prefixes_fini(&prefixes);
}

static void nothing_is_in_an_empty_list(void **state)
{
    static const uint8_t address[16] = {1, 2, 3, 4};
    struct prefix_ranges *ranges;

    (void)state;
    assert_int_equal(prefix_ranges_new(NULL, 0, &ranges), 0);
    assert_int_equal(prefix_ranges_find(ranges, FW_IPV4, address), BENCH_NO_RULE);
    assert_int_equal(prefix_ranges_find(ranges, FW_IPV6, address), BENCH_NO_RULE);
    prefix_ranges_free(ranges);
}

static void generated_lists_have_exactly_as_many_as_asked_for(void **state)
{
    static const uint32_t counts[] = {1, 1000, 50000};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
            struct bench_prefixes a, b;

            assert_int_equal(prefixes_generate(PREFIXES_BLOCKLIST, family, counts[i], 9, &a), 0);
            assert_int_equal(prefixes_generate(PREFIXES_RANDOM, family, counts[i], 9, &b), 0);
            assert_int_equal(a.count, counts[i]);
            assert_int_equal(b.count, counts[i]);
            prefixes_fini(&a);
            prefixes_fini(&b);
        }
    }
}

static void the_shared_lists_are_read_whole(void **state)
{
    static const struct {
        const char *name;
        uint32_t count;
    } rows[] = {{"prefixes/firehol2018_firehol_level4.netset.gz", 92683},
        {"prefixes/cloud_ipranges_amazon_ipv6.txt", 3108},
        {"prefixes/ripe_rir_ipverse_v6_country.tsv.gz", 67839}};
    char at[SHARED_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench_prefixes prefixes;

        if (!shared_file(rows[i].name, at)) {
            print_message("no test data here (PICKET_DATA): %s is not read\n", rows[i].name);
            skip();
        }
        if (prefixes_read(at, &prefixes, &problem) < 0)
            fail_msg("%s", problem.text);
        assert_in_range(prefixes.count, rows[i].count - 100, rows[i].count);
        prefixes_fini(&prefixes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read_sorted_and_without_duplicates),
        cmocka_unit_test(texts_become_numbers_in_order_of_sight),
        cmocka_unit_test(a_bad_line_is_named),
        cmocka_unit_test(the_longest_prefix_is_found_in_generated_lists),
        cmocka_unit_test(nested_and_bordering_prefixes_are_told_apart),
        cmocka_unit_test(nothing_is_in_an_empty_list),
        cmocka_unit_test(generated_lists_have_exactly_as_many_as_asked_for),
        cmocka_unit_test(the_shared_lists_are_read_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
