/* SPDX-License-Identifier: Apache-2.0 */
/* A trie and a binary search over ranges name the same class for every address. */
#include "node/compile/host_env.h"
#include "tests/bench/packet/rules/prefixes.h"
#include "tests/bench/packet/rules/shared_files.h"

#include "bpf/fw_decide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 20000
#define BYTES_A_PREFIX 96

/* Classes from 1 on, so that 0 is in no prefix. */
static uint16_t class_of(const struct bench_prefix *prefix)
{
    return (uint16_t)(1 + (prefix->value * 31 + prefix->length) % 65535);
}

static struct trie_row *rows_of(
    const struct bench_prefixes *prefixes, uint32_t first, uint32_t count)
{
    struct trie_row *rows = calloc(count + 1U, sizeof(*rows));

    assert_non_null(rows);
    for (uint32_t i = 0; i < count; i++) {
        const struct bench_prefix *prefix = &prefixes->prefixes[first + i];

        rows[i] = (struct trie_row){.class = class_of(prefix), .length = prefix->length};
        memcpy(rows[i].address, prefix->address, sizeof(rows[i].address));
    }
    return rows;
}

static uint32_t find(const struct compile_tables *tables, uint8_t family, const uint8_t *address)
{
    struct fw_env env = {.tables = tables};
    uint64_t words[2];

    memcpy(words, address, sizeof(words));
    if (family == FW_IPV4)
        return fw_trie_class4(
            &env, &tables->gen.tries[FW_IPV4], (uint32_t)(fw_be64(words[0]) >> 32));
    return fw_trie_class6(&env, &tables->gen.tries[FW_IPV6], fw_be64(words[0]), fw_be64(words[1]));
}

static void expect_same(
    const struct compile_tables *tables, const struct bench_prefixes *prefixes, uint8_t family)
{
    struct bench_headers headers = {0};
    struct prefix_ranges *ranges;

    assert_int_equal(prefix_ranges_new(prefixes->prefixes, prefixes->count, &ranges), 0);
    assert_int_equal(trace_prefix_hits(prefixes, family, ADDRESSES, 5, &headers), 0);
    assert_int_equal(trace_prefix_corners(prefixes, family, ADDRESSES * 2, &headers), 0);
    assert_int_equal(trace_addresses(family, ADDRESSES, 6, &headers), 0);
    for (uint32_t i = 0; i < headers.count; i++) {
        uint32_t wanted = prefix_ranges_find(ranges, family, headers.headers[i].source);

        assert_int_equal(find(tables, family, headers.headers[i].source),
            wanted == BENCH_NO_RULE ? 0 : class_of(&prefixes->prefixes[wanted]));
    }
    bench_headers_fini(&headers);
    prefix_ranges_free(ranges);
}

static void compare(const char *name, const struct bench_prefixes *prefixes)
{
    struct compile_tables tables = {0};
    struct problem problem;

    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        uint32_t first = family == FW_IPV4 ? 0 : prefixes->ipv4_count;
        uint32_t count =
            family == FW_IPV4 ? prefixes->ipv4_count : prefixes->count - prefixes->ipv4_count;
        struct blob *blob = &tables.blobs[FW_BLOB_TRIE4 + family];
        struct trie_row *rows = rows_of(prefixes, first, count);

        assert_int_equal(
            trie_build(blob, rows, count, family, &tables.gen.tries[family], &problem), 0);
        free(rows);
        if (count == 0)
            continue;
        print_message("%s: %u prefixes of IPv%u, %.1f bytes each\n", name, count,
            family == FW_IPV4 ? 4U : 6U, 8.0 * blob->count / count);
        assert_true(blob->count * 8ULL < (1U << 20) + (uint64_t)count * BYTES_A_PREFIX);
        expect_same(&tables, prefixes, (uint8_t)family);
    }
    compile_blobs_drop(&tables);
}

static void no_prefix_at_all(void **state)
{
    const struct compile_tables tables = {0};
    const uint8_t address[16] = {192, 0, 2, 1};

    (void)state;
    assert_int_equal(find(&tables, FW_IPV4, address), 0);
    assert_int_equal(find(&tables, FW_IPV6, address), 0);
}

/* Every length there is, around one address. */
static void nested_prefixes(void **state)
{
    struct bench_prefixes prefixes = {0};

    (void)state;
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        for (uint32_t length = 0; length <= (family == FW_IPV4 ? 32U : 128U); length++) {
            struct bench_prefix prefix = {.length = (uint8_t)length,
                .family = (uint8_t)family,
                .address = {0xa5, 0x5a, 0xc3, 0x3c, 0xf0, 0x0f, 0x81, 0x18, 0x7e, 0xe7, 1, 2, 3}};

            prefix.value = length;
            if (family == FW_IPV4)
                memset(prefix.address + 4, 0, 12);
            bench_address_cut(prefix.address, (uint8_t)family, prefix.length, false);
            assert_int_equal(prefixes_append(&prefixes, &prefix), 0);
        }
    }
    assert_int_equal(prefixes_sort(&prefixes), 0);
    compare("nested", &prefixes);
    prefixes_fini(&prefixes);
}

static void generated_prefixes(void **state)
{
    (void)state;
    for (uint32_t kind = PREFIXES_BLOCKLIST; kind <= PREFIXES_RANDOM; kind++) {
        for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
            struct bench_prefixes prefixes = {0};

            assert_int_equal(prefixes_generate(kind, family, 120000, 2, &prefixes), 0);
            compare(kind == PREFIXES_RANDOM ? "random" : "blocklist", &prefixes);
            prefixes_fini(&prefixes);
        }
    }
}

static void published_prefixes(void **state)
{
    static const char *const names[] = {"prefixes/firehol2018_firehol_level1.netset",
        "prefixes/cloud_ipranges_all_ipv6_merged.txt", "prefixes/ipsum2026_level3.txt",
        "prefixes/derived_union_v6.tsv.gz"};
    char path[SHARED_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct bench_prefixes prefixes = {0};
        struct problem problem;

        if (!shared_file(names[i], path)) {
            print_message("skipped: %s is not here\n", names[i]);
            continue;
        }
        if (prefixes_read(path, &prefixes, &problem) < 0)
            fail_msg("%s", problem.text);
        compare(names[i], &prefixes);
        prefixes_fini(&prefixes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_prefix_at_all),
        cmocka_unit_test(nested_prefixes),
        cmocka_unit_test(generated_prefixes),
        cmocka_unit_test(published_prefixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
