/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * classbench.h - ClassBench filter files and traces, plain or gzipped, IPv4 and IPv6.
 *
 *   @source/length TAB target/length TAB first : last TAB first : last TAB proto/mask [TAB
 * flags/mask] source TAB target TAB port TAB port TAB proto [TAB anything] TAB rule
 *
 * IPv4 addresses of a trace are decimal numbers or dotted, IPv6 ones in their text form. Empty
 * lines and lines that begin with # are skipped. The last number of a trace line, the rule it was
 * drawn from, need not be the first match; a line without it has BENCH_NO_RULE.
 *
 * I/O:      reads the file it is given.
 * Fails:    -ENOENT and other errors of the file, -EINVAL with file, line and reason, -ENOMEM; the
 *           result is empty then.
 */
#include "base/problem.h"
#include "tests/bench/packet/rules/rule_set.h"

enum classbench_flags {
    CLASSBENCH_FIVE_TUPLE, /* flags/mask is read and left out, as the literature does */
    CLASSBENCH_WITH_FLAGS, /* TCP: high byte = TCP flags. ICMP: type, code. Else: left out */
};

/* Rules of both families may stand in one file. Actions alternate: drop, allow, drop. */
int classbench_read_rules(const char *path, enum classbench_flags flags,
    struct bench_rules *ret_rules, struct problem *reterr_problem);

int classbench_read_headers(
    const char *path, struct bench_headers *ret_headers, struct problem *reterr_problem);

/* One line, without newline; 0, or -EINVAL with the reason alone (no file, no line). */
int classbench_parse_rule(const char *line, enum classbench_flags flags,
    struct bench_rule *ret_rule, struct problem *reterr_problem);
int classbench_parse_header(
    const char *line, struct bench_header *ret_header, struct problem *reterr_problem);

/* The line classbench_parse_rule() reads, with newline; ret_text: at least 256 bytes. Returns the
 * length. */
int classbench_print_rule(const struct bench_rule *rule, char *ret_text);
int classbench_print_header(const struct bench_header *header, char *ret_text);
