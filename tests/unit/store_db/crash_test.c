/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 in the middle of puts. A child puts records 0, 1, 2, ... and writes the number of each
 * answered one into a pipe; the parent kills it after so many answers, and opens what is left.
 */
#include "folder.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct loaded loaded;

struct told {
    struct db_done done;
    uint32_t number;
    int to;
};

static void tell(struct db_done *done, int result)
{
    struct told *told = (struct told *)done;

    if (result != 0 || write(told->to, &told->number, sizeof(told->number)) < 0)
        _exit(1);
}

/* Never returns: it puts until it is killed. */
_Noreturn static void put_until_killed(int to)
{
    static struct told tolds[RECORDS_MAX];
    struct db *db = NULL;

    if (db_open(folder_path(), fleet, &db, NULL) < 0)
        _exit(1);
    for (uint32_t i = 0; i < RECORDS_MAX; i++) {
        tolds[i] = (struct told){.done = {.fn = tell}, .number = i, .to = to};
        while (sample_put(db, i, &tolds[i].done) == -ENOBUFS)
            continue;
    }
    for (;;)
        pause();
}

/* Reads numbers until there are `enough`, kills the child, reads the rest. The count of answers. */
static uint32_t kill_after(uint32_t enough)
{
    uint32_t answered = 0;
    uint32_t number;
    int ends[2];
    int status;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        put_until_killed(ends[1]);
    assert_int_equal(close(ends[1]), 0);
    while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
        assert_int_equal(number, answered); /* answers come in the order of the puts */
        if (++answered == enough)
            assert_int_equal(kill(child, SIGKILL), 0);
    }
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return answered;
}

static void lose_nothing_after(uint32_t enough)
{
    uint32_t answered = kill_after(enough);
    struct db *db = folder_open();

    folder_load(db, &loaded);
    assert_int_equal(loaded.damaged, 0);
    assert_true(loaded.records >= answered);
    for (uint32_t i = 0; i < loaded.records; i++)
        assert_int_equal(loaded.numbers[i], i); /* and nothing is missing before another */
    db_close(db);
}

static void nothing_answered_is_lost_at_the_first_put(void **state)
{
    (void)state;
    lose_nothing_after(1);
}

static void nothing_answered_is_lost_early(void **state)
{
    (void)state;
    lose_nothing_after(37);
}

static void nothing_answered_is_lost_late(void **state)
{
    (void)state;
    lose_nothing_after(3001);
}

static void a_store_killed_again_and_again_stays_whole(void **state)
{
    static const uint32_t points[] = {5, 700, 64, 1500};

    (void)state;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        lose_nothing_after(points[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_answered_is_lost_at_the_first_put),
        TEST(nothing_answered_is_lost_early),
        TEST(nothing_answered_is_lost_late),
        TEST(a_store_killed_again_and_again_stays_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
