/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * connection.h - one SQLite connection, its prepared statements, its errors as errno. Private to
 * store/db. Threads: one at a time.
 */
#include "base/bytes.h"
#include "base/problem.h"

#include <sqlite3.h>

#define STATEMENTS(X)                                                                             \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                   \
    X(COMMIT, "COMMIT")                                                                           \
    X(ROLLBACK, "ROLLBACK")                                                                       \
    X(RECORD_PUT, "INSERT INTO records (kind, id, sum, bytes) VALUES (?1, ?2, ?3, ?4)"            \
                  " ON CONFLICT (kind, id) DO NOTHING")                                           \
    X(RECORD_SCAN, "SELECT arrival, kind, id, sum, bytes FROM records ORDER BY arrival")          \
    X(RECORD_ASIDE, "INSERT INTO damaged (origin, kind, id, bytes, why)"                          \
                    " SELECT 'records', kind, id, bytes, ?2 FROM records WHERE arrival = ?1")     \
    X(RECORD_DROP, "DELETE FROM records WHERE arrival = ?1")                                      \
    X(CHUNK_PUT, "INSERT INTO chunks (hash, content) VALUES (?1, ?2)"                             \
                 " ON CONFLICT (hash) DO UPDATE SET content = excluded.content"                   \
                 " WHERE content IS NOT excluded.content")                                        \
    X(CHUNK_GET, "SELECT content FROM chunks WHERE hash = ?1")                                    \
    X(CHUNK_SCAN, "SELECT place, hash, content FROM chunks ORDER BY place")                       \
    X(CHUNK_ASIDE, "INSERT INTO damaged (origin, id, bytes, why)"                                 \
                   " SELECT 'chunks', hash, content, ?2 FROM chunks WHERE place = ?1")            \
    X(CHUNK_DROP, "DELETE FROM chunks WHERE place = ?1")                                          \
    X(META_PUT, "INSERT INTO meta (name, sum, value) VALUES (?1, ?2, ?3)"                         \
                " ON CONFLICT (name) DO UPDATE SET sum = excluded.sum, value = excluded.value")   \
    X(META_GET, "SELECT sum, value FROM meta WHERE name = ?1")                                    \
    X(RECORD_INDEX, "SELECT arrival, kind, id FROM records INDEXED BY sqlite_autoindex_records_1" \
                    " ORDER BY kind, id")                                                         \
    X(CHUNK_INDEX, "SELECT place, hash FROM chunks INDEXED BY sqlite_autoindex_chunks_1"          \
                   " ORDER BY hash")                                                              \
    X(REINDEX, "REINDEX")

enum statement {
#define STATEMENT_ENUM(name, sql) STATEMENT_##name,
    STATEMENTS(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        STATEMENT_COUNT
};

struct connection {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* Opens or creates the file; changes nothing in one that exists. connection_close() in any case. */
int connection_open(struct connection *connection, const char *path);
void connection_close(struct connection *connection);

/* A write-ahead log, synced at every commit. Creates the file's first page. */
int connection_make_durable(struct connection *connection);

/* SQL without results. */
int connection_run(struct connection *connection, const char *sql);

/* The first column of the first row. */
int connection_number(struct connection *connection, const char *sql, int64_t *ret_number);

/* A statement, reset and ready to be bound; NULL if it cannot be prepared (connection_error()). */
sqlite3_stmt *connection_statement(struct connection *connection, enum statement which);

/* Steps a statement without result rows and resets it. */
int connection_step(struct connection *connection, sqlite3_stmt *statement);

/* The newest failure as a negative errno: -ENOSPC, -EROFS, -ENOMEM, -EUCLEAN (the file contradicts
 * itself), -EINVAL (not a database), -EEXIST (a constraint), -EBUSY, -EIO. */
int connection_error(const struct connection *connection);

void bind_bytes(sqlite3_stmt *statement, int place, struct bytes bytes);

/* Borrowed until the statement moves on. */
struct bytes column_bytes(sqlite3_stmt *statement, int column);
