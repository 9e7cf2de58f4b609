/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/blobs.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include "node/datapath/entry.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_STEP 512U /* words */
#define CHUNK_BYTES_OF_VALUE (FW_CHUNK_WORDS * 8U)
#define SURE_BYTES (1U << 20) /* every kernel takes a value of this size */

const char *const blobs_names[FW_BLOB_COUNT] = {
    [FW_BLOB_FOREST4] = "fw_forest4",
    [FW_BLOB_FOREST6] = "fw_forest6",
    [FW_BLOB_TRIE4] = "fw_trie4",
    [FW_BLOB_TRIE6] = "fw_trie6",
};

/* So that the next generation usually fits into the same maps. */
static uint32_t room_for(uint32_t words)
{
    return (words + words / 8 + ROOM_STEP) / ROOM_STEP * ROOM_STEP;
}

static bool takes_value(uint32_t bytes)
{
    OWN(own_fd) int fd = -1;

    if (bytes <= SURE_BYTES)
        return true;
    fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_try", sizeof(uint32_t), bytes, 1, NULL);
    return fd >= 0 || errno != E2BIG;
}

int blobs_size(const struct compile_tables *tables, struct bpf_object *object, bool is_cut,
    struct fw_blob_shape ret_shapes[FW_BLOB_COUNT])
{
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(object, blobs_names[i]);
        uint32_t room = room_for(tables->blobs[i].count), values = 1;
        uint32_t bytes = room * 8;

        if (!map)
            return -ENOENT;
        ret_shapes[i] = (struct fw_blob_shape){.last = bytes - 8};
        if (is_cut || !takes_value(bytes + FW_BLOB_READ_BYTES)) {
            values = (room + FW_CHUNK_WORDS - 1) / FW_CHUNK_WORDS;
            bytes = CHUNK_BYTES_OF_VALUE;
            ret_shapes[i] = (struct fw_blob_shape){.last = bytes - 8, .is_cut = 1};
        }
        if (bpf_map__set_value_size(map, bytes + FW_BLOB_READ_BYTES) < 0 ||
            bpf_map__set_max_entries(map, values) < 0)
            return -errno;
    }
    return 0;
}

void blobs_none(struct blobs_maps *ret_maps)
{
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++)
        ret_maps->fds[i] = -1;
}

void blobs_close(struct blobs_maps *maps)
{
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++)
        own_fd(&maps->fds[i]);
    blobs_none(maps);
}

int blobs_open(
    int (*open_fn)(void *user, const char *name), void *user, struct blobs_maps *ret_maps)
{
    blobs_none(ret_maps);
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++) {
        struct bpf_map_info info = {0};
        uint32_t len = sizeof(info);

        ret_maps->fds[i] = open_fn(user, blobs_names[i]);
        if (ret_maps->fds[i] < 0 || bpf_obj_get_info_by_fd(ret_maps->fds[i], &info, &len) < 0 ||
            info.value_size <= FW_BLOB_READ_BYTES) {
            blobs_close(ret_maps);
            return -ENOENT;
        }
        ret_maps->values[i] = info.max_entries;
        ret_maps->value_bytes[i] = info.value_size;
        ret_maps->room[i] = (info.value_size - FW_BLOB_READ_BYTES) / 8 * info.max_entries;
    }
    return 0;
}

bool blobs_fit(const struct compile_tables *tables, const struct blobs_maps *maps)
{
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++)
        if (tables->blobs[i].count > maps->room[i])
            return false;
    return true;
}

/* Through a mapping: an update would copy a large value twice more. */
static int fill_one(const struct blob *blob, int fd, uint32_t values, uint32_t value_bytes)
{
    size_t words = (value_bytes - FW_BLOB_READ_BYTES) / 8, all = (size_t)values * value_bytes;
    uint8_t *mapped = entry_map_values(fd, all);

    if (!mapped)
        return -errno;
    for (uint32_t key = 0; key < values && key * words < blob->count; key++) {
        uint8_t *value = mapped + (size_t)key * value_bytes;
        size_t left = blob->count - key * words;
        size_t bytes = (left < words ? left : words) * 8;

        memcpy(value, blob->words + key * words, bytes);
        memset(value + bytes, 0, value_bytes - bytes);
    }
    entry_unmap_values(mapped, all);
    return 0;
}

int blobs_fill(
    const struct compile_tables *tables, const struct blobs_maps *maps, const char **ret_map)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < FW_BLOB_COUNT; i++) {
        *ret_map = blobs_names[i];
        r = fill_one(&tables->blobs[i], maps->fds[i], maps->values[i], maps->value_bytes[i]);
    }
    return r;
}
