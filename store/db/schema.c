/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/schema.h"

#include "store/db/row.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/*
 * records and chunks are rowid tables: their rows are large, so order and identity live in narrow
 * indexes. meta's rows are small: it is its own index.
 */
#define SCHEMA                                                                                    \
    "CREATE TABLE records (arrival INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id BLOB NOT NULL," \
    " sum BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (kind, id)) STRICT;"                         \
    "CREATE TABLE chunks (place INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"                  \
    " content BLOB NOT NULL) STRICT;"                                                             \
    "CREATE TABLE meta (name TEXT PRIMARY KEY, sum BLOB NOT NULL, value BLOB NOT NULL)"           \
    " STRICT, WITHOUT ROWID;"                                                                     \
    "CREATE TABLE damaged (place INTEGER PRIMARY KEY, origin TEXT NOT NULL, kind INTEGER, id "    \
    "BLOB,"                                                                                       \
    " bytes BLOB, why TEXT NOT NULL) STRICT;"                                                     \
    "PRAGMA application_id = 1885954923; PRAGMA user_version = 1;"

_Static_assert(SCHEMA_APPLICATION == 1885954923 && SCHEMA_VERSION == 1, "as written in SCHEMA");

int meta_put(struct connection *connection, const char *name, struct bytes value)
{
    sqlite3_stmt *statement = connection_statement(connection, STATEMENT_META_PUT);
    uint8_t sum[ROW_SUM_BYTES];

    if (!statement)
        return connection_error(connection);
    row_sum(0, bytes_of(name, strlen(name)), value, sum);
    (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    bind_bytes(statement, 2, bytes_of(sum, sizeof(sum)));
    bind_bytes(statement, 3, value);
    return connection_step(connection, statement);
}

/* The row of a meta statement that has stepped onto one. */
static int meta_row(sqlite3_stmt *statement, const char *name, struct buffer *ret_value)
{
    struct bytes value = column_bytes(statement, 1);

    if (!row_sum_holds(0, bytes_of(name, strlen(name)), value, column_bytes(statement, 0)))
        return -EBADMSG;
    return buffer_append(ret_value, value.at, value.len);
}

int meta_get(struct connection *connection, const char *name, struct buffer *ret_value)
{
    sqlite3_stmt *statement = connection_statement(connection, STATEMENT_META_GET);
    int r;

    if (!statement)
        return connection_error(connection);
    (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        r = meta_row(statement, name, ret_value);
        break;
    case SQLITE_DONE:
        r = -ENOENT;
        break;
    default:
        r = connection_error(connection);
    }
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return r;
}

static int say_failure(int r, const char *path, const char *what, struct problem *reterr_problem)
{
    return problem_say(reterr_problem, r, "cannot %s the store %s: %s", what, path, strerror(-r));
}

static int create(struct connection *connection, const char *path,
    const uint8_t fleet_id[HASH_BYTES], struct problem *reterr_problem)
{
    int r = connection_run(connection, "BEGIN IMMEDIATE;" SCHEMA);

    if (r == 0)
        r = meta_put(connection, META_FLEET, bytes_of(fleet_id, HASH_BYTES));
    if (r == 0)
        r = connection_run(connection, "COMMIT");
    if (r < 0) {
        if (!sqlite3_get_autocommit(connection->sqlite))
            (void)connection_run(connection, "ROLLBACK");
        return say_failure(r, path, "create", reterr_problem);
    }
    return 0;
}

static int check_fleet(struct connection *connection, const char *path,
    const uint8_t fleet_id[HASH_BYTES], struct problem *reterr_problem)
{
    struct buffer stored = {0};
    char theirs[17] = "unknown";
    char ours[17];
    int r = meta_get(connection, META_FLEET, &stored);

    if (r < 0) {
        buffer_fini(&stored);
        return problem_say(reterr_problem, r,
            "the store %s does not say whose it is: it is damaged; move it away, and the "
            "neighbours "
            "will fill a new one",
            path);
    }
    if (!bytes_equal(buffer_bytes(&stored), bytes_of(fleet_id, HASH_BYTES))) {
        if (stored.len == HASH_BYTES)
            hex_print(stored.at, 8, theirs);
        hex_print(fleet_id, 8, ours);
        r = problem_say(reterr_problem, -EXDEV,
            "the store %s belongs to the fleet %s..., this node to %s...", path, theirs, ours);
    }
    buffer_fini(&stored);
    return r;
}

/* What the file says it is. */
struct mark {
    int64_t tables;
    int64_t application;
    int64_t version;
};

static int read_mark(struct connection *connection, struct mark *ret_mark)
{
    int r = connection_number(connection, "SELECT count(*) FROM sqlite_schema", &ret_mark->tables);

    if (r == 0)
        r = connection_number(connection, "PRAGMA application_id", &ret_mark->application);
    if (r == 0)
        r = connection_number(connection, "PRAGMA user_version", &ret_mark->version);
    return r;
}

int schema_prepare(struct connection *connection, const char *path,
    const uint8_t fleet_id[HASH_BYTES], struct problem *reterr_problem)
{
    struct mark mark = {0};
    int r = read_mark(connection, &mark);
    bool is_new = mark.tables == 0 && mark.application == 0 && mark.version == 0;

    if (r == -EINVAL || (r == 0 && !is_new && mark.application != SCHEMA_APPLICATION))
        return problem_say(reterr_problem, -EINVAL, "%s is not a store of Picket", path);
    if (r < 0)
        return say_failure(r, path, "read", reterr_problem);
    if (!is_new && mark.version != SCHEMA_VERSION)
        return problem_say(reterr_problem, -ENOTSUP,
            "the store %s has schema %" PRId64 "; this software knows %d", path, mark.version,
            SCHEMA_VERSION);
    r = connection_make_durable(connection);
    if (r < 0)
        return say_failure(r, path, "write", reterr_problem);
    if (is_new)
        return create(connection, path, fleet_id, reterr_problem);
    return check_fleet(connection, path, fleet_id, reterr_problem);
}
