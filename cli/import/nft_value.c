/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import/nft_value.h"

#include "store/ledger/rule_text.h"

#include <string.h>

static const struct key_row {
    const char *words; /* two, or one */
    enum nft_key key;
    uint32_t protocol;
} rows[] = {{"ip saddr", NFT_SADDR, 0}, {"ip daddr", NFT_DADDR, 0}, {"ip6 saddr", NFT_SADDR6, 0},
    {"ip6 daddr", NFT_DADDR6, 0}, {"ip protocol", NFT_PROTOCOL, 0},
    {"meta l4proto", NFT_L4PROTO, 0}, {"tcp sport", NFT_SPORT, 6}, {"tcp dport", NFT_DPORT, 6},
    {"udp sport", NFT_SPORT, 17}, {"udp dport", NFT_DPORT, 17}, {"sctp sport", NFT_SPORT, 132},
    {"sctp dport", NFT_DPORT, 132}, {"th sport", NFT_SPORT, 0}, {"th dport", NFT_DPORT, 0},
    {"icmp type", NFT_TYPE, 0}, {"icmp code", NFT_CODE, 0}, {"icmpv6 type", NFT_TYPE6, 0},
    {"icmpv6 code", NFT_CODE6, 0}, {"ip dscp", NFT_DSCP, 0}, {"ip6 dscp", NFT_DSCP6, 0},
    {"meta nfproto", NFT_FAMILY, 0}, {"meta protocol", NFT_FAMILY, 0}, {"iifname", NFT_IN, 0},
    {"iif", NFT_IN, 0}, {"oifname", NFT_OUT, 0}, {"oif", NFT_OUT, 0}, {"meta iifname", NFT_IN, 0},
    {"meta oifname", NFT_OUT, 0}, {"meta iif", NFT_IN, 0}, {"meta oif", NFT_OUT, 0},
    {"ct state", NFT_STATE, 0}, {"vlan id", NFT_VLAN, 0}, {"fib daddr", NFT_FIB, 0},
    {"tcp flags", NFT_FLAGS, 6}};

static bool key_read(struct lexer *lexer, enum nft_key *ret_key, uint32_t *ret_protocol)
{
    struct lexer start = *lexer;
    char words[64];

    if (lexer->now.kind != TOKEN_WORD || strlen(lexer->now.text) > 20)
        return false;
    strcpy(words, lexer->now.text);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            if (strcmp(rows[i].words, words) != 0)
                continue;
            *ret_key = rows[i].key;
            *ret_protocol = rows[i].protocol;
            lexer_next(lexer);
            if (rows[i].key == NFT_FIB && !lexer_take(lexer, "type"))
                break;
            return true;
        }
        if (pass == 1)
            break;
        lexer_next(lexer);
        if (lexer->now.kind != TOKEN_WORD || strlen(lexer->now.text) > 20)
            break;
        strcat(words, " ");
        strcat(words, lexer->now.text);
    }
    *lexer = start;
    return false;
}

bool nft_keys_read(struct lexer *lexer, struct nft_keys *ret_keys)
{
    struct lexer start = *lexer;

    *ret_keys = (struct nft_keys){0};
    do {
        if (ret_keys->count == NFT_KEYS_MAX || !key_read(lexer, &ret_keys->at[ret_keys->count],
                                                   &ret_keys->protocols[ret_keys->count])) {
            *lexer = start;
            return false;
        }
        ret_keys->count++;
    } while (lexer_take(lexer, "."));
    return true;
}

/* ---- values */

static bool range_read(const char *text, uint32_t max, struct span *ret_span)
{
    const char *dash = strchr(text, '-');
    char first[16];
    uint32_t low, high;

    if (!dash) {
        if (!number_read(text, max, &low))
            return false;
        *ret_span = (struct span){low, low};
        return true;
    }
    if (dash - text >= (long)sizeof(first))
        return false;
    memcpy(first, text, (size_t)(dash - text));
    first[dash - text] = '\0';
    if (!number_read(first, max, &low) || !number_read(dash + 1, max, &high) || high < low)
        return false;
    *ret_span = (struct span){low, high};
    return true;
}

static bool port_read(const char *text, struct span *ret_span)
{
    static const struct word names[] = {{"ssh", 22}, {"domain", 53}, {"http", 80}, {"https", 443},
        {"smtp", 25}, {"ntp", 123}, {"bootps", 67}, {"bootpc", 68}, {"imaps", 993},
        {"submission", 587}, {"snmp", 161}, {"ftp", 21}};
    const struct word *name = word_find((struct words){names, 12}, text, strlen(text));

    if (name)
        *ret_span = (struct span){name->value, name->value};
    return name || range_read(text, 65535, ret_span);
}

static bool dscp_read(const char *text, struct span *ret_span)
{
    uint32_t number;
    static const struct word names[] = {{"cs0", 0}, {"cs1", 8}, {"cs2", 16}, {"cs3", 24},
        {"cs4", 32}, {"cs5", 40}, {"cs6", 48}, {"cs7", 56}, {"af11", 10}, {"af12", 12},
        {"af13", 14}, {"af21", 18}, {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28},
        {"af33", 30}, {"af41", 34}, {"af42", 36}, {"af43", 38}, {"ef", 46}, {"be", 0}, {"df", 0},
        {"lephb", 1}};
    const struct word *name = word_find((struct words){names, 24}, text, strlen(text));

    if (!name && !number_read(text, 63, &number))
        return range_read(text, 63, ret_span);
    number = name ? name->value : number;
    *ret_span = (struct span){number, number};
    return true;
}

static bool protocol_span(const char *text, struct span *ret_span)
{
    uint32_t number;

    if (!protocol_read(text, &number))
        return range_read(text, 255, ret_span);
    *ret_span = (struct span){number, number};
    return true;
}

static bool word_span(const char *text, const struct word *list, size_t count, struct span *ret)
{
    const struct word *word = word_find((struct words){list, count}, text, strlen(text));

    if (word)
        *ret = (struct span){word->value, word->value};
    return word != NULL;
}

static bool address_span(const char *text, bool is_v6, struct span *ret_span)
{
    bool found_v6;

    return address_read(text, &found_v6, ret_span) && found_v6 == is_v6;
}

static bool span_read(enum nft_key key, const char *text, struct span *ret)
{
    static const struct word families[] = {
        {"ipv4", FAMILY_V4}, {"ip", FAMILY_V4}, {"ipv6", FAMILY_V6}, {"ip6", FAMILY_V6}};
    static const struct word states[] = {
        {"new", 1}, {"established", 2}, {"related", 4}, {"untracked", 8}};
    static const struct word types[] = {{"local", TO_SELF}};
    struct span code;

    switch (key) {
    case NFT_SADDR:
    case NFT_DADDR:
        return address_span(text, false, ret);
    case NFT_SADDR6:
    case NFT_DADDR6:
        return address_span(text, true, ret);
    case NFT_PROTOCOL:
    case NFT_L4PROTO:
        return protocol_span(text, ret);
    case NFT_SPORT:
    case NFT_DPORT:
        return port_read(text, ret);
    case NFT_TYPE:
    case NFT_TYPE6:
        return (icmp_read(text, key == NFT_TYPE6, ret, &code) && code.last == 255) ||
               range_read(text, 255, ret);
    case NFT_CODE:
    case NFT_CODE6:
        return range_read(text, 255, ret);
    case NFT_DSCP:
    case NFT_DSCP6:
        return dscp_read(text, ret);
    case NFT_VLAN:
        return range_read(text, 4094, ret) && ret->first == ret->last;
    case NFT_FAMILY:
        return word_span(text, families, 4, ret);
    case NFT_STATE:
        return word_span(text, states, 4, ret);
    case NFT_FIB:
        return word_span(text, types, 1, ret);
    default:
        return false;
    }
}

void nft_value_add(
    struct alternatives *all, struct nft_values *values, enum nft_key key, const char *text)
{
    values->spans =
        import_room(all->in, values->spans, values->count, &values->capacity, sizeof(struct span));
    values->names =
        import_room(all->in, values->names, values->count, &values->names_capacity, sizeof(char *));
    values->names[values->count] = text;
    if (key == NFT_IN || key == NFT_OUT) {
        const char *why = device_check(text);

        if (why)
            alternatives_fail(all, "%s", why);
        else if (text[0] >= '0' && text[0] <= '9')
            alternatives_fail(all, "the device number %.20s has no name here", text);
    } else if (!span_read(key, text, &values->spans[values->count])) {
        alternatives_fail(all, "the value '%.60s' cannot be imported", text);
    }
    values->count++;
}

/* ---- values onto the match */

static uint8_t bits_of(const struct nft_values *values)
{
    uint8_t bits = 0;

    for (uint32_t i = 0; i < values->count; i++)
        bits |= (uint8_t)values->spans[i].first;
    return bits;
}

static void apply_states(struct alternatives *all, uint8_t bits, bool is_not)
{
    if (is_not)
        alternatives_fail(all, "a connection state that must not be cannot be expressed");
    if ((bits & 4) && !(bits & 2))
        alternatives_fail(all, "related without established has no equal in Picket");
    if ((bits & 8) && !(bits & 1))
        alternatives_fail(all, "untracked without new has no equal in Picket");
    if (bits & 3)
        alternatives_states(all, bits & 3);
}

static void apply_devices(
    struct alternatives *all, bool is_out, const struct nft_values *values, bool is_not)
{
    struct devices *devices =
        import_take(all->in, sizeof(*devices) + (values->count + 1) * sizeof(char *));
    struct match match;

    match_init(&match, FAMILY_BOTH);
    match.is_out = is_out;
    for (uint32_t i = 0; i < values->count; i++)
        if (strcmp(values->names[i], "*") == 0)
            return;
        else if (!is_not || strcmp(values->names[i], "lo") != 0)
            devices->at[devices->count++] = values->names[i];
    if (!is_not)
        match.devices = devices;
    else if (all->except && devices->count)
        alternatives_fail(all, "two devices that are excluded at once cannot be expressed");
    else if (devices->count)
        all->except = devices;
    alternatives_and(all, &match, 1);
}

static void apply_port(struct alternatives *all, const struct nft_keys *keys, uint32_t index,
    const struct spans *spans, bool is_not)
{
    if (keys->protocols[index])
        alternatives_protocol(all, keys->protocols[index], false);
    alternatives_field(
        all, keys->at[index] == NFT_SPORT ? FIELD_SPORT : FIELD_DPORT, spans, is_not);
    alternatives_fragments(all, FRAGMENT_WHOLE | FRAGMENT_BEGIN);
}

static void apply_icmp(
    struct alternatives *all, enum nft_key key, const struct spans *spans, bool is_not)
{
    bool is_v6 = key == NFT_TYPE6 || key == NFT_CODE6;

    alternatives_family(all, is_v6 ? FAMILY_V6 : FAMILY_V4);
    alternatives_protocol(all, is_v6 ? 58 : 1, false);
    alternatives_field(
        all, key == NFT_TYPE || key == NFT_TYPE6 ? FIELD_TYPE : FIELD_CODE, spans, is_not);
}

static void apply_bits(
    struct alternatives *all, enum nft_key key, const struct nft_values *values, bool is_not)
{
    uint8_t bits = bits_of(values);
    struct match match;

    match_init(&match, FAMILY_BOTH);
    if (key == NFT_STATE) {
        apply_states(all, bits, is_not);
    } else if (key == NFT_FAMILY) {
        alternatives_family(all, is_not ? FAMILY_BOTH & ~bits : bits);
    } else if (key == NFT_FIB) {
        alternatives_targets(all, is_not ? TO_OTHER : TO_SELF);
    } else if (is_not || values->count > 1) {
        alternatives_fail(all, "more or other than one VLAN cannot be expressed");
    } else {
        match.vlan = (int32_t)values->spans[0].first;
        alternatives_and(all, &match, 1);
    }
}

void nft_apply(struct alternatives *all, const struct nft_keys *keys, uint32_t index,
    const struct nft_values *values, bool is_not)
{
    enum nft_key key = keys->at[index];
    const struct spans *spans;

    if (all->why)
        return;
    if (values->count == 0 && !is_not) {
        all->count = 0;
        return;
    }
    if (key == NFT_IN || key == NFT_OUT) {
        apply_devices(all, key == NFT_OUT, values, is_not);
        return;
    }
    if (key == NFT_STATE || key == NFT_FAMILY || key == NFT_FIB || key == NFT_VLAN) {
        apply_bits(all, key, values, is_not);
        return;
    }
    spans = spans_of(all->in, values->spans, values->count);
    if (key <= NFT_DADDR6) {
        alternatives_address(all,
            key == NFT_SADDR || key == NFT_SADDR6 ? FIELD_SOURCE : FIELD_TARGET, key >= NFT_SADDR6,
            spans, is_not);
    } else if (key == NFT_SPORT || key == NFT_DPORT) {
        apply_port(all, keys, index, spans, is_not);
    } else if (key >= NFT_TYPE && key <= NFT_CODE6) {
        apply_icmp(all, key, spans, is_not);
    } else {
        if (key == NFT_PROTOCOL || key == NFT_DSCP)
            alternatives_family(all, FAMILY_V4);
        if (key == NFT_DSCP6)
            alternatives_family(all, FAMILY_V6);
        alternatives_field(
            all, key == NFT_DSCP || key == NFT_DSCP6 ? FIELD_DSCP : FIELD_PROTOCOL, spans, is_not);
    }
}
