/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/loop.h"
#include "rpc/loop_internal.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct rpc_loop *loop;

static int set_up(void **state)
{
    struct problem problem;

    (void)state;
    return rpc_loop_new(&loop, &problem);
}

static int tear_down(void **state)
{
    (void)state;
    rpc_loop_free(loop);
    return 0;
}

/* ---- posts */

#define POSTS 2000
#define THREADS 4

struct counted {
    struct rpc_tag tag;
    unsigned thread, number;
};

static unsigned next_number[THREADS];
static unsigned counted_posts;
static int is_out_of_order;

static void on_counted(struct rpc_tag *tag, int ok)
{
    struct counted *counted = (struct counted *)tag;

    if (!ok || counted->number != next_number[counted->thread])
        is_out_of_order = 1;
    next_number[counted->thread]++;
    free(counted);
    if (++counted_posts == POSTS * THREADS)
        rpc_loop_stop(loop, 0);
}

static void *post_many(void *argument)
{
    unsigned thread = *(unsigned *)argument;

    for (unsigned i = 0; i < POSTS; i++) {
        struct counted *counted = calloc(1, sizeof(*counted));

        counted->tag.fn = on_counted;
        counted->thread = thread;
        counted->number = i;
        (void)rpc_post(loop, &counted->tag);
    }
    return NULL;
}

static void posts_of_many_threads_all_arrive_in_their_order(void **state)
{
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];

    (void)state;
    counted_posts = 0;
    is_out_of_order = 0;
    memset(next_number, 0, sizeof(next_number));
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &numbers[i]), 0);
    }
    rpc_loop_run(loop);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(counted_posts, POSTS * THREADS);
    assert_int_equal(is_out_of_order, 0);
}

static void a_post_after_the_end_is_refused(void **state)
{
    struct rpc_tag tag = {.fn = NULL};

    (void)state;
    rpc_loop_stop(loop, 0);
    rpc_loop_run(loop);
    assert_int_equal(rpc_post(loop, &tag), -ESHUTDOWN);
}

/* ---- timers */

#define TIMERS 200

struct ordered {
    struct rpc_timer timer;
    uint64_t deadline_ns;
};

static struct ordered ordered[TIMERS];
static uint64_t last_deadline_ns;
static unsigned fired;
static int is_wrong;

static void on_ordered(struct rpc_timer *timer)
{
    struct ordered *one = (struct ordered *)timer;

    if (one->deadline_ns < last_deadline_ns || rpc_now_ns() < one->deadline_ns)
        is_wrong = 1;
    last_deadline_ns = one->deadline_ns;
    if (++fired == TIMERS / 2)
        rpc_loop_stop(loop, 0);
}

static void timers_fire_in_order_and_never_early(void **state)
{
    uint64_t start_ns = rpc_now_ns();

    (void)state;
    fired = 0;
    is_wrong = 0;
    last_deadline_ns = 0;
    memset(ordered, 0, sizeof(ordered));
    for (unsigned i = 0; i < TIMERS; i++) {
        ordered[i].timer.fn = on_ordered;
        ordered[i].deadline_ns = start_ns + (i * 7919U % TIMERS) * 100000ULL;
        rpc_timer_set(loop, &ordered[i].timer, ordered[i].deadline_ns);
    }
    for (unsigned i = 0; i < TIMERS; i += 2)
        rpc_timer_clear(loop, &ordered[i].timer);
    rpc_loop_run(loop);
    assert_int_equal(fired, TIMERS / 2);
    assert_int_equal(is_wrong, 0);
}

static void moving_a_timer_forgets_its_earlier_deadline(void **state)
{
    struct ordered early = {.timer.fn = on_ordered};

    (void)state;
    fired = TIMERS / 2 - 1;
    is_wrong = 0;
    last_deadline_ns = 0;
    rpc_timer_set(loop, &early.timer, rpc_now_ns());
    early.deadline_ns = rpc_now_ns() + 5000000;
    rpc_timer_set(loop, &early.timer, early.deadline_ns);
    rpc_loop_run(loop);
    assert_int_equal(is_wrong, 0);
    assert_false(early.timer.is_set);
}

/* ---- descriptors */

static struct rpc_watch *watch;
static char received[16];
static size_t received_len;

static void on_readable(void *user, int fd)
{
    (void)user;
    if (read(fd, received + received_len, 1) ==
        1) /* one byte: the rest must come again by itself */
        received_len++;
    if (received_len == 3) {
        rpc_watch_remove(watch);
        rpc_loop_stop(loop, 0);
    }
}

static void a_readable_descriptor_is_reported_until_it_is_empty(void **state)
{
    int ends[2];

    (void)state;
    received_len = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(rpc_watch_add(loop, ends[0], on_readable, NULL, &watch), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    rpc_loop_run(loop);
    assert_memory_equal(received, "abc", 3);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void on_never(void *user, int fd)
{
    (void)user;
    (void)fd;
    is_wrong = 1;
}

static void a_removed_watch_is_silent_even_if_it_was_ready(void **state)
{
    int ends[2];

    (void)state;
    is_wrong = 0;
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_int_equal(rpc_watch_add(loop, ends[0], on_never, NULL, &watch), 0);
        rpc_watch_remove(watch);
    }
    rpc_loop_stop(loop, 0);
    rpc_loop_run(loop);
    assert_int_equal(is_wrong, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void a_descriptor_that_cannot_be_watched_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(rpc_watch_add(loop, -1, on_never, NULL, &watch), -EBADF);
}

static void the_environment_is_cleaned(void **state)
{
    struct rpc_loop *second;

    (void)state;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("GRPC_VERBOSITY", "DEBUG", 1);
    assert_int_equal(rpc_loop_new(&second, NULL), 0);
    assert_null(getenv("http_proxy"));
    assert_null(getenv("GRPC_VERBOSITY"));
    rpc_loop_free(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(posts_of_many_threads_all_arrive_in_their_order),
        TEST(a_post_after_the_end_is_refused),
        TEST(timers_fire_in_order_and_never_early),
        TEST(moving_a_timer_forgets_its_earlier_deadline),
        TEST(a_readable_descriptor_is_reported_until_it_is_empty),
        TEST(a_removed_watch_is_silent_even_if_it_was_ready),
        TEST(a_descriptor_that_cannot_be_watched_is_an_error),
        TEST(the_environment_is_cleaned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
