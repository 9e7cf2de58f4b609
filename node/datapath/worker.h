/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * worker.h - one thread that runs jobs in the order they came.
 *
 * Threads: worker_post: any. A job's run: the worker; the job is its own again when run is called.
 */
#include <stdbool.h>
#include <stddef.h>

struct worker;

struct job {
    struct job *next;
    void (*run)(struct job *job);
};

/* 0 or a negative errno. The thread has every signal blocked: they are the owner's. */
int worker_new(const char *name, size_t jobs_max, struct worker **ret_worker);

/* 0, or -ENOBUFS when jobs_max wait: then the job was not taken. */
int worker_post(struct worker *worker, struct job *job);

/* Runs what waits, then ends the thread. Nobody may post any more. Accepts NULL. */
void worker_free(struct worker *worker);
