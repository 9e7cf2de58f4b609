/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.c - what a rule and a set must satisfy by themselves. These decide validity, so every node
 * and every second implementation must agree; RULES.md lists them.
 */
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include "base/limits.h"

#include <errno.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132

#define FAMILY_BIT_V4 1U
#define FAMILY_BIT_V6 2U

#define SAY(...) problem_say(reterr_problem, -EINVAL, __VA_ARGS__)

static int check_text(
    const char *text, const char *what, size_t max, struct problem *reterr_problem)
{
    size_t len = strlen(text);

    if (len > max)
        return SAY("the %s '%.40s...' is longer than %zu bytes", what, text, max);
    if (!text_is_utf8(text))
        return SAY("the %s is not valid UTF-8", what);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return SAY("the %s holds a control character", what);
    return 0;
}

static bool prefix_is_clean(const Picket__V1__Prefix *prefix)
{
    for (size_t i = 0; i < prefix->address.len; i++) {
        size_t bits = prefix->length > 8 * i ? prefix->length - 8 * i : 0;

        if (bits < 8 && (prefix->address.data[i] & (0xFFU >> bits)) != 0)
            return false;
    }
    return true;
}

static int check_prefix(const Picket__V1__Prefix *prefix, struct problem *reterr_problem)
{
    if (prefix->address.len != 4 && prefix->address.len != 16)
        return SAY("an address has %zu bytes; 4 or 16 are possible", prefix->address.len);
    if (prefix->length > 8 * prefix->address.len)
        return SAY("the prefix length %u is longer than its address", prefix->length);
    if (!prefix_is_clean(prefix))
        return SAY("a prefix has bits behind its length %u", prefix->length);
    return 0;
}

static int compare_prefixes(const Picket__V1__Prefix *a, const Picket__V1__Prefix *b)
{
    int order;

    if (a->address.len != b->address.len)
        return a->address.len < b->address.len ? -1 : 1;
    order = memcmp(a->address.data, b->address.data, a->address.len);
    if (order != 0)
        return order;
    return (a->length > b->length) - (a->length < b->length);
}

/* *ret_families: what its literal prefixes imply; 0 for none. */
static int check_addresses(const Picket__V1__Addresses *side, const char *what,
    uint32_t *ret_families, struct problem *reterr_problem)
{
    *ret_families = 0;
    if (!side)
        return 0;
    if (side->n_prefixes == 0 && side->set.len == 0)
        return SAY("the %s names neither prefixes nor a set", what);
    if (side->n_prefixes > 0 && side->set.len > 0)
        return SAY("the %s names both prefixes and a set", what);
    if (side->set.len != 0 && side->set.len != OP_REF_BYTES && side->set.len != 4)
        return SAY("the %s has a set reference of %zu bytes; %d or 4 are possible", what,
            side->set.len, OP_REF_BYTES);
    if (side->n_prefixes > MATCH_LIST_MAX)
        return SAY("the %s has %zu prefixes; %d are possible, use a set", what, side->n_prefixes,
            MATCH_LIST_MAX);
    for (size_t i = 0; i < side->n_prefixes; i++) {
        int r = check_prefix(side->prefixes[i], reterr_problem);

        if (r < 0)
            return r;
        if (i > 0 && compare_prefixes(side->prefixes[i - 1], side->prefixes[i]) >= 0)
            return SAY("the prefixes of the %s are not in ascending order", what);
        *ret_families |= side->prefixes[i]->address.len == 4 ? FAMILY_BIT_V4 : FAMILY_BIT_V6;
    }
    return 0;
}

/* A literal prefix implies its family (datapath.md, amendment 8). */
static int check_families(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    uint32_t source = 0, destination = 0;
    int r = check_addresses(match->source, "source", &source, reterr_problem);

    if (r == 0)
        r = check_addresses(match->destination, "destination", &destination, reterr_problem);
    if (r < 0)
        return r;
    if (source != 0 && destination != 0 && (source & destination) == 0)
        return SAY(
            "the source and the destination have different address families, so nothing matches");
    if (match->family == PICKET__V1__FAMILY__FAMILY_IPV4 &&
        ((source | destination) & FAMILY_BIT_V6))
        return SAY("the family is ipv4 but an address is IPv6");
    if (match->family == PICKET__V1__FAMILY__FAMILY_IPV6 &&
        ((source | destination) & FAMILY_BIT_V4))
        return SAY("the family is ipv6 but an address is IPv4");
    return 0;
}

static int check_protocols(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    if (match->n_protocols > MATCH_LIST_MAX)
        return SAY("%zu protocols; %d are possible", match->n_protocols, MATCH_LIST_MAX);
    for (size_t i = 0; i < match->n_protocols; i++) {
        if (match->protocols[i] > 255)
            return SAY("%u is not a protocol number (0 to 255)", match->protocols[i]);
        if (i > 0 && match->protocols[i - 1] >= match->protocols[i])
            return SAY("the protocols are not in ascending order");
    }
    return 0;
}

/* At least one protocol is named and all are among these. */
static bool protocols_are_within(
    const Picket__V1__Match *match, const uint32_t *allowed, size_t allowed_count)
{
    for (size_t i = 0; i < match->n_protocols; i++) {
        size_t j = 0;

        while (j < allowed_count && allowed[j] != match->protocols[i])
            j++;
        if (j == allowed_count)
            return false;
    }
    return match->n_protocols > 0;
}

static int check_port_list(Picket__V1__PortRange *const *ports, size_t count, const char *what,
    struct problem *reterr_problem)
{
    if (count > MATCH_LIST_MAX)
        return SAY("%zu %s port ranges; %d are possible", count, what, MATCH_LIST_MAX);
    for (size_t i = 0; i < count; i++) {
        if (ports[i]->first > ports[i]->last || ports[i]->last > 65535)
            return SAY("the %s port range %u-%u is not within 0-65535 or runs backwards", what,
                ports[i]->first, ports[i]->last);
        if (i > 0 && ports[i - 1]->last >= ports[i]->first)
            return SAY("the %s port ranges %u-%u and %u-%u overlap or are not in ascending order",
                what, ports[i - 1]->first, ports[i - 1]->last, ports[i]->first, ports[i]->last);
    }
    return 0;
}

static int check_ports(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    static const uint32_t with_ports[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP};
    int r = check_port_list(match->source_ports, match->n_source_ports, "source", reterr_problem);

    if (r == 0)
        r = check_port_list(
            match->destination_ports, match->n_destination_ports, "destination", reterr_problem);
    if (r < 0 || (match->n_source_ports == 0 && match->n_destination_ports == 0))
        return r;
    if (!protocols_are_within(match, with_ports, 3))
        return SAY("ports need a protocol that has them: tcp, udp or sctp, and no other");
    return 0;
}

/* A code that is absent (any) stands before every code. */
static int64_t icmp_place(const Picket__V1__Icmp *icmp)
{
    return (int64_t)icmp->type * 1000 + (icmp->code ? (int64_t)icmp->code->value : -1);
}

static int check_number(const Picket__V1__Number *number, const char *what, uint32_t max,
    struct problem *reterr_problem)
{
    if (!number)
        return 0;
    if (!number->present)
        return SAY("the %s is written without being present", what);
    if (number->value > max)
        return SAY("the %s %u is above %u", what, number->value, max);
    return 0;
}

static int check_icmp(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    static const uint32_t with_types[] = {PROTOCOL_ICMP, PROTOCOL_ICMPV6};

    if (match->n_icmp > MATCH_LIST_MAX)
        return SAY("%zu ICMP types; %d are possible", match->n_icmp, MATCH_LIST_MAX);
    for (size_t i = 0; i < match->n_icmp; i++) {
        int r = check_number(match->icmp[i]->code, "ICMP code", 255, reterr_problem);

        if (r < 0)
            return r;
        if (match->icmp[i]->type > 255)
            return SAY("the ICMP type %u is above 255", match->icmp[i]->type);
        if (i > 0 && icmp_place(match->icmp[i - 1]) >= icmp_place(match->icmp[i]))
            return SAY("the ICMP types are not in ascending order");
    }
    if (match->n_icmp > 0 && !protocols_are_within(match, with_types, 2))
        return SAY("ICMP types need the protocol icmp or icmpv6, and no other");
    return 0;
}

static int check_flags(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    static const uint32_t with_flags[] = {PROTOCOL_TCP};
    const Picket__V1__TcpFlags *flags = match->tcp_flags;

    if (!flags)
        return 0;
    if (flags->mask == 0 || flags->mask > 255)
        return SAY("the mask of the TCP flags is %u; 1 to 255 are possible", flags->mask);
    if (flags->value & ~flags->mask)
        return SAY("TCP flags are asked for that their mask leaves out");
    if (!protocols_are_within(match, with_flags, 1))
        return SAY("TCP flags need the protocol tcp, and no other");
    return 0;
}

static int check_devices(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    if (match->n_devices > MATCH_LIST_MAX)
        return SAY("%zu devices; %d are possible", match->n_devices, MATCH_LIST_MAX);
    for (size_t i = 0; i < match->n_devices; i++) {
        const char *glob = match->devices[i];

        if (*glob == '\0' || strlen(glob) > LABEL_BYTES_MAX)
            return SAY("the device '%.40s' must have 1 to %d bytes", glob, LABEL_BYTES_MAX);
        if (!text_is_utf8(glob))
            return SAY("a device is not valid UTF-8");
        for (const char *c = glob; *c; c++)
            if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr(",\"\\", *c))
                return SAY(
                    "the device '%.40s' holds a space, a control character or one of , \" \\",
                    glob);
        if (i > 0 && strcmp(match->devices[i - 1], glob) >= 0)
            return SAY("the devices '%.40s' and '%.40s' are not in ascending order",
                match->devices[i - 1], glob);
    }
    return 0;
}

static int check_match_words(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    if ((uint32_t)match->to > PICKET__V1__TARGET__TARGET_OTHER)
        return SAY("unknown target %d", (int)match->to);
    if ((uint32_t)match->family > PICKET__V1__FAMILY__FAMILY_IPV6)
        return SAY("unknown family %d", (int)match->family);
    if ((uint32_t)match->fragment > PICKET__V1__FRAGMENT__FRAGMENT_LATER)
        return SAY("unknown kind of fragment %d", (int)match->fragment);
    if ((uint32_t)match->device_class > PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_CONTAINER)
        return SAY("unknown device class %d", (int)match->device_class);
    if (match->states > 3)
        return SAY("unknown connection states %u", match->states);
    return 0;
}

static int check_match(const Picket__V1__Match *match, struct problem *reterr_problem)
{
    static int (*const checks[])(const Picket__V1__Match *, struct problem *) = {check_match_words,
        check_families, check_protocols, check_ports, check_icmp, check_flags, check_devices};
    int r = 0;

    if (!match)
        return 0;
    if (picket__v1__match__get_packed_size(match) == 0)
        return SAY("an empty match is written; a rule for everything has none");
    for (size_t i = 0; r == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
        r = checks[i](match, reterr_problem);
    if (r == 0)
        r = check_number(match->vlan, "VLAN id", 4094, reterr_problem);
    if (r == 0)
        r = check_number(match->dscp, "DSCP", 63, reterr_problem);
    return r;
}

static int check_limit(const Picket__V1__Rule *rule, struct problem *reterr_problem)
{
    bool limits = rule->action == PICKET__V1__ACTION__ACTION_LIMIT;

    if (limits && !rule->limit)
        return SAY("the action limit needs a rate");
    if (!limits && rule->limit)
        return SAY("a rate needs the action limit");
    if (!limits)
        return 0;
    if (rule->limit->rate == 0)
        return SAY("the rate is 0; to let nothing through, use drop");
    if (rule->limit->source_prefix_v4 > 32 || rule->limit->source_prefix_v6 > 128)
        return SAY("the limit's source prefixes /%u and /%u are longer than an address",
            rule->limit->source_prefix_v4, rule->limit->source_prefix_v6);
    return 0;
}

static int check_rule_words(const Picket__V1__Rule *rule, struct problem *reterr_problem)
{
    int r = check_text(rule->name, "name", NAME_BYTES_MAX, reterr_problem);

    if (r == 0)
        r = check_text(rule->comment, "comment", COMMENT_BYTES_MAX, reterr_problem);
    if (r == 0)
        r = check_text(rule->owner, "owner", NAME_BYTES_MAX, reterr_problem);
    if (r < 0)
        return r;
    if (rule->action == PICKET__V1__ACTION__ACTION_NONE ||
        (uint32_t)rule->action > PICKET__V1__ACTION__ACTION_LOG)
        return SAY("a rule needs an action: allow, drop, reject, limit or log");
    if ((uint32_t)rule->direction > PICKET__V1__DIRECTION__DIRECTION_OUT)
        return SAY("unknown direction %d", (int)rule->direction);
    if ((uint32_t)rule->mode > PICKET__V1__MODE__MODE_SHADOW)
        return SAY("unknown mode %d", (int)rule->mode);
    if (rule->priority > RULE_PRIORITY_MAX)
        return SAY("the priority %u is above %d", rule->priority, RULE_PRIORITY_MAX);
    if (rule->valid_until != 0 && rule->valid_from >= rule->valid_until)
        return SAY("the rule ends before it begins");
    return 0;
}

int rule_check(const Picket__V1__Rule *rule, struct problem *reterr_problem)
{
    int r = check_rule_words(rule, reterr_problem);

    if (r == 0)
        r = check_limit(rule, reterr_problem);
    if (r == 0)
        r = check_match(rule->match, reterr_problem);
    return r == 0 ? scope_check(rule->scope, reterr_problem) : r;
}

int set_check(const Picket__V1__Set *set, struct problem *reterr_problem)
{
    int r;

    if (*set->name == '\0')
        return SAY("a set needs a name");
    r = check_text(set->name, "name", NAME_BYTES_MAX, reterr_problem);
    if (r == 0)
        r = check_text(set->comment, "comment", COMMENT_BYTES_MAX, reterr_problem);
    if (r == 0)
        r = check_text(set->owner, "owner", NAME_BYTES_MAX, reterr_problem);
    if (r == 0 && (uint32_t)set->kind > PICKET__V1__SET_KIND__SET_KIND_BAN)
        return SAY("unknown kind of set %d", (int)set->kind);
    return r == 0 ? scope_check(set->scope, reterr_problem) : r;
}

void rule_free(Picket__V1__Rule *rule)
{
    if (rule)
        picket__v1__rule__free_unpacked(rule, NULL);
}
