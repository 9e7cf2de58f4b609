/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * events.h - the ring of sampled events, from the kernel's side to a call for each.
 *
 * Threads: one reads and paces (the owner of the datapath); missed is the worker's.
 * Owns:    its mappings. The ring and what is in it outlive it.
 */
#include "node/datapath/datapath.h"
#include "node/datapath/entry.h"

struct ring_buffer;

struct events {
    const struct entry *entry;
    struct ring_buffer *ring;
    datapath_event_fn fn; /* while it is read */
    void *user;
};

/* Nobody listens yet, whatever an earlier daemon left. */
void events_open(const struct entry *entry, struct events *ret_events);
void events_close(struct events *events);

int events_fd(const struct events *events);
void events_read(struct events *events, datapath_event_fn fn, void *user);
void events_pace(const struct events *events, uint32_t per_second);

/* The cap of a box as the pace of one of its CPUs. per_second 0: none. */
struct fw_event_pace events_pace_of(uint32_t per_second, uint32_t cpus);

/* Events that were swallowed so far, since the ring was made. */
uint64_t events_missed(const struct entry *entry);

/* One record of the ring; false if it is none. */
bool events_decode(const void *record, size_t bytes, struct datapath_event *ret_event);
