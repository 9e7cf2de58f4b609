/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/loop.h"

#include "base/check.h"
#include "rpc/loop_internal.h"

#include <errno.h>
#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct rpc_loop {
    grpc_completion_queue *queue;
    grpc_channel *lame; /* a call on it takes the empty batches that are posts */
    grpc_call *wake;
    struct rpc_watchers *watchers;
    struct rpc_timer *timers;
    struct rpc_part *parts;
    uint32_t holds;
    bool is_stopping;
    bool is_over; /* the queue is drained */

    pthread_mutex_t lock; /* the two below */
    bool is_closed;
    uint64_t posts; /* not yet called */
};

uint64_t rpc_now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

int rpc_loop_new(struct rpc_loop **ret_loop, struct problem *reterr_problem)
{
    struct rpc_loop *loop = calloc(1, sizeof(*loop));
    int r;

    if (!loop)
        return problem_say(reterr_problem, -ENOMEM, "no memory for the event loop");
    rpc_grpc_start();
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->queue = grpc_completion_queue_create_for_next(NULL);
    loop->lame = grpc_lame_client_channel_create("wake", GRPC_STATUS_UNAVAILABLE, "");
    loop->wake = grpc_channel_create_call(loop->lame, NULL, 0, loop->queue,
        grpc_slice_from_static_string("/wake"), NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    r = rpc_watchers_new(loop, &loop->watchers);
    if (r < 0) {
        rpc_loop_free(loop);
        return problem_say(reterr_problem, r, "cannot start the thread that watches descriptors");
    }
    *ret_loop = loop;
    return 0;
}

grpc_completion_queue *rpc_loop_queue(struct rpc_loop *loop)
{
    return loop->queue;
}

struct rpc_watchers *rpc_loop_watchers(struct rpc_loop *loop)
{
    return loop->watchers;
}

bool rpc_loop_is_stopping(const struct rpc_loop *loop)
{
    return loop->is_stopping;
}

int rpc_post(struct rpc_loop *loop, struct rpc_tag *tag)
{
    int r = 0;

    (void)pthread_mutex_lock(&loop->lock);
    if (loop->is_closed) {
        r = -ESHUTDOWN;
    } else {
        grpc_call_error error;

        tag->is_post = true;
        error = grpc_call_start_batch(loop->wake, NULL, 0, tag, NULL);
        CHECK(error == GRPC_CALL_OK, "an empty batch is always accepted");
        loop->posts++;
    }
    (void)pthread_mutex_unlock(&loop->lock);
    return r;
}

/* ---- holds and parts */

void rpc_loop_hold(struct rpc_loop *loop)
{
    CHECK(!loop->is_over, "nothing starts after the end");
    loop->holds++;
}

void rpc_loop_drop(struct rpc_loop *loop)
{
    CHECK(loop->holds > 0, "every drop has its hold");
    loop->holds--;
}

void rpc_loop_add_part(struct rpc_loop *loop, struct rpc_part *part)
{
    part->prev = NULL;
    part->next = loop->parts;
    if (part->next)
        part->next->prev = part;
    loop->parts = part;
}

void rpc_loop_remove_part(struct rpc_loop *loop, struct rpc_part *part)
{
    if (part->prev)
        part->prev->next = part->next;
    else
        loop->parts = part->next;
    if (part->next)
        part->next->prev = part->prev;
    part->next = part->prev = NULL;
}

/* ---- timers */

void rpc_timer_clear(struct rpc_loop *loop, struct rpc_timer *timer)
{
    if (!timer->is_set)
        return;
    loop->timers = rpc_timers_remove(loop->timers, timer);
    timer->is_set = false;
}

void rpc_timer_set(struct rpc_loop *loop, struct rpc_timer *timer, uint64_t deadline_ns)
{
    CHECK(timer->fn, "a timer has a function");
    rpc_timer_clear(loop, timer);
    timer->deadline_ns = deadline_ns;
    timer->child = timer->next = timer->prev = NULL;
    timer->is_set = true;
    loop->timers = rpc_timers_merge(loop->timers, timer);
}

/* Only those due at entry, so that a timer that sets itself again cannot keep the queue waiting. */
static void run_timers(struct rpc_loop *loop)
{
    uint64_t now_ns;

    if (!loop->timers)
        return;
    now_ns = rpc_now_ns();
    while (loop->timers && loop->timers->deadline_ns <= now_ns) {
        struct rpc_timer *timer = loop->timers;

        rpc_timer_clear(loop, timer);
        timer->fn(timer);
    }
}

static gpr_timespec next_deadline(const struct rpc_loop *loop)
{
    uint64_t ns;

    if (!loop->timers)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    ns = loop->timers->deadline_ns;
    return (gpr_timespec){.tv_sec = (int64_t)(ns / 1000000000ULL),
        .tv_nsec = (int32_t)(ns % 1000000000ULL),
        .clock_type = GPR_CLOCK_MONOTONIC};
}

/* ---- the loop */

static void run_tag(struct rpc_loop *loop, struct rpc_tag *tag, int ok)
{
    bool is_post = tag->is_post;

    if (is_post) {
        tag->is_post = false;
        (void)pthread_mutex_lock(&loop->lock);
        loop->posts--;
        (void)pthread_mutex_unlock(&loop->lock);
    }
    tag->fn(tag, ok);
}

/* facts: a batch on a queue that is shut down aborts. So: nothing in flight, then closed, then
 * down. */
static bool try_end(struct rpc_loop *loop)
{
    bool can_end;

    if (!loop->is_stopping || loop->holds > 0)
        return false;
    (void)pthread_mutex_lock(&loop->lock);
    can_end = loop->posts == 0 && !loop->is_closed;
    if (can_end)
        loop->is_closed = true;
    (void)pthread_mutex_unlock(&loop->lock);
    if (!can_end)
        return false;
    if (loop->watchers)
        rpc_watchers_join(loop->watchers);
    grpc_completion_queue_shutdown(loop->queue);
    return true;
}

bool rpc_loop_turn(struct rpc_loop *loop)
{
    grpc_event event;

    CHECK(!loop->is_over, "a loop runs once");
    (void)try_end(loop);
    event = grpc_completion_queue_next(loop->queue, next_deadline(loop), NULL);
    if (event.type == GRPC_QUEUE_SHUTDOWN) {
        loop->is_over = true;
        return false;
    }
    if (event.type == GRPC_OP_COMPLETE)
        run_tag(loop, event.tag, event.success);
    if (!loop->is_closed)
        run_timers(loop);
    return true;
}

void rpc_loop_run(struct rpc_loop *loop)
{
    while (rpc_loop_turn(loop)) {
    }
}

void rpc_loop_stop(struct rpc_loop *loop, uint32_t grace_ms)
{
    if (loop->is_stopping)
        return;
    loop->is_stopping = true;
    for (struct rpc_part *part = loop->parts, *next; part; part = next) {
        next = part->next;
        part->stop(part, grace_ms);
    }
}

void rpc_loop_free(struct rpc_loop *loop)
{
    if (!loop)
        return;
    if (!loop->is_over) {
        rpc_loop_stop(loop, 0);
        rpc_loop_run(loop);
    }
    while (loop->parts) {
        struct rpc_part *part = loop->parts;

        rpc_loop_remove_part(loop, part);
        part->free(part);
    }
    grpc_call_unref(loop->wake);
    grpc_channel_destroy(loop->lame);
    grpc_completion_queue_destroy(loop->queue);
    rpc_watchers_free(loop->watchers);
    (void)pthread_mutex_destroy(&loop->lock);
    rpc_grpc_end();
    free(loop);
}
