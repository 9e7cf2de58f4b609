/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/classify_headers.h"
#include "tests/bench/packet/micro/picker.h"
#include "tests/bench/packet/micro/tables.h"
#include "tests/bench/packet/rules/classbench.h"

#include <errno.h>
#include <stdio.h>

/* The answer to the last header is written down by a run behind it. */
static int add_last(struct bench_headers *headers)
{
    return bench_headers_append(headers, &headers->headers[headers->count - 1]);
}

static int print(const struct bench_tables *tables, const struct bench_headers *headers,
    const volatile uint64_t *answers)
{
    int differs = 0;

    for (uint32_t i = 0; i + 1 < headers->count; i++) {
        int kernel = FW_ID_ORDER(answers[i]) == FW_ORDER_NONE ? -1 : (int)FW_ID_COUNTER(answers[i]);
        int host = (int)bench_tables_decide(tables, &headers->headers[i]);

        (void)printf("%d %d\n", kernel, host);
        differs |= kernel != host;
    }
    return differs;
}

static int run(
    const struct bench_tables *tables, const struct bench_headers *headers, struct problem *problem)
{
    struct picker_options options = {.headers = headers, .mode = PICK_VERDICT, .keeps = true};
    const volatile uint64_t *answers = NULL;
    struct kernel *kernel = NULL;
    struct picker *picker = NULL;
    int r = kernel_new(&tables->tables, &kernel, problem);

    options.kernel = kernel;
    if (r == 0)
        r = picker_new(&options, &picker, problem);
    if (r == 0)
        answers = picker_answers(picker);
    if (answers)
        r = print(tables, headers, answers);
    else if (r == 0)
        r = problem_say(problem, -EIO, "the kernel does not run the program");
    picker_free(picker);
    kernel_free(kernel);
    return r;
}

static int check_families(
    const struct bench_rules *rules, const struct bench_headers *headers, struct problem *problem)
{
    if (rules->count == 0 || headers->count == 0)
        return problem_say(problem, -EINVAL, "there are no rules, or no headers");
    for (uint32_t i = 0; i < rules->count; i++)
        if (rules->rules[i].family != rules->rules[0].family)
            return problem_say(problem, -EINVAL, "rules of both families; take one at a time");
    for (uint32_t i = 0; i < headers->count; i++)
        if (headers->headers[i].family != rules->rules[0].family)
            return problem_say(
                problem, -EINVAL, "header %u is not of the family of the rules", i + 1);
    return 0;
}

int classify_headers(const char *rules_path, const char *headers_path)
{
    struct bench_rules rules = {0};
    struct bench_headers headers = {0};
    struct bench_tables tables = {0};
    struct problem problem = {.text = "out of memory"};
    int r = classbench_read_rules(rules_path, CLASSBENCH_FIVE_TUPLE, &rules, &problem);

    if (r == 0)
        r = classbench_read_headers(headers_path, &headers, &problem);
    if (r == 0)
        r = check_families(&rules, &headers, &problem);
    if (r == 0)
        r = add_last(&headers);
    if (r == 0)
        r = bench_tables_init(&tables, &rules, rules.rules[0].family);
    if (r == 0)
        r = compile_build(&tables.tables, &problem);
    if (r == 0 && !kernel_is_possible())
        r = 77;
    if (r == 0)
        r = run(&tables, &headers, &problem);
    if (r < 0)
        (void)fprintf(stderr, "%s\n", problem.text);
    else if (r == 77)
        (void)fprintf(stderr, "skipped: loading BPF programs needs root and a kernel with BPF\n");
    bench_tables_fini(&tables);
    bench_rules_fini(&rules);
    bench_headers_fini(&headers);
    return r < 0 ? 2 : r;
}
