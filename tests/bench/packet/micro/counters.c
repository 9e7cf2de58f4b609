/* SPDX-License-Identifier: Apache-2.0 */
/* What counting costs: the end of a verdict alone, over many headers, with and without a rule. */
#include "tests/bench/packet/micro/picker.h"
#include "tests/bench/packet/micro/rows.h"
#include "tests/bench/packet/rules/trace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEADERS 65536U /* of which the index chooses the counter */

enum counted { NOTHING, REASON, RULE, RULES, REASON_ATOMIC, RULE_ATOMIC, COUNTED };

static const struct picker_options kinds[COUNTED] = {
    [NOTHING] = {.mode = PICK_NOTHING},
    [REASON] = {.mode = PICK_FINISH},
    [RULE] = {.mode = PICK_COUNT},
    [RULES] = {.mode = PICK_COUNT, .counted_spread = COUNTERS_SPREAD},
    [REASON_ATOMIC] = {.mode = PICK_FINISH, .is_atomic = true},
    [RULE_ATOMIC] = {.mode = PICK_COUNT, .is_atomic = true},
};

/* A row is one kind above another. */
static const struct {
    const char *name;
    enum counted kind, control;
    const char *without;
} differences[] = {
    {"counters/reason", REASON, NOTHING, "the program without it"},
    {"counters/rule", RULE, REASON, "the program that counts the reason only"},
    {"counters/rule-spread", RULES, REASON, "the program that counts the reason only"},
    {"counters/reason-atomic", REASON_ATOMIC, NOTHING, "the program without it"},
    {"counters/rule-atomic", RULE_ATOMIC, REASON_ATOMIC, "the program that counts the reason only"},
};

static void add_rows(double times[COUNTED][ROUNDS_MAX], uint32_t rounds)
{
    for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]); i++) {
        double above[ROUNDS_MAX], controls[ROUNDS_MAX];
        struct row row = {
            .name = differences[i].name, .unit = "ns", .peer = differences[i].without};

        for (uint32_t round = 0; round < rounds; round++) {
            controls[round] = times[differences[i].control][round];
            above[round] = times[differences[i].kind][round] - controls[round];
        }
        row_of_rounds(&row, above, controls, rounds);
        rows_add(&row);
    }
}

static int time_all(
    const struct kernel *kernel, const struct bench_headers *headers, const struct scale *scale)
{
    struct picker *pickers[COUNTED] = {NULL};
    double times[COUNTED][ROUNDS_MAX] = {{0}};
    struct problem problem = {.text = "out of memory"};
    int r = 0;

    for (int i = 0; r == 0 && i < COUNTED; i++) {
        struct picker_options options = kinds[i];

        options.kernel = kernel;
        options.headers = headers;
        r = picker_new(&options, &pickers[i], &problem);
    }
    for (uint32_t round = 0; r == 0 && round < scale->rounds; round++)
        for (int i = 0; i < COUNTED; i++)
            times[i][round] = picker_time(pickers[i], scale->repeat);
    for (int i = 0; i < COUNTED; i++)
        picker_free(pickers[i]);
    if (r < 0)
        (void)fprintf(stderr, "counters: %s\n", problem.text);
    else
        add_rows(times, scale->rounds);
    return r;
}

int measure_counters(const struct kernel *kernel, const struct scale *scale)
{
    struct bench_headers headers = {0};
    int r = trace_addresses(FW_IPV4, HEADERS, 7, &headers);

    if (r == 0)
        r = time_all(kernel, &headers, scale);
    bench_headers_fini(&headers);
    return r;
}
