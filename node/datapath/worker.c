/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/worker.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct job *first;
    struct job **last; /* where the next one is hung */
    size_t count;
    size_t jobs_max;
    bool is_ending;
};

/* NULL: there is none and there will be none. */
static struct job *take(struct worker *worker)
{
    struct job *job;

    (void)pthread_mutex_lock(&worker->lock);
    while (!worker->first && !worker->is_ending)
        (void)pthread_cond_wait(&worker->came, &worker->lock);
    job = worker->first;
    if (job) {
        worker->first = job->next;
        worker->count--;
        if (!worker->first)
            worker->last = &worker->first;
    }
    (void)pthread_mutex_unlock(&worker->lock);
    return job;
}

static void *work(void *user)
{
    struct job *job;

    while ((job = take(user)))
        job->run(job);
    return NULL;
}

int worker_new(const char *name, size_t jobs_max, struct worker **ret_worker)
{
    sigset_t all;
    sigset_t before;
    struct worker *worker = calloc(1, sizeof(*worker));

    if (!worker)
        return -ENOMEM;
    worker->last = &worker->first;
    worker->jobs_max = jobs_max;
    (void)pthread_mutex_init(&worker->lock, NULL);
    (void)pthread_cond_init(&worker->came, NULL);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&worker->thread, NULL, work, worker);

    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        free(worker);
        return -error;
    }
    (void)pthread_setname_np(worker->thread, name);
    *ret_worker = worker;
    return 0;
}

int worker_post(struct worker *worker, struct job *job)
{
    int r = 0;

    job->next = NULL;
    (void)pthread_mutex_lock(&worker->lock);
    if (worker->count >= worker->jobs_max) {
        r = -ENOBUFS;
    } else {
        *worker->last = job;
        worker->last = &job->next;
        worker->count++;
        (void)pthread_cond_signal(&worker->came);
    }
    (void)pthread_mutex_unlock(&worker->lock);
    return r;
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    (void)pthread_mutex_lock(&worker->lock);
    worker->is_ending = true;
    (void)pthread_cond_signal(&worker->came);
    (void)pthread_mutex_unlock(&worker->lock);
    (void)pthread_join(worker->thread, NULL);
    (void)pthread_cond_destroy(&worker->came);
    (void)pthread_mutex_destroy(&worker->lock);
    free(worker);
}
