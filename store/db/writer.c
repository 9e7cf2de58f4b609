/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/writer.h"

#include "base/check.h"
#include "store/db/row.h"
#include "store/db/schema.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* One transaction: enough to share a sync, small enough that the first put need not wait for long.
 */
#define GROUP_PUTS_MAX 1024
#define GROUP_BYTES_MAX (4 * 1024 * 1024)

struct queue {
    struct put *first;
    struct put **last;
};

struct writer {
    struct connection connection;
    struct writer_counts counts;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* under the mutex */
    struct queue queue;
    size_t queued_bytes; /* of what is queued or being committed */
    bool is_stopping;
};

struct put *put_new(enum put_what what, struct bytes bytes, struct db_done *done)
{
    struct put *put = calloc(1, sizeof(*put) + bytes.len);

    if (!put)
        return NULL;
    put->what = what;
    put->done = done;
    put->len = bytes.len;
    if (bytes.len > 0)
        memcpy(put->bytes, bytes.at, bytes.len);
    return put;
}

static size_t put_bytes(const struct put *put)
{
    return sizeof(*put) + put->len;
}

/* ---- one put, inside a transaction */

static int apply_record(struct connection *connection, const struct put *put)
{
    sqlite3_stmt *statement = connection_statement(connection, STATEMENT_RECORD_PUT);
    struct bytes id = bytes_of(put->id, sizeof(put->id));
    struct bytes bytes = bytes_of(put->bytes, put->len);
    uint8_t sum[ROW_SUM_BYTES];

    if (!statement)
        return connection_error(connection);
    row_sum((uint8_t)put->kind, id, bytes, sum);
    (void)sqlite3_bind_int(statement, 1, (int)put->kind);
    bind_bytes(statement, 2, id);
    bind_bytes(statement, 3, bytes_of(sum, sizeof(sum)));
    bind_bytes(statement, 4, bytes);
    return connection_step(connection, statement);
}

static int apply_chunk(struct connection *connection, const struct put *put)
{
    sqlite3_stmt *statement = connection_statement(connection, STATEMENT_CHUNK_PUT);

    if (!statement)
        return connection_error(connection);
    bind_bytes(statement, 1, bytes_of(put->id, sizeof(put->id)));
    bind_bytes(statement, 2, bytes_of(put->bytes, put->len));
    return connection_step(connection, statement);
}

static int apply_aside_row(struct connection *connection, const struct aside_row *row)
{
    sqlite3_stmt *copy = connection_statement(
        connection, row->is_chunk ? STATEMENT_CHUNK_ASIDE : STATEMENT_RECORD_ASIDE);
    sqlite3_stmt *drop = connection_statement(
        connection, row->is_chunk ? STATEMENT_CHUNK_DROP : STATEMENT_RECORD_DROP);
    int r;

    if (!copy || !drop)
        return connection_error(connection);
    (void)sqlite3_bind_int64(copy, 1, row->place);
    (void)sqlite3_bind_text(copy, 2, row->why, -1, SQLITE_STATIC);
    r = connection_step(connection, copy);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(drop, 1, row->place);
    return connection_step(connection, drop);
}

/*
 * A changed id may stand in a row and not in its index, or the other way round; an index entry left
 * behind would refuse the repaired record for ever. So the indexes are made anew first.
 */
static int apply_aside(struct connection *connection, const struct aside *aside)
{
    sqlite3_stmt *reindex = connection_statement(connection, STATEMENT_REINDEX);
    int r = reindex ? connection_step(connection, reindex) : connection_error(connection);

    /* Two rows of one id: they were written while the index was wrong. */
    if (r == -EEXIST)
        return -EUCLEAN;
    for (size_t i = 0; r == 0 && i < aside->count; i++)
        r = apply_aside_row(connection, &aside->rows[i]);
    return r;
}

static int apply(struct connection *connection, struct put *put)
{
    int r = -EINVAL;

    switch (put->what) {
    case PUT_RECORD:
        r = apply_record(connection, put);
        break;
    case PUT_CHUNK:
        r = apply_chunk(connection, put);
        break;
    case PUT_META:
        r = meta_put(connection, put->name, bytes_of(put->bytes, put->len));
        break;
    case PUT_ASIDE:
        r = apply_aside(connection, put->aside);
        break;
    }
    put->is_new = r == 0 && sqlite3_changes(connection->sqlite) > 0;
    return r;
}

/* ---- one transaction */

static int run(struct connection *connection, enum statement which)
{
    sqlite3_stmt *statement = connection_statement(connection, which);

    return statement ? connection_step(connection, statement) : connection_error(connection);
}

static void roll_back(struct connection *connection)
{
    /* Some failures have rolled back already. */
    if (!sqlite3_get_autocommit(connection->sqlite))
        (void)run(connection, STATEMENT_ROLLBACK);
}

/* All puts from first up to, not including, end; or none. */
static int commit(struct writer *writer, struct put *first, const struct put *end)
{
    struct connection *connection = &writer->connection;
    int r = run(connection, STATEMENT_BEGIN);

    for (struct put *put = first; r == 0 && put != end; put = put->next)
        r = apply(connection, put);
    if (r == 0)
        r = run(connection, STATEMENT_COMMIT);
    if (r < 0) {
        roll_back(connection);
        return r;
    }
    atomic_fetch_add(&writer->counts.commits, 1);
    return 0;
}

/* The group as one; if that fails, every put for itself, so that one bad row harms no other. */
static void commit_group(struct writer *writer, struct put *first)
{
    int r = commit(writer, first, NULL);

    for (struct put *put = first; put; put = put->next) {
        bool is_alone = put == first && !put->next;

        put->result = r == 0 || is_alone ? r : commit(writer, put, put->next);
    }
}

static void count(struct writer *writer, const struct put *put)
{
    struct writer_counts *counts = &writer->counts;

    atomic_fetch_add(&counts->puts, 1);
    if (put->result < 0)
        return;
    if (put->what == PUT_RECORD && put->is_new)
        atomic_fetch_add(&counts->records, 1);
    if (put->what == PUT_CHUNK && put->is_new)
        atomic_fetch_add(&counts->chunks, 1);
    if (put->what != PUT_ASIDE)
        return;
    for (size_t i = 0; i < put->aside->count; i++)
        atomic_fetch_sub(put->aside->rows[i].is_chunk ? &counts->chunks : &counts->records, 1);
    atomic_fetch_add(&counts->damaged, put->aside->count);
}

/* ---- the thread */

/* Takes the next group out of the queue. */
static struct put *take_group(struct queue *queue)
{
    struct put *first = queue->first;
    struct put *last = first;
    size_t bytes = put_bytes(first);

    for (unsigned puts = 1; puts < GROUP_PUTS_MAX && last->next; puts++) {
        bytes += put_bytes(last->next);
        if (bytes > GROUP_BYTES_MAX)
            break;
        last = last->next;
    }
    queue->first = last->next;
    if (!queue->first)
        queue->last = &queue->first;
    last->next = NULL;
    return first;
}

/* Counts, answers and frees; the bytes that are free again. */
static size_t answer_group(struct writer *writer, struct put *first)
{
    size_t bytes = 0;

    while (first) {
        struct put *put = first;

        first = put->next;
        bytes += put_bytes(put);
        count(writer, put);
        if (put->done)
            put->done->fn(put->done, put->result);
        free(put);
    }
    return bytes;
}

static void *write_groups(void *user)
{
    struct writer *writer = user;

    pthread_mutex_lock(&writer->mutex);
    for (;;) {
        struct put *group;
        size_t bytes;

        while (!writer->queue.first && !writer->is_stopping)
            pthread_cond_wait(&writer->wake, &writer->mutex);
        if (!writer->queue.first)
            break;
        group = take_group(&writer->queue);
        pthread_mutex_unlock(&writer->mutex);
        commit_group(writer, group);
        bytes = answer_group(writer, group);
        pthread_mutex_lock(&writer->mutex);
        writer->queued_bytes -= bytes;
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* Signals are the logic thread's. */
static int start_thread(struct writer *writer)
{
    sigset_t all;
    sigset_t before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&writer->thread, NULL, write_groups, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static void writer_free(struct writer *writer)
{
    connection_close(&writer->connection);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
    free(writer);
}

int writer_start(struct connection *connection, struct writer **ret_writer)
{
    struct writer *writer = calloc(1, sizeof(*writer));
    int r;

    if (!writer) {
        connection_close(connection);
        return -ENOMEM;
    }
    writer->connection = *connection;
    *connection = (struct connection){0};
    writer->queue.last = &writer->queue.first;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->wake, NULL);
    r = start_thread(writer);
    if (r < 0) {
        writer_free(writer);
        return r;
    }
    *ret_writer = writer;
    return 0;
}

void writer_stop(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    CHECK(pthread_join(writer->thread, NULL) == 0, "the thread was started");
    writer_free(writer);
}

static void enqueue(struct writer *writer, struct put *put)
{
    writer->queued_bytes += put_bytes(put);
    *writer->queue.last = put;
    writer->queue.last = &put->next;
    pthread_cond_signal(&writer->wake);
}

int writer_put(struct writer *writer, struct put *put)
{
    bool fits;

    pthread_mutex_lock(&writer->mutex);
    fits = writer->queued_bytes + put_bytes(put) <= DB_QUEUE_BYTES_MAX;
    if (fits)
        enqueue(writer, put);
    pthread_mutex_unlock(&writer->mutex);
    if (fits)
        return 0;
    free(put);
    return -ENOBUFS;
}

struct waiter {
    struct db_done done; /* first: the waiter is found from it */
    sem_t is_done;
    int result;
};

static void wake_waiter(struct db_done *done, int result)
{
    struct waiter *waiter = (struct waiter *)done;

    waiter->result = result;
    sem_post(&waiter->is_done);
}

int writer_put_and_wait(struct writer *writer, struct put *put)
{
    struct waiter waiter = {.done = {.fn = wake_waiter}};

    sem_init(&waiter.is_done, 0, 0);
    put->done = &waiter.done;
    pthread_mutex_lock(&writer->mutex);
    enqueue(writer, put);
    pthread_mutex_unlock(&writer->mutex);
    while (sem_wait(&waiter.is_done) < 0)
        CHECK(errno == EINTR, "a semaphore of ours");
    sem_destroy(&waiter.is_done);
    return waiter.result;
}

struct writer_counts *writer_counts(struct writer *writer)
{
    return &writer->counts;
}
