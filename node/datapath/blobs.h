/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * blobs.h - forests and tries into their maps: one large value each, or chunks where the kernel
 * takes none that large (before 5.16: 4 MiB).
 */
#include "bpf/fw_abi.h"

#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct compile_tables;

struct blobs_maps {
    int fds[FW_BLOB_COUNT];
    uint32_t room[FW_BLOB_COUNT];   /* words */
    uint32_t values[FW_BLOB_COUNT]; /* max_entries */
    uint32_t value_bytes[FW_BLOB_COUNT];
};

extern const char *const blobs_names[FW_BLOB_COUNT]; /* of the maps */

/* Before the load: gives each map room for the tables and an eighth more, and says which shape it
 * took. is_cut: chunks, whatever the kernel takes (tests). 0 or a negative errno. */
int blobs_size(const struct compile_tables *tables, struct bpf_object *object, bool is_cut,
    struct fw_blob_shape ret_shapes[FW_BLOB_COUNT]);

/* Own descriptors, by name: open_fn gives one, or a negative errno. On failure all are closed. */
int blobs_open(
    int (*open_fn)(void *user, const char *name), void *user, struct blobs_maps *ret_maps);
void blobs_none(struct blobs_maps *ret_maps);
void blobs_close(struct blobs_maps *maps);

bool blobs_fit(const struct compile_tables *tables, const struct blobs_maps *maps);

/* Replaces what is in the maps. No packet may use them. On failure ret_map names the map. */
int blobs_fill(
    const struct compile_tables *tables, const struct blobs_maps *maps, const char **ret_map);
