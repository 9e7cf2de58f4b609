/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * import.h - the saved rules of another firewall into the file of `picket apply`.
 *
 * Every line of the input is either in the YAML, or in `remarks` with the reason why not.
 *
 * Owns:  a result owns its buffers; import_result_fini().
 * I/O:   none. Time is a parameter. Threads: any.
 * Fails: -E2BIG above a limit below, -EINVAL for what is no text; a line that cannot be expressed
 *        is no failure.
 */
#include "base/bytes.h"
#include "base/problem.h"

/* Published in docs/limits.md. */
#define IMPORT_BYTES_MAX (16 * 1024 * 1024) /* of the input, and of the YAML */
#define IMPORT_RULES_MAX 60000              /* rules in the YAML */
#define IMPORT_COPIES_MAX 16384             /* rules that one jump becomes */
#define IMPORT_RETURN_MAX 1024              /* rules that one conditional return becomes */
#define IMPORT_PIECES_MAX 256               /* rules that one condition becomes */
#define IMPORT_JUMPS_MAX 16                 /* jumps inside each other */
#define IMPORT_STEPS_MAX 1000000            /* steps of flattening a file */

enum import_format { IMPORT_IPTABLES, IMPORT_IP6TABLES, IMPORT_NFT, IMPORT_IPSET, IMPORT_NETSET };

struct import_options {
    enum import_format format;
    const char *name;  /* of the file, for remarks */
    const char *owner; /* of the YAML; for a netset also the set's name */
    uint64_t now_s;    /* what `timeout N` counts from */
};

struct import_result {
    struct buffer yaml;
    struct buffer remarks; /* lines "NAME:LINE: reason: the line", refusals and notes */
    uint32_t rules;
    uint32_t sets;
    uint32_t refused;      /* lines */
    uint32_t refused_stop; /* of these, lines that drop or reject packets */
    uint32_t notes;
};

/* "iptables-save" and so on; -EINVAL if unknown. */
int import_format_parse(const char *word);
const char *import_format_word(enum import_format format);

int import_text(struct bytes text, const struct import_options *options,
    struct import_result *ret_result, struct problem *reterr_problem);
void import_result_fini(struct import_result *result);
