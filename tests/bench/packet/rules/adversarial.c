/* SPDX-License-Identifier: Apache-2.0 */
/* adversarial.c - small sets of rules that hurt a classifier. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/draw.h"
#include "tests/bench/packet/rules/generators.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17

static uint8_t width_of(uint8_t family)
{
    return family == FW_IPV4 ? 32 : 128;
}

static struct bench_rule tcp_rule(uint8_t family)
{
    struct bench_rule rule = bench_rule_any(family);

    rule.protocol = PROTOCOL_TCP;
    rule.protocol_mask = 0xff;
    return rule;
}

static void set_source(struct bench_rule *rule, const uint8_t *address, uint8_t length)
{
    memcpy(rule->source, address, 16);
    rule->source_length = length;
    bench_address_cut(rule->source, rule->family, length, false);
}

static void set_target(struct bench_rule *rule, const uint8_t *address, uint8_t length)
{
    memcpy(rule->target, address, 16);
    rule->target_length = length;
    bench_address_cut(rule->target, rule->family, length, false);
}

static void draw_port_range(struct prng *prng, uint16_t *ret_first, uint16_t *ret_last)
{
    uint32_t a = draw_below(prng, 65536), b = draw_below(prng, 65536);

    *ret_first = (uint16_t)(a < b ? a : b);
    *ret_last = (uint16_t)(a < b ? b : a);
}

int generate_overlap(const struct generate *generate, struct bench_rules *rules)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, generate->seed);
    for (uint32_t i = 0; r == 0 && i < generate->count; i++) {
        struct bench_rule rule = tcp_rule(generate->family);
        uint8_t address[16] = {0};

        draw_bits(&prng, address, generate->family, 0);
        set_source(&rule, address, (uint8_t)draw_below(&prng, 13));
        draw_bits(&prng, address, generate->family, 0);
        set_target(&rule, address, (uint8_t)draw_below(&prng, 13));
        draw_port_range(&prng, &rule.source_first, &rule.source_last);
        draw_port_range(&prng, &rule.target_first, &rule.target_last);
        if (draw_chance(&prng, 500))
            rule.protocol = PROTOCOL_UDP;
        rule.action = draw_chance(&prng, 500) ? FW_ALLOW : FW_DROP;
        r = bench_rules_append(rules, &rule);
    }
    return r;
}

int generate_one_port(const struct generate *generate, struct bench_rules *rules)
{
    static const uint8_t server[FW_FAMILY_COUNT][16] = {
        {198, 51, 100, 7}, {0x20, 0x01, 0x0d, 0xb8, 0, 7, [15] = 7}};
    struct bench_rule rule = tcp_rule(generate->family);
    uint16_t *ports = malloc(65536 * sizeof(*ports));
    struct prng prng;
    int r = 0;

    if (!ports)
        return -ENOMEM;
    prng_seed(&prng, generate->seed);
    set_target(&rule, server[generate->family], width_of(generate->family));
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t j = draw_below(&prng, i + 1);

        ports[i] = ports[j];
        ports[j] = (uint16_t)i;
    }
    for (uint32_t i = 0; r == 0 && i < 65536; i++) {
        rule.target_first = rule.target_last = ports[i];
        rule.action = i % 2 ? FW_ALLOW : FW_DROP;
        r = bench_rules_append(rules, &rule);
    }
    free(ports);
    return r;
}

int generate_duplicates(const struct generate *generate, struct bench_rules *rules)
{
    struct bench_rule rule = tcp_rule(generate->family);
    uint8_t address[16] = {0};
    struct prng prng;
    int r = 0;

    prng_seed(&prng, generate->seed);
    draw_address(&prng, address, generate->family);
    set_source(&rule, address, draw_length(generate->family, 24));
    draw_address(&prng, address, generate->family);
    set_target(&rule, address, draw_length(generate->family, 32));
    rule.target_first = rule.target_last = 443;
    for (uint32_t i = 0; r == 0 && i < generate->count; i++) {
        rule.action = i % 2 ? FW_ALLOW : FW_DROP;
        r = bench_rules_append(rules, &rule);
    }
    return r;
}

int generate_shadowed(const struct generate *generate, struct bench_rules *rules)
{
    struct generate others = *generate;
    struct bench_rule all = bench_rule_any(generate->family);
    int r = bench_rules_append(rules, &all);

    others.count--;
    return r < 0 || others.count == 0 ? r : generate_like_seeds(&others, "acl", rules);
}

/* The longest pairs first, so that every rule decides somewhere. */
int generate_nested(const struct generate *generate, struct bench_rules *rules)
{
    int width = width_of(generate->family), r = 0;
    uint8_t source[16] = {0}, target[16] = {0};
    struct prng prng;

    prng_seed(&prng, generate->seed);
    draw_address(&prng, source, generate->family);
    draw_address(&prng, target, generate->family);
    for (int sum = 2 * width; r == 0 && sum >= 0; sum--) {
        for (int length = sum > width ? sum - width : 0; length <= width && length <= sum;
             length++) {
            struct bench_rule rule = bench_rule_any(generate->family);

            set_source(&rule, source, (uint8_t)length);
            set_target(&rule, target, (uint8_t)(sum - length));
            rule.action = sum % 2 ? FW_ALLOW : FW_DROP;
            r = bench_rules_append(rules, &rule);
            if (r < 0)
                break;
        }
    }
    return r;
}

/* Of 1, 2 and 256 prefixes. */
static int add_everything(const struct generate *generate, struct bench_rules *rules)
{
    static const uint8_t lengths[] = {0, 1, 8};

    rules->sets = calloc(3, sizeof(*rules->sets));
    if (!rules->sets)
        return -ENOMEM;
    for (rules->sets_count = 0; rules->sets_count < 3; rules->sets_count++) {
        struct bench_set *set = &rules->sets[rules->sets_count];
        uint8_t length = lengths[rules->sets_count];

        set->count = 1U << length;
        set->prefixes = calloc(set->count, sizeof(*set->prefixes));
        if (!set->prefixes)
            return -ENOMEM;
        for (uint32_t i = 0; i < set->count; i++)
            set->prefixes[i] = (struct bench_prefix){.address = {(uint8_t)(i << (8 - length))},
                .length = length,
                .family = generate->family};
    }
    return 0;
}

int generate_everything_set(const struct generate *generate, struct bench_rules *rules)
{
    int r = generate_like_seeds(generate, "acl", rules);

    if (r == 0)
        r = add_everything(generate, rules);
    for (uint32_t i = 0; r == 0 && i < rules->count; i++) {
        struct bench_rule *rule = &rules->rules[i];

        rule->source_set = (uint8_t)(i % 3);
        set_source(rule, rule->source, 0);
        if (i % 4 == 0) {
            rule->target_set = (uint8_t)(i / 4 % 3);
            set_target(rule, rule->target, 0);
        }
        if (i % 7 == 0) /* not in everything: never */
            rule->flags |= BENCH_NOT_SOURCE;
    }
    rules->is_full = true;
    return r;
}

int generate_priority_ends(const struct generate *generate, struct bench_rules *rules)
{
    int r = generate_like_seeds(generate, "acl", rules);
    uint32_t half = rules->count / 2;

    for (uint32_t i = 0; r == 0 && i < rules->count; i++) {
        struct bench_rule *rule = &rules->rules[i];

        rule->priority = i < half ? 0 : 0xffff;
        rule->object = i < half ? rules->count - half + i : i - half;
    }
    return r;
}

int generate_flags(const struct generate *generate, struct bench_rules *rules)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, generate->seed);
    for (uint32_t i = 0; r == 0 && i < generate->count; i++) {
        struct bench_rule rule = tcp_rule(generate->family);
        uint8_t address[16] = {0};

        draw_address(&prng, address, generate->family);
        if (draw_chance(&prng, 500))
            set_target(
                &rule, address, draw_length(generate->family, (uint8_t)draw_below(&prng, 25)));
        if (draw_chance(&prng, 250))
            draw_port_range(&prng, &rule.target_first, &rule.target_last);
        rule.tcp_flags_mask = (uint8_t)(1 + draw_below(&prng, 255));
        rule.tcp_flags = (uint8_t)(draw_below(&prng, 256) & rule.tcp_flags_mask);
        rule.action = draw_chance(&prng, 500) ? FW_ALLOW : FW_DROP;
        r = bench_rules_append(rules, &rule);
    }
    return r;
}
