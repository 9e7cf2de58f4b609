/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/events.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define AHEAD_NS (NS_PER_S / 4) /* a quarter of a second's worth at once */

struct fw_event_pace events_pace_of(uint32_t per_second, uint32_t cpus)
{
    if (per_second == 0)
        return (struct fw_event_pace){0};
    return (struct fw_event_pace){
        .cost_ns = NS_PER_S * (cpus ? cpus : 1) / per_second, .ahead_ns = AHEAD_NS};
}

void events_pace(const struct events *events, uint32_t per_second)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct fw_event_pace pace = events_pace_of(per_second, cpus > 0 ? (uint32_t)cpus : 1);

    __atomic_store_n(&events->entry->event_pace->ahead_ns, pace.ahead_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&events->entry->event_pace->cost_ns, pace.cost_ns, __ATOMIC_RELEASE);
}

bool events_decode(const void *record, size_t bytes, struct datapath_event *ret_event)
{
    struct fw_event event;

    if (bytes < sizeof(event))
        return false;
    memcpy(&event, record, sizeof(event));
    *ret_event = (struct datapath_event){.time_ns = event.time_ns,
        .is_v6 = event.family == FW_IPV6,
        .has_addresses =
            (event.source[0] | event.source[1] | event.target[0] | event.target[1]) != 0,
        .ifindex = event.ifindex,
        .frame_bytes = event.frame_bytes,
        .counter = event.counter == FW_COUNTER_NONE ? UINT32_MAX : event.counter,
        .observed = event.observed == FW_COUNTER_NONE ? UINT32_MAX : event.observed,
        .source_port = event.source_port,
        .target_port = event.target_port,
        .ethertype = event.ethertype,
        .vlan = event.vlan,
        .protocol = event.protocol,
        .tcp_flags = event.tcp_flags,
        .reason = event.reason,
        .slot = event.slot,
        .is_dropped = event.flags & FW_EVENT_DROPPED,
        .is_dry_run = event.flags & FW_EVENT_DRY_RUN};
    memcpy(ret_event->source, event.source, sizeof(ret_event->source));
    memcpy(ret_event->target, event.target, sizeof(ret_event->target));
    return true;
}

static int on_record(void *user, void *record, size_t bytes)
{
    struct events *events = user;
    struct datapath_event event;

    if (events->fn && events_decode(record, bytes, &event))
        events->fn(events->user, &event);
    return 0;
}

void events_open(const struct entry *entry, struct events *ret_events)
{
    *ret_events = (struct events){.entry = entry};
    events_pace(ret_events, 0);
}

/* The ring's reader is made with the first listener: most boxes never have one. */
static struct ring_buffer *ring_of(struct events *events)
{
    if (!events->ring)
        events->ring = ring_buffer__new(events->entry->maps[ENTRY_EVENTS], on_record, events, NULL);
    return events->ring;
}

void events_close(struct events *events)
{
    if (!events->entry)
        return;
    events_pace(events, 0);
    ring_buffer__free(events->ring);
    *events = (struct events){0};
}

int events_fd(const struct events *events)
{
    return events->entry->maps[ENTRY_EVENTS];
}

void events_read(struct events *events, datapath_event_fn fn, void *user)
{
    if (!ring_of(events))
        return;
    events->fn = fn;
    events->user = user;
    (void)ring_buffer__consume(events->ring);
    events->fn = NULL;
}

uint64_t events_missed(const struct entry *entry)
{
    int cpus = libbpf_num_possible_cpus();
    struct fw_event_cpu *rows = cpus > 0 ? calloc((size_t)cpus, sizeof(*rows)) : NULL;
    uint32_t zero = 0;
    uint64_t missed = 0;

    if (rows && bpf_map_lookup_elem(entry->maps[ENTRY_EVENT_CPUS], &zero, rows) == 0) {
        for (int i = 0; i < cpus; i++)
            missed += rows[i].missed;
    }
    free(rows);
    return missed;
}
