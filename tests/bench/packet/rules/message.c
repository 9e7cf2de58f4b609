/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/message.h"
#include "bpf/fw_abi.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132
#define CHUNKS_MAX 65536

/* Takes memory until there is none, and says so at the end. */
struct writer {
    struct messages *messages;
    struct problem *reterr_problem;
    bool is_short;
};

static void *take(struct writer *writer, size_t bytes)
{
    static _Alignas(16) uint8_t nothing[1024];
    void *memory = arena_take(&writer->messages->arena, bytes);

    if (memory)
        return memory;
    writer->is_short = true;
    return nothing;
}

static void id_of(uint32_t number, uint8_t ret_id[OP_REF_BYTES])
{
    memset(ret_id, 0, OP_REF_BYTES);
    put_be32(ret_id, number);
}

/* ---- a match, field by field */

static bool asks_ports(uint16_t first, uint16_t last)
{
    return first > 0 || last < 0xffff;
}

static Picket__V1__Number *number(struct writer *writer, uint32_t value)
{
    Picket__V1__Number *number = take(writer, sizeof(*number));

    picket__v1__number__init(number);
    number->value = value;
    number->present = true;
    return number;
}

static Picket__V1__Addresses *literal(
    struct writer *writer, const uint8_t *address, uint8_t family, uint8_t length)
{
    Picket__V1__Addresses *side = take(writer, sizeof(*side));
    Picket__V1__Prefix *prefix = take(writer, sizeof(*prefix));

    picket__v1__addresses__init(side);
    picket__v1__prefix__init(prefix);
    prefix->address.len = family == FW_IPV4 ? 4 : 16;
    prefix->address.data = take(writer, 16);
    memcpy(prefix->address.data, address, prefix->address.len);
    prefix->length = length;
    side->n_prefixes = 1;
    side->prefixes = take(writer, sizeof(*side->prefixes));
    side->prefixes[0] = prefix;
    return side;
}

static Picket__V1__Addresses *set_reference(struct writer *writer, uint8_t set)
{
    Picket__V1__Addresses *side = take(writer, sizeof(*side));

    picket__v1__addresses__init(side);
    side->set.len = OP_REF_BYTES;
    side->set.data = take(writer, OP_REF_BYTES);
    id_of(set, side->set.data);
    return side;
}

static Picket__V1__Addresses *side_of(
    struct writer *writer, const struct bench_rule *rule, bool is_target)
{
    uint8_t set = is_target ? rule->target_set : rule->source_set;
    uint8_t length = is_target ? rule->target_length : rule->source_length;
    bool is_negated = rule->flags & (is_target ? BENCH_NOT_TARGET : BENCH_NOT_SOURCE);
    Picket__V1__Addresses *side;

    if (set == BENCH_ANY && length == 0 && !is_negated)
        return NULL;
    if (set != BENCH_ANY)
        side = set_reference(writer, set);
    else
        side = literal(writer, is_target ? rule->target : rule->source, rule->family, length);
    side->negate = is_negated;
    return side;
}

static void put_protocols(
    struct writer *writer, const struct bench_rule *rule, Picket__V1__Match *match)
{
    static const uint32_t with_ports[] = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP};

    if (!rule->protocol_mask && !asks_ports(rule->source_first, rule->source_last) &&
        !asks_ports(rule->target_first, rule->target_last))
        return;
    match->n_protocols = rule->protocol_mask ? 1 : 3;
    match->protocols = take(writer, sizeof(with_ports));
    memcpy(match->protocols, with_ports, sizeof(with_ports));
    if (rule->protocol_mask)
        match->protocols[0] = rule->protocol;
}

static void put_range(struct writer *writer, uint16_t first, uint16_t last, size_t *ret_count,
    Picket__V1__PortRange ***ret_ranges)
{
    Picket__V1__PortRange *range;

    if (!asks_ports(first, last))
        return;
    range = take(writer, sizeof(*range));
    picket__v1__port_range__init(range);
    range->first = first;
    range->last = last;
    *ret_ranges = take(writer, sizeof(**ret_ranges));
    (*ret_ranges)[0] = range;
    *ret_count = 1;
}

static int put_icmp(struct writer *writer, const struct bench_rule *rule, Picket__V1__Match *match)
{
    bool has_code = asks_ports(rule->target_first, rule->target_last);
    Picket__V1__Icmp *icmp = take(writer, sizeof(*icmp));

    if (rule->source_first != rule->source_last ||
        (has_code && rule->target_first != rule->target_last) || rule->source_last > 255)
        return problem_say(writer->reterr_problem, -EINVAL,
            "object %u: a message has no ranges of ICMP types", rule->object);
    picket__v1__icmp__init(icmp);
    icmp->type = rule->source_first;
    if (has_code)
        icmp->code = number(writer, rule->target_first);
    match->n_icmp = 1;
    match->icmp = take(writer, sizeof(*match->icmp));
    match->icmp[0] = icmp;
    return 0;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_SCTP;
}

static int put_ports(struct writer *writer, const struct bench_rule *rule, Picket__V1__Match *match)
{
    uint8_t icmp = rule->family == FW_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;

    if (!asks_ports(rule->source_first, rule->source_last) &&
        !asks_ports(rule->target_first, rule->target_last))
        return 0;
    if (rule->protocol_mask && rule->protocol == icmp)
        return put_icmp(writer, rule, match);
    if (rule->protocol_mask && !has_ports(rule->protocol))
        return problem_say(writer->reterr_problem, -EINVAL,
            "object %u: protocol %u has no ports in a message", rule->object, rule->protocol);
    put_range(writer, rule->source_first, rule->source_last, &match->n_source_ports,
        &match->source_ports);
    put_range(writer, rule->target_first, rule->target_last, &match->n_destination_ports,
        &match->destination_ports);
    return 0;
}

static void put_small_fields(
    struct writer *writer, const struct bench_rule *rule, Picket__V1__Match *match)
{
    match->to = (Picket__V1__Target)rule->to;
    match->device_class = (Picket__V1__DeviceClass)rule->device_class;
    match->fragment = (Picket__V1__Fragment)rule->fragment;
    if (rule->tcp_flags_mask) {
        match->tcp_flags = take(writer, sizeof(*match->tcp_flags));
        picket__v1__tcp_flags__init(match->tcp_flags);
        match->tcp_flags->mask = rule->tcp_flags_mask;
        match->tcp_flags->value = rule->tcp_flags;
    }
    if (rule->vlan != BENCH_VLAN_ANY)
        match->vlan = number(writer, rule->vlan);
    if (rule->dscp != BENCH_ANY)
        match->dscp = number(writer, rule->dscp);
    if (rule->glob != BENCH_ANY) {
        match->n_devices = 1;
        match->devices = take(writer, sizeof(*match->devices));
        match->devices[0] = (char *)bench_globs[rule->glob];
    }
}

static int write_match(
    struct writer *writer, const struct bench_rule *rule, Picket__V1__Match **ret_match)
{
    Picket__V1__Match *match = take(writer, sizeof(*match));

    picket__v1__match__init(match);
    match->family =
        rule->family == FW_IPV4 ? PICKET__V1__FAMILY__FAMILY_IPV4 : PICKET__V1__FAMILY__FAMILY_IPV6;
    match->source = side_of(writer, rule, false);
    match->destination = side_of(writer, rule, true);
    put_protocols(writer, rule, match);
    put_small_fields(writer, rule, match);
    *ret_match = match;
    return put_ports(writer, rule, match);
}

/* ---- objects */

static void start_object(struct messages *messages, uint32_t place, enum object_kind kind)
{
    struct ledger_object *object = &messages->objects[place];

    object->kind = kind;
    object->heads_count = 1;
    id_of(place, object->id);
    id_of(place, object->winner);
}

static int write_rule(struct writer *writer, const struct bench_rule *rule, uint32_t index)
{
    struct messages *messages = writer->messages;
    uint32_t place = messages->sets_count + rule->object;
    Picket__V1__Rule *message = take(writer, sizeof(*message));

    picket__v1__rule__init(message);
    message->priority = rule->priority;
    message->action = (Picket__V1__Action)rule->action;
    message->direction = PICKET__V1__DIRECTION__DIRECTION_IN;
    if (rule->flags & BENCH_SHADOW)
        message->mode = PICKET__V1__MODE__MODE_SHADOW;
    start_object(messages, place, OBJECT_RULE);
    messages->objects[place].of.rule = message;
    messages->rules_by_object[rule->object] = index;
    return write_match(writer, rule, &message->match);
}

static int encode_set(const struct bench_set *set, struct buffer *ret_content)
{
    struct set_element *elements = calloc((size_t)set->count + 1, sizeof(*elements));
    int r;

    if (!elements)
        return -ENOMEM;
    for (uint32_t i = 0; i < set->count; i++) {
        memcpy(elements[i].address, set->prefixes[i].address, 16);
        elements[i].is_v6 = set->prefixes[i].family == FW_IPV6;
        elements[i].length = set->prefixes[i].length;
    }
    r = set_content_encode(elements, set_content_canonical(elements, set->count), ret_content);
    free(elements);
    return r;
}

/* Cuts the content into chunks, which are named by their numbers. */
static int write_chunks(struct writer *writer, struct bytes content, Picket__V1__Manifest *manifest)
{
    struct messages *messages = writer->messages;
    size_t count = (content.len + CHUNK_BYTES - 1) / CHUNK_BYTES;

    manifest->content_len = content.len;
    manifest->n_chunks = count;
    manifest->chunks = take(writer, (count + 1) * sizeof(*manifest->chunks));
    if (writer->is_short || messages->chunks_count + count > CHUNKS_MAX)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t left = content.len - i * CHUNK_BYTES;
        uint32_t chunk = messages->chunks_count++;

        manifest->chunks[i].data = take(writer, HASH_BYTES);
        manifest->chunks[i].len = HASH_BYTES;
        put_be32(manifest->chunks[i].data, chunk);
        if (buffer_append(&messages->chunks[chunk], content.at + i * CHUNK_BYTES,
                left < CHUNK_BYTES ? left : CHUNK_BYTES) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int write_set(struct writer *writer, const struct bench_set *set, uint32_t index)
{
    struct ledger_object *object = &writer->messages->objects[index];
    Picket__V1__Set *message = take(writer, sizeof(*message));
    Picket__V1__Manifest *manifest = take(writer, sizeof(*manifest));
    struct buffer content = {0};
    char name[16];
    int r;

    picket__v1__set__init(message);
    picket__v1__manifest__init(manifest);
    (void)snprintf(name, sizeof(name), "set%u", index);
    message->name = arena_text(&writer->messages->arena, name, strlen(name));
    for (uint32_t i = 0; i < set->count; i++) {
        manifest->elements_v4 += set->prefixes[i].family == FW_IPV4;
        manifest->elements_v6 += set->prefixes[i].family == FW_IPV6;
    }
    start_object(writer->messages, index, OBJECT_SET);
    object->of.set = message;
    object->manifest = manifest;
    r = message->name ? encode_set(set, &content) : -ENOMEM;
    if (r == 0)
        r = write_chunks(writer, buffer_bytes(&content), manifest);
    buffer_fini(&content);
    return r;
}

static int write_all(struct writer *writer, const struct bench_rules *rules)
{
    struct messages *messages = writer->messages;
    int r = 0;

    messages->sets_count = rules->sets_count;
    messages->rules_count = rules->count;
    messages->objects_count = rules->sets_count + rules->count;
    messages->objects = calloc((size_t)messages->objects_count + 1, sizeof(*messages->objects));
    messages->rules_by_object =
        calloc((size_t)rules->count + 1, sizeof(*messages->rules_by_object));
    messages->chunks = calloc(rules->sets_count ? CHUNKS_MAX : 1, sizeof(*messages->chunks));
    if (!messages->objects || !messages->rules_by_object || !messages->chunks)
        return -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < rules->sets_count; i++)
        r = write_set(writer, &rules->sets[i], i);
    for (uint32_t i = 0; r == 0 && !writer->is_short && i < rules->count; i++)
        r = write_rule(writer, &rules->rules[i], i);
    return writer->is_short ? -ENOMEM : r;
}

int messages_new(
    const struct bench_rules *rules, struct messages **ret_messages, struct problem *reterr_problem)
{
    struct messages *messages = calloc(1, sizeof(*messages));
    struct writer writer = {.messages = messages, .reterr_problem = reterr_problem};
    int r;

    if (!messages)
        return problem_say(reterr_problem, -ENOMEM, "memory is short");
    r = write_all(&writer, rules);
    if (r == -ENOMEM)
        (void)problem_say(reterr_problem, r, "memory is short");
    if (r < 0)
        messages_free(messages);
    else
        *ret_messages = messages;
    return r;
}

void messages_free(struct messages *messages)
{
    if (!messages)
        return;
    for (uint32_t i = 0; i < messages->chunks_count; i++)
        buffer_fini(&messages->chunks[i]);
    free(messages->chunks);
    free(messages->objects);
    free(messages->rules_by_object);
    arena_fini(&messages->arena);
    free(messages);
}

bool messages_chunk(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk)
{
    const struct messages *messages = user;
    uint32_t chunk = get_be32(hash);

    if (chunk >= messages->chunks_count)
        return false;
    *ret_chunk = buffer_bytes(&messages->chunks[chunk]);
    return true;
}

uint32_t messages_rule_of(const struct messages *messages, const uint8_t id[OP_REF_BYTES])
{
    uint32_t place = get_be32(id);

    if (place < messages->sets_count || place >= messages->objects_count)
        return BENCH_NO_RULE;
    return messages->rules_by_object[place - messages->sets_count];
}
