/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/live/calls.h"
#include "bpf/fw_abi.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

struct waiting {
    struct datapath_done done; /* first */
    sem_t came;
    struct call call;
};

static struct waiting waiting;

static void on_done(struct datapath_done *done, const struct datapath_result *result)
{
    struct waiting *us = (struct waiting *)done;
    size_t count =
        result->reasons_count < FW_REASON_COUNT ? result->reasons_count : FW_REASON_COUNT;

    us->call.code = result->code;
    us->call.slot = result->slot;
    (void)snprintf(us->call.why, sizeof(us->call.why), "%s", result->why);
    if (result->devices_count == 1)
        us->call.mode = result->devices[0].mode;
    if (count)
        memcpy(us->call.reasons, result->reasons, count * sizeof(result->reasons[0]));
    (void)sem_post(&us->came);
}

static struct datapath_done *ask(void)
{
    memset(&waiting, 0, sizeof(waiting));
    waiting.done.fn = on_done;
    (void)sem_init(&waiting.came, 0, 0);
    return &waiting.done;
}

static const struct call *await(int r)
{
    if (r < 0)
        waiting.call.code = r; /* done is never called then */
    else
        (void)sem_wait(&waiting.came);
    return &waiting.call;
}

const struct call *call_attach(struct datapath *datapath, const struct link_device *device)
{
    return await(datapath_attach(datapath, device, FW_CLASS_EXTERNAL, ask()));
}

const struct call *call_fill(struct datapath *datapath, const struct compile_tables *tables)
{
    return await(datapath_fill(datapath, tables, ask()));
}

const struct call *call_flip(struct datapath *datapath, uint8_t slot)
{
    return await(datapath_flip(datapath, slot, 0, ask()));
}

const struct call *call_counters(struct datapath *datapath)
{
    return await(datapath_counters(datapath, ask()));
}

const struct call *call_remove_all(struct datapath *datapath)
{
    return await(datapath_remove_all(datapath, ask()));
}
