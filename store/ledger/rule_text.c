/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_text.c - one line of text into a rule. Words by spaces, lists by commas; a table maps each
 * leading word to the function that reads what stands behind it. RULES.md is the grammar.
 */
#include "base/limits.h"
#include "base/nearest.h"
#include "store/ledger/rule_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One quoted run from *from, behind the opening quote. NULL if it does not end. */
static const char *copy_quoted(const char *from, char **to)
{
    for (; *from && *from != '"'; from++) {
        if (*from == '\\' && from[1])
            from++;
        *(*to)++ = *from;
    }
    return *from ? from + 1 : NULL;
}

/* Brings the next word to hand without taking it. 1, 0 at the end, -EINVAL. */
int reader_look(struct reader *reader)
{
    const char *from = reader->at;
    char *to = reader->word;

    while (is_space(*from))
        from++;
    reader->word_at = (size_t)(from - reader->text);
    reader->is_quoted = false;
    while (*from && !is_space(*from)) {
        bool opens = *from == '"' &&
                     (to == reader->word || (to == reader->word + 1 && *reader->word == '@'));

        if (opens) {
            from = copy_quoted(from + 1, &to);
            if (!from)
                return SAY(reader, "a quote is opened here and never closed: %.60s",
                    reader->text + reader->word_at);
            reader->is_quoted = true;
            break;
        }
        *to++ = *from++;
        /* "22, 80" is one list. */
        while (to[-1] == ',' && is_space(*from))
            from++;
    }
    *to = '\0';
    reader->after = from;
    return to != reader->word || reader->is_quoted;
}

void reader_take(struct reader *reader)
{
    reader->at = reader->after;
}

/* Takes the word behind the clause's own. */
int reader_value(struct reader *reader, const char *expected)
{
    int r = reader_look(reader);

    if (r < 0)
        return r;
    if (r == 0)
        return SAY(reader, "the rule ends where %s is expected", expected);
    reader_take(reader);
    return 0;
}

int reader_number(struct reader *reader, const char *expected, uint64_t max, uint64_t *ret_number)
{
    int r = reader_value(reader, expected);

    if (r == 0 && number_parse(reader->word, strlen(reader->word), max, ret_number) < 0)
        r = SAY(reader, "'%.60s' is not %s", reader->word, expected);
    return r;
}

static int text_value(struct reader *reader, const char *expected, char **text)
{
    int r = reader_value(reader, expected);
    char *copy;

    if (r < 0)
        return r;
    if (!*reader->word)
        return 0;
    copy = strdup(reader->word);
    if (!copy)
        return NO_MEMORY(reader);
    *text = copy;
    return 0;
}

int reader_choice(
    struct reader *reader, const char *expected, struct words words, uint32_t *ret_value)
{
    int r = reader_value(reader, expected);
    const struct word *found;

    if (r < 0)
        return r;
    found = word_find(words, reader->word, strlen(reader->word));
    if (!found)
        return SAY(reader, "'%.60s' is not %s", reader->word, expected);
    *ret_value = found->value;
    return 0;
}

/* Calls read for every item of the list at hand. */
int reader_items(struct reader *reader, char *list, int (*read)(struct reader *reader, char *item))
{
    for (;;) {
        char *comma = strchr(list, ',');
        int r;

        if (comma)
            *comma = '\0';
        r = *list ? read(reader, list) : SAY(reader, "a list has an empty place");
        if (r < 0 || !comma)
            return r;
        list = comma + 1;
    }
}

int reader_list(
    struct reader *reader, const char *expected, int (*read)(struct reader *reader, char *item))
{
    int r = reader_value(reader, expected);

    return r == 0 ? reader_items(reader, reader->word, read) : r;
}

/* ---- what is not the match */

static int read_in(struct reader *reader)
{
    reader->rule->direction = PICKET__V1__DIRECTION__DIRECTION_IN;
    return 0;
}

static int read_out(struct reader *reader)
{
    reader->rule->direction = PICKET__V1__DIRECTION__DIRECTION_OUT;
    return 0;
}

static int read_shadow(struct reader *reader)
{
    reader->rule->mode = PICKET__V1__MODE__MODE_SHADOW;
    return 0;
}

static int read_priority(struct reader *reader)
{
    uint64_t number;
    int r = reader_number(reader, "a priority from 0 (first) to 65535", RULE_PRIORITY_MAX, &number);

    if (r < 0)
        return r;
    reader->rule->priority = (uint32_t)number;
    reader->notes->has_priority = true;
    return 0;
}

static int read_name(struct reader *reader)
{
    return text_value(reader, "a name", &reader->rule->name);
}

static int read_comment(struct reader *reader)
{
    return text_value(reader, "a comment", &reader->rule->comment);
}

static int read_owner(struct reader *reader)
{
    return text_value(reader, "an owner", &reader->rule->owner);
}

static int read_scope(struct reader *reader)
{
    int r = reader_value(reader, "a scope such as site=berlin;role=web");

    if (r < 0)
        return r;
    r = scope_parse(reader->word, &reader->rule->scope, reader->problem);
    if (r < 0)
        mark(reader);
    return r;
}

static int read_time(struct reader *reader, uint64_t *ret_time)
{
    int r = reader_value(reader, "a time such as 2030-01-31T08:00:00Z");

    if (r == 0 && time_parse(reader->word, ret_time) < 0)
        r = SAY(reader,
            "'%.60s' is not a time such as 2030-01-31T08:00:00Z, 2030-01-31 or unix seconds",
            reader->word);
    return r;
}

static int read_since(struct reader *reader)
{
    return read_time(reader, &reader->rule->valid_from);
}

static int read_until(struct reader *reader)
{
    return read_time(reader, &reader->rule->valid_until);
}

/* ---- limit RATE [burst N] [per source /V4[,/V6]] */

static bool next_is(struct reader *reader, const char *word)
{
    if (reader_look(reader) != 1 || reader->is_quoted || strcmp(reader->word, word) != 0)
        return false;
    reader_take(reader);
    return true;
}

static int read_rate(struct reader *reader, Picket__V1__Limit *limit)
{
    static const struct word units[] = {
        {"/s", 0}, {"/second", 0}, {"bytes/s", 1}, {"bytes/second", 1}};
    int r = reader_value(reader, "a rate such as 100/s");
    size_t digits;
    const struct word *unit;

    if (r < 0)
        return r;
    digits = strspn(reader->word, "0123456789");
    unit =
        word_find((struct words){units, 4}, reader->word + digits, strlen(reader->word + digits));
    if (!unit || number_parse(reader->word, digits, UINT64_MAX, &limit->rate) < 0)
        return SAY(
            reader, "'%.60s' is not a rate such as 100/s (packets) or 125000bytes/s", reader->word);
    limit->bytes = unit->value != 0;
    return 0;
}

/* "/24" leaves IPv6 at /64, the size of one network there. */
static int read_source_prefixes(struct reader *reader, Picket__V1__Limit *limit)
{
    uint64_t v4, v6 = 64;
    char *comma;
    int r = reader_value(reader, "source prefixes such as /24 or /32,/64");

    if (r < 0)
        return r;
    comma = strchr(reader->word, ',');
    if (comma)
        *comma++ = '\0';
    if (*reader->word != '/' ||
        number_parse(reader->word + 1, strlen(reader->word + 1), 32, &v4) < 0 ||
        (comma && (*comma != '/' || number_parse(comma + 1, strlen(comma + 1), 128, &v6) < 0)))
        return SAY(reader, "'%.60s' is not source prefixes such as /24 or /32,/64", reader->word);
    limit->source_prefix_v4 = (uint32_t)v4;
    limit->source_prefix_v6 = (uint32_t)v6;
    return 0;
}

static int read_limit(struct reader *reader)
{
    Picket__V1__Limit *limit = calloc(1, sizeof(*limit));
    int r;

    if (!limit)
        return NO_MEMORY(reader);
    picket__v1__limit__init(limit);
    reader->rule->limit = limit;
    r = read_rate(reader, limit);
    if (r == 0 && next_is(reader, "burst"))
        r = reader_number(reader, "a burst", UINT64_MAX, &limit->burst);
    if (r < 0 || !next_is(reader, "per"))
        return r;
    if (!next_is(reader, "source"))
        return SAY(reader, "'source' is expected behind 'per'");
    return read_source_prefixes(reader, limit);
}

/* ---- the line */

struct clause {
    const char *word;
    int (*read)(struct reader *reader);
};

static const struct clause clauses[] = {{"from", reader_from}, {"to", reader_to},
    {"port", reader_ports}, {"sport", reader_source_ports}, {"dport", reader_destination_ports},
    {"in", read_in}, {"out", read_out}, {"proto", reader_protocols}, {"priority", read_priority},
    {"name", read_name}, {"scope", read_scope}, {"shadow", read_shadow}, {"since", read_since},
    {"until", read_until}, {"state", reader_states}, {"device", reader_devices},
    {"class", reader_class}, {"vlan", reader_vlan}, {"fragment", reader_fragment},
    {"dscp", reader_dscp}, {"icmp-type", reader_icmps}, {"flags", reader_flags},
    {"family", reader_family}, {"owner", read_owner}, {"comment", read_comment}};
#define CLAUSES (sizeof(clauses) / sizeof(clauses[0]))

/* Clauses that have their own notion of standing twice. */
static bool may_repeat(const struct clause *clause)
{
    return clause->read == reader_to || clause->read == reader_ports ||
           clause->read == reader_source_ports || clause->read == reader_destination_ports;
}

/* in and out exclude each other. */
static uint32_t clause_bits(size_t clause)
{
    if (clauses[clause].read == read_in || clauses[clause].read == read_out)
        return 3U << 5;
    return 1U << clause;
}

static int read_unknown(struct reader *reader)
{
    const char *words[CLAUSES];
    const char *near;

    for (size_t i = 0; i < CLAUSES; i++)
        words[i] = clauses[i].word;
    near = nearest_word(reader->word, words, CLAUSES);
    if (near)
        return SAY(reader, "unknown word '%.60s'; did you mean '%s'?", reader->word, near);
    return SAY(reader,
        "unknown word '%.60s'; expected in, out, a protocol, from, to, port, name, priority, "
        "scope, ...",
        reader->word);
}

/* A clause's word, or a list of protocols without `proto` before it. The word is at hand, not
 * taken. */
static int read_clause(struct reader *reader)
{
    size_t i = 0;

    while (i < CLAUSES && strcmp(clauses[i].word, reader->word) != 0)
        i++;
    if (i == CLAUSES && word_find(rule_protocols, reader->word, strcspn(reader->word, ","))) {
        i = 0;
        while (clauses[i].read != reader_protocols)
            i++;
    } else if (i == CLAUSES) {
        return read_unknown(reader);
    } else {
        reader_take(reader);
    }
    if (!may_repeat(&clauses[i]) && (reader->seen & clause_bits(i)))
        return SAY(reader, "'%.60s': only one %s is possible", reader->word, clauses[i].word);
    reader->seen |= clause_bits(i);
    /* `port` belongs to `from` only directly behind it. */
    if (clauses[i].read != reader_ports)
        reader->is_source_side = false;
    return clauses[i].read(reader);
}

static int read_action(struct reader *reader)
{
    uint32_t action;
    int r = reader_choice(
        reader, "an action: allow, drop, reject, limit or log", rule_actions, &action);

    if (r < 0)
        return r;
    reader->rule->action = (Picket__V1__Action)action;
    return action == PICKET__V1__ACTION__ACTION_LIMIT ? read_limit(reader) : 0;
}

static int read_rule(struct reader *reader)
{
    int r = read_action(reader);

    while (r == 0) {
        r = reader_look(reader);
        if (r <= 0)
            break;
        r = read_clause(reader);
    }
    return r;
}

/* "from any" alone leaves an empty match behind, which is none. */
static void drop_empty_match(Picket__V1__Rule *rule)
{
    if (rule->match && picket__v1__match__get_packed_size(rule->match) == 0) {
        picket__v1__match__free_unpacked(rule->match, NULL);
        rule->match = NULL;
    }
}

int rule_parse_noted(const char *text, rule_set_find set_find, void *user,
    Picket__V1__Rule **ret_rule, struct rule_parse_notes *ret_notes, struct problem *reterr_problem)
{
    struct reader reader = {.text = text,
        .at = text,
        .after = text,
        .set_find = set_find,
        .user = user,
        .notes = ret_notes,
        .problem = reterr_problem};
    int r;

    *ret_notes = (struct rule_parse_notes){.error_at = SIZE_MAX};
    reader.word = malloc(strlen(text) + 1);
    reader.rule = calloc(1, sizeof(*reader.rule));
    if (!reader.word || !reader.rule) {
        free(reader.word);
        free(reader.rule);
        return NO_MEMORY(&reader);
    }
    picket__v1__rule__init(reader.rule);
    r = read_rule(&reader);
    drop_empty_match(reader.rule);
    if (r == 0)
        r = rule_check(reader.rule, reterr_problem);
    if (ret_notes->error_at == SIZE_MAX)
        ret_notes->error_at = strlen(text);
    free(reader.word);
    if (r < 0) {
        rule_free(reader.rule);
        return r;
    }
    *ret_rule = reader.rule;
    return 0;
}

int rule_parse(const char *text, rule_set_find set_find, void *user, Picket__V1__Rule **ret_rule,
    struct problem *reterr_problem)
{
    struct rule_parse_notes notes;

    return rule_parse_noted(text, set_find, user, ret_rule, &notes, reterr_problem);
}
