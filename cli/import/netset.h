/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * netset.h - lists of addresses as people keep them, into set elements.
 *
 * A line is one of
 *   192.0.2.7 | 192.0.2.0/24 | 2001:db8::/32      an address or prefix
 *   192.0.2.0-192.0.2.99                          a range, split into prefixes
 *   create NAME hash:ip|hash:net ...              of `ipset save`; other types are refused
 *   add NAME ADDRESS [timeout N]                  likewise; counters and comments behind it are
 * read over with `#` or `;` and the rest of the line a comment. Whatever else a line says is
 * refused with "NAME:LINE: sentence" and nothing is returned: no line is dropped silently.
 *
 * I/O: none but the given stream. Threads: any.
 */
#include "base/problem.h"
#include "store/ledger/ledger.h"

#include <stdio.h>

/* now_s + N is the expiry of `timeout N`; N 0 is never. *ret_elements is canonical (set_content.h),
 * free(). */
int netset_parse(struct bytes text, const char *name, uint64_t now_s,
    struct set_element **ret_elements, uint32_t *ret_count, struct problem *reterr_problem);

/* Reads to the end of the stream; closing it is the caller's. */
int netset_read(FILE *file, const char *name, uint64_t now_s, struct set_element **ret_elements,
    uint32_t *ret_count, struct problem *reterr_problem);
