/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/forest.h"
#include "base/check.h"
#include "node/compile/forest_cut.h"
#include "node/compile/forest_leaf.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_WANTED FW_LEAF_MAX /* a node of no more rules is a leaf */
#define HIDE_PAIRS_MOST 64      /* rules of a node in which each is compared with each */
#define COPIES 1.2
#define SHRINKS 0.98 /* a tree that leaves more than this to the next one is the last but one */

/* What a rule that goes to the next tree counts against one in this node. */
#define EJECTED_FIRST 1.0 /* from the first tree, in which most packets of rules end */
#define EJECTED 1.3
#define EJECTED_ELSE 1.0 /* where that leaves a node of more than LONG rules uncut */
#define LONG 24

/* The tree that ends the forest early. */
#define END_SHARE 10       /* of all rules: not more than one in so many is left */
#define END_COPIES 64      /* of one rule, at most */
#define END_CUT_COPIES 3   /* that one cut may make */
#define END_ALL_COPIES 2.2 /* in all trees, for each rule of the forest */
#define END_PASSES 3       /* leaves of its longest walk */

/* Numbers of rules, ascending. */
struct list {
    uint32_t *rules;
    uint32_t count;
};

struct grove {
    struct blob *blob;
    const struct fw_rule *rules;
    struct forest_item *items;
    enum fw_family family;
    const struct forest_limits *limits;
    uint64_t *has_hidden;
    struct forest_shape shape;
    uint32_t first_word;
    /* of the tree that is being built */
    bool is_last;     /* nothing goes to a next tree */
    uint8_t *ejected; /* by number */
    uint32_t passes, tests, depth;
    uint64_t copies, copies_most;
    double copies_a_rule; /* that one cut may make */
    double ejected_weight;
};

/* ---- hiding */

static bool covers_ports(const struct forest_item *outer, const struct forest_item *inner,
    const struct forest_region *region)
{
    for (uint32_t port = 0; port < ITEM_PORTS; port++) {
        const struct forest_range *all = &region->ports[port];
        uint16_t first =
            inner->ports[port].first > all->first ? inner->ports[port].first : all->first;
        uint16_t last = inner->ports[port].last < all->last ? inner->ports[port].last : all->last;

        if (outer->ports[port].first > first || outer->ports[port].last < last)
            return false;
    }
    return true;
}

/* Does outer match every packet of the region that inner matches? */
static bool hides(const struct forest_item *outer, const struct forest_item *inner,
    const struct forest_region *region)
{
    if (!outer->is_exact)
        return false;
    for (uint32_t word = 0; word < FW_CUTS; word++) {
        uint64_t mask = inner->mask[word] | region->mask[word];
        uint64_t value = inner->value[word] | (region->value[word] & ~inner->mask[word]);

        if ((outer->mask[word] & ~mask) || ((outer->value[word] ^ value) & outer->mask[word]))
            return false;
    }
    return covers_ports(outer, inner, region);
}

static void note_hidden(const struct grove *grove, uint32_t rule)
{
    uint32_t order = grove->items[rule].order;

    if (grove->has_hidden)
        grove->has_hidden[order / 64] |= 1ULL << order % 64;
}

/* Takes out what an earlier rule of the list decides throughout the region. */
static void drop_hidden(
    const struct grove *grove, const struct forest_region *region, struct list *list)
{
    static const struct forest_item everything = {.ports = {{0, 0xffff}, {0, 0xffff}}};
    uint32_t kept = 0;

    if (!grove->has_hidden)
        return; /* every log rule counts */
    for (uint32_t i = 0; i < list->count; i++) {
        if (i + 1 < list->count && hides(&grove->items[list->rules[i]], &everything, region)) {
            note_hidden(grove, list->rules[i]);
            list->count = i + 1;
        }
    }
    if (list->count > HIDE_PAIRS_MOST)
        return;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t by = 0;

        while (by < kept &&
               !hides(&grove->items[list->rules[by]], &grove->items[list->rules[i]], region))
            by++;
        if (by < kept)
            note_hidden(grove, list->rules[by]);
        else
            list->rules[kept++] = list->rules[i];
    }
    list->count = kept;
}

/* ---- leaves */

static int add_leaf(struct grove *grove, const struct list *list, uint64_t *ret_node)
{
    uint32_t links = (list->count + FW_LEAF_MAX - 1) / FW_LEAF_MAX;

    if (links > grove->passes)
        grove->passes = links;
    if (list->count > grove->tests)
        grove->tests = list->count;
    grove->copies += list->count;
    return forest_leaf_add(
        grove->blob, grove->family, grove->rules, grove->items, list->rules, list->count, ret_node);
}

/* ---- inner nodes */

static int add_node(struct grove *grove, struct list *list, const struct forest_region *region,
    uint32_t depth, uint64_t *ret_node);

/* The children's lists behind one another: starts[child] ... starts[child + 1]. */
struct children {
    uint32_t *starts;
    uint32_t *rules;
};

static void children_fini(struct children *children)
{
    free(children->starts);
    free(children->rules);
}

static bool reaches(const struct forest_reach *reach, uint32_t child)
{
    return ((child ^ reach->value) & reach->mask) == 0;
}

static void count_children(const struct grove *grove, const struct list *list,
    const struct forest_cut *cut, const struct forest_region *region, uint32_t *starts)
{
    struct forest_reach reach;

    for (uint32_t i = 0; i < list->count; i++) {
        forest_cut_reach(cut, &grove->items[list->rules[i]], region, &reach);
        if (reach.count > cut->span_most) {
            grove->ejected[list->rules[i]] = 1;
            continue;
        }
        for (uint32_t child = reach.first; child <= reach.last; child++)
            starts[child + 1] += reaches(&reach, child);
    }
}

static int part(const struct grove *grove, const struct list *list, const struct forest_cut *cut,
    const struct forest_region *region, struct children *ret_children)
{
    uint32_t many = 1U << cut->bits;
    uint32_t *starts = calloc((size_t)many * 2 + 1, sizeof(*starts));
    uint32_t *next = starts ? starts + many + 1 : NULL;
    struct forest_reach reach;

    *ret_children = (struct children){.starts = starts};
    if (!starts)
        return -ENOMEM;
    count_children(grove, list, cut, region, starts);
    for (uint32_t child = 0; child < many; child++) {
        next[child] = starts[child];
        starts[child + 1] += starts[child];
    }
    ret_children->rules = malloc(((size_t)starts[many] + 1) * sizeof(*ret_children->rules));
    if (!ret_children->rules)
        return -ENOMEM;
    for (uint32_t i = 0; i < list->count; i++) {
        forest_cut_reach(cut, &grove->items[list->rules[i]], region, &reach);
        for (uint32_t child = reach.first; reach.count <= cut->span_most && child <= reach.last;
             child++)
            if (reaches(&reach, child))
                ret_children->rules[next[child]++] = list->rules[i];
    }
    return 0;
}

static bool is_same_list(const struct list *a, const struct list *b)
{
    return a->count == b->count && memcmp(a->rules, b->rules, a->count * sizeof(*a->rules)) == 0;
}

static uint32_t first_order(const uint64_t *nodes, uint32_t count)
{
    uint32_t order = FW_ORDER_NONE;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t own = (uint32_t)(nodes[i] >> FW_NODE_ORDER) & FW_ORDER_NONE;

        order = own < order ? own : order;
    }
    return order;
}

/* A short list that its left neighbour has, too, is written once. */
static int add_children(struct grove *grove, const struct children *children,
    const struct forest_cut *cut, const struct forest_region *region, uint32_t depth, uint32_t at)
{
    uint32_t many = 1U << cut->bits;
    struct list before = {0};
    uint64_t node = FW_NODE_NONE;
    int r = 0;

    for (uint32_t child = 0; r == 0 && child < many; child++) {
        struct list list = {children->rules + children->starts[child],
            children->starts[child + 1] - children->starts[child]};
        struct forest_region inner;

        forest_cut_region(cut, region, child, &inner);
        drop_hidden(grove, &inner, &list);
        if (child == 0 || list.count > LEAF_WANTED || !is_same_list(&list, &before))
            r = add_node(grove, &list, &inner, depth + 1, &node);
        before = list;
        grove->blob->words[at + child] = node;
    }
    return r;
}

static int add_inner(struct grove *grove, const struct list *list, const struct forest_cut *cut,
    const struct forest_region *region, uint32_t depth, uint64_t *ret_node)
{
    struct children children;
    uint32_t at = 0;
    int r = part(grove, list, cut, region, &children);

    if (r == 0)
        r = blob_take(grove->blob, 1U << cut->bits, &at);
    if (r == 0)
        r = add_children(grove, &children, cut, region, depth, at);
    children_fini(&children);
    if (r == 0)
        *ret_node = forest_node(first_order(&grove->blob->words[at], 1U << cut->bits), at,
            cut->shift, cut->word, cut->bits);
    return r;
}

static bool choose(const struct grove *grove, const struct list *list,
    const struct forest_region *region, struct forest_cut *ret_cut)
{
    struct forest_budget budget = {.copies_a_rule = grove->copies_a_rule,
        .ejected_weight = grove->ejected_weight,
        .may_eject = !grove->is_last};

    if (forest_cut_choose(grove->items, list->rules, list->count, region, &budget, ret_cut))
        return true;
    if (grove->is_last || list->count <= LONG || grove->ejected_weight <= EJECTED_ELSE)
        return false;
    budget.ejected_weight = EJECTED_ELSE;
    return forest_cut_choose(grove->items, list->rules, list->count, region, &budget, ret_cut);
}

static int add_node(struct grove *grove, struct list *list, const struct forest_region *region,
    uint32_t depth, uint64_t *ret_node)
{
    const uint64_t words = grove->blob->count - grove->first_word;
    struct forest_cut cut;

    if (words > grove->limits->words_max)
        return -E2BIG;
    if (depth > grove->depth)
        grove->depth = depth;
    *ret_node = FW_NODE_NONE;
    if (list->count == 0)
        return 0;
    if (list->count <= LEAF_WANTED || depth >= FW_DEPTH_MAX ||
        words > grove->limits->words_max / 4 * 3 ||
        grove->copies + list->count > grove->copies_most || !choose(grove, list, region, &cut))
        return add_leaf(grove, list, ret_node);
    return add_inner(grove, list, &cut, region, depth, ret_node);
}

/* ---- trees */

/* What the tree did not take. */
static uint32_t take_ejected(struct grove *grove, uint32_t rules_count, uint32_t *ret_rules)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < rules_count; i++) {
        if (grove->ejected[i])
            ret_rules[count++] = i;
        grove->ejected[i] = 0;
    }
    return count;
}

/* Each rule may become so many, each cut make so many of one. */
static int grow_tree(
    struct grove *grove, struct list *list, double copies, double cut_copies, uint64_t *ret_node)
{
    struct forest_region all = {.ports = {{0, 0xffff}, {0, 0xffff}}};

    grove->passes = grove->tests = grove->depth = 0;
    grove->copies = 0;
    grove->copies_a_rule = cut_copies;
    grove->copies_most = (uint64_t)((double)list->count * copies) + 1024;
    drop_hidden(grove, &all, list);
    return add_node(grove, list, &all, 0, ret_node);
}

static void keep_tree(struct grove *grove, uint64_t node, struct fw_forest *forest)
{
    struct forest_shape *shape = &grove->shape;

    if (((uint32_t)node & FW_ORDER_NONE) != FW_ORDER_NONE)
        forest->trees[forest->count++] = node;
    shape->passes += grove->passes;
    shape->tests += grove->tests;
    shape->copies += grove->copies;
    shape->depth = grove->depth > shape->depth ? grove->depth : shape->depth;
}

static int add_tree(struct grove *grove, struct list *list, struct fw_forest *forest)
{
    uint64_t node;
    int r;

    grove->ejected_weight = forest->count ? EJECTED : EJECTED_FIRST;
    r = grow_tree(grove, list, 4, COPIES, &node);
    if (r < 0)
        return r;
    if (grove->is_last)
        grove->shape.rest = list->count;
    keep_tree(grove, node, forest);
    return 0;
}

/*
 * Copies of few rules cost little, and each tree less is a walk less: one tree takes all that is
 * left, if its leaves stay short. 1: it did; 0: as if nothing was done.
 */
static int end_early(
    struct grove *grove, struct list *list, uint32_t all_count, struct fw_forest *forest)
{
    double left = END_ALL_COPIES * all_count - (double)grove->shape.copies;
    double copies = left / list->count < END_COPIES ? left / list->count : END_COPIES;
    uint32_t before = grove->blob->count;
    uint64_t node;
    int r;

    if (list->count > all_count / END_SHARE || copies < 1)
        return 0;
    grove->is_last = true;
    r = grow_tree(grove, list, copies, END_CUT_COPIES, &node);
    grove->is_last = false;
    if (r == 0 && grove->passes <= END_PASSES && (double)grove->copies <= left) {
        keep_tree(grove, node, forest);
        return 1;
    }
    grove->blob->count = before;
    return r == -E2BIG ? 0 : r;
}

static int item_order(const void *a, const void *b, void *items)
{
    const struct forest_item *x = (const struct forest_item *)items + *(const uint32_t *)a;
    const struct forest_item *y = (const struct forest_item *)items + *(const uint32_t *)b;
    int order = memcmp(x, y, offsetof(struct forest_item, order));

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* Of rules that ask for the same, the first one decides. */
static int drop_duplicates(struct grove *grove, struct list *list)
{
    size_t bytes = (size_t)list->count * sizeof(uint32_t);
    uint32_t *sorted = malloc(bytes + 1), kept = 0;

    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, list->rules, bytes);
    qsort_r(sorted, list->count, sizeof(*sorted), item_order, grove->items);
    for (uint32_t i = 1, first = 0; i < list->count; i++) {
        const struct forest_item *a = &grove->items[sorted[first]], *b = &grove->items[sorted[i]];

        if (!a->is_exact || memcmp(a, b, offsetof(struct forest_item, order)) != 0) {
            first = i;
            continue;
        }
        note_hidden(grove, sorted[first]);
        grove->ejected[sorted[i]] = 1;
    }
    free(sorted);
    for (uint32_t i = 0; i < list->count; i++) {
        if (!grove->ejected[list->rules[i]])
            list->rules[kept++] = list->rules[i];
        grove->ejected[list->rules[i]] = 0;
    }
    list->count = kept;
    return 0;
}

static int add_trees(struct grove *grove, uint32_t rules_count, struct fw_forest *forest)
{
    uint32_t *rules = malloc(((size_t)rules_count + 1) * sizeof(*rules));
    struct list list = {rules, rules_count};
    int r = rules ? 0 : -ENOMEM;

    for (uint32_t i = 0; rules && i < rules_count; i++)
        rules[i] = i;
    if (r == 0 && grove->has_hidden)
        r = drop_duplicates(grove, &list);
    while (r == 0 && list.count > 0) {
        uint32_t before = list.count;

        r = grove->is_last ? 0 : end_early(grove, &list, rules_count, forest);
        if (r != 0)
            break;
        grove->is_last |= forest->count + 1 == FW_TREES_MAX;
        r = add_tree(grove, &list, forest);
        list.count = take_ejected(grove, rules_count, rules);
        grove->is_last = list.count > before * SHRINKS;
    }
    free(rules);
    return r < 0 ? r : 0;
}

static int node_order(const void *a, const void *b)
{
    uint32_t x = (uint32_t)(*(const uint64_t *)a & FW_ORDER_NONE);
    uint32_t y = (uint32_t)(*(const uint64_t *)b & FW_ORDER_NONE);

    return (x > y) - (x < y);
}

static int judge(const struct grove *grove, int r, struct problem *reterr_problem)
{
    if (r == -E2BIG)
        return problem_say(reterr_problem, r,
            "the rules overlap so much that their decision trees need more than %llu MiB; use "
            "sets, or fewer rules with wide prefixes and port ranges",
            (unsigned long long)(grove->limits->words_max >> 17));
    if (r == 0 && grove->shape.passes > grove->limits->passes_max)
        return problem_say(reterr_problem, -E2BIG,
            "the rules overlap so much that a packet may have to be compared with %u of them, "
            "which is more than a packet has time for; use sets, or fewer rules with wide "
            "prefixes and port ranges",
            grove->shape.tests);
    return r;
}

int forest_build(struct blob *blob, const struct fw_rule *rules, uint32_t rules_count,
    enum fw_family family, const struct forest_limits *limits, uint64_t *has_hidden,
    struct fw_forest *ret_forest, struct forest_shape *ret_shape, struct problem *reterr_problem)
{
    struct grove grove = {.blob = blob,
        .rules = rules,
        .family = family,
        .limits = limits,
        .has_hidden = has_hidden,
        .first_word = blob->count};
    int r;

    *ret_forest = (struct fw_forest){0};
    grove.items = calloc((size_t)rules_count + 1, sizeof(*grove.items));
    grove.ejected = calloc((size_t)rules_count + 1, 1);
    r = grove.items && grove.ejected ? 0 : -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < rules_count; i++)
        forest_item_of(&rules[i], family, &grove.items[i]);
    if (r == 0)
        r = add_trees(&grove, rules_count, ret_forest);
    free(grove.items);
    free(grove.ejected);
    qsort(ret_forest->trees, ret_forest->count, sizeof(ret_forest->trees[0]), node_order);
    grove.shape.trees = ret_forest->count;
    grove.shape.words = blob->count - grove.first_word;
    *ret_shape = grove.shape;
    return judge(&grove, r, reterr_problem);
}
