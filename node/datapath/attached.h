/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * attached.h - the devices we were told of, and our program on them. Order: entry, attach, look.
 *
 * Threads: the worker's.
 */
#include "node/datapath/datapath.h"
#include "node/datapath/numbers.h"
#include "node/datapath/slots.h"

struct device;

struct attached {
    struct slots *slots;
    struct numbers numbers;
    bool forces_native; /* tests: XDP on a veth too */
    struct device *all; /* ascending by index */
    size_t count;
    size_t capacity;
};

void attached_fini(struct attached *devices);

/* See datapath_attach. ret_state is how it stands afterwards, also on failure; -ENOMEM leaves it
 * empty. */
int attached_attach(struct attached *devices, const struct link_device *link, uint8_t device_class,
    struct datapath_device *ret_state);

/* Our program off, entries and pins gone. 0 if it is unknown. */
int attached_forget(struct attached *devices, uint32_t index);

/* See datapath_reconcile. How many attachments were put back. */
uint32_t attached_reconcile(struct attached *devices);

/* All entries into every generation: after a fill. */
void attached_enter_all(const struct attached *devices);

/* How all stand; free() it. NULL if memory is short. */
struct datapath_device *attached_states(const struct attached *devices);

/* Their packets, in the same order; free() it. NULL if memory is short. */
struct datapath_device_count *attached_counts(const struct attached *devices);

/* Off every device of this namespace, known or not. */
void attached_detach_everywhere(struct attached *devices);
