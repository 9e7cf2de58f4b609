/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* folder.h - a folder of a test's own, and the command run as a function. */
#include "cli/files.h"

struct folder {
    char path[256];
    char *out; /* of the last run */
    char *err;
};

void folder_make(struct folder *folder);
void folder_drop(struct folder *folder);

/* A path in the folder; static storage, four at a time. */
char *folder_path(const struct folder *folder, const char *name);

/* Runs picket with these words, NULL at the end; the exit code. */
int folder_run(struct folder *folder, ...);
