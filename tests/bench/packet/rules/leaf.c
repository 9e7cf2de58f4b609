/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/leaf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_mask(__u64 mask[2], uint32_t length)
{
    uint8_t *bits = (uint8_t *)mask;

    for (uint32_t i = 0; i < length; i++)
        bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static void put_word(struct fw_rule *leaf, uint32_t shift, uint64_t value, uint64_t mask)
{
    leaf->word |= (value & mask) << shift;
    leaf->word_mask |= mask << shift;
}

static bool is_on_l4(const struct bench_rule *rule)
{
    return rule->source_first != 0 || rule->source_last != 0xffff || rule->target_first != 0 ||
           rule->target_last != 0xffff || rule->tcp_flags_mask != 0;
}

static void put_words(struct fw_rule *leaf, const struct bench_rule *rule)
{
    put_word(leaf, FW_WORD_PROTOCOL, rule->protocol, rule->protocol_mask);
    put_word(leaf, FW_WORD_TCP_FLAGS, rule->tcp_flags, rule->tcp_flags_mask);
    if (rule->dscp != BENCH_ANY)
        put_word(leaf, FW_WORD_DSCP, rule->dscp, 0x3f);
    if (rule->fragment)
        put_word(leaf, FW_WORD_FRAGMENT, rule->fragment, 3);
    if (rule->to)
        put_word(leaf, FW_WORD_SELF, rule->to == 1, 1);
    if (rule->device_class)
        put_word(leaf, FW_WORD_CLASS, rule->device_class, 3);
    if (is_on_l4(rule))
        put_word(leaf, FW_WORD_L4, 1, 1);
    if (rule->vlan != BENCH_VLAN_ANY)
        put_word(leaf, FW_WORD_VLAN, rule->vlan, 0xfff);
}

static uint8_t set_of(uint8_t set, bool is_not)
{
    return set == BENCH_ANY ? 0 : (uint8_t)(FW_SET_PRESENT | (is_not ? FW_SET_NEGATE : 0) | set);
}

void leaf_of_rule(const struct bench_rule *rule, uint32_t index, struct fw_rule *ret_leaf)
{
    bool not_source = rule->flags & BENCH_NOT_SOURCE, not_target = rule->flags & BENCH_NOT_TARGET;
    uint32_t flags = rule->flags & BENCH_SHADOW ? FW_RULE_SHADOW : 0;

    memset(ret_leaf, 0, sizeof(*ret_leaf));
    memcpy(ret_leaf->source, rule->source, sizeof(rule->source));
    memcpy(ret_leaf->target, rule->target, sizeof(rule->target));
    put_mask(ret_leaf->source_mask, rule->source_length);
    put_mask(ret_leaf->target_mask, rule->target_length);
    put_words(ret_leaf, rule);
    ret_leaf->ports =
        FW_PORTS(rule->source_first, rule->source_last, rule->target_first, rule->target_last);
    ret_leaf->globs = rule->glob == BENCH_ANY ? 0 : 1ULL << rule->glob;
    ret_leaf->source_set = set_of(rule->source_set, not_source);
    ret_leaf->target_set = set_of(rule->target_set, not_target);
    if (not_source && rule->source_set == BENCH_ANY)
        flags |= FW_RULE_NOT_SOURCE;
    if (not_target && rule->target_set == BENCH_ANY)
        flags |= FW_RULE_NOT_TARGET;
    ret_leaf->id = FW_ID(index, 0, 0, rule->action, flags);
}

int leaves_of_rules(const struct bench_rules *rules, uint8_t family, uint8_t forest,
    struct fw_rule **ret_leaves, uint32_t *ret_count)
{
    struct fw_rule *leaves = calloc((size_t)rules->count + 1, sizeof(*leaves));
    uint32_t count = 0, order = 0, place = 0;

    if (!leaves)
        return -ENOMEM;
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct bench_rule *rule = &rules->rules[i];
        bool is_observed = rule->action == FW_LOG || (rule->flags & BENCH_SHADOW);

        if (rule->family != family)
            continue;
        if (is_observed == (forest == FW_OBSERVE)) {
            leaf_of_rule(rule, i, &leaves[count]);
            leaves[count++].id |= (uint64_t)order << 32 | (uint64_t)place << 22;
        }
        order += !is_observed;
        place += is_observed && forest == FW_OBSERVE;
    }
    *ret_leaves = leaves;
    *ret_count = count;
    return 0;
}
