/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * key_file.h - one key, one file, one text line: `picket-key-1 KIND KDF OPS MEMORY SALT BOX` with
 * KIND ed25519 or p256, KDF argon2id or plain, the rest hex (docs/format.md).
 *
 * I/O: files. Threads: any. Passphrases are wiped after use.
 */
#include "base/bytes.h"
#include "base/problem.h"

#define KEY_FILE_SECRET_MAX 512

/* secret: 32-byte seed for ed25519, DER private key for p256. passphrase NULL or "": plain.
 * Creates with mode 0600, never overwrites, writes a temporary file and renames it. */
int key_file_write(const char *path, const char *kind, struct bytes secret, const char *passphrase,
    struct problem *reterr_problem);

/* Fills ret_secret (capacity KEY_FILE_SECRET_MAX) and *ret_len. -EACCES: wrong or missing
 * passphrase; -EPERM: the file is readable by others. */
int key_file_read(const char *path, const char *kind, const char *passphrase, uint8_t *ret_secret,
    size_t *ret_len, struct problem *reterr_problem);
