/* SPDX-License-Identifier: Apache-2.0 */
/* nft_rule.c - matches and statements from left to right, then the steps they are. */
#include "cli/import/nft_rule.h"

#include "cli/import/nft_value.h"
#include "store/ledger/rule_text.h"

#include <stddef.h>
#include <string.h>

struct reader {
    struct importing *in;
    struct chain *chain;
    struct chain *inner;
    struct lexer lexer;
    uint32_t line;
    bool has_log, has_limit, has_verdict, is_done, uses_th;
    uint64_t rate, burst;
    enum verdict verdict;
    const char *target;
    struct chain *target_chain;
    const char *comment;
    struct alternatives all;
    struct alternatives piece;
};

#define FAIL(reader, ...) alternatives_fail(&(reader)->all, __VA_ARGS__)

static bool at_end(const struct reader *reader)
{
    const struct lexer *lexer = &reader->lexer;

    return lexer->now.kind == TOKEN_END || lexer->now.kind == TOKEN_NEWLINE ||
           lexer_is_mark(lexer, ';') || lexer_is_mark(lexer, '}');
}

static bool is_value(const struct lexer *lexer)
{
    return lexer->now.kind == TOKEN_WORD || lexer->now.kind == TOKEN_TEXT;
}

/* ---- verdicts */

static bool verdict_read(struct reader *reader, struct lexer *lexer, struct step *step)
{
    static const struct word words[] = {{"accept", VERDICT_ALLOW}, {"drop", VERDICT_DROP},
        {"return", VERDICT_RETURN}, {"jump", VERDICT_JUMP}, {"goto", VERDICT_GOTO},
        {"continue", VERDICT_REFUSED}};
    const struct word *word =
        lexer->now.kind == TOKEN_WORD
            ? word_find((struct words){words, 6}, lexer->now.text, strlen(lexer->now.text))
            : NULL;

    if (!word)
        return false;
    step->verdict = (enum verdict)word->value;
    lexer_next(lexer);
    if (step->verdict != VERDICT_JUMP && step->verdict != VERDICT_GOTO)
        return true;
    if (lexer_is_mark(lexer, '{')) {
        step->chain = reader->inner;
        step->target = "{";
        for (uint32_t depth = 0; lexer->now.kind != TOKEN_END; lexer_next(lexer)) {
            depth += lexer_is_mark(lexer, '{') ? 1U : 0U;
            if (lexer_is_mark(lexer, '}') && --depth == 0)
                break;
        }
    } else {
        step->target = lexer->now.text;
    }
    lexer_next(lexer);
    return true;
}

/* ---- elements of sets and maps */

struct element {
    struct nft_values parts[NFT_KEYS_MAX];
    struct step verdict;
    bool has_verdict;
};

/* Counters, timeouts and comments of an element say nothing of what it is. */
static void skip_options(struct lexer *lexer)
{
    while (is_value(lexer) && !lexer_is(lexer, ":"))
        lexer_next_inside(lexer);
}

static bool element_read(struct reader *reader, struct lexer *lexer, const struct nft_keys *keys,
    struct element *ret_element)
{
    *ret_element = (struct element){0};
    for (uint32_t i = 0; i < keys->count; i++) {
        if (i > 0 && !lexer_is(lexer, ".")) {
            FAIL(reader, "an element has too few parts");
            return false;
        }
        if (i > 0)
            lexer_next_inside(lexer);
        if (!is_value(lexer)) {
            FAIL(reader, "an element of a set cannot be read");
            return false;
        }
        nft_value_add(&reader->all, &ret_element->parts[i], keys->at[i], lexer->now.text);
        lexer_next_inside(lexer);
    }
    skip_options(lexer);
    if (lexer_is(lexer, ":")) {
        lexer_next_inside(lexer);
        ret_element->has_verdict = verdict_read(reader, lexer, &ret_element->verdict);
        while (lexer->now.kind == TOKEN_NEWLINE)
            lexer_next(lexer);
        if (!ret_element->has_verdict)
            FAIL(reader, "a map to something else than verdicts cannot be imported");
    }
    return true;
}

static void emit_step(struct reader *reader, const struct alternatives *all, struct step step)
{
    step.line = reader->line;
    step.comment = reader->comment;
    for (uint32_t i = 0; i < all->count; i++) {
        step.match = all->at[i];
        step.except = all->except;
        import_step(reader->in, reader->chain, &step);
    }
}

/* `ct state invalid : drop` among others: the others are imported, this is refused. */
static bool is_invalid(struct reader *reader, const struct nft_keys *keys, struct lexer *lexer)
{
    struct step step = {0};

    if (keys->count != 1 || keys->at[0] != NFT_STATE || !lexer_is(lexer, "invalid"))
        return false;
    lexer_next_inside(lexer);
    if (!lexer_is(lexer, ":"))
        return false;
    lexer_next_inside(lexer);
    (void)verdict_read(reader, lexer, &step);
    import_refuse(reader->in, reader->line,
        step.verdict == VERDICT_DROP ? EFFECT_STOP : EFFECT_UNKNOWN,
        "the connection state invalid has no equal in Picket (only this element is left out)");
    return true;
}

static bool same_verdict(const struct step *a, const struct step *b)
{
    return a->verdict == b->verdict && a->chain == b->chain &&
           (a->target == b->target ||
               (a->target && b->target && strcmp(a->target, b->target) == 0));
}

/* The elements exclude each other, so those of one verdict can stand together. */
struct groups {
    struct element *at;
    uint32_t count, capacity;
};

static void group_add(
    struct reader *reader, struct groups *groups, const struct nft_keys *keys, struct element *made)
{
    for (uint32_t i = 0; keys->count == 1 && i < groups->count; i++) {
        struct element *old = &groups->at[i];

        if (old->has_verdict != made->has_verdict ||
            (old->has_verdict && !same_verdict(&old->verdict, &made->verdict)))
            continue;
        nft_value_add(&reader->all, &old->parts[0], keys->at[0], made->parts[0].names[0]);
        return;
    }
    groups->at =
        import_room(reader->in, groups->at, groups->count, &groups->capacity, sizeof(*made));
    groups->at[groups->count++] = *made;
}

static void elements_read(
    struct reader *reader, struct lexer *lexer, const struct nft_keys *keys, struct groups *groups)
{
    struct element made;

    lexer_next_inside(lexer);
    while (!lexer_is_mark(lexer, '}') && lexer->now.kind != TOKEN_END) {
        if (lexer_is_mark(lexer, ',')) {
            lexer_next_inside(lexer);
            continue;
        }
        if (is_invalid(reader, keys, lexer))
            continue;
        if (!element_read(reader, lexer, keys, &made) || reader->all.why)
            return;
        if (keys->count > 1 && groups->count >= ALTERNATIVES_MAX) {
            FAIL(reader, "a set of more than %d elements of several parts", ALTERNATIVES_MAX);
            return;
        }
        group_add(reader, groups, keys, &made);
    }
    lexer_next(lexer);
}

/* "{ ... }" at hand, or "@name" whose elements stand elsewhere. */
static void groups_read(struct reader *reader, const struct nft_keys *keys, struct groups *groups)
{
    struct lexer *lexer = &reader->lexer;
    struct foreign_set *set;
    struct lexer there;

    *groups = (struct groups){0};
    if (lexer_is_mark(lexer, '{')) {
        elements_read(reader, lexer, keys, groups);
        return;
    }
    set = is_value(lexer) && lexer->now.text[0] == '@'
              ? import_set_find(reader->in, reader->chain->table, lexer->now.text + 1)
              : NULL;
    if (!set) {
        FAIL(reader, "the set '%.60s' is not in this file", lexer->now.text);
        return;
    }
    lexer_next(lexer);
    if (set->why_not && strstr(set->why_not, "packets fill")) {
        FAIL(reader, "%s", set->why_not);
    } else if (set->elements_at) {
        lexer_start(&there, reader->in, set->elements_at, 0);
        elements_read(reader, &there, keys, groups);
    }
}

/* ---- matches */

static void and_concatenation(
    struct reader *reader, const struct nft_keys *keys, const struct groups *groups, bool is_not)
{
    struct match *pieces = import_take(reader->in, (groups->count + 1) * sizeof(*pieces));
    uint32_t count = 0;

    if (is_not) {
        FAIL(reader, "'not' of several parts cannot be expressed");
        return;
    }
    for (uint32_t i = 0; i < groups->count; i++) {
        alternatives_init(&reader->piece, reader->in, FAMILY_BOTH);
        for (uint32_t k = 0; k < keys->count; k++)
            nft_apply(&reader->piece, keys, k, &groups->at[i].parts[k], false);
        if (reader->piece.why)
            FAIL(reader, "%s", reader->piece.why);
        else if (reader->piece.count == 1)
            pieces[count++] = reader->piece.at[0];
    }
    if (count)
        alternatives_and(&reader->all, pieces, count);
    else
        reader->all.count = 0;
}

static bool and_named_set(struct reader *reader, const struct nft_keys *keys, bool is_not)
{
    struct lexer *lexer = &reader->lexer;
    enum nft_key key = keys->at[0];
    struct foreign_set *set;

    if (keys->count != 1 || key > NFT_DADDR6 || lexer->now.text[0] != '@')
        return false;
    set = import_set_find(reader->in, reader->chain->table, lexer->now.text + 1);
    if (!set || set->why_not) {
        FAIL(reader, "its set '%.60s' is not imported", lexer->now.text);
        return true;
    }
    alternatives_family(&reader->all, set->is_v6 ? FAMILY_V6 : FAMILY_V4);
    alternatives_set(&reader->all,
        key == NFT_SADDR || key == NFT_SADDR6 ? FIELD_SOURCE : FIELD_TARGET, set->label, is_not);
    lexer_next(lexer);
    return true;
}

static void vmap_read(struct reader *reader, const struct nft_keys *keys)
{
    struct alternatives *base;
    struct groups groups;

    groups_read(reader, keys, &groups);
    if (reader->all.why)
        return;
    base = import_take(
        reader->in, offsetof(struct alternatives, at) + reader->all.count * sizeof(struct match));
    memcpy(base, &reader->all,
        offsetof(struct alternatives, at) + reader->all.count * sizeof(struct match));
    reader->is_done = true;
    for (uint32_t i = 0; i < groups.count; i++) {
        reader->all.count = base->count;
        reader->all.except = base->except;
        memcpy(reader->all.at, base->at, base->count * sizeof(struct match));
        if (keys->count == 1) {
            nft_apply(&reader->all, keys, 0, &groups.at[i].parts[0], false);
        } else {
            struct groups one = {&groups.at[i], 1, 1};

            and_concatenation(reader, keys, &one, false);
        }
        if (reader->all.why)
            return;
        if (groups.at[i].has_verdict && groups.at[i].verdict.verdict != VERDICT_REFUSED)
            emit_step(reader, &reader->all, groups.at[i].verdict);
    }
    if (groups.count == 0)
        import_note(reader->in, reader->line, "its map is empty");
}

static uint8_t flag_list(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;
    uint8_t bits = 0;

    (void)lexer_take_mark(lexer, '(');
    for (;;) {
        const struct word *word = word_find(rule_flags, lexer->now.text, strlen(lexer->now.text));
        uint32_t number;

        if (word)
            bits |= (uint8_t)word->value;
        else if (number_read(lexer->now.text, 255, &number))
            bits |= (uint8_t)number;
        else
            FAIL(reader, "'%.40s' is no TCP flag", lexer->now.text);
        lexer_next(lexer);
        if (!lexer_is_mark(lexer, ',') && !lexer_is_mark(lexer, '|'))
            break;
        lexer_next(lexer);
    }
    (void)lexer_take_mark(lexer, ')');
    return bits;
}

/* syn | syn / fin,syn,rst,ack | & (fin | syn) == syn | == syn | ! syn */
static void flags_read(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;
    uint8_t mask = 0xff, value;
    bool is_not;

    if (lexer_take_mark(lexer, '&')) {
        mask = flag_list(reader);
        is_not = lexer_take(lexer, "!=");
        if (!is_not && !lexer_take(lexer, "=="))
            FAIL(reader, "TCP flags without == or != cannot be imported");
        value = flag_list(reader);
        alternatives_flags(&reader->all, mask, value, is_not);
    } else if (lexer_take(lexer, "==")) {
        value = flag_list(reader);
        alternatives_flags(&reader->all, mask, value, false);
    } else {
        is_not = lexer_take(lexer, "!=");
        if (lexer_take(lexer, "!")) {
            value = flag_list(reader);
            alternatives_flags(&reader->all, value, 0, false);
        } else if (lexer_is_mark(lexer, '{')) {
            FAIL(reader, "a set of TCP flags cannot be imported");
        } else {
            value = flag_list(reader);
            if (lexer_take(lexer, "/"))
                alternatives_flags(&reader->all, flag_list(reader), value, is_not);
            else if (is_not)
                alternatives_flags(&reader->all, mask, value, true);
            else
                alternatives_flags(&reader->all, value, 0, true); /* any of them */
        }
    }
}

static void compare(struct reader *reader, const struct nft_keys *keys)
{
    struct lexer *lexer = &reader->lexer;
    struct groups groups = {0};
    struct element one;
    bool is_not = lexer_take(lexer, "!=");

    if (!is_not)
        (void)lexer_take(lexer, "==");
    if (lexer_is(lexer, "<") || lexer_is(lexer, ">") || lexer_is(lexer, "<=") ||
        lexer_is(lexer, ">=") || lexer_is_mark(lexer, '&')) {
        FAIL(reader, "comparisons other than == and != cannot be imported");
        return;
    }
    if (and_named_set(reader, keys, is_not))
        return;
    if (lexer_is_mark(lexer, '{') || (is_value(lexer) && lexer->now.text[0] == '@')) {
        groups_read(reader, keys, &groups);
        if (reader->all.why)
            return;
        if (keys->count > 1)
            and_concatenation(reader, keys, &groups, is_not);
        else
            nft_apply(&reader->all, keys, 0,
                groups.count ? &groups.at[0].parts[0] : &(struct nft_values){0}, is_not);
        return;
    }
    if (keys->count > 1) {
        FAIL(reader, "several parts without a set cannot be imported");
        return;
    }
    one = (struct element){0};
    do {
        if (!is_value(lexer)) {
            FAIL(reader, "a value is expected");
            return;
        }
        nft_value_add(&reader->all, &one.parts[0], keys->at[0], lexer->now.text);
        lexer_next(lexer);
    } while (lexer_take_mark(lexer, ','));
    nft_apply(&reader->all, keys, 0, &one.parts[0], is_not);
}

static void match_read(struct reader *reader, const struct nft_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        if ((keys->at[i] == NFT_SPORT || keys->at[i] == NFT_DPORT) && !keys->protocols[i])
            reader->uses_th = true;
    if (reader->has_log)
        FAIL(reader, "a match behind a log cannot be imported");
    if (keys->count == 1 && keys->at[0] == NFT_FLAGS)
        flags_read(reader);
    else if (lexer_take(&reader->lexer, "vmap"))
        vmap_read(reader, keys);
    else
        compare(reader, keys);
}

/* ---- statements */

static void limit_read(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;

    reader->has_limit = true;
    reader->burst = 5;
    if (!lexer_take(lexer, "rate") || lexer_is(lexer, "over") ||
        !rate_read(lexer->now.text, &reader->rate)) {
        FAIL(reader, "a limit that is not whole packets a second cannot be expressed");
        return;
    }
    lexer_next(lexer);
    if (lexer_take(lexer, "burst")) {
        uint32_t burst;

        if (!number_read(lexer->now.text, UINT32_MAX, &burst))
            FAIL(reader, "'%.40s' is no burst", lexer->now.text);
        else
            reader->burst = burst;
        lexer_next(lexer);
        if (!lexer_take(lexer, "packets"))
            FAIL(reader, "a limit of bytes is not imported");
    }
}

static void log_read(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;

    reader->has_log = true;
    for (;;) {
        if (lexer_take(lexer, "flags")) {
            (void)(lexer_take(lexer, "ip") || lexer_take(lexer, "tcp"));
            lexer_next(lexer);
            while (lexer_take_mark(lexer, ','))
                lexer_next(lexer);
        } else if (lexer_is(lexer, "prefix") || lexer_is(lexer, "level") ||
                   lexer_is(lexer, "group") || lexer_is(lexer, "snaplen") ||
                   lexer_is(lexer, "queue-threshold")) {
            lexer_next(lexer);
            lexer_next(lexer);
        } else {
            return;
        }
    }
}

static void counter_read(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;

    if (lexer_take(lexer, "packets")) {
        lexer_next(lexer);
        (void)lexer_take(lexer, "bytes");
        lexer_next(lexer);
    } else if (lexer_take(lexer, "name")) {
        lexer_next(lexer);
    }
}

static void statement_read(struct reader *reader)
{
    struct lexer *lexer = &reader->lexer;
    struct step step = {0};

    if (verdict_read(reader, lexer, &step)) {
        if (step.verdict == VERDICT_REFUSED)
            return; /* continue */
        reader->has_verdict = true;
        reader->verdict = step.verdict;
        reader->target = step.target;
        reader->target_chain = step.chain;
    } else if (lexer_take(lexer, "counter")) {
        counter_read(reader);
    } else if (lexer_take(lexer, "comment")) {
        reader->comment = lexer->now.text;
        lexer_next(lexer);
    } else if (lexer_take(lexer, "log")) {
        log_read(reader);
    } else if (lexer_take(lexer, "limit")) {
        limit_read(reader);
    } else if (lexer_take(lexer, "reject")) {
        reader->has_verdict = true;
        reader->verdict = VERDICT_REJECT;
        while (!at_end(reader) && !lexer_is(lexer, "comment"))
            lexer_next(lexer);
    } else {
        FAIL(reader, "'%.40s' cannot be imported",
            lexer->now.kind == TOKEN_MARK ? (char[]){lexer->now.mark, 0} : lexer->now.text);
    }
}

/* What a rule that cannot be read would have done, by the words in it. */
static enum effect effect_of(struct lexer lexer)
{
    enum effect effect = EFFECT_NOTHING;
    uint32_t depth = 0;

    for (; lexer.now.kind != TOKEN_END; lexer_next(&lexer)) {
        depth += lexer_is_mark(&lexer, '{') ? 1U : 0U;
        if (lexer_is_mark(&lexer, '}') && depth-- == 0)
            break;
        if (depth == 0 && (lexer.now.kind == TOKEN_NEWLINE || lexer_is_mark(&lexer, ';')))
            break;
        if ((lexer_is(&lexer, "return") && depth == 0) || lexer_is(&lexer, "goto"))
            return EFFECT_LEAVE;
        if (lexer_is(&lexer, "accept"))
            effect = effect == EFFECT_NOTHING ? EFFECT_ALLOW : EFFECT_UNKNOWN;
        else if (lexer_is(&lexer, "drop") || lexer_is(&lexer, "reject"))
            effect = effect == EFFECT_NOTHING ? EFFECT_STOP : EFFECT_UNKNOWN;
        else if (lexer_is(&lexer, "jump") || lexer_is(&lexer, "vmap") || lexer_is(&lexer, "queue"))
            effect = EFFECT_UNKNOWN;
    }
    return effect;
}

static void check_ports(struct reader *reader)
{
    static const struct span with_ports[] = {{6, 6}, {17, 17}, {132, 132}};
    struct span copy[3];
    const struct spans *allowed;

    memcpy(copy, with_ports, sizeof(copy));
    allowed = spans_of(reader->in, copy, 3);
    for (uint32_t i = 0; reader->uses_th && i < reader->all.count; i++)
        if (!reader->all.at[i].fields[FIELD_PROTOCOL] ||
            !spans_cover(allowed, reader->all.at[i].fields[FIELD_PROTOCOL]))
            FAIL(reader, "ports of protocols other than tcp, udp and sctp cannot be expressed");
}

static void emit_all(struct reader *reader)
{
    struct step step = {
        .verdict = reader->verdict, .target = reader->target, .chain = reader->target_chain};

    check_ports(reader);
    alternatives_check_headers(&reader->all, reader->line);
    if (reader->has_limit && reader->has_verdict && reader->verdict != VERDICT_ALLOW)
        FAIL(reader, "a limit of something else than accept has no equal");
    if (reader->all.why)
        return;
    if (reader->has_log) {
        emit_step(reader, &reader->all, (struct step){.verdict = VERDICT_LOG});
        if (reader->has_limit && !reader->has_verdict)
            import_note(reader->in, reader->line,
                "logged without its limit; a node samples under a cap of its own");
    }
    if (reader->has_limit && reader->has_verdict) {
        step.verdict = VERDICT_LIMIT;
        step.rate = reader->rate;
        step.burst = reader->burst;
    }
    if (reader->has_verdict)
        emit_step(reader, &reader->all, step);
    else if (!reader->has_log)
        import_note(reader->in, reader->line, "it counts only; it decides nothing");
    if (reader->all.count == 0)
        import_note(reader->in, reader->line, "no packet can match this");
}

void nft_rule(struct importing *in, struct chain *chain, uint32_t line, const struct lexer *lexer,
    struct chain *inner)
{
    uint32_t steps = chain->count;
    struct reader *reader;

    if (!in->scratch)
        in->scratch = import_take(in, sizeof(*reader));
    reader = in->scratch; /* large, so it is one for all rules */
    memset(reader, 0, offsetof(struct reader, all));
    reader->in = in;
    reader->chain = chain;
    reader->inner = inner;
    reader->line = line;
    reader->lexer = *lexer;
    alternatives_init(&reader->all, in, chain->families);
    while (!at_end(reader) && !reader->all.why) {
        struct nft_keys keys;

        if (reader->is_done && !lexer_is(&reader->lexer, "comment"))
            FAIL(reader, "statements behind a verdict map cannot be imported");
        else if (!reader->is_done && nft_keys_read(&reader->lexer, &keys))
            match_read(reader, &keys);
        else
            statement_read(reader);
    }
    if (!reader->all.why && !reader->is_done)
        emit_all(reader);
    if (reader->all.why) {
        struct step step = {.line = line, .verdict = VERDICT_REFUSED, .chain = inner};

        chain->count = steps;
        step.effect = effect_of(*lexer);
        match_init(&step.match, chain->families);
        import_refuse(in, line, step.effect, reader->all.why);
        import_step(in, chain, &step);
    }
}
