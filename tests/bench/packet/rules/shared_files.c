/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/shared_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool shared_file(const char *name, char ret_path[SHARED_PATH_BYTES])
{
    const char *places[] = {getenv("PICKET_DATA"), "shared/data", "../shared/data"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (!places[i])
            continue;
        int len = snprintf(ret_path, SHARED_PATH_BYTES, "%s/%s", places[i], name);

        if (len < SHARED_PATH_BYTES && access(ret_path, R_OK) == 0)
            return true;
    }
    return false;
}
