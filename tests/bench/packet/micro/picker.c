/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/picker.h"
#include "node/datapath/blobs.h"
#include "tests/bench/packet/rules/picks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <micro/pick.skel.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAME_BYTES 64

struct picker {
    struct pick_program *program;
    uint32_t count;
    volatile uint64_t *answers;
    size_t answers_bytes;
};

static void *map_of(const struct bpf_map *map, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, (bytes + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED,
        bpf_map__fd(map), 0);

    return at == MAP_FAILED ? NULL : at;
}

/* Everything that the generation has, too, is the generation's. */
static int share_maps(struct picker *picker, const struct kernel *kernel)
{
    struct bpf_map *map;

    bpf_object__for_each_map(map, picker->program->obj)
    {
        const struct bpf_map *theirs =
            bpf_map__is_internal(map) ? NULL : kernel_map(kernel, bpf_map__name(map));

        if (theirs && bpf_map__reuse_fd(map, bpf_map__fd(theirs)) < 0)
            return -errno;
    }
    return 0;
}

static void set_sizes(struct picker *picker, const struct picker_options *options)
{
    struct pick_program *program = picker->program;

    program->rodata->fw_shards = 1;
    program->rodata->fw_counts_atomic = options->is_atomic;
    program->rodata->fw_has_coarse_clock = 1;
    program->rodata->pick_counted_mask = options->counted_spread ? options->counted_spread - 1 : 0;
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++) {
        const struct bpf_map *map = kernel_map(options->kernel, blobs_names[i]);

        program->rodata->fw_blob_shapes[i].last = bpf_map__value_size(map) - FW_BLOB_READ_BYTES - 8;
    }
    program->rodata->fw_rule_counters =
        bpf_map__max_entries(kernel_map(options->kernel, "fw_rule_counts"));
    program->rodata->pick_count = picker->count;
    program->rodata->pick_mode = options->mode;
    program->rodata->pick_keeps = options->keeps;
    program->rodata->pick_slot = KERNEL_SLOT;
    (void)bpf_map__set_max_entries(program->maps.pick_headers, picker->count);
    (void)bpf_map__set_max_entries(program->maps.pick_answers, picker->count);
    (void)bpf_map__set_max_entries(
        program->maps.pick_lpm, options->lpm ? options->lpm->count + 1 : 1);
}

static int fill_headers(struct picker *picker, const struct bench_headers *headers)
{
    size_t bytes = headers->count * sizeof(struct pick);
    struct pick *picks = map_of(picker->program->maps.pick_headers, bytes);

    if (!picks)
        return -ENOMEM;
    for (uint32_t i = 0; i < headers->count; i++)
        pick_of_header(&headers->headers[i], &picks[i]);
    (void)munmap(picks, bytes);
    return 0;
}

static int fill_lpm(struct picker *picker, const struct bench_prefixes *prefixes)
{
    int fd = bpf_map__fd(picker->program->maps.pick_lpm);

    for (uint32_t i = 0; prefixes && i < prefixes->count; i++) {
        struct {
            uint32_t bits;
            uint8_t address[16];
        } key = {.bits = prefixes->prefixes[i].length};
        uint32_t value = i + 1;

        memcpy(key.address, prefixes->prefixes[i].address, sizeof(key.address));
        if (bpf_map_update_elem(fd, &key, &value, BPF_ANY) < 0)
            return -errno;
    }
    return 0;
}

static int open_picker(struct picker *picker, const struct picker_options *options)
{
    int r;

    picker->program = pick_program__open();
    if (!picker->program)
        return -errno;
    set_sizes(picker, options);
    r = share_maps(picker, options->kernel);
    if (r == 0)
        r = pick_program__load(picker->program);
    if (r == 0)
        r = fill_headers(picker, options->headers);
    if (r == 0)
        r = fill_lpm(picker, options->lpm);
    picker->answers_bytes = picker->count * sizeof(uint64_t);
    if (r == 0)
        picker->answers = map_of(picker->program->maps.pick_answers, picker->answers_bytes);
    return r == 0 && !picker->answers ? -ENOMEM : r;
}

int picker_new(const struct picker_options *options, struct picker **ret_picker,
    struct problem *reterr_problem)
{
    struct picker *picker = calloc(1, sizeof(*picker));
    int r = -ENOMEM;

    if (picker) {
        picker->count = options->headers->count;
        r = open_picker(picker, options);
    }
    if (r < 0) {
        picker_free(picker);
        return problem_say(reterr_problem, r, "the measuring program: %s", strerror(-r));
    }
    *ret_picker = picker;
    return 0;
}

void picker_free(struct picker *picker)
{
    if (!picker)
        return;
    if (picker->answers)
        (void)munmap((void *)picker->answers, picker->answers_bytes);
    pick_program__destroy(picker->program);
    free(picker);
}

double picker_time(const struct picker *picker, uint32_t repeat)
{
    uint8_t frame[FRAME_BYTES] = {0};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
        .repeat = (int)repeat);
    int r = bpf_prog_test_run_opts(bpf_program__fd(picker->program->progs.pick_run), &options);

    return r < 0 ? (double)r : (double)options.duration;
}

const volatile uint64_t *picker_answers(const struct picker *picker)
{
    uint32_t zero = 0;
    uint64_t first = 0;

    if (bpf_map_update_elem(bpf_map__fd(picker->program->maps.pick_next), &zero, &first, BPF_ANY) <
        0)
        return NULL;
    /* An answer is written down by the run that follows it; the last one never is. */
    return picker_time(picker, picker->count) < 0 ? NULL : picker->answers;
}
