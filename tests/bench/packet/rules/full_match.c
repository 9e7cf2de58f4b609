/* SPDX-License-Identifier: Apache-2.0 */
/* full_match.c - rules like IP chains, on which every other field of a match was laid by chance.
 */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/draw.h"
#include "tests/bench/packet/rules/generators.h"
#include "tests/bench/packet/rules/prefixes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_ICMPV6 58

#define SET_BUSY 0 /* a blocklist */
#define SET_FEW 1
#define SET_ALL 2
#define SET_EMPTY 3
#define SETS 4

static bool asks_l4(const struct bench_rule *rule)
{
    return rule->source_first > 0 || rule->source_last < 0xffff || rule->target_first > 0 ||
           rule->target_last < 0xffff || rule->tcp_flags_mask;
}

static void lay_on_transport(struct prng *prng, struct bench_rule *rule)
{
    bool is_icmp = rule->protocol_mask &&
                   (rule->protocol == PROTOCOL_ICMP || rule->protocol == PROTOCOL_ICMPV6);

    if (is_icmp && draw_chance(prng, 600)) {
        rule->source_first = rule->source_last = (uint16_t)draw_below(prng, 256);
        if (draw_chance(prng, 300))
            rule->target_first = rule->target_last = (uint16_t)draw_below(prng, 4);
    }
    if (rule->protocol_mask && rule->protocol == PROTOCOL_TCP && draw_chance(prng, 250)) {
        rule->tcp_flags_mask = (uint8_t)(1 + draw_below(prng, 0x3f));
        rule->tcp_flags = (uint8_t)(draw_below(prng, 0x40) & rule->tcp_flags_mask);
    }
}

static void lay_on_packet(struct prng *prng, struct bench_rule *rule)
{
    static const uint16_t vlans[] = {0, 1, 10, 100, 4094};
    static const uint8_t dscps[] = {0, 10, 46, 63};

    if (draw_chance(prng, 200))
        rule->vlan = vlans[draw_below(prng, 5)];
    if (draw_chance(prng, 150))
        rule->dscp = dscps[draw_below(prng, 4)];
    if (draw_chance(prng, 100))
        rule->fragment = (uint8_t)(1 + draw_below(prng, asks_l4(rule) ? 2 : 3));
    if (draw_chance(prng, 150))
        rule->glob = (uint8_t)draw_below(prng, BENCH_DEVICES);
    if (draw_chance(prng, 150))
        rule->device_class = (uint8_t)(1 + draw_below(prng, 3));
}

static void clear_target(struct bench_rule *rule)
{
    memset(rule->target, 0, sizeof(rule->target));
    rule->target_length = 0;
}

/* What stands beside "not this one" or a set of everything must be narrow, or the rule would decide
 * for all that come behind it. */
static bool is_narrow(uint8_t family, uint8_t length, uint8_t set)
{
    return length >= draw_length(family, 20) || set == SET_BUSY || set == SET_FEW;
}

static void negate(struct prng *prng, struct bench_rule *rule)
{
    bool source = is_narrow(rule->family, rule->source_length, rule->source_set);
    bool target = is_narrow(rule->family, rule->target_length, rule->target_set);

    if (target && (rule->source_length || rule->source_set != BENCH_ANY) && draw_chance(prng, 150))
        rule->flags |= BENCH_NOT_SOURCE;
    else if (source && (rule->target_length || rule->target_set != BENCH_ANY) &&
             draw_chance(prng, 150))
        rule->flags |= BENCH_NOT_TARGET;
}

static uint8_t draw_set(struct prng *prng, bool is_beside_narrow)
{
    uint8_t set = (uint8_t)draw_below(prng, SETS);

    return set == SET_ALL && !is_beside_narrow ? SET_FEW : set;
}

static void lay_on_addresses(struct prng *prng, struct bench_rule *rule)
{
    if (draw_chance(prng, 200)) {
        rule->source_set = draw_set(prng, is_narrow(rule->family, rule->target_length, BENCH_ANY));
        memset(rule->source, 0, sizeof(rule->source));
        rule->source_length = 0;
    }
    if (draw_chance(prng, 100)) {
        rule->target_set =
            draw_set(prng, is_narrow(rule->family, rule->source_length, rule->source_set));
        clear_target(rule);
    }
    if (draw_chance(prng, 200)) {
        rule->to = (uint8_t)(1 + draw_below(prng, 2));
        if (rule->to == 1 && rule->target_set == BENCH_ANY)
            clear_target(rule);
    }
    negate(prng, rule);
}

static void lay_on(struct prng *prng, struct bench_rule *rule)
{
    lay_on_transport(prng, rule);
    lay_on_packet(prng, rule);
    lay_on_addresses(prng, rule);
    if (draw_chance(prng, 80))
        rule->action = FW_LOG;
    else if (draw_chance(prng, 80))
        rule->flags |= BENCH_SHADOW;
}

static int fill_set(const struct generate *generate, uint32_t which, struct bench_set *set)
{
    struct bench_prefixes prefixes = {0};
    struct bench_prefix half = {.length = 1, .family = generate->family};
    uint32_t count = generate->count < 2000 ? generate->count : 2000;
    int r = 0;

    if (which == SET_BUSY)
        r = prefixes_generate(
            PREFIXES_BLOCKLIST, generate->family, count + 16, generate->seed + 1, &prefixes);
    else if (which == SET_FEW)
        r = prefixes_generate(PREFIXES_RANDOM, generate->family, 64, generate->seed + 2, &prefixes);
    for (uint32_t i = 0; r == 0 && which == SET_ALL && i < 2; i++) {
        half.address[0] = (uint8_t)(i << 7);
        r = prefixes_append(&prefixes, &half);
    }
    set->prefixes = prefixes.prefixes;
    set->count = prefixes.count;
    return r;
}

int generate_full(const struct generate *generate, struct bench_rules *rules)
{
    struct prng prng;
    int r = generate_like_seeds(generate, "ipc", rules);

    if (r < 0)
        return r;
    rules->is_full = true;
    rules->sets = calloc(SETS, sizeof(*rules->sets));
    if (!rules->sets)
        return -ENOMEM;
    for (rules->sets_count = 0; r == 0 && rules->sets_count < SETS; rules->sets_count++)
        r = fill_set(generate, rules->sets_count, &rules->sets[rules->sets_count]);
    prng_seed(&prng, generate->seed ^ 0xf011);
    for (uint32_t i = 0; i < rules->count; i++)
        lay_on(&prng, &rules->rules[i]);
    return r;
}
