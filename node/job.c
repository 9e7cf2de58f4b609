/* SPDX-License-Identifier: Apache-2.0 */
#include "node/job.h"
#include "base/bytes.h"
#include "base/member.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void job_free(struct job *job)
{
    if (!job)
        return;
    free(job->devices);
    free(job->reasons);
    free(job->rules);
    free(job->device_counts);
    free(job);
}

static void on_posted(struct rpc_tag *tag, int ok)
{
    struct job *job = OWNER_OF(struct job, tag, tag);

    (void)ok;
    job->fn(job);
    job_free(job);
}

static void *copy(const void *from, size_t count, size_t size)
{
    return from && count ? bytes_copy(from, count * size) : NULL;
}

/* On the worker's thread. */
static void on_done(struct datapath_done *done, const struct datapath_result *result)
{
    struct job *job = (struct job *)(void *)done;

    job->code = result->code;
    (void)snprintf(job->why, sizeof(job->why), "%s", result->why ? result->why : "");
    job->slot = result->slot;
    job->repaired = result->repaired;
    job->devices = copy(result->devices, result->devices_count, sizeof(*job->devices));
    job->devices_count = job->devices ? result->devices_count : 0;
    job->reasons = copy(result->reasons, result->reasons_count, sizeof(*job->reasons));
    job->reasons_count = job->reasons ? result->reasons_count : 0;
    job->rules = copy(result->rules, result->rules_count, sizeof(*job->rules));
    job->rules_count = job->rules ? result->rules_count : 0;
    job->device_counts =
        copy(result->device_counts, result->device_counts_count, sizeof(*job->device_counts));
    job->device_counts_count = job->device_counts ? result->device_counts_count : 0;
    job->events_missed = result->events_missed;
    if (rpc_post(job->loop, &job->tag) < 0)
        job_free(job);
}

struct job *job_new(struct rpc_loop *loop, void (*fn)(struct job *job), void *user)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job)
        *job = (struct job){
            .done = {on_done}, .tag = {.fn = on_posted}, .loop = loop, .fn = fn, .user = user};
    return job;
}
