/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_tree.c - libyaml's document as a tree with known keys and line numbers. */
#include "cli/text/yaml_tree.h"

#include "base/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 32

uint32_t tree_line(const yaml_node_t *node)
{
    return (uint32_t)node->start_mark.line + 1;
}

int tree_say(struct tree *tree, uint32_t line, const char *format, ...)
{
    char what[sizeof(tree->problem->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return problem_say(tree->problem, -EINVAL, "%.100s:%u: %s", tree->path, line, what);
}

int tree_no_memory(struct tree *tree)
{
    return problem_say(tree->problem, -ENOMEM, "not enough memory to read %s", tree->path);
}

static int parser_failed(struct tree *tree, const yaml_parser_t *parser)
{
    const char *hint = "";

    if (parser->error == YAML_MEMORY_ERROR)
        return tree_no_memory(tree);
    if (parser->problem && strstr(parser->problem, "cannot start any token"))
        hint = "; a set's name stands in quotes: \"@name\"";
    return tree_say(tree, (uint32_t)parser->problem_mark.line + 1, "not YAML: %s%s",
        parser->problem ? parser->problem : "unreadable", hint);
}

/* A second document would be dropped silently. */
static int check_is_last(struct tree *tree, yaml_parser_t *parser)
{
    yaml_document_t next;
    yaml_node_t *root;
    int r = 0;

    if (!yaml_parser_load(parser, &next))
        return parser_failed(tree, parser);
    root = yaml_document_get_root_node(&next);
    if (root)
        r = tree_say(tree, tree_line(root), "a second document; put everything into one");
    yaml_document_delete(&next);
    return r;
}

static int load(struct tree *tree, yaml_parser_t *parser)
{
    int r;

    if (!yaml_parser_load(parser, &tree->document))
        return parser_failed(tree, parser);
    r = yaml_document_get_root_node(&tree->document) ? check_is_last(tree, parser)
                                                     : tree_say(tree, 1, "the file is empty");
    if (r < 0)
        yaml_document_delete(&tree->document);
    return r;
}

int tree_init(struct tree *tree, const char *path, struct bytes text, struct problem *problem)
{
    yaml_parser_t parser;
    int r;

    *tree = (struct tree){.path = path, .problem = problem};
    if (!yaml_parser_initialize(&parser))
        return tree_no_memory(tree);
    yaml_parser_set_input_string(&parser, text.at ? text.at : (const uint8_t *)"", text.len);
    r = load(tree, &parser);
    yaml_parser_delete(&parser);
    return r;
}

void tree_fini(struct tree *tree)
{
    yaml_document_delete(&tree->document);
}

static int unknown_key(
    struct tree *tree, uint32_t line, const char *name, const struct tree_key *keys, size_t count)
{
    const char *names[KEYS_MAX];
    const char *near;

    for (size_t i = 0; i < count && i < KEYS_MAX; i++)
        names[i] = keys[i].name;
    near = nearest_word(name, names, count);
    if (near)
        return tree_say(tree, line, "unknown key '%.60s'; did you mean '%s'?", name, near);
    return tree_say(tree, line, "unknown key '%.60s'", name);
}

static int take_pair(
    struct tree *tree, const yaml_node_pair_t *pair, struct tree_key *keys, size_t count)
{
    yaml_node_t *key = yaml_document_get_node(&tree->document, pair->key);
    const char *name;
    size_t i = 0;
    int r = tree_text(tree, key, "a key", &name);

    if (r < 0)
        return r;
    while (i < count && strcmp(keys[i].name, name) != 0)
        i++;
    if (i == count)
        return unknown_key(tree, tree_line(key), name, keys, count);
    if (keys[i].value)
        return tree_say(tree, tree_line(key), "'%s' stands twice", name);
    keys[i].value = yaml_document_get_node(&tree->document, pair->value);
    keys[i].line = tree_line(key);
    return 0;
}

int tree_keys(
    struct tree *tree, yaml_node_t *mapping, const char *what, struct tree_key *keys, size_t count)
{
    if (mapping->type != YAML_MAPPING_NODE)
        return tree_say(tree, tree_line(mapping), "%s must be a mapping of keys to values", what);
    for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        int r = take_pair(tree, pair, keys, count);

        if (r < 0)
            return r;
    }
    return 0;
}

int tree_text(struct tree *tree, const yaml_node_t *node, const char *what, const char **ret_text)
{
    const char *text;

    if (node->type != YAML_SCALAR_NODE)
        return tree_say(tree, tree_line(node), "%s must be a single value", what);
    text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length)
        return tree_say(tree, tree_line(node), "%s holds a zero byte", what);
    *ret_text = text;
    return 0;
}

size_t tree_items_count(const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return 1;
    if (node->type != YAML_SEQUENCE_NODE)
        return 0;
    return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
}

yaml_node_t *tree_item(struct tree *tree, yaml_node_t *node, size_t index)
{
    if (node->type == YAML_SCALAR_NODE)
        return node;
    return yaml_document_get_node(&tree->document, node->data.sequence.items.start[index]);
}

static int append(struct tree *tree, struct buffer *text, const char *what)
{
    return buffer_append(text, what, strlen(what)) < 0 ? tree_no_memory(tree) : 0;
}

/* One label or value of a scope; what separates them inside a scope's text may not stand in it. */
static int append_label(struct tree *tree, const yaml_node_t *node, struct buffer *text)
{
    const char *label;
    int r = tree_text(tree, node, "a label of a scope", &label);

    if (r < 0)
        return r;
    if (!*label || strpbrk(label, "=,; "))
        return tree_say(tree, tree_line(node), "'%.60s' is not a label or value of a scope", label);
    return append(tree, text, label);
}

static int append_term(struct tree *tree, const yaml_node_pair_t *pair, struct buffer *text)
{
    yaml_node_t *values = yaml_document_get_node(&tree->document, pair->value);
    size_t count = tree_items_count(values);
    int r = append_label(tree, yaml_document_get_node(&tree->document, pair->key), text);

    if (r == 0 && count == 0)
        r = tree_say(
            tree, tree_line(values), "a label of a scope needs a value or a list of values");
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = append(tree, text, i == 0 ? "=" : ",");
        if (r == 0)
            r = append_label(tree, tree_item(tree, values, i), text);
    }
    return r;
}

int tree_scope_text(struct tree *tree, yaml_node_t *node, struct buffer *ret_text)
{
    const char *text;
    int r = 0;

    if (node->type != YAML_MAPPING_NODE) {
        r = tree_text(tree, node, "a scope", &text);
        if (r == 0)
            r = append(tree, ret_text, text);
    } else {
        yaml_node_pair_t *pairs = node->data.mapping.pairs.start;

        for (yaml_node_pair_t *pair = pairs; r == 0 && pair < node->data.mapping.pairs.top;
             pair++) {
            if (pair > pairs)
                r = append(tree, ret_text, ";");
            if (r == 0)
                r = append_term(tree, pair, ret_text);
        }
    }
    if (r == 0 && buffer_append(ret_text, "", 1) < 0)
        r = tree_no_memory(tree);
    return r;
}
