/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml_rule.c - a rule written as keys becomes the one-line text, so that both forms have one
 * meaning. The text remembers which key each piece came from; an error's place in it gives the line
 * in the file.
 */
#include "cli/text/yaml_rule.h"

#include "base/own.h"

#include <errno.h>
#include <string.h>

enum key_form {
    FORM_LIST, /* one value or a list, without spaces */
    FORM_TEXT, /* any text */
    FORM_SCOPE,
    FORM_SPECIAL, /* action, limit, direction, mode: below */
};

struct key_row {
    const char *key;
    const char *clause;
    enum key_form form;
};

enum { ROW_ACTION, ROW_LIMIT, ROW_DIRECTION, ROW_MODE };

static const struct key_row rows[] = {
    [ROW_ACTION] = {"action", "", FORM_SPECIAL},
    [ROW_LIMIT] = {"limit", "", FORM_SPECIAL},
    [ROW_DIRECTION] = {"direction", "", FORM_SPECIAL},
    [ROW_MODE] = {"mode", "", FORM_SPECIAL},
    {"name", "name", FORM_TEXT},
    {"comment", "comment", FORM_TEXT},
    {"scope", "scope", FORM_SCOPE},
    {"priority", "priority", FORM_LIST},
    {"family", "family", FORM_LIST},
    {"protocol", "proto", FORM_LIST},
    {"from", "from", FORM_LIST},
    {"not-from", "from not", FORM_LIST},
    {"source-port", "sport", FORM_LIST},
    {"target", "to", FORM_LIST},
    {"to", "to", FORM_LIST},
    {"not-to", "to not", FORM_LIST},
    {"port", "dport", FORM_LIST},
    {"icmp-type", "icmp-type", FORM_LIST},
    {"flags", "flags", FORM_LIST},
    {"state", "state", FORM_LIST},
    {"device", "device", FORM_LIST},
    {"class", "class", FORM_LIST},
    {"vlan", "vlan", FORM_LIST},
    {"fragment", "fragment", FORM_LIST},
    {"dscp", "dscp", FORM_LIST},
    {"since", "since", FORM_LIST},
    {"until", "until", FORM_LIST},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct rule_line {
    struct tree *tree;
    struct buffer text;
    struct {
        size_t at;
        uint32_t line;
    } pieces[ROWS];
    size_t pieces_count;
};

static int append(struct rule_line *line, const char *text)
{
    return buffer_append(&line->text, text, strlen(text)) < 0 ? tree_no_memory(line->tree) : 0;
}

static int append_quoted(struct rule_line *line, const char *text)
{
    int r = append(line, "\"");

    for (; r == 0 && *text; text++) {
        const char piece[3] = {'\\', *text, '\0'};

        r = append(line, *text == '"' || *text == '\\' ? piece : piece + 1);
    }
    return r == 0 ? append(line, "\"") : r;
}

/* From here on the text belongs to this key. */
static int begin_piece(struct rule_line *line, uint32_t file_line)
{
    int r = line->text.len > 0 ? append(line, " ") : 0;

    line->pieces[line->pieces_count].at = line->text.len;
    line->pieces[line->pieces_count++].line = file_line;
    return r;
}

/* A value must stay one word of the line, else it could bring clauses of its own. */
static int append_item(struct rule_line *line, const yaml_node_t *node, const struct key_row *row)
{
    const char *text;
    uint8_t id[OP_REF_BYTES];
    int r = tree_text(line->tree, node, row->key, &text);

    if (r < 0)
        return r;
    if (*text == '@' && hex_parse(text + 1, id, OP_REF_BYTES) < 0) {
        r = append(line, "@");
        return r == 0 ? append_quoted(line, text + 1) : r;
    }
    if (!*text || strpbrk(text, " \t\r\n\""))
        return tree_say(line->tree, tree_line(node),
            "'%.60s' is not a value of '%s'; for several, use a list", text, row->key);
    return append(line, text);
}

static int append_list(
    struct rule_line *line, const struct tree_key *key, const struct key_row *row)
{
    size_t count = tree_items_count(key->value);
    int r = append(line, row->clause);

    if (r == 0 && count == 0)
        r = tree_say(line->tree, key->line, "'%s' needs a value or a list of values", row->key);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = append(line, i == 0 ? " " : ",");
        if (r == 0)
            r = append_item(line, tree_item(line->tree, key->value, i), row);
    }
    return r;
}

static int append_text(
    struct rule_line *line, const struct tree_key *key, const struct key_row *row)
{
    const char *text;
    int r = tree_text(line->tree, key->value, row->key, &text);

    if (r == 0)
        r = append(line, row->clause);
    if (r == 0)
        r = append(line, " ");
    return r == 0 ? append_quoted(line, text) : r;
}

static int append_scope(struct rule_line *line, const struct tree_key *key)
{
    OWN(buffer_fini) struct buffer scope = {0};
    int r = tree_scope_text(line->tree, key->value, &scope);

    if (r == 0)
        r = append(line, "scope ");
    return r == 0 ? append_quoted(line, (const char *)scope.at) : r;
}

static int append_action(struct rule_line *line, const struct tree_key *key)
{
    const char *text;
    int r = tree_text(line->tree, key->value, "action", &text);

    if (r < 0)
        return r;
    if (action_parse(text) < 0)
        return tree_say(line->tree, key->line,
            "'%.60s' is not an action: allow, drop, reject, limit or log", text);
    return append(line, text);
}

/* The words behind the action `limit`, and no others. */
static int append_limit(struct rule_line *line, const struct tree_key *key)
{
    static const char *const words[] = {"burst", "per", "source"};
    const char *text = "";
    int r = tree_text(line->tree, key->value, "limit", &text);

    for (const char *at = text; r == 0 && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        bool is_known = (*at >= '0' && *at <= '9') || *at == '/';

        for (size_t i = 0; i < 3; i++)
            is_known = is_known || (strlen(words[i]) == len && memcmp(words[i], at, len) == 0);
        if (!is_known)
            return tree_say(line->tree, key->line,
                "'%.60s' is not a limit such as 100/s burst 20 per source /24", text);
        at += len;
    }
    return r == 0 ? append(line, text) : r;
}

static int append_direction(struct rule_line *line, const struct tree_key *key)
{
    const char *text;
    int r = tree_text(line->tree, key->value, "direction", &text);

    if (r < 0 || strcmp(text, "both") == 0)
        return r;
    if (!word_find(rule_directions, text, strlen(text)))
        return tree_say(line->tree, key->line, "'%.60s' is not a direction: in, out or both", text);
    return append(line, text);
}

static int append_mode(struct rule_line *line, const struct tree_key *key)
{
    const char *text;
    int r = tree_text(line->tree, key->value, "mode", &text);

    if (r < 0 || strcmp(text, "enforce") == 0)
        return r;
    if (strcmp(text, "shadow") != 0)
        return tree_say(line->tree, key->line, "'%.60s' is not a mode: enforce or shadow", text);
    return append(line, text);
}

static int append_key(struct rule_line *line, size_t row, const struct tree_key *key)
{
    static int (*const special[])(struct rule_line *, const struct tree_key *) = {
        [ROW_ACTION] = append_action,
        [ROW_LIMIT] = append_limit,
        [ROW_DIRECTION] = append_direction,
        [ROW_MODE] = append_mode};
    int r = begin_piece(line, key->line);

    if (r < 0)
        return r;
    switch (rows[row].form) {
    case FORM_LIST:
        return append_list(line, key, &rows[row]);
    case FORM_TEXT:
        return append_text(line, key, &rows[row]);
    case FORM_SCOPE:
        return append_scope(line, key);
    case FORM_SPECIAL:
        break;
    }
    return special[row](line, key);
}

static int line_from_keys(struct rule_line *line, yaml_node_t *node)
{
    struct tree_key keys[ROWS];
    int r;

    for (size_t i = 0; i < ROWS; i++)
        keys[i] = (struct tree_key){.name = rows[i].key};
    r = tree_keys(line->tree, node, "a rule", keys, ROWS);
    if (r == 0 && !keys[ROW_ACTION].value)
        r = tree_say(line->tree, tree_line(node),
            "a rule needs an action: allow, drop, reject, limit or log");
    for (size_t i = 0; r == 0 && i < ROWS; i++)
        if (keys[i].value)
            r = append_key(line, i, &keys[i]);
    return r;
}

static int line_from_text(struct rule_line *line, yaml_node_t *node)
{
    const char *text;
    int r = tree_text(line->tree, node, "a rule", &text);

    return r == 0 ? append(line, text) : r;
}

/* Whole-rule errors have their place behind the text: they belong to the rule's first line. */
static uint32_t line_of(const struct rule_line *line, size_t error_at, uint32_t first_line)
{
    uint32_t found = first_line;

    for (size_t i = 0; i < line->pieces_count && error_at < line->text.len - 1; i++)
        if (line->pieces[i].at <= error_at)
            found = line->pieces[i].line;
    return found;
}

int yaml_rule_parse(struct tree *tree, yaml_node_t *node, rule_set_find set_find, void *user,
    Picket__V1__Rule **ret_rule, bool *ret_has_priority)
{
    struct rule_line line = {.tree = tree};
    struct rule_parse_notes notes;
    struct problem problem = {0};
    int r =
        node->type == YAML_SCALAR_NODE ? line_from_text(&line, node) : line_from_keys(&line, node);

    if (r == 0 && buffer_append(&line.text, "", 1) < 0)
        r = tree_no_memory(tree);
    if (r == 0) {
        r = rule_parse_noted(
            (const char *)line.text.at, set_find, user, ret_rule, &notes, &problem);
        if (r < 0)
            (void)tree_say(
                tree, line_of(&line, notes.error_at, tree_line(node)), "%s", problem.text);
        *ret_has_priority = notes.has_priority;
    }
    buffer_fini(&line.text);
    return r;
}
