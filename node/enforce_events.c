/* SPDX-License-Identifier: Apache-2.0 */
/* enforce_events.c - sampled events on their way from the kernel's ring, and counts of devices. */
#include "node/compile/indexes.h"
#include "node/enforce_inside.h"
#include "node/node.h"

#include <errno.h>
#include <stdlib.h>

static void on_readable(void *user, int fd)
{
    struct enforce *enforce = user;
    const struct enforce_listener *listener = enforce->listening.listener;

    (void)fd;
    if (listener)
        datapath_events_read(enforce->datapath, listener->on_event, listener->user);
}

int enforce_listen(struct enforce *enforce, const struct enforce_listener *listener)
{
    struct listening *listening = &enforce->listening;
    int r = 0;

    if (!listener) {
        datapath_events_pace(enforce->datapath, 0);
        rpc_watch_remove(listening->watch);
        listening->watch = NULL;
        listening->listener = NULL;
        return 0;
    }
    if (enforce->is_stopping)
        return -ESHUTDOWN;
    datapath_events_read(enforce->datapath, NULL, NULL); /* nobody's any more */
    if (!listening->watch)
        r = rpc_watch_add(enforce->node->loop, datapath_events_fd(enforce->datapath), on_readable,
            enforce, &listening->watch);
    if (r < 0)
        return r;
    listening->listener = listener;
    datapath_events_pace(enforce->datapath, ENFORCE_EVENTS_A_SECOND);
    return 0;
}

void enforce_events_missed(struct enforce *enforce, uint64_t missed)
{
    struct listening *listening = &enforce->listening;
    const struct enforce_listener *listener = listening->listener;
    uint64_t more = missed > listening->missed ? missed - listening->missed : 0;

    if (listener && listening->is_missed_known && more)
        listener->on_missed(listener->user, more);
    listening->missed = missed;
    listening->is_missed_known = true;
}

const uint8_t *enforce_counted(const struct enforce *enforce, uint32_t counter)
{
    return compile_indexes_object(enforce->inputs.indexes, counter);
}

static int by_index(const void *key, const void *row)
{
    const uint32_t *index = key;
    const struct datapath_device_count *count = row;

    return (*index > count->index) - (*index < count->index);
}

struct datapath_device_count enforce_device_count(const struct enforce *enforce, uint32_t index)
{
    const struct datapath_device_count *found =
        enforce->device_counts ? bsearch(&index, enforce->device_counts,
                                     enforce->device_counts_count, sizeof(*found), by_index)
                               : NULL;

    return found ? *found : (struct datapath_device_count){.index = index};
}
