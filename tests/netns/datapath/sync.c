/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/datapath/sync.h"
#include "bpf/fw_abi.h"
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct waiting {
    struct datapath_done done; /* first */
    sem_t came;
    struct answer answer;
};

static struct waiting waiting;

static void copy(void *to, size_t room, const void *from, size_t count, size_t bytes)
{
    size_t all = count * bytes;

    if (count)
        memcpy(to, from, all < room ? all : room);
}

static void on_done(struct datapath_done *done, const struct datapath_result *result)
{
    struct waiting *for_us = (struct waiting *)done;
    struct answer *answer = &for_us->answer;

    answer->code = result->code;
    answer->slot = result->slot;
    answer->repaired = result->repaired;
    answer->devices_count = result->devices_count;
    (void)snprintf(answer->why, sizeof(answer->why), "%s", result->why);
    copy(answer->devices, sizeof(answer->devices), result->devices, result->devices_count,
        sizeof(result->devices[0]));
    copy(answer->reasons, sizeof(answer->reasons), result->reasons, result->reasons_count,
        sizeof(result->reasons[0]));
    copy(answer->rules, sizeof(answer->rules), result->rules, result->rules_count,
        sizeof(result->rules[0]));
    copy(answer->device_counts, sizeof(answer->device_counts), result->device_counts,
        result->device_counts_count, sizeof(result->device_counts[0]));
    answer->device_counts_count = result->device_counts_count;
    answer->events_missed = result->events_missed;
    (void)sem_post(&for_us->came);
}

static struct datapath_done *ask(void)
{
    memset(&waiting, 0, sizeof(waiting));
    waiting.done.fn = on_done;
    assert_int_equal(sem_init(&waiting.came, 0, 0), 0);
    return &waiting.done;
}

static struct answer *await(int r)
{
    assert_int_equal(r, 0);
    (void)sem_wait(&waiting.came);
    return &waiting.answer;
}

struct answer *sync_attach(struct datapath *datapath, const struct link_device *device)
{
    return await(datapath_attach(datapath, device, FW_CLASS_EXTERNAL, ask()));
}

struct answer *sync_forget(struct datapath *datapath, uint32_t index)
{
    return await(datapath_forget(datapath, index, ask()));
}

struct answer *sync_fill(struct datapath *datapath, const struct compile_tables *tables)
{
    return await(datapath_fill(datapath, tables, ask()));
}

struct answer *sync_lifeline(struct datapath *datapath, const struct compile_tables *tables)
{
    return await(datapath_lifeline(datapath, tables, ask()));
}

struct answer *sync_flip(struct datapath *datapath, uint8_t slot, uint64_t deadline_ms)
{
    return await(datapath_flip(datapath, slot, deadline_ms, ask()));
}

struct answer *sync_reconcile(struct datapath *datapath)
{
    return await(datapath_reconcile(datapath, ask()));
}

struct answer *sync_counters(struct datapath *datapath)
{
    return await(datapath_counters(datapath, ask()));
}

struct answer *sync_remove_all(struct datapath *datapath)
{
    return await(datapath_remove_all(datapath, ask()));
}

void sync_publish(struct datapath *datapath, const struct compile_tables *tables)
{
    const struct answer *answer = sync_fill(datapath, tables);

    if (answer->code < 0)
        fail_msg("%s", answer->why);
    answer = sync_flip(datapath, answer->slot, 0);
    if (answer->code < 0)
        fail_msg("%s", answer->why);
}
