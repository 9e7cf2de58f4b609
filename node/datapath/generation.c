/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/generation.h"
#include "base/check.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include "node/datapath/counted.h"
#include "node/datapath/tables.h"
#include <bpf/bpf.h>
#include <bpf/fw_generation.skel.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNTERS_MIN 64
#define BUILD_PIN "fw_build"
#define COUNTED_PIN "fw_counted"

OWN_AS(own_fw_generation, struct fw_generation, fw_generation__destroy)
OWN_AS(own_generation, struct generation, generation_forget)

/* What the trampoline calls; the stages behind it are in program arrays of the generation. */
static const struct stage {
    const char *program;
    enum entry_map array;
} stages[] = {
    {"fw_xdp_parse", ENTRY_XDP_PARSE},
    {"fw_tc_parse", ENTRY_TC_PARSE},
};
#define STAGES GENERATION_STAGES
_Static_assert(sizeof(stages) / sizeof(stages[0]) == STAGES, "one descriptor a stage");

static size_t counts_bytes(const struct generation *generation)
{
    return (size_t)(generation->shards + 1) * generation->counters * sizeof(struct fw_count);
}

static struct generation *generation_new(const struct entry *entry, uint8_t slot)
{
    struct generation *generation = calloc(1, sizeof(*generation));

    if (!generation)
        return NULL;
    generation->slot = slot;
    generation->shards = entry->shards;
    for (size_t i = 0; i < STAGES; i++)
        generation->programs[i] = -1;
    tables_no_maps(&generation->maps);
    blobs_none(&generation->blobs);
    generation->fragments_fd = -1;
    device_rows_none(&generation->devices);
    generation->counts_fd = -1;
    generation->counted_fd = -1;
    return generation;
}

void generation_forget(struct generation *generation)
{
    if (!generation)
        return;
    entry_unmap_values(generation->counts, counts_bytes(generation));
    for (size_t i = 0; i < STAGES; i++)
        own_fd(&generation->programs[i]);
    tables_close_maps(&generation->maps);
    blobs_close(&generation->blobs);
    own_fd(&generation->fragments_fd);
    device_rows_close(&generation->devices);
    own_fd(&generation->counts_fd);
    own_fd(&generation->counted_fd);
    free(generation);
}

static bool is_same_map(int a_fd, int b_fd)
{
    struct bpf_map_info a = {0};
    struct bpf_map_info b = {0};
    uint32_t len = sizeof(a);

    if (bpf_obj_get_info_by_fd(a_fd, &a, &len) < 0)
        return true; /* rather lose counts than count twice */
    len = sizeof(b);
    return bpf_obj_get_info_by_fd(b_fd, &b, &len) < 0 || a.id == b.id;
}

static uint32_t size_class(const struct compile_tables *tables, const struct generation *before)
{
    uint32_t counters = before && before->counts ? before->counters : COUNTERS_MIN;

    while (counters < tables->counters_count)
        counters *= 2;
    return counters;
}

/* The maps' sizes, the permanent maps, and the counters of the running generation if they suffice.
 */
static int prepare(const struct entry *entry, struct fw_generation *skeleton,
    const struct compile_tables *tables, const struct generation *before,
    const struct generation *generation)
{
    struct bpf_map *counts = skeleton->maps.fw_rule_counts;
    struct fw_blob_shape shapes[FW_BLOB_COUNT];
    int r = tables_size_maps(tables, skeleton->obj);

    skeleton->rodata->fw_shards = entry->shards;
    skeleton->rodata->fw_counts_atomic = entry->is_atomic;
    skeleton->rodata->fw_has_coarse_clock = entry->has_coarse_clock;
    skeleton->rodata->fw_rule_counters = generation->counters;
    if (r == 0)
        r = blobs_size(tables, skeleton->obj, entry->cuts_blobs, shapes);
    if (r < 0)
        return r;
    for (size_t i = 0; i < FW_BLOB_COUNT; i++) {
        skeleton->rodata->fw_blob_shapes[i].last = shapes[i].last;
        skeleton->rodata->fw_blob_shapes[i].is_cut = shapes[i].is_cut;
    }
    if (r == 0)
        r = entry_lend_maps(entry, skeleton->obj);
    if (r < 0)
        return r;
    if (before && before->counts && before->counters == generation->counters)
        return bpf_map__reuse_fd(counts, before->counts_fd);
    return bpf_map__set_max_entries(counts, (entry->shards + 1) * generation->counters);
}

static int own_copy(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int open_loaded(void *user, const char *name)
{
    const struct bpf_map *map = bpf_object__find_map_by_name(user, name);

    return map ? own_copy(bpf_map__fd(map)) : -ENOENT;
}

static int keep(const struct fw_generation *skeleton, struct generation *generation)
{
    int r = tables_open_maps(open_loaded, skeleton->obj, &generation->maps);

    if (r == 0)
        r = device_rows_open(open_loaded, skeleton->obj, &generation->devices);
    if (r == 0)
        r = blobs_open(open_loaded, skeleton->obj, &generation->blobs);
    if (r < 0)
        return r;
    for (size_t i = 0; i < STAGES; i++) {
        const struct bpf_program *program =
            bpf_object__find_program_by_name(skeleton->obj, stages[i].program);

        generation->programs[i] = program ? own_copy(bpf_program__fd(program)) : -1;
        if (generation->programs[i] < 0)
            return -ENOENT;
    }
    generation->fragments_fd = own_copy(bpf_map__fd(skeleton->maps.fw_fragments));
    generation->counts_fd = own_copy(bpf_map__fd(skeleton->maps.fw_rule_counts));
    if (generation->fragments_fd < 0 || generation->counts_fd < 0)
        return -errno;
    generation->counted_fd = counted_new(generation->counters);
    if (generation->counted_fd < 0)
        return generation->counted_fd;
    generation->counts = entry_map_values(generation->counts_fd, counts_bytes(generation));
    return generation->counts ? 0 : -ENOMEM;
}

/* An index that was another object's starts at zero, in the running arrays too: nothing there uses
 * it. */
static void zero_fresh(const struct generation *generation, const struct compile_tables *tables)
{
    for (uint32_t i = 0; generation && generation->counts && i < tables->objects_count; i++) {
        const struct compile_object *object = &tables->objects[i];

        if (!object->is_counted || !object->is_fresh || object->counter >= generation->counters)
            continue;
        for (uint32_t shard = 0; shard <= generation->shards; shard++)
            generation->counts[shard * generation->counters + object->counter] =
                (struct fw_count){0};
    }
}

/* FNV-1a over the object and what is set before its load: equal marks mean equal programs. */
static uint64_t build_mark(const struct entry *entry)
{
    size_t bytes;
    const uint8_t *object = fw_generation__elf_bytes(&bytes);
    uint64_t mark = 0xcbf29ce484222325ULL ^ entry->shards ^ ((uint64_t)entry->is_atomic << 32) ^
                    ((uint64_t)entry->has_coarse_clock << 33);

    for (size_t i = 0; i < bytes; i++)
        mark = (mark ^ object[i]) * 0x100000001b3ULL;
    return mark;
}

/* Of which build a slot's programs are stands in a small map beside them. */
static int pin_mark(const struct entry *entry, uint8_t slot)
{
    const uint32_t first = 0;
    uint64_t mark = build_mark(entry);
    char path[PIN_PATH_BYTES];
    OWN(own_fd)
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_build", sizeof(first), sizeof(mark), 1, NULL);

    if (fd < 0)
        return fd;
    pins_slot_path(&entry->pins, slot, BUILD_PIN, path);
    return bpf_map_update_elem(fd, &first, &mark, BPF_ANY) < 0 || bpf_obj_pin(fd, path) < 0 ? -errno
                                                                                            : 0;
}

/* Everything a later daemon needs. Names with a dot are libbpf's own and no bpffs takes them. */
static int pin(
    const struct entry *entry, struct bpf_object *object, const struct generation *generation)
{
    char path[PIN_PATH_BYTES];
    struct bpf_map *map;
    struct bpf_program *program;
    uint8_t slot = generation->slot;
    int r = pins_slot_make(&entry->pins, slot);

    if (r < 0)
        return r;
    bpf_object__for_each_map(map, object)
    {
        if (bpf_map__is_internal(map) || entry_is_permanent(bpf_map__name(map)))
            continue;
        pins_slot_path(&entry->pins, slot, bpf_map__name(map), path);
        if (bpf_obj_pin(bpf_map__fd(map), path) < 0)
            return -errno;
    }
    bpf_object__for_each_program(program, object)
    {
        pins_slot_path(&entry->pins, slot, bpf_program__name(program), path);
        if (bpf_obj_pin(bpf_program__fd(program), path) < 0)
            return -errno;
    }
    pins_slot_path(&entry->pins, slot, COUNTED_PIN, path);
    if (bpf_obj_pin(generation->counted_fd, path) < 0)
        return -errno;
    return pin_mark(entry, slot);
}

static int install(const struct entry *entry, const struct generation *generation)
{
    uint32_t slot = generation->slot;

    for (size_t i = 0; i < STAGES; i++) {
        int fd = generation->programs[i];

        if (bpf_map_update_elem(entry->maps[stages[i].array], &slot, &fd, BPF_ANY) < 0)
            return -errno;
    }
    return 0;
}

void generation_withdraw(const struct entry *entry, uint8_t slot)
{
    uint32_t key = slot;

    for (size_t i = STAGES; i > 0; i--)
        (void)bpf_map_delete_elem(entry->maps[stages[i - 1].array], &key);
}

static int put_tables(struct generation *generation, const struct compile_tables *tables,
    const struct generation *before, struct problem *reterr_problem)
{
    const char *map = "";
    int r = tables_fill_maps(tables, &generation->maps, &map);

    if (r == 0) {
        map = "fw_devices";
        r = device_rows_fill(&generation->devices, tables->devices, tables->devices_count);
    }
    if (r == 0)
        r = blobs_fill(tables, &generation->blobs, &map);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "the table %s cannot be filled: %s", map, strerror(-r));
    r = counted_put(generation->counted_fd, generation->counters, tables);
    if (r < 0)
        return problem_say(reterr_problem, r, "counters cannot be named: %s", strerror(-r));
    zero_fresh(generation, tables);
    zero_fresh(before, tables);
    generation->policy = tables->policy;
    generation->is_complete = true;
    return 0;
}

static int fill(const struct entry *entry, struct fw_generation *skeleton,
    const struct compile_tables *tables, const struct generation *before,
    struct generation *generation, struct problem *reterr_problem)
{
    entry_no_complaint();
    int r = prepare(entry, skeleton, tables, before, generation);

    if (r == 0)
        r = fw_generation__load(skeleton);
    if (r < 0)
        return problem_say(reterr_problem, r,
            "the kernel refuses the programs of a generation: %s (%s)", strerror(-r),
            entry_complaint());
    r = keep(skeleton, generation);
    if (r < 0)
        return problem_say(reterr_problem, r, "a generation cannot be kept open: %s", strerror(-r));
    r = put_tables(generation, tables, before, reterr_problem);
    if (r < 0)
        return r;
    r = pin(entry, skeleton->obj, generation);
    if (r == 0)
        r = install(entry, generation);
    return r < 0 ? problem_say(reterr_problem, r, "a generation cannot be pinned: %s", strerror(-r))
                 : 0;
}

int generation_fill(const struct entry *entry, uint8_t slot, const struct compile_tables *tables,
    const struct generation *before, struct generation **ret_generation,
    struct problem *reterr_problem)
{
    OWN(own_generation) struct generation *generation = generation_new(entry, slot);
    OWN(own_fw_generation) struct fw_generation *skeleton = fw_generation__open();

    if (!generation || !skeleton)
        return problem_say(reterr_problem, -ENOMEM, "no memory for a generation");
    CHECK(tables->gen.abi == FW_ABI_VERSION, "tables are of the layout that this build compiles");
    generation->counters = size_class(tables, before);
    generation->is_refillable = true;
    int r = fill(entry, skeleton, tables, before, generation, reterr_problem);

    if (r < 0) {
        generation_withdraw(entry, slot);
        (void)pins_slot_remove(&entry->pins, slot);
        return r;
    }
    *ret_generation = give(generation);
    return 0;
}

bool generation_takes(const struct generation *spare, const struct compile_tables *tables,
    const struct generation *before)
{
    return spare->is_refillable && size_class(tables, before) == spare->counters &&
           (!before || !before->counts || is_same_map(before->counts_fd, spare->counts_fd)) &&
           tables_fit(tables, &spare->maps) && blobs_fit(tables, &spare->blobs);
}

int generation_refill(const struct entry *entry, struct generation *spare,
    const struct compile_tables *tables, const struct generation *before,
    struct problem *reterr_problem)
{
    CHECK(tables->gen.abi == FW_ABI_VERSION, "tables are of the layout that this build compiles");
    if (!generation_takes(spare, tables, before))
        return -E2BIG;
    /* Kept verdicts name the slot, which is to be another generation's. */
    int r = tables_clear_map(spare->fragments_fd, sizeof(struct fw_fragment_key));

    if (r < 0)
        return problem_say(reterr_problem, r, "fragments cannot be cleared: %s", strerror(-r));
    r = put_tables(spare, tables, before, reterr_problem);
    if (r < 0)
        return r;
    spare->was_used = false;
    r = install(entry, spare);
    return r < 0
               ? problem_say(reterr_problem, r, "a generation cannot be reached: %s", strerror(-r))
               : 0;
}

static int open_pin(const struct entry *entry, uint8_t slot, const char *name)
{
    char path[PIN_PATH_BYTES];

    pins_slot_path(&entry->pins, slot, name, path);
    return bpf_obj_get(path);
}

struct pinned {
    const struct entry *entry;
    uint8_t slot;
};

static int open_named(void *user, const char *name)
{
    const struct pinned *pinned = user;

    return open_pin(pinned->entry, pinned->slot, name);
}

/* Its policy, its device table, its counters. */
static bool take_over(const struct entry *entry, struct generation *generation)
{
    const uint32_t first = 0;
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);
    struct pinned pinned = {entry, generation->slot};
    OWN(own_fd) int policy_fd = open_pin(entry, generation->slot, "fw_policy");

    generation->counts_fd = open_pin(entry, generation->slot, "fw_rule_counts");
    if (device_rows_open(open_named, &pinned, &generation->devices) < 0 || policy_fd < 0 ||
        generation->counts_fd < 0 ||
        bpf_map_lookup_elem(policy_fd, &first, &generation->policy) < 0 ||
        bpf_obj_get_info_by_fd(generation->counts_fd, &info, &len) < 0 ||
        info.value_size != sizeof(struct fw_count))
        return false;
    generation->counted_fd = open_pin(entry, generation->slot, COUNTED_PIN);
    generation->counters = info.max_entries / (generation->shards + 1);
    if (generation->counters == 0)
        return false;
    generation->counts = entry_map_values(generation->counts_fd, counts_bytes(generation));
    return generation->counts != NULL;
}

static bool is_of_this_build(const struct entry *entry, uint8_t slot)
{
    const uint32_t first = 0;
    uint64_t mark;
    OWN(own_fd) int fd = open_pin(entry, slot, BUILD_PIN);

    return fd >= 0 && bpf_map_lookup_elem(fd, &first, &mark) == 0 && mark == build_mark(entry);
}

/* What generation_refill() needs. */
static bool open_all(const struct entry *entry, struct generation *generation)
{
    struct pinned pinned = {entry, generation->slot};

    if (!is_of_this_build(entry, generation->slot) ||
        tables_open_maps(open_named, &pinned, &generation->maps) < 0 ||
        blobs_open(open_named, &pinned, &generation->blobs) < 0)
        return false;
    generation->fragments_fd = open_pin(entry, generation->slot, "fw_fragments");
    for (size_t i = 0; i < STAGES; i++) {
        generation->programs[i] = open_pin(entry, generation->slot, stages[i].program);
        if (generation->programs[i] < 0)
            return false;
    }
    return generation->fragments_fd >= 0 && generation->counted_fd >= 0;
}

int generation_adopt(const struct entry *entry, uint8_t slot, struct generation **ret_generation)
{
    struct generation *generation = generation_new(entry, slot);

    if (!generation)
        return -ENOMEM;
    generation->was_used = true;
    generation->is_complete = take_over(entry, generation);
    generation->is_refillable = generation->is_complete && open_all(entry, generation);
    *ret_generation = generation;
    return 0;
}

int generation_enter(const struct generation *generation, const struct compile_device *device)
{
    struct fw_device row;

    if (!generation->is_complete)
        return 0; /* an unknown device has the lifeline only */
    compile_device_entry(&generation->policy, device, &row);
    return device_rows_put(&generation->devices, device->index, &row);
}

void generation_leave(const struct generation *generation, uint32_t index)
{
    if (generation->is_complete)
        device_rows_drop(&generation->devices, index);
}

static uint64_t newest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct fw_count generation_count(const struct generation *generation, uint32_t counter)
{
    struct fw_count sum = {0};

    for (uint32_t shard = 0; generation->counts && shard <= generation->shards; shard++) {
        const struct fw_count *count = &generation->counts[shard * generation->counters + counter];

        sum.packets += __atomic_load_n(&count->packets, __ATOMIC_RELAXED);
        sum.bytes += __atomic_load_n(&count->bytes, __ATOMIC_RELAXED);
        sum.last_ns = newest(sum.last_ns, __atomic_load_n(&count->last_ns, __ATOMIC_RELAXED));
    }
    return sum;
}

/* The sum, which is gone from there: whatever becomes of the old array, it is not added twice. */
static struct fw_count generation_take(const struct generation *generation, uint32_t counter)
{
    struct fw_count sum = generation_count(generation, counter);

    for (uint32_t shard = 0; shard <= generation->shards; shard++)
        generation->counts[shard * generation->counters + counter] = (struct fw_count){0};
    return sum;
}

void generation_carry_counts(const struct generation *old, const struct generation *heir)
{
    if (!old->counts || !heir->counts || is_same_map(old->counts_fd, heir->counts_fd))
        return;
    for (uint32_t i = 0; i < old->counters && i < heir->counters; i++) {
        struct fw_count sum = generation_take(old, i);
        struct fw_count *carried = &heir->counts[heir->shards * heir->counters + i];

        carried->packets += sum.packets;
        carried->bytes += sum.bytes;
        carried->last_ns = newest(carried->last_ns, sum.last_ns);
    }
}

void generation_retire(const struct entry *entry, struct generation *generation)
{
    generation_withdraw(entry, generation->slot);
    (void)pins_slot_remove(&entry->pins, generation->slot);
    generation_forget(generation);
}
