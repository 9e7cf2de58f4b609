/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/picker.h"
#include "tests/bench/packet/micro/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 160

struct list {
    char name[96];
    struct bench_prefixes prefixes;
    struct compile_tables tables;
    uint8_t family;
    struct kernel *kernel;
};

static uint16_t class_of(uint32_t index)
{
    return (uint16_t)(1 + index % 65535);
}

static void add_row(const struct list *list, struct row *row)
{
    row->entries = list->prefixes.count;
    row->is_list = true;
    row->family = list->family == FW_IPV6 ? 6 : 4;
    rows_add(row);
}

static int open_list(struct list *list, struct problem *problem)
{
    struct trie_row *rows = calloc(list->prefixes.count + 1U, sizeof(*rows));
    struct blob *blob = &list->tables.blobs[FW_BLOB_TRIE4 + list->family];
    char name[NAME_BYTES];
    double began = now_ms();
    int r = -ENOMEM;

    for (uint32_t i = 0; rows && i < list->prefixes.count; i++) {
        rows[i] =
            (struct trie_row){.class = class_of(i), .length = list->prefixes.prefixes[i].length};
        memcpy(rows[i].address, list->prefixes.prefixes[i].address, sizeof(rows[i].address));
    }
    if (rows)
        r = trie_build(blob, rows, list->prefixes.count, list->family,
            &list->tables.gen.tries[list->family], problem);
    free(rows);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof(name), "compile/%s", list->name);
    add_row(list, &(struct row){.name = name, .value = now_ms() - began, .unit = "ms"});
    (void)snprintf(name, sizeof(name), "memory/%s", list->name);
    add_row(list,
        &(struct row){
            .name = name, .value = 8.0 * blob->count / list->prefixes.count, .unit = "B/prefix"});
    list->tables.gen.abi = FW_ABI_VERSION;
    return kernel_new_one_cpu(&list->tables, &list->kernel, problem);
}

static int compare(const struct list *list, const struct bench_headers *headers)
{
    struct picker_options options = {
        .kernel = list->kernel, .headers = headers, .mode = PICK_TRIE, .keeps = true};
    const volatile uint64_t *answers = NULL;
    struct prefix_ranges *ranges = NULL;
    struct picker *picker = NULL;
    struct problem problem = {.text = "out of memory"};
    int r = prefix_ranges_new(list->prefixes.prefixes, list->prefixes.count, &ranges);

    if (r == 0)
        r = picker_new(&options, &picker, &problem);
    if (r == 0)
        answers = picker_answers(picker);
    for (uint32_t i = 0; answers && i + 1 < headers->count; i++) {
        uint32_t index = prefix_ranges_find(ranges, list->family, headers->headers[i].source);
        uint32_t wanted = index == BENCH_NO_RULE ? 0 : class_of(index);

        if (answers[i] != wanted) {
            (void)fprintf(stderr, "%s: header %u: the kernel says class %d, a plain search %u\n",
                list->name, i, (int)answers[i], wanted);
            r = 1;
            break;
        }
    }
    if (!answers)
        (void)fprintf(stderr, "%s: %s\n", list->name, problem.text);
    picker_free(picker);
    prefix_ranges_free(ranges);
    return answers ? r : -EIO;
}

static int time_trace(const struct list *list, const char *trace,
    const struct bench_headers *headers, const struct scale *scale)
{
    static const enum pick_mode modes[] = {PICK_NOTHING, PICK_TRIE, PICK_LPM};
    struct picker_options options = {
        .kernel = list->kernel, .headers = headers, .lpm = &list->prefixes};
    struct picker *pickers[3] = {NULL, NULL, NULL};
    double ours[ROUNDS_MAX], theirs[ROUNDS_MAX];
    char name[NAME_BYTES];
    struct problem problem;
    int r = 0;

    for (int i = 0; r == 0 && i < 3; i++) {
        options.mode = modes[i];
        options.lpm = modes[i] == PICK_LPM ? &list->prefixes : NULL;
        r = picker_new(&options, &pickers[i], &problem);
    }
    for (uint32_t round = 0; r == 0 && round < scale->rounds; round++) {
        double control = picker_time(pickers[0], scale->repeat);

        ours[round] = picker_time(pickers[1], scale->repeat) - control;
        theirs[round] = picker_time(pickers[2], scale->repeat) - control;
    }
    for (int i = 0; i < 3; i++)
        picker_free(pickers[i]);
    if (r < 0) {
        (void)fprintf(stderr, "%s: %s\n", list->name, problem.text);
        return r;
    }
    (void)snprintf(name, sizeof(name), "hit/%s/%s", list->name, trace);
    struct row row = {.name = name, .unit = "ns", .peer = "the kernel's LPM trie"};

    row_of_rounds(&row, ours, theirs, scale->rounds);
    add_row(list, &row);
    return 0;
}

static int measure(struct list *list, const struct scale *scale)
{
    struct problem problem = {.text = "out of memory"};
    struct bench_headers hits = {0}, corners = {0}, flood = {0};
    int r;

    (void)fprintf(stderr, "packet: %s\n", list->name);
    r = open_list(list, &problem);
    if (r < 0)
        (void)fprintf(stderr, "%s: %s\n", list->name, problem.text);
    if (r == 0)
        r = trace_prefix_hits(&list->prefixes, list->family, scale->headers, 5, &hits);
    if (r == 0)
        r = trace_prefix_corners(&list->prefixes, list->family, scale->checked, &corners);
    if (r == 0)
        r = trace_addresses(list->family, scale->headers, 6, &flood);
    if (r == 0)
        r = compare(list, &hits);
    if (r == 0)
        r = compare(list, &corners);
    if (r == 0)
        r = compare(list, &flood);
    if (r == 0)
        r = time_trace(list, "hit", &hits, scale);
    if (r == 0)
        r = time_trace(list, "flood", &flood, scale);
    bench_headers_fini(&hits);
    bench_headers_fini(&corners);
    bench_headers_fini(&flood);
    kernel_free(list->kernel);
    compile_blobs_drop(&list->tables);
    prefixes_fini(&list->prefixes);
    return r;
}

/* One family at a time: the one that has more. */
static void keep_family(struct bench_prefixes *prefixes, uint8_t *ret_family)
{
    uint32_t v6 = prefixes->count - prefixes->ipv4_count;

    *ret_family = v6 > prefixes->ipv4_count ? FW_IPV6 : FW_IPV4;
    if (*ret_family == FW_IPV6)
        memmove(prefixes->prefixes, prefixes->prefixes + prefixes->ipv4_count,
            v6 * sizeof(*prefixes->prefixes));
    prefixes->count = *ret_family == FW_IPV6 ? v6 : prefixes->ipv4_count;
    prefixes->ipv4_count = *ret_family == FW_IPV6 ? 0 : prefixes->count;
}

int measure_prefixes_file(const char *path, const struct scale *scale)
{
    struct list list = {0};
    struct problem problem;
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    int r = prefixes_read(path, &list.prefixes, &problem);

    if (r == 0 && list.prefixes.count == 0)
        r = problem_say(&problem, -EINVAL, "%.100s has no prefixes", path);
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return r;
    }
    keep_family(&list.prefixes, &list.family);
    (void)snprintf(list.name, sizeof(list.name), "%.*s", (int)strcspn(base, "."), base);
    return measure(&list, scale);
}

int measure_prefixes(uint8_t family, uint32_t count, const struct scale *scale)
{
    struct list list = {.family = family};
    int r = prefixes_generate(PREFIXES_BLOCKLIST, family, count, 2, &list.prefixes);

    if (r < 0)
        return r;
    (void)snprintf(
        list.name, sizeof(list.name), "blocklist%s_%u", family == FW_IPV6 ? "_v6" : "", count);
    return measure(&list, scale);
}
