/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - the flat list as YAML: a rule is one line of text, read back before it is written. */
#include "cli/import/model.h"
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 64
#define PRIORITY_FIRST 1000
#define NUMBERED_MAX 6000 /* above it `apply` would run out of steps of ten */

enum { DIM_PROTOCOL, DIM_SPORT, DIM_DPORT, DIM_ICMP, DIM_DSCP, DIM_FRAGMENT, DIM_COUNT };

/* One clause in as many pieces as its list needs. */
struct dimension {
    struct buffer *texts; /* NUL-terminated; in the arena, their bytes freed at once */
    uint32_t count;
};

struct writer {
    struct importing *in;
    struct import_result *result;
    struct buffer sets, rules; /* bytes belong to the result until joined */
    uint32_t generated;
    bool is_long;
};

struct text {
    char *at;
    size_t len, room;
};

static void text_put(struct writer *writer, struct text *text, const char *piece)
{
    size_t len = strlen(piece);

    if (text->len + len + 1 > text->room) {
        size_t room = 2 * (text->len + len + 32);
        char *made = import_take(writer->in, room);

        if (text->len)
            memcpy(made, text->at, text->len);
        text->at = made;
        text->room = room;
    }
    memcpy(text->at + text->len, piece, len + 1);
    text->len += len;
}

struct pieces {
    char *at[IMPORT_PIECES_MAX];
    uint32_t count;
    struct text open;
    uint32_t items;
    const char *clause;
};

static bool pieces_close(struct pieces *pieces)
{
    if (!pieces->items)
        return true;
    if (pieces->count == IMPORT_PIECES_MAX)
        return false;
    pieces->at[pieces->count++] = pieces->open.at;
    pieces->open = (struct text){0};
    pieces->items = 0;
    return true;
}

static bool pieces_add(
    struct writer *writer, struct pieces *pieces, const char *item, uint32_t items_max)
{
    if (pieces->items == items_max && !pieces_close(pieces))
        return false;
    text_put(writer, &pieces->open, pieces->items++ ? "," : pieces->clause);
    text_put(writer, &pieces->open, item);
    return true;
}

/* ---- the lists */

static bool put_numbers(struct writer *writer, struct pieces *pieces, const struct spans *spans,
    bool is_range, uint32_t items_max)
{
    char item[32];

    for (uint32_t i = 0; spans && i < spans->count; i++) {
        uint32_t first = (uint32_t)spans->at[i].first, last = (uint32_t)spans->at[i].last;

        for (uint32_t n = first; n <= last; n++) {
            const char *name = items_max > 1 && !is_range ? word_of(rule_protocols, n) : NULL;

            if (is_range && last > first)
                (void)snprintf(item, sizeof(item), "%u-%u", first, last);
            else
                (void)snprintf(item, sizeof(item), "%u", n);
            if (!pieces_add(writer, pieces, name ? name : item, items_max))
                return false;
            if (is_range)
                break;
        }
    }
    return pieces_close(pieces);
}

static bool put_icmp(struct writer *writer, struct pieces *pieces, const struct match *match)
{
    const struct spans *types = match->fields[FIELD_TYPE], *codes = match->fields[FIELD_CODE];
    char item[32];

    if (!types && codes)
        types = spans_one(writer->in, 0, 255);
    for (uint32_t i = 0; types && i < types->count; i++)
        for (uint32_t t = (uint32_t)types->at[i].first; t <= (uint32_t)types->at[i].last; t++)
            for (uint32_t j = 0; j < (codes ? codes->count : 1); j++)
                for (uint32_t c = codes ? (uint32_t)codes->at[j].first : 0;
                     c <= (codes ? (uint32_t)codes->at[j].last : 0); c++) {
                    (void)snprintf(item, sizeof(item), codes ? "%u/%u" : "%u", t, c);
                    if (!pieces_add(writer, pieces, item, LIST_MAX))
                        return false;
                }
    return pieces_close(pieces);
}

static bool put_fragments(struct writer *writer, struct pieces *pieces, const struct match *match)
{
    static const char *const words[] = {"none", "first", "later"};
    bool has_ports = match->fields[FIELD_SPORT] || match->fields[FIELD_DPORT] ||
                     match->fields[FIELD_TYPE] || match->fields[FIELD_CODE] || match->flags_mask;

    /* A later fragment has no ports, so a rule with ports says that already. */
    if (match->fragments == 7 ||
        (has_ports && match->fragments == (FRAGMENT_WHOLE | FRAGMENT_BEGIN)))
        return true;
    for (int i = 0; i < 3; i++)
        if ((match->fragments & (1 << i)) && !pieces_add(writer, pieces, words[i], 1))
            return false;
    return pieces_close(pieces);
}

/* ---- the sides */

static void span_element(const struct span *span, uint8_t length, bool is_v6, char ret_text[64])
{
    uint8_t address[16] = {0};
    wide number = span->first;

    for (int i = is_v6 ? 15 : 3; i >= 0; i--, number >>= 8)
        address[i] = (uint8_t)number;
    prefix_print(address, is_v6, length, ret_text);
}

static uint32_t each_prefix(const struct spans *spans, bool is_v6,
    void (*fn)(void *user, uint32_t index, const char *prefix), void *user)
{
    uint32_t count = 0;
    char text[64];

    for (uint32_t i = 0; i < spans->count; i++) {
        struct span rest = spans->at[i], head;

        do {
            head = rest;
            span_element(&head, span_prefix(&rest, is_v6 ? 128 : 32), is_v6, text);
            fn(user, count++, text);
        } while (rest.first > head.first && rest.first <= rest.last);
    }
    return count;
}

struct listing {
    struct writer *writer;
    struct text *text;
};

static void list_item(void *user, uint32_t index, const char *prefix)
{
    struct listing *listing = user;

    if (index)
        text_put(listing->writer, listing->text, ",");
    text_put(listing->writer, listing->text, prefix);
}

static void set_item(void *user, uint32_t index, const char *prefix)
{
    struct writer *writer = user;

    import_put(writer->in, &writer->sets, "%s%s%s", index ? "," : "",
        index && index % 8 == 0 ? "\n        " : (index ? " " : ""), prefix);
}

static void put_set(struct writer *writer, const char *name, const struct spans *spans, bool is_v6)
{
    import_put(writer->in, &writer->sets, "  - name: '%s'\n    elements: [", name);
    (void)each_prefix(spans, is_v6, set_item, writer);
    import_put(writer->in, &writer->sets, "]\n");
    writer->result->sets++;
}

static void put_side(struct writer *writer, struct text *text, const struct match *match, int side)
{
    const struct spans *spans = match->fields[side];
    bool is_v6 = match->families == FAMILY_V6;
    struct listing listing = {writer, text};
    char name[100];

    if (match->sets[side]) {
        (void)snprintf(name, sizeof(name), "%s%s@\"%.64s\"", side ? " to " : " from ",
            match->sets_not[side] ? "not " : "", match->sets[side]);
        text_put(writer, text, name);
        return;
    }
    if (!spans)
        return;
    text_put(writer, text, side ? " to " : " from ");
    if (spans_prefixes(spans, is_v6 ? 128 : 32) > 1) {
        const struct spans *rest =
            spans_not(writer->in, spans, field_max(FIELD_SOURCE, match->families));

        if (rest->count &&
            spans_prefixes(rest, is_v6 ? 128 : 32) < spans_prefixes(spans, is_v6 ? 128 : 32)) {
            text_put(writer, text, "not ");
            spans = rest;
        }
    }
    if (spans_prefixes(spans, is_v6 ? 128 : 32) <= LIST_MAX) {
        (void)each_prefix(spans, is_v6, list_item, &listing);
        return;
    }
    (void)snprintf(name, sizeof(name), "%.50s-%u", writer->in->options->owner, ++writer->generated);
    put_set(writer, name, spans, is_v6);
    text_put(writer, text, "@");
    text_put(writer, text, name);
}

/* ---- one rule */

static void put_flags(struct writer *writer, struct text *text, const struct match *match)
{
    for (int part = 0; part < 2 && match->flags_mask; part++) {
        uint8_t bits = part ? match->flags_mask : match->flags_value;
        bool is_first = true;

        text_put(writer, text, part ? "/" : " flags ");
        for (uint32_t bit = 1; bit < 256; bit <<= 1) {
            if (!(bits & bit))
                continue;
            text_put(writer, text, is_first ? "" : ",");
            text_put(writer, text, word_of(rule_flags, bit));
            is_first = false;
        }
        text_put(writer, text, is_first ? "none" : "");
    }
}

static void put_words(struct writer *writer, struct text *text, const struct match *match)
{
    bool has_literal = match->fields[FIELD_SOURCE] || match->fields[FIELD_TARGET];
    char word[32];

    if (match->families != FAMILY_BOTH && (!has_literal || match->sets[0] || match->sets[1]))
        text_put(writer, text, match->families == FAMILY_V4 ? " family ipv4" : " family ipv6");
    if (match->states)
        text_put(writer, text,
            match->states == STATE_NEW     ? " state new"
            : match->states == STATE_KNOWN ? " state established"
                                           : " state new,established");
    for (uint32_t i = 0; match->devices && i < match->devices->count; i++) {
        text_put(writer, text, i ? "," : " device ");
        text_put(writer, text, match->devices->at[i]);
    }
    if (match->vlan >= 0) {
        (void)snprintf(word, sizeof(word), " vlan %d", match->vlan);
        text_put(writer, text, word);
    }
}

static void put_comment(struct writer *writer, struct text *text, const char *comment)
{
    char copy[520];
    size_t len = 0;

    if (!comment || !*comment)
        return;
    for (size_t i = 0; comment[i] && i < 250; i++) {
        unsigned char c = (unsigned char)comment[i];

        if (c == '"' || c == '\\')
            copy[len++] = '\\';
        copy[len++] = (char)(c < 0x20 || c >= 0x7f ? '?' : c);
    }
    copy[len] = '\0';
    text_put(writer, text, " comment \"");
    text_put(writer, text, copy);
    text_put(writer, text, "\"");
}

static void put_action(struct writer *writer, struct text *text, const struct flat *flat)
{
    char word[80];

    switch (flat->verdict) {
    case VERDICT_LIMIT:
        (void)snprintf(word, sizeof(word), "limit %llu/s burst %llu",
            (unsigned long long)flat->step->rate, (unsigned long long)flat->step->burst);
        text_put(writer, text, word);
        break;
    case VERDICT_ALLOW:
        text_put(writer, text, "allow");
        break;
    case VERDICT_REJECT:
        text_put(writer, text, "reject");
        break;
    case VERDICT_LOG:
        text_put(writer, text, "log");
        break;
    default:
        text_put(writer, text, "drop");
        break;
    }
    text_put(writer, text, flat->hook == HOOK_OUTPUT ? " out" : " in");
}

static int any_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    (void)name;
    (void)reterr_problem;
    memset(ret_id, 1, OP_REF_BYTES);
    return 0;
}

static void write_text(struct writer *writer, const struct flat *flat, const char *text)
{
    struct problem problem = {0};
    Picket__V1__Rule *rule;
    struct buffer *rules = &writer->rules;

    if (rule_parse(text, any_set, NULL, &rule, &problem) < 0) {
        if (flat->step)
            import_refuse(writer->in, flat->step->line, EFFECT_UNKNOWN,
                import_say(writer->in, "not a rule of Picket: %s", problem.text));
        else
            import_stop(writer->in, -EINVAL, "%s", problem.text);
        return;
    }
    rule_free(rule);
    import_put(writer->in, rules, "  - '");
    for (; *text; text++) {
        size_t len = strcspn(text, "'");

        import_put(writer->in, rules, "%.*s", len > 1000 ? 1000 : (int)len, text);
        text += len > 1000 ? 1000 : len;
        if (*text == '\'')
            import_put(writer->in, rules, "''");
        else
            text--;
    }
    import_put(writer->in, rules, "'\n");
    writer->result->rules++;
}

static void write_piece(struct writer *writer, const struct flat *flat, struct pieces *dims,
    const uint32_t *at, const char *sides[2])
{
    static const char *const hooks[] = {"rule", "input", "forward", "output", "rule"};
    const struct match *match = &flat->match;
    struct text text = {0};
    char word[160];

    put_action(writer, &text, flat);
    for (int i = 0; i < DIM_COUNT; i++) {
        if (i == DIM_SPORT)
            text_put(writer, &text, sides[0]);
        if (dims[i].count)
            text_put(writer, &text, dims[i].at[at[i]]);
        if (i == DIM_SPORT && match->targets != (TO_SELF | TO_OTHER))
            text_put(writer, &text, match->targets == TO_SELF ? " to self" : " to other");
        if (i == DIM_SPORT)
            text_put(writer, &text, sides[1]);
    }
    put_flags(writer, &text, match);
    put_words(writer, &text, match);
    if (writer->is_long) {
        (void)snprintf(word, sizeof(word), " priority %u", PRIORITY_FIRST + writer->result->rules);
        text_put(writer, &text, word);
    }
    (void)snprintf(word, sizeof(word), " name \"%.40s-%s-%u\"", writer->in->options->owner,
        hooks[flat->hook], writer->result->rules + 1);
    text_put(writer, &text, word);
    put_comment(writer, &text, flat->step ? flat->step->comment : NULL);
    write_text(writer, flat, text.at);
}

static bool fill(struct writer *writer, const struct match *match, struct pieces *dims)
{
    static const char *const clauses[] = {
        " proto ", " sport ", " dport ", " icmp-type ", " dscp ", " fragment "};

    for (int i = 0; i < DIM_COUNT; i++) {
        dims[i] = (struct pieces){.clause = clauses[i]};
    }
    return put_numbers(
               writer, &dims[DIM_PROTOCOL], match->fields[FIELD_PROTOCOL], false, LIST_MAX) &&
           put_numbers(writer, &dims[DIM_SPORT], match->fields[FIELD_SPORT], true, LIST_MAX) &&
           put_numbers(writer, &dims[DIM_DPORT], match->fields[FIELD_DPORT], true, LIST_MAX) &&
           put_icmp(writer, &dims[DIM_ICMP], match) &&
           put_numbers(writer, &dims[DIM_DSCP], match->fields[FIELD_DSCP], false, 1) &&
           put_fragments(writer, &dims[DIM_FRAGMENT], match);
}

static void write_flat(struct writer *writer, struct flat *flat)
{
    struct pieces dims[DIM_COUNT];
    struct text sides[2] = {{0}, {0}};
    uint32_t at[DIM_COUNT] = {0};
    uint64_t total = 1;
    int i;

    bool is_filled = fill(writer, &flat->match, dims);

    for (i = 0; i < DIM_COUNT; i++)
        total *= dims[i].count ? dims[i].count : 1;
    if (!is_filled || total > IMPORT_PIECES_MAX || (total > 1 && flat->verdict == VERDICT_LIMIT)) {
        import_refuse(writer->in, flat->step->line, EFFECT_UNKNOWN,
            "the condition would become too many rules");
        return;
    }
    for (i = 0; i < 2; i++) {
        text_put(writer, &sides[i], "");
        put_side(writer, &sides[i], &flat->match, i);
    }
    for (;;) {
        write_piece(writer, flat, dims, at, (const char *[]){sides[0].at, sides[1].at});
        for (i = 0; i < DIM_COUNT && ++at[i] >= dims[i].count; i++)
            at[i] = 0;
        if (i == DIM_COUNT)
            return;
    }
}

static void write_remark(struct writer *writer, const struct flat *flat)
{
    struct line *line = &writer->in->lines[flat->step->line];
    char text[200];
    size_t len = line->text.len < 180 ? line->text.len : 180;

    if (line->is_marked)
        return;
    line->is_marked = true;
    for (size_t i = 0; i < len; i++)
        text[i] =
            (char)(line->text.at[i] < 0x20 || line->text.at[i] >= 0x7f ? '?' : line->text.at[i]);
    text[len] = '\0';
    import_put(writer->in, &writer->rules, "  # refused, line %u: %s\n", line->number, text);
}

void import_head(struct importing *in, struct buffer *yaml)
{
    import_put(in, yaml, "# Made by picket import. Look it over, then: picket apply -f FILE\n");
    import_put(in, yaml, "owner: '%.60s'\n", in->options->owner);
}

static void write_sets(struct writer *writer)
{
    for (struct foreign_set *set = writer->in->sets; set; set = set->later)
        if (!set->why_not && set->spans)
            put_set(writer, set->label, set->spans, set->is_v6);
}

static void join(struct writer *writer)
{
    struct importing *in = writer->in;
    struct buffer *yaml = &writer->result->yaml;

    import_head(in, yaml);
    if (writer->sets.len) {
        import_put(in, yaml, "sets:\n");
        if (buffer_append(yaml, writer->sets.at, writer->sets.len) < 0)
            import_stop(in, -ENOMEM, "not enough memory");
    }
    import_put(in, yaml, "rules:\n");
    if (writer->rules.len && buffer_append(yaml, writer->rules.at, writer->rules.len) < 0)
        import_stop(in, -ENOMEM, "not enough memory");
    if (in->has_default_in || in->has_default_out)
        import_put(in, yaml, "defaults:\n");
    if (in->has_default_in)
        import_put(in, yaml, "  - {direction: in, action: drop}\n");
    if (in->has_default_out)
        import_put(in, yaml, "  - {direction: out, action: drop}\n");
}

void import_write(struct importing *in, struct import_result *result)
{
    struct writer *writer = import_take(in, sizeof(*writer));
    jmp_buf *outer = in->stop;
    jmp_buf stop;

    *writer =
        (struct writer){.in = in, .result = result, .is_long = in->flats_count > NUMBERED_MAX / 2};
    in->stop = &stop;
    if (setjmp(stop) == 0) {
        write_sets(writer);
        for (uint32_t i = 0; i < in->flats_count; i++) {
            if (in->flats[i].verdict == VERDICT_REFUSED)
                write_remark(writer, &in->flats[i]);
            else
                write_flat(writer, &in->flats[i]);
        }
        if (result->rules > IMPORT_RULES_MAX)
            import_stop(in, -E2BIG, "%.60s becomes more than %d rules", in->options->name,
                IMPORT_RULES_MAX);
        join(writer);
        in->stop = outer;
    }
    buffer_fini(&writer->sets);
    buffer_fini(&writer->rules);
    if (in->stop != outer) {
        in->stop = outer;
        longjmp(*outer, 1);
    }
}
