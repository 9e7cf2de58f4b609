/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * counted.h - which object counts at which index: a map that no program reads, pinned beside its
 * generation, so that a later daemon gives every object its own counter again.
 */
#include "base/bytes.h"
#include "node/datapath/datapath.h"
#include <stdint.h>

struct compile_tables;

/* A map for so many counters. A descriptor, or a negative errno. */
int counted_new(uint32_t counters);

/* Replaces what is in it. 0 or a negative errno. */
int counted_put(int map_fd, uint32_t counters, const struct compile_tables *tables);

/* Ascending by index. 0 or a negative errno. */
int counted_each(int map_fd, uint32_t counters, datapath_counted_fn fn, void *user);
