/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * yaml_tree.h - a YAML document as a tree with known keys and line numbers. Private to cli/text/.
 *
 * Owns: nothing; nodes live as long as the document.
 */
#include "base/bytes.h"
#include "base/problem.h"

#include <yaml.h>

struct tree {
    const char *path; /* for sentences */
    yaml_document_t document;
    struct problem *problem;
};

/* One key of a mapping: the caller names it, tree_keys() fills in what the file has. */
struct tree_key {
    const char *name;
    yaml_node_t *value; /* NULL: absent */
    uint32_t line;
};

/* Exactly one document. tree_fini() only after success. */
int tree_init(struct tree *tree, const char *path, struct bytes text, struct problem *problem);
void tree_fini(struct tree *tree);

uint32_t tree_line(const yaml_node_t *node);

/* "PATH:LINE: sentence"; returns -EINVAL. */
__attribute__((format(printf, 3, 4))) int tree_say(
    struct tree *tree, uint32_t line, const char *format, ...);
int tree_no_memory(struct tree *tree);

/* The mapping's keys; an unknown or repeated one is an error. `what` names the mapping in
 * sentences. */
int tree_keys(
    struct tree *tree, yaml_node_t *mapping, const char *what, struct tree_key *keys, size_t count);

/* A scalar without zero bytes. *ret_text lives with the document. */
int tree_text(struct tree *tree, const yaml_node_t *node, const char *what, const char **ret_text);

/* Items of a sequence; a scalar is a sequence of itself. 0 for anything else. */
size_t tree_items_count(const yaml_node_t *node);
yaml_node_t *tree_item(struct tree *tree, yaml_node_t *node, size_t index);

/* A scope as text ("site=a,b;role=web") or as a mapping of labels to values, appended as text and a
 * NUL. */
int tree_scope_text(struct tree *tree, yaml_node_t *node, struct buffer *ret_text);
