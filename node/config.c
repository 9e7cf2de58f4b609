/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config.h"
#include "base/nearest.h"
#include "base/own.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum row_type { TYPE_NUMBER, TYPE_FLAG, TYPE_TEXT, TYPE_LIST };

struct row {
    const char *name;
    enum row_type type;
    size_t offset;
    unsigned low, high, preset;
    const char *preset_text;
    const char *meaning;
};

#define ROW_NUMBER(name, preset, low, high, meaning) \
    {#name, TYPE_NUMBER, offsetof(struct node_config, name), low, high, preset, NULL, meaning},
#define ROW_FLAG(name, preset, meaning) \
    {#name, TYPE_FLAG, offsetof(struct node_config, name), 0, 1, preset, NULL, meaning},
#define ROW_TEXT(name, preset, meaning) \
    {#name, TYPE_TEXT, offsetof(struct node_config, name), 0, 0, 0, preset, meaning},
#define ROW_LIST(name, meaning) \
    {#name, TYPE_LIST, offsetof(struct node_config, name), 0, 0, 0, NULL, meaning},

static const struct row rows[] = {NODE_CONFIG_ROWS(ROW_NUMBER, ROW_FLAG, ROW_TEXT, ROW_LIST)};
#define ROWS_COUNT (sizeof(rows) / sizeof(rows[0]))

static void *field(const struct node_config *config, const struct row *row)
{
    return (char *)(uintptr_t)config + row->offset;
}

static int set_text(char **slot, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

int config_init(struct node_config *ret_config)
{
    *ret_config = (struct node_config){0};
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        const struct row *row = &rows[i];
        void *slot = field(ret_config, row);

        if (row->type == TYPE_NUMBER)
            *(unsigned *)slot = row->preset;
        else if (row->type == TYPE_FLAG)
            *(bool *)slot = row->preset;
        else if (row->type == TYPE_TEXT && set_text(slot, row->preset_text) < 0) {
            config_fini(ret_config);
            return -ENOMEM;
        }
    }
    return 0;
}

void config_fini(struct node_config *config)
{
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        void *slot = field(config, &rows[i]);

        if (rows[i].type == TYPE_TEXT) {
            free(*(char **)slot);
        } else if (rows[i].type == TYPE_LIST) {
            struct config_list *list = slot;

            while (list->count)
                free(list->items[--list->count]);
        }
    }
    *config = (struct node_config){0};
}

static const struct row *row_find(const char *key, struct problem *reterr_problem)
{
    const char *names[ROWS_COUNT];
    const char *near;

    for (size_t i = 0; i < ROWS_COUNT; i++) {
        if (strcmp(rows[i].name, key) == 0)
            return &rows[i];
        names[i] = rows[i].name;
    }
    near = nearest_word(key, names, ROWS_COUNT);
    if (near)
        (void)problem_say(
            reterr_problem, -EINVAL, "there is no setting '%s'; did you mean '%s'?", key, near);
    else
        (void)problem_say(reterr_problem, -EINVAL,
            "there is no setting '%s'; picketd --print-config lists them", key);
    return NULL;
}

static int set_number(
    const struct row *row, unsigned *slot, const char *value, struct problem *reterr_problem)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno || number < row->low ||
        number > row->high)
        return problem_say(reterr_problem, -EINVAL, "%s takes a number from %u to %u, not '%s'",
            row->name, row->low, row->high, value);
    *slot = (unsigned)number;
    return 0;
}

static int set_flag(
    const struct row *row, bool *slot, const char *value, struct problem *reterr_problem)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return problem_say(
            reterr_problem, -EINVAL, "%s takes yes or no, not '%s'", row->name, value);
    *slot = value[0] == 'y';
    return 0;
}

static int list_add(const struct row *row, struct config_list *list, const char *value,
    struct problem *reterr_problem)
{
    if (list->count == NODE_CONFIG_LIST_MAX)
        return problem_say(reterr_problem, -E2BIG, "%s may stand %d times at most", row->name,
            NODE_CONFIG_LIST_MAX);
    list->items[list->count] = strdup(value);
    if (!list->items[list->count])
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    list->count++;
    return 0;
}

int config_set(
    struct node_config *config, const char *key, const char *value, struct problem *reterr_problem)
{
    const struct row *row = row_find(key, reterr_problem);
    void *slot;

    if (!row)
        return -EINVAL;
    if (!*value)
        return problem_say(reterr_problem, -EINVAL, "%s has no value", key);
    slot = field(config, row);
    switch (row->type) {
    case TYPE_NUMBER:
        return set_number(row, slot, value, reterr_problem);
    case TYPE_FLAG:
        return set_flag(row, slot, value, reterr_problem);
    case TYPE_TEXT:
        return set_text(slot, value);
    case TYPE_LIST:
        return list_add(row, slot, value, reterr_problem);
    }
    return -EINVAL;
}

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

static int read_line(struct node_config *config, char *line, struct problem *reterr_problem)
{
    char *comment = strchr(line, '#');
    char *equals;

    if (comment)
        *comment = '\0';
    line = trim(line);
    if (!*line)
        return 0;
    equals = strchr(line, '=');
    if (!equals)
        return problem_say(reterr_problem, -EINVAL, "'%s' is no `key = value`", line);
    *equals = '\0';
    return config_set(config, trim(line), trim(equals + 1), reterr_problem);
}

static void own_file(FILE **slot)
{
    if (*slot)
        (void)fclose(*slot);
}

int config_read(struct node_config *config, const char *path, struct problem *reterr_problem)
{
    OWN(own_file) FILE *file = fopen(path, "re");
    OWN(own_memory) char *line = NULL;
    size_t capacity = 0;
    int r = 0;

    if (!file)
        return problem_say(reterr_problem, -errno, "cannot read '%s': %s", path, strerror(errno));
    for (unsigned number = 1; r == 0 && getline(&line, &capacity, file) >= 0; number++) {
        struct problem inner = {0};

        r = read_line(config, line, &inner);
        if (r < 0)
            (void)problem_say(reterr_problem, r, "%s:%u: %.200s", path, number, inner.text);
    }
    return r;
}

void config_print(const struct node_config *config, FILE *to)
{
    for (size_t i = 0; i < ROWS_COUNT; i++) {
        const struct row *row = &rows[i];
        const void *slot = field(config, row);

        (void)fprintf(to, "# %s\n", row->meaning);
        if (row->type == TYPE_NUMBER)
            (void)fprintf(to, "%s = %u\n", row->name, *(const unsigned *)slot);
        else if (row->type == TYPE_FLAG)
            (void)fprintf(to, "%s = %s\n", row->name, *(const bool *)slot ? "yes" : "no");
        else if (row->type == TYPE_TEXT)
            (void)fprintf(to, "%s = %s\n", row->name, *(char *const *)slot);
        else
            for (unsigned k = 0; k < ((const struct config_list *)slot)->count; k++)
                (void)fprintf(
                    to, "%s = %s\n", row->name, ((const struct config_list *)slot)->items[k]);
        (void)fprintf(to, "\n");
    }
}
