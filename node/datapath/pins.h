/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * pins.h - names below <bpffs>/picket/vN, where everything that must outlive the daemon is kept.
 *
 *   vN/NAME          what is permanent: word, program arrays, counters of reasons, entry programs
 *   vN/links/IFINDEX one XDP link a device
 *   vN/gen/SLOT/NAME what belongs to one generation
 */
#include "base/problem.h"
#include <stdbool.h>
#include <stdint.h>

#define PIN_PATH_BYTES 256

struct pins {
    char root[PIN_PATH_BYTES / 2];
};

/* Checks that bpffs is one and makes the folders of this layout. Says how to mount one. */
int pins_open(
    const char *bpffs, uint32_t layout, struct pins *ret_pins, struct problem *reterr_problem);

/* root/NAME, and the same below a generation's folder. */
void pins_path(const struct pins *pins, const char *name, char ret_path[PIN_PATH_BYTES]);
void pins_link_path(const struct pins *pins, uint32_t index, char ret_path[PIN_PATH_BYTES]);
void pins_slot_path(
    const struct pins *pins, uint8_t slot, const char *name, char ret_path[PIN_PATH_BYTES]);

/* The folder of a generation. Making one that exists is no error; removing takes all pins in it. */
int pins_slot_make(const struct pins *pins, uint8_t slot);
int pins_slot_remove(const struct pins *pins, uint8_t slot);

/* Calls fn for each pinned link's ifindex, or each slot that has a folder. Order is the kernel's.
 */
int pins_each_link(const struct pins *pins, void (*fn)(void *user, uint32_t index), void *user);
int pins_each_slot(const struct pins *pins, void (*fn)(void *user, uint32_t slot), void *user);

/* Everything of this layout, and picket/ if nothing else is in it. */
int pins_remove_all(const struct pins *pins);
