/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/tables.h"
#include "base/check.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 4096

/* Where a map's keys and values are in the compiled rows. */
struct column {
    const char *map;
    const uint8_t *rows;
    size_t count;
    size_t row_bytes;
    size_t key_at;
    size_t key_bytes; /* 0: an array, whose key is the row's number */
    size_t value_at;
    size_t value_bytes;
    bool is_sized; /* max_entries follows the rows */
};

static void columns_of(const struct compile_tables *tables, struct column ret_columns[TABLES_MAPS])
{
#define ARRAY(name, at, n, type, sized)                                                        \
    {                                                                                          \
        .map = (name), .rows = (const uint8_t *)(at), .count = (n), .row_bytes = sizeof(type), \
        .value_bytes = sizeof(type), .is_sized = (sized)                                       \
    }
#define KEYED(name, at, n, type, key, value, sized)                                            \
    {                                                                                          \
        .map = (name), .rows = (const uint8_t *)(at), .count = (n), .row_bytes = sizeof(type), \
        .key_at = offsetof(type, key), .key_bytes = sizeof(((type *)0)->key),                  \
        .value_at = offsetof(type, value), .value_bytes = sizeof(((type *)0)->value),          \
        .is_sized = (sized)                                                                    \
    }
    const struct column columns[TABLES_MAPS] = {
        ARRAY("fw_gen", &tables->gen, 1, struct fw_gen, false),
        ARRAY("fw_policy", &tables->policy, 1, struct fw_policy, false),
        ARRAY("fw_classes", tables->classes, tables->classes_count, uint64_t, true),
        ARRAY("fw_manage", tables->manage, tables->manage_count, struct fw_manage, false),
        KEYED("fw_hosts", tables->hosts, tables->hosts_count, struct compile_host_row, address,
            flags, true),
        KEYED("fw_devices", tables->devices, tables->devices_count, struct compile_device_row,
            index, device, false),
    };
#undef ARRAY
#undef KEYED

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

int tables_open_maps(const struct bpf_object *object, struct tables_maps *ret_maps)
{
    static const struct compile_tables nothing;
    struct column columns[TABLES_MAPS];

    tables_no_maps(ret_maps);
    columns_of(&nothing, columns);
    for (size_t i = 0; i < TABLES_MAPS; i++) {
        const struct bpf_map *map = bpf_object__find_map_by_name(object, columns[i].map);
        bool is_sound = map && bpf_map__value_size(map) == columns[i].value_bytes;

        ret_maps->fds[i] = is_sound ? fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0) : -1;
        if (ret_maps->fds[i] < 0) {
            tables_close_maps(ret_maps);
            return -ENOENT;
        }
        ret_maps->room[i] = bpf_map__max_entries(map);
    }
    return 0;
}

int tables_open_pinned(
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
            info.value_size != columns[i].value_bytes) {
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

/* Kernels that cannot take a kind of map in batches get its rows one by one. */
static int put_rows(
    int fd, const struct column *column, const uint8_t *keys, const uint8_t *values, uint32_t count)
{
    size_t key_bytes = column->key_bytes ? column->key_bytes : sizeof(uint32_t);
    uint32_t taken = count;

    if (count > 1 && bpf_map_update_batch(fd, keys, values, &taken, NULL) == 0)
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        int r = bpf_map_update_elem(
            fd, keys + i * key_bytes, values + i * column->value_bytes, BPF_ANY);

        if (r < 0)
            return r;
    }
    return 0;
}

static void gather(const struct column *column, size_t first, uint32_t count, uint8_t *ret_keys,
    uint8_t *ret_values)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = column->rows + (first + i) * column->row_bytes;
        uint32_t number = (uint32_t)(first + i);

        if (column->key_bytes)
            memcpy(ret_keys + i * column->key_bytes, row + column->key_at, column->key_bytes);
        else
            memcpy(ret_keys + i * sizeof(number), &number, sizeof(number));
        memcpy(ret_values + i * column->value_bytes, row + column->value_at, column->value_bytes);
    }
}

static int fill_map(int fd, const struct column *column)
{
    size_t key_bytes = column->key_bytes ? column->key_bytes : sizeof(uint32_t);
    size_t most = column->count < BATCH_MAX ? column->count : BATCH_MAX;
    OWN(own_memory) uint8_t *keys = calloc(most + 1, key_bytes);
    OWN(own_memory) uint8_t *values = calloc(most + 1, column->value_bytes);

    if (!keys || !values)
        return -ENOMEM;
    for (size_t first = 0; first < column->count; first += most) {
        size_t left = column->count - first;
        uint32_t count = (uint32_t)(left < most ? left : most);

        gather(column, first, count, keys, values);
        int r = put_rows(fd, column, keys, values, count);

        if (r < 0)
            return r;
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
        int r = 0;

        *ret_map = column->map;
        if (column->key_bytes)
            r = tables_clear_map(maps->fds[i], (uint32_t)column->key_bytes);
        if (r == 0)
            r = fill_map(maps->fds[i], column);
        if (r < 0)
            return r;
    }
    return 0;
}
