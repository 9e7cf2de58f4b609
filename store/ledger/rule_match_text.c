/* SPDX-License-Identifier: Apache-2.0 */
/* rule_match_text.c - the clauses of a rule's match: lists become sorted, without repeats. */
#include "base/limits.h"
#include "store/ledger/rule_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static Picket__V1__Match *match_of(struct reader *reader)
{
    Picket__V1__Match *match = reader->rule->match;

    if (!match && (match = calloc(1, sizeof(*match)))) {
        picket__v1__match__init(match);
        reader->rule->match = match;
    }
    return match;
}

/* The list with room for one more; NULL with a sentence. Lists are made with room for
 * MATCH_LIST_MAX. */
static void *list_room(struct reader *reader, void *list, size_t count, size_t item_size)
{
    if (count == MATCH_LIST_MAX) {
        (void)SAY(
            reader, "a list has more than %d items; for addresses, use a set", MATCH_LIST_MAX);
        return NULL;
    }
    if (!list && !(list = calloc(MATCH_LIST_MAX, item_size)))
        (void)NO_MEMORY(reader);
    return list;
}

/* The code of the sentence that list_room() left. */
static int room_failure(const struct reader *reader)
{
    return reader->notes->error_at == SIZE_MAX ? -ENOMEM : -EINVAL;
}

/* Puts an item in its ascending place. False if its equal is there. */
static bool list_insert(void *list, size_t *count, size_t item_size, const void *item,
    int (*compare)(const void *, const void *))
{
    char *at = (char *)list + *count * item_size;

    while (at > (char *)list && compare(at - item_size, item) > 0)
        at -= item_size;
    if (at > (char *)list && compare(at - item_size, item) == 0)
        return false;
    memmove(at + item_size, at, (size_t)((char *)list + *count * item_size - at));
    memcpy(at, item, item_size);
    (*count)++;
    return true;
}

/* ---- addresses */

static int compare_prefixes(const void *a, const void *b)
{
    const Picket__V1__Prefix *left = *(Picket__V1__Prefix *const *)a,
                             *right = *(Picket__V1__Prefix *const *)b;
    int order = (left->address.len > right->address.len) - (left->address.len < right->address.len);

    if (order == 0)
        order = memcmp(left->address.data, right->address.data, left->address.len);
    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

static Picket__V1__Addresses *side_of(struct reader *reader)
{
    Picket__V1__Match *match = match_of(reader);
    Picket__V1__Addresses **side;

    if (!match)
        return NULL;
    side = reader->is_source_side ? &match->source : &match->destination;
    if (!*side && (*side = calloc(1, sizeof(**side))))
        picket__v1__addresses__init(*side);
    return *side;
}

static Picket__V1__Prefix *prefix_new(const uint8_t *address, bool is_v6, uint8_t length)
{
    Picket__V1__Prefix *prefix = calloc(1, sizeof(*prefix));

    if (!prefix)
        return NULL;
    picket__v1__prefix__init(prefix);
    prefix->address.len = is_v6 ? 16 : 4;
    prefix->address.data = bytes_copy(address, prefix->address.len);
    prefix->length = length;
    if (!prefix->address.data) {
        free(prefix);
        return NULL;
    }
    return prefix;
}

static int read_prefix(struct reader *reader, char *item)
{
    Picket__V1__Addresses *side = side_of(reader);
    Picket__V1__Prefix *prefix;
    uint8_t address[16], length;
    bool is_v6;
    int r;

    if (!side)
        return NO_MEMORY(reader);
    if (*item == '@')
        return SAY(reader, "'%.60s': a set stands alone, not in a list", item);
    r = prefix_parse(item, address, &is_v6, &length, reader->problem);
    if (r < 0) {
        mark(reader);
        return r;
    }
    void *list = list_room(reader, side->prefixes, side->n_prefixes, sizeof(prefix));

    if (!list)
        return room_failure(reader);
    side->prefixes = list;
    prefix = prefix_new(address, is_v6, length);
    if (!prefix)
        return NO_MEMORY(reader);
    if (!list_insert(side->prefixes, &side->n_prefixes, sizeof(prefix), &prefix, compare_prefixes))
        picket__v1__prefix__free_unpacked(prefix, NULL);
    return 0;
}

/* The id of the set at hand (behind its @): by hex digits, by place in the same entry, or by name.
 */
static int set_id(
    struct reader *reader, const char *name, uint8_t id[OP_REF_BYTES], size_t *ret_len)
{
    uint64_t index;
    int r;

    *ret_len = OP_REF_BYTES;
    if (!*name)
        return SAY(reader, "the name of a set is expected behind '@'");
    if (!reader->set_find)
        return SAY(reader, "'@%.60s': a set cannot be used here", name);
    if (!reader->is_quoted && *name == '#') {
        if (number_parse(name + 1, strlen(name + 1), UINT32_MAX, &index) < 0)
            return SAY(reader, "'@%.60s': a number is expected behind '@#'", name);
        put_be32(id, (uint32_t)index);
        *ret_len = 4;
        return 0;
    }
    if (!reader->is_quoted && hex_parse(name, id, OP_REF_BYTES) == 0)
        return 0;
    r = reader->set_find(reader->user, name, id, reader->problem);
    if (r < 0)
        mark(reader);
    return r;
}

static int read_set(struct reader *reader)
{
    Picket__V1__Addresses *side = side_of(reader);
    uint8_t id[OP_REF_BYTES];
    size_t len;
    int r;

    if (!side)
        return NO_MEMORY(reader);
    r = set_id(reader, reader->word + 1, id, &len);
    if (r < 0)
        return r;
    side->set.data = bytes_copy(id, len);
    if (!side->set.data)
        return NO_MEMORY(reader);
    side->set.len = len;
    return 0;
}

/* [not] ADDRESS,... | [not] @SET, the first word at hand and taken. */
static int read_side(struct reader *reader)
{
    bool negate = strcmp(reader->word, "not") == 0 || strcmp(reader->word, "!") == 0;
    int r = negate ? reader_value(reader, "an address or @SET") : 0;

    if (r < 0)
        return r;
    r = *reader->word == '@' ? read_set(reader) : reader_items(reader, reader->word, read_prefix);
    if (r < 0)
        return r;
    side_of(reader)->negate = negate;
    return 0;
}

int reader_from(struct reader *reader)
{
    int r = reader_value(reader, "an address, @SET, not or any");

    reader->is_source_side = true;
    if (r < 0 || strcmp(reader->word, "any") == 0)
        return r;
    return read_side(reader);
}

/* `to self` and `to ADDRESS` may both stand: both must hold. */
int reader_to(struct reader *reader)
{
    int r = reader_value(reader, "self, other, an address, @SET, not or any");
    const struct word *target;

    if (r < 0 || strcmp(reader->word, "any") == 0)
        return r;
    target = word_find(rule_targets, reader->word, strlen(reader->word));
    if (!target && reader->has_to_addresses)
        return SAY(reader, "'%.60s': a second list of destinations; put all into one, by commas",
            reader->word);
    if (!target) {
        reader->has_to_addresses = true;
        return read_side(reader);
    }
    if (!match_of(reader))
        return NO_MEMORY(reader);
    if (reader->rule->match->to != PICKET__V1__TARGET__TARGET_ANY)
        return SAY(reader, "'%s': self or other stands already", reader->word);
    reader->rule->match->to = (Picket__V1__Target)target->value;
    return 0;
}

/* ---- ports, protocols, ICMP, flags */

struct port_list {
    Picket__V1__PortRange ***items;
    size_t *count;
};

static struct port_list ports_of(struct reader *reader)
{
    Picket__V1__Match *match = reader->rule->match;

    if (reader->is_source_side)
        return (struct port_list){&match->source_ports, &match->n_source_ports};
    return (struct port_list){&match->destination_ports, &match->n_destination_ports};
}

static int compare_ports(const void *a, const void *b)
{
    const Picket__V1__PortRange *left = *(Picket__V1__PortRange *const *)a,
                                *right = *(Picket__V1__PortRange *const *)b;

    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    return (left->last > right->last) - (left->last < right->last);
}

/* Overlapping ranges become one. */
static void merge_ports(struct port_list list)
{
    Picket__V1__PortRange **items = *list.items;
    size_t kept = 0;

    for (size_t i = 1; i < *list.count; i++) {
        if (items[i]->first > items[kept]->last) {
            items[++kept] = items[i];
            continue;
        }
        if (items[i]->last > items[kept]->last)
            items[kept]->last = items[i]->last;
        picket__v1__port_range__free_unpacked(items[i], NULL);
    }
    *list.count = kept + 1;
}

static int read_port(struct reader *reader, char *item)
{
    const char *dash = strchr(item, '-');
    size_t first_len = dash ? (size_t)(dash - item) : strlen(item);
    struct port_list list = ports_of(reader);
    Picket__V1__PortRange *range;
    uint64_t first, last;

    if (number_parse(item, first_len, 65535, &first) < 0)
        return SAY(reader, "'%.60s' is not a port such as 22 or a range such as 8000-8080", item);
    last = first;
    if (dash && number_parse(dash + 1, strlen(dash + 1), 65535, &last) < 0)
        return SAY(reader, "'%.60s' is not a range of ports such as 8000-8080", item);
    if (last < first)
        return SAY(reader, "the range of ports '%.60s' runs backwards", item);
    void *items = list_room(reader, *list.items, *list.count, sizeof(range));

    if (!items)
        return room_failure(reader);
    *list.items = items;
    range = calloc(1, sizeof(*range));
    if (!range)
        return NO_MEMORY(reader);
    picket__v1__port_range__init(range);
    range->first = (uint32_t)first;
    range->last = (uint32_t)last;
    if (!list_insert(items, list.count, sizeof(range), &range, compare_ports))
        free(range);
    return 0;
}

int reader_ports(struct reader *reader)
{
    int r;

    if (!match_of(reader))
        return NO_MEMORY(reader);
    if (*ports_of(reader).count > 0)
        return SAY(
            reader, "the %s ports stand twice", reader->is_source_side ? "source" : "destination");
    r = reader_list(reader, "a port or range of ports", read_port);
    if (r == 0)
        merge_ports(ports_of(reader));
    reader->is_source_side = false; /* `port` again is no longer directly behind `from` */
    return r;
}

int reader_source_ports(struct reader *reader)
{
    reader->is_source_side = true;
    return reader_ports(reader);
}

int reader_destination_ports(struct reader *reader)
{
    reader->is_source_side = false;
    return reader_ports(reader);
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static int read_protocol(struct reader *reader, char *item)
{
    const struct word *word = word_find(rule_protocols, item, strlen(item));
    Picket__V1__Match *match = match_of(reader);
    uint64_t number;
    uint32_t protocol;

    if (!match)
        return NO_MEMORY(reader);
    if (!word && number_parse(item, strlen(item), 255, &number) < 0)
        return SAY(reader,
            "'%.60s' is not a protocol: expected tcp, udp, sctp, icmp, icmpv6 or a number to 255",
            item);
    protocol = word ? word->value : (uint32_t)number;
    void *list = list_room(reader, match->protocols, match->n_protocols, sizeof(protocol));

    if (!list)
        return room_failure(reader);
    match->protocols = list;
    (void)list_insert(
        match->protocols, &match->n_protocols, sizeof(protocol), &protocol, compare_numbers);
    return 0;
}

int reader_protocols(struct reader *reader)
{
    return reader_list(reader, "a protocol", read_protocol);
}

static const struct word icmp_names[] = {{"echo-reply", 0}, {"destination-unreachable", 3},
    {"redirect", 5}, {"echo-request", 8}, {"time-exceeded", 11}, {"parameter-problem", 12}};
static const struct word icmpv6_names[] = {{"destination-unreachable", 1}, {"packet-too-big", 2},
    {"time-exceeded", 3}, {"parameter-problem", 4}, {"echo-request", 128}, {"echo-reply", 129}};

/* Names mean different numbers in the two families, so they need exactly one protocol before them.
 */
static int icmp_type(struct reader *reader, const char *item, size_t len, uint64_t *ret_type)
{
    const Picket__V1__Match *match = reader->rule->match;
    bool is_one = match->n_protocols == 1;
    const struct word *name = NULL;

    if (number_parse(item, len, 255, ret_type) == 0)
        return 0;
    if (is_one && match->protocols[0] == 1)
        name = word_find((struct words){icmp_names, 6}, item, len);
    else if (is_one && match->protocols[0] == 58)
        name = word_find((struct words){icmpv6_names, 6}, item, len);
    if (!name)
        return SAY(reader,
            "'%.60s' is not an ICMP type: a number to 255, or behind icmp or icmpv6 a name such as "
            "echo-request",
            item);
    *ret_type = name->value;
    return 0;
}

static int compare_icmp(const void *a, const void *b)
{
    const Picket__V1__Icmp *left = *(Picket__V1__Icmp *const *)a,
                           *right = *(Picket__V1__Icmp *const *)b;
    int left_code = left->code ? (int)left->code->value : -1,
        right_code = right->code ? (int)right->code->value : -1;

    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    return (left_code > right_code) - (left_code < right_code);
}

static Picket__V1__Number *number_new(uint64_t number)
{
    Picket__V1__Number *made = calloc(1, sizeof(*made));

    if (made) {
        picket__v1__number__init(made);
        made->value = (uint32_t)number;
        made->present = 1;
    }
    return made;
}

static Picket__V1__Icmp *icmp_new(uint64_t type, bool has_code, uint64_t code)
{
    Picket__V1__Icmp *icmp = calloc(1, sizeof(*icmp));

    if (!icmp)
        return NULL;
    picket__v1__icmp__init(icmp);
    icmp->type = (uint32_t)type;
    if (has_code && !(icmp->code = number_new(code))) {
        free(icmp);
        return NULL;
    }
    return icmp;
}

static int read_icmp(struct reader *reader, char *item)
{
    const char *slash = strchr(item, '/');
    Picket__V1__Match *match = match_of(reader);
    Picket__V1__Icmp *icmp;
    uint64_t type, code = 0;
    int r = icmp_type(reader, item, slash ? (size_t)(slash - item) : strlen(item), &type);

    if (r < 0)
        return r;
    if (slash && number_parse(slash + 1, strlen(slash + 1), 255, &code) < 0)
        return SAY(reader, "'%.60s': an ICMP code to 255 is expected behind the slash", item);
    void *list = list_room(reader, match->icmp, match->n_icmp, sizeof(icmp));

    if (!list)
        return room_failure(reader);
    match->icmp = list;
    icmp = icmp_new(type, slash != NULL, code);
    if (!icmp)
        return NO_MEMORY(reader);
    if (!list_insert(match->icmp, &match->n_icmp, sizeof(icmp), &icmp, compare_icmp))
        picket__v1__icmp__free_unpacked(icmp, NULL);
    return 0;
}

int reader_icmps(struct reader *reader)
{
    return match_of(reader) ? reader_list(reader, "an ICMP type", read_icmp) : NO_MEMORY(reader);
}

static int flag_bits(struct reader *reader, char *list, uint32_t *ret_bits)
{
    *ret_bits = 0;
    if (strcmp(list, "none") == 0)
        return 0;
    while (list) {
        char *comma = strchr(list, ',');
        size_t len = comma ? (size_t)(comma - list) : strlen(list);
        const struct word *flag = word_find(rule_flags, list, len);

        if (!flag)
            return SAY(reader, "'%.*s' is not a TCP flag: fin, syn, rst, psh, ack, urg, ece or cwr",
                (int)(len > 60 ? 60 : len), list);
        *ret_bits |= flag->value;
        list = comma ? comma + 1 : NULL;
    }
    return 0;
}

/* As in nft: the flags that are set, then those that are looked at. */
int reader_flags(struct reader *reader)
{
    int r = reader_value(reader, "TCP flags such as syn/syn,ack");
    Picket__V1__TcpFlags *flags;
    char *slash;

    if (r < 0)
        return r;
    if (!match_of(reader) || !(flags = calloc(1, sizeof(*flags))))
        return NO_MEMORY(reader);
    picket__v1__tcp_flags__init(flags);
    reader->rule->match->tcp_flags = flags;
    slash = strchr(reader->word, '/');
    if (!slash)
        return SAY(reader,
            "'%.60s' is not TCP flags such as syn/syn,ack: those set, a slash, those looked at",
            reader->word);
    *slash = '\0';
    r = flag_bits(reader, reader->word, &flags->value);
    return r == 0 ? flag_bits(reader, slash + 1, &flags->mask) : r;
}

/* ---- the rest of the match */

static int read_state(struct reader *reader, char *item)
{
    const struct word *state = word_find(rule_states, item, strlen(item));

    if (!state)
        return SAY(reader, "'%.60s' is not a connection state: new or established", item);
    reader->rule->match->states |= state->value;
    return 0;
}

int reader_states(struct reader *reader)
{
    return match_of(reader) ? reader_list(reader, "new or established", read_state)
                            : NO_MEMORY(reader);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_device(struct reader *reader, char *item)
{
    Picket__V1__Match *match = reader->rule->match;
    void *list = list_room(reader, match->devices, match->n_devices, sizeof(char *));
    char *copy;

    if (!list)
        return room_failure(reader);
    match->devices = list;
    copy = strdup(item);
    if (!copy)
        return NO_MEMORY(reader);
    if (!list_insert(match->devices, &match->n_devices, sizeof(copy), &copy, compare_texts))
        free(copy);
    return 0;
}

int reader_devices(struct reader *reader)
{
    return match_of(reader) ? reader_list(reader, "a device such as eth0 or wg*", read_device)
                            : NO_MEMORY(reader);
}

int reader_class(struct reader *reader)
{
    uint32_t found;
    int r = reader_choice(
        reader, "a class of devices: external, internal or container", rule_classes, &found);

    if (r < 0 || !match_of(reader))
        return r < 0 ? r : NO_MEMORY(reader);
    reader->rule->match->device_class = (Picket__V1__DeviceClass)found;
    return 0;
}

int reader_family(struct reader *reader)
{
    uint32_t found;
    int r = reader_choice(reader, "a family: ipv4 or ipv6", rule_families, &found);

    if (r < 0 || !match_of(reader))
        return r < 0 ? r : NO_MEMORY(reader);
    reader->rule->match->family = (Picket__V1__Family)found;
    return 0;
}

int reader_fragment(struct reader *reader)
{
    uint32_t found;
    int r =
        reader_choice(reader, "a kind of fragment: none, first or later", rule_fragments, &found);

    if (r < 0 || !match_of(reader))
        return r < 0 ? r : NO_MEMORY(reader);
    reader->rule->match->fragment = (Picket__V1__Fragment)found;
    return 0;
}

static int read_number(
    struct reader *reader, const char *expected, uint64_t max, Picket__V1__Number **ret_number)
{
    uint64_t number;
    int r = reader_number(reader, expected, max, &number);

    if (r < 0)
        return r;
    *ret_number = number_new(number);
    return *ret_number ? 0 : NO_MEMORY(reader);
}

int reader_vlan(struct reader *reader)
{
    return match_of(reader) ? read_number(reader, "a VLAN id from 0 (untagged) to 4094", 4094,
                                  &reader->rule->match->vlan)
                            : NO_MEMORY(reader);
}

int reader_dscp(struct reader *reader)
{
    return match_of(reader)
               ? read_number(reader, "a DSCP from 0 to 63", 63, &reader->rule->match->dscp)
               : NO_MEMORY(reader);
}
