/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* shared_files.h - where the test data lies that is not in the repository: $PICKET_DATA,
 * shared/data, ../shared/data. */
#include <stdbool.h>

#define SHARED_PATH_BYTES 512

/* Path of a file such as "classbench/gen_acl1_100k.gz"; false if it is not here. */
bool shared_file(const char *name, char ret_path[SHARED_PATH_BYTES]);
