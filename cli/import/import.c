/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - one run over one file: its memory, its lines, its chains; then flatten and write. */
#include "cli/import/import.h"

#include "cli/import/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 8192
#define FOREIGN_SETS_MAX 1024
#define MEMORY_MAX ((size_t)512 * 1024 * 1024)

void import_stop(struct importing *in, int code, const char *format, ...)
{
    struct problem what;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what.text, sizeof(what.text), format, args);
    va_end(args);
    (void)problem_say(in->problem, code, "%s", what.text);
    longjmp(*in->stop, 1);
}

void import_cut_off(struct importing *in, uint32_t line, const char *missing)
{
    import_stop(in, -EINVAL,
        "%.60s: the table that begins at line %u has no %s, so it is cut off; save it again",
        in->options->name, line, missing);
}

void *import_take(struct importing *in, size_t bytes)
{
    void *made;

    in->taken += bytes + 16;
    if (in->taken > MEMORY_MAX)
        import_stop(in, -E2BIG, "%.60s needs more than %zu MiB of memory; import it in parts",
            in->options->name, MEMORY_MAX >> 20);
    made = arena_take(&in->arena, bytes ? bytes : 1);
    if (!made)
        import_stop(in, -ENOMEM, "not enough memory for %.60s", in->options->name);
    return made;
}

char *import_copy(struct importing *in, const char *text, size_t len)
{
    char *made = import_take(in, len + 1);

    memcpy(made, text, len);
    return made;
}

const char *import_say(struct importing *in, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return import_copy(in, text, strlen(text));
}

void *import_room(
    struct importing *in, void *array, uint32_t count, uint32_t *capacity, size_t size)
{
    uint32_t more = *capacity ? 2 * *capacity : 4;
    void *made;

    if (count < *capacity)
        return array;
    made = import_take(in, more * size);
    if (count)
        memcpy(made, array, count * size);
    *capacity = more;
    return made;
}

uint32_t import_line(struct importing *in, uint32_t number, struct bytes text)
{
    in->lines =
        import_room(in, in->lines, in->lines_count, &in->lines_capacity, sizeof(struct line));
    while (text.len && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = bytes_of(text.at + 1, text.len - 1);
    while (text.len && strchr(" \t\r\n", text.at[text.len - 1]))
        text.len--;
    in->lines[in->lines_count] = (struct line){.number = number, .text = text};
    return in->lines_count++;
}

void import_refuse(struct importing *in, uint32_t line, enum effect effect, const char *why)
{
    struct line *at = &in->lines[line];

    if (at->state == LINE_REFUSED)
        return;
    at->state = LINE_REFUSED;
    at->effect = effect;
    at->why = why;
}

void import_note(struct importing *in, uint32_t line, const char *why)
{
    struct line *at = &in->lines[line];

    if (at->state == LINE_REFUSED || at->state == LINE_NOTED)
        return;
    at->state = LINE_NOTED;
    at->why = why;
}

/* ---- chains and sets */

static uint32_t bucket_of(uint32_t table, const char *name)
{
    uint32_t hash = 2166136261U ^ table;

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash % BUCKETS;
}

struct chain *import_chain_find(const struct importing *in, uint32_t table, const char *name)
{
    struct chain *chain = in->buckets[bucket_of(table, name)];

    while (chain && (chain->table != table || strcmp(chain->name, name) != 0))
        chain = chain->next;
    return chain;
}

struct chain *import_chain(struct importing *in, uint32_t table, const char *name)
{
    struct chain *chain = import_chain_find(in, table, name);
    uint32_t bucket = bucket_of(table, name);

    if (chain)
        return chain;
    if (in->chains_count++ == CHAINS_MAX)
        import_stop(in, -E2BIG, "%.60s has more than %d chains", in->options->name, CHAINS_MAX);
    chain = import_take(in, sizeof(*chain));
    *chain = (struct chain){.name = name, .table = table, .next = in->buckets[bucket]};
    in->buckets[bucket] = chain;
    *in->chains_end = chain;
    in->chains_end = &chain->later;
    return chain;
}

struct step *import_step(struct importing *in, struct chain *chain, const struct step *step)
{
    chain->steps =
        import_room(in, chain->steps, chain->count, &chain->capacity, sizeof(struct step));
    chain->steps[chain->count] = *step;
    return &chain->steps[chain->count++];
}

struct foreign_set *import_set_find(const struct importing *in, uint32_t table, const char *name)
{
    struct foreign_set *set = in->sets;

    while (set && (set->table != table || strcmp(set->name, name) != 0))
        set = set->later;
    return set;
}

const struct spans *import_set_spans(const struct importing *in, const char *label)
{
    for (const struct foreign_set *set = in->sets; set; set = set->later)
        if (set->label && !set->why_not && strcmp(set->label, label) == 0)
            return set->spans;
    return NULL;
}

struct foreign_set *import_set(struct importing *in, uint32_t table, const char *name)
{
    struct foreign_set *set;

    if (in->sets_count++ == FOREIGN_SETS_MAX)
        import_stop(in, -E2BIG, "%.60s has more than %d sets", in->options->name, FOREIGN_SETS_MAX);
    set = import_take(in, sizeof(*set));

    *set = (struct foreign_set){.name = name, .table = table};
    *in->sets_end = set;
    in->sets_end = &set->later;
    return set;
}

/* ---- remarks */

void import_put(struct importing *in, struct buffer *to, const char *format, ...)
{
    char text[1200];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len >= (int)sizeof(text))
        len = (int)sizeof(text) - 1;
    if (to->len + (size_t)len > 2 * (size_t)IMPORT_BYTES_MAX)
        import_stop(in, -E2BIG, "what %.60s becomes is larger than %d MiB", in->options->name,
            IMPORT_BYTES_MAX >> 20);
    if (buffer_append(to, text, (size_t)len) < 0)
        import_stop(in, -ENOMEM, "not enough memory for %.60s", in->options->name);
}

/* A line as it may be shown to a terminal, and its beginning if it is long. */
static void line_text(const struct line *line, char ret_text[400])
{
    size_t len = line->text.len < 300 ? line->text.len : 300;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = line->text.at[i];

        ret_text[i] = c == '\t' || c == '\n' ? ' ' : (c < 0x20 || c >= 0x7f ? '?' : (char)c);
    }
    strcpy(ret_text + len, line->text.len > len ? "..." : "");
}

static const char *consequence(enum effect effect)
{
    switch (effect) {
    case EFFECT_NOTHING:
        return " (it decides nothing)";
    case EFFECT_ALLOW:
        return " (what it let pass may be dropped)";
    case EFFECT_STOP:
        return " (what it dropped may pass)";
    default:
        return "";
    }
}

static void write_remarks(struct importing *in, struct import_result *result)
{
    char text[400];

    for (uint32_t i = 0; i < in->lines_count; i++) {
        const struct line *line = &in->lines[i];

        if (line->state != LINE_NOTED && line->state != LINE_REFUSED)
            continue;
        line_text(line, text);
        if (line->state == LINE_REFUSED) {
            result->refused++;
            result->refused_stop += line->effect == EFFECT_STOP;
            import_put(in, &result->remarks, "%s:%u: %s%s: %s\n", in->options->name, line->number,
                line->why, consequence(line->effect), text);
        } else {
            result->notes++;
            import_put(in, &result->remarks, "%s:%u: note: %s: %s\n", in->options->name,
                line->number, line->why, text);
        }
    }
}

/* ---- one run */

static const char *const format_words[] = {
    [IMPORT_IPTABLES] = "iptables-save",
    [IMPORT_IP6TABLES] = "ip6tables-save",
    [IMPORT_NFT] = "nft",
    [IMPORT_IPSET] = "ipset",
    [IMPORT_NETSET] = "netset",
};

int import_format_parse(const char *word)
{
    for (size_t i = 0; i < sizeof(format_words) / sizeof(format_words[0]); i++)
        if (strcmp(word, format_words[i]) == 0)
            return (int)i;
    return -EINVAL;
}

const char *import_format_word(enum import_format format)
{
    return format_words[format];
}

static void run(struct importing *in, struct import_result *result)
{
    if (memchr(in->text.at ? in->text.at : (const uint8_t *)"", '\0', in->text.len))
        import_stop(
            in, -EINVAL, "%.60s holds a zero byte; this is not a text file", in->options->name);
    switch (in->options->format) {
    case IMPORT_NETSET:
        netset_into(in, result);
        break;
    case IMPORT_IPSET:
        ipset_read(in, result);
        break;
    case IMPORT_NFT:
        nft_read(in);
        break;
    default:
        iptables_read(in);
        break;
    }
    if (in->options->format != IMPORT_NETSET && in->options->format != IMPORT_IPSET) {
        import_flatten(in);
        import_write(in, result);
    }
    write_remarks(in, result);
    if (result->yaml.len > IMPORT_BYTES_MAX)
        import_stop(in, -E2BIG,
            "what %.60s becomes is larger than %d MiB; a long list is taken by: picket set import",
            in->options->name, IMPORT_BYTES_MAX >> 20);
}

int import_text(struct bytes text, const struct import_options *options,
    struct import_result *ret_result, struct problem *reterr_problem)
{
    struct problem unheard;
    struct importing *in;
    jmp_buf stop;
    int r;

    *ret_result = (struct import_result){0};
    if (text.len > IMPORT_BYTES_MAX)
        return problem_say(reterr_problem, -E2BIG, "%.60s is larger than %d MiB", options->name,
            IMPORT_BYTES_MAX >> 20);
    in = calloc(1, sizeof(*in));
    if (!in)
        return problem_say(reterr_problem, -ENOMEM, "not enough memory for %.60s", options->name);
    in->problem = reterr_problem ? reterr_problem : &unheard;
    in->problem->code = 0;
    in->options = options;
    in->text = text;
    in->stop = &stop;
    in->chains_end = &in->chains;
    in->sets_end = &in->sets;
    if (setjmp(stop) == 0)
        run(in, ret_result);
    r = in->problem->code;
    if (r < 0) {
        import_result_fini(ret_result);
        *ret_result = (struct import_result){0};
    }
    arena_fini(&in->arena);
    free(in);
    return r;
}

void import_result_fini(struct import_result *result)
{
    buffer_fini(&result->yaml);
    buffer_fini(&result->remarks);
}
