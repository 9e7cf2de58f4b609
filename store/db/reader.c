/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/reader.h"

#include "base/check.h"
#include "store/db/row.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct reader {
    struct connection connection;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* under the mutex */
    struct db_read *first, **last;
    bool is_stopping;
};

/* The statement has stepped onto the chunk's row. */
static int take_chunk(sqlite3_stmt *statement, struct bytes hash, struct buffer *ret_content)
{
    struct bytes content = column_bytes(statement, 0);

    if (chunk_row_fault(hash, content))
        return -EBADMSG;
    return buffer_append(ret_content, content.at, content.len);
}

int chunk_get(
    struct connection *connection, const uint8_t hash[HASH_BYTES], struct buffer *ret_content)
{
    sqlite3_stmt *statement = connection_statement(connection, STATEMENT_CHUNK_GET);
    struct bytes name = bytes_of(hash, HASH_BYTES);
    int r;

    if (!statement)
        return connection_error(connection);
    bind_bytes(statement, 1, name);
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        r = take_chunk(statement, name, ret_content);
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

/* Waits for one; NULL: there is none and none will come. */
static struct db_read *take_read(struct reader *reader)
{
    struct db_read *read;

    pthread_mutex_lock(&reader->mutex);
    while (!reader->first && !reader->is_stopping)
        pthread_cond_wait(&reader->wake, &reader->mutex);
    read = reader->first;
    if (read) {
        reader->first = read->next;
        if (!reader->first)
            reader->last = &reader->first;
    }
    pthread_mutex_unlock(&reader->mutex);
    return read;
}

static void *read_chunks(void *user)
{
    struct reader *reader = user;
    struct buffer content = {0};
    struct db_read *read;

    while ((read = take_read(reader))) {
        int r;

        content.len = 0;
        r = chunk_get(&reader->connection, read->hash, &content);
        read->fn(read, r, r < 0 ? bytes_of(NULL, 0) : buffer_bytes(&content));
    }
    buffer_fini(&content);
    return NULL;
}

/* Signals are the logic thread's. */
static int start_thread(struct reader *reader)
{
    sigset_t all;
    sigset_t before;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&reader->thread, NULL, read_chunks, reader);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

static void reader_free(struct reader *reader)
{
    connection_close(&reader->connection);
    pthread_cond_destroy(&reader->wake);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}

int reader_start(struct connection *connection, struct reader **ret_reader)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    int r;

    if (!reader) {
        connection_close(connection);
        return -ENOMEM;
    }
    reader->connection = *connection;
    *connection = (struct connection){0};
    reader->last = &reader->first;
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->wake, NULL);
    r = start_thread(reader);
    if (r < 0) {
        reader_free(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

void reader_stop(struct reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    reader->is_stopping = true;
    pthread_cond_signal(&reader->wake);
    pthread_mutex_unlock(&reader->mutex);
    CHECK(pthread_join(reader->thread, NULL) == 0, "the thread was started");
    reader_free(reader);
}

void reader_fetch(struct reader *reader, struct db_read *read)
{
    read->next = NULL;
    pthread_mutex_lock(&reader->mutex);
    *reader->last = read;
    reader->last = &read->next;
    pthread_cond_signal(&reader->wake);
    pthread_mutex_unlock(&reader->mutex);
}
