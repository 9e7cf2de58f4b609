/* SPDX-License-Identifier: Apache-2.0 */
/* like_seeds.c - a rule set of a flavour: addresses from two grown pools, services by their shares,
 * more or less from the narrow to the wide, a few that catch all at the end. */
#include "base/check.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/draw.h"
#include "tests/bench/packet/rules/flavour.h"
#include "tests/bench/packet/rules/generators.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 64 /* from the pools, before both addresses are fresh */

/* Prefixes in use on one side, by group of lengths. */
struct pool {
    uint8_t (*addresses)[16];
    uint8_t *lengths;
    uint32_t first[SPAN_COUNT + 1];
    uint8_t power;
};

/* Rules seen so far, by a hash of 64 bits. */
struct seen {
    uint64_t *slots;
    uint32_t mask;
};

struct draft {
    struct bench_rule rule;
    uint64_t order; /* all differ */
};

struct sketch {
    const struct flavour *flavour;
    struct prng prng;
    uint8_t family;
    struct pool pools[2];
    struct seen seen;
    struct draft *drafts;
    uint32_t count;
};

/* ---- addresses */

/* How many bits (of IPv4) neighbours share. */
static uint8_t draw_shared(struct prng *prng)
{
    static const uint8_t shared[] = {6, 8, 12, 16, 20, 22, 24, 26, 28, 30};
    static const uint16_t weights[] = {2, 6, 6, 14, 12, 12, 20, 10, 12, 6};

    return shared[draw_weighted(prng, weights, 10)];
}

/* Hosts of IPv6 subnets are counted, or look like chance. */
static void shape_host(struct prng *prng, uint8_t *address, uint8_t family)
{
    if (family == FW_IPV6 && draw_chance(prng, 500))
        memset(address + 8, 0, 6);
}

/* Shares of the groups on one side. */
static void weigh_spans(const struct flavour *flavour, uint32_t side, uint16_t weights[SPAN_COUNT])
{
    memset(weights, 0, SPAN_COUNT * sizeof(*weights));
    for (uint32_t i = 0; i < FLAVOUR_PAIRS_MAX; i++) {
        const struct flavour_pair *pair = &flavour->pairs[i];
        uint32_t span = side ? pair->target : pair->source;

        /* Everything and areas are nobody's: they are drawn fresh each time. */
        if (span > SPAN_AREA)
            weights[span] = (uint16_t)(weights[span] + pair->weight);
    }
}

/* How many prefixes each group gets: of one that is used, at least one. */
static void share_out(struct pool *pool, const uint16_t weights[SPAN_COUNT], uint32_t count)
{
    uint32_t all = 0;

    for (uint32_t i = 0; i < SPAN_COUNT; i++)
        all += weights[i];
    for (uint32_t i = 0; i < SPAN_COUNT; i++) {
        uint32_t share = (uint32_t)((uint64_t)count * weights[i] / all);

        pool->first[i + 1] = pool->first[i] + (weights[i] && share == 0 ? 1 : share);
    }
}

/* Each address but a few is a neighbour of one before it. */
static void draw_addresses(struct sketch *sketch, struct pool *pool)
{
    struct prng *prng = &sketch->prng;
    uint32_t count = pool->first[SPAN_COUNT];

    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || draw_chance(prng, 60)) {
            draw_address(prng, pool->addresses[i], sketch->family);
        } else {
            memcpy(pool->addresses[i], pool->addresses[draw_below(prng, i)], 16);
            draw_bits(prng, pool->addresses[i], sketch->family,
                draw_length(sketch->family, draw_shared(prng)));
        }
        shape_host(prng, pool->addresses[i], sketch->family);
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = draw_below(prng, i);
        uint8_t kept[16];

        memcpy(kept, pool->addresses[j], 16);
        memcpy(pool->addresses[j], pool->addresses[i - 1], 16);
        memcpy(pool->addresses[i - 1], kept, 16);
    }
}

/* Most sites and nets hold no other one. */
static void draw_lengths(struct sketch *sketch, struct pool *pool, enum span span)
{
    struct prng *prng = &sketch->prng;

    for (uint32_t i = pool->first[span]; i < pool->first[span + 1]; i++) {
        pool->lengths[i] = (uint8_t)draw_weighted(prng, flavour_lengths[span], 33);
        if (span != SPAN_HOST && draw_chance(prng, 850))
            draw_bits(prng, pool->addresses[i], sketch->family,
                draw_length(sketch->family, (uint8_t)(8 + draw_below(prng, 8))));
    }
}

static int pool_grow(struct sketch *sketch, uint32_t side)
{
    const struct flavour_pool *wanted = &sketch->flavour->pools[side];
    struct pool *pool = &sketch->pools[side];
    uint32_t count = (uint32_t)((uint64_t)sketch->count * wanted->permille / 1000);
    uint16_t weights[SPAN_COUNT];

    weigh_spans(sketch->flavour, side, weights);
    share_out(pool, weights, count > wanted->least ? count : wanted->least);
    pool->power = wanted->power;
    pool->addresses = calloc(pool->first[SPAN_COUNT], sizeof(*pool->addresses));
    pool->lengths = calloc(pool->first[SPAN_COUNT], sizeof(*pool->lengths));
    if (!pool->addresses || !pool->lengths)
        return -ENOMEM;
    draw_addresses(sketch, pool);
    for (uint32_t span = 0; span < SPAN_COUNT; span++)
        draw_lengths(sketch, pool, span);
    return 0;
}

static void draw_prefix(
    struct sketch *sketch, uint32_t side, enum span span, bool is_fresh, struct bench_rule *rule)
{
    const struct pool *pool = &sketch->pools[side];
    uint32_t count = pool->first[span + 1] - pool->first[span];
    uint8_t *address = side ? rule->target : rule->source;
    uint8_t length;

    if (is_fresh || count == 0) {
        draw_address(&sketch->prng, address, sketch->family);
        length = (uint8_t)draw_weighted(&sketch->prng, flavour_lengths[span], 33);
        if (span == SPAN_ALL) /* all halves and quarters, not only of unicast */
            draw_bits(&sketch->prng, address, sketch->family, 0);
    } else {
        uint32_t i = pool->first[span] + draw_skewed(&sketch->prng, count, pool->power);

        memcpy(address, pool->addresses[i], 16);
        length = pool->lengths[i];
    }
    length = draw_length(sketch->family, length);
    bench_address_cut(address, sketch->family, length, false);
    if (side)
        rule->target_length = length;
    else
        rule->source_length = length;
}

/* ---- services */

static uint16_t draw_port(struct prng *prng, const uint16_t ports[FLAVOUR_PORTS_MAX])
{
    uint32_t count = 0;

    while (count < FLAVOUR_PORTS_MAX && ports[count])
        count++;
    if (count == 0 || draw_chance(prng, 30))
        return (uint16_t)(1 + draw_below(prng, 65535));
    return ports[draw_skewed(prng, count, 2)];
}

static void draw_ports(struct sketch *sketch, enum port_class class,
    const uint16_t ports[FLAVOUR_PORTS_MAX], uint16_t *ret_first, uint16_t *ret_last)
{
    const struct port_span *ranges = sketch->flavour->ranges;
    uint32_t count = 0;

    switch (class) {
    case PORT_EXACT:
        *ret_first = *ret_last = draw_port(&sketch->prng, ports);
        break;
    case PORT_RANGE:
        while (count < FLAVOUR_RANGES_MAX && ranges[count].first)
            count++;
        count = draw_skewed(&sketch->prng, count, 1);
        *ret_first = ranges[count].first;
        *ret_last = ranges[count].last;
        break;
    case PORT_HIGH:
        *ret_first = 1024;
        *ret_last = 0xffff;
        break;
    default:
        break;
    }
}

static uint8_t protocol_of(uint8_t family, uint8_t protocol)
{
    return family == FW_IPV6 && protocol == 1 ? 58 : protocol;
}

static void draw_service(struct sketch *sketch, struct bench_rule *rule)
{
    const struct flavour *flavour = sketch->flavour;
    uint16_t weights[FLAVOUR_SERVICES_MAX];

    for (uint32_t i = 0; i < FLAVOUR_SERVICES_MAX; i++)
        weights[i] = flavour->services[i].weight;
    const struct flavour_service *service =
        &flavour->services[draw_weighted(&sketch->prng, weights, FLAVOUR_SERVICES_MAX)];

    rule->protocol = protocol_of(sketch->family, service->protocol);
    rule->protocol_mask = service->protocol ? 0xff : 0;
    draw_ports(
        sketch, service->source, flavour->source_ports, &rule->source_first, &rule->source_last);
    draw_ports(
        sketch, service->target, flavour->target_ports, &rule->target_first, &rule->target_last);
}

/* ---- rules */

static uint64_t rule_hash(const struct bench_rule *rule)
{
    uint64_t hash = 0xcbf29ce484222325ULL;
    const uint8_t *bytes = (const uint8_t *)rule;

    /* Addresses, ports, lengths, family, protocol: what the generator fills in. */
    for (size_t i = 0; i < offsetof(struct bench_rule, tcp_flags); i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
    return (hash ^ hash >> 29) | 1;
}

static bool is_new(struct seen *seen, const struct bench_rule *rule)
{
    uint64_t hash = rule_hash(rule);
    uint32_t slot = (uint32_t)(hash >> 20) & seen->mask;

    for (; seen->slots[slot]; slot = (slot + 1) & seen->mask) {
        if (seen->slots[slot] == hash)
            return false;
    }
    seen->slots[slot] = hash;
    return true;
}

/* Narrow ones mostly stand first, as people write them. */
static uint32_t order_of(struct sketch *sketch, const struct bench_rule *rule)
{
    uint32_t most = sketch->family == FW_IPV4 ? 64 : 256;
    uint32_t wide = most - rule->source_length - rule->target_length;

    return wide * 1024 / most + draw_below(&sketch->prng, 512);
}

static void draw_rule(struct sketch *sketch, struct draft *draft)
{
    uint16_t weights[FLAVOUR_PAIRS_MAX];
    struct bench_rule *rule = &draft->rule;

    for (uint32_t i = 0; i < FLAVOUR_PAIRS_MAX; i++)
        weights[i] = sketch->flavour->pairs[i].weight;
    for (uint32_t tries = 0;; tries++) {
        const struct flavour_pair *pair =
            &sketch->flavour->pairs[draw_weighted(&sketch->prng, weights, FLAVOUR_PAIRS_MAX)];

        *rule = bench_rule_any(sketch->family);
        draw_prefix(sketch, 0, pair->source, tries >= TRIES, rule);
        draw_prefix(sketch, 1, pair->target, tries >= TRIES, rule);
        draw_service(sketch, rule);
        if (is_new(&sketch->seen, rule))
            break;
    }
    rule->action = draw_chance(&sketch->prng, 600) ? FW_DROP : FW_ALLOW;
    draft->order = (uint64_t)order_of(sketch, rule) << 32 | (uint32_t)(draft - sketch->drafts);
}

/* The last one matches everything, those before it a half or an area of everything. */
static void draw_catch_alls(struct sketch *sketch, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct draft *draft = &sketch->drafts[sketch->count - count + i];
        uint32_t left = count - 1 - i;

        *draft = (struct draft){.rule = bench_rule_any(sketch->family), .order = UINT64_MAX - left};
        if (left == 0)
            continue;
        draw_address(
            &sketch->prng, left % 2 ? draft->rule.source : draft->rule.target, sketch->family);
        draft->rule.source_length = left % 2 ? (uint8_t)(left / 2 + 1) : 0;
        draft->rule.target_length = left % 2 ? 0 : (uint8_t)(left / 2);
        bench_address_cut(draft->rule.source, sketch->family, draft->rule.source_length, false);
        bench_address_cut(draft->rule.target, sketch->family, draft->rule.target_length, false);
    }
}

static int draft_compare(const void *left, const void *right)
{
    const struct draft *a = left, *b = right;

    return a->order < b->order ? -1 : 1;
}

static int draw_all(struct sketch *sketch, struct bench_rules *rules)
{
    uint32_t catch_alls = sketch->count / 200;
    int r = 0;

    if (catch_alls > 8)
        catch_alls = 8;
    if (catch_alls == 0 && sketch->count >= 4)
        catch_alls = 1;
    draw_catch_alls(sketch, catch_alls);
    for (uint32_t i = 0; i < catch_alls; i++)
        (void)is_new(&sketch->seen, &sketch->drafts[sketch->count - 1 - i].rule);
    for (uint32_t i = 0; i < sketch->count - catch_alls; i++)
        draw_rule(sketch, &sketch->drafts[i]);
    qsort(sketch->drafts, sketch->count, sizeof(*sketch->drafts), draft_compare);
    for (uint32_t i = 0; r == 0 && i < sketch->count; i++)
        r = bench_rules_append(rules, &sketch->drafts[i].rule);
    return r;
}

static int sketch_start(struct sketch *sketch, const struct generate *generate)
{
    uint32_t slots = 1024;
    int r;

    while (slots < sketch->count * 2)
        slots *= 2;
    prng_seed(&sketch->prng, generate->seed);
    sketch->seen.mask = slots - 1;
    sketch->seen.slots = calloc(slots, sizeof(*sketch->seen.slots));
    sketch->drafts = calloc(sketch->count, sizeof(*sketch->drafts));
    if (!sketch->seen.slots || !sketch->drafts)
        return -ENOMEM;
    r = pool_grow(sketch, 0);
    return r < 0 ? r : pool_grow(sketch, 1);
}

int generate_like_seeds(
    const struct generate *generate, const char *flavour, struct bench_rules *rules)
{
    struct sketch sketch = {
        .flavour = flavour_find(flavour), .family = generate->family, .count = generate->count};
    int r;

    CHECK(sketch.flavour, "the names of generate.c are those of flavour.c");
    r = sketch_start(&sketch, generate);
    if (r == 0)
        r = draw_all(&sketch, rules);
    for (uint32_t i = 0; i < 2; i++) {
        free(sketch.pools[i].addresses);
        free(sketch.pools[i].lengths);
    }
    free(sketch.seen.slots);
    free(sketch.drafts);
    return r;
}
