/* SPDX-License-Identifier: Apache-2.0 */
/* A forest and a plain look at one rule after the other give the same answer to every header. */
#include "node/compile/host_env.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/leaf.h"
#include "tests/bench/packet/rules/linear.h"
#include "tests/bench/packet/rules/picks.h"
#include "tests/bench/packet/rules/prefixes.h"
#include "tests/bench/packet/rules/shared_files.h"
#include "tests/bench/packet/rules/trace.h"

#include "bpf/fw_decide.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS 4000

/* The tables of a rule set, and who is in its sets. */
struct setting {
    struct bench_rules rules;
    struct compile_tables tables;
    struct prefix_ranges *members[BENCH_SETS_MAX];
    struct linear *linear;
    enum fw_family family;
};

static int open_setting(struct setting *setting, struct problem *problem)
{
    struct compile_leaves *leaves = setting->tables.leaves[setting->family];

    for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++)
        assert_int_equal(leaves_of_rules(&setting->rules, (uint8_t)setting->family, (uint8_t)forest,
                             &leaves[forest].items, &leaves[forest].count),
            0);
    for (uint32_t i = 0; i < setting->rules.sets_count; i++)
        assert_int_equal(prefix_ranges_new(setting->rules.sets[i].prefixes,
                             setting->rules.sets[i].count, &setting->members[i]),
            0);
    assert_int_equal(linear_new(&setting->rules, &setting->linear), 0);
    return compile_build(&setting->tables, problem);
}

static void close_setting(struct setting *setting)
{
    for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++)
        free(setting->tables.leaves[setting->family][forest].items);
    compile_blobs_drop(&setting->tables);
    for (uint32_t i = 0; i < setting->rules.sets_count; i++)
        prefix_ranges_free(setting->members[i]);
    linear_free(setting->linear);
    bench_rules_fini(&setting->rules);
}

static uint64_t members_of(const struct setting *setting, const uint8_t *address)
{
    uint64_t members = 0;

    for (uint32_t i = 0; i < setting->rules.sets_count; i++)
        if (prefix_ranges_find(setting->members[i], (uint8_t)setting->family, address) !=
            BENCH_NO_RULE)
            members |= 1ULL << i;
    return members;
}

static void open_key(
    const struct setting *setting, const struct bench_header *header, struct fw_key *key)
{
    struct pick pick;

    pick_of_header(header, &pick);
    fw_key_open(key, PICK_DEVICE, NULL, 1);
    memcpy(key->source, pick.source, sizeof(key->source));
    memcpy(key->target, pick.target, sizeof(key->target));
    key->word = pick.word;
    key->globs = pick.globs;
    key->source_port = pick.source_port;
    key->target_port = pick.target_port;
    fw_cut_open(key, setting->family);
    key->cut[FW_CUT_SOURCE_SETS] = members_of(setting, header->source);
    key->cut[FW_CUT_TARGET_SETS] = members_of(setting, header->target);
}

static void walk_all(const struct setting *setting, struct fw_key *key)
{
    struct fw_env env = {.tables = &setting->tables};
    struct fw_walk walk = {.env = &env,
        .root = &setting->tables.gen.roots[FW_IN][setting->family],
        .key = key,
        .blob = setting->family == FW_IPV4 ? FW_BLOB_FOREST4 : FW_BLOB_FOREST6,
        .family = setting->family};

    walk.whole = fw_blob_whole(&env, walk.blob);
    for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++) {
        fw_walk_begin(key, (enum fw_forest_kind)forest, 0);
        while (!fw_walk_run(&walk))
            continue;
    }
}

static void expect_observed(
    const struct setting *setting, const struct bench_header *header, const struct fw_key *key)
{
    uint32_t wanted[FW_HITS_MAX + 1];
    uint32_t count = linear_observed(setting->linear, header, wanted, FW_HITS_MAX + 1);

    if (count > FW_HITS_MAX)
        return; /* which of them count is left open */
    assert_int_equal(key->hits, count);
    for (uint32_t i = 0; i < count; i++) {
        bool is_there = false;

        for (uint32_t j = 0; j < count; j++)
            is_there |= key->hit[j] == wanted[i];
        assert_true(is_there);
    }
}

static void expect_same(const struct setting *setting, const struct bench_headers *headers)
{
    uint32_t *wanted = calloc(headers->count + 1U, sizeof(*wanted));
    struct fw_key key;

    assert_non_null(wanted);
    assert_int_equal(linear_decide_all(setting->linear, headers, 2, wanted), 0);
    for (uint32_t i = 0; i < headers->count; i++) {
        uint32_t found;

        open_key(setting, &headers->headers[i], &key);
        walk_all(setting, &key);
        found = FW_ID_ORDER(key.best) == FW_ORDER_NONE ? BENCH_NO_RULE : FW_ID_COUNTER(key.best);
        if (found != wanted[i])
            fail_msg(
                "header %u: rule %d, and by plain search rule %d", i, (int)found, (int)wanted[i]);
        expect_observed(setting, &headers->headers[i], &key);
    }
    free(wanted);
}

/* Drawn from rules, anywhere, and at every boundary. */
static void compare(struct setting *setting, uint32_t count)
{
    static int (*const draws[])(const struct bench_rules *, uint32_t, uint64_t,
        struct bench_headers *) = {trace_rules, trace_flood, trace_corners};

    for (size_t i = 0; i < sizeof(draws) / sizeof(draws[0]); i++) {
        struct bench_headers headers = {0};

        assert_int_equal(draws[i](&setting->rules, count, 7, &headers), 0);
        expect_same(setting, &headers);
        bench_headers_fini(&headers);
    }
}

static void show(const char *name, const struct setting *setting)
{
    const struct forest_shape *shape = &setting->tables.shapes[setting->family][FW_ENFORCE];
    uint32_t count = setting->tables.leaves[setting->family][FW_ENFORCE].count;

    print_message("%s: %u rules, %u trees, depth %u, walk of %u leaves and %u rules, %.2f copies "
                  "and %.0f bytes a rule\n",
        name, count, shape->trees, shape->depth, shape->passes, shape->tests,
        (double)shape->copies / (count ? count : 1),
        8.0 * (double)shape->words / (count ? count : 1));
}

/* A refusal is an answer, a wrong verdict is none. */
static void generated(const char *name, enum fw_family family, uint32_t count, bool may_refuse)
{
    struct generate wanted = {.name = name, .family = (uint8_t)family, .count = count, .seed = 3};
    struct setting *setting = calloc(1, sizeof(*setting));
    struct problem problem;
    int r;

    assert_non_null(setting);
    setting->family = family;
    if (generate_rules(&wanted, &setting->rules, &problem) < 0)
        fail_msg("%s", problem.text);
    r = open_setting(setting, &problem);
    if (r < 0) {
        print_message("%s: %s\n", name, problem.text);
        assert_true(may_refuse && r == -E2BIG && problem.text[0]);
    } else {
        show(name, setting);
        compare(setting, HEADERS);
    }
    close_setting(setting);
    free(setting);
}

static void like_published_sets(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (uint32_t count = 10; count <= 10000; count *= 10)
            generated(generate_names[i], FW_IPV4, count, false);
}

static void like_published_sets_of_ipv6(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (uint32_t count = 100; count <= 10000; count *= 10)
            generated(generate_names[i], FW_IPV6, count, false);
}

static void sets_made_to_break_it(void **state)
{
    (void)state;
    for (size_t i = 3; generate_names[i]; i++) {
        generated(generate_names[i], FW_IPV4, 1000, true);
        generated(generate_names[i], FW_IPV6, 1000, true);
    }
}

static void published_sets(void **state)
{
    static const char *const names[] = {"classbench/neurocuts_acl1_1k.gz",
        "classbench/neurocuts_ipc1_10k.gz", "classbench/neurocuts_fw2_10k.gz",
        "classbench/gen_fw1_v6_10k.gz", "classbench/gen_ipc1_v6_1k.gz"};
    char path[SHARED_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct setting *setting;
        struct problem problem;

        if (!shared_file(names[i], path)) {
            print_message("skipped: %s is not here\n", names[i]);
            continue;
        }
        setting = calloc(1, sizeof(*setting));
        assert_non_null(setting);
        setting->family = strstr(names[i], "_v6_") ? FW_IPV6 : FW_IPV4;
        if (classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &setting->rules, &problem) < 0 ||
            open_setting(setting, &problem) < 0)
            fail_msg("%s", problem.text);
        show(names[i], setting);
        compare(setting, HEADERS);
        close_setting(setting);
        free(setting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_published_sets),
        cmocka_unit_test(like_published_sets_of_ipv6),
        cmocka_unit_test(sets_made_to_break_it),
        cmocka_unit_test(published_sets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
