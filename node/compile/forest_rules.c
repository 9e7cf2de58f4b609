/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Small fields: protocol, TCP flags, the rest of the lower half; VLAN. */
#define FIELDS_OF_WORD                                                                      \
    {FOREST_RANGE, FW_CUT_PORTS, 1, 0, 16, 32}, {FOREST_RANGE, FW_CUT_PORTS, 0, 0, 16, 48}, \
        {FOREST_BITS, FW_CUT_PORTS, FOREST_SLOT_WORD, FW_WORD_PROTOCOL, 8, 0},              \
        {FOREST_BITS, FW_CUT_PORTS, FOREST_SLOT_WORD, FW_WORD_TCP_FLAGS, 8, 8},             \
        {FOREST_BITS, FW_CUT_PORTS, FOREST_SLOT_WORD, FW_WORD_DSCP, 6, 16},                 \
        {FOREST_BITS, FW_CUT_PORTS, FOREST_SLOT_WORD, FW_WORD_FRAGMENT, 6, 22},             \
        {FOREST_BITS, FW_CUT_VLAN, FOREST_SLOT_WORD, FW_WORD_VLAN, 12, 0},                  \
        {FOREST_SET, FW_CUT_SOURCE_SETS, 0, 0, 64, 0},                                      \
    {                                                                                       \
        FOREST_SET, FW_CUT_TARGET_SETS, 1, 0, 64, 0                                         \
    }

static const struct forest_field fields4[] = {
    {FOREST_BITS, 0, FOREST_SLOT_ADDRESS, 32, 32, 32},
    {FOREST_BITS, 0, FOREST_SLOT_ADDRESS, 0, 32, 0},
    FIELDS_OF_WORD,
};

static const struct forest_field fields6[] = {
    {FOREST_BITS, 0, FOREST_SLOT_ADDRESS, 0, 64, 0},
    {FOREST_BITS, 1, FOREST_SLOT_ADDRESS + 1, 0, 64, 0},
    {FOREST_BITS, 2, FOREST_SLOT_ADDRESS + 2, 0, 64, 0},
    {FOREST_BITS, 3, FOREST_SLOT_ADDRESS + 3, 0, 64, 0},
    FIELDS_OF_WORD,
};

#define COUNT_OF(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

const struct forest_field *forest_fields(enum fw_family family, uint32_t *ret_count)
{
    *ret_count = family == FW_IPV4 ? COUNT_OF(fields4) : COUNT_OF(fields6);
    return family == FW_IPV4 ? fields4 : fields6;
}

static struct forest_bits bits_of(uint64_t value, uint64_t mask)
{
    return (struct forest_bits){value & mask, mask};
}

static void take_addresses4(const struct fw_rule *full, uint32_t flags, struct forest_rule *rule)
{
    uint64_t source = flags & FW_RULE_NOT_SOURCE ? 0 : be64toh(full->source_mask[0]);
    uint64_t target = flags & FW_RULE_NOT_TARGET ? 0 : be64toh(full->target_mask[0]);

    rule->bits[FOREST_SLOT_ADDRESS] =
        bits_of((be64toh(full->source[0]) & ~0xffffffffULL) | be64toh(full->target[0]) >> 32,
            (source & ~0xffffffffULL) | target >> 32);
}

static void take_addresses6(const struct fw_rule *full, uint32_t flags, struct forest_rule *rule)
{
    struct forest_bits *bits = &rule->bits[FOREST_SLOT_ADDRESS];

    for (int i = 0; i < 2; i++) {
        uint64_t source = flags & FW_RULE_NOT_SOURCE ? 0 : be64toh(full->source_mask[i]);
        uint64_t target = flags & FW_RULE_NOT_TARGET ? 0 : be64toh(full->target_mask[i]);

        bits[i] = bits_of(be64toh(full->source[i]), source);
        bits[2 + i] = bits_of(be64toh(full->target[i]), target);
    }
}

void forest_rule_make(
    const struct fw_rule *full, enum fw_family family, struct forest_rule *ret_rule)
{
    uint32_t flags = FW_ID_FLAGS(full->id);
    bool is_beyond = (flags & (FW_RULE_NOT_SOURCE | FW_RULE_NOT_TARGET)) || full->globs ||
                     full->states || full->limit;
    struct forest_rule rule = {
        .ports = full->ports,
        .order = FW_ID_ORDER(full->id),
        .source_set = full->source_set & FW_SET_PRESENT ? full->source_set : 0,
        .target_set = full->target_set & FW_SET_PRESENT ? full->target_set : 0,
        .hides = !is_beyond && !(flags & FW_RULE_SHADOW) && FW_ID_ACTION(full->id) != FW_LOG,
    };

    rule.is_full = is_beyond || rule.source_set || rule.target_set || full->word_mask >> 32;
    rule.bits[FOREST_SLOT_WORD] = bits_of(full->word, full->word_mask);
    if (family == FW_IPV4)
        take_addresses4(full, flags, &rule);
    else
        take_addresses6(full, flags, &rule);
    *ret_rule = rule;
}

/* ---- who hides whom */

static bool bits_cover(const struct forest_bits *a, const struct forest_bits *b, uint64_t known)
{
    uint64_t asked = a->mask & ~known;

    return !(asked & ~b->mask) && !((a->value ^ b->value) & asked);
}

static bool ports_cover(uint64_t a, uint64_t b, const struct forest_region *region)
{
    for (int side = 0; side < 2; side++) {
        uint32_t first = (uint32_t)(b >> (32 * side)) & 0xffff;
        uint32_t last = (uint32_t)(b >> (32 * side + 16)) & 0xffff;

        if (first < region->port_first[side])
            first = region->port_first[side];
        if (last > region->port_last[side])
            last = region->port_last[side];
        if (((a >> (32 * side)) & 0xffff) > first || ((a >> (32 * side + 16)) & 0xffff) < last)
            return false;
    }
    return true;
}

static bool set_covers(uint8_t a, uint8_t b, uint64_t known)
{
    return a == 0 || a == b || (known >> (a & FW_SET_INDEX) & 1);
}

bool forest_rule_covers(const struct forest_rule *a, const struct forest_rule *b,
    const struct forest_region *region)
{
    if (!a->hides)
        return false;
    for (int i = 0; i < FOREST_SLOTS; i++)
        if (!bits_cover(&a->bits[i], &b->bits[i], region->known[i]))
            return false;
    return ports_cover(a->ports, b->ports, region) &&
           set_covers(a->source_set, b->source_set, region->known_sets[0]) &&
           set_covers(a->target_set, b->target_set, region->known_sets[1]);
}

/* ---- equal rules */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
    return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct forest_rule *rule)
{
    uint64_t hash = mix(rule->ports, (uint64_t)rule->source_set << 8 | rule->target_set);

    for (int i = 0; i < FOREST_SLOTS; i++)
        hash = mix(mix(hash, rule->bits[i].value), rule->bits[i].mask);
    return hash ^ hash >> 32;
}

static bool is_equal(const struct forest_rule *a, const struct forest_rule *b)
{
    return a->hides && a->ports == b->ports && a->source_set == b->source_set &&
           a->target_set == b->target_set && memcmp(a->bits, b->bits, sizeof(a->bits)) == 0;
}

static void mark_hides(struct forest_builder *builder, uint32_t rule)
{
    uint32_t order = builder->rules[rule].order;

    if (builder->has_hidden)
        builder->has_hidden[order / 64] |= 1ULL << (order & 63);
}

int forest_drop_equal(struct forest_builder *builder, uint32_t *list, uint32_t *count)
{
    size_t room = 16;
    uint32_t *table, kept = 0;

    while (room < 2ULL * *count)
        room *= 2;
    table = calloc(room, sizeof(*table)); /* index + 1 */
    if (!table)
        return -ENOMEM;
    for (uint32_t i = 0; i < *count; i++) {
        const struct forest_rule *rule = &builder->rules[list[i]];
        size_t at = hash_of(rule) & (room - 1);

        while (table[at] && !is_equal(&builder->rules[table[at] - 1], rule))
            at = (at + 1) & (room - 1);
        if (table[at]) {
            mark_hides(builder, table[at] - 1);
            continue;
        }
        if (rule->hides)
            table[at] = list[i] + 1;
        list[kept++] = list[i];
    }
    *count = kept;
    free(table);
    return 0;
}
