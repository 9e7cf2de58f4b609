/* SPDX-License-Identifier: Apache-2.0 */
#include "base/member.h"
#include "base/own.h"
#include "node/builder.h"
#include "node/compile/amend.h"
#include "node/devices.h"
#include "node/effects.h"
#include "node/enforce_inside.h"
#include "node/log.h"
#include "node/node.h"
#include "replica/replica.h"
#include "store/ledger/ledger.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_NS (1000 * NS_PER_MS)
#define RETRY_NS (1000 * NS_PER_MS)
#define OVERDUE_NS \
    (30 * NS_PER_MS) /* under steady writes no moment may be without one on its way */
#define CONTENT_RETRY_NS (200 * NS_PER_MS)
#define CONTENT_PATIENCE_NS (30 * 1000 * NS_PER_MS)

/* ---- waiters */

void enforce_wait(struct enforce *enforce, struct enforce_waiter *waiter)
{
    waiter->next = enforce->waiters;
    enforce->waiters = waiter;
    if (enforce->running &&
        (enforce->amend.revision >= waiter->revision ||
            (enforce->running_revision >= waiter->revision && !enforce->is_dirty))) {
        enforce->waiters = waiter->next;
        waiter->fn(waiter, true);
    }
}

void enforce_wait_cancel(struct enforce *enforce, struct enforce_waiter *waiter)
{
    struct enforce_waiter **slot = &enforce->waiters;

    while (*slot && *slot != waiter)
        slot = &(*slot)->next;
    if (*slot)
        *slot = waiter->next;
}

void enforce_tell_waiters(struct enforce *enforce, uint64_t revision, bool is_enforced)
{
    struct enforce_waiter *told = NULL, **slot = &enforce->waiters;

    while (*slot) {
        struct enforce_waiter *waiter = *slot;

        if (waiter->revision > revision) {
            slot = &waiter->next;
            continue;
        }
        *slot = waiter->next;
        waiter->next = told;
        told = waiter;
    }
    while (told) {
        struct enforce_waiter *waiter = told;

        told = waiter->next;
        waiter->fn(waiter, is_enforced);
    }
}

/* ---- from compiled to in force */

void enforce_schedule(struct enforce *enforce, uint64_t in_ns)
{
    if (!enforce->is_stopping && !enforce->is_busy)
        rpc_timer_set(enforce->node->loop, &enforce->compile, rpc_now_ns() + in_ns);
}

static void on_devices_changed(void *user)
{
    enforce_state_changed(user);
}

void enforce_state_changed(struct enforce *enforce)
{
    if (!enforce->is_dirty)
        enforce->dirty_since_ns = rpc_now_ns();
    enforce->is_dirty = true;
    if (!enforce_amend_soon(enforce) && !enforce->compile.is_set)
        enforce_schedule(enforce, SETTLE_NS);
}

/* The last generation stays in force. */
static void fail(struct enforce *enforce, uint64_t revision, const char *why)
{
    if (strcmp(enforce->failure, why) != 0)
        log_say(LOG_ERROR, "cannot_enforce", "%s; the rules of before stay in force", why);
    (void)snprintf(enforce->failure, sizeof(enforce->failure), "%s", why);
    enforce->is_busy = enforce->is_filling = false;
    enforce_tell_waiters(enforce, revision, false);
    devices_release(enforce->devices); /* closed is safer than open: lifeline only */
    if (enforce->is_dirty)
        enforce_schedule(enforce, RETRY_NS);
}

/* The kernel, not the rules, is in the way, and that may pass. */
static void refuse(struct enforce *enforce, const char *why)
{
    compile_tables_free(give(enforce->coming));
    enforce->is_dirty = true;
    fail(enforce, enforce->coming_revision, why);
}

static void tell_digest(struct enforce *enforce)
{
    struct replica_event event = {.kind = REPLICA_ON_DIGEST};

    event.digest.has_digest = true;
    memcpy(event.digest.digest, enforce->running->digest, HASH_BYTES);
    effects_step(enforce->node->effects, &event);
}

static void renew_lifeline(struct enforce *enforce);

/* There may stand what another object counted. */
void enforce_forget_fresh(struct enforce *enforce, struct compile_tables *tables)
{
    for (uint32_t i = 0; i < tables->objects_count; i++) {
        struct compile_object *object = &tables->objects[i];

        if (object->is_counted && object->is_fresh && object->counter < enforce->rules_count)
            enforce->rules[object->counter] = (struct datapath_count){0};
        object->is_fresh = false;
    }
}

/* coming becomes running; the one before it is gone. */
static void settle(struct enforce *enforce)
{
    enforce_forget_fresh(enforce, enforce->coming);
    compile_tables_free(enforce->running);
    enforce->running = enforce->coming;
    enforce->running_revision = enforce->coming_revision;
    enforce->coming = NULL;
    enforce->is_busy = enforce->is_filling = false;
    enforce->failure[0] = '\0';
    enforce->amend.revision = enforce->amend.coming;
    enforce->amend.is_off = false;
    compile_indexes_settle(enforce->inputs.indexes, enforce->running);
    devices_release(enforce->devices);
    enforce_amend_prepare(enforce);
    renew_lifeline(enforce);
    tell_digest(enforce);
    enforce_tell_waiters(enforce, enforce->running_revision, true);
    if (enforce->is_dirty && !enforce_amend_soon(enforce))
        enforce_schedule(enforce, SETTLE_NS);
}

static void on_flipped(struct job *job)
{
    struct enforce *enforce = job->user;

    if (job->code < 0) {
        refuse(enforce, job->why);
        return;
    }
    enforce->slot = job->slot;
    enforce->flips++;
    settle(enforce);
}

static void on_filled(struct job *job)
{
    struct enforce *enforce = job->user;
    struct job *flip;

    if (job->code < 0) {
        refuse(enforce, job->why);
        return;
    }
    if (!amend_is_possible(enforce->coming))
        compile_blobs_drop(enforce->coming);
    flip = job_new(enforce->node->loop, on_flipped, enforce);
    if (!flip || datapath_flip(enforce->datapath, job->slot, 0, &flip->done) < 0) {
        job_free(flip);
        refuse(enforce, "the datapath's queue is full");
    }
}

static void fill(struct enforce *enforce)
{
    struct job *job = job_new(enforce->node->loop, on_filled, enforce);

    enforce->is_filling = true;
    if (!job || datapath_fill(enforce->datapath, enforce->coming, &job->done) < 0) {
        job_free(job);
        refuse(enforce, "the datapath's queue is full");
    }
}

static void on_whole(struct enforce *enforce)
{
    if (enforce->amend.is_busy) {
        enforce->is_built = true;
    } else if (enforce_amend_coming(enforce)) {
        fill(enforce);
    } else {
        compile_tables_free(give(enforce->coming));
        enforce->is_busy = false;
        enforce->is_dirty = true;
        enforce_schedule(enforce, 0);
    }
}

void enforce_go_on(struct enforce *enforce)
{
    if (enforce->is_built) {
        enforce->is_built = false;
        on_whole(enforce);
    } else if (enforce->is_dirty && !enforce->compile.is_set) {
        enforce_schedule(enforce, SETTLE_NS);
    }
}

/* A set of rules that no forest holds will not become one by itself. */
static void on_built(struct job *job)
{
    struct enforce *enforce = job->user;

    if (job->code == 0) {
        on_whole(enforce);
        return;
    }
    compile_tables_free(give(enforce->coming));
    fail(enforce, enforce->coming_revision, job->why);
}

/* A counter that starts at zero is a difference, too. */
static bool has_fresh(const struct compile_tables *tables)
{
    for (uint32_t i = 0; i < tables->objects_count; i++)
        if (tables->objects[i].is_counted && tables->objects[i].is_fresh)
            return true;
    return false;
}

/* Not while compiling: the step may change the ledger. */
static void tell_lost(struct enforce *enforce)
{
    struct replica_event event = {.kind = REPLICA_ON_CHUNK_LOST};

    if (!enforce->inputs.has_lost)
        return;
    enforce->inputs.has_lost = false;
    log_say(LOG_ERROR, "chunk.unreadable", "content of a set cannot be read; it is fetched again");
    event.chunk = enforce->inputs.lost;
    effects_step(enforce->node->effects, &event);
}

static void on_lifeline(struct job *job)
{
    struct enforce *enforce = job->user;

    if (job->code < 0) {
        log_say(LOG_ERROR, "lifeline", "%s", job->why);
        compile_tables_free(give(enforce->lifeline_coming));
        return;
    }
    compile_tables_free(enforce->lifeline);
    enforce->lifeline = give(enforce->lifeline_coming);
}

/*
 * Slot 0 is what packets get while there is no generation: on a box whose rules cannot be compiled
 * it must let in those who repair them, so it has to know the box's addresses.
 */
static void renew_lifeline(struct enforce *enforce)
{
    const struct compile_input input = inputs_open(&enforce->inputs, enforce->devices);
    struct compile_tables *tables;
    struct problem problem;
    struct job *job;

    if (enforce->lifeline_coming || compile_lifeline_only(&input, &tables, &problem) < 0)
        return;
    if (enforce->lifeline && compile_is_same(enforce->lifeline, tables)) {
        compile_tables_free(tables);
        return;
    }
    enforce->lifeline_coming = tables;
    job = job_new(enforce->node->loop, on_lifeline, enforce);
    if (!job || datapath_lifeline(enforce->datapath, tables, &job->done) < 0) {
        job_free(job);
        compile_tables_free(give(enforce->lifeline_coming));
    }
}

static int compile(struct enforce *enforce, struct problem *problem)
{
    const struct compile_input input = inputs_open(&enforce->inputs, enforce->devices);

    return compile_run(&input, &enforce->coming, problem);
}

bool enforce_is_settled(const struct enforce *enforce)
{
    return devices_are_known(enforce->devices) && replica_is_settled(enforce->node->replica);
}

static bool is_too_early(struct enforce *enforce)
{
    if (enforce->is_busy || enforce->amend.is_busy || !devices_are_known(enforce->devices))
        return true;
    if (enforce_is_settled(enforce))
        return false;
    enforce_schedule(enforce, SETTLE_NS);
    return true;
}

/*
 * A set whose chunks are on their way compiles as empty: replacing a ban set would open a gap. The
 * last generation stays for a while; a chunk that never comes must not hold up everything else for
 * ever.
 */
static bool is_worth_waiting(struct enforce *enforce)
{
    if (!enforce->coming->is_waiting) {
        enforce->waiting_since_ns = 0;
        return false;
    }
    if (!enforce->waiting_since_ns)
        enforce->waiting_since_ns = rpc_now_ns();
    return enforce->running && rpc_now_ns() - enforce->waiting_since_ns < CONTENT_PATIENCE_NS;
}

static void begin(struct enforce *enforce)
{
    enforce->is_dirty = false;
    enforce->is_busy = true;
    enforce->coming_revision = ledger_revision(enforce->node->ledger);
    enforce->amend.is_wanted = false; /* what is there now comes whole */
    if (!enforce->running)
        renew_lifeline(enforce);
    enforce->compiled = compile(enforce, &enforce->compile_problem);
    enforce->is_compiled = true;
}

void enforce_state_is_whole(struct enforce *enforce)
{
    if (!enforce->is_dirty || enforce->is_stopping || !devices_are_known(enforce->devices) ||
        rpc_now_ns() - enforce->dirty_since_ns < OVERDUE_NS)
        return;
    enforce_amend_if_wanted(enforce);
    if (enforce->is_busy || enforce->amend.is_busy || enforce->amend.is_wanted)
        return;
    begin(enforce);
    rpc_timer_set(enforce->node->loop, &enforce->compile, rpc_now_ns());
}

static void on_compile(struct rpc_timer *timer)
{
    struct enforce *enforce = OWNER_OF(struct enforce, compile, timer);
    struct job *job;

    if (!enforce->is_compiled) {
        if (is_too_early(enforce))
            return;
        begin(enforce);
    }
    enforce->is_compiled = false;
    tell_lost(enforce);
    if (enforce->compiled < 0) {
        fail(enforce, enforce->coming_revision, enforce->compile_problem.text);
        return;
    }
    if (is_worth_waiting(enforce)) {
        compile_tables_free(give(enforce->coming));
        enforce->is_busy = false;
        enforce->is_dirty = true;
        enforce_schedule(enforce, CONTENT_RETRY_NS);
        return;
    }
    if (enforce->running && enforce->amend.revision == 0 && !enforce->amend.is_off &&
        compile_is_same(enforce->running, enforce->coming) && !has_fresh(enforce->coming)) {
        compile_take_built(enforce->coming, enforce->running);
        settle(enforce);
        return;
    }
    job = job_new(enforce->node->loop, on_built, enforce);
    if (!job || builder_build(enforce->builder, enforce->coming, &job->done) < 0) {
        job_free(job);
        refuse(enforce, "the builder's queue is full");
    }
}

/* ---- counters and time */

static void on_counters(struct job *job)
{
    struct enforce *enforce = job->user;

    enforce->is_counting = false;
    if (job->code < 0)
        return;
    free(enforce->reasons);
    free(enforce->rules);
    enforce->reasons = give(job->reasons);
    enforce->reasons_count = job->reasons_count;
    enforce->rules = give(job->rules);
    enforce->rules_count = job->rules_count;
    free(enforce->device_counts);
    enforce->device_counts = give(job->device_counts);
    enforce->device_counts_count = job->device_counts_count;
    enforce_events_missed(enforce, job->events_missed);
}

static void on_counters_due(struct rpc_timer *timer)
{
    struct enforce *enforce = OWNER_OF(struct enforce, counters, timer);
    struct job *job = NULL;

    if (!enforce->is_counting) {
        job = job_new(enforce->node->loop, on_counters, enforce);
        enforce->is_counting = job && datapath_counters(enforce->datapath, &job->done) == 0;
        if (!enforce->is_counting)
            job_free(job);
    }
    if (enforce->running && node_time_s(enforce->node) >= enforce->running->next_change_s)
        enforce_state_changed(enforce);
    rpc_timer_set(enforce->node->loop, timer, rpc_now_ns() + COUNTERS_NS);
}

static void on_reconcile_due(struct rpc_timer *timer)
{
    struct enforce *enforce = OWNER_OF(struct enforce, reconcile, timer);

    devices_reconcile(enforce->devices);
    rpc_timer_set(
        enforce->node->loop, timer, rpc_now_ns() + enforce->node->config.reconcile_ms * NS_PER_MS);
}

/* ---- reading */

void enforce_status(const struct enforce *enforce, struct enforce_status *ret_status)
{
    const struct compile_tables *running = enforce->running;

    *ret_status = (struct enforce_status){.revision = enforce->running_revision,
        .slot = enforce->slot,
        .flips = enforce->flips,
        .enforcing = enforce->failure[0] ? "cannot_enforce"
                     : running           ? "yes"
                                         : "no",
        .reason = enforce->failure[0] ? enforce->failure
                  : running           ? ""
                                      : "the first generation is on its way"};
    if (running) {
        ret_status->digest = running->digest;
        ret_status->rules = running->rules_effective;
        ret_status->prefixes = running->prefixes_effective;
    }
}

const char *enforce_object(const struct enforce *enforce, const uint8_t object[OP_REF_BYTES],
    struct datapath_count *ret_count)
{
    const struct compile_object *row =
        enforce->running ? compile_object_find(enforce->running, object) : NULL;

    if (!row)
        return "on_its_way";
    if (row->is_counted && row->counter < enforce->rules_count)
        *ret_count = enforce->rules[row->counter];
    return row->why && row->why[0] && row->status == COMPILE_CANNOT_ENFORCE
               ? row->why
               : compile_status_word((enum compile_status)row->status);
}

const struct datapath_device *enforce_devices(const struct enforce *enforce, size_t *ret_count)
{
    return devices_seen(enforce->devices, ret_count);
}

const struct link_device *enforce_link(const struct enforce *enforce, uint32_t index)
{
    return devices_link(enforce->devices, index);
}

const char *enforce_class_name(const struct enforce *enforce, uint32_t index)
{
    return devices_class_name(enforce->devices, index);
}

const struct datapath_count *enforce_reasons(const struct enforce *enforce, size_t *ret_count)
{
    *ret_count = enforce->reasons_count;
    return enforce->reasons;
}

/* ---- life */

OWN_AS(own_enforce, struct enforce, enforce_free)

/* Counts survive a restart (D18); where memory is short, one begins at zero. */
static void restore_index(void *user, uint32_t counter, const uint8_t id[OP_REF_BYTES])
{
    (void)compile_indexes_restore(user, counter, id);
}

int enforce_new(struct node *node, struct enforce **ret_enforce, struct problem *reterr_problem)
{
    OWN(own_enforce) struct enforce *enforce = calloc(1, sizeof(*enforce));
    const struct datapath_options options = {.bpffs = node->config.bpffs_dir};
    int r;

    if (!enforce || inputs_init(&enforce->inputs, node) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    enforce->node = node;
    enforce->compile.fn = on_compile;
    enforce->amend.timer.fn = enforce_amend_due;
    enforce->counters.fn = on_counters_due;
    enforce->reconcile.fn = on_reconcile_due;
    enforce->is_dirty = true;
    r = builder_new(&enforce->builder);
    if (r < 0)
        return problem_say(reterr_problem, r, "no thread for the builder: %s", strerror(-r));
    r = datapath_open(&options, &enforce->datapath, reterr_problem);
    if (r < 0)
        return r;
    datapath_counted(enforce->datapath, restore_index, enforce->inputs.indexes);
    r = devices_new(
        node, enforce->datapath, on_devices_changed, enforce, &enforce->devices, reterr_problem);
    if (r < 0)
        return r;
    *ret_enforce = give(enforce);
    return 0;
}

void enforce_start(struct enforce *enforce)
{
    rpc_timer_set(enforce->node->loop, &enforce->counters, rpc_now_ns());
    rpc_timer_set(enforce->node->loop, &enforce->reconcile,
        rpc_now_ns() + enforce->node->config.reconcile_ms * NS_PER_MS);
    enforce_schedule(enforce, 0);
}

void enforce_stop(struct enforce *enforce)
{
    enforce->is_stopping = true;
    (void)enforce_listen(enforce, NULL);
    rpc_timer_clear(enforce->node->loop, &enforce->compile);
    rpc_timer_clear(enforce->node->loop, &enforce->amend.timer);
    rpc_timer_clear(enforce->node->loop, &enforce->counters);
    rpc_timer_clear(enforce->node->loop, &enforce->reconcile);
    devices_stop(enforce->devices);
}

void enforce_free(struct enforce *enforce)
{
    if (!enforce)
        return;
    builder_free(enforce->builder);
    datapath_close(enforce->datapath); /* finishes what was queued; coming is ours again */
    devices_free(enforce->devices);
    compile_tables_free(enforce->coming);
    compile_tables_free(enforce->running);
    compile_tables_free(enforce->lifeline_coming);
    compile_tables_free(enforce->lifeline);
    inputs_fini(&enforce->inputs);
    free(enforce->reasons);
    free(enforce->rules);
    free(enforce->device_counts);
    free(enforce);
}
