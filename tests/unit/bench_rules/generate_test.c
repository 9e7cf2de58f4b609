/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/linear.h"
#include "tests/bench/packet/rules/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct problem problem;

static void make(const char *name, uint8_t family, uint32_t count, struct bench_rules *ret_rules)
{
    struct generate generate = {.name = name, .family = family, .count = count, .seed = 7};

    if (generate_rules(&generate, ret_rules, &problem) < 0)
        fail_msg("%s", problem.text);
}

static bool is_prefix_clean(const uint8_t *address, uint8_t family, uint8_t length)
{
    uint8_t cut[16];

    memcpy(cut, address, 16);
    bench_address_cut(cut, family, length, false);
    return length <= (family == FW_IPV4 ? 32 : 128) && memcmp(cut, address, 16) == 0;
}

static void assert_sound(const struct bench_rules *rules, uint8_t family)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct bench_rule *rule = &rules->rules[i];

        assert_int_equal(rule->family, family);
        assert_true(is_prefix_clean(rule->source, family, rule->source_length));
        assert_true(is_prefix_clean(rule->target, family, rule->target_length));
        assert_true(rule->source_first <= rule->source_last);
        assert_true(rule->target_first <= rule->target_last);
        assert_int_equal(rule->tcp_flags & ~rule->tcp_flags_mask, 0);
        if (i == 0)
            continue;
        assert_true(rule[-1].priority < rule->priority ||
                    (rule[-1].priority == rule->priority && rule[-1].object < rule->object));
    }
}

static void every_set_is_sound_in_both_families(void **state)
{
    (void)state;
    for (uint32_t i = 0; generate_names[i]; i++) {
        for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
            struct bench_rules rules;

            make(generate_names[i], family, 500, &rules);
            assert_sound(&rules, family);
            assert_int_equal(rules.is_full, generate_is_full(generate_names[i]));
            bench_rules_fini(&rules);
        }
    }
}

static void a_seed_gives_the_same_rules_again(void **state)
{
    (void)state;
    for (uint32_t i = 0; generate_names[i]; i++) {
        struct bench_rules a, b;

        make(generate_names[i], FW_IPV4, 200, &a);
        make(generate_names[i], FW_IPV4, 200, &b);
        assert_int_equal(a.count, b.count);
        for (uint32_t j = 0; j < a.count; j++)
            assert_memory_equal(&a.rules[j], &b.rules[j], sizeof(a.rules[j]));
        bench_rules_fini(&a);
        bench_rules_fini(&b);
    }
}

/* A change of the generators changes every figure: it should be meant. */
static void the_rules_of_a_seed_do_not_change(void **state)
{
    static const uint64_t wanted[] = {0xe22abdc67176341, 0xeaeb44850c282021, 0xc66a516b09f6f4e9};
    uint64_t digests[3] = {0};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct bench_rules rules;

        make(generate_names[i], FW_IPV6, 100, &rules);
        digests[i] = 0xcbf29ce484222325ULL;
        for (uint32_t j = 0; j < rules.count; j++)
            for (size_t k = 0; k < offsetof(struct bench_rule, tcp_flags); k++)
                digests[i] = (digests[i] ^ ((uint8_t *)&rules.rules[j])[k]) * 0x100000001b3ULL;
        bench_rules_fini(&rules);
    }
    assert_memory_equal(digests, wanted, sizeof(digests));
}

static int compare_rules(const void *a, const void *b)
{
    return memcmp(a, b, offsetof(struct bench_rule, tcp_flags));
}

static void the_flavours_have_exactly_as_many_different_rules_as_asked_for(void **state)
{
    static const uint32_t counts[] = {1, 3, 10, 1000, 20000};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t j = 0; j < 5; j++) {
            struct bench_rules rules;

            make(generate_names[i], FW_IPV4, counts[j], &rules);
            assert_int_equal(rules.count, counts[j]);
            qsort(rules.rules, rules.count, sizeof(*rules.rules), compare_rules);
            for (uint32_t k = 1; k < rules.count; k++)
                assert_int_not_equal(compare_rules(&rules.rules[k - 1], &rules.rules[k]), 0);
            bench_rules_fini(&rules);
        }
    }
}

static uint32_t distinct_sources(const struct bench_rules *rules)
{
    uint32_t count = 0;

    qsort(rules->rules, rules->count, sizeof(*rules->rules), compare_rules);
    for (uint32_t i = 0; i < rules->count; i++)
        count += i == 0 || memcmp(rules->rules[i - 1].source, rules->rules[i].source, 16) != 0;
    return count;
}

static uint32_t count_wild(const struct bench_rules *rules)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rules->count; i++)
        count += rules->rules[i].source_length < 3 || rules->rules[i].target_length < 3;
    return count;
}

static void flavours_differ_as_the_published_ones_do(void **state)
{
    struct bench_rules acl, fw, ipc;

    (void)state;
    make("acl", FW_IPV4, 10000, &acl);
    make("fw", FW_IPV4, 10000, &fw);
    make("ipc", FW_IPV4, 10000, &ipc);
    assert_in_range(count_wild(&acl), 0, 300);
    assert_in_range(count_wild(&fw), 8500, 9900);
    assert_in_range(count_wild(&ipc), 800, 2500);
    assert_in_range(distinct_sources(&acl), 2500, 5500);
    assert_in_range(distinct_sources(&ipc), 1000, 3500);
    bench_rules_fini(&acl);
    bench_rules_fini(&fw);
    bench_rules_fini(&ipc);
}

static void the_last_rule_of_a_flavour_matches_everything(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct bench_rules rules;

        make(generate_names[i], FW_IPV6, 1000, &rules);
        assert_int_equal(rules.rules[999].source_length, 0);
        assert_int_equal(rules.rules[999].target_length, 0);
        assert_int_equal(rules.rules[999].protocol_mask, 0);
        bench_rules_fini(&rules);
    }
}

static void one_port_has_each_port_once(void **state)
{
    static uint8_t seen[65536];
    struct bench_rules rules;

    (void)state;
    make("one-port", FW_IPV4, 1, &rules);
    assert_int_equal(rules.count, 65536);
    for (uint32_t i = 0; i < rules.count; i++)
        seen[rules.rules[i].target_first]++;
    for (uint32_t i = 0; i < 65536; i++)
        assert_int_equal(seen[i], 1);
    bench_rules_fini(&rules);
}

static void every_nested_rule_decides_somewhere(void **state)
{
    struct bench_rules rules;
    struct linear *linear;

    (void)state;
    make("nested", FW_IPV4, 1, &rules);
    assert_int_equal(rules.count, 33 * 33);
    assert_int_equal(linear_new(&rules, &linear), 0);
    for (uint32_t i = 0; i < rules.count; i++) {
        struct bench_header header = bench_header_plain(FW_IPV4);
        const struct bench_rule *rule = &rules.rules[i];

        /* Where the next bit is not that of the nest. */
        memcpy(header.source, rules.rules[0].source, 16);
        memcpy(header.target, rules.rules[0].target, 16);
        if (rule->source_length < 32)
            header.source[rule->source_length / 8] ^= (uint8_t)(0x80 >> rule->source_length % 8);
        if (rule->target_length < 32)
            header.target[rule->target_length / 8] ^= (uint8_t)(0x80 >> rule->target_length % 8);
        assert_int_equal(linear_decide(linear, &header), i);
    }
    linear_free(linear);
    bench_rules_fini(&rules);
}

static void of_duplicates_and_shadowed_the_first_decides(void **state)
{
    static const char *const names[] = {"duplicates", "shadowed"};

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct bench_headers headers = {0};
        struct bench_rules rules;
        struct linear *linear;

        make(names[i], FW_IPV6, 300, &rules);
        assert_int_equal(linear_new(&rules, &linear), 0);
        assert_int_equal(trace_rules(&rules, 100, 1, &headers), 0);
        for (uint32_t j = 0; j < headers.count; j++)
            assert_int_equal(linear_decide(linear, &headers.headers[j]), 0);
        linear_free(linear);
        bench_headers_fini(&headers);
        bench_rules_fini(&rules);
    }
}

static void priority_ends_are_0_and_65535_alone(void **state)
{
    struct bench_rules rules;

    (void)state;
    make("priority-ends", FW_IPV4, 501, &rules);
    for (uint32_t i = 0; i < rules.count; i++)
        assert_true(rules.rules[i].priority == 0 || rules.rules[i].priority == 0xffff);
    assert_int_equal(rules.rules[0].object, 251);
    assert_int_equal(rules.rules[500].object, 250);
    bench_rules_fini(&rules);
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
    struct generate generate = {.name = "abc", .count = 1};
    struct bench_rules rules;

    (void)state;
    assert_int_equal(generate_rules(&generate, &rules, &problem), -EINVAL);
    assert_string_equal(problem.text, "there is no generated set 'abc'");
    generate = (struct generate){.name = "acl", .count = 0};
    assert_int_equal(generate_rules(&generate, &rules, &problem), -EINVAL);
    generate = (struct generate){.name = "acl", .count = 1, .family = 2};
    assert_int_equal(generate_rules(&generate, &rules, &problem), -EINVAL);
    assert_null(rules.rules);
}

/* ---- traces */

static void headers_drawn_from_a_rule_match_it_or_one_before(void **state)
{
    struct bench_headers headers = {0};
    struct bench_rules rules;
    struct linear *linear;

    (void)state;
    for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
        make("ipc", family, 1000, &rules);
        assert_int_equal(linear_new(&rules, &linear), 0);
        assert_int_equal(trace_rules(&rules, 5000, 3, &headers), 0);
        assert_int_equal(headers.count, 5000);
        for (uint32_t i = 0; i < headers.count; i++)
            assert_in_range(
                linear_decide(linear, &headers.headers[i]), 0, headers.headers[i].drawn_from);
        linear_free(linear);
        bench_rules_fini(&rules);
        bench_headers_fini(&headers);
    }
}

static void corners_stand_on_both_sides_of_every_bound(void **state)
{
    struct bench_rules rules = {0};
    struct bench_headers headers = {0};
    struct bench_rule rule = bench_rule_any(FW_IPV4);
    static const uint16_t ports[] = {99, 100, 200, 201};
    static const uint8_t hosts[] = {1, 1, 255, 0};
    uint32_t ports_seen = 0, hosts_seen = 0;

    (void)state;
    memcpy(rule.source, (uint8_t[]){10, 1, 2, 0}, 4);
    rule.source_length = 24;
    rule.target_first = 100;
    rule.target_last = 200;
    assert_int_equal(bench_rules_append(&rules, &rule), 0);
    assert_int_equal(trace_corners(&rules, 100, 1, &headers), 0);
    for (uint32_t i = 0; i < headers.count; i++) {
        const struct bench_header *header = &headers.headers[i];

        for (uint32_t j = 0; j < 4; j++)
            ports_seen |= (uint32_t)(header->target_port == ports[j]) << j;
        hosts_seen |= (uint32_t)(header->source[2] == hosts[0] && header->source[3] == 255);
        hosts_seen |= (uint32_t)(header->source[2] == 2 && header->source[3] == 0) << 1;
        hosts_seen |= (uint32_t)(header->source[2] == 2 && header->source[3] == 255) << 2;
        hosts_seen |= (uint32_t)(header->source[2] == 3 && header->source[3] == 0) << 3;
    }
    assert_int_equal(ports_seen, 15);
    assert_int_equal(hosts_seen, 15);
    /* Fields of everything have no outside: a /0 target, any source port. */
    assert_int_equal(headers.count, 12);
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
}

static void one_flow_is_one_header(void **state)
{
    struct bench_headers headers = {0};
    struct bench_rules rules;

    (void)state;
    make("fw", FW_IPV4, 100, &rules);
    assert_int_equal(trace_one_flow(&rules, 10, 3, &headers), 0);
    assert_int_equal(headers.count, 10);
    assert_memory_equal(&headers.headers[0], &headers.headers[9], sizeof(headers.headers[0]));
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
}

static void a_flood_needs_no_rules(void **state)
{
    struct bench_headers headers = {0};
    struct bench_rules rules = {0};

    (void)state;
    assert_int_equal(trace_flood(&rules, 100, 3, &headers), 0);
    assert_int_equal(trace_rules(&rules, 100, 3, &headers), 0);
    assert_int_equal(headers.count, 200);
    bench_headers_fini(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_is_sound_in_both_families),
        cmocka_unit_test(a_seed_gives_the_same_rules_again),
        cmocka_unit_test(the_rules_of_a_seed_do_not_change),
        cmocka_unit_test(the_flavours_have_exactly_as_many_different_rules_as_asked_for),
        cmocka_unit_test(flavours_differ_as_the_published_ones_do),
        cmocka_unit_test(the_last_rule_of_a_flavour_matches_everything),
        cmocka_unit_test(one_port_has_each_port_once),
        cmocka_unit_test(every_nested_rule_decides_somewhere),
        cmocka_unit_test(of_duplicates_and_shadowed_the_first_decides),
        cmocka_unit_test(priority_ends_are_0_and_65535_alone),
        cmocka_unit_test(nonsense_is_refused_with_a_sentence),
        cmocka_unit_test(headers_drawn_from_a_rule_match_it_or_one_before),
        cmocka_unit_test(corners_stand_on_both_sides_of_every_bound),
        cmocka_unit_test(one_flow_is_one_header),
        cmocka_unit_test(a_flood_needs_no_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
