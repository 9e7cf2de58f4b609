/* SPDX-License-Identifier: Apache-2.0 */
#include "node/verify.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct verifier {
    struct rpc_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct verify_job *first, **last;
    uint32_t waiting;
    struct verify_job *unposted; /* done when the loop had ended */
    bool is_stopping;
    pthread_t threads[VERIFY_THREADS_MAX];
    uint32_t threads_count;
};

static struct verify_job *take(struct verifier *verifier)
{
    struct verify_job *job;

    (void)pthread_mutex_lock(&verifier->lock);
    while (!verifier->first && !verifier->is_stopping)
        (void)pthread_cond_wait(&verifier->has_work, &verifier->lock);
    job = verifier->is_stopping ? NULL : verifier->first;
    if (job) {
        verifier->first = job->next;
        if (!verifier->first)
            verifier->last = &verifier->first;
        verifier->waiting--;
    }
    (void)pthread_mutex_unlock(&verifier->lock);
    return job;
}

static bool is_good(const struct verify_job *job)
{
    for (uint32_t i = 0; i < job->claims_count; i++) {
        const struct signature_claim *claim = &job->claims[i];

        if (!keys_verify(claim->key, claim->hash, claim->signature))
            return false;
    }
    return !job->also || job->also(job);
}

static void keep_unposted(struct verifier *verifier, struct verify_job *job)
{
    (void)pthread_mutex_lock(&verifier->lock);
    job->next = verifier->unposted;
    verifier->unposted = job;
    (void)pthread_mutex_unlock(&verifier->lock);
}

static void *work(void *of_verifier)
{
    struct verifier *verifier = of_verifier;
    struct verify_job *job;

    while ((job = take(verifier))) {
        job->is_good = is_good(job);
        if (rpc_post(verifier->loop, &job->tag) < 0)
            keep_unposted(verifier, job);
    }
    return NULL;
}

static void on_posted(struct rpc_tag *tag, int ok)
{
    struct verify_job *job = (struct verify_job *)(void *)tag;

    (void)ok;
    job->done(job);
}

int verify_start(struct verifier *verifier, struct verify_job *job)
{
    int r = 0;

    job->tag.fn = on_posted;
    job->next = NULL;
    (void)pthread_mutex_lock(&verifier->lock);
    if (verifier->waiting >= VERIFY_QUEUE_MAX) {
        r = -ENOBUFS;
    } else {
        *verifier->last = job;
        verifier->last = &job->next;
        verifier->waiting++;
        (void)pthread_cond_signal(&verifier->has_work);
    }
    (void)pthread_mutex_unlock(&verifier->lock);
    return r;
}

static void drop_all(struct verify_job *job, void (*drop)(struct verify_job *job))
{
    while (job) {
        struct verify_job *next = job->next;

        drop(job);
        job = next;
    }
}

void verifier_free(struct verifier *verifier, void (*drop)(struct verify_job *job))
{
    if (!verifier)
        return;
    (void)pthread_mutex_lock(&verifier->lock);
    verifier->is_stopping = true;
    (void)pthread_cond_broadcast(&verifier->has_work);
    (void)pthread_mutex_unlock(&verifier->lock);
    for (uint32_t i = 0; i < verifier->threads_count; i++)
        (void)pthread_join(verifier->threads[i], NULL);
    drop_all(verifier->first, drop);
    drop_all(verifier->unposted, drop);
    (void)pthread_cond_destroy(&verifier->has_work);
    (void)pthread_mutex_destroy(&verifier->lock);
    free(verifier);
}

static int start_threads(struct verifier *verifier, uint32_t threads)
{
    sigset_t all, before;
    int r = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (!r && verifier->threads_count < threads) {
        r = -pthread_create(&verifier->threads[verifier->threads_count], NULL, work, verifier);
        if (!r)
            verifier->threads_count++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return verifier->threads_count ? 0 : r;
}

int verifier_new(struct rpc_loop *loop, uint32_t threads, struct verifier **ret_verifier)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int r;

    if (!verifier)
        return -ENOMEM;
    if (!threads)
        threads = processors > 0 ? (uint32_t)processors : 1;
    if (threads > VERIFY_THREADS_MAX)
        threads = VERIFY_THREADS_MAX;
    verifier->loop = loop;
    verifier->last = &verifier->first;
    (void)pthread_mutex_init(&verifier->lock, NULL);
    (void)pthread_cond_init(&verifier->has_work, NULL);
    r = start_threads(verifier, threads);
    if (r < 0) {
        verifier_free(verifier, NULL);
        return r;
    }
    *ret_verifier = verifier;
    return 0;
}
