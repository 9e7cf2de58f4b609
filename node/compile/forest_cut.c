/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest_cut.h"

#include <string.h>

#define SAMPLE 2048 /* rules that a choice looks at */
#define BUSY_SAMPLE 48
#define BITS_MOST 8
#define BITS_MOST_LARGE 12
#define LARGE 4096 /* rules from which on a node may have that many */

/* Bits of one word that are cut together. */
struct field {
    uint8_t word, low, width;
    uint8_t port; /* ITEM_PORTS: values and masks */
};

static const struct field fields4[] = {
    {0, 32, 32, ITEM_PORTS},
    {0, 0, 32, ITEM_PORTS},
};
static const struct field fields6[] = {
    {0, 0, 64, ITEM_PORTS},
    {1, 0, 64, ITEM_PORTS},
    {2, 0, 64, ITEM_PORTS},
    {3, 0, 64, ITEM_PORTS},
};
static const struct field fields_both[] = {
    {FW_CUT_PORTS, 48, 16, ITEM_SOURCE_PORT},
    {FW_CUT_PORTS, 32, 16, ITEM_TARGET_PORT},
    {FW_CUT_PORTS, FW_WORD_PROTOCOL, 8, ITEM_PORTS},
    {FW_CUT_PORTS, FW_WORD_TCP_FLAGS, 8, ITEM_PORTS},
    {FW_CUT_PORTS, FW_WORD_DSCP, 16, ITEM_PORTS},
    {FW_CUT_SOURCE_SETS, 0, 64, ITEM_PORTS},
    {FW_CUT_TARGET_SETS, 0, 64, ITEM_PORTS},
    {FW_CUT_VLAN, 0, 12, ITEM_PORTS},
};
#define FIELDS_BOTH (sizeof(fields_both) / sizeof(fields_both[0]))

/* By word: what the rules of a node ask for. */
struct asked {
    uint64_t all[FW_CUTS], any[FW_CUTS], ones[FW_CUTS], zeros[FW_CUTS];
    uint32_t port_first[ITEM_PORTS], port_last[ITEM_PORTS];
};

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint64_t ones_of(uint32_t bits)
{
    return bits >= 64 ? ~0ULL : (1ULL << bits) - 1;
}

static void ask(const struct forest_item *items, const uint32_t *rules, uint32_t count,
    const struct forest_region *region, struct asked *ret_asked)
{
    memset(ret_asked, 0, sizeof(*ret_asked));
    memset(ret_asked->all, 0xff, sizeof(ret_asked->all));
    ret_asked->port_first[0] = ret_asked->port_first[1] = 0xffff;
    for (uint32_t i = 0; i < count; i++) {
        const struct forest_item *item = &items[rules[i]];

        for (uint32_t word = 0; word < FW_CUTS; word++) {
            ret_asked->all[word] &= item->mask[word];
            ret_asked->any[word] |= item->mask[word];
            ret_asked->ones[word] |= item->value[word];
            ret_asked->zeros[word] |= item->mask[word] & ~item->value[word];
        }
        for (uint32_t port = 0; port < ITEM_PORTS; port++) {
            uint32_t first = most(item->ports[port].first, region->ports[port].first);
            uint32_t last = least(item->ports[port].last, region->ports[port].last);

            ret_asked->port_first[port] = least(ret_asked->port_first[port], first);
            ret_asked->port_last[port] = most(ret_asked->port_last[port], last);
        }
    }
}

/* The highest bit of a field at which rules differ; -1: none. Bits above it say nothing. */
static int top_bit(
    const struct field *field, const struct asked *asked, const struct forest_region *region)
{
    uint32_t word = field->word;
    uint64_t useful;

    if (field->port < ITEM_PORTS)
        useful = asked->port_first[field->port] ^ asked->port_last[field->port];
    else
        useful =
            (asked->any[word] & (~asked->all[word] | (asked->ones[word] & asked->zeros[word])) &
                ~region->mask[word]) >>
                field->low &
            ones_of(field->width);
    return useful ? 63 - __builtin_clzll(useful) : -1;
}

/* In IPv6, a bit further down at which rules differ by halves rather than one by one; -1: none. */
static int busy_bit(const struct field *field, const struct forest_item *items,
    const uint32_t *rules, uint32_t count, const struct forest_region *region, int top)
{
    uint32_t step = count / BUSY_SAMPLE + 1, ones[64] = {0}, zeros[64] = {0}, looked_at = 0;

    if (field->port < ITEM_PORTS || count < BUSY_SAMPLE || field->width < 64)
        return -1;
    for (uint32_t i = 0; i < count; i += step, looked_at++) {
        uint64_t mask = items[rules[i]].mask[field->word] >> field->low;
        uint64_t value = items[rules[i]].value[field->word] >> field->low;

        for (int bit = top; bit >= 0; bit--) {
            ones[bit] += (uint32_t)(value >> bit & 1);
            zeros[bit] += (uint32_t)((mask & ~value) >> bit & 1);
        }
    }
    for (int bit = top - 1; bit >= 0; bit--) {
        bool is_known = region->mask[field->word] >> (field->low + (uint32_t)bit) & 1;

        if (!is_known && ones[bit] > looked_at / 6 && zeros[bit] > looked_at / 6)
            return bit;
    }
    return -1;
}

static void reach_ports(const struct forest_cut *cut, const struct forest_item *item,
    const struct forest_region *region, struct forest_reach *reach)
{
    const struct forest_range *range = &item->ports[cut->port], *all = &region->ports[cut->port];
    uint32_t low = cut->shift - (cut->port == ITEM_SOURCE_PORT ? 48U : 32U);

    reach->first = (most(range->first, all->first) - cut->base) >> low;
    reach->last = (least(range->last, all->last) - cut->base) >> low;
    reach->value = reach->mask = 0;
    reach->count = reach->last - reach->first + 1;
}

void forest_cut_reach(const struct forest_cut *cut, const struct forest_item *item,
    const struct forest_region *region, struct forest_reach *ret_reach)
{
    uint32_t all = (1U << cut->bits) - 1;

    if (cut->port < ITEM_PORTS) {
        reach_ports(cut, item, region, ret_reach);
        return;
    }
    ret_reach->mask = (uint32_t)(item->mask[cut->word] >> cut->shift) & all;
    ret_reach->value = (uint32_t)(item->value[cut->word] >> cut->shift) & all;
    ret_reach->first = ret_reach->value;
    ret_reach->last = ret_reach->value | (all & ~ret_reach->mask);
    ret_reach->count = 1U << __builtin_popcount(all & ~ret_reach->mask);
}

void forest_cut_region(const struct forest_cut *cut, const struct forest_region *region,
    uint32_t child, struct forest_region *ret_region)
{
    uint64_t mask = ones_of(cut->bits) << cut->shift;

    *ret_region = *region;
    if (cut->port < ITEM_PORTS) {
        uint32_t low = cut->shift - (cut->port == ITEM_SOURCE_PORT ? 48U : 32U);
        uint32_t first = cut->base + (child << low);
        struct forest_range *range = &ret_region->ports[cut->port];

        range->last = (uint16_t)least(range->last, first + (1U << low) - 1);
        range->first = (uint16_t)most(range->first, first);
        return;
    }
    ret_region->mask[cut->word] |= mask;
    ret_region->value[cut->word] = (ret_region->value[cut->word] & ~mask) | (uint64_t)child
                                                                                << cut->shift;
}

/* ---- the choice */

struct trial {
    uint32_t sizes[1U << BITS_MOST_LARGE];
    uint64_t
        spans[BITS_MOST_LARGE + 1]; /* rules by the logarithm of how many children they reach */
    uint64_t reached[BITS_MOST_LARGE + 1];
};

static uint32_t log_of(uint32_t count)
{
    return count <= 1 ? 0 : 32U - (uint32_t)__builtin_clz(count - 1);
}

/* The widest reach that the budget pays for. Returns how many rules reach further. */
static uint64_t afford(const struct trial *trial, const struct forest_cut *cut, uint32_t count,
    const struct forest_budget *budget, uint32_t *ret_span_most)
{
    double left = budget->copies_a_rule * count - (double)(1U << cut->bits) / 8;
    uint64_t ejected = 0;
    uint32_t level = 0;

    for (; level <= cut->bits; level++) {
        left -= (double)trial->reached[level];
        if (left < 0)
            break;
    }
    *ret_span_most = level ? 1U << (level - 1) : 0;
    for (; level <= cut->bits; level++)
        ejected += trial->spans[level];
    return ejected;
}

static void spread(const struct forest_cut *cut, const struct forest_item *item,
    const struct forest_region *region, struct trial *trial)
{
    struct forest_reach reach;

    forest_cut_reach(cut, item, region, &reach);
    if (reach.count > cut->span_most)
        return;
    for (uint32_t child = reach.first; child <= reach.last; child++)
        trial->sizes[child] += ((child ^ reach.value) & reach.mask) == 0;
}

/* What a packet still has to look at: the child of a rule's packet, the largest child, and what
 * goes to the next tree. Less is better. */
static double weigh(struct trial *trial, struct forest_cut *cut, const struct forest_item *items,
    const uint32_t *rules, uint32_t count, uint32_t step, const struct forest_region *region,
    const struct forest_budget *budget)
{
    uint32_t children = 1U << cut->bits, largest = 0, looked_at = 0;
    double squares = 0, sum = 0;
    struct forest_reach reach;
    uint64_t ejected;

    memset(trial, 0, sizeof(*trial));
    for (uint32_t i = 0; i < count; i += step, looked_at++) {
        forest_cut_reach(cut, &items[rules[i]], region, &reach);
        trial->spans[log_of(reach.count)]++;
        trial->reached[log_of(reach.count)] += reach.count;
    }
    ejected = afford(trial, cut, looked_at, budget, &cut->span_most);
    if (cut->span_most == 0 || (ejected && !budget->may_eject))
        return 1e18;
    for (uint32_t i = 0; i < count; i += step)
        spread(cut, &items[rules[i]], region, trial);
    for (uint32_t child = 0; child < children; child++) {
        squares += (double)trial->sizes[child] * trial->sizes[child];
        sum += trial->sizes[child];
        largest = most(largest, trial->sizes[child]);
    }
    if (sum == 0)
        return 1e18;
    return (0.6 * squares / sum + 0.4 * largest + budget->ejected_weight * (double)ejected) * step;
}

/* What a choice is made of. */
struct node {
    const struct forest_item *items;
    const uint32_t *rules;
    uint32_t count;
    const struct forest_region *region;
    const struct forest_budget *budget;
    struct asked asked;
};

/* Cuts of every width whose highest bit is `top`. */
static void try_widths(const struct node *node, const struct field *field, int top, double *best,
    struct forest_cut *ret_cut)
{
    static const uint8_t widths[] = {1, 2, 3, 4, 5, 6, 8, 10, 12};
    static _Thread_local struct trial trial;
    uint32_t step = node->count / SAMPLE + 1;
    uint32_t bits_most = node->count >= LARGE ? BITS_MOST_LARGE : BITS_MOST;

    for (uint32_t i = 0; i < sizeof(widths) && top >= 0; i++) {
        struct forest_cut cut = {.word = field->word, .bits = widths[i], .port = field->port};
        double weight;

        if (widths[i] > bits_most || (int)widths[i] > top + 1 ||
            (1U << widths[i]) > 4 * node->count)
            break;
        cut.shift = (uint8_t)(field->low + (uint32_t)top + 1 - widths[i]);
        if (field->port < ITEM_PORTS)
            cut.base = node->asked.port_first[field->port] & ~((2U << top) - 1);
        weight = weigh(
            &trial, &cut, node->items, node->rules, node->count, step, node->region, node->budget);
        if (weight < *best) {
            *best = weight;
            *ret_cut = cut;
        }
    }
}

static void try_field(
    const struct node *node, const struct field *field, double *best, struct forest_cut *ret_cut)
{
    int top = top_bit(field, &node->asked, node->region);

    try_widths(node, field, top, best, ret_cut);
    if (top > 0)
        try_widths(node, field,
            busy_bit(field, node->items, node->rules, node->count, node->region, top), best,
            ret_cut);
}

bool forest_cut_choose(const struct forest_item *items, const uint32_t *rules, uint32_t count,
    const struct forest_region *region, const struct forest_budget *budget,
    struct forest_cut *ret_cut)
{
    struct node node = {
        .items = items, .rules = rules, .count = count, .region = region, .budget = budget};
    double best = 0.9 * count, before = best;
    bool is_v6;

    ask(items, rules, count, region, &node.asked);
    /* Only IPv6 asks for these words. */
    is_v6 = (node.asked.any[1] | node.asked.any[2] | node.asked.any[3]) != 0;
    for (uint32_t i = 0; i < (is_v6 ? 4U : 2U); i++)
        try_field(&node, is_v6 ? &fields6[i] : &fields4[i], &best, ret_cut);
    for (uint32_t i = 0; i < FIELDS_BOTH; i++)
        try_field(&node, &fields_both[i], &best, ret_cut);
    return best < before;
}
