/* SPDX-License-Identifier: Apache-2.0 */
#include "base/member.h"
#include "node/compile/amend.h"
#include "node/devices.h"
#include "node/enforce_inside.h"
#include "node/log.h"
#include "node/node.h"
#include "store/ledger/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_NS (100 * NS_PER_MS)       /* of writes, after which the whole generation follows */
#define PAUSE_MOST_NS (1000 * NS_PER_MS) /* however many writes there are */

static bool is_possible(const struct enforce *enforce)
{
    return enforce->running && !enforce->amend.is_off && !enforce->is_stopping &&
           amend_is_possible(enforce->running);
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, OP_REF_BYTES);
}

/* What the ledger has said anew since a revision. False: more than can be amended. */
static bool collect(struct enforce *enforce, uint64_t revision, struct amendment *ret)
{
    uint8_t ids[LEDGER_CHANGES_MAX][OP_REF_BYTES];
    uint32_t count;

    *ret = (struct amendment){0};
    if (!ledger_objects_changed(enforce->node->ledger, revision, ids, &count) ||
        count > AMEND_OBJECTS_MAX)
        return false;
    qsort(ids, count, OP_REF_BYTES, compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(ret->ids[i], ids[i], OP_REF_BYTES);
        if (ledger_object_find(enforce->node->ledger, ids[i], &ret->objects[ret->objects_count]))
            ret->objects_count++;
    }
    ret->ids_count = count;
    return true;
}

static int amend_since(struct enforce *enforce, struct compile_tables *tables, uint64_t revision)
{
    const struct compile_input input = inputs_open(&enforce->inputs, enforce->devices);
    struct amendment *amendment = malloc(sizeof(*amendment));
    int r = amendment ? -ENOTSUP : -ENOMEM;

    if (amendment && collect(enforce, revision, amendment) && amendment->ids_count > 0)
        r = amend(tables, &input, amendment);
    free(amendment);
    return r;
}

/* ---- in force */

/* The kernel has what it had, or all of it; the tables may say more. */
static void fail(struct enforce *enforce, const char *why)
{
    log_say(LOG_ERROR, "cannot_amend", "%s; a whole generation is tried", why);
    enforce->amend.is_busy = false;
    enforce->amend.is_off = true;
    enforce->is_dirty = true;
    enforce_go_on(enforce);
}

static void on_flipped(struct job *job)
{
    struct enforce *enforce = job->user;

    if (job->code < 0) {
        fail(enforce, job->why);
        return;
    }
    enforce->slot = job->slot;
    enforce->flips++;
    enforce->amend.is_busy = false;
    enforce->amend.revision = enforce->amend.coming;
    enforce->amend.coming = 0;
    enforce_forget_fresh(enforce, enforce->running);
    enforce_tell_waiters(enforce, enforce->amend.revision, true);
    if (enforce->amend.is_wanted)
        rpc_timer_set(enforce->node->loop, &enforce->amend.timer, rpc_now_ns());
    enforce_go_on(enforce);
}

static void on_filled(struct job *job)
{
    struct enforce *enforce = job->user;
    struct job *flip;

    if (job->code < 0) {
        fail(enforce, job->why);
        return;
    }
    flip = job_new(enforce->node->loop, on_flipped, enforce);
    if (!flip || datapath_flip(enforce->datapath, job->slot, 0, &flip->done) < 0) {
        job_free(flip);
        fail(enforce, "the datapath's queue is full");
    }
}

static void amend_running(struct enforce *enforce)
{
    struct job *job;

    enforce->amend.is_wanted = false;
    if (amend_since(enforce, enforce->running, enforce->running_revision) < 0) {
        enforce_schedule(enforce, 0);
        return;
    }
    enforce->amend.is_busy = true;
    enforce->amend.coming = ledger_revision(enforce->node->ledger);
    job = job_new(enforce->node->loop, on_filled, enforce);
    if (!job || datapath_fill(enforce->datapath, enforce->running, &job->done) < 0) {
        job_free(job);
        fail(enforce, "the datapath's queue is full");
    }
}

/* ---- when */

void enforce_amend_if_wanted(struct enforce *enforce)
{
    if (enforce->amend.is_wanted && !enforce->amend.is_busy && !enforce->is_filling &&
        is_possible(enforce) && devices_are_known(enforce->devices))
        amend_running(enforce);
}

void enforce_amend_due(struct rpc_timer *timer)
{
    struct enforce *enforce = OWNER_OF(struct enforce, amend.timer, timer);

    if (enforce->amend.is_wanted && !enforce_is_settled(enforce)) {
        rpc_timer_set(enforce->node->loop, timer, rpc_now_ns() + SETTLE_NS);
        return;
    }
    enforce_amend_if_wanted(enforce);
}

bool enforce_amend_soon(struct enforce *enforce)
{
    uint64_t whole_ns = rpc_now_ns() + PAUSE_NS;

    if (!is_possible(enforce))
        return false;
    enforce->amend.is_wanted = true;
    if (!enforce->amend.timer.is_set)
        rpc_timer_set(enforce->node->loop, &enforce->amend.timer, rpc_now_ns() + SETTLE_NS);
    if (whole_ns > enforce->dirty_since_ns + PAUSE_MOST_NS)
        whole_ns = enforce->dirty_since_ns + PAUSE_MOST_NS;
    if (!enforce->is_busy)
        rpc_timer_set(enforce->node->loop, &enforce->compile, whole_ns);
    return true;
}

static void on_prepared(struct job *job)
{
    struct enforce *enforce = job->user;

    enforce->amend.is_busy = false; /* whatever came of it: a fill loads what it lacks */
    if (enforce->amend.is_wanted)
        rpc_timer_set(enforce->node->loop, &enforce->amend.timer, rpc_now_ns());
    enforce_go_on(enforce);
}

void enforce_amend_prepare(struct enforce *enforce)
{
    struct job *job =
        enforce->is_stopping ? NULL : job_new(enforce->node->loop, on_prepared, enforce);

    if (!job)
        return;
    enforce->amend.is_busy = true;
    if (datapath_prepare(enforce->datapath, enforce->running, &job->done) < 0) {
        job_free(job);
        enforce->amend.is_busy = false;
    }
}

/* ---- the whole generation that follows */

/* What an amendment in force counts already goes on counting. */
static void keep_counts(const struct compile_tables *running, struct compile_tables *coming)
{
    for (uint32_t i = 0; i < coming->objects_count; i++) {
        struct compile_object *object = &coming->objects[i];
        const struct compile_object *before =
            object->is_fresh ? compile_object_find(running, object->id) : NULL;

        if (before && before->is_counted && before->counter == object->counter)
            object->is_fresh = false;
    }
}

bool enforce_amend_coming(struct enforce *enforce)
{
    uint64_t now = ledger_revision(enforce->node->ledger);

    enforce->amend.coming = 0;
    if (enforce->amend.revision == 0)
        return true;
    keep_counts(enforce->running, enforce->coming);
    if (enforce->amend.revision <= enforce->coming_revision)
        return true;
    if (enforce_is_settled(enforce) &&
        amend_since(enforce, enforce->coming, enforce->coming_revision) == 0) {
        enforce->amend.coming = now;
        return true;
    }
    enforce->amend.is_off = true;
    return false;
}
