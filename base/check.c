/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

static void (*check_dump_fn)(void);

void check_set_dump(void (*dump_fn)(void))
{
    check_dump_fn = dump_fn;
}

_Noreturn void check_failed(const char *claim, const char *file, int line, const char *why)
{
    (void)fprintf(stderr, "%s:%d: broken: %s (%s)\n", file, line, claim, why);
    if (check_dump_fn)
        check_dump_fn();
    abort();
}
