/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/linear.h"
#include "tests/bench/packet/rules/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The oracle's oracle: bit by bit, set by set. */
static bool side_holds(const struct bench_rules *rules, const uint8_t *prefix, uint32_t length,
    uint32_t set, const uint8_t *address)
{
    bool holds = false;

    for (uint32_t i = 0; set != BENCH_ANY && i < rules->sets[set].count; i++) {
        const struct bench_prefix *of = &rules->sets[set].prefixes[i];

        holds |= side_holds(rules, of->address, of->length, BENCH_ANY, address);
    }
    if (set != BENCH_ANY)
        return holds;
    for (uint32_t i = 0; i < length; i++) {
        if ((prefix[i / 8] ^ address[i / 8]) & 0x80 >> i % 8)
            return false;
    }
    return true;
}

static bool ports_hold(const struct bench_rule *rule, const struct bench_header *header)
{
    bool any = rule->source_first == 0 && rule->source_last == 0xffff && rule->target_first == 0 &&
               rule->target_last == 0xffff && rule->tcp_flags_mask == 0;

    if (header->fragment == FW_FRAGMENT_LATER)
        return any;
    return rule->source_first <= header->source_port && header->source_port <= rule->source_last &&
           rule->target_first <= header->target_port && header->target_port <= rule->target_last &&
           (header->tcp_flags & rule->tcp_flags_mask) == rule->tcp_flags;
}

static bool matches(const struct bench_rules *rules, const struct bench_rule *rule,
    const struct bench_header *header)
{
    bool glob = rule->glob == BENCH_ANY || (bench_glob_devices[rule->glob] & 1 << header->device);

    return rule->family == header->family && glob &&
           (!rule->protocol_mask || rule->protocol == header->protocol) &&
           (rule->vlan == BENCH_VLAN_ANY || rule->vlan == header->vlan) &&
           (rule->dscp == BENCH_ANY || rule->dscp == header->dscp) &&
           (!rule->fragment || rule->fragment == header->fragment) &&
           (!rule->device_class || rule->device_class == header->device_class) &&
           (!rule->to || (rule->to == 1 ? header->is_to_self : !header->is_to_self)) &&
           ports_hold(rule, header) &&
           side_holds(rules, rule->source, rule->source_length, rule->source_set, header->source) ==
               !(rule->flags & BENCH_NOT_SOURCE) &&
           side_holds(rules, rule->target, rule->target_length, rule->target_set, header->target) ==
               !(rule->flags & BENCH_NOT_TARGET);
}

static bool decides(const struct bench_rule *rule)
{
    return rule->action != FW_LOG && !(rule->flags & BENCH_SHADOW);
}

static uint32_t decide(const struct bench_rules *rules, const struct bench_header *header)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (decides(&rules->rules[i]) && matches(rules, &rules->rules[i], header))
            return i;
    }
    return BENCH_NO_RULE;
}

static void draw_traces(const struct bench_rules *rules, struct bench_headers *headers)
{
    assert_int_equal(trace_rules(rules, 300, 1, headers), 0);
    assert_int_equal(trace_flood(rules, 100, 2, headers), 0);
    assert_int_equal(trace_corners(rules, 300, 3, headers), 0);
}

static void make(const char *name, uint8_t family, uint32_t count, struct bench_rules *ret_rules)
{
    struct generate generate = {.name = name, .family = family, .count = count, .seed = 11};
    struct problem problem;

    if (generate_rules(&generate, ret_rules, &problem) < 0)
        fail_msg("%s", problem.text);
}

static void the_oracle_agrees_with_a_plain_scan_on_every_set(void **state)
{
    (void)state;
    for (uint32_t i = 0; generate_names[i]; i++) {
        for (uint8_t family = 0; family < FW_FAMILY_COUNT; family++) {
            struct bench_headers headers = {0};
            struct bench_rules rules;
            struct linear *linear;

            make(generate_names[i], family, 203, &rules);
            draw_traces(&rules, &headers);
            assert_int_equal(linear_new(&rules, &linear), 0);
            for (uint32_t j = 0; j < headers.count; j++)
                assert_int_equal(linear_decide(linear, &headers.headers[j]),
                    decide(&rules, &headers.headers[j]));
            linear_free(linear);
            bench_headers_fini(&headers);
            bench_rules_fini(&rules);
        }
    }
}

static void observers_before_the_deciding_rule_are_listed_in_order(void **state)
{
    struct bench_headers headers = {0};
    struct bench_rules rules;
    struct linear *linear;
    uint32_t most = 0;

    (void)state;
    make("overlap", FW_IPV4, 400, &rules);
    for (uint32_t i = 0; i < rules.count; i++) {
        rules.rules[i].action = i % 3 ? FW_LOG : FW_DROP;
        rules.rules[i].flags = i % 4 ? 0 : BENCH_SHADOW;
    }
    draw_traces(&rules, &headers);
    assert_int_equal(linear_new(&rules, &linear), 0);
    for (uint32_t i = 0; i < headers.count; i++) {
        uint32_t seen[400], count = linear_observed(linear, &headers.headers[i], seen, 400);
        uint32_t deciding = decide(&rules, &headers.headers[i]), at = 0;

        for (uint32_t j = 0; j < rules.count && j < deciding; j++) {
            if (decides(&rules.rules[j]) || !matches(&rules, &rules.rules[j], &headers.headers[i]))
                continue;
            assert_true(at < count);
            assert_int_equal(seen[at++], j);
        }
        assert_int_equal(at, count);
        most = count > most ? count : most;
    }
    assert_true(most > 1);
    linear_free(linear);
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
}

static void no_rules_decide_nothing(void **state)
{
    struct bench_header header = bench_header_plain(FW_IPV6);
    struct bench_rules rules = {0};
    struct linear *linear;
    uint32_t index;

    (void)state;
    assert_int_equal(linear_new(&rules, &linear), 0);
    assert_int_equal(linear_decide(linear, &header), BENCH_NO_RULE);
    assert_int_equal(linear_observed(linear, &header, &index, 1), 0);
    linear_free(linear);
}

static void many_headers_are_shared_among_threads(void **state)
{
    struct bench_headers headers = {0};
    struct bench_rules rules;
    struct linear *linear;
    static uint32_t one[1001], three[1001];

    (void)state;
    make("acl", FW_IPV4, 100, &rules);
    assert_int_equal(trace_rules(&rules, 1001, 1, &headers), 0);
    assert_int_equal(linear_new(&rules, &linear), 0);
    assert_int_equal(linear_decide_all(linear, &headers, 1, one), 0);
    assert_int_equal(linear_decide_all(linear, &headers, 3, three), 0);
    assert_memory_equal(one, three, sizeof(one));
    assert_int_equal(one[1000], linear_decide(linear, &headers.headers[1000]));
    linear_free(linear);
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_agrees_with_a_plain_scan_on_every_set),
        cmocka_unit_test(observers_before_the_deciding_rule_are_listed_in_order),
        cmocka_unit_test(no_rules_decide_nothing),
        cmocka_unit_test(many_headers_are_shared_among_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
