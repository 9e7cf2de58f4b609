/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/datapath.h"
#include "base/check.h"
#include "base/own.h"
#include "bpf/fw_reasons.h"
#include "node/datapath/attached.h"
#include "node/datapath/counted.h"
#include "node/datapath/events.h"
#include "node/datapath/hook.h"
#include "node/datapath/worker.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct datapath {
    struct worker *worker;
    struct entry entry;
    bool is_entry_open;
    struct slots slots;
    struct attached devices;
    struct events events;
};

OWN_AS(own_datapath, struct datapath, datapath_close)

/* One call of the owner on its way through the worker. */
struct command {
    struct job job; /* first: the worker hands this back */
    void (*run)(struct command *command, struct datapath_result *result);
    void (*after)(struct datapath *datapath); /* what the owner need not wait for; or NULL */
    struct datapath *datapath;
    struct datapath_done *done;
    struct link_device link;
    uint8_t device_class;
    uint8_t slot;
    uint32_t index;
    uint64_t deadline_ms;
    const struct compile_tables *tables;
    struct problem problem;
    struct datapath_device state;
    void *rows;                                  /* of the result; freed after done */
    struct datapath_device_count *device_counts; /* likewise */
};

static void run_command(struct job *job)
{
    struct command *command = (struct command *)job;
    struct datapath_result result = {.why = ""};

    command->run(command, &result);
    if (result.code < 0 && command->problem.text[0])
        result.why = command->problem.text;
    else if (result.code < 0)
        result.why = strerror(-result.code); /* NOLINT(concurrency-mt-unsafe): known codes */
    if (command->done)
        command->done->fn(command->done, &result);
    if (command->after)
        command->after(command->datapath);
    free(command->rows);
    free(command->device_counts);
    free(command);
}

static int post(struct datapath *datapath, const struct command *wanted)
{
    struct command *command = malloc(sizeof(*command));

    if (!command)
        return -ENOMEM;
    *command = *wanted;
    command->job.run = run_command;
    command->datapath = datapath;
    int r = worker_post(datapath->worker, &command->job);

    if (r < 0)
        free(command);
    return r;
}

/* Puts the program of this build behind a link that still carries an older one. Every start looks
 * at each, as an earlier one may have been killed before it came to the last. */
static void renew_link(void *user, uint32_t index)
{
    const struct entry *entry = user;
    char pin[PIN_PATH_BYTES];

    pins_link_path(&entry->pins, index, pin);
    if (hook_xdp_program(pin) != entry->xdp_id)
        (void)hook_xdp_replace(entry->xdp_fd, pin);
}

static int open_kernel(struct datapath *datapath, const struct datapath_options *options,
    struct problem *reterr_problem)
{
    struct pins pins;
    int r = pins_open(options->bpffs, FW_ABI_VERSION, &pins, reterr_problem);

    if (r == 0)
        r = entry_open(&pins, &datapath->entry, reterr_problem);
    if (r < 0)
        return r;
    datapath->is_entry_open = true;
    datapath->entry.cuts_blobs = options->tests_cut_blobs;
    events_open(&datapath->entry, &datapath->events);
    datapath->devices.numbers =
        (struct numbers){.counts = datapath->entry.device_counts, .shards = datapath->entry.shards};
    r = slots_open(&datapath->slots, &datapath->entry, options->lifeline, reterr_problem);
    if (r == 0)
        (void)pins_each_link(&pins, renew_link, &datapath->entry);
    return r;
}

int datapath_open(const struct datapath_options *options, struct datapath **ret_datapath,
    struct problem *reterr_problem)
{
    OWN(own_datapath) struct datapath *datapath = calloc(1, sizeof(*datapath));

    if (!datapath)
        return problem_say(reterr_problem, -ENOMEM, "no memory for the datapath");
    datapath->devices.slots = &datapath->slots;
    datapath->devices.forces_native = options->tests_force_native;
    int r = open_kernel(datapath, options, reterr_problem);

    if (r < 0)
        return r;
    r = worker_new("datapath", DATAPATH_QUEUE_MAX, &datapath->worker);
    if (r < 0)
        return problem_say(reterr_problem, r, "no thread for the datapath: %s", strerror(-r));
    *ret_datapath = give(datapath);
    return 0;
}

void datapath_counted(const struct datapath *datapath, datapath_counted_fn fn, void *user)
{
    const struct generation *running = slots_running(&datapath->slots);

    if (running && running->counted_fd >= 0)
        (void)counted_each(running->counted_fd, running->counters, fn, user);
}

void datapath_close(struct datapath *datapath)
{
    if (!datapath)
        return;
    worker_free(datapath->worker);
    slots_close(&datapath->slots);
    attached_fini(&datapath->devices);
    events_close(&datapath->events);
    if (datapath->is_entry_open)
        entry_close(&datapath->entry);
    free(datapath);
}

static void run_attach(struct command *command, struct datapath_result *result)
{
    result->code = attached_attach(
        &command->datapath->devices, &command->link, command->device_class, &command->state);
    if (result->code < 0)
        (void)problem_say(&command->problem, result->code, "%.16s: %s", command->link.name,
            command->state.reason[0] ? command->state.reason : strerror(-result->code));
    result->devices = &command->state;
    result->devices_count = result->code == -ENOMEM ? 0 : 1;
}

int datapath_attach(struct datapath *datapath, const struct link_device *device,
    uint8_t device_class, struct datapath_done *done)
{
    return post(datapath,
        &(struct command){
            .run = run_attach, .done = done, .link = *device, .device_class = device_class});
}

static void run_forget(struct command *command, struct datapath_result *result)
{
    result->code = attached_forget(&command->datapath->devices, command->index);
}

int datapath_detach(struct datapath *datapath, uint32_t index, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_forget, .done = done, .index = index});
}

int datapath_forget(struct datapath *datapath, uint32_t index, struct datapath_done *done)
{
    return datapath_detach(datapath, index, done); /* each step finds what is left to do */
}

static void run_lifeline(struct command *command, struct datapath_result *result)
{
    result->code = slots_lifeline(&command->datapath->slots, command->tables, &command->problem);
    if (result->code == 0)
        attached_enter_all(&command->datapath->devices);
}

int datapath_lifeline(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_lifeline, .done = done, .tables = tables});
}

static void run_fill(struct command *command, struct datapath_result *result)
{
    result->code =
        slots_fill(&command->datapath->slots, command->tables, &result->slot, &command->problem);
    if (result->code == 0) /* what appeared since the tables were compiled */
        attached_enter_all(&command->datapath->devices);
}

int datapath_fill(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_fill, .done = done, .tables = tables});
}

static void run_prepare(struct command *command, struct datapath_result *result)
{
    result->code = slots_prepare(&command->datapath->slots, command->tables, &command->problem);
}

int datapath_prepare(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_prepare, .done = done, .tables = tables});
}

static void run_flip(struct command *command, struct datapath_result *result)
{
    result->slot = command->slot;
    result->code = slots_flip(
        &command->datapath->slots, command->slot, command->deadline_ms, &command->problem);
}

static void tidy(struct datapath *datapath)
{
    slots_tidy(&datapath->slots);
}

int datapath_flip(
    struct datapath *datapath, uint8_t slot, uint64_t deadline_ms, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_flip,
                              .after = tidy,
                              .done = done,
                              .slot = slot,
                              .deadline_ms = deadline_ms});
}

static void show_devices(struct command *command, struct datapath_result *result)
{
    command->rows = attached_states(&command->datapath->devices);
    if (!command->rows) {
        result->code = -ENOMEM;
        return;
    }
    result->devices = command->rows;
    result->devices_count = command->datapath->devices.count;
}

static void run_reconcile(struct command *command, struct datapath_result *result)
{
    result->repaired = attached_reconcile(&command->datapath->devices);
    show_devices(command, result);
}

int datapath_reconcile(struct datapath *datapath, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_reconcile, .done = done});
}

static struct datapath_count reason_count(const struct entry *entry, uint32_t reason)
{
    struct datapath_count sum = {0};

    for (uint32_t shard = 0; shard < entry->shards; shard++) {
        const struct fw_count *count = &entry->counts[shard * FW_REASONS_MAX + reason];

        sum.packets += __atomic_load_n(&count->packets, __ATOMIC_RELAXED);
        sum.bytes += __atomic_load_n(&count->bytes, __ATOMIC_RELAXED);
        uint64_t last_ns = __atomic_load_n(&count->last_ns, __ATOMIC_RELAXED);

        sum.last_ns = last_ns > sum.last_ns ? last_ns : sum.last_ns;
    }
    return sum;
}

static void show_device_counts(struct command *command, struct datapath_result *result)
{
    const struct datapath *datapath = command->datapath;

    command->device_counts = attached_counts(&datapath->devices);
    result->device_counts = command->device_counts;
    result->device_counts_count = command->device_counts ? datapath->devices.count : 0;
    result->events_missed = events_missed(&datapath->entry);
}

static void run_counters(struct command *command, struct datapath_result *result)
{
    const struct datapath *datapath = command->datapath;
    const struct generation *running = slots_running(&datapath->slots);
    uint32_t rules_count = running && running->counts ? running->counters : 0;
    struct datapath_count *rows = calloc((size_t)FW_REASON_COUNT + rules_count, sizeof(*rows));

    if (!rows) {
        result->code = -ENOMEM;
        return;
    }
    for (uint32_t i = 0; i < FW_REASON_COUNT; i++)
        rows[i] = reason_count(&datapath->entry, i);
    for (uint32_t i = 0; i < rules_count; i++) {
        struct fw_count count = generation_count(running, i);

        rows[FW_REASON_COUNT + i] =
            (struct datapath_count){count.packets, count.bytes, count.last_ns};
    }
    command->rows = rows;
    result->reasons = rows;
    result->reasons_count = FW_REASON_COUNT;
    result->rules = rows + FW_REASON_COUNT;
    result->rules_count = rules_count;
    show_device_counts(command, result);
}

int datapath_counters(struct datapath *datapath, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_counters, .done = done});
}

static void run_remove_all(struct command *command, struct datapath_result *result)
{
    struct datapath *datapath = command->datapath;

    attached_detach_everywhere(&datapath->devices);
    slots_close(&datapath->slots);
    result->code = pins_remove_all(&datapath->entry.pins);
}

int datapath_remove_all(struct datapath *datapath, struct datapath_done *done)
{
    return post(datapath, &(struct command){.run = run_remove_all, .done = done});
}

uint8_t datapath_active_slot(const struct datapath *datapath, uint64_t now_ms)
{
    return (uint8_t)fw_word_slot(entry_word(&datapath->entry), now_ms);
}

void datapath_events_pace(struct datapath *datapath, uint32_t per_second)
{
    events_pace(&datapath->events, per_second);
}

int datapath_events_fd(const struct datapath *datapath)
{
    return events_fd(&datapath->events);
}

void datapath_events_read(struct datapath *datapath, datapath_event_fn fn, void *user)
{
    events_read(&datapath->events, fn, user);
}
