/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

struct table {
    uint32_t columns;
    uint32_t cells_count; /* titles first */
    char **cells;
};

static char *clean(const char *text)
{
    char *copy = strdup(text ? text : "");

    CHECK(copy, "a command without memory cannot go on");
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return copy;
}

struct table *table_new(const char *const *titles, uint32_t columns)
{
    struct table *table = calloc(1, sizeof(*table));

    CHECK(table, "a command without memory cannot go on");
    table->columns = columns;
    table_add(table, titles);
    return table;
}

void table_add(struct table *table, const char *const *cells)
{
    char **grown = realloc(table->cells, (table->cells_count + table->columns) * sizeof(*grown));

    CHECK(grown, "a command without memory cannot go on");
    table->cells = grown;
    for (uint32_t i = 0; i < table->columns; i++)
        grown[table->cells_count++] = clean(cells[i]);
}

/* Characters, not bytes. */
static uint32_t width_of(const char *text)
{
    uint32_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static uint32_t column_width(const struct table *table, uint32_t column)
{
    uint32_t width = 0;

    for (uint32_t i = column; i < table->cells_count; i += table->columns)
        if (width_of(table->cells[i]) > width)
            width = width_of(table->cells[i]);
    return width;
}

static void print_row(const struct table *table, uint32_t first, FILE *out)
{
    for (uint32_t i = 0; i < table->columns; i++) {
        const char *cell = table->cells[first + i];
        bool is_last = i + 1 == table->columns;

        (void)fputs(cell, out);
        if (!is_last)
            for (uint32_t at = width_of(cell); at < column_width(table, i) + 2; at++)
                (void)fputc(' ', out);
    }
    (void)fputc('\n', out);
}

void table_free(struct table *table)
{
    for (uint32_t i = 0; i < table->cells_count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(table);
}

void table_print(struct table *table, FILE *out, const char *empty)
{
    bool is_terminal = isatty(fileno(out));

    if (table->cells_count == table->columns) {
        (void)fprintf(out, "%s\n", empty);
    } else {
        if (is_terminal)
            (void)fputs("\033[1m", out);
        print_row(table, 0, out);
        if (is_terminal)
            (void)fputs("\033[0m", out);
        for (uint32_t at = table->columns; at < table->cells_count; at += table->columns)
            print_row(table, at, out);
    }
    table_free(table);
}

int json_show(FILE *out, json_t *json, struct problem *reterr_problem)
{
    int r = json ? json_dumpf(json, out, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : -1;

    json_decref(json);
    if (r < 0)
        return problem_say(reterr_problem, -ENOMEM, "cannot write the JSON");
    (void)fputc('\n', out);
    return 0;
}

json_t *json_hex(struct bytes bytes)
{
    char *text = malloc(2 * bytes.len + 1);
    json_t *json;

    if (!text)
        return NULL;
    hex_print(bytes.at, bytes.len, text);
    json = json_string(text);
    free(text);
    return json;
}

json_t *json_number(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

void short_hex(struct bytes bytes, char ret_text[17])
{
    ret_text[0] = '-';
    ret_text[1] = '\0';
    if (bytes.len)
        hex_print(bytes.at, bytes.len < 8 ? bytes.len : 8, ret_text);
}

void time_print(uint64_t time_s, char ret_text[32])
{
    time_t time = (time_t)time_s;
    struct tm parts;

    (void)strcpy(ret_text, "-");
    if (time_s && time_s < INT64_MAX && gmtime_r(&time, &parts))
        (void)strftime(ret_text, 32, "%Y-%m-%d %H:%M:%SZ", &parts);
}

static uint64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

void progress_init(struct progress *progress, FILE *err)
{
    *progress = (struct progress){.err = err, .next_ns = now_ns() + NS_PER_S};
}

void progress_show(struct progress *progress, const char *what, uint64_t done, uint64_t all)
{
    bool is_terminal = isatty(fileno(progress->err));

    if (now_ns() < progress->next_ns)
        return;
    progress->next_ns = now_ns() + NS_PER_S;
    progress->is_shown = is_terminal;
    (void)fprintf(progress->err, "%s%s: %" PRIu64 " of %" PRIu64 "%s", is_terminal ? "\r" : "",
        what, done, all, is_terminal ? "\033[K" : "\n");
    (void)fflush(progress->err);
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        (void)fputc('\n', progress->err);
    progress->is_shown = false;
}
