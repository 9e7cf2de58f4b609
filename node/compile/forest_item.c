/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest_item.h"

#include <string.h>

static uint64_t number_of(const __u64 *word)
{
    const uint8_t *at = (const uint8_t *)word;
    uint64_t number = 0;

    for (int i = 0; i < 8; i++)
        number = number << 8 | at[i];
    return number;
}

static void put_addresses(
    const struct fw_rule *rule, enum fw_family family, struct forest_item *item)
{
    bool has_source = !(FW_ID_FLAGS(rule->id) & FW_RULE_NOT_SOURCE);
    bool has_target = !(FW_ID_FLAGS(rule->id) & FW_RULE_NOT_TARGET);

    for (uint32_t half = 0; half < (family == FW_IPV4 ? 1U : 2U); half++) {
        uint64_t source = has_source ? number_of(&rule->source_mask[half]) : 0;
        uint64_t target = has_target ? number_of(&rule->target_mask[half]) : 0;

        if (family == FW_IPV4) {
            item->mask[0] = source | target >> 32;
            item->value[0] = number_of(&rule->source[0]) | number_of(&rule->target[0]) >> 32;
            continue;
        }
        item->mask[half] = source;
        item->value[half] = number_of(&rule->source[half]);
        item->mask[2 + half] = target;
        item->value[2 + half] = number_of(&rule->target[half]);
    }
}

static void put_set(uint8_t set, uint64_t *value, uint64_t *mask)
{
    if (!(set & FW_SET_PRESENT))
        return;
    *mask = 1ULL << (set & FW_SET_INDEX);
    *value = set & FW_SET_NEGATE ? 0 : *mask;
}

void forest_item_of(const struct fw_rule *rule, enum fw_family family, struct forest_item *ret_item)
{
    struct forest_item *item = ret_item;
    uint32_t flags = FW_ID_FLAGS(rule->id);
    bool inverts = flags & (FW_RULE_NOT_SOURCE | FW_RULE_NOT_TARGET);

    memset(item, 0, sizeof(*item));
    put_addresses(rule, family, item);
    item->mask[FW_CUT_PORTS] = rule->word_mask & 0xffffffff;
    item->value[FW_CUT_PORTS] = rule->word & 0xffffffff;
    item->mask[FW_CUT_VLAN] = rule->word_mask >> 32;
    item->value[FW_CUT_VLAN] = rule->word >> 32;
    put_set(rule->source_set, &item->value[FW_CUT_SOURCE_SETS], &item->mask[FW_CUT_SOURCE_SETS]);
    put_set(rule->target_set, &item->value[FW_CUT_TARGET_SETS], &item->mask[FW_CUT_TARGET_SETS]);
    for (uint32_t i = 0; i < FW_CUTS; i++)
        item->value[i] &= item->mask[i];
    item->ports[ITEM_SOURCE_PORT] =
        (struct forest_range){(uint16_t)rule->ports, (uint16_t)(rule->ports >> 16)};
    item->ports[ITEM_TARGET_PORT] =
        (struct forest_range){(uint16_t)(rule->ports >> 32), (uint16_t)(rule->ports >> 48)};
    item->order = FW_ID_ORDER(rule->id);
    item->is_exact = !inverts && !rule->globs && !rule->states && !rule->limit;
    item->is_full =
        !item->is_exact || rule->source_set || rule->target_set || item->mask[FW_CUT_VLAN] != 0;
}

void forest_item_short(
    const struct forest_item *item, uint64_t id, enum fw_family family, uint64_t *ret_words)
{
    uint64_t ports = FW_PORTS(
        item->ports[0].first, item->ports[0].last, item->ports[1].first, item->ports[1].last);
    uint32_t word = (uint32_t)item->value[FW_CUT_PORTS], mask = (uint32_t)item->mask[FW_CUT_PORTS];

    if (family == FW_IPV4) {
        struct fw_rule4 rule = {item->value[0], item->mask[0], word, mask, ports, id};

        memcpy(ret_words, &rule, sizeof(rule));
    } else {
        struct fw_rule6 rule = {{item->value[0], item->value[1]}, {item->mask[0], item->mask[1]},
            {item->value[2], item->value[3]}, {item->mask[2], item->mask[3]}, word, mask, ports,
            id};

        memcpy(ret_words, &rule, sizeof(rule));
    }
}
