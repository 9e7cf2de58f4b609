/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/kernel.h"
#include "bpf/fw_entry.skel.h"
#include "bpf/fw_generation.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define XDP_PASSES 2U

struct kernel {
    struct fw_entry *entry;
    struct fw_generation *generation;
    uint32_t counters;
    struct fw_count reasons[FW_REASON_COUNT]; /* as last seen */
    struct fw_count *rules;
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

static void size_maps(struct kernel *kernel, const struct compile_tables *tables)
{
    struct fw_generation *gen = kernel->generation;

    kernel->counters = tables->counters_count + 1;
    gen->rodata->fw_shards = 1;
    gen->rodata->fw_counts_atomic = 1;
    gen->rodata->fw_rule_counters = kernel->counters;
    (void)bpf_map__set_max_entries(gen->maps.fw_rule_counts, kernel->counters);
    (void)bpf_map__set_max_entries(gen->maps.fw_rules, tables->rules_count + 1);
    (void)bpf_map__set_max_entries(gen->maps.fw_class4, tables->class4_count + 1);
    (void)bpf_map__set_max_entries(gen->maps.fw_class6, tables->class6_count + 1);
    (void)bpf_map__set_max_entries(gen->maps.fw_classes, tables->classes_count + 1);
    (void)bpf_map__set_max_entries(gen->maps.fw_hosts, tables->hosts_count + 1);
}

static int load(struct kernel *kernel, const struct compile_tables *tables)
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
    size_maps(kernel, tables);
    r = share(gen->maps.fw_xdp_scratch, kernel->entry->maps.fw_xdp_scratch);
    if (r == 0)
        r = share(gen->maps.fw_tc_scratch, kernel->entry->maps.fw_tc_scratch);
    if (r == 0)
        r = share(gen->maps.fw_reason_counts, kernel->entry->maps.fw_reason_counts);
    return r == 0 ? fw_generation__load(gen) : r;
}

static int put(const struct bpf_map *map, const void *key, const void *value)
{
    return bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY);
}

static int fill_arrays(struct kernel *kernel, const struct compile_tables *tables)
{
    struct fw_generation *gen = kernel->generation;
    uint32_t zero = 0;
    int r = put(gen->maps.fw_gen, &zero, &tables->gen);

    for (uint32_t i = 0; r == 0 && i < tables->rules_count; i++)
        r = put(gen->maps.fw_rules, &i, &tables->rules[i]);
    for (uint32_t i = 0; r == 0 && i < tables->classes_count; i++)
        r = put(gen->maps.fw_classes, &i, &tables->classes[i]);
    for (uint32_t i = 0; r == 0 && i < tables->manage_count; i++)
        r = put(gen->maps.fw_manage, &i, &tables->manage[i]);
    return r;
}

static int fill_keyed(struct kernel *kernel, const struct compile_tables *tables)
{
    struct fw_generation *gen = kernel->generation;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < tables->class4_count; i++)
        r = put(gen->maps.fw_class4, &tables->class4[i].key, &tables->class4[i].class);
    for (uint32_t i = 0; r == 0 && i < tables->class6_count; i++)
        r = put(gen->maps.fw_class6, &tables->class6[i].key, &tables->class6[i].class);
    for (uint32_t i = 0; r == 0 && i < tables->devices_count; i++)
        r = put(gen->maps.fw_devices, &tables->devices[i].index, &tables->devices[i].device);
    for (uint32_t i = 0; r == 0 && i < tables->hosts_count; i++)
        r = put(gen->maps.fw_hosts, &tables->hosts[i].address, &tables->hosts[i].flags);
    return r;
}

static int put_program(const struct bpf_map *programs, const struct bpf_program *program)
{
    uint32_t slot = KERNEL_SLOT;
    int fd = bpf_program__fd(program);

    return put(programs, &slot, &fd);
}

static int put_programs(struct kernel *kernel)
{
    struct fw_generation *gen = kernel->generation;
    int r = put_program(gen->maps.fw_xdp_verdict_progs, gen->progs.fw_xdp_verdict);

    if (r == 0)
        r = put_program(gen->maps.fw_tc_verdict_progs, gen->progs.fw_tc_verdict);
    if (r == 0)
        r = put_program(kernel->entry->maps.fw_xdp_parse_progs, gen->progs.fw_xdp_parse);
    if (r == 0)
        r = put_program(kernel->entry->maps.fw_tc_parse_progs, gen->progs.fw_tc_parse);
    return r;
}

int kernel_new(
    const struct compile_tables *tables, struct kernel **ret_kernel, struct problem *reterr_problem)
{
    struct kernel *kernel = calloc(1, sizeof(*kernel));
    int r;

    if (!kernel)
        return -ENOMEM;
    r = load(kernel, tables);
    if (r == 0)
        r = fill_arrays(kernel, tables);
    if (r == 0)
        r = fill_keyed(kernel, tables);
    if (r == 0)
        r = put_programs(kernel);
    if (r == 0)
        kernel->rules = calloc(kernel->counters, sizeof(*kernel->rules));
    if (r < 0 || !kernel->rules) {
        kernel_free(kernel);
        return problem_say(reterr_problem, r < 0 ? r : -ENOMEM, "the programs do not load: %s",
            strerror(r < 0 ? -r : ENOMEM));
    }
    kernel_set_word(kernel, FW_WORD(KERNEL_SLOT, 0, 0));
    *ret_kernel = kernel;
    return 0;
}

void kernel_free(struct kernel *kernel)
{
    if (!kernel)
        return;
    fw_generation__destroy(kernel->generation);
    fw_entry__destroy(kernel->entry);
    free(kernel->rules);
    free(kernel);
}

void kernel_set_word(struct kernel *kernel, uint64_t word)
{
    uint32_t zero = 0;

    (void)put(kernel->entry->maps.fw_word, &zero, &word);
}

int kernel_remove_program(struct kernel *kernel, enum fw_kind kind, uint32_t stage, uint32_t slot)
{
    struct bpf_map *maps[2][2] = {
        {kernel->entry->maps.fw_xdp_parse_progs, kernel->generation->maps.fw_xdp_verdict_progs},
        {kernel->entry->maps.fw_tc_parse_progs, kernel->generation->maps.fw_tc_verdict_progs}};

    return bpf_map_delete_elem(bpf_map__fd(maps[kind][stage]), &slot);
}

/* Which counters moved since the last packet. Dry-run and shadow marks are no reasons of their own. */
static void read_counters(struct kernel *kernel, struct host_answer *ret_answer)
{
    int reasons = bpf_map__fd(kernel->entry->maps.fw_reason_counts);
    int rules = bpf_map__fd(kernel->generation->maps.fw_rule_counts);
    struct fw_count count;

    ret_answer->reason = FW_REASON_COUNT;
    ret_answer->counter = FW_COUNTER_NONE;
    for (uint32_t i = 0; i < FW_REASON_COUNT; i++) {
        if (bpf_map_lookup_elem(reasons, &i, &count) < 0)
            continue;
        if (count.packets != kernel->reasons[i].packets && i != FW_REASON_PASS_DRY_RUN &&
            i != FW_REASON_SHADOW_DIFFERS)
            ret_answer->reason = i;
        kernel->reasons[i] = count;
    }
    for (uint32_t i = 0; i < kernel->counters; i++) {
        if (bpf_map_lookup_elem(rules, &i, &count) < 0)
            continue;
        if (count.packets != kernel->rules[i].packets)
            ret_answer->counter = i;
        kernel->rules[i] = count;
    }
}

int kernel_decide(
    struct kernel *kernel, enum fw_kind kind, struct bytes frame, struct host_answer *ret_answer)
{
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.at, .data_size_in = (uint32_t)frame.len,
        .repeat = 1);
    struct bpf_program *program = kind == FW_KIND_XDP ? kernel->entry->progs.fw_xdp_entry
                                                      : kernel->entry->progs.fw_tc_entry;
    int r = bpf_prog_test_run_opts(bpf_program__fd(program), &options);

    if (r < 0)
        return r;
    read_counters(kernel, ret_answer);
    ret_answer->drops = kind == FW_KIND_XDP ? options.retval != XDP_PASSES
                                            : options.retval != (uint32_t)-1;
    return 0;
}
