/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* yaml_rule.h - one item of `rules:`, a line or a mapping, into a Rule. Private to cli/text/. */
#include "cli/text/yaml_tree.h"
#include "store/ledger/rule_text.h"

/* Errors name the line of the key at fault. *ret_has_priority: the file names one. */
int yaml_rule_parse(struct tree *tree, yaml_node_t *node, rule_set_find set_find, void *user,
    Picket__V1__Rule **ret_rule, bool *ret_has_priority);
