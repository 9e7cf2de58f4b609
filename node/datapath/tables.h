/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tables.h - compiled tables into the maps of a generation: sizes before the load, content after
 * it, and again when the maps of a generation that is out of use take the next one.
 */
#include <stdbool.h>
#include <stdint.h>

struct bpf_object;
struct compile_tables;

#define TABLES_MAPS 6

struct tables_maps {
    int fds[TABLES_MAPS];
    uint32_t room[TABLES_MAPS]; /* max_entries */
};

/* Gives each map room for the tables and some more. 0 or a negative errno. */
int tables_size_maps(const struct compile_tables *tables, struct bpf_object *object);

/* Own descriptors of a loaded object's maps. 0 or a negative errno, then all are closed. */
int tables_open_maps(const struct bpf_object *object, struct tables_maps *ret_maps);
/* The same of pinned maps: open_fn gives a descriptor by name, or a negative errno. */
int tables_open_pinned(
    int (*open_fn)(void *user, const char *name), void *user, struct tables_maps *ret_maps);
void tables_no_maps(struct tables_maps *ret_maps);
void tables_close_maps(struct tables_maps *maps);

bool tables_fit(const struct compile_tables *tables, const struct tables_maps *maps);

/* Replaces what is in the maps. No packet may use them. On failure ret_map names the map. */
int tables_fill_maps(
    const struct compile_tables *tables, const struct tables_maps *maps, const char **ret_map);

/* Takes every key out of a hash or trie. 0 or a negative errno. */
int tables_clear_map(int map_fd, uint32_t key_bytes);
