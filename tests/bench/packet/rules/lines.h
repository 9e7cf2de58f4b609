/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* lines.h - the lines of a text file, plain or gzipped. */
#include "base/problem.h"

#include <stdint.h>

#define LINES_BYTES_MAX 1024

struct lines;

int lines_open(const char *path, struct lines **ret_lines, struct problem *reterr_problem);
void lines_close(struct lines *lines); /* accepts NULL */

/* 1: a line, without its end, until the next call. 0: there are no more. -EIO, -EINVAL with a
 * sentence. Empty lines and those that begin with # or ; are skipped. */
int lines_next(struct lines *lines, char **ret_line, struct problem *reterr_problem);

/* "FILE: line N: " before what the problem says. Returns its code. */
int lines_blame(const struct lines *lines, struct problem *problem);
