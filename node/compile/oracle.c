/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/oracle.h"
#include "node/compile/compile.h"

#include <string.h>

static bool prefix_holds(const Picket__V1__Prefix *prefix, const uint8_t *address, bool is_v6)
{
    if ((prefix->address.len == 16) != is_v6)
        return false;
    for (uint32_t bit = 0; bit < prefix->length; bit++) {
        uint8_t mask = (uint8_t)(1U << (7 - bit % 8));

        if ((prefix->address.data[bit / 8] & mask) != (address[bit / 8] & mask))
            return false;
    }
    return true;
}

static bool side_matches(const struct oracle_rule *rule, const Picket__V1__Addresses *side,
    const uint8_t *address, bool is_v6, oracle_member member, void *user)
{
    bool is_in = false, has_family = false;

    if (!side)
        return true;
    if (side->set.len > 0)
        return member(user, rule, bytes_of(side->set.data, side->set.len), address, is_v6) !=
               (side->negate != 0);
    for (size_t i = 0; i < side->n_prefixes; i++) {
        has_family |= (side->prefixes[i]->address.len == 16) == is_v6;
        is_in |= prefix_holds(side->prefixes[i], address, is_v6);
    }
    return has_family && is_in != (side->negate != 0);
}

static bool ports_match(Picket__V1__PortRange *const *ranges, size_t count,
    const struct oracle_packet *packet, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (packet->has_ports && ranges[i]->first <= port && port <= ranges[i]->last)
            return true;
    return count == 0;
}

static bool protocol_matches(const Picket__V1__Match *match, const struct oracle_packet *packet)
{
    for (size_t i = 0; i < match->n_protocols; i++)
        if (match->protocols[i] == packet->protocol)
            return true;
    return match->n_protocols == 0;
}

static bool icmp_matches(const Picket__V1__Match *match, const struct oracle_packet *packet)
{
    for (size_t i = 0; i < match->n_icmp; i++) {
        const Picket__V1__Icmp *icmp = match->icmp[i];

        if (packet->has_icmp && icmp->type == packet->icmp_type &&
            (!icmp->code || icmp->code->value == packet->icmp_code))
            return true;
    }
    return match->n_icmp == 0;
}

static bool device_matches(const Picket__V1__Match *match, const struct oracle_packet *packet)
{
    if (match->device_class != PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_ANY &&
        match->device_class != packet->device_class)
        return false;
    for (size_t i = 0; i < match->n_devices; i++)
        if (compile_glob_matches(match->devices[i], packet->device))
            return true;
    return match->n_devices == 0;
}

static bool words_match(const Picket__V1__Match *match, const struct oracle_packet *packet)
{
    Picket__V1__Family family =
        packet->is_v6 ? PICKET__V1__FAMILY__FAMILY_IPV6 : PICKET__V1__FAMILY__FAMILY_IPV4;
    Picket__V1__Target target =
        packet->is_to_self ? PICKET__V1__TARGET__TARGET_SELF : PICKET__V1__TARGET__TARGET_OTHER;

    if (match->family != PICKET__V1__FAMILY__FAMILY_ANY && match->family != family)
        return false;
    if (match->to != PICKET__V1__TARGET__TARGET_ANY && match->to != target)
        return false;
    if (match->fragment != PICKET__V1__FRAGMENT__FRAGMENT_ANY &&
        match->fragment != packet->fragment)
        return false;
    if (match->vlan && match->vlan->value != packet->vlan)
        return false;
    if (match->dscp && match->dscp->value != packet->dscp)
        return false;
    if (!match->tcp_flags)
        return true;
    return packet->has_ports &&
           (packet->tcp_flags & match->tcp_flags->mask) == match->tcp_flags->value;
}

bool oracle_matches(const struct oracle_rule *rule, const struct oracle_packet *packet,
    oracle_member member, void *user)
{
    const Picket__V1__Match *match = rule->rule->match;

    if (rule->rule->direction == PICKET__V1__DIRECTION__DIRECTION_OUT)
        return false;
    if (!match)
        return true;
    return words_match(match, packet) && protocol_matches(match, packet) &&
           ports_match(match->source_ports, match->n_source_ports, packet, packet->source_port) &&
           ports_match(
               match->destination_ports, match->n_destination_ports, packet, packet->target_port) &&
           icmp_matches(match, packet) && device_matches(match, packet) &&
           side_matches(rule, match->source, packet->source, packet->is_v6, member, user) &&
           side_matches(rule, match->destination, packet->target, packet->is_v6, member, user);
}

static bool comes_before(const struct oracle_rule *a, const struct oracle_rule *b)
{
    if (a->rule->priority != b->rule->priority)
        return a->rule->priority < b->rule->priority;
    return memcmp(a->id, b->id, OP_REF_BYTES) < 0;
}

const struct oracle_rule *oracle_decide(const struct oracle_rule *rules, size_t rules_count,
    const struct oracle_packet *packet, oracle_member member, void *user)
{
    const struct oracle_rule *best = NULL;

    for (size_t i = 0; i < rules_count; i++) {
        const Picket__V1__Rule *rule = rules[i].rule;

        if (rule->action == PICKET__V1__ACTION__ACTION_LOG ||
            rule->mode == PICKET__V1__MODE__MODE_SHADOW)
            continue;
        if (best && !comes_before(&rules[i], best))
            continue;
        if (oracle_matches(&rules[i], packet, member, user))
            best = &rules[i];
    }
    return best;
}
