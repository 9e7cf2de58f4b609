/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * entry.h - what is permanent in the kernel: the word, the program arrays, the counters of reasons
 * and devices, the ring of events, and the two entry programs that devices carry.
 *
 * Owns: its descriptors and mappings; the pins outlive it.
 */
#include "bpf/fw_abi.h"
#include "node/datapath/pins.h"
#include <stddef.h>

struct bpf_object;

enum entry_map {
    ENTRY_WORD,
    ENTRY_XDP_PARSE, /* program arrays */
    ENTRY_TC_PARSE,
    ENTRY_XDP_SCRATCH,
    ENTRY_TC_SCRATCH,
    ENTRY_REASONS,
    ENTRY_DEVICES,
    ENTRY_EVENTS,
    ENTRY_EVENT_PACE,
    ENTRY_EVENT_CPUS,
    ENTRY_MAPS,
};

struct entry {
    struct pins pins;
    int maps[ENTRY_MAPS];
    int xdp_fd;
    int tc_fd;
    uint32_t xdp_id;
    uint32_t tc_id;
    uint32_t shards;                       /* a power of two */
    bool is_atomic;                        /* counts: more CPUs than shards */
    bool has_coarse_clock;                 /* that programs can read */
    bool cuts_blobs;                       /* into chunks, whatever the kernel takes: tests */
    uint64_t *word;                        /* mapped */
    struct fw_count *counts;               /* mapped: of reasons */
    struct fw_device_count *device_counts; /* mapped: numbers.h */
    struct fw_event_pace *event_pace;      /* mapped: events.h */
};

/* Loads what is missing, takes over what is pinned. On failure nothing is left open. */
int entry_open(const struct pins *pins, struct entry *ret_entry, struct problem *reterr_problem);
void entry_close(struct entry *entry);

/* Gives an object that is not loaded yet the permanent maps it declares. 0 or a negative errno. */
int entry_lend_maps(const struct entry *entry, struct bpf_object *object);

/* Whether a map of this name is among them. */
bool entry_is_permanent(const char *map_name);

uint64_t entry_word(const struct entry *entry);
void entry_set_word(const struct entry *entry, uint64_t word);

/* The first complaint of libbpf on this thread since the last call of entry_no_complaint(); "" if
 * none. */
const char *entry_complaint(void);
void entry_no_complaint(void);

/* Maps a map's values; NULL if it cannot be. */
void *entry_map_values(int map_fd, size_t bytes);
void entry_unmap_values(void *at, size_t bytes);
