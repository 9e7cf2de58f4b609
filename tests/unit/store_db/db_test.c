/* SPDX-License-Identifier: Apache-2.0 */
/* What was put is there again; puts share commits; whoever is wrong here is told so. */
#include "folder.h"

#include "store/keys/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct loaded loaded;

/* An answer that is waited for. */
struct answer {
    struct db_done done;
    sem_t is_done;
    int result;
};

static void take_answer(struct db_done *done, int result)
{
    struct answer *answer = (struct answer *)done;

    answer->result = result;
    sem_post(&answer->is_done);
}

static void answer_init(struct answer *answer)
{
    *answer = (struct answer){.done = {.fn = take_answer}};
    sem_init(&answer->is_done, 0, 0);
}

static int answer_wait(struct answer *answer)
{
    sem_wait(&answer->is_done);
    sem_destroy(&answer->is_done);
    return answer->result;
}

/* Holds the writer inside the callback of one put until it is let go: then a queue can be filled.
 */
struct gate {
    struct db_done done;
    sem_t is_reached;
    sem_t is_open;
};

static void pass_gate(struct db_done *done, int result)
{
    struct gate *gate = (struct gate *)done;

    (void)result;
    sem_post(&gate->is_reached);
    sem_wait(&gate->is_open);
}

static void gate_close(struct gate *gate, struct db *db)
{
    *gate = (struct gate){.done = {.fn = pass_gate}};
    sem_init(&gate->is_reached, 0, 0);
    sem_init(&gate->is_open, 0, 0);
    assert_int_equal(sample_put(db, UINT32_MAX, &gate->done), 0);
    sem_wait(&gate->is_reached);
}

static void gate_open(struct gate *gate)
{
    sem_post(&gate->is_open);
}

static int open_fault(const char *folder, const uint8_t *fleet_id, struct problem *ret_problem)
{
    struct db *db = NULL;
    int r = db_open(folder, fleet_id, &db, ret_problem);

    assert_true((r == 0) == (db != NULL));
    db_close(db);
    return r;
}

static void a_new_store_is_empty(void **state)
{
    struct db *db = folder_open();
    struct db_counts counts;

    (void)state;
    folder_load(db, &loaded);
    db_counts(db, &counts);
    assert_int_equal(loaded.records + loaded.chunks + loaded.damaged, 0);
    assert_int_equal(counts.records + counts.chunks + counts.damaged, 0);
    db_close(db);
}

static void records_come_back_in_the_order_of_their_puts(void **state)
{
    struct db *db = folder_open();

    (void)state;
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(sample_put(db, (i * 7919) % 500, NULL), 0);
    db_close(db);
    db = folder_open();
    folder_load(db, &loaded);
    assert_int_equal(loaded.records, 500);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(loaded.numbers[i], (i * 7919) % 500);
    db_close(db);
}

static void a_done_put_is_seen_by_a_load(void **state)
{
    struct db *db = folder_open();
    struct answer answer;

    (void)state;
    answer_init(&answer);
    assert_int_equal(sample_put(db, 1, &answer.done), 0);
    assert_int_equal(answer_wait(&answer), 0);
    folder_load(db, &loaded);
    assert_int_equal(loaded.records, 1);
    db_close(db);
}

static void an_entry_comes_back(void **state)
{
    struct db *db = folder_open();
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];

    (void)state;
    entry_make(1, &bytes, id);
    assert_int_equal(db_put(db, RECORD_ENTRY, id, buffer_bytes(&bytes), NULL), 0);
    db_close(db);
    db = folder_open();
    folder_load(db, &loaded);
    assert_int_equal(loaded.damaged, 0);
    assert_int_equal(loaded.records, 1);
    buffer_fini(&bytes);
    db_close(db);
}

static void a_record_put_twice_is_there_once(void **state)
{
    struct db *db = folder_open();
    struct db_counts counts;
    struct answer answer;

    (void)state;
    answer_init(&answer);
    assert_int_equal(sample_put(db, 1, NULL), 0);
    assert_int_equal(sample_put(db, 2, NULL), 0);
    assert_int_equal(sample_put(db, 1, &answer.done), 0);
    assert_int_equal(answer_wait(&answer), 0);
    db_counts(db, &counts);
    assert_int_equal(counts.records, 2);
    assert_int_equal(counts.puts, 3);
    db_close(db);
}

static void one_id_may_be_of_two_kinds(void **state)
{
    struct db *db = folder_open();
    struct db_counts counts;
    uint8_t id[HASH_BYTES] = {1};

    (void)state;
    assert_int_equal(db_put(db, RECORD_JOIN, id, bytes_of("a", 1), NULL), 0);
    assert_int_equal(db_put(db, RECORD_FORK, id, bytes_of("b", 1), NULL), 0);
    db_close(db);
    db = folder_open();
    db_counts(db, &counts);
    assert_int_equal(counts.records, 2);
    db_close(db);
}

static void puts_that_wait_together_share_a_commit(void **state)
{
    struct db *db = folder_open();
    struct db_counts before;
    struct db_counts after;
    struct answer answer;
    struct gate gate;

    (void)state;
    answer_init(&answer);
    gate_close(&gate, db);
    db_counts(db, &before);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(sample_put(db, i, i == 999 ? &answer.done : NULL), 0);
    gate_open(&gate);
    assert_int_equal(answer_wait(&answer), 0);
    db_counts(db, &after);
    assert_int_equal(after.records - before.records, 1000);
    assert_int_equal(after.commits - before.commits, 1);
    db_close(db);
}

static void a_full_queue_refuses(void **state)
{
    struct db *db = folder_open();
    uint8_t *content = calloc(1, 1024 * 1024);
    uint8_t hash[HASH_BYTES] = {0};
    struct db_counts counts;
    struct gate gate;
    uint32_t taken = 0;
    int r;

    (void)state;
    assert_non_null(content);
    gate_close(&gate, db);
    do {
        put_be32(hash, taken);
        r = db_put_chunk(db, hash, bytes_of(content, 1024 * 1024), NULL);
    } while (r == 0 && ++taken < 100);
    assert_int_equal(r, -ENOBUFS);
    assert_int_equal(taken, DB_QUEUE_BYTES_MAX / (1024 * 1024) - 1);
    gate_open(&gate);
    db_close(db);
    db = folder_open();
    db_counts(db, &counts);
    assert_int_equal(counts.chunks, taken);
    free(content);
    db_close(db);
}

/* A trigger plays the row that cannot be written. */
static void one_bad_row_harms_no_other(void **state)
{
    struct answer answers[3];
    struct gate gate;
    struct db *db;

    (void)state;
    db_close(folder_open());
    folder_sql("CREATE TRIGGER refuse BEFORE INSERT ON records WHEN substr(new.bytes, 40) = x'01'"
               " BEGIN SELECT raise(ABORT, 'no'); END");
    db = folder_open();
    gate_close(&gate, db);
    for (uint32_t i = 0; i < 3; i++) {
        answer_init(&answers[i]);
        assert_int_equal(sample_put(db, i, &answers[i].done), 0);
    }
    gate_open(&gate);
    assert_int_equal(answer_wait(&answers[0]), 0);
    assert_true(answer_wait(&answers[1]) < 0);
    assert_int_equal(answer_wait(&answers[2]), 0);
    folder_load(db, &loaded);
    assert_int_equal(loaded.records, 3); /* the gate's, 0 and 2 */
    assert_int_equal(loaded.numbers[2], 2);
    db_close(db);
}

/* A limit on the size of files plays the full disk. */
static void a_full_disk_is_said_and_passes(void **state)
{
    struct db *db = folder_open();
    struct rlimit before;
    struct rlimit tight;
    struct answer answer;
    uint8_t content[65536] = {0};
    uint8_t hash[HASH_BYTES];

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){.rlim_cur = 50000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    keys_hash(HASH_CHUNK, bytes_of(content, sizeof(content)), hash);
    answer_init(&answer);
    assert_int_equal(db_put_chunk(db, hash, bytes_of(content, sizeof(content)), &answer.done), 0);
    assert_true(answer_wait(&answer) < 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    answer_init(&answer);
    assert_int_equal(db_put_chunk(db, hash, bytes_of(content, sizeof(content)), &answer.done), 0);
    assert_int_equal(answer_wait(&answer), 0);
    db_close(db);
}

static void a_chunk_is_read_by_its_hash(void **state)
{
    struct db *db = folder_open();
    struct answer answer;
    struct buffer content = {0};
    uint8_t hash[HASH_BYTES];
    uint8_t other[HASH_BYTES] = {0};

    (void)state;
    answer_init(&answer);
    keys_hash(HASH_CHUNK, bytes_of("chunk", 5), hash);
    assert_int_equal(db_put_chunk(db, hash, bytes_of("chunk", 5), &answer.done), 0);
    assert_int_equal(answer_wait(&answer), 0);
    assert_int_equal(db_chunk_read(db, hash, &content), 0);
    assert_int_equal(content.len, 5);
    assert_memory_equal(content.at, "chunk", 5);
    assert_int_equal(db_chunk_read(db, other, &content), -ENOENT);
    folder_load(db, &loaded);
    assert_int_equal(loaded.chunks, 1);
    assert_int_equal(loaded.chunk_bytes, 5);
    buffer_fini(&content);
    db_close(db);
}

struct fetch {
    struct db_read read; /* first */
    sem_t is_done;
    int result;
    uint8_t content[8];
};

static void take_fetch(struct db_read *read, int result, struct bytes content)
{
    struct fetch *fetch = (struct fetch *)(void *)read;

    fetch->result = result;
    if (content.len)
        memcpy(fetch->content, content.at, content.len);
    sem_post(&fetch->is_done);
}

static void a_chunk_is_fetched_without_waiting(void **state)
{
    struct db *db = folder_open();
    struct answer answer;
    struct fetch there = {.read = {.fn = take_fetch}}, absent = {.read = {.fn = take_fetch}};

    (void)state;
    answer_init(&answer);
    sem_init(&there.is_done, 0, 0);
    sem_init(&absent.is_done, 0, 0);
    keys_hash(HASH_CHUNK, bytes_of("chunk", 5), there.read.hash);
    assert_int_equal(db_put_chunk(db, there.read.hash, bytes_of("chunk", 5), &answer.done), 0);
    assert_int_equal(answer_wait(&answer), 0);
    db_chunk_fetch(db, &there.read);
    db_chunk_fetch(db, &absent.read);
    db_close(db); /* answers what was asked */
    assert_int_equal(sem_trywait(&there.is_done), 0);
    assert_int_equal(sem_trywait(&absent.is_done), 0);
    assert_int_equal(there.result, 0);
    assert_memory_equal(there.content, "chunk", 5);
    assert_int_equal(absent.result, -ENOENT);
    sem_destroy(&there.is_done);
    sem_destroy(&absent.is_done);
}

static void meta_values_are_kept_and_replaced(void **state)
{
    struct db *db = folder_open();
    struct buffer value = {0};

    (void)state;
    assert_int_equal(db_meta_get(db, "generation", &value), -ENOENT);
    assert_int_equal(db_meta_put(db, "generation", bytes_of("1", 1)), 0);
    assert_int_equal(db_meta_put(db, "generation", bytes_of("22", 2)), 0);
    assert_int_equal(db_meta_put(db, "empty", bytes_of(NULL, 0)), 0);
    db_close(db);
    db = folder_open();
    assert_int_equal(db_meta_get(db, "empty", &value), 0);
    assert_int_equal(value.len, 0);
    assert_int_equal(db_meta_get(db, "generation", &value), 0);
    assert_int_equal(value.len, 2);
    assert_memory_equal(value.at, "22", 2);
    buffer_fini(&value);
    db_close(db);
}

static void a_second_opener_is_refused(void **state)
{
    struct db *db = folder_open();
    struct problem problem = {0};

    (void)state;
    assert_int_equal(open_fault(folder_path(), fleet, &problem), -EBUSY);
    assert_non_null(strstr(problem.text, folder_path()));
    db_close(db);
    assert_int_equal(open_fault(folder_path(), fleet, &problem), 0);
}

static void another_fleets_store_is_refused(void **state)
{
    static const uint8_t other[HASH_BYTES] = {0xab, 0xcd};
    struct problem problem = {0};

    (void)state;
    db_close(folder_open());
    assert_int_equal(open_fault(folder_path(), other, &problem), -EXDEV);
    assert_non_null(strstr(problem.text, "f1ee07"));
    assert_non_null(strstr(problem.text, "abcd"));
}

static void a_newer_store_is_refused(void **state)
{
    struct problem problem = {0};

    (void)state;
    db_close(folder_open());
    folder_sql("PRAGMA user_version = 2");
    assert_int_equal(open_fault(folder_path(), fleet, &problem), -ENOTSUP);
    assert_non_null(strstr(problem.text, "schema 2"));
}

static void another_programs_database_is_left_alone(void **state)
{
    struct problem problem = {0};

    (void)state;
    folder_sql("CREATE TABLE theirs (x)");
    assert_int_equal(open_fault(folder_path(), fleet, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "not a store of Picket"));
    folder_sql("CREATE TEMP TABLE wal AS SELECT 1 FROM pragma_journal_mode"
               " WHERE journal_mode = 'wal'; SELECT * FROM theirs");
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    char text[5000];
    struct problem problem = {0};
    struct stat st;
    int fd = open(folder_file(), O_WRONLY | O_CREAT, 0600);

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    assert_int_equal(close(fd), 0);
    assert_int_equal(open_fault(folder_path(), fleet, &problem), -EINVAL);
    assert_non_null(strstr(problem.text, "not a store of Picket"));
    assert_int_equal(stat(folder_file(), &st), 0);
    assert_int_equal(st.st_size, sizeof(text));
}

static void a_missing_parent_is_said(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(open_fault("/tmp/picket-is-not-here/store", fleet, &problem), -ENOENT);
    assert_non_null(strstr(problem.text, "picket-is-not-here"));
}

static void a_folder_that_may_not_be_written_is_said(void **state)
{
    struct problem problem = {0};
    uid_t before = geteuid();
    int r;

    (void)state;
    assert_int_equal(chmod(folder_path(), 0555), 0);
    if (before == 0)
        assert_int_equal(seteuid(65534), 0); /* root may write anywhere */
    r = open_fault(folder_path(), fleet, &problem);
    assert_int_equal(seteuid(before), 0);
    assert_int_equal(chmod(folder_path(), 0700), 0);
    assert_int_equal(r, -EACCES);
    assert_non_null(strstr(problem.text, "cannot write in the folder"));
}

static void the_folder_is_made(void **state)
{
    char path[128];
    struct problem problem = {0};

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/new", folder_path());
    assert_int_equal(open_fault(path, fleet, &problem), 0);
    (void)snprintf(path, sizeof(path), "rm -r %s/new", folder_path());
    assert_int_equal(system(path), 0);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    db_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_empty),
        TEST(records_come_back_in_the_order_of_their_puts),
        TEST(a_done_put_is_seen_by_a_load),
        TEST(an_entry_comes_back),
        TEST(a_record_put_twice_is_there_once),
        TEST(one_id_may_be_of_two_kinds),
        TEST(puts_that_wait_together_share_a_commit),
        TEST(a_full_queue_refuses),
        TEST(one_bad_row_harms_no_other),
        TEST(a_full_disk_is_said_and_passes),
        TEST(a_chunk_is_read_by_its_hash),
        TEST(a_chunk_is_fetched_without_waiting),
        TEST(meta_values_are_kept_and_replaced),
        TEST(a_second_opener_is_refused),
        TEST(another_fleets_store_is_refused),
        TEST(a_newer_store_is_refused),
        TEST(another_programs_database_is_left_alone),
        TEST(a_file_that_is_no_database_is_left_alone),
        TEST(a_missing_parent_is_said),
        TEST(a_folder_that_may_not_be_written_is_said),
        TEST(the_folder_is_made),
        cmocka_unit_test(closing_nothing_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
