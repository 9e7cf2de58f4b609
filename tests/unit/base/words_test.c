/* SPDX-License-Identifier: Apache-2.0 */
/* Problems, checks, arenas, and the nearest word. */
#include "base/arena.h"
#include "base/check.h"
#include "base/nearest.h"
#include "base/problem.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void a_problem_is_a_code_and_a_sentence(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(problem_say(&problem, -ENOENT, "no file %s", "x"), -ENOENT);
    assert_int_equal(problem.code, -ENOENT);
    assert_string_equal(problem.text, "no file x");
}

static void a_long_sentence_is_cut_and_nobody_has_to_listen(void **state)
{
    struct problem problem = {0};

    (void)state;
    assert_int_equal(problem_say(NULL, -EIO, "unheard"), -EIO);
    (void)problem_say(&problem, -EIO, "%0500d", 1);
    assert_int_equal(strlen(problem.text), sizeof(problem.text) - 1);
}

static void flag_dump(void)
{
    ssize_t wrote = write(3, "d", 1);

    (void)wrote;
}

/* Runs a CHECK in a child whose standard error is closed; how it ended. */
static int status_of_check(int claim, int *ret_dumped)
{
    int ends[2];
    int status;
    char byte;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);

        if (nowhere < 0 || dup2(nowhere, STDERR_FILENO) < 0 || dup2(ends[1], 3) < 0)
            _exit(9);
        (void)signal(SIGABRT, SIG_DFL);
        check_set_dump(flag_dump);
        CHECK(claim, "for the test");
        _exit(0);
    }
    assert_int_equal(close(ends[1]), 0);
    *ret_dumped = read(ends[0], &byte, 1) == 1;
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_true_claim_goes_on(void **state)
{
    int dumped;
    int status = status_of_check(1, &dumped);

    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(dumped);
}

static void a_false_claim_dumps_and_aborts(void **state)
{
    int dumped;
    int status = status_of_check(0, &dumped);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(dumped);
}

static void implication_is_false_only_from_true_to_false(void **state)
{
    volatile int yes = 1;
    volatile int no = 0;

    (void)state;
    assert_true(IMPLIES(no, no));
    assert_true(IMPLIES(no, yes));
    assert_true(IMPLIES(yes, yes));
    assert_false(IMPLIES(yes, no));
}

static void an_arena_gives_zeroed_aligned_pieces(void **state)
{
    struct arena arena = {0};

    (void)state;
    for (size_t size = 1; size < 20000; size = size * 3 + 1) {
        unsigned char *piece = arena_take(&arena, size);

        assert_non_null(piece);
        assert_int_equal((uintptr_t)piece % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(piece[i], 0);
        memset(piece, 0xff, size);
    }
    arena_fini(&arena);
}

static void an_arenas_text_is_a_copy_with_an_end(void **state)
{
    struct arena arena = {0};
    char *text = arena_text(&arena, "abcdef", 3);

    (void)state;
    assert_string_equal(text, "abc");
    arena_fini(&arena);
    text = arena_text(&arena, "", 0);
    assert_string_equal(text, "");
    arena_fini(&arena);
}

static void the_nearest_word_is_found_if_it_is_near(void **state)
{
    static const char *const words[] = {"source", "destination", "protocol"};

    (void)state;
    assert_string_equal(nearest_word("sourxe", words, 3), "source");
    assert_string_equal(nearest_word("destinatxon", words, 3), "destination");
    assert_null(nearest_word("banana", words, 3));
    assert_null(nearest_word("source", words, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_is_a_code_and_a_sentence),
        cmocka_unit_test(a_long_sentence_is_cut_and_nobody_has_to_listen),
        cmocka_unit_test(a_true_claim_goes_on),
        cmocka_unit_test(a_false_claim_dumps_and_aborts),
        cmocka_unit_test(implication_is_false_only_from_true_to_false),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_pieces),
        cmocka_unit_test(an_arenas_text_is_a_copy_with_an_end),
        cmocka_unit_test(the_nearest_word_is_found_if_it_is_near),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
