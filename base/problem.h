/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* problem.h - an errno plus one sentence a person can act on. */

struct problem {
    int code; /* negative errno, 0 if none */
    char text[240];
};

/* Fills reterr_problem (may be NULL) and returns code, so a caller can write:
 * return problem_say(...);
 */
__attribute__((format(printf, 3, 4))) int problem_say(
    struct problem *reterr_problem, int code, const char *format, ...);
