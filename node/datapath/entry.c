/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/entry.h"
#include "base/own.h"
#include "node/datapath/hook.h"
#include <bpf/bpf.h>
#include <bpf/fw_entry.skel.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORD_BYTES (2 * sizeof(uint64_t))
#define REASONS_BYTES (FW_SHARDS_MAX * FW_REASONS_MAX * sizeof(struct fw_count))
#define DEVICES_BYTES ((FW_SHARDS_MAX + 1) * FW_NUMBERS * sizeof(struct fw_device_count))

OWN_AS(own_fw_entry, struct fw_entry, fw_entry__destroy)

static const char *const map_names[ENTRY_MAPS] = {
    [ENTRY_WORD] = "fw_word",
    [ENTRY_XDP_PARSE] = "fw_xdp_parse_progs",
    [ENTRY_TC_PARSE] = "fw_tc_parse_progs",
    [ENTRY_XDP_SCRATCH] = "fw_xdp_scratch",
    [ENTRY_TC_SCRATCH] = "fw_tc_scratch",
    [ENTRY_REASONS] = "fw_reason_counts",
    [ENTRY_DEVICES] = "fw_device_counts",
    [ENTRY_EVENTS] = "fw_events",
    [ENTRY_EVENT_PACE] = "fw_event_pace",
    [ENTRY_EVENT_CPUS] = "fw_event_cpus",
};

static _Thread_local char complaint[120];

__attribute__((format(printf, 2, 0))) static int on_libbpf_line(
    enum libbpf_print_level level, const char *format, va_list args)
{
    if (level != LIBBPF_WARN || complaint[0])
        return 0;
    (void)vsnprintf(complaint, sizeof(complaint), format, args);
    complaint[strcspn(complaint, "\n")] = 0;
    return 0;
}

const char *entry_complaint(void)
{
    return complaint;
}

void entry_no_complaint(void)
{
    complaint[0] = 0;
}

void *entry_map_values(int map_fd, size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);

    return at == MAP_FAILED ? NULL : at;
}

void entry_unmap_values(void *at, size_t bytes)
{
    if (at)
        (void)munmap(at, bytes);
}

uint64_t entry_word(const struct entry *entry)
{
    return __atomic_load_n(&entry->word[0], __ATOMIC_SEQ_CST);
}

void entry_set_word(const struct entry *entry, uint64_t word)
{
    __atomic_store_n(&entry->word[0], word, __ATOMIC_SEQ_CST);
}

bool entry_is_permanent(const char *map_name)
{
    for (size_t i = 0; i < ENTRY_MAPS; i++) {
        if (strcmp(map_names[i], map_name) == 0)
            return true;
    }
    return false;
}

int entry_lend_maps(const struct entry *entry, struct bpf_object *object)
{
    for (size_t i = 0; i < ENTRY_MAPS; i++) {
        struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

        if (map && entry->maps[i] >= 0 && bpf_map__reuse_fd(map, entry->maps[i]) < 0)
            return -errno;
    }
    return 0;
}

static bool has_shape_of(int fd, const struct bpf_map *map)
{
    struct bpf_map_info info = {0};
    uint32_t len = sizeof(info);

    return bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.type == bpf_map__type(map) &&
           info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
           info.max_entries == bpf_map__max_entries(map);
}

/* Maps that an earlier daemon pinned; the rest stays -1 for now. */
static int find_maps(struct entry *entry, struct bpf_object *object, struct problem *reterr_problem)
{
    char path[PIN_PATH_BYTES];

    for (size_t i = 0; i < ENTRY_MAPS; i++) {
        const struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

        pins_path(&entry->pins, map_names[i], path);
        entry->maps[i] = bpf_obj_get(path);
        if (entry->maps[i] < 0 && errno != ENOENT)
            return problem_say(reterr_problem, -errno, "%.160s: %s", path, strerror(errno));
        if (entry->maps[i] >= 0 && map && !has_shape_of(entry->maps[i], map))
            return problem_say(reterr_problem, -EBADMSG,
                "%.140s is pinned in another shape than this build wants; picketd --remove takes "
                "all of it away",
                path);
    }
    return 0;
}

/* After the load: what was not there before is now, and gets its pin. */
static int keep_maps(struct entry *entry, struct bpf_object *object)
{
    char path[PIN_PATH_BYTES];

    for (size_t i = 0; i < ENTRY_MAPS; i++) {
        const struct bpf_map *map = bpf_object__find_map_by_name(object, map_names[i]);

        if (entry->maps[i] >= 0)
            continue;
        entry->maps[i] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
        pins_path(&entry->pins, map_names[i], path);
        if (entry->maps[i] < 0 || bpf_obj_pin(entry->maps[i], path) < 0)
            return -errno;
    }
    return 0;
}

static bool is_same_code(int a_fd, int b_fd)
{
    struct bpf_prog_info a = {0};
    struct bpf_prog_info b = {0};
    uint32_t len = sizeof(a);

    if (bpf_obj_get_info_by_fd(a_fd, &a, &len) < 0)
        return false;
    len = sizeof(b);
    return bpf_obj_get_info_by_fd(b_fd, &b, &len) == 0 && memcmp(a.tag, b.tag, sizeof(a.tag)) == 0;
}

/* The pinned program if it is of the same code, else the loaded one takes its pin. */
static int keep_program(const struct entry *entry, const struct bpf_program *program, int *ret_fd)
{
    char path[PIN_PATH_BYTES];

    pins_path(&entry->pins, bpf_program__name(program), path);
    OWN(own_fd) int pinned = bpf_obj_get(path);

    if (pinned >= 0 && is_same_code(pinned, bpf_program__fd(program))) {
        *ret_fd = give_fd(pinned);
        return 0;
    }
    if (pinned >= 0 && unlink(path) < 0)
        return -errno;
    *ret_fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0);
    if (*ret_fd < 0 || bpf_obj_pin(*ret_fd, path) < 0)
        return -errno;
    return 0;
}

static int keep_programs(struct entry *entry, const struct fw_entry *skeleton)
{
    int r = keep_program(entry, skeleton->progs.fw_xdp_entry, &entry->xdp_fd);

    if (r == 0) /* filters of an older build are found by their program's id and replaced */
        r = keep_program(entry, skeleton->progs.fw_tc_entry, &entry->tc_fd);
    if (r < 0)
        return r;
    entry->xdp_id = hook_program_id(entry->xdp_fd);
    entry->tc_id = hook_program_id(entry->tc_fd);
    return entry->xdp_id && entry->tc_id ? 0 : -EIO;
}

static int map_values(struct entry *entry)
{
    entry->word = entry_map_values(entry->maps[ENTRY_WORD], WORD_BYTES);
    entry->counts = entry_map_values(entry->maps[ENTRY_REASONS], REASONS_BYTES);
    entry->device_counts = entry_map_values(entry->maps[ENTRY_DEVICES], DEVICES_BYTES);
    entry->event_pace = entry_map_values(entry->maps[ENTRY_EVENT_PACE], sizeof(*entry->event_pace));
    return entry->word && entry->counts && entry->device_counts && entry->event_pace ? 0 : -ENOMEM;
}

static void count_cpus(struct entry *entry)
{
    int cpus = libbpf_num_possible_cpus();

    entry->shards = 1;
    while (entry->shards < FW_SHARDS_MAX && (cpus <= 0 || entry->shards < (uint32_t)cpus))
        entry->shards *= 2;
    entry->is_atomic = cpus <= 0 || cpus > FW_SHARDS_MAX;
}

static int load(struct entry *entry, struct problem *reterr_problem)
{
    OWN(own_fw_entry) struct fw_entry *skeleton = fw_entry__open();

    if (!skeleton)
        return problem_say(reterr_problem, -ENOMEM, "no memory for the entry programs");
    skeleton->rodata->fw_shards = entry->shards;
    skeleton->rodata->fw_counts_atomic = entry->is_atomic;
    skeleton->rodata->fw_has_coarse_clock = entry->has_coarse_clock;
    int r = find_maps(entry, skeleton->obj, reterr_problem);

    if (r < 0)
        return r;
    r = entry_lend_maps(entry, skeleton->obj);
    if (r == 0)
        r = fw_entry__load(skeleton);
    if (r < 0)
        return problem_say(reterr_problem, r, "the kernel refuses the entry programs: %s (%s)",
            strerror(-r), complaint);
    r = keep_maps(entry, skeleton->obj);
    if (r == 0)
        r = keep_programs(entry, skeleton);
    if (r == 0)
        r = map_values(entry);
    return r < 0 ? problem_say(reterr_problem, r, "%.160s: cannot pin there: %s", entry->pins.root,
                       strerror(-r))
                 : 0;
}

int entry_open(const struct pins *pins, struct entry *ret_entry, struct problem *reterr_problem)
{
    *ret_entry = (struct entry){.pins = *pins, .xdp_fd = -1, .tc_fd = -1};
    for (size_t i = 0; i < ENTRY_MAPS; i++)
        ret_entry->maps[i] = -1;
    entry_no_complaint();
    (void)libbpf_set_print(on_libbpf_line);
    count_cpus(ret_entry);
    ret_entry->has_coarse_clock =
        libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_ktime_get_coarse_ns, NULL) == 1;
    int r = load(ret_entry, reterr_problem);

    if (r < 0)
        entry_close(ret_entry);
    return r;
}

void entry_close(struct entry *entry)
{
    entry_unmap_values(entry->word, WORD_BYTES);
    entry_unmap_values(entry->counts, REASONS_BYTES);
    entry_unmap_values(entry->device_counts, DEVICES_BYTES);
    entry_unmap_values(entry->event_pace, sizeof(*entry->event_pace));
    entry->word = NULL;
    entry->counts = NULL;
    entry->device_counts = NULL;
    entry->event_pace = NULL;
    for (size_t i = 0; i < ENTRY_MAPS; i++)
        own_fd(&entry->maps[i]);
    own_fd(&entry->xdp_fd);
    own_fd(&entry->tc_fd);
}
