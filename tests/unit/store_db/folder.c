/* SPDX-License-Identifier: Apache-2.0 */
#include "folder.h"

#include "proto/picket/v1/entry.pb-c.h"
#include "proto/wire/wire.h"
#include "store/keys/keys.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

const uint8_t fleet[HASH_BYTES] = {0xf1, 0xee, 0x7};

static char path[64];
static char file[80];

int folder_make(void **state)
{
    (void)state;
    strcpy(path, "/tmp/picket-db-XXXXXX");
    if (!mkdtemp(path) || keys_start() < 0)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/picket.db", path);
    return 0;
}

int folder_remove(void **state)
{
    static const char *const names[] = {"picket.db", "picket.db-wal", "picket.db-shm", "lock"};
    char name[128];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s/%s", path, names[i]);
        (void)unlink(name);
    }
    return rmdir(path);
}

const char *folder_path(void)
{
    return path;
}

const char *folder_file(void)
{
    return file;
}

struct db *folder_open(void)
{
    struct problem problem = {0};
    struct db *db = NULL;

    if (db_open(path, fleet, &db, &problem) < 0)
        fail_msg("%s", problem.text);
    return db;
}

struct sample sample_of(uint32_t number)
{
    struct sample sample = {.bytes = "join record for a test"};

    put_be32(sample.bytes + sizeof(sample.bytes) - 4, number);
    keys_hash(HASH_NODE, bytes_of(sample.bytes, sizeof(sample.bytes)), sample.id);
    return sample;
}

uint32_t sample_number(struct bytes bytes)
{
    return get_be32(bytes.at + bytes.len - 4);
}

int sample_put(struct db *db, uint32_t number, struct db_done *done)
{
    struct sample sample = sample_of(number);

    return db_put(db, RECORD_JOIN, sample.id, bytes_of(sample.bytes, sizeof(sample.bytes)), done);
}

void entry_make(uint32_t number, struct buffer *ret_bytes, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__Header header = PICKET__V1__HEADER__INIT;
    Picket__V1__SignedEntry entry = PICKET__V1__SIGNED_ENTRY__INIT;
    uint8_t ops[4] = {0x0a, 0x02, 0x08, 0x05};
    uint8_t ops_hash[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
    struct buffer header_bytes = {0};

    keys_hash(HASH_OPS, bytes_of(ops, sizeof(ops)), ops_hash);
    header.version = 1;
    header.seq = number;
    header.ops_hash = (ProtobufCBinaryData){.data = ops_hash, .len = sizeof(ops_hash)};
    header.ops_len = sizeof(ops);
    assert_int_equal(wire_pack(&header.base, &header_bytes), 0);
    keys_hash(HASH_ENTRY, buffer_bytes(&header_bytes), ret_id);
    memset(signature, 0x5a, sizeof(signature));
    entry.header = (ProtobufCBinaryData){.data = header_bytes.at, .len = header_bytes.len};
    entry.ops = (ProtobufCBinaryData){.data = ops, .len = sizeof(ops)};
    entry.signature = (ProtobufCBinaryData){.data = signature, .len = sizeof(signature)};
    assert_int_equal(wire_pack(&entry.base, ret_bytes), 0);
    buffer_fini(&header_bytes);
}

static void on_record(
    void *user, enum record_kind kind, struct bytes bytes, const uint8_t id[HASH_BYTES])
{
    struct loaded *loaded = user;

    (void)id;
    assert_true(loaded->records < RECORDS_MAX);
    loaded->numbers[loaded->records++] = kind == RECORD_JOIN ? sample_number(bytes) : UINT32_MAX;
}

static void on_chunk(void *user, const uint8_t hash[HASH_BYTES], uint32_t len)
{
    struct loaded *loaded = user;

    (void)hash;
    loaded->chunks++;
    loaded->chunk_bytes += len;
}

static void on_damaged(void *user, const char *sentence)
{
    struct loaded *loaded = user;

    loaded->damaged++;
    (void)snprintf(loaded->sentence, sizeof(loaded->sentence), "%s", sentence);
}

void folder_load(struct db *db, struct loaded *ret_loaded)
{
    struct db_visitor visitor = {
        .user = ret_loaded, .record = on_record, .chunk = on_chunk, .damaged = on_damaged};
    struct problem problem = {0};

    memset(ret_loaded, 0, sizeof(*ret_loaded));
    if (db_load(db, &visitor, &problem) < 0)
        fail_msg("%s", problem.text);
}

void folder_sql(const char *sql)
{
    sqlite3 *sqlite = NULL;
    char *error = NULL;

    assert_int_equal(sqlite3_open(file, &sqlite), SQLITE_OK);
    if (sqlite3_exec(sqlite, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
}
