/* SPDX-License-Identifier: Apache-2.0 */
/* The disk changes what it holds: a load finds it, sets it aside, and the record can come again. */
#include "folder.h"

#include "proto/picket/v1/entry.pb-c.h"
#include "proto/wire/wire.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct loaded loaded;

static void put_three(void)
{
    struct db *db = folder_open();

    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(sample_put(db, i, NULL), 0);
    db_close(db);
}

static void put_entry(const char *sql_after)
{
    struct db *db = folder_open();
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];

    entry_make(1, &bytes, id);
    assert_int_equal(db_put(db, RECORD_ENTRY, id, buffer_bytes(&bytes), NULL), 0);
    buffer_fini(&bytes);
    db_close(db);
    if (sql_after)
        folder_sql(sql_after);
}

static void load_again(void)
{
    struct db *db = folder_open();

    folder_load(db, &loaded);
    db_close(db);
}

/* Flips a bit in the occurrence number `which` of these bytes in the closed file; how many there
 * are. */
static size_t flip_in_file(struct bytes bytes, size_t which)
{
    int fd = open(folder_file(), O_RDWR);
    struct stat st;
    uint8_t *file;
    size_t found = 0;

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    file = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(file != MAP_FAILED);
    for (size_t i = 0; i + bytes.len <= (size_t)st.st_size; i++)
        if (memcmp(file + i, bytes.at, bytes.len) == 0 && found++ == which)
            file[i] ^= 1;
    assert_int_equal(munmap(file, (size_t)st.st_size), 0);
    assert_int_equal(close(fd), 0);
    return found;
}

static void put_again_and_load(uint32_t number)
{
    struct db *db = folder_open();

    assert_int_equal(sample_put(db, number, NULL), 0);
    db_close(db);
    load_again();
}

static void a_changed_byte_is_found_and_left_out(void **state)
{
    (void)state;
    put_three();
    folder_sql(
        "UPDATE records SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE arrival = 2");
    load_again();
    assert_int_equal(loaded.damaged, 1);
    assert_int_equal(loaded.records, 2);
    assert_int_equal(loaded.numbers[0], 0);
    assert_int_equal(loaded.numbers[1], 2);
    assert_non_null(strstr(loaded.sentence, "record 2"));
}

static void a_damaged_row_is_set_aside_and_said_once(void **state)
{
    struct db_counts counts;
    struct db *db;

    (void)state;
    put_three();
    folder_sql("UPDATE records SET bytes = x'00' WHERE arrival = 2");
    db = folder_open();
    folder_load(db, &loaded);
    db_counts(db, &counts);
    assert_int_equal(counts.damaged, 1);
    assert_int_equal(counts.records, 2);
    folder_load(db, &loaded);
    assert_int_equal(loaded.damaged, 0);
    db_close(db);
    db = folder_open();
    db_counts(db, &counts);
    assert_int_equal(counts.damaged, 1);
    db_close(db);
    folder_sql("CREATE TEMP TABLE seen (bytes BLOB NOT NULL); INSERT INTO seen VALUES"
               " ((SELECT bytes FROM damaged WHERE origin = 'records' AND kind = 3))");
}

static void a_damaged_record_can_be_put_again(void **state)
{
    (void)state;
    put_three();
    folder_sql("UPDATE records SET bytes = x'00' WHERE arrival = 2");
    load_again();
    put_again_and_load(1);
    assert_int_equal(loaded.records, 3);
    assert_int_equal(loaded.numbers[2], 1);
}

/* The id stands in the row and in the index; either may change, and the record must come back. */
static void a_flipped_id_is_repaired_wherever_it_is(void **state)
{
    struct sample sample = sample_of(1);
    struct bytes id = bytes_of(sample.id, sizeof(sample.id));

    (void)state;
    for (size_t which = 0; which < 2; which++) {
        put_three();
        assert_int_equal(flip_in_file(id, which), 2);
        load_again();
        put_again_and_load(1);
        load_again();
        assert_int_equal(loaded.damaged, 0);
        assert_int_equal(loaded.records, 3);
        assert_int_equal(unlink(folder_file()), 0);
    }
}

/* The signature is in no id: only the row's own sum knows it. */
static void a_flipped_bit_in_a_signature_is_found(void **state)
{
    uint8_t signature[SIGNATURE_BYTES];

    (void)state;
    memset(signature, 0x5a, sizeof(signature));
    put_entry(NULL);
    assert_int_equal(flip_in_file(bytes_of(signature, sizeof(signature)), 0), 1);
    load_again();
    assert_int_equal(loaded.damaged, 1);
    assert_int_equal(loaded.records, 0);
}

/* Rows whose sum is right but whose content never was: another door than ours wrote them. */
static void an_entry_under_a_wrong_id_is_found(void **state)
{
    struct db *db = folder_open();
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];

    (void)state;
    entry_make(1, &bytes, id);
    id[0] ^= 1;
    assert_int_equal(db_put(db, RECORD_ENTRY, id, buffer_bytes(&bytes), NULL), 0);
    buffer_fini(&bytes);
    db_close(db);
    load_again();
    assert_int_equal(loaded.damaged, 1);
    assert_non_null(strstr(loaded.sentence, "id"));
}

static void an_entry_with_other_operations_is_found(void **state)
{
    static const uint8_t ops[] = {0x0a, 0x02, 0x08, 0x05};
    struct db *db = folder_open();
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];
    uint8_t *at;

    (void)state;
    entry_make(1, &bytes, id);
    at = memmem(bytes.at, bytes.len, ops, sizeof(ops));
    assert_non_null(at);
    at[3] = 6;
    assert_int_equal(db_put(db, RECORD_ENTRY, id, buffer_bytes(&bytes), NULL), 0);
    buffer_fini(&bytes);
    db_close(db);
    load_again();
    assert_int_equal(loaded.damaged, 1);
    assert_non_null(strstr(loaded.sentence, "header"));
}

/* Puts a trust record whose header names a body of the length body_len. */
static void put_trust(uint32_t body_len)
{
    Picket__V1__TrustHeader header = PICKET__V1__TRUST_HEADER__INIT;
    Picket__V1__SignedTrust trust = PICKET__V1__SIGNED_TRUST__INIT;
    struct db *db = folder_open();
    struct buffer header_bytes = {0};
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];

    header.version = 1;
    header.body_len = body_len;
    assert_int_equal(wire_pack(&header.base, &header_bytes), 0);
    keys_hash(HASH_TRUST, buffer_bytes(&header_bytes), id);
    trust.header = (ProtobufCBinaryData){.data = header_bytes.at, .len = header_bytes.len};
    trust.body = (ProtobufCBinaryData){.data = (uint8_t *)"body", .len = 4};
    assert_int_equal(wire_pack(&trust.base, &bytes), 0);
    assert_int_equal(db_put(db, RECORD_TRUST, id, buffer_bytes(&bytes), NULL), 0);
    buffer_fini(&header_bytes);
    buffer_fini(&bytes);
    db_close(db);
}

static void a_trust_record_comes_back(void **state)
{
    (void)state;
    put_trust(4);
    load_again();
    assert_int_equal(loaded.damaged, 0);
    assert_int_equal(loaded.records, 1);
}

static void a_trust_record_with_another_body_is_found(void **state)
{
    (void)state;
    put_trust(5);
    load_again();
    assert_int_equal(loaded.damaged, 1);
}

static void a_record_that_is_none_is_found(void **state)
{
    static const enum record_kind kinds[] = {RECORD_ENTRY, RECORD_TRUST, RECORD_JOIN, RECORD_FORK};
    struct db *db = folder_open();
    uint8_t id[HASH_BYTES] = {1};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(db_put(db, kinds[i], id, bytes_of("\xff", 1), NULL), 0);
    db_close(db);
    load_again();
    assert_int_equal(loaded.damaged, 4);
    assert_int_equal(loaded.records, 0);
}

static void a_damaged_chunk_is_found_by_load_and_by_read(void **state)
{
    struct db *db = folder_open();
    struct buffer content = {0};
    uint8_t hash[HASH_BYTES];

    (void)state;
    keys_hash(HASH_CHUNK, bytes_of("chunk", 5), hash);
    assert_int_equal(db_put_chunk(db, hash, bytes_of("chunk", 5), NULL), 0);
    db_close(db);
    folder_sql("UPDATE chunks SET content = x'00'");
    db = folder_open();
    assert_int_equal(db_chunk_read(db, hash, &content), -EBADMSG);
    folder_load(db, &loaded);
    assert_int_equal(loaded.damaged, 1);
    assert_int_equal(loaded.chunks, 0);
    assert_int_equal(db_chunk_read(db, hash, &content), -ENOENT);
    buffer_fini(&content);
    db_close(db);
}

/* One that breaks while the daemon runs comes again from a neighbour. */
static void a_damaged_chunk_can_be_put_again(void **state)
{
    struct db *db = folder_open();
    struct buffer content = {0};
    uint8_t hash[HASH_BYTES];

    (void)state;
    keys_hash(HASH_CHUNK, bytes_of("chunk", 5), hash);
    assert_int_equal(db_put_chunk(db, hash, bytes_of("chunk", 5), NULL), 0);
    db_close(db);
    folder_sql("UPDATE chunks SET content = x'00'");
    db = folder_open();
    assert_int_equal(db_put_chunk(db, hash, bytes_of("chunk", 5), NULL), 0);
    db_close(db);
    db = folder_open();
    assert_int_equal(db_chunk_read(db, hash, &content), 0);
    buffer_fini(&content);
    db_close(db);
}

/* A record put again while the index did not know it stands twice: no row can say which is right.
 */
static void two_rows_of_one_id_are_said(void **state)
{
    struct sample sample = sample_of(1);
    struct db_visitor nobody = {0};
    unsigned said = 0;

    (void)state;
    for (size_t which = 0; which < 2; which++) {
        struct problem problem = {0};
        struct db *db;

        put_three();
        (void)flip_in_file(bytes_of(sample.id, sizeof(sample.id)), which);
        db = folder_open();
        assert_int_equal(sample_put(db, 1, NULL), 0);
        db_close(db);
        db = folder_open();
        if (db_load(db, &nobody, &problem) == -EUCLEAN && strstr(problem.text, "move it away"))
            said++;
        db_close(db);
        assert_int_equal(unlink(folder_file()), 0);
    }
    assert_int_equal(said, 1); /* the other flip was in the row */
}

/* Writes over the second page and all after it. */
static void pages_without_sense_are_said(void **state)
{
    struct db_visitor nobody = {0};
    struct problem problem = {0};
    struct db *db = NULL;
    uint8_t page[4096];
    struct stat st;
    int fd;
    int r;

    (void)state;
    put_three();
    memset(page, 0xee, sizeof(page));
    fd = open(folder_file(), O_RDWR);
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = sizeof(page); at < st.st_size; at += (off_t)sizeof(page))
        assert_int_equal(pwrite(fd, page, sizeof(page), at), sizeof(page));
    assert_int_equal(close(fd), 0);
    r = db_open(folder_path(), fleet, &db, &problem);
    if (r == 0)
        r = db_load(db, &nobody, &problem);
    assert_true(r < 0);
    assert_non_null(strstr(problem.text, folder_file()));
    db_close(db);
}

static void a_damaged_meta_value_is_not_believed(void **state)
{
    struct db *db = folder_open();
    struct buffer value = {0};

    (void)state;
    assert_int_equal(db_meta_put(db, "generation", bytes_of("1", 1)), 0);
    db_close(db);
    folder_sql("UPDATE meta SET value = x'32' WHERE name = 'generation'");
    db = folder_open();
    assert_int_equal(db_meta_get(db, "generation", &value), -EBADMSG);
    buffer_fini(&value);
    db_close(db);
}

static void a_store_that_lost_its_fleet_is_refused(void **state)
{
    struct problem problem = {0};
    struct db *db = NULL;

    (void)state;
    db_close(folder_open());
    folder_sql("UPDATE meta SET value = x'32'");
    assert_int_equal(db_open(folder_path(), fleet, &db, &problem), -EBADMSG);
    assert_non_null(strstr(problem.text, "damaged"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_changed_byte_is_found_and_left_out),
        TEST(a_damaged_row_is_set_aside_and_said_once),
        TEST(a_damaged_record_can_be_put_again),
        TEST(a_flipped_id_is_repaired_wherever_it_is),
        TEST(a_flipped_bit_in_a_signature_is_found),
        TEST(an_entry_under_a_wrong_id_is_found),
        TEST(an_entry_with_other_operations_is_found),
        TEST(a_trust_record_comes_back),
        TEST(a_trust_record_with_another_body_is_found),
        TEST(a_record_that_is_none_is_found),
        TEST(a_damaged_chunk_is_found_by_load_and_by_read),
        TEST(a_damaged_chunk_can_be_put_again),
        TEST(two_rows_of_one_id_are_said),
        TEST(pages_without_sense_are_said),
        TEST(a_damaged_meta_value_is_not_believed),
        TEST(a_store_that_lost_its_fleet_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
