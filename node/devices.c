/* SPDX-License-Identifier: Apache-2.0 */
#include "node/devices.h"
#include "base/member.h"
#include "base/own.h"
#include "node/job.h"
#include "node/lifeline.h"
#include "node/links/links.h"
#include "node/log.h"
#include "node/node.h"
#include "rpc/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000ULL

struct devices {
    struct node *node;
    struct datapath *datapath;
    struct links *links;
    struct lifeline *lifeline;
    struct rpc_watch *watch;
    struct rpc_timer tick;
    void (*changed)(void *user);
    void *user;
    bool is_known, is_released, is_stopping;
    struct datapath_device *seen; /* ascending by index */
    size_t seen_count;
    struct compile_device *compiled;
};

/* ---- classes */

static const char *const class_names[] = {
    [FW_CLASS_NONE] = "",
    [FW_CLASS_EXTERNAL] = "external",
    [FW_CLASS_INTERNAL] = "internal",
    [FW_CLASS_CONTAINER] = "container",
};

/* GLOB CLASS of the configuration; the first that matches. FW_CLASS_NONE if none does. */
static enum fw_class configured_class(const struct devices *devices, const char *name)
{
    const struct config_list *rows = &devices->node->config.device_class;

    for (unsigned i = 0; i < rows->count; i++) {
        char glob[64], word[16];

        if (sscanf(rows->items[i], "%63s %15s", glob, word) != 2 ||
            !compile_glob_matches(glob, name))
            continue;
        for (int class = FW_CLASS_EXTERNAL; class <= FW_CLASS_CONTAINER; class ++)
            if (strcmp(word, class_names[class]) == 0)
                return (enum fw_class) class;
    }
    return FW_CLASS_NONE;
}

/* By kind, where nothing is configured: a veth that is a port of a bridge leads to a container. */
static enum fw_class class_of(const struct devices *devices, const struct link_device *device)
{
    enum fw_class class = configured_class(devices, device->name);

    if (class != FW_CLASS_NONE)
        return class;
    return strcmp(device->kind, "veth") == 0 && device->master_index ? FW_CLASS_CONTAINER
                                                                     : FW_CLASS_EXTERNAL;
}

const char *devices_class_name(const struct devices *devices, uint32_t index)
{
    const struct link_device *device = links_find(devices->links, index);

    return device ? class_names[class_of(devices, device)] : "";
}

/* ---- what the datapath says */

static size_t seen_place(const struct devices *devices, uint32_t index)
{
    size_t place = 0;

    while (place < devices->seen_count && devices->seen[place].index < index)
        place++;
    return place;
}

static void seen_put(struct devices *devices, const struct datapath_device *device)
{
    size_t place = seen_place(devices, device->index);
    struct datapath_device *more;

    if (place < devices->seen_count && devices->seen[place].index == device->index) {
        devices->seen[place] = *device;
        return;
    }
    more = realloc(devices->seen, (devices->seen_count + 1) * sizeof(*more));
    if (!more)
        return; /* the next reconcile brings the whole list */
    devices->seen = more;
    memmove(more + place + 1, more + place, (devices->seen_count - place) * sizeof(*more));
    more[place] = *device;
    devices->seen_count++;
}

static void seen_remove(struct devices *devices, uint32_t index)
{
    size_t place = seen_place(devices, index);

    if (place == devices->seen_count || devices->seen[place].index != index)
        return;
    memmove(devices->seen + place, devices->seen + place + 1,
        (devices->seen_count - place - 1) * sizeof(*devices->seen));
    devices->seen_count--;
}

static void on_attached(struct job *job)
{
    struct devices *devices = job->user;
    const struct link_device *link = links_find(devices->links, job->device);

    for (size_t i = 0; i < job->devices_count; i++)
        seen_put(devices, &job->devices[i]);
    if (job->code < 0)
        log_say(
            LOG_ERROR, "device.unprotected", "%s: %s", link ? link->name : "a device", job->why);
    else if (job->devices_count)
        log_say(LOG_INFO, "device.attached", "%s: %s, %s", link ? link->name : "a device",
            device_mode_name(job->devices[0].mode), job->devices[0].reason);
    if (job->devices_count && job->devices[0].mode == DEVICE_NATIVE)
        devices->changed(devices->user); /* what XDP cannot see concerns the tables */
}

static void attach(struct devices *devices, const struct link_device *device)
{
    struct job *job;

    if (device->is_loopback || !devices->is_released)
        return;
    job = job_new(devices->node->loop, on_attached, devices);
    if (job)
        job->device = device->index;
    if (!job || datapath_attach(devices->datapath, device, (uint8_t)class_of(devices, device),
                    &job->done) < 0) {
        log_say(LOG_ERROR, "device.unprotected", "%s: the datapath's queue is full", device->name);
        job_free(job);
    }
}

/* A device whose attach never reached the worker (full queue, no memory) is in no list: once more.
 */
static void attach_unseen(struct devices *devices)
{
    size_t count = 0;
    const struct link_device *all = links_devices(devices->links, &count);

    for (size_t i = 0; i < count && !devices->is_stopping; i++) {
        size_t place = seen_place(devices, all[i].index);

        if (place == devices->seen_count || devices->seen[place].index != all[i].index)
            attach(devices, &all[i]);
    }
}

static void on_reconciled(struct job *job)
{
    struct devices *devices = job->user;

    if (job->code < 0) {
        log_say(LOG_WARNING, "device.reconcile", "%s", job->why);
        return;
    }
    if (job->repaired)
        log_say(LOG_WARNING, "device.repaired", "%u attachments were missing and are back",
            job->repaired);
    free(devices->seen);
    devices->seen = job->devices;
    devices->seen_count = job->devices_count;
    job->devices = NULL;
    attach_unseen(devices);
}

void devices_reconcile(struct devices *devices)
{
    struct job *job;

    if (!devices->is_released || devices->is_stopping)
        return;
    job = job_new(devices->node->loop, on_reconciled, devices);
    if (!job || datapath_reconcile(devices->datapath, &job->done) < 0)
        job_free(job);
}

void devices_release(struct devices *devices)
{
    size_t count = 0;
    const struct link_device *all = links_devices(devices->links, &count);

    if (devices->is_released)
        return;
    devices->is_released = true;
    for (size_t i = 0; i < count; i++)
        attach(devices, &all[i]);
}

/* ---- what the kernel says */

static void on_event(void *user, const struct links_event *event)
{
    struct devices *devices = user;

    switch (event->kind) {
    case LINKS_ON_APPEARED:
    case LINKS_ON_CHANGED:
        attach(devices, event->device);
        break;
    case LINKS_ON_GONE:
        (void)datapath_forget(devices->datapath, event->device->index, NULL);
        seen_remove(devices, event->device->index);
        break;
    case LINKS_ON_ADDRESSES:
        if (devices->is_known)
            devices->changed(devices->user);
        break;
    case LINKS_ON_SYNCED:
        if (!devices->is_known) {
            devices->is_known = true;
            devices->changed(devices->user);
        }
        break;
    }
}

static uint64_t now_ms(void)
{
    return rpc_now_ns() / NS_PER_MS;
}

static void set_tick(struct devices *devices)
{
    if (!devices->is_stopping)
        rpc_timer_set(
            devices->node->loop, &devices->tick, links_deadline_ms(devices->links) * NS_PER_MS);
}

static void on_readable(void *user, int fd)
{
    struct devices *devices = user;
    const struct links_listener listener = {.user = devices, .fn = on_event};
    int r = links_read(devices->links, now_ms(), &listener);

    (void)fd;
    if (r < 0)
        log_say(LOG_ERROR, "links.read", "cannot read netlink: %s; trying again", strerror(-r));
    set_tick(devices);
}

static void on_tick(struct rpc_timer *timer)
{
    struct devices *devices = OWNER_OF(struct devices, tick, timer);

    (void)links_tick(devices->links, now_ms());
    set_tick(devices);
}

/* ---- for the compiler */

static bool is_native(const struct devices *devices, uint32_t index)
{
    size_t place = seen_place(devices, index);

    return place < devices->seen_count && devices->seen[place].index == index &&
           devices->seen[place].mode == DEVICE_NATIVE;
}

const struct compile_device *devices_compiled(struct devices *devices, size_t *ret_count)
{
    size_t count = 0, used = 0;
    const struct link_device *all = links_devices(devices->links, &count);
    struct compile_device *list = realloc(devices->compiled, (count + 1) * sizeof(*list));

    *ret_count = 0;
    if (!list)
        return NULL;
    devices->compiled = list;
    for (size_t i = 0; i < count; i++) {
        if (all[i].is_loopback)
            continue;
        list[used++] = (struct compile_device){.index = all[i].index,
            .name = all[i].name,
            .link_type = all[i].link_type,
            .device_class = (uint8_t)class_of(devices, &all[i]),
            .is_exempt = link_is_upper(&all[i]),
            .is_xdp = is_native(devices, all[i].index)};
    }
    *ret_count = used;
    return list;
}

const struct compile_lifeline *devices_lifeline(struct devices *devices)
{
    return lifeline_fill(devices->lifeline, devices->links);
}

const struct datapath_device *devices_seen(const struct devices *devices, size_t *ret_count)
{
    *ret_count = devices->seen_count;
    return devices->seen;
}

const struct link_device *devices_link(const struct devices *devices, uint32_t index)
{
    return links_find(devices->links, index);
}

bool devices_are_known(const struct devices *devices)
{
    return devices->is_known;
}

/* ---- life */

OWN_AS(own_devices, struct devices, devices_free)

int devices_new(struct node *node, struct datapath *datapath, void (*changed)(void *user),
    void *user, struct devices **ret_devices, struct problem *reterr_problem)
{
    OWN(own_devices) struct devices *devices = calloc(1, sizeof(*devices));
    const struct links_options options = {0};
    int r;

    if (!devices)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    devices->node = node;
    devices->datapath = datapath;
    devices->changed = changed;
    devices->user = user;
    devices->tick.fn = on_tick;
    r = lifeline_new(node, &devices->lifeline, reterr_problem);
    if (r < 0)
        return r;
    r = links_open(&options, now_ms(), &devices->links, reterr_problem);
    if (r < 0)
        return r;
    r = rpc_watch_add(node->loop, links_fd(devices->links), on_readable, devices, &devices->watch);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot watch netlink: %s", strerror(-r));
    set_tick(devices);
    *ret_devices = give(devices);
    return 0;
}

void devices_stop(struct devices *devices)
{
    devices->is_stopping = true;
    rpc_timer_clear(devices->node->loop, &devices->tick);
    rpc_watch_remove(give(devices->watch));
}

void devices_free(struct devices *devices)
{
    if (!devices)
        return;
    rpc_watch_remove(devices->watch);
    links_close(devices->links);
    lifeline_free(devices->lifeline);
    free(devices->seen);
    free(devices->compiled);
    free(devices);
}
