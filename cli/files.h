/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * files.h - whole files, durably: what returns 0 is on disk. And lists of records in one file:
 * kind (1 byte, enum record_kind), length (4, big endian), bytes.
 *
 * I/O: files. Threads: any. Sentences quote the path.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "store/ledger/record.h"

#include <sys/types.h>

#define FILE_PATH_MAX 4096

/* FOLDER/NAME; -ENAMETOOLONG with the sentence. */
int file_path(const char *folder, const char *name, char ret_path[FILE_PATH_MAX],
    struct problem *reterr_problem);

/* Appends the content to *ret. -ENOENT, -EFBIG, ... */
int file_read(
    const char *path, size_t bytes_max, struct buffer *ret, struct problem *reterr_problem);

/* A temporary file beside it, fsync, rename, fsync of the folder. */
int file_replace(
    const char *path, struct bytes content, mode_t mode, struct problem *reterr_problem);

/* Adds to the end (made if missing), fsync of file and folder. */
int file_append(
    const char *path, struct bytes content, mode_t mode, struct problem *reterr_problem);

/* The folder and those above it. */
int file_make_folder(const char *path, mode_t mode, struct problem *reterr_problem);

/* Appends one record. 0, -ENOMEM. */
int records_put(struct buffer *list, enum record_kind kind, struct bytes record);

/* Walks from *offset (0 at first). False at the end or where the rest is no whole record: then
 * *offset < list.len. */
bool records_next(
    struct bytes list, size_t *offset, enum record_kind *ret_kind, struct bytes *ret_record);
