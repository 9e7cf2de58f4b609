/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verify.h - signatures are checked by a small pool of threads; answers come back through the loop.
 *
 * Threads: verify_start() and done: logic. The pool only reads the job.
 * Bounded: VERIFY_QUEUE_MAX jobs wait; above it the caller is told and the record is fetched again
 * later.
 */
#include "base/bytes.h"
#include "base/limits.h"
#include "rpc/loop.h"
#include "store/ledger/record.h"

#include <stdbool.h>

#define VERIFY_QUEUE_MAX 65536
#define VERIFY_THREADS_MAX 8

/* Yours to allocate; belongs to the pool until done is called. */
struct verify_job {
    struct rpc_tag tag; /* the pool's */
    struct verify_job *next;
    void (*done)(struct verify_job *job);
    struct signature_claim claims[ROOT_KEYS_MAX];
    uint32_t claims_count;
    bool (*also)(
        const struct verify_job *job); /* any thread: what is more than signatures; may be NULL */
    bool is_good;                      /* the answer */
};

struct verifier;

/* threads 0: as many as there are processors, up to the maximum. */
int verifier_new(struct rpc_loop *loop, uint32_t threads, struct verifier **ret_verifier);

/* Waits for the threads; jobs that were not answered are handed to `drop`. Accepts NULL. */
void verifier_free(struct verifier *verifier, void (*drop)(struct verify_job *job));

/* 0 or -ENOBUFS. */
int verify_start(struct verifier *verifier, struct verify_job *job);
