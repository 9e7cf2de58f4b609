/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config.h - the daemon's settings: presets, then files, then flags. Filled once, read-only after.
 *
 * Owns: all strings. I/O: reads the named file. Threads: any, once filled.
 */
#include "base/problem.h"
#include "node/config_rows.h"

#include <stdbool.h>
#include <stdio.h>

struct node_config {
#define ROW_NUMBER(name, preset, low, high, meaning) unsigned name;
#define ROW_FLAG(name, preset, meaning) bool name;
#define ROW_TEXT(name, preset, meaning) char *name;
#define ROW_LIST(name, meaning) struct config_list name;
    NODE_CONFIG_ROWS(ROW_NUMBER, ROW_FLAG, ROW_TEXT, ROW_LIST)
#undef ROW_NUMBER
#undef ROW_FLAG
#undef ROW_TEXT
#undef ROW_LIST
};

int config_init(struct node_config *ret_config); /* presets; 0 or -ENOMEM */
void config_fini(struct node_config *config);

/* One `key = value`. -EINVAL with a sentence: an unknown key names the nearest known one. */
int config_set(
    struct node_config *config, const char *key, const char *value, struct problem *reterr_problem);

/* A file of such lines; `#` starts a comment. Errors are `file:line: sentence`. */
int config_read(struct node_config *config, const char *path, struct problem *reterr_problem);

/* Every setting with its meaning and value, in the file's own format. */
void config_print(const struct node_config *config, FILE *to);
