/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - everything the file holds, checked row by row. A damaged row is said, set aside and left
 * out; the mesh brings it again.
 */
#include "base/check.h"
#include "store/db/db.h"
#include "store/db/inside.h"
#include "store/db/row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct load {
    struct db *db;
    const struct db_visitor *visitor;
    struct aside aside;
    uint64_t table_mark; /* row_mark(), summed over what the tables say */
    uint64_t index_mark; /* and over what their indexes say */
};

static int remember_damaged(struct aside *aside, const struct aside_row *row)
{
    if (aside->count == aside->capacity) {
        size_t capacity = aside->capacity ? 2 * aside->capacity : 16;
        struct aside_row *rows = realloc(aside->rows, capacity * sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        aside->rows = rows;
        aside->capacity = capacity;
    }
    aside->rows[aside->count++] = *row;
    return 0;
}

static int say_damaged(struct load *load, const struct aside_row *row)
{
    char sentence[200];

    (void)snprintf(sentence, sizeof(sentence), "%s %" PRId64 " of the store is damaged: %s",
        row->is_chunk ? "chunk" : "record", row->place, row->why);
    if (load->visitor->damaged)
        load->visitor->damaged(load->visitor->user, sentence);
    return remember_damaged(&load->aside, row);
}

static int visit_record(struct load *load, sqlite3_stmt *statement)
{
    struct record_row row = {.kind = sqlite3_column_int64(statement, 1),
        .id = column_bytes(statement, 2),
        .sum = column_bytes(statement, 3),
        .bytes = column_bytes(statement, 4)};
    struct aside_row aside = {
        .place = sqlite3_column_int64(statement, 0), .why = record_row_fault(&row)};

    load->table_mark += row_mark(aside.place, row.kind, row.id);
    if (aside.why)
        return say_damaged(load, &aside);
    if (load->visitor->record)
        load->visitor->record(
            load->visitor->user, (enum record_kind)row.kind, row.bytes, row.id.at);
    return 0;
}

static int visit_chunk(struct load *load, sqlite3_stmt *statement)
{
    struct bytes hash = column_bytes(statement, 1);
    struct bytes content = column_bytes(statement, 2);
    struct aside_row aside = {.is_chunk = true,
        .place = sqlite3_column_int64(statement, 0),
        .why = chunk_row_fault(hash, content)};

    load->table_mark += row_mark(aside.place, 0, hash);
    if (aside.why)
        return say_damaged(load, &aside);
    if (load->visitor->chunk)
        load->visitor->chunk(load->visitor->user, hash.at, (uint32_t)content.len);
    return 0;
}

static int visit_record_index(struct load *load, sqlite3_stmt *statement)
{
    load->index_mark += row_mark(sqlite3_column_int64(statement, 0),
        sqlite3_column_int64(statement, 1), column_bytes(statement, 2));
    return 0;
}

static int visit_chunk_index(struct load *load, sqlite3_stmt *statement)
{
    load->index_mark += row_mark(sqlite3_column_int64(statement, 0), 0, column_bytes(statement, 1));
    return 0;
}

static int scan(struct load *load, enum statement which,
    int (*visit)(struct load *load, sqlite3_stmt *statement))
{
    struct connection *reader = &load->db->reader;
    sqlite3_stmt *statement = connection_statement(reader, which);
    int rc;
    int r = 0;

    if (!statement)
        return connection_error(reader);
    while (r == 0 && (rc = sqlite3_step(statement)) != SQLITE_DONE)
        r = rc == SQLITE_ROW ? visit(load, statement) : connection_error(reader);
    (void)sqlite3_reset(statement);
    return r;
}

/* Damaged rows leave their table, and damaged indexes are made anew. */
static int mend(struct load *load)
{
    struct writer *writer = load->db->writer;
    struct put *put;

    if (load->aside.count == 0 && load->table_mark == load->index_mark)
        return 0;
    if (load->aside.count == 0 && load->visitor->damaged)
        load->visitor->damaged(
            load->visitor->user, "an index of the store was damaged; it is made anew");
    put = put_new(PUT_ASIDE, bytes_of(NULL, 0), NULL);
    if (!put)
        return -ENOMEM;
    put->aside = &load->aside;
    return writer_put_and_wait(writer, put);
}

/* One view of the file for all four scans, whatever the writer commits meanwhile. */
static int scan_all(struct load *load)
{
    struct connection *reader = &load->db->reader;
    int r = connection_run(reader, "BEGIN");

    if (r < 0)
        return r;
    r = scan(load, STATEMENT_RECORD_SCAN, visit_record);
    if (r == 0)
        r = scan(load, STATEMENT_CHUNK_SCAN, visit_chunk);
    if (r == 0)
        r = scan(load, STATEMENT_RECORD_INDEX, visit_record_index);
    if (r == 0)
        r = scan(load, STATEMENT_CHUNK_INDEX, visit_chunk_index);
    (void)connection_run(reader, "COMMIT");
    return r;
}

int db_load(struct db *db, const struct db_visitor *visitor, struct problem *reterr_problem)
{
    struct load load = {.db = db, .visitor = visitor};
    int r = scan_all(&load);

    if (r == 0)
        r = mend(&load);
    free(load.aside.rows);
    if (r == -EUCLEAN)
        return problem_say(reterr_problem, r,
            "the store %s is damaged beyond single rows; move it away, and the neighbours will "
            "fill "
            "a new one",
            db->path);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "cannot load the store %s: %s", db->path, strerror(-r));
    return 0;
}
