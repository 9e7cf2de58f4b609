/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * tables.h - compiled tables into the maps of a generation: sizes before the load, content after
 * it.
 */
struct bpf_object;
struct compile_tables;

/* 0 or a negative errno. */
int tables_size_maps(const struct compile_tables *tables, struct bpf_object *object);

/* On failure ret_map names the map. */
int tables_fill_maps(
    const struct compile_tables *tables, struct bpf_object *object, const char **ret_map);
