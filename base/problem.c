/* SPDX-License-Identifier: Apache-2.0 */
#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>

int problem_say(struct problem *reterr_problem, int code, const char *format, ...)
{
    if (reterr_problem) {
        va_list args;

        reterr_problem->code = code;
        va_start(args, format);
        (void)vsnprintf(reterr_problem->text, sizeof(reterr_problem->text), format, args);
        va_end(args);
    }
    return code;
}
