/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/picker.h"
#include "tests/bench/packet/micro/rows.h"
#include "tests/bench/packet/micro/tables.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/linear.h"
#include "tests/bench/packet/rules/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 160

struct rule_set {
    char name[96];
    struct bench_rules rules;
    struct bench_tables tables;
    uint8_t family;
    struct kernel *kernel;
    struct linear *linear;
};

static void close_set(struct rule_set *set)
{
    kernel_free(set->kernel);
    linear_free(set->linear);
    bench_tables_fini(&set->tables);
    bench_rules_fini(&set->rules);
}

static void add_row(const struct rule_set *set, struct row *row)
{
    row->entries = set->rules.count;
    row->family = set->family == FW_IPV6 ? 6 : 4;
    rows_add(row);
}

/* Compiles, says what that took, loads. */
static int open_set(struct rule_set *set, struct problem *problem)
{
    char name[NAME_BYTES];
    double began;
    int r = bench_tables_init(&set->tables, &set->rules, set->family);

    began = now_ms();
    if (r == 0)
        r = compile_build(&set->tables.tables, problem);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof(name), "compile/%s", set->name);
    add_row(set, &(struct row){.name = name, .value = now_ms() - began, .unit = "ms"});
    (void)snprintf(name, sizeof(name), "memory/%s", set->name);
    add_row(set, &(struct row){.name = name,
                     .value = 8.0 * set->tables.tables.blobs[FW_BLOB_FOREST4 + set->family].count /
                              set->rules.count,
                     .unit = "B/rule"});
    r = linear_new(&set->rules, &set->linear);
    return r < 0 ? r : kernel_new_one_cpu(&set->tables.tables, &set->kernel, problem);
}

static int compare(const struct rule_set *set, const struct bench_headers *headers)
{
    struct picker_options options = {
        .kernel = set->kernel, .headers = headers, .mode = PICK_VERDICT, .keeps = true};
    uint32_t *wanted = calloc(headers->count + 1U, sizeof(*wanted));
    const volatile uint64_t *answers;
    struct picker *picker = NULL;
    struct problem problem = {.text = "out of memory"};
    int r = wanted ? picker_new(&options, &picker, &problem) : -ENOMEM;

    if (r == 0)
        r = linear_decide_all(set->linear, headers, 2, wanted);
    answers = r == 0 ? picker_answers(picker) : NULL;
    for (uint32_t i = 0; answers && r == 0 && i + 1 < headers->count; i++) {
        uint32_t found =
            FW_ID_ORDER(answers[i]) == FW_ORDER_NONE ? BENCH_NO_RULE : FW_ID_COUNTER(answers[i]);

        if (found != wanted[i]) {
            (void)fprintf(stderr, "%s: header %u: the kernel says rule %d, a plain search %d\n",
                set->name, i, (int)found, (int)wanted[i]);
            r = 1;
        }
    }
    if (r < 0 || !answers)
        (void)fprintf(stderr, "%s: %s\n", set->name, problem.text);
    picker_free(picker);
    free(wanted);
    return answers || r ? r : -EIO;
}

/* Verdict and control take turns. */
static int time_trace(const struct rule_set *set, const char *trace,
    const struct bench_headers *headers, const struct scale *scale)
{
    struct picker_options options = {.kernel = set->kernel, .headers = headers};
    struct picker *pickers[2] = {NULL, NULL};
    double above[ROUNDS_MAX], controls[ROUNDS_MAX];
    char name[NAME_BYTES];
    struct problem problem;
    int r = 0;

    for (int i = 0; r == 0 && i < 2; i++) {
        options.mode = i ? PICK_VERDICT : PICK_FINISH;
        r = picker_new(&options, &pickers[i], &problem);
    }
    for (uint32_t round = 0; r == 0 && round < scale->rounds; round++) {
        controls[round] = picker_time(pickers[0], scale->repeat);
        above[round] = picker_time(pickers[1], scale->repeat) - controls[round];
    }
    picker_free(pickers[0]);
    picker_free(pickers[1]);
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", set->name, problem.text);
        return r;
    }
    (void)snprintf(name, sizeof(name), "verdict/%s/%s", set->name, trace);
    struct row row = {.name = name, .unit = "ns", .peer = "the program without a verdict"};

    row_of_rounds(&row, above, controls, scale->rounds);
    add_row(set, &row);
    return 0;
}

static int measure(struct rule_set *set, const struct scale *scale)
{
    static const struct {
        const char *name;
        int (*draw)(const struct bench_rules *, uint32_t, uint64_t, struct bench_headers *);
        bool is_timed;
    } traces[] = {{"rules", trace_rules, true}, {"flood", trace_flood, true},
        {"flow", trace_one_flow, true}, {"corners", trace_corners, false}};
    struct problem problem = {.text = "out of memory"};
    int r;

    (void)fprintf(stderr, "packet: %s\n", set->name);
    r = open_set(set, &problem);

    if (r < 0)
        (void)fprintf(stderr, "%s: %s\n", set->name, problem.text);
    for (size_t i = 0; r == 0 && i < sizeof(traces) / sizeof(traces[0]); i++) {
        struct bench_headers headers = {0};

        r = traces[i].draw(&set->rules, scale->checked, 11, &headers);
        if (r == 0 && headers.count)
            r = compare(set, &headers);
        bench_headers_fini(&headers);
        if (r == 0 && traces[i].is_timed) {
            r = traces[i].draw(&set->rules, scale->headers, 12, &headers);
            if (r == 0)
                r = time_trace(set, traces[i].name, &headers, scale);
            bench_headers_fini(&headers);
        }
    }
    close_set(set);
    return r;
}

int measure_rules_file(const char *path, const struct scale *scale)
{
    struct rule_set set = {0};
    struct problem problem;
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int r = classbench_read_rules(path, CLASSBENCH_FIVE_TUPLE, &set.rules, &problem);

    if (r == 0 && set.rules.count == 0)
        r = problem_say(&problem, -EINVAL, "%.100s has no rules", path);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return r;
    }
    set.family = set.rules.rules[0].family;
    (void)snprintf(set.name, sizeof(set.name), "%.*s", (int)strcspn(base, "."), base);
    return measure(&set, scale);
}

int measure_generated(const char *name, uint8_t family, uint32_t count, const struct scale *scale)
{
    struct generate generate = {.name = name, .family = family, .count = count, .seed = 1};
    struct rule_set set = {.family = family};
    struct problem problem;
    int r = generate_rules(&generate, &set.rules, &problem);

    if (r < 0) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return r;
    }
    (void)snprintf(
        set.name, sizeof(set.name), "%s%s_%u", name, family == FW_IPV6 ? "_v6" : "", count);
    return measure(&set, scale);
}
