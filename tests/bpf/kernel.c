/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/kernel.h"
#include "bpf/fw_entry.skel.h"
#include "bpf/fw_generation.skel.h"
#include "node/datapath/blobs.h"
#include "node/datapath/device_rows.h"
#include "node/datapath/tables.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define XDP_PASSES 2U

struct kernel {
    struct fw_entry *entry;
    struct fw_generation *generation;
    struct fw_generation *second; /* of another slot */
    uint32_t counters;
    const volatile struct fw_count *reason_counts; /* the kernel's, by mmap */
    const volatile struct fw_count *rule_counts;
    uint64_t reasons[FW_REASON_COUNT]; /* packets as last seen */
    uint64_t *rules;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
    return 0;
}

static void raise_memlock(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* before 5.11 maps count against it */
}

bool kernel_is_possible(void)
{
    LIBBPF_OPTS(bpf_map_create_opts, options);
    int fd;

    if (geteuid() != 0)
        return false;
    raise_memlock();
    libbpf_set_print(quiet);
    fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fw_try", 4, 4, 1, &options);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static int share(struct bpf_map *to, const struct bpf_map *from)
{
    return bpf_map__reuse_fd(to, bpf_map__fd(from));
}

static int lend(const struct kernel *kernel, struct fw_generation *to)
{
    int r = share(to->maps.fw_xdp_scratch, kernel->entry->maps.fw_xdp_scratch);

    if (r == 0)
        r = share(to->maps.fw_tc_scratch, kernel->entry->maps.fw_tc_scratch);
    return r == 0 ? share(to->maps.fw_reason_counts, kernel->entry->maps.fw_reason_counts) : r;
}

/* How a generation is loaded. */
#define BLOBS_CUT 1U
#define ONE_CPU 2U

static int size_maps(struct kernel *kernel, const struct compile_tables *tables, unsigned how)
{
    struct fw_generation *gen = kernel->generation;
    struct fw_blob_shape shapes[FW_BLOB_COUNT];
    int r = blobs_size(tables, gen->obj, how & BLOBS_CUT, shapes);

    for (uint32_t i = 0; r == 0 && i < FW_BLOB_COUNT; i++) {
        gen->rodata->fw_blob_shapes[i].last = shapes[i].last;
        gen->rodata->fw_blob_shapes[i].is_cut = shapes[i].is_cut;
    }

    kernel->counters = tables->counters_count + 1;
    gen->rodata->fw_shards = 1;
    gen->rodata->fw_counts_atomic = !(how & ONE_CPU);
    gen->rodata->fw_has_coarse_clock = (how & ONE_CPU) != 0;
    gen->rodata->fw_rule_counters = kernel->counters;
    (void)bpf_map__set_max_entries(gen->maps.fw_rule_counts, kernel->counters);
    return r == 0 ? tables_size_maps(tables, gen->obj) : r;
}

static int load(struct kernel *kernel, const struct compile_tables *tables, unsigned how)
{
    struct fw_generation *gen;
    int r;

    kernel->entry = fw_entry__open();
    if (!kernel->entry)
        return -errno;
    kernel->entry->rodata->fw_shards = 1;
    r = fw_entry__load(kernel->entry);
    if (r < 0)
        return r;
    kernel->generation = gen = fw_generation__open();
    if (!gen)
        return -errno;
    r = size_maps(kernel, tables, how);
    if (r == 0)
        r = lend(kernel, gen);
    return r == 0 ? fw_generation__load(gen) : r;
}

static int put(const struct bpf_map *map, const void *key, const void *value)
{
    return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
}

static int open_loaded(void *user, const char *name)
{
    const struct bpf_map *map = bpf_object__find_map_by_name(user, name);

    return map ? dup(bpf_map__fd(map)) : -ENOENT;
}

static int fill_blobs(struct kernel *kernel, const struct compile_tables *tables)
{
    struct blobs_maps maps;
    const char *map;
    int r = blobs_open(open_loaded, kernel->generation->obj, &maps);

    if (r < 0)
        return r;
    r = blobs_fill(tables, &maps, &map);
    blobs_close(&maps);
    return r;
}

static int fill_devices(struct kernel *kernel, const struct compile_tables *tables)
{
    struct device_rows rows;
    int r = device_rows_open(open_loaded, kernel->generation->obj, &rows);

    if (r < 0)
        return r;
    r = device_rows_fill(&rows, tables->devices, tables->devices_count);
    device_rows_close(&rows);
    return r;
}

static int fill(struct kernel *kernel, const struct compile_tables *tables)
{
    struct tables_maps maps;
    const char *map;
    int r = tables_open_maps(open_loaded, kernel->generation->obj, &maps);

    if (r < 0)
        return r;
    r = tables_fill_maps(tables, &maps, &map);
    tables_close_maps(&maps);
    if (r == 0)
        r = fill_devices(kernel, tables);
    return r == 0 ? fill_blobs(kernel, tables) : r;
}

static int put_program(
    uint32_t slot, const struct bpf_map *programs, const struct bpf_program *program)
{
    int fd = bpf_program__fd(program);

    return put(programs, &slot, &fd);
}

static int put_programs(struct kernel *kernel, uint32_t slot)
{
    struct fw_generation *gen = kernel->generation;
    int r = put_program(slot, kernel->entry->maps.fw_xdp_parse_progs, gen->progs.fw_xdp_parse);

    if (r == 0)
        r = put_program(slot, kernel->entry->maps.fw_tc_parse_progs, gen->progs.fw_tc_parse);
    return r;
}

static size_t counts_bytes(uint32_t count)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (count * sizeof(struct fw_count) + page - 1) / page * page;
}

static const volatile struct fw_count *look_at(const struct bpf_map *map, uint32_t count)
{
    void *at = mmap(NULL, counts_bytes(count), PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

    return at == MAP_FAILED ? NULL : at;
}

static int open_counters(struct kernel *kernel)
{
    kernel->rules = calloc(kernel->counters, sizeof(*kernel->rules));
    kernel->reason_counts = look_at(kernel->entry->maps.fw_reason_counts, FW_REASONS_MAX);
    kernel->rule_counts = look_at(kernel->generation->maps.fw_rule_counts, kernel->counters);
    return kernel->rules && kernel->reason_counts && kernel->rule_counts ? 0 : -ENOMEM;
}

static int new_kernel(const struct compile_tables *tables, unsigned how, struct kernel **ret_kernel,
    struct problem *reterr_problem)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    int r;

    if (!kernel)
        return -ENOMEM;
    r = load(kernel, tables, how);
    if (r == 0)
        r = fill(kernel, tables);
    if (r == 0)
        r = put_programs(kernel, KERNEL_SLOT);
    if (r == 0)
        r = open_counters(kernel);
    if (r < 0) {
        kernel_free(kernel);
        return problem_say(reterr_problem, r, "the programs do not load: %s", strerror(-r));
    }
    kernel_set_word(kernel, FW_WORD(KERNEL_SLOT, 0, 0));
    *ret_kernel = kernel;
    return 0;
}

int kernel_new(
    const struct compile_tables *tables, struct kernel **ret_kernel, struct problem *reterr_problem)
{
    return new_kernel(tables, 0, ret_kernel, reterr_problem);
}

int kernel_new_cut(
    const struct compile_tables *tables, struct kernel **ret_kernel, struct problem *reterr_problem)
{
    return new_kernel(tables, BLOBS_CUT, ret_kernel, reterr_problem);
}

int kernel_new_one_cpu(
    const struct compile_tables *tables, struct kernel **ret_kernel, struct problem *reterr_problem)
{
    return new_kernel(tables, ONE_CPU, ret_kernel, reterr_problem);
}

int kernel_refill(struct kernel *kernel, const struct compile_tables *tables)
{
    return fill(kernel, tables);
}

void kernel_free(struct kernel *kernel)
{
    if (!kernel)
        return;
    if (kernel->reason_counts)
        (void)munmap((void *)kernel->reason_counts, counts_bytes(FW_REASONS_MAX));
    if (kernel->rule_counts)
        (void)munmap((void *)kernel->rule_counts, counts_bytes(kernel->counters));
    fw_generation__destroy(kernel->second);
    fw_generation__destroy(kernel->generation);
    fw_entry__destroy(kernel->entry);
    free(kernel->rules);
    free(kernel);
}

uint32_t kernel_verified_max(const struct kernel *kernel)
{
    uint32_t most = 0;
    struct bpf_program *program;

    bpf_object__for_each_program(program, kernel->generation->obj)
    {
        struct bpf_prog_info info = {0};
        uint32_t len = sizeof(info);

        if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len) == 0 &&
            info.verified_insns > most)
            most = info.verified_insns;
    }
    return most;
}

int kernel_add(struct kernel *kernel, const struct compile_tables *tables, uint32_t slot)
{
    struct kernel beside = {.entry = kernel->entry, .generation = fw_generation__open()};
    int r;

    if (!beside.generation)
        return -errno;
    kernel->second = beside.generation;
    r = size_maps(&beside, tables, 0);
    if (r == 0)
        r = lend(kernel, beside.generation);
    if (r == 0)
        r = fw_generation__load(beside.generation);
    if (r == 0)
        r = fill(&beside, tables);
    return r == 0 ? put_programs(&beside, slot) : r;
}

uint64_t kernel_reason_packets(const struct kernel *kernel, enum fw_reason reason)
{
    return kernel->reason_counts[reason].packets;
}

const struct bpf_map *kernel_map(const struct kernel *kernel, const char *name)
{
    return bpf_object__find_map_by_name(kernel->generation->obj, name);
}

void kernel_set_word(struct kernel *kernel, uint64_t word)
{
    uint32_t zero = 0;

    (void)put(kernel->entry->maps.fw_word, &zero, &word);
}

int kernel_remove_program(struct kernel *kernel, enum fw_kind kind, uint32_t stage, uint32_t place)
{
    const struct bpf_map *parse[] = {
        kernel->entry->maps.fw_xdp_parse_progs, kernel->entry->maps.fw_tc_parse_progs};
    const struct bpf_map *verdict[] = {
        kernel->generation->maps.fw_xdp_verdicts, kernel->generation->maps.fw_tc_verdicts};

    return bpf_map_delete_elem(bpf_map__fd(stage == 0 ? parse[kind] : verdict[kind]), &place);
}

/* Which counters moved since the last packet. Dry-run and shadow marks are no reasons of their own.
 */
static void read_counters(struct kernel *kernel, struct host_answer *ret_answer)
{
    ret_answer->reason = FW_REASON_COUNT;
    ret_answer->counter = FW_COUNTER_NONE;
    for (uint32_t i = 0; i < FW_REASON_COUNT; i++) {
        uint64_t packets = kernel->reason_counts[i].packets;

        if (packets != kernel->reasons[i] && i != FW_REASON_PASS_DRY_RUN &&
            i != FW_REASON_SHADOW_DIFFERS)
            ret_answer->reason = i;
        kernel->reasons[i] = packets;
    }
    for (uint32_t i = 0; i < kernel->counters; i++) {
        uint64_t packets = kernel->rule_counts[i].packets;

        if (packets != kernel->rules[i])
            ret_answer->counter = i;
        kernel->rules[i] = packets;
    }
}

static int entry_fd(const struct kernel *kernel, enum fw_kind kind)
{
    return bpf_program__fd(
        kind == FW_KIND_XDP ? kernel->entry->progs.fw_xdp_entry : kernel->entry->progs.fw_tc_entry);
}

double kernel_time(
    const struct kernel *kernel, enum fw_kind kind, struct bytes frame, uint32_t repeat)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.at,
        .data_size_in = (uint32_t)frame.len, .repeat = (int)repeat);
    int r = bpf_prog_test_run_opts(entry_fd(kernel, kind), &options);

    return r < 0 ? (double)r : (double)options.duration;
}

int kernel_decide(
    struct kernel *kernel, enum fw_kind kind, struct bytes frame, struct host_answer *ret_answer)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.at,
        .data_size_in = (uint32_t)frame.len, .repeat = 1);
    int r = bpf_prog_test_run_opts(entry_fd(kernel, kind), &options);

    if (r < 0)
        return r;
    read_counters(kernel, ret_answer);
    ret_answer->drops =
        kind == FW_KIND_XDP ? options.retval != XDP_PASSES : options.retval != (uint32_t)-1;
    return 0;
}
