/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tables.h - compiled tables into the maps of a generation: sizes before the load, content after
 * it, and again when the maps of a generation that is out of use take the next one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct compile_tables;

#define TABLES_MAPS 5

struct tables_maps {
    int fds[TABLES_MAPS];
    uint32_t room[TABLES_MAPS]; /* max_entries */
};

/* Gives each map room for the tables and some more. 0 or a negative errno. */
int tables_size_maps(const struct compile_tables *tables, struct bpf_object *object);

/* Own descriptors by name: open_fn gives one, or a negative errno. 0 or a negative errno, then all
 * are closed. */
int tables_open_maps(
    int (*open_fn)(void *user, const char *name), void *user, struct tables_maps *ret_maps);
void tables_no_maps(struct tables_maps *ret_maps);
void tables_close_maps(struct tables_maps *maps);

bool tables_fit(const struct compile_tables *tables, const struct tables_maps *maps);

/* Replaces what is in the maps. No packet may use them. On failure ret_map names the map. */
int tables_fill_maps(
    const struct compile_tables *tables, const struct tables_maps *maps, const char **ret_map);

/* Takes every key out of a hash or trie. 0 or a negative errno. */
int tables_clear_map(int map_fd, uint32_t key_bytes);

/* The values of an array, from index 0. 0 or a negative errno. */
int tables_put_array(int map_fd, const void *values, size_t value_bytes, uint32_t count);
