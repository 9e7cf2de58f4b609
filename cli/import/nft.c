/* SPDX-License-Identifier: Apache-2.0 */
/* nft.c - what `nft list ruleset` prints: tables, sets, chains, and where each rule begins and
 * ends. */
#include "cli/import/nft_lex.h"
#include "cli/import/nft_rule.h"
#include "store/ledger/rule_text.h"

#include <stdlib.h>
#include <string.h>

struct ruleset {
    struct importing *in;
    struct lexer lexer;
    uint32_t table;
    uint8_t families;
    const char *table_why;
    uint32_t inline_chains;
};

/* The line of the file in which the token at hand stands. */
static uint32_t line_here(struct ruleset *ruleset)
{
    struct bytes text = ruleset->in->text;
    size_t from = ruleset->lexer.now.at, to;

    while (from > 0 && text.at[from - 1] != '\n')
        from--;
    for (to = from; to < text.len && text.at[to] != '\n'; to++)
        continue;
    return import_line(ruleset->in, ruleset->lexer.now.line, bytes_of(text.at + from, to - from));
}

/* To the end of the statement, over braces; stands on its newline, ';' or closing brace. */
static void skip_statement(struct lexer *lexer)
{
    uint32_t depth = 0;

    for (;; lexer_next(lexer)) {
        if (lexer->now.kind == TOKEN_END)
            return;
        if (lexer_is_mark(lexer, '{'))
            depth++;
        if (lexer_is_mark(lexer, '}') && depth-- == 0)
            return;
        if (depth == 0 && (lexer->now.kind == TOKEN_NEWLINE || lexer_is_mark(lexer, ';')))
            return;
    }
}

static void skip_ends(struct lexer *lexer)
{
    while (lexer->now.kind == TOKEN_NEWLINE || lexer_is_mark(lexer, ';'))
        lexer_next(lexer);
}

/* ---- sets */

static void read_elements(struct ruleset *ruleset, struct foreign_set *set, bool is_address)
{
    struct lexer *lexer = &ruleset->lexer;
    struct span *list = NULL;
    uint32_t count = 0, capacity = 0;

    (void)lexer_take(lexer, "=");
    set->elements_at = lexer->now.at;
    if (!is_address || !lexer_is_mark(lexer, '{')) {
        skip_statement(lexer);
        return;
    }
    lexer_next_inside(lexer);
    while (lexer->now.kind == TOKEN_WORD || lexer_is_mark(lexer, ',')) {
        bool is_v6;

        if (!lexer_is_mark(lexer, ',')) {
            list = import_room(ruleset->in, list, count, &capacity, sizeof(*list));
            if (!address_read(lexer->now.text, &is_v6, &list[count]) || is_v6 != set->is_v6) {
                set->why_not = "one of its elements is no address of its family";
                break;
            }
            count++;
            lexer_next_inside(lexer);
            while (lexer->now.kind == TOKEN_WORD || lexer->now.kind == TOKEN_TEXT) {
                if (lexer_is(lexer, "timeout") || lexer_is(lexer, "expires"))
                    set->why_not = "elements that end by themselves are imported by picket set "
                                   "import, not from a ruleset";
                lexer_next_inside(lexer);
            }
        } else {
            lexer_next_inside(lexer);
        }
    }
    set->spans = spans_of(ruleset->in, list, count);
    while (!lexer_is_mark(lexer, '}') && lexer->now.kind != TOKEN_END)
        lexer_next_inside(lexer);
    lexer_next(lexer);
}

static void set_kind(struct lexer *lexer, struct foreign_set *set, bool *ret_is_address)
{
    char kind[80] = "";

    lexer_next(lexer);
    while (lexer->now.kind == TOKEN_WORD && strlen(kind) + strlen(lexer->now.text) < 70) {
        strcat(kind, *kind ? " " : "");
        strcat(kind, lexer->now.text);
        lexer_next(lexer);
    }
    set->is_v6 = strcmp(kind, "ipv6_addr") == 0 || strcmp(kind, "ip6 saddr") == 0 ||
                 strcmp(kind, "ip6 daddr") == 0;
    *ret_is_address = set->is_v6 || strcmp(kind, "ipv4_addr") == 0 ||
                      strcmp(kind, "ip saddr") == 0 || strcmp(kind, "ip daddr") == 0;
}

static void read_set(struct ruleset *ruleset, bool is_map)
{
    struct lexer *lexer = &ruleset->lexer;
    struct importing *in = ruleset->in;
    uint32_t line = line_here(ruleset);
    struct foreign_set *set;
    bool is_address = false;

    lexer_next(lexer);
    set = import_set(in, ruleset->table, lexer->now.text);
    set->line = line;
    set->label = set->name;
    for (struct foreign_set *other = in->sets; other != set; other = other->later)
        if (strcmp(other->name, set->name) == 0)
            set->label = import_say(in, "%.50s-%u", set->name, ruleset->table);
    set->why_not = is_map ? "a map" : NULL;
    lexer_next(lexer);
    (void)lexer_take_mark(lexer, '{');
    for (skip_ends(lexer); !lexer_is_mark(lexer, '}') && lexer->now.kind != TOKEN_END;
         skip_ends(lexer)) {
        if (lexer_is(lexer, "type") || lexer_is(lexer, "typeof")) {
            set_kind(lexer, set, &is_address);
        } else if (lexer_is(lexer, "elements")) {
            lexer_next(lexer);
            read_elements(ruleset, set, is_address && !is_map);
        } else {
            if (lexer_is(lexer, "flags"))
                for (; lexer->now.kind != TOKEN_NEWLINE && lexer->now.kind != TOKEN_END &&
                       !lexer_is_mark(lexer, '}') && !lexer_is_mark(lexer, ';');
                     lexer_next(lexer))
                    if (lexer_is(lexer, "dynamic"))
                        set->why_not = "a set that packets fill has no equal in Picket";
            skip_statement(lexer);
        }
    }
    (void)lexer_take_mark(lexer, '}');
    if (!is_address && !set->why_not)
        set->why_not = "a set of other things than addresses stands in the rules that use it";
    if (!name_is_plain(set->name))
        set->why_not = "its name cannot be a set's name";
    if (is_address && !set->why_not && !set->spans)
        set->spans = spans_of(in, NULL, 0);
    in->lines[line].state = LINE_DONE;
    if (set->why_not && is_address && !is_map)
        import_refuse(in, line, EFFECT_UNKNOWN, set->why_not);
}

/* ---- chains */

static const char *hook_reason(struct ruleset *ruleset, const char *type, const char *hook)
{
    if (ruleset->table_why)
        return ruleset->table_why;
    if (strcmp(type, "nat") == 0)
        return "NAT has no equal in Picket, which decides before it";
    if (strcmp(type, "filter") != 0)
        return "only chains of type filter can be imported";
    if (strcmp(hook, "input") == 0 || strcmp(hook, "forward") == 0 || strcmp(hook, "output") == 0)
        return NULL;
    return import_say(ruleset->in, "the hook %.40s is none of input, forward and output", hook);
}

static int32_t read_priority(struct lexer *lexer)
{
    static const struct word names[] = {{"raw", (uint32_t)-300}, {"mangle", (uint32_t)-150},
        {"dstnat", (uint32_t)-100}, {"filter", 0}, {"security", 50}, {"srcnat", 100}};
    const struct word *name =
        word_find((struct words){names, 6}, lexer->now.text, strlen(lexer->now.text));
    int32_t priority = name ? (int32_t)name->value : (int32_t)strtol(lexer->now.text, NULL, 10);
    int sign;

    lexer_next(lexer);
    if (name && (lexer_is(lexer, "+") || lexer_is(lexer, "-"))) {
        sign = lexer_is(lexer, "+") ? 1 : -1;
        lexer_next(lexer);
        priority += sign * (int32_t)(strtol(lexer->now.text, NULL, 10) % 100000);
        lexer_next(lexer);
    }
    return priority;
}

/* "type filter hook input priority filter; policy drop;" */
static void read_hook(struct ruleset *ruleset, struct chain *chain)
{
    struct lexer *lexer = &ruleset->lexer;
    const char *type = "", *hook = "";

    chain->line = line_here(ruleset);
    ruleset->in->lines[chain->line].state = LINE_DONE;
    while (lexer->now.kind != TOKEN_NEWLINE && lexer->now.kind != TOKEN_END &&
           !lexer_is_mark(lexer, '}')) {
        if (lexer_take(lexer, "type")) {
            type = lexer->now.text;
        } else if (lexer_take(lexer, "hook")) {
            hook = lexer->now.text;
        } else if (lexer_take(lexer, "policy")) {
            chain->drops = lexer_is(lexer, "drop");
        } else if (lexer_take(lexer, "priority")) {
            chain->priority = read_priority(lexer);
            continue;
        }
        if (lexer->now.kind != TOKEN_NEWLINE)
            lexer_next(lexer);
    }
    chain->why_foreign = hook_reason(ruleset, type, hook);
    if (chain->why_foreign)
        chain->hook = HOOK_FOREIGN;
    else
        chain->hook = *hook == 'i' ? HOOK_INPUT : (*hook == 'f' ? HOOK_FORWARD : HOOK_OUTPUT);
    if (chain->why_foreign && chain->drops)
        import_refuse(ruleset->in, chain->line, EFFECT_STOP, chain->why_foreign);
}

static void read_rules(struct ruleset *ruleset, struct chain *chain, uint32_t depth);

/* "jump {": the chain inside, under a name that no chain has; NULL if there is none. */
static struct chain *inline_chain(struct ruleset *ruleset, struct chain *outer, uint32_t depth)
{
    struct lexer *lexer = &ruleset->lexer;
    struct lexer start = *lexer;
    struct chain *chain;
    bool is_jump = false;
    uint32_t sets = 0;

    for (; lexer->now.kind != TOKEN_END; lexer_next(lexer)) {
        if (is_jump && lexer_is_mark(lexer, '{'))
            break;
        is_jump = lexer_is(lexer, "jump") || lexer_is(lexer, "goto");
        sets += lexer_is_mark(lexer, '{') ? 1U : 0U;
        if (lexer_is_mark(lexer, '}') && sets-- == 0)
            break;
        if (sets == 0 && (lexer->now.kind == TOKEN_NEWLINE || lexer_is_mark(lexer, ';')))
            break;
    }
    if (!is_jump || !lexer_is_mark(lexer, '{') || depth >= IMPORT_JUMPS_MAX) {
        *lexer = start;
        return NULL;
    }
    chain = import_chain(
        ruleset->in, ruleset->table, import_say(ruleset->in, "{%u}", ++ruleset->inline_chains));
    chain->families = outer->families;
    lexer_next(lexer);
    read_rules(ruleset, chain, depth + 1);
    *lexer = start;
    return chain;
}

static void read_rules(struct ruleset *ruleset, struct chain *chain, uint32_t depth)
{
    struct lexer *lexer = &ruleset->lexer;

    for (skip_ends(lexer); !lexer_is_mark(lexer, '}') && lexer->now.kind != TOKEN_END;
         skip_ends(lexer)) {
        if (depth == 0 && lexer_is(lexer, "type")) {
            read_hook(ruleset, chain);
        } else if (lexer_is(lexer, "comment") || lexer_is(lexer, "policy")) {
            skip_statement(lexer);
        } else {
            uint32_t line = line_here(ruleset);
            struct chain *inner = inline_chain(ruleset, chain, depth);

            nft_rule(ruleset->in, chain, line, lexer, inner);
            skip_statement(lexer);
        }
    }
    (void)lexer_take_mark(lexer, '}');
}

static void read_chain(struct ruleset *ruleset)
{
    struct lexer *lexer = &ruleset->lexer;
    struct chain *chain;

    lexer_next(lexer);
    chain = import_chain(ruleset->in, ruleset->table, lexer->now.text);
    if (!chain->families)
        chain->families = ruleset->families;
    if (ruleset->table_why) {
        chain->hook = HOOK_FOREIGN;
        chain->why_foreign = ruleset->table_why;
    }
    lexer_next(lexer);
    if (lexer_take_mark(lexer, '{'))
        read_rules(ruleset, chain, 0);
}

/* ---- tables */

static void read_block(struct ruleset *ruleset)
{
    struct lexer *lexer = &ruleset->lexer;
    uint32_t line;

    if (lexer_is(lexer, "chain")) {
        read_chain(ruleset);
    } else if (lexer_is(lexer, "set") || lexer_is(lexer, "map")) {
        read_set(ruleset, lexer_is(lexer, "map"));
    } else if (lexer_is(lexer, "flags") || lexer_is(lexer, "comment")) {
        skip_statement(lexer);
    } else {
        line = line_here(ruleset);
        import_refuse(ruleset->in, line, EFFECT_NOTHING,
            import_say(ruleset->in, "'%.40s' of a table has no equal in Picket",
                lexer->now.kind == TOKEN_MARK ? "a mark" : lexer->now.text));
        skip_statement(lexer);
        (void)lexer_take_mark(lexer, ';');
    }
}

static void read_table(struct ruleset *ruleset)
{
    struct lexer *lexer = &ruleset->lexer;
    static const struct word words[] = {{"ip", FAMILY_V4}, {"ip6", FAMILY_V6},
        {"inet", FAMILY_BOTH}, {"bridge", 0}, {"netdev", 0}, {"arp", 0}};
    const struct word *family;
    uint32_t line = lexer->now.line;

    lexer_next(lexer);
    family = word_find((struct words){words, 6}, lexer->now.text, strlen(lexer->now.text));
    ruleset->families = family ? (uint8_t)family->value : FAMILY_V4;
    ruleset->table_why = ruleset->families ? NULL
                                           : "tables of bridge, netdev and arp stand elsewhere "
                                             "than where routed packets are filtered";
    if (!ruleset->families)
        ruleset->families = FAMILY_BOTH;
    if (family)
        lexer_next(lexer);
    ruleset->table++;
    if (lexer->now.kind == TOKEN_WORD || lexer->now.kind == TOKEN_TEXT)
        lexer_next(lexer);
    if (!lexer_take_mark(lexer, '{'))
        return;
    for (skip_ends(lexer); !lexer_is_mark(lexer, '}') && lexer->now.kind != TOKEN_END;
         skip_ends(lexer))
        read_block(ruleset);
    /* A chain that lacks its mark has taken the table's. */
    if (!lexer_take_mark(lexer, '}'))
        import_cut_off(ruleset->in, line, "end");
}

void nft_read(struct importing *in)
{
    struct ruleset *ruleset = import_take(in, sizeof(*ruleset));
    struct lexer *lexer = &ruleset->lexer;

    ruleset->in = in;
    lexer_start(lexer, in, 0, 1);
    for (skip_ends(lexer); lexer->now.kind != TOKEN_END; skip_ends(lexer)) {
        if (lexer_is(lexer, "table")) {
            read_table(ruleset);
        } else {
            import_refuse(in, line_here(ruleset), EFFECT_UNKNOWN,
                "this is no part of what nft list ruleset prints");
            skip_statement(lexer);
            (void)lexer_take_mark(lexer, '}');
        }
    }
}
