/* SPDX-License-Identifier: Apache-2.0 */
/* ipset.c - `ipset save` and netset lists into YAML of sets. */
#include "cli/import/model.h"
#include "cli/import/netset.h"
#include "store/ledger/rule.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 1024

struct list {
    char name[72];
    bool is_known, is_refused;
    struct set_element *elements; /* in the arena */
    uint32_t count, capacity;
};

static void put_elements(struct importing *in, struct import_result *result, const char *name,
    const struct set_element *elements, uint32_t count)
{
    char text[64];

    import_put(in, &result->yaml, "  - name: '%s'\n    elements: [", name);
    for (uint32_t i = 0; i < count; i++) {
        prefix_print(elements[i].address, elements[i].is_v6, elements[i].length, text);
        import_put(in, &result->yaml, "%s%s", i ? "," : "",
            i && i % 8 == 0 ? "\n        " : (i ? " " : ""));
        if (elements[i].expiry)
            import_put(in, &result->yaml, "{prefix: '%s', until: %llu}", text,
                (unsigned long long)elements[i].expiry);
        else
            import_put(in, &result->yaml, "'%s'", text);
    }
    import_put(in, &result->yaml, "]\n");
    result->sets++;
}

/* One line by the reader of lists, which knows `add`, ranges, timeouts. */
static bool take_line(struct importing *in, struct list *list, uint32_t line, struct bytes text)
{
    struct set_element *elements;
    struct problem problem = {0};
    uint32_t count;
    const char *why = problem.text;
    int r = netset_parse(text, "", in->options->now_s, &elements, &count, &problem);

    if (r < 0) {
        if (strncmp(why, ":1: ", 4) == 0)
            why += 4;
        import_refuse(in, line, EFFECT_UNKNOWN, import_copy(in, why, strlen(why)));
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        list->elements =
            import_room(in, list->elements, list->count, &list->capacity, sizeof(*list->elements));
        list->elements[list->count++] = elements[i];
    }
    free(elements);
    in->lines[line].state = LINE_DONE;
    return true;
}

static void each_line(struct importing *in, void *user,
    void (*fn)(struct importing *, void *, uint32_t, struct bytes))
{
    struct bytes rest = in->text;
    uint32_t number = 0;

    while (rest.len > 0) {
        const uint8_t *newline = memchr(rest.at, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.at) : rest.len;
        size_t taken = newline ? len + 1 : len;

        number++;
        if (len > 0)
            fn(in, user, number, bytes_of(rest.at, len));
        rest = bytes_of(rest.at + taken, rest.len - taken);
    }
}

/* ---- netset */

static void netset_line(struct importing *in, void *user, uint32_t number, struct bytes text)
{
    (void)take_line(in, user, import_line(in, number, text), text);
}

void netset_into(struct importing *in, struct import_result *result)
{
    struct list list = {0};

    each_line(in, &list, netset_line);
    import_head(in, &result->yaml);
    import_put(in, &result->yaml, "sets:\n");
    if (list.count)
        list.count = set_content_canonical(list.elements, list.count);
    put_elements(in, result, in->options->owner, list.elements, list.count);
}

/* ---- ipset */

struct lists {
    struct list at[SETS_MAX];
    uint32_t count;
};

static struct list *list_of(struct importing *in, struct lists *lists, const char *name)
{
    if (lists->count && strcmp(lists->at[lists->count - 1].name, name) == 0)
        return &lists->at[lists->count - 1];
    for (uint32_t i = 0; i < lists->count; i++)
        if (strcmp(lists->at[i].name, name) == 0)
            return &lists->at[i];
    if (lists->count == SETS_MAX)
        import_stop(in, -E2BIG, "%.60s holds more than %d sets", in->options->name, SETS_MAX);
    strcpy(lists->at[lists->count].name, name);
    return &lists->at[lists->count++];
}

/* Word `index` of the line; false if there is none or it is too long. */
static bool word_at(struct bytes text, int index, char ret_word[72])
{
    const char *at = (const char *)text.at, *end = at + text.len;

    for (int i = 0;; i++) {
        size_t len = 0;

        while (at < end && strchr(" \t\r", *at))
            at++;
        while (at + len < end && !strchr(" \t\r", at[len]))
            len++;
        if (len == 0 || (i == index && len > 64))
            return false;
        if (i == index) {
            memcpy(ret_word, at, len);
            ret_word[len] = '\0';
            return true;
        }
        at += len;
    }
}

static bool is_blank(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!strchr(" \t\r", text.at[i]))
            return text.at[i] == '#';
    return true;
}

static bool has_word(struct bytes text, const char *word)
{
    char found[72];

    for (int i = 3; i < 40 && word_at(text, i, found); i++)
        if (strcmp(found, word) == 0)
            return true;
    return false;
}

static const char *create_reason(struct importing *in, struct bytes text)
{
    char type[72];

    if (!word_at(text, 2, type))
        return "the type of the set is missing";
    if (strcmp(type, "hash:ip") != 0 && strcmp(type, "hash:net") != 0 &&
        strcmp(type, "bitmap:ip") != 0)
        return import_say(in, "a set of type '%.60s' does not hold plain addresses", type);
    if (has_word(text, "netmask") || has_word(text, "bitmask"))
        return "a set with a netmask of its own cannot be expressed";
    return NULL;
}

static void ipset_line(struct importing *in, void *user, uint32_t number, struct bytes text)
{
    char word[72], name[72];
    uint32_t line = import_line(in, number, text);
    struct list *list;
    const char *why;

    if (is_blank(text)) {
        in->lines[line].state = LINE_DONE;
        return;
    }
    if (!word_at(text, 0, word) ||
        (strcmp(word, "create") != 0 && strcmp(word, "add") != 0 && strcmp(word, "-N") != 0 &&
            strcmp(word, "-A") != 0) ||
        !word_at(text, 1, name) || !name_is_plain(name)) {
        import_refuse(in, line, EFFECT_UNKNOWN, "this is no line of ipset save");
        return;
    }
    list = list_of(in, user, name);
    if (strcmp(word, "create") == 0 || strcmp(word, "-N") == 0) {
        why = create_reason(in, text);
        list->is_known = true;
        list->is_refused = why != NULL;
        in->lines[line].state = LINE_DONE;
        if (why)
            import_refuse(in, line, EFFECT_UNKNOWN, why);
    } else if (list->is_refused) {
        import_refuse(in, line, EFFECT_UNKNOWN, "its set was refused");
    } else {
        (void)take_line(in, list, line, text);
    }
}

void ipset_read(struct importing *in, struct import_result *result)
{
    struct lists *lists = import_take(in, sizeof(*lists));

    each_line(in, lists, ipset_line);
    import_head(in, &result->yaml);
    import_put(in, &result->yaml, "sets:\n");
    for (uint32_t i = 0; i < lists->count; i++) {
        struct list *list = &lists->at[i];

        if (list->is_refused)
            continue;
        if (list->count)
            list->count = set_content_canonical(list->elements, list->count);
        put_elements(in, result, list->name, list->elements, list->count);
    }
}
