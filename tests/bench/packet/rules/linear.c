/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear.c - rules in columns, eight beside each other in one vector; what a vector lets through is
 * looked at field by field, in plain words.
 */
#include "tests/bench/packet/rules/linear.h"
#include "base/check.h"
#include "tests/bench/packet/rules/linear_lanes.h"
#include "tests/bench/packet/rules/prefixes.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define THREADS_MAX 64

#define PROTOCOL_TCP 6

/* The rules of one family, of one kind: those that decide, or those that only observe. */
struct lane_list {
    struct lane_block *blocks;
    uint32_t *indexes; /* of the rules in the set */
    uint32_t count;
};

struct linear {
    struct bench_rule *rules;
    struct lane_list deciding[FW_FAMILY_COUNT];
    struct lane_list observing[FW_FAMILY_COUNT];
    struct prefix_ranges *sets[BENCH_SETS_MAX];
    uint32_t sets_count;
};

/* ---- in plain words */

static bool side_matches(const struct linear *linear, const struct bench_rule *rule, bool is_target,
    const uint8_t *address)
{
    uint8_t set = is_target ? rule->target_set : rule->source_set;
    bool is_negated = rule->flags & (is_target ? BENCH_NOT_TARGET : BENCH_NOT_SOURCE);
    bool holds;

    if (set != BENCH_ANY)
        holds = prefix_ranges_find(linear->sets[set], rule->family, address) != BENCH_NO_RULE;
    else
        holds = bench_prefix_holds(is_target ? rule->target : rule->source,
            is_target ? rule->target_length : rule->source_length, address);
    return holds != is_negated;
}

static bool l4_matches(const struct bench_rule *rule, const struct bench_header *header)
{
    bool asks_ports = rule->source_first > 0 || rule->source_last < 0xffff ||
                      rule->target_first > 0 || rule->target_last < 0xffff;

    if (header->fragment == FW_FRAGMENT_LATER)
        return !asks_ports && !rule->tcp_flags_mask;
    if (header->source_port < rule->source_first || header->source_port > rule->source_last)
        return false;
    if (header->target_port < rule->target_first || header->target_port > rule->target_last)
        return false;
    if (!rule->tcp_flags_mask)
        return true;
    return header->protocol == PROTOCOL_TCP &&
           (header->tcp_flags & rule->tcp_flags_mask) == rule->tcp_flags;
}

static bool device_matches(const struct bench_rule *rule, const struct bench_header *header)
{
    if (rule->device_class && rule->device_class != header->device_class)
        return false;
    return rule->glob == BENCH_ANY || (bench_glob_devices[rule->glob] >> header->device & 1);
}

static bool rule_matches(
    const struct linear *linear, const struct bench_rule *rule, const struct bench_header *header)
{
    if (rule->family != header->family)
        return false;
    if ((header->protocol & rule->protocol_mask) != rule->protocol)
        return false;
    if (rule->vlan != BENCH_VLAN_ANY && rule->vlan != header->vlan)
        return false;
    if (rule->dscp != BENCH_ANY && rule->dscp != header->dscp)
        return false;
    if (rule->fragment && rule->fragment != header->fragment)
        return false;
    if (rule->to && (rule->to == 1) != header->is_to_self)
        return false;
    return device_matches(rule, header) && l4_matches(rule, header) &&
           side_matches(linear, rule, false, header->source) &&
           side_matches(linear, rule, true, header->target);
}

/* ---- walking over a list */

/* The next rule of the list, from block `at` on, that matches. */
struct walk {
    const struct linear *linear;
    const struct lane_list *list;
    const struct bench_header *header;
    struct lane_header lanes;
};

static uint32_t first_of_block(const struct walk *walk, uint32_t from, const int32_t may[LANES])
{
    uint32_t block = from / LANES;

    for (uint32_t lane = from % LANES; lane < LANES; lane++) {
        uint32_t place = block * LANES + lane;

        if (may[lane] && rule_matches(walk->linear,
                             &walk->linear->rules[walk->list->indexes[place]], walk->header))
            return place;
    }
    return BENCH_NO_RULE;
}

static inline __attribute__((always_inline)) uint32_t walk_with(
    const struct walk *walk, uint32_t from, bool is_wide, bool is_later)
{
    uint32_t blocks = (walk->list->count + LANES - 1) / LANES;
    int32_t may[LANES];

    for (uint32_t i = from / LANES; i < blocks; i++) {
        uint32_t place;

        if (!lane_block_matches(&walk->list->blocks[i], &walk->lanes, is_wide, is_later, may))
            continue;
        place = first_of_block(walk, from > i * LANES ? from : i * LANES, may);
        if (place != BENCH_NO_RULE)
            return place;
    }
    return BENCH_NO_RULE;
}

static inline __attribute__((always_inline)) uint32_t walk_any(
    const struct walk *walk, uint32_t from)
{
    if (walk->header->fragment == FW_FRAGMENT_LATER)
        return walk_with(walk, from, true, true);
    if (walk->header->family == FW_IPV4)
        return walk_with(walk, from, false, false);
    return walk_with(walk, from, true, false);
}

static uint32_t walk_plain(const struct walk *walk, uint32_t from)
{
    return walk_any(walk, from);
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static uint32_t walk_avx2(const struct walk *walk, uint32_t from)
{
    return walk_any(walk, from);
}
#endif

/* Place in the list of the first match at or behind `from`. */
static uint32_t walk_on(const struct walk *walk, uint32_t from)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2"))
        return walk_avx2(walk, from);
#endif
    return walk_plain(walk, from);
}

/* ---- making one */

static bool observes(const struct bench_rule *rule)
{
    return rule->action == FW_LOG || (rule->flags & BENCH_SHADOW);
}

static int list_fill(struct linear *linear, uint32_t rules_count, uint8_t family, bool is_observing)
{
    struct lane_list *list = is_observing ? &linear->observing[family] : &linear->deciding[family];
    uint32_t count = 0;

    for (uint32_t i = 0; i < rules_count; i++)
        count += linear->rules[i].family == family && observes(&linear->rules[i]) == is_observing;
    size_t bytes = (count + LANES - 1) / LANES * sizeof(*list->blocks);

    list->blocks = aligned_alloc(sizeof(lanes_u32), bytes ? bytes : sizeof(*list->blocks));
    list->indexes = calloc(count + 1, sizeof(*list->indexes));
    if (!list->blocks || !list->indexes)
        return -ENOMEM;
    memset(list->blocks, 0, bytes);
    for (uint32_t i = 0; i < rules_count; i++) {
        if (linear->rules[i].family != family || observes(&linear->rules[i]) != is_observing)
            continue;
        lane_put_rule(&list->blocks[list->count / LANES], list->count % LANES, &linear->rules[i]);
        list->indexes[list->count++] = i;
    }
    for (uint32_t i = count; i % LANES; i++)
        lane_put_nothing(&list->blocks[i / LANES], i % LANES);
    return 0;
}

static int linear_fill(struct linear *linear, const struct bench_rules *rules)
{
    int r = 0;

    CHECK(rules->sets_count <= BENCH_SETS_MAX, "a rule set has few sets");
    linear->rules = calloc(rules->count + 1, sizeof(*rules->rules));
    if (!linear->rules)
        return -ENOMEM;
    if (rules->count)
        memcpy(linear->rules, rules->rules, rules->count * sizeof(*rules->rules));
    for (uint32_t i = 0; r == 0 && i < rules->sets_count; i++, linear->sets_count++)
        r = prefix_ranges_new(rules->sets[i].prefixes, rules->sets[i].count, &linear->sets[i]);
    for (uint8_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++) {
        r = list_fill(linear, rules->count, family, false);
        if (r == 0)
            r = list_fill(linear, rules->count, family, true);
    }
    return r;
}

int linear_new(const struct bench_rules *rules, struct linear **ret_linear)
{
    struct linear *linear = calloc(1, sizeof(*linear));
    int r = linear ? linear_fill(linear, rules) : -ENOMEM;

    if (r < 0)
        linear_free(linear);
    else
        *ret_linear = linear;
    return r;
}

void linear_free(struct linear *linear)
{
    if (!linear)
        return;
    for (uint32_t i = 0; i < FW_FAMILY_COUNT; i++) {
        free(linear->deciding[i].blocks);
        free(linear->deciding[i].indexes);
        free(linear->observing[i].blocks);
        free(linear->observing[i].indexes);
    }
    for (uint32_t i = 0; i < BENCH_SETS_MAX; i++)
        prefix_ranges_free(linear->sets[i]);
    free(linear->rules);
    free(linear);
}

/* ---- asking */

uint32_t linear_decide(const struct linear *linear, const struct bench_header *header)
{
    struct walk walk = {
        .linear = linear, .list = &linear->deciding[header->family], .header = header};
    uint32_t place;

    lane_header_of(header, &walk.lanes);
    place = walk_on(&walk, 0);
    return place == BENCH_NO_RULE ? place : walk.list->indexes[place];
}

uint32_t linear_observed(const struct linear *linear, const struct bench_header *header,
    uint32_t *ret_indexes, uint32_t capacity)
{
    struct walk walk = {
        .linear = linear, .list = &linear->observing[header->family], .header = header};
    uint32_t deciding = linear_decide(linear, header), count = 0, place;

    lane_header_of(header, &walk.lanes);
    for (uint32_t from = 0; from < walk.list->count; from = place + 1) {
        place = walk_on(&walk, from);
        if (place == BENCH_NO_RULE || walk.list->indexes[place] > deciding)
            break;
        if (count < capacity)
            ret_indexes[count] = walk.list->indexes[place];
        count++;
    }
    return count;
}

struct share {
    const struct linear *linear;
    const struct bench_headers *headers;
    uint32_t *indexes;
    uint32_t first, end;
    pthread_t thread;
};

static void *share_run(void *user)
{
    struct share *share = user;

    for (uint32_t i = share->first; i < share->end; i++)
        share->indexes[i] = linear_decide(share->linear, &share->headers->headers[i]);
    return NULL;
}

int linear_decide_all(const struct linear *linear, const struct bench_headers *headers,
    uint32_t threads, uint32_t *ret_indexes)
{
    struct share shares[THREADS_MAX];
    uint32_t started = 0;
    int r = 0;

    if (threads < 1)
        threads = 1;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    for (uint32_t i = 0; i < threads; i++)
        shares[i] = (struct share){.linear = linear,
            .headers = headers,
            .indexes = ret_indexes,
            .first = (uint32_t)((uint64_t)headers->count * i / threads),
            .end = (uint32_t)((uint64_t)headers->count * (i + 1) / threads)};
    for (uint32_t i = 1; r == 0 && i < threads; i++, started++)
        r = -pthread_create(&shares[i].thread, NULL, share_run, &shares[i]);
    if (r < 0)
        started--;
    else
        (void)share_run(&shares[0]);
    for (uint32_t i = 1; i <= started; i++)
        (void)pthread_join(shares[i].thread, NULL);
    return r;
}
