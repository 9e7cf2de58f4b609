/* SPDX-License-Identifier: Apache-2.0 */
/* rules.c - a rule becomes leaf rules: one for every combination of its lists, in one family. */
#include "base/check.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_ICMPV6 58

static const Picket__V1__Match nothing = PICKET__V1__MATCH__INIT;

/* What one list can be at one turn; NULL: any. */
struct leaf_choice {
    const uint32_t *protocol;
    const Picket__V1__Prefix *source;
    const Picket__V1__Prefix *target;
    const Picket__V1__PortRange *source_port;
    const Picket__V1__PortRange *target_port;
    const Picket__V1__Icmp *icmp;
};

struct leaf_context {
    struct build *build;
    const struct build_rule *rule;
    const Picket__V1__Match *match;
    uint32_t family;
    uint32_t forest; /* enum fw_forest_kind */
    uint32_t place;  /* FW_ID */
    size_t *capacity;
    uint8_t source_set, target_set; /* with those of negated lists */
};

bool build_rule_is_on_l4(const Picket__V1__Rule *rule)
{
    const Picket__V1__Match *match = rule->match;

    return match && (match->n_source_ports || match->n_destination_ports || match->n_icmp ||
                        match->tcp_flags);
}

bool build_rule_is_observed(const Picket__V1__Rule *rule)
{
    return rule->mode == PICKET__V1__MODE__MODE_SHADOW ||
           rule->action == PICKET__V1__ACTION__ACTION_LOG;
}

static bool prefix_is_of(const Picket__V1__Prefix *prefix, uint32_t family)
{
    return prefix->address.len == (family == FW_IPV4 ? 4 : 16);
}

static size_t prefixes_of(const Picket__V1__Addresses *side, uint32_t family)
{
    size_t count = 0;

    for (size_t i = 0; side && i < side->n_prefixes; i++)
        count += prefix_is_of(side->prefixes[i], family);
    return count;
}

/* A literal prefix, negated or not, implies its family. */
static bool side_allows(const Picket__V1__Addresses *side, uint32_t family)
{
    return !side || side->n_prefixes == 0 || prefixes_of(side, family) > 0;
}

static bool match_allows(const Picket__V1__Match *match, uint32_t family)
{
    if (match->family == PICKET__V1__FAMILY__FAMILY_IPV4 && family != FW_IPV4)
        return false;
    if (match->family == PICKET__V1__FAMILY__FAMILY_IPV6 && family != FW_IPV6)
        return false;
    return side_allows(match->source, family) && side_allows(match->destination, family);
}

static void put_prefix(const Picket__V1__Prefix *prefix, __u64 value[2], __u64 mask[2])
{
    uint8_t *bits = (uint8_t *)mask;

    memcpy(value, prefix->address.data, prefix->address.len);
    for (uint32_t i = 0; i < prefix->length; i++)
        bits[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static void put_word(struct fw_rule *leaf, uint32_t shift, uint64_t value, uint64_t mask)
{
    leaf->word |= value << shift;
    leaf->word_mask |= mask << shift;
}

static void put_small_fields(struct fw_rule *leaf, const Picket__V1__Match *match)
{
    if (match->tcp_flags)
        put_word(leaf, FW_WORD_TCP_FLAGS, match->tcp_flags->value, match->tcp_flags->mask);
    if (match->dscp)
        put_word(leaf, FW_WORD_DSCP, match->dscp->value, 0x3f);
    if (match->fragment != PICKET__V1__FRAGMENT__FRAGMENT_ANY)
        put_word(leaf, FW_WORD_FRAGMENT, (uint64_t)match->fragment, 3);
    if (match->to != PICKET__V1__TARGET__TARGET_ANY)
        put_word(leaf, FW_WORD_SELF, match->to == PICKET__V1__TARGET__TARGET_SELF, 1);
    if (match->device_class != PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_ANY)
        put_word(leaf, FW_WORD_CLASS, (uint64_t)match->device_class, 3);
    if (match->vlan)
        put_word(leaf, FW_WORD_VLAN, match->vlan->value, 0xfff);
}

static uint64_t ports_of(const struct leaf_choice *choice)
{
    uint32_t source_first = 0, source_last = 0xffff, target_first = 0, target_last = 0xffff;

    if (choice->source_port) {
        source_first = choice->source_port->first;
        source_last = choice->source_port->last;
    }
    if (choice->target_port) {
        target_first = choice->target_port->first;
        target_last = choice->target_port->last;
    }
    if (choice->icmp) {
        source_first = source_last = choice->icmp->type;
        if (choice->icmp->code)
            target_first = target_last = choice->icmp->code->value;
    }
    return FW_PORTS(source_first, source_last, target_first, target_last);
}

static uint32_t put_sides(
    struct fw_rule *leaf, const struct leaf_context *context, const struct leaf_choice *choice)
{
    const Picket__V1__Match *match = context->match;
    uint32_t flags = 0;

    if (choice->source) {
        put_prefix(choice->source, leaf->source, leaf->source_mask);
        flags |= match->source->negate ? FW_RULE_NOT_SOURCE : 0;
    }
    if (choice->target) {
        put_prefix(choice->target, leaf->target, leaf->target_mask);
        flags |= match->destination->negate ? FW_RULE_NOT_TARGET : 0;
    }
    leaf->source_set = context->source_set;
    leaf->target_set = context->target_set;
    return flags;
}

static enum fw_action action_of(const Picket__V1__Rule *rule)
{
    switch (rule->action) {
    case PICKET__V1__ACTION__ACTION_ALLOW:
        return FW_ALLOW;
    case PICKET__V1__ACTION__ACTION_LOG:
        return FW_LOG;
    default: /* reject is drop */
        return FW_DROP;
    }
}

static void put_leaf(
    const struct leaf_context *context, const struct leaf_choice *choice, struct fw_rule *leaf)
{
    const Picket__V1__Rule *rule = context->rule->rule;
    const struct compile_tables *tables = context->build->tables;
    uint32_t order = context->forest == FW_ENFORCE
                         ? tables->leaves[context->family][FW_ENFORCE].count
                         : context->rule->order[context->family];
    uint32_t flags = rule->mode == PICKET__V1__MODE__MODE_SHADOW ? FW_RULE_SHADOW : 0;

    memset(leaf, 0, sizeof(*leaf));
    if (choice->protocol)
        put_word(leaf, FW_WORD_PROTOCOL, *choice->protocol, 0xff);
    if (build_rule_is_on_l4(rule))
        put_word(leaf, FW_WORD_L4, 1, 1);
    put_small_fields(leaf, context->match);
    leaf->ports = ports_of(choice);
    flags |= put_sides(leaf, context, choice);
    leaf->globs = build_glob_bits(context->build, context->match);
    leaf->id = FW_ID(tables->objects[context->rule->object].counter, context->place, order,
        action_of(rule), flags);
}

/* ICMP types are IPv4's with protocol 1 and IPv6's with 58. */
static bool choice_is_possible(const struct leaf_context *context, const struct leaf_choice *choice)
{
    uint32_t icmp = context->family == FW_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;

    if (choice->source && !prefix_is_of(choice->source, context->family))
        return false;
    if (choice->target && !prefix_is_of(choice->target, context->family))
        return false;
    return !choice->icmp || *choice->protocol == icmp;
}

static int add_leaf(const struct leaf_context *context, const struct leaf_choice *choice)
{
    struct build *build = context->build;
    struct compile_leaves *leaves = &build->tables->leaves[context->family][context->forest];
    uint32_t most = context->forest == FW_ENFORCE ? FW_RULES_MAX : FW_OBSERVED_MAX;

    if (!choice_is_possible(context, choice))
        return 0;
    if (leaves->count == most)
        return problem_say(build->reterr_problem, -E2BIG,
            "the %s need more than %u leaf rules of one family (every combination of the "
            "lists of a rule is one); use sets and port ranges",
            context->forest == FW_ENFORCE ? "rules" : "log and shadow rules", most);
    if (build_grow(
            (void **)&leaves->items, context->capacity, leaves->count, sizeof(*leaves->items)) < 0)
        return -ENOMEM;
    put_leaf(context, choice, &leaves->items[leaves->count]);
    leaves->count++;
    return 0;
}

/* An absent list has one turn, "any". */
static size_t turns(size_t count)
{
    return count ? count : 1;
}

static size_t literals(const Picket__V1__Addresses *side, uint8_t set)
{
    return side && !(set & FW_SET_PRESENT) ? side->n_prefixes : 0;
}

/* The i-th combination of all lists, by mixed radix. */
static int add_combination(const struct leaf_context *context, size_t i)
{
    const Picket__V1__Match *match = context->match;
    size_t sources = literals(match->source, context->source_set);
    size_t targets = literals(match->destination, context->target_set);
    struct leaf_choice choice = {0};

    if (match->n_protocols)
        choice.protocol = &match->protocols[i % match->n_protocols];
    i /= turns(match->n_protocols);
    if (sources)
        choice.source = match->source->prefixes[i % sources];
    i /= turns(sources);
    if (targets)
        choice.target = match->destination->prefixes[i % targets];
    i /= turns(targets);
    if (match->n_source_ports)
        choice.source_port = match->source_ports[i % match->n_source_ports];
    i /= turns(match->n_source_ports);
    if (match->n_destination_ports)
        choice.target_port = match->destination_ports[i % match->n_destination_ports];
    i /= turns(match->n_destination_ports);
    if (match->n_icmp)
        choice.icmp = match->icmp[i];
    return add_leaf(context, &choice);
}

/* Several negated prefixes must all fail, which one leaf rule cannot say: they become a set. */
static int side_set(
    struct build *build, const Picket__V1__Addresses *side, uint32_t family, uint8_t *set)
{
    uint8_t index;
    int r;

    if (!side || !side->negate || prefixes_of(side, family) < 2)
        return 0;
    r = build_set_of_prefixes(build, side, family, &index);
    if (r == 0)
        *set = (uint8_t)(FW_SET_PRESENT | FW_SET_NEGATE | index);
    return r;
}

static int add_rule(struct leaf_context *context)
{
    const struct build_rule *rule = context->rule;
    const Picket__V1__Match *match = context->match;
    struct compile_leaves *leaves =
        &context->build->tables->leaves[context->family][context->forest];
    struct fw_root *root = &context->build->tables->gen.roots[FW_IN][context->family];
    uint32_t before = leaves->count;
    int r;

    if (rule->never || !match_allows(match, context->family))
        return 0;
    r = side_set(context->build, match->source, context->family, &context->source_set);
    if (r == 0)
        r = side_set(context->build, match->destination, context->family, &context->target_set);
    if (r < 0)
        return r;
    size_t count = turns(match->n_protocols) * turns(literals(match->source, context->source_set)) *
                   turns(literals(match->destination, context->target_set)) *
                   turns(match->n_source_ports) * turns(match->n_destination_ports) *
                   turns(match->n_icmp);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = add_combination(context, i);
    if (leaves->count == before)
        return r;
    if (context->source_set & FW_SET_PRESENT)
        root->flags |= FW_ROOT_SOURCE_SETS;
    if (context->target_set & FW_SET_PRESENT)
        root->flags |= FW_ROOT_TARGET_SETS;
    if (context->forest == FW_ENFORCE && build_rule_is_on_l4(rule->rule))
        root->flags |= FW_ROOT_L4;
    return r;
}

/* The rules of one forest. A log or shadow rule stands at as many terminal leaf rules as precede
 * it, so those come first. */
static int add_rules(struct build *build, uint32_t family, uint32_t forest)
{
    size_t capacity = 0;
    uint32_t place = 0;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < build->rules_count; i++) {
        struct build_rule *rule = &build->rules[i];
        struct leaf_context context = {.build = build,
            .rule = rule,
            .match = rule->rule->match ? rule->rule->match : &nothing,
            .family = family,
            .forest = forest,
            .place = place,
            .capacity = &capacity,
            .source_set = rule->source_set,
            .target_set = rule->target_set};
        uint32_t before = build->tables->leaves[family][forest].count;

        if (forest == FW_ENFORCE)
            rule->order[family] = before;
        if (build_rule_is_observed(rule->rule) != (forest == FW_OBSERVE))
            continue;
        r = add_rule(&context);
        place += forest == FW_OBSERVE && build->tables->leaves[family][forest].count > before;
    }
    return r;
}

/* Of the rules that decide. */
static int note_places(struct build *build)
{
    struct compile_tables *tables = build->tables;

    tables->amendable.places = calloc(build->rules_count + 1U, sizeof(*tables->amendable.places));
    if (!tables->amendable.places)
        return -ENOMEM;
    for (uint32_t i = 0; i < build->rules_count; i++) {
        const struct build_rule *rule = &build->rules[i];
        struct compile_place *place = &tables->amendable.places[tables->amendable.places_count];

        if (build_rule_is_observed(rule->rule))
            continue;
        memcpy(place->id, tables->objects[rule->object].id, OP_REF_BYTES);
        place->priority = rule->rule->priority;
        memcpy(place->order, rule->order, sizeof(place->order));
        tables->amendable.places_count++;
    }
    return 0;
}

int build_rules(struct build *build)
{
    int r = 0;

    for (uint32_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++) {
        r = add_rules(build, family, FW_ENFORCE);
        if (r == 0)
            r = add_rules(build, family, FW_OBSERVE);
    }
    return r == 0 ? note_places(build) : r;
}
