/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * db.h - the durable log: SQLite in WAL mode, synchronous=FULL, group commit by one writer thread.
 *
 * Threads: db_open/db_load/db_close: the owner. db_put*: the owner, never blocks on the disk.
 *          done callbacks: the writer thread; they must only post.
 * Durable: when done(0) runs, the records are on disk. Order of puts is kept.
 * Sound:   db_load re-hashes every record and chunk; a damaged row is reported, set aside and left
 * out.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "store/ledger/record.h"

struct db;

/* Creates the folder's picket.db, or opens it and checks schema version, fleet id and that no other
 * process has it. */
int db_open(const char *folder, const uint8_t fleet_id[HASH_BYTES], struct db **ret_db,
    struct problem *reterr_problem);

/* Waits for what was put. Accepts NULL. */
void db_close(struct db *db);

struct db_visitor {
    void *user;
    void (*record)(void *user, enum record_kind kind, struct bytes bytes,
        const uint8_t id[HASH_BYTES]); /* in order of arrival */
    void (*chunk)(void *user, const uint8_t hash[HASH_BYTES], uint32_t len); /* names only */
    void (*damaged)(void *user, const char *sentence);
};
int db_load(struct db *db, const struct db_visitor *visitor, struct problem *reterr_problem);

struct db_done {
    void (*fn)(
        struct db_done *done, int result); /* 0, or -EIO ...: then nothing of this put is durable */
};

/* bytes are copied. id: the record's, for the index. Idempotent by (kind, id); a chunk that is
 * there is written again if what is there is something else. 0, or -ENOBUFS above
 * DB_QUEUE_BYTES_MAX. */
#define DB_QUEUE_BYTES_MAX (64 * 1024 * 1024)
int db_put(struct db *db, enum record_kind kind, const uint8_t id[HASH_BYTES], struct bytes bytes,
    struct db_done *done);
int db_put_chunk(
    struct db *db, const uint8_t hash[HASH_BYTES], struct bytes content, struct db_done *done);

/* Synchronous read on the caller's thread (its own connection); verified against the hash. 0,
 * -ENOENT, -EBADMSG, -EIO. */
int db_chunk_read(struct db *db, const uint8_t hash[HASH_BYTES], struct buffer *ret_content);

/* The same without waiting: fn runs on the reader thread, once, and must only post; content lives
 * until it returns. db_close() answers what is queued. */
struct db_read {
    void (*fn)(struct db_read *read, int result, struct bytes content);
    uint8_t hash[HASH_BYTES];
    struct db_read *next; /* the store's */
};
void db_chunk_fetch(struct db *db, struct db_read *read);

/* Small local values: generation number, newest time proved, holds. Synchronous. */
int db_meta_put(struct db *db, const char *name, struct bytes value);
/* Does not wait and does not say whether it is written; name is a literal. */
int db_meta_put_soon(struct db *db, const char *name, struct bytes value);
int db_meta_get(struct db *db, const char *name, struct buffer *ret_value); /* -ENOENT, -EBADMSG */

struct db_counts {
    uint64_t records, chunks, commits, puts, damaged;
};
void db_counts(const struct db *db, struct db_counts *ret_counts);
