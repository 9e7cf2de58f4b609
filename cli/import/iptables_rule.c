/* SPDX-License-Identifier: Apache-2.0 */
/* iptables_rule.c - options of matches by one table, then the target. */
#include "cli/import/iptables_rule.h"

#include "cli/import/alternatives.h"
#include "store/ledger/rule_text.h"

#include <stddef.h>
#include <string.h>

struct reader {
    struct importing *in;
    struct chain *chain;
    char **words;
    uint32_t count, at;
    bool is_not;
    const char *target;
    bool is_goto, has_limit;
    uint64_t rate, burst;
    const char *comment;
    struct alternatives all;
};

#define FAIL(reader, ...) alternatives_fail(&(reader)->all, __VA_ARGS__)

/* The next word; "" behind the last. */
static char *next(struct reader *reader)
{
    static char nothing[1];

    if (reader->at < reader->count)
        return reader->words[reader->at++];
    FAIL(reader, "the line ends where a value is expected");
    return nothing;
}

static bool is_v6(const struct reader *reader)
{
    return reader->chain->families == FAMILY_V6;
}

static void read_side(struct reader *reader, char *text, enum field field)
{
    struct span span;
    bool found_v6;

    if (!address_read(text, &found_v6, &span))
        FAIL(reader, "'%.60s' is no address, prefix or range", text);
    else if (found_v6 != is_v6(reader))
        FAIL(reader, "'%.60s' is of the other family", text);
    else
        alternatives_address(&reader->all, field, found_v6,
            spans_one(reader->in, span.first, span.last), reader->is_not);
}

static void source(struct reader *reader, char *text)
{
    read_side(reader, text, FIELD_SOURCE);
}

static void destination(struct reader *reader, char *text)
{
    read_side(reader, text, FIELD_TARGET);
}

static void protocol(struct reader *reader, char *text)
{
    uint32_t number;

    if (strcmp(text, "all") == 0 || strcmp(text, "0") == 0)
        return;
    if (protocol_read(text, &number))
        alternatives_protocol(&reader->all, number, reader->is_not);
    else
        FAIL(reader, "'%.60s' is no protocol", text);
}

static void device(struct reader *reader, char *text, bool is_out)
{
    size_t len = strlen(text);

    if (len && text[len - 1] == '+')
        text[len - 1] = '*';
    alternatives_device(&reader->all, is_out, text, reader->is_not);
}

static void device_in(struct reader *reader, char *text)
{
    device(reader, text, false);
}

static void device_out(struct reader *reader, char *text)
{
    device(reader, text, true);
}

static bool port_read(const char *text, struct span *ret_span)
{
    char copy[16];
    const char *colon = strpbrk(text, ":-");
    uint32_t first = 0, last = 65535;

    if (strlen(text) >= sizeof(copy))
        return false;
    strcpy(copy, text);
    if (colon)
        copy[colon - text] = '\0';
    if (copy[0] && !number_read(copy, 65535, &first))
        return false;
    if (!colon)
        last = first;
    else if (colon[1] && !number_read(colon + 1, 65535, &last))
        return false;
    *ret_span = (struct span){first, last};
    return (copy[0] || colon) && first <= last;
}

static const struct spans *ports_read(struct reader *reader, char *text)
{
    struct span list[64];
    uint32_t count = 0;
    char *rest = text, *item;

    while ((item = strsep(&rest, ","))) {
        if (count == 64 || !port_read(item, &list[count])) {
            FAIL(reader, "'%.40s' is no port or range of ports", item);
            return NULL;
        }
        count++;
    }
    return spans_of(reader->in, list, count);
}

static void ports(struct reader *reader, char *text, enum field field)
{
    static const struct span with_ports[] = {{6, 6}, {17, 17}, {132, 132}};
    struct span copy[3];
    const struct spans *spans = ports_read(reader, text);
    const struct spans *allowed;

    memcpy(copy, with_ports, sizeof(copy));
    allowed = spans_of(reader->in, copy, 3);
    for (uint32_t i = 0; i < reader->all.count; i++)
        if (!reader->all.at[i].fields[FIELD_PROTOCOL] ||
            !spans_cover(allowed, reader->all.at[i].fields[FIELD_PROTOCOL]))
            FAIL(reader, "ports of protocols other than tcp, udp and sctp cannot be expressed");
    if (spans)
        alternatives_field(&reader->all, field, spans, reader->is_not);
    alternatives_fragments(&reader->all, FRAGMENT_WHOLE | FRAGMENT_BEGIN);
}

static void sport(struct reader *reader, char *text)
{
    ports(reader, text, FIELD_SPORT);
}

static void dport(struct reader *reader, char *text)
{
    ports(reader, text, FIELD_DPORT);
}

/* One of both: the source's, or not the source's and the destination's. */
static void either_port(struct reader *reader, char *text)
{
    const struct spans *spans = ports_read(reader, text);
    struct match pieces[2];

    if (!spans)
        return;
    if (reader->is_not) {
        alternatives_field(&reader->all, FIELD_SPORT, spans, true);
        alternatives_field(&reader->all, FIELD_DPORT, spans, true);
        return;
    }
    match_init(&pieces[0], FAMILY_BOTH);
    match_init(&pieces[1], FAMILY_BOTH);
    (void)match_field(reader->in, &pieces[0], FIELD_SPORT, spans);
    (void)match_field(reader->in, &pieces[1], FIELD_DPORT, spans);
    if (match_field(reader->in, &pieces[1], FIELD_SPORT, spans_not(reader->in, spans, 65535)) ==
        MATCH_SOME)
        alternatives_and(&reader->all, pieces, 2);
}

static void tcp_flags(struct reader *reader, char *text)
{
    char *lists[2] = {text, next(reader)};
    uint8_t bits[2] = {0, 0};

    for (int i = 0; i < 2; i++) {
        char *rest = lists[i], *item;

        while ((item = strsep(&rest, ","))) {
            const struct word *word;

            for (char *c = item; *c; c++)
                *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
            word = word_find(rule_flags, item, strlen(item));
            if (strcmp(item, "all") == 0)
                bits[i] |= 0x3f;
            else if (word)
                bits[i] |= (uint8_t)word->value;
            else if (strcmp(item, "none") != 0)
                FAIL(reader, "'%.40s' is no TCP flag", item);
        }
    }
    alternatives_flags(&reader->all, bits[0], bits[1], reader->is_not);
}

static void icmp_type(struct reader *reader, char *text)
{
    struct span type, code;

    if (strcmp(text, "any") == 0 || strcmp(text, "255") == 0) {
        if (reader->is_not)
            reader->all.count = 0;
    } else if (icmp_read(text, is_v6(reader), &type, &code)) {
        alternatives_icmp(&reader->all, is_v6(reader), type, code, reader->is_not);
    } else {
        FAIL(reader, "'%.60s' is no ICMP type", text);
    }
}

static void states(struct reader *reader, char *text)
{
    bool has_related = false, has_new = strstr(text, "NEW") != NULL;
    uint8_t bits = 0;
    char *rest = text, *item;

    while ((item = strsep(&rest, ","))) {
        if (strcmp(item, "NEW") == 0)
            bits |= STATE_NEW;
        else if (strcmp(item, "ESTABLISHED") == 0)
            bits |= STATE_KNOWN;
        else if (strcmp(item, "RELATED") == 0)
            has_related = true;
        else if (strcmp(item, "UNTRACKED") != 0 || !has_new)
            FAIL(reader, "the connection state %.40s has no equal in Picket", item);
    }
    if (reader->is_not)
        FAIL(reader, "a connection state that must not be cannot be expressed");
    if (has_related && !(bits & STATE_KNOWN))
        FAIL(reader, "RELATED without ESTABLISHED has no equal in Picket");
    if (bits)
        alternatives_states(&reader->all, bits);
}

static void address_type(struct reader *reader, char *text, bool is_source)
{
    if (strcmp(text, "LOCAL") == 0 && !is_source)
        alternatives_targets(&reader->all, reader->is_not ? TO_OTHER : TO_SELF);
    else if (strcmp(text, "MULTICAST") == 0 && !is_source)
        read_side(
            reader, is_v6(reader) ? (char[]){"ff00::/8"} : (char[]){"224.0.0.0/4"}, FIELD_TARGET);
    else
        FAIL(reader, "the address type %.40s cannot be expressed", text);
}

static void target_type(struct reader *reader, char *text)
{
    address_type(reader, text, false);
}

static void source_type(struct reader *reader, char *text)
{
    address_type(reader, text, true);
}

static void match_set(struct reader *reader, char *text)
{
    const char *side = next(reader);

    if (strcmp(side, "src") != 0 && strcmp(side, "dst") != 0)
        FAIL(reader, "a set of '%.40s'; only addresses (src or dst) can be expressed", side);
    else if (!name_is_plain(text))
        FAIL(reader, "the set's name cannot be a name in Picket");
    else
        alternatives_set(
            &reader->all, *side == 's' ? FIELD_SOURCE : FIELD_TARGET, text, reader->is_not);
}

static void limit_rate(struct reader *reader, char *text)
{
    reader->has_limit = true;
    if (!reader->burst)
        reader->burst = 5;
    if (!rate_read(text, &reader->rate))
        reader->rate = 0;
}

static void limit_burst(struct reader *reader, char *text)
{
    uint32_t burst = 0;

    if (!number_read(text, UINT32_MAX, &burst))
        FAIL(reader, "'%.40s' is no number", text);
    reader->burst = burst;
}

static void comment(struct reader *reader, char *text)
{
    reader->comment = text;
}

static void dscp(struct reader *reader, char *text)
{
    uint32_t value;

    if (number_read(text, 63, &value))
        alternatives_field(
            &reader->all, FIELD_DSCP, spans_one(reader->in, value, value), reader->is_not);
    else
        FAIL(reader, "'%.40s' is no DSCP", text);
}

static void jump(struct reader *reader, char *text)
{
    reader->target = text;
}

static void go(struct reader *reader, char *text)
{
    reader->target = text;
    reader->is_goto = true;
}

static void module(struct reader *reader, char *text)
{
    static const char *const known[] = {"tcp", "udp", "sctp", "icmp", "icmp6", "icmpv6",
        "multiport", "iprange", "set", "comment", "addrtype", "limit", "conntrack", "state", "dscp",
        "standard"};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], text) == 0)
            return;
    FAIL(reader, "the match '%.40s' has no equal in Picket", text);
}

static const struct option {
    const char *name;
    void (*read)(struct reader *reader, char *text);
} options[] = {{"-s", source}, {"-d", destination}, {"-p", protocol}, {"-i", device_in},
    {"-o", device_out}, {"-j", jump}, {"-g", go}, {"-m", module}, {"--sport", sport},
    {"--dport", dport}, {"--sports", sport}, {"--dports", dport}, {"--ports", either_port},
    {"--source-port", sport}, {"--destination-port", dport}, {"--tcp-flags", tcp_flags},
    {"--icmp-type", icmp_type}, {"--icmpv6-type", icmp_type}, {"--state", states},
    {"--ctstate", states}, {"--src-range", source}, {"--dst-range", destination},
    {"--dst-type", target_type}, {"--src-type", source_type}, {"--match-set", match_set},
    {"--limit", limit_rate}, {"--limit-burst", limit_burst}, {"--comment", comment},
    {"--dscp", dscp}};

static void read_option(struct reader *reader, const char *word)
{
    if (strcmp(word, "-f") == 0) {
        alternatives_fragments(
            &reader->all, reader->is_not ? FRAGMENT_WHOLE | FRAGMENT_BEGIN : FRAGMENT_REST);
        return;
    }
    if (strcmp(word, "--syn") == 0) {
        alternatives_flags(&reader->all, 0x17, 0x02, reader->is_not);
        return;
    }
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        char *value;

        if (strcmp(options[i].name, word) != 0)
            continue;
        value = next(reader);
        if (strcmp(value, "!") == 0) { /* as it was written before iptables 1.4 */
            reader->is_not = !reader->is_not;
            value = next(reader);
        }
        options[i].read(reader, value);
        return;
    }
    FAIL(reader, "'%.40s' cannot be imported", word);
}

/* ---- the target */

static const char *const quiet_targets[] = {"LOG", "NFLOG", "ULOG", "AUDIT", "TRACE", "MARK",
    "CONNMARK", "CLASSIFY", "TOS", "DSCP", "CHECKSUM", "TCPMSS", "TTL", "HL", "CT", "NOTRACK",
    "SET", "SECMARK", "CONNSECMARK", "TEE", "IDLETIMER", "RATEEST", "LED"};

static enum effect effect_of(const struct reader *reader)
{
    const char *target = reader->target;

    if (!target)
        return EFFECT_NOTHING;
    if (strcmp(target, "ACCEPT") == 0)
        return EFFECT_ALLOW;
    if (strcmp(target, "DROP") == 0 || strcmp(target, "REJECT") == 0)
        return EFFECT_STOP;
    if (strcmp(target, "RETURN") == 0 || reader->is_goto)
        return EFFECT_LEAVE;
    for (size_t i = 0; i < sizeof(quiet_targets) / sizeof(quiet_targets[0]); i++)
        if (strcmp(target, quiet_targets[i]) == 0)
            return EFFECT_NOTHING;
    return EFFECT_UNKNOWN;
}

/* Options of the target say how, not whether; only a few are understood, none changes the verdict.
 */
static bool skip_target_options(struct reader *reader)
{
    bool is_known = reader->target &&
                    (strcmp(reader->target, "REJECT") == 0 || strcmp(reader->target, "LOG") == 0);

    while (is_known && reader->at < reader->count &&
           strncmp(reader->words[reader->at], "--", 2) == 0 &&
           strcmp(reader->words[reader->at], "--comment") != 0) {
        const char *word = reader->words[reader->at++];

        if (strcmp(word, "--reject-with") == 0 || strcmp(word, "--log-prefix") == 0 ||
            strcmp(word, "--log-level") == 0)
            (void)next(reader);
        else if (strncmp(word, "--log-", 6) != 0)
            return false;
    }
    return is_known;
}

static bool is_quiet(const struct reader *reader)
{
    return reader->target && effect_of(reader) == EFFECT_NOTHING &&
           strcmp(reader->target, "LOG") != 0;
}

static void read_all(struct reader *reader)
{
    while (reader->at < reader->count) {
        const char *word = next(reader);

        reader->is_not = strcmp(word, "!") == 0;
        if (reader->is_not)
            word = next(reader);
        read_option(reader, word);
        if (reader->target && word[0] == '-' && (word[1] == 'j' || word[1] == 'g') && !word[2]) {
            if (!skip_target_options(reader) && is_quiet(reader))
                FAIL(reader, "the target %.40s has no equal in Picket", reader->target);
        }
    }
}

static void settle(struct reader *reader, struct step *step)
{
    const char *target = reader->target;
    static const struct word words[] = {{"ACCEPT", VERDICT_ALLOW}, {"DROP", VERDICT_DROP},
        {"REJECT", VERDICT_REJECT}, {"LOG", VERDICT_LOG}, {"RETURN", VERDICT_RETURN}};
    const struct word *word = word_find((struct words){words, 5}, target, strlen(target));

    step->verdict =
        word ? (enum verdict)word->value : (reader->is_goto ? VERDICT_GOTO : VERDICT_JUMP);
    if (!word)
        step->target = target;
    if (reader->has_limit && step->verdict == VERDICT_LOG) {
        import_note(reader->in, step->line,
            "logged without its limit; a node samples under a cap of its own");
    } else if (reader->has_limit && step->verdict == VERDICT_ALLOW && reader->rate > 0) {
        step->verdict = VERDICT_LIMIT;
        step->rate = reader->rate;
        step->burst = reader->burst;
    } else if (reader->has_limit) {
        FAIL(reader, "a limit that is not an ACCEPT of whole packets a second has no equal");
    }
}

void iptables_rule(
    struct importing *in, struct chain *chain, uint32_t line, char **words, uint32_t count)
{
    struct step step = {.line = line};
    struct reader *reader;

    if (!in->scratch)
        in->scratch = import_take(in, sizeof(*reader));
    reader = in->scratch; /* large, so it is one for all lines */
    memset(reader, 0, offsetof(struct reader, all));
    reader->in = in;
    reader->chain = chain;
    reader->words = words;
    reader->count = count;
    alternatives_init(&reader->all, in, chain->families);
    if (chain->hook == HOOK_FOREIGN)
        FAIL(reader, "%s", chain->why_foreign);
    read_all(reader);
    alternatives_check_headers(&reader->all, line);
    step.comment = reader->comment;
    if (reader->target)
        settle(reader, &step);
    if (reader->all.why) {
        step.verdict = VERDICT_REFUSED;
        step.effect = effect_of(reader);
        match_init(&step.match, chain->families);
        import_refuse(in, line, step.effect, reader->all.why);
        if (!step.target && step.effect == EFFECT_UNKNOWN)
            step.target = reader->target;
        import_step(in, chain, &step);
    } else if (!reader->target) {
        import_note(in, line, "it counts only; it decides nothing");
    } else {
        alternatives_emit(&reader->all, chain, &step);
    }
}
