/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/tables.h"
#include "base/check.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Compiled rows as the values of an array. */
struct column {
    const char *map;
    const void *rows;
    size_t count;
    size_t row_bytes;
    bool is_sized; /* max_entries follows the rows */
};

static void columns_of(const struct compile_tables *tables, struct column ret_columns[TABLES_MAPS])
{
    static const struct fw_host_set no_hosts; /* a mask of none names set 0 */
    const struct column columns[TABLES_MAPS] = {
        {"fw_gen", &tables->gen, 1, sizeof(struct fw_gen), false},
        {"fw_policy", &tables->policy, 1, sizeof(struct fw_policy), false},
        {"fw_classes", tables->classes, tables->classes_count, sizeof(uint64_t), true},
        {"fw_manage", tables->manage, tables->manage_count, sizeof(struct fw_manage), false},
        {"fw_hosts", tables->hosts_count ? tables->hosts : &no_hosts,
            tables->hosts_count ? tables->hosts_count : 1, sizeof(struct fw_host_set), true},
    };

    memcpy(ret_columns, columns, sizeof(columns));
}

#define ROOM_MIN 64

/* A power of two with room to spare, so that the next generation usually fits into the same maps.
 */
static uint32_t room_for(size_t count)
{
    uint32_t room = ROOM_MIN;

    while (room < count + count / 8 && room < UINT32_MAX / 2)
        room *= 2;
    return room;
}

int tables_size_maps(const struct compile_tables *tables, struct bpf_object *object)
{
    struct column columns[TABLES_MAPS];

    columns_of(tables, columns);
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(object, columns[i].map);

        if (!map)
            return -ENOENT;
        if (columns[i].is_sized && bpf_map__set_max_entries(map, room_for(columns[i].count)) < 0)
            return -errno;
    }
    return 0;
}

void tables_no_maps(struct tables_maps *ret_maps)
{
    for (size_t i = 0; i < TABLES_MAPS; i++)
        ret_maps->fds[i] = -1;
}

void tables_close_maps(struct tables_maps *maps)
{
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        own_fd(&maps->fds[i]);
        maps->fds[i] = -1;
    }
}

int tables_open_maps(
    int (*open_fn)(void *user, const char *name), void *user, struct tables_maps *ret_maps)
{
    static const struct compile_tables nothing;
    struct column columns[TABLES_MAPS];

    tables_no_maps(ret_maps);
    columns_of(&nothing, columns);
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        struct bpf_map_info info = {0};
        uint32_t len = sizeof(info);
        int fd = open_fn(user, columns[i].map);

        ret_maps->fds[i] = fd;
        if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0 ||
            info.value_size != columns[i].row_bytes) {
            tables_close_maps(ret_maps);
            return -ENOENT;
        }
        ret_maps->room[i] = info.max_entries;
    }
    return 0;
}

bool tables_fit(const struct compile_tables *tables, const struct tables_maps *maps)
{
    struct column columns[TABLES_MAPS];

    columns_of(tables, columns);
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        if (columns[i].count > maps->room[i])
            return false;
    }
    return true;
}

/* Kernels before 5.6 take no batches, so they get the values one by one. */
int tables_put_array(int map_fd, const void *values, size_t value_bytes, uint32_t count)
{
    OWN(own_memory) uint32_t *keys = calloc(count + 1U, sizeof(*keys));
    uint32_t taken = count;

    if (!keys)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = i;
    if (count > 1 && bpf_map_update_batch(map_fd, keys, values, &taken, NULL) == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        if (bpf_map_update_elem(
                map_fd, &keys[i], (const uint8_t *)values + i * value_bytes, BPF_ANY) < 0)
            return -errno;
    }
    return 0;
}

int tables_clear_map(int map_fd, uint32_t key_bytes)
{
    uint8_t key[64];
    uint8_t next[64];

    CHECK(key_bytes <= sizeof(key), "keys of ours are small");
    /* The next key is asked for while this one still stands: else a hash is searched from its
     * start. */
    bool has_key = bpf_map_get_next_key(map_fd, NULL, key) == 0;

    while (has_key) {
        has_key = bpf_map_get_next_key(map_fd, key, next) == 0;
        int r = bpf_map_delete_elem(map_fd, key);

        if (r < 0 && r != -ENOENT)
            return r;
        memcpy(key, next, key_bytes);
    }
    return 0;
}

int tables_fill_maps(
    const struct compile_tables *tables, const struct tables_maps *maps, const char **ret_map)
{
    struct column columns[TABLES_MAPS];

    columns_of(tables, columns);
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        const struct column *column = &columns[i];
        int r;

        *ret_map = column->map;
        r = tables_put_array(
            maps->fds[i], column->rows, column->row_bytes, (uint32_t)column->count);
        if (r < 0)
            return r;
    }
    return 0;
}
