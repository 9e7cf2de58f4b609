/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/worker.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct numbered {
    struct job job; /* first */
    unsigned number;
    unsigned *next;
    unsigned *disorder;
};

static void count_in_order(struct job *job)
{
    struct numbered *numbered = (struct numbered *)job;

    *numbered->disorder += *numbered->next != numbered->number;
    (*numbered->next)++;
}

static void jobs_run_in_the_order_they_came(void **state)
{
    static struct numbered jobs[1000];
    unsigned next = 0;
    unsigned disorder = 0;
    struct worker *worker;

    (void)state;
    assert_int_equal(worker_new("test", 1000, &worker), 0);
    for (unsigned i = 0; i < 1000; i++) {
        jobs[i] = (struct numbered){{NULL, count_in_order}, i, &next, &disorder};
        assert_int_equal(worker_post(worker, &jobs[i].job), 0);
    }
    worker_free(worker);
    assert_int_equal(next, 1000);
    assert_int_equal(disorder, 0);
}

struct blocker {
    struct job job; /* first */
    pthread_mutex_t *gate;
};

static void wait_for_gate(struct job *job)
{
    struct blocker *blocker = (struct blocker *)job;

    (void)pthread_mutex_lock(blocker->gate);
    (void)pthread_mutex_unlock(blocker->gate);
}

static void a_full_queue_refuses(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct blocker jobs[4];
    struct worker *worker;
    int refused = 0;

    (void)state;
    assert_int_equal(worker_new("test", 2, &worker), 0);
    (void)pthread_mutex_lock(&gate);
    for (unsigned i = 0; i < 4; i++) { /* at most one runs and two wait */
        jobs[i] = (struct blocker){{NULL, wait_for_gate}, &gate};
        refused += worker_post(worker, &jobs[i].job) == -ENOBUFS;
    }
    (void)pthread_mutex_unlock(&gate);
    worker_free(worker);
    assert_in_range(refused, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_in_the_order_they_came),
        cmocka_unit_test(a_full_queue_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
