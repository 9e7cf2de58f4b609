/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * cli.h - one run of the command: its words, its fleet, where its output goes, and the table of
 * commands.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 the words were not understood, 3 no node could be
 * reached, 4 only some of several nodes took it, or
 * `import` wrote its output and refused lines.
 */
#include "base/problem.h"
#include "cli/fleet.h"
#include "cli/options.h"

#include <stdio.h>

enum cli_exit {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_UNREACHABLE = 3,
    EXIT_PARTLY = 4,
};

struct cli {
    const struct words_given *given; /* the command's own words first: given->words[words_used] */
    const char *const *words;        /* behind the command's name */
    uint32_t words_count;
    FILE *out;
    FILE *err;
    bool is_usage;         /* the error is in the words */
    bool is_partly;        /* some nodes took it */
    struct fleet *fleet;   /* once opened */
    char *passphrase;      /* once asked; wiped at the end */
    bool passphrase_known; /* asked or read: NULL is "none" */
};

/* 0, or a negative errno with the sentence. */
typedef int cli_run_fn(struct cli *cli, struct problem *reterr_problem);

struct command {
    const char *name; /* "rule add" */
    cli_run_fn *run;
    const char *words; /* "NAME FILE" */
    uint32_t words_min, words_max;
    uint64_t options;
    const char *help; /* one line */
    const char *more; /* an example or two; NULL */
};
extern const struct command commands[];
extern const uint32_t commands_count;

/* argv without the program's name. Prints to out and err; the exit code. */
int cli_main(int argc, char *const *argv, FILE *out, FILE *err);

/* Marks the error as one of the words. */
__attribute__((format(printf, 3, 4))) int cli_usage(
    struct cli *cli, struct problem *reterr_problem, const char *format, ...);

/* Finds, opens and locks the fleet's folder; the second call gives the same. */
int cli_fleet(struct cli *cli, struct problem *reterr_problem);

/* The passphrase of a key file that needs one: --passphrase-file, else asked at the terminal; NULL
 * if none is wanted. is_new: for making keys; empty means plain. */
int cli_passphrase(struct cli *cli, const char *key_path, bool is_new, const char **ret_passphrase,
    struct problem *reterr_problem);

/* A key of the fleet's folder (or a path), asking for the passphrase if it has one. */
int cli_key(
    struct cli *cli, const char *name, struct key_pair *ret_pair, struct problem *reterr_problem);

bool cli_is_json(const struct cli *cli);
uint64_t cli_now_s(void);

/* The functions of the table, by file. */
cli_run_fn cmd_fleet_init, cmd_fleet_status, cmd_fleet_catch_up;
cli_run_fn cmd_trust_grant, cmd_trust_list;
cli_run_fn cmd_node_invite, cmd_node_join, cmd_node_list;
cli_run_fn cmd_rule_add, cmd_rule_list, cmd_rule_show, cmd_rule_delete;
cli_run_fn cmd_set_import, cmd_set_add, cmd_set_remove, cmd_set_list, cmd_set_delete;
int cmd_delete_object(struct cli *cli, const char *kind, struct problem *reterr_problem);
cli_run_fn cmd_apply, cmd_import;
cli_run_fn cmd_status, cmd_interfaces, cmd_counters, cmd_peers;
cli_run_fn cmd_log;
cli_run_fn cmd_events;
