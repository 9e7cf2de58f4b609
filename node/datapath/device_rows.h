/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * device_rows.h - the table of devices in a generation's maps: an array for low indexes, which
 * costs packets nothing, and a hash for the others.
 *
 * Owns: its descriptors.
 */
#include "bpf/fw_abi.h"

#include <stddef.h>
#include <stdint.h>

struct compile_device_row;

struct device_rows {
    int near_fd;
    int far_fd;
};

void device_rows_none(struct device_rows *ret_rows);
void device_rows_close(struct device_rows *rows);
/* open_fn gives a descriptor by map name, or a negative errno. On failure both are closed. */
int device_rows_open(
    int (*open_fn)(void *user, const char *name), void *user, struct device_rows *ret_rows);

/* Replaces all. No packet may use the table. 0 or a negative errno. */
int device_rows_fill(
    const struct device_rows *rows, const struct compile_device_row *devices, size_t count);

/* One device, under packets: each sees the old entry, the new one, or for a moment none, which is
 * lifeline only. */
int device_rows_put(const struct device_rows *rows, uint32_t index, const struct fw_device *device);
void device_rows_drop(const struct device_rows *rows, uint32_t index);
