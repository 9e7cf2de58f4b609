/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/prefixes.h"
#include "base/prng.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/grow.h"
#include "tests/bench/packet/rules/lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists */

int prefixes_append(struct bench_prefixes *prefixes, const struct bench_prefix *prefix)
{
    int r = bench_grow((void **)&prefixes->prefixes, &prefixes->capacity, prefixes->count,
        sizeof(*prefixes->prefixes));

    if (r < 0)
        return r;
    prefixes->prefixes[prefixes->count++] = *prefix;
    return 0;
}

static int prefix_compare(const void *left, const void *right)
{
    const struct bench_prefix *a = left, *b = right;

    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    int order = memcmp(a->address, b->address, sizeof(a->address));

    return order ? order : (int)a->length - (int)b->length;
}

/* Of equal ones the first read stays: `zero` cannot say which that was, so the order of reading is
 * kept in `place` while sorting. */
struct placed {
    struct bench_prefix prefix;
    uint32_t place;
};

static int placed_compare(const void *left, const void *right)
{
    const struct placed *a = left, *b = right;
    int order = prefix_compare(&a->prefix, &b->prefix);

    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static uint32_t count_ipv4(const struct bench_prefixes *prefixes)
{
    uint32_t count = 0;

    while (count < prefixes->count && prefixes->prefixes[count].family == FW_IPV4)
        count++;
    return count;
}

int prefixes_sort(struct bench_prefixes *prefixes)
{
    struct placed *placed = malloc(((size_t)prefixes->count + 1) * sizeof(*placed));
    uint32_t kept = 0;

    if (!placed)
        return -ENOMEM;
    for (uint32_t i = 0; i < prefixes->count; i++)
        placed[i] = (struct placed){.prefix = prefixes->prefixes[i], .place = i};
    qsort(placed, prefixes->count, sizeof(*placed), placed_compare);
    for (uint32_t i = 0; i < prefixes->count; i++) {
        if (i == 0 || prefix_compare(&placed[i - 1].prefix, &placed[i].prefix) != 0)
            prefixes->prefixes[kept++] = placed[i].prefix;
    }
    free(placed);
    prefixes->count = kept;
    prefixes->ipv4_count = count_ipv4(prefixes);
    return 0;
}

void prefixes_fini(struct bench_prefixes *prefixes)
{
    free(prefixes->prefixes);
    memset(prefixes, 0, sizeof(*prefixes));
}

/* ---- files */

#define TEXTS_MAX 65536

/* The texts behind prefixes, by number. */
struct texts {
    char *rows[TEXTS_MAX];
    uint32_t slots[TEXTS_MAX * 2]; /* number, 0 is empty */
    uint32_t count;
};

static int text_number(struct texts *texts, const char *text, uint32_t *ret_number)
{
    uint32_t hash = 2166136261U, slot;

    for (const char *at = text; *at; at++)
        hash = (hash ^ (uint8_t)*at) * 16777619U;
    for (slot = hash % (TEXTS_MAX * 2); texts->slots[slot]; slot = (slot + 1) % (TEXTS_MAX * 2)) {
        *ret_number = texts->slots[slot];
        if (strcmp(texts->rows[*ret_number - 1], text) == 0)
            return 0;
    }
    if (texts->count == TEXTS_MAX)
        return -E2BIG;
    texts->rows[texts->count] = strdup(text);
    if (!texts->rows[texts->count])
        return -ENOMEM;
    *ret_number = texts->slots[slot] = ++texts->count;
    return 0;
}

static void texts_free(struct texts *texts)
{
    for (uint32_t i = 0; texts && i < texts->count; i++)
        free(texts->rows[i]);
    free(texts);
}

static int parse_value(struct texts *texts, const char *text, uint32_t *ret_value)
{
    char *end;
    unsigned long long number;

    if (!*text)
        return 0;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (*end || errno || number > UINT32_MAX || *text == '-')
        return text_number(texts, text, ret_value);
    *ret_value = (uint32_t)number;
    return 0;
}

/* "192.0.2.0/24": cuts the word in two. */
static int parse_prefix(char *word, struct bench_prefix *ret_prefix, struct problem *reterr_problem)
{
    char *slash = strchr(word, '/'), *end = "";
    unsigned long most, length;

    if (slash)
        *slash = '\0';
    memset(ret_prefix, 0, sizeof(*ret_prefix));
    if (inet_pton(AF_INET, word, ret_prefix->address) == 1)
        ret_prefix->family = FW_IPV4;
    else if (inet_pton(AF_INET6, word, ret_prefix->address) == 1)
        ret_prefix->family = FW_IPV6;
    else
        return problem_say(reterr_problem, -EINVAL, "'%.60s' is no address", word);
    most = length = ret_prefix->family == FW_IPV4 ? 32 : 128;
    if (slash)
        length = strtoul(slash + 1, &end, 10);
    if (*end || length > most || (slash && (slash[1] < '0' || slash[1] > '9')))
        return problem_say(reterr_problem, -EINVAL, "'%.20s' is no prefix length up to %lu",
            slash ? slash + 1 : "", most);
    ret_prefix->length = (uint8_t)length;
    bench_address_cut(ret_prefix->address, ret_prefix->family, ret_prefix->length, false);
    return 0;
}

static int parse_line(char *line, struct texts *texts, struct bench_prefix *ret_prefix,
    struct problem *reterr_problem)
{
    char *word = line + strspn(line, " \t");
    size_t len = strcspn(word, " \t#;");
    char *text = word + len + strspn(word + len, " \t");
    int r;

    text[strcspn(text, "#;")] = '\0';
    for (size_t end = strlen(text); end && strchr(" \t", text[end - 1]); end--)
        text[end - 1] = '\0';
    word[len] = '\0';
    r = parse_prefix(word, ret_prefix, reterr_problem);
    if (r < 0)
        return r;
    r = parse_value(texts, text, &ret_prefix->value);
    if (r == -E2BIG)
        return problem_say(reterr_problem, -EINVAL, "more than %d different texts", TEXTS_MAX);
    return r < 0 ? problem_say(reterr_problem, r, "memory is short") : 0;
}

static int read_lines(struct lines *lines, struct texts *texts, struct bench_prefixes *prefixes,
    struct problem *problem)
{
    char *line;
    int r;

    while ((r = lines_next(lines, &line, problem)) == 1) {
        struct bench_prefix prefix;

        r = parse_line(line, texts, &prefix, problem);
        if (r < 0)
            return lines_blame(lines, problem);
        r = prefixes_append(prefixes, &prefix);
        if (r < 0)
            return problem_say(problem, r, "memory is short");
    }
    return r;
}

int prefixes_read(
    const char *path, struct bench_prefixes *ret_prefixes, struct problem *reterr_problem)
{
    struct problem problem = {0};
    struct texts *texts;
    struct lines *lines;
    int r;

    memset(ret_prefixes, 0, sizeof(*ret_prefixes));
    r = lines_open(path, &lines, reterr_problem);
    if (r < 0)
        return r;
    texts = calloc(1, sizeof(*texts));
    r = texts ? read_lines(lines, texts, ret_prefixes, &problem)
              : problem_say(&problem, -ENOMEM, "memory is short");
    texts_free(texts);
    lines_close(lines);
    if (r == 0 && prefixes_sort(ret_prefixes) < 0)
        r = problem_say(&problem, -ENOMEM, "memory is short");
    if (r < 0) {
        prefixes_fini(ret_prefixes);
        return problem_say(reterr_problem, r, "%s", problem.text);
    }
    return 0;
}
