/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/connection.h"

#include "base/check.h"

#include <errno.h>

/* How long one connection waits for the other's lock; nobody else has the file. */
#define BUSY_MS 10000

static const char *const texts[STATEMENT_COUNT] = {
#define STATEMENT_TEXT(name, sql) [STATEMENT_##name] = sql,
    STATEMENTS(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};

int connection_error(const struct connection *connection)
{
    int system_code;

    if (!connection->sqlite)
        return -ENOMEM;
    system_code = sqlite3_system_errno(connection->sqlite);
    switch (sqlite3_errcode(connection->sqlite) & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_CORRUPT:
        return -EUCLEAN;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_NOTADB:
        return -EINVAL;
    case SQLITE_BUSY:
        return -EBUSY;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return system_code > 0 ? -system_code : -EIO;
    default:
        return -EIO;
    }
}

int connection_open(struct connection *connection, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(path, &connection->sqlite, flags, NULL);

    if (rc != SQLITE_OK)
        return connection_error(connection);
    (void)sqlite3_extended_result_codes(connection->sqlite, 1);
    (void)sqlite3_busy_timeout(connection->sqlite, BUSY_MS);
    (void)sqlite3_db_config(connection->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return connection_run(connection,
        "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384");
}

int connection_make_durable(struct connection *connection)
{
    int r = connection_run(
        connection, "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864");

    if (r < 0)
        return r;
    /* WAL is refused without an error where shared memory cannot be had. */
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(connection->sqlite, "PRAGMA journal_mode", -1, &statement, NULL) !=
        SQLITE_OK)
        return connection_error(connection);
    r = sqlite3_step(statement) == SQLITE_ROW &&
                sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0
            ? 0
            : -ENOTSUP;
    (void)sqlite3_finalize(statement);
    return r;
}

void connection_close(struct connection *connection)
{
    for (int i = 0; i < STATEMENT_COUNT; i++)
        (void)sqlite3_finalize(connection->statements[i]);
    CHECK(sqlite3_close(connection->sqlite) == SQLITE_OK, "no statement is left open");
    *connection = (struct connection){0};
}

int connection_run(struct connection *connection, const char *sql)
{
    if (sqlite3_exec(connection->sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        return connection_error(connection);
    return 0;
}

int connection_number(struct connection *connection, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(connection->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        return connection_error(connection);
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    else
        r = connection_error(connection);
    (void)sqlite3_finalize(statement);
    return r;
}

sqlite3_stmt *connection_statement(struct connection *connection, enum statement which)
{
    sqlite3_stmt **slot = &connection->statements[which];

    if (!*slot && sqlite3_prepare_v3(connection->sqlite, texts[which], -1,
                      SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
        return NULL;
    return *slot;
}

int connection_step(struct connection *connection, sqlite3_stmt *statement)
{
    int r = 0;

    if (sqlite3_step(statement) != SQLITE_DONE)
        r = connection_error(connection);
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return r;
}

void bind_bytes(sqlite3_stmt *statement, int place, struct bytes bytes)
{
    CHECK(bytes.len <= INT32_MAX, "a row is small");
    (void)sqlite3_bind_blob(
        statement, place, bytes.len ? (const void *)bytes.at : "", (int)bytes.len, SQLITE_STATIC);
}

struct bytes column_bytes(sqlite3_stmt *statement, int column)
{
    const void *at = sqlite3_column_blob(statement, column);

    return bytes_of(at, (size_t)sqlite3_column_bytes(statement, column));
}
