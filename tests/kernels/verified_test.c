/* SPDX-License-Identifier: Apache-2.0 */
/* Every program loads, and what the verifier did for it. The count is read from the verifier's own
 * log: kernels before 5.16 report it nowhere else. */
#include "bpf/fw_abi.h"
#include "bpf/fw_entry.skel.h"
#include "bpf/fw_generation.skel.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define VERIFIED_MOST 200000
#define LOG_BYTES 65536
#define LOG_STATISTICS 4 /* BPF_LOG_STATS: the counts and nothing else */

struct log {
    struct log *next;
    const struct bpf_program *program;
    char text[LOG_BYTES];
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level;
    (void)format;
    (void)args;
    return 0;
}

static struct log *listen_to(struct bpf_object *object)
{
    struct log *logs = NULL;
    struct bpf_program *program;

    bpf_object__for_each_program(program, object)
    {
        struct log *log = calloc(1, sizeof(*log));

        assert_non_null(log);
        *log = (struct log){.next = logs, .program = program};
        logs = log;
        assert_int_equal(bpf_program__set_log_level(program, LOG_STATISTICS), 0);
        assert_int_equal(bpf_program__set_log_buf(program, log->text, LOG_BYTES), 0);
    }
    return logs;
}

/* With the verifier's own words where one does not load. Frees the logs. */
static void check(struct log *logs, int loaded, const char *what)
{
    unsigned over = 0, programs = 0;

    for (struct log *log = logs, *next; log; log = next) {
        const char *line = strstr(log->text, "processed ");
        unsigned long count = line ? strtoul(line + strlen("processed "), NULL, 10) : 0;

        if (loaded < 0)
            print_message("%s: %s\n", bpf_program__name(log->program), log->text);
        else
            print_message("verified %s %lu\n", bpf_program__name(log->program), count);
        over += count == 0 || count > VERIFIED_MOST;
        programs++;
        next = log->next;
        free(log);
    }
    if (loaded < 0)
        fail_msg("%s does not load: %s", what, strerror(-loaded));
    assert_true(programs > 0);
    assert_int_equal(over, 0);
}

static void the_entry_programs_load(void **state)
{
    struct fw_entry *entry = fw_entry__open();

    (void)state;
    assert_non_null(entry);
    struct log *logs = listen_to(entry->obj);

    check(logs, fw_entry__load(entry), "fw_entry");
    fw_entry__destroy(entry);
}

static void load_generation(uint32_t counts_atomic, uint32_t is_cut)
{
    struct fw_generation *generation = fw_generation__open();

    assert_non_null(generation);
    generation->rodata->fw_shards = 16;
    generation->rodata->fw_counts_atomic = counts_atomic;
    generation->rodata->fw_rule_counters = 256;
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++) { /* as the objects declare them: one word */
        generation->rodata->fw_blob_shapes[i].last = 0;
        generation->rodata->fw_blob_shapes[i].is_cut = is_cut;
    }
    struct log *logs = listen_to(generation->obj);

    check(logs, fw_generation__load(generation), "fw_generation");
    fw_generation__destroy(generation);
}

static void the_programs_of_a_generation_load(void **state)
{
    (void)state;
    load_generation(0, 0);
}

/* The verifier prunes by the constants: this is another program to it. */
static void they_load_where_cpus_share_counters(void **state)
{
    (void)state;
    load_generation(1, 0);
}

static void they_load_where_values_are_small(void **state)
{
    (void)state;
    load_generation(0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_entry_programs_load),
        cmocka_unit_test(the_programs_of_a_generation_load),
        cmocka_unit_test(they_load_where_cpus_share_counters),
        cmocka_unit_test(they_load_where_values_are_small),
    };
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};

    if (geteuid() != 0) {
        print_message("skipped: loading BPF programs needs root\n");
        return 77;
    }
    (void)setrlimit(RLIMIT_MEMLOCK, &all);
    libbpf_set_print(quiet);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
