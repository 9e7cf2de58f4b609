/* SPDX-License-Identifier: Apache-2.0 */
#include "store/db/db.h"

#include "base/check.h"
#include "base/own.h"
#include "store/db/inside.h"
#include "store/db/row.h"
#include "store/db/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* A name inside the folder. */
static int join_path(const char *folder, const char *name, char *ret_path, size_t room)
{
    int len = snprintf(ret_path, room, "%s/%s", folder, name);

    return len > 0 && (size_t)len < room ? 0 : -ENAMETOOLONG;
}

static int sync_folder(const char *folder)
{
    OWN(own_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0 ? 0 : -errno;
}

/* The folder itself, if its parent is there. Its name must outlive a power cut too. */
static int make_folder(const char *folder, struct problem *reterr_problem)
{
    char parent[4096];

    if (mkdir(folder, 0700) < 0) {
        if (errno == EEXIST)
            return 0;
        return problem_say(
            reterr_problem, -errno, "cannot make the folder %s: %s", folder, strerror(errno));
    }
    if (join_path(folder, "..", parent, sizeof(parent)) < 0 || sync_folder(parent) < 0)
        return problem_say(reterr_problem, -EIO, "cannot sync the folder above %s", folder);
    return 0;
}

/* The lock goes with the descriptor, so a process that dies leaves none behind. */
static int take_lock(const char *folder, int *ret_fd, struct problem *reterr_problem)
{
    char path[4096];
    OWN(own_fd) int fd = -1;

    if (join_path(folder, "lock", path, sizeof(path)) < 0)
        return problem_say(reterr_problem, -ENAMETOOLONG, "the path %s is too long", folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return problem_say(
            reterr_problem, -errno, "cannot write in the folder %s: %s", folder, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK)
            return problem_say(
                reterr_problem, -EBUSY, "another process has the store in %s open", folder);
        return problem_say(reterr_problem, -errno, "cannot lock %s: %s", path, strerror(errno));
    }
    *ret_fd = give_fd(fd);
    return 0;
}

static int open_connection(
    struct connection *connection, const char *path, struct problem *reterr_problem)
{
    int r = connection_open(connection, path);

    if (r == -EINVAL)
        return problem_say(reterr_problem, r, "%s is not a store of Picket", path);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot open the store %s: %s", path, strerror(-r));
    return 0;
}

static int read_counts(struct db *db)
{
    struct writer_counts *counts = writer_counts(db->writer);
    int64_t records = 0;
    int64_t chunks = 0;
    int64_t damaged = 0;
    int r = connection_number(&db->reader, "SELECT count(*) FROM records", &records);

    if (r == 0)
        r = connection_number(&db->reader, "SELECT count(*) FROM chunks", &chunks);
    if (r == 0)
        r = connection_number(&db->reader, "SELECT count(*) FROM damaged", &damaged);
    atomic_store(&counts->records, (uint64_t)records);
    atomic_store(&counts->chunks, (uint64_t)chunks);
    atomic_store(&counts->damaged, (uint64_t)damaged);
    return r;
}

static int start_writer(
    struct db *db, const uint8_t fleet_id[HASH_BYTES], struct problem *reterr_problem)
{
    struct connection connection = {0};
    int r = open_connection(&connection, db->path, reterr_problem);

    if (r == 0)
        r = schema_prepare(&connection, db->path, fleet_id, reterr_problem);
    if (r < 0) {
        connection_close(&connection);
        return r;
    }
    r = writer_start(&connection, &db->writer);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "cannot start the writer of %s: %s", db->path, strerror(-r));
    return 0;
}

static int start_fetcher(struct db *db)
{
    struct connection connection = {0};
    int r = connection_open(&connection, db->path);

    if (r == 0)
        r = connection_run(&connection, "PRAGMA query_only = ON");
    if (r < 0) {
        connection_close(&connection);
        return r;
    }
    return reader_start(&connection, &db->fetcher);
}

static int open_inside(struct db *db, const char *folder, const uint8_t fleet_id[HASH_BYTES],
    struct problem *reterr_problem)
{
    int r = make_folder(folder, reterr_problem);

    if (r == 0)
        r = take_lock(folder, &db->lock_fd, reterr_problem);
    if (r < 0)
        return r;
    if (join_path(folder, "picket.db", db->path, sizeof(db->path)) < 0)
        return problem_say(reterr_problem, -ENAMETOOLONG, "the path %s is too long", folder);
    r = start_writer(db, fleet_id, reterr_problem);
    if (r == 0)
        r = open_connection(&db->reader, db->path, reterr_problem);
    if (r < 0)
        return r;
    r = connection_run(&db->reader, "PRAGMA query_only = ON");
    if (r == 0)
        r = start_fetcher(db);
    if (r == 0)
        r = read_counts(db);
    if (r == 0)
        r = sync_folder(folder);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "cannot read the store %s: %s", db->path, strerror(-r));
    return 0;
}

int db_open(const char *folder, const uint8_t fleet_id[HASH_BYTES], struct db **ret_db,
    struct problem *reterr_problem)
{
    struct db *db = calloc(1, sizeof(*db));
    int r;

    if (!db)
        return problem_say(reterr_problem, -ENOMEM, "not enough memory to open %s", folder);
    db->lock_fd = -1;
    r = open_inside(db, folder, fleet_id, reterr_problem);
    if (r < 0) {
        db_close(db);
        return r;
    }
    *ret_db = db;
    return 0;
}

/* The writer closes last: the last connection of a file folds its log into it. */
void db_close(struct db *db)
{
    if (!db)
        return;
    connection_close(&db->reader);
    if (db->fetcher)
        reader_stop(db->fetcher);
    if (db->writer)
        writer_stop(db->writer);
    if (db->lock_fd >= 0)
        (void)close(db->lock_fd);
    free(db);
}

int db_put(struct db *db, enum record_kind kind, const uint8_t id[HASH_BYTES], struct bytes bytes,
    struct db_done *done)
{
    struct put *put = put_new(PUT_RECORD, bytes, done);

    CHECK(kind >= RECORD_ENTRY && kind <= RECORD_FORK, "one of the four kinds");
    if (!put)
        return -ENOMEM;
    put->kind = kind;
    memcpy(put->id, id, HASH_BYTES);
    return writer_put(db->writer, put);
}

int db_put_chunk(
    struct db *db, const uint8_t hash[HASH_BYTES], struct bytes content, struct db_done *done)
{
    struct put *put = put_new(PUT_CHUNK, content, done);

    if (!put)
        return -ENOMEM;
    memcpy(put->id, hash, HASH_BYTES);
    return writer_put(db->writer, put);
}

int db_chunk_read(struct db *db, const uint8_t hash[HASH_BYTES], struct buffer *ret_content)
{
    return chunk_get(&db->reader, hash, ret_content);
}

void db_chunk_fetch(struct db *db, struct db_read *read)
{
    reader_fetch(db->fetcher, read);
}

int db_meta_put(struct db *db, const char *name, struct bytes value)
{
    struct put *put = put_new(PUT_META, value, NULL);

    CHECK(strcmp(name, META_FLEET) != 0, "the fleet is written once, at creation");
    if (!put)
        return -ENOMEM;
    put->name = name;
    return writer_put_and_wait(db->writer, put);
}

int db_meta_put_soon(struct db *db, const char *name, struct bytes value)
{
    struct put *put = put_new(PUT_META, value, NULL);

    CHECK(strcmp(name, META_FLEET) != 0, "the fleet is written once, at creation");
    if (!put)
        return -ENOMEM;
    put->name = name;
    return writer_put(db->writer, put);
}

int db_meta_get(struct db *db, const char *name, struct buffer *ret_value)
{
    return meta_get(&db->reader, name, ret_value);
}

void db_counts(const struct db *db, struct db_counts *ret_counts)
{
    struct writer_counts *counts = writer_counts(db->writer);

    ret_counts->records = atomic_load(&counts->records);
    ret_counts->chunks = atomic_load(&counts->chunks);
    ret_counts->commits = atomic_load(&counts->commits);
    ret_counts->puts = atomic_load(&counts->puts);
    ret_counts->damaged = atomic_load(&counts->damaged);
}
