/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/counted.h"
#include "node/compile/compile.h"
#include "node/datapath/entry.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

struct counted_row {
    uint8_t id[OP_REF_BYTES];
    uint32_t is_used;
};
_Static_assert(sizeof(struct counted_row) % 8 == 0, "rows of a mapped array are a multiple of 8");

int counted_new(uint32_t counters)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);

    return bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_counted", sizeof(uint32_t),
        sizeof(struct counted_row), counters, &options);
}

int counted_put(int map_fd, uint32_t counters, const struct compile_tables *tables)
{
    size_t bytes = counters * sizeof(struct counted_row);
    struct counted_row *rows = entry_map_values(map_fd, bytes);

    if (!rows)
        return -ENOMEM;
    memset(rows, 0, bytes);
    for (uint32_t i = 0; i < tables->objects_count; i++) {
        const struct compile_object *object = &tables->objects[i];

        if (!object->is_counted || object->counter >= counters)
            continue;
        memcpy(rows[object->counter].id, object->id, OP_REF_BYTES);
        rows[object->counter].is_used = 1;
    }
    entry_unmap_values(rows, bytes);
    return 0;
}

int counted_each(int map_fd, uint32_t counters, datapath_counted_fn fn, void *user)
{
    size_t bytes = counters * sizeof(struct counted_row);
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);

    if (bpf_obj_get_info_by_fd(map_fd, &info, &len) < 0)
        return -errno;
    if (info.value_size != sizeof(struct counted_row) || info.max_entries != counters)
        return -EBADMSG;
    struct counted_row *rows = entry_map_values(map_fd, bytes);

    if (!rows)
        return -ENOMEM;
    for (uint32_t i = 0; i < counters; i++) {
        if (rows[i].is_used)
            fn(user, i, rows[i].id);
    }
    entry_unmap_values(rows, bytes);
    return 0;
}
