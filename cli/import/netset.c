/* SPDX-License-Identifier: Apache-2.0 */
/* netset.c - lists of addresses into set elements, line by line. */
#include "cli/import/netset.h"

#include "base/limits.h"
#include "base/own.h"
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* Longer than any line that says something. */
#define LINE_ROOM 1024

__extension__ typedef unsigned __int128 address_number;

struct netset {
    const char *name;
    uint32_t line;
    uint64_t now_s;
    char set_name[NAME_BYTES_MAX + 1]; /* of `add NAME`; empty before the first */
    struct set_element *elements;
    uint32_t count;
    uint32_t capacity;
    struct problem *problem;
};

#define SAY(netset, ...) line_say((netset), __VA_ARGS__)

__attribute__((format(printf, 2, 3))) static int line_say(
    struct netset *netset, const char *format, ...)
{
    struct problem what;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what.text, sizeof(what.text), format, args);
    va_end(args);
    return problem_say(
        netset->problem, -EINVAL, "%s:%u: %.200s", netset->name, netset->line, what.text);
}

static int element_add(struct netset *netset, const struct set_element *element)
{
    if (netset->count == SET_ELEMENTS_MAX)
        return SAY(netset, "a set holds at most %d prefixes", SET_ELEMENTS_MAX);
    if (netset->count == netset->capacity) {
        uint32_t capacity = netset->capacity ? 2 * netset->capacity : 1024;
        struct set_element *elements = realloc(netset->elements, capacity * sizeof(*elements));

        if (!elements)
            return problem_say(netset->problem, -ENOMEM, "not enough memory for %s", netset->name);
        netset->elements = elements;
        netset->capacity = capacity;
    }
    netset->elements[netset->count++] = *element;
    return 0;
}

static address_number number_of(const struct set_element *element)
{
    address_number number = 0;

    for (int i = 0; i < (element->is_v6 ? 16 : 4); i++)
        number = number << 8 | element->address[i];
    return number;
}

static void number_put(address_number number, struct set_element *element)
{
    for (int i = element->is_v6 ? 15 : 3; i >= 0; i--, number >>= 8)
        element->address[i] = (uint8_t)number;
}

/* A whole address, one end of a range. */
static int end_parse(struct netset *netset, const char *text, struct set_element *ret_element)
{
    struct problem problem;
    bool is_v6;

    *ret_element = (struct set_element){0};
    if (prefix_parse(text, ret_element->address, &is_v6, &ret_element->length, &problem) < 0)
        return SAY(netset, "%s", problem.text);
    if (strchr(text, '/'))
        return SAY(netset, "'%.60s': a range has addresses at its ends, not prefixes", text);
    ret_element->is_v6 = is_v6;
    return 0;
}

/* The largest prefix that begins at `first` and does not pass `last`, again and again. */
static int range_split(struct netset *netset, struct set_element element, address_number last)
{
    unsigned bits_max = element.is_v6 ? 128 : 32;
    address_number first = number_of(&element);
    int r = 0;

    while (r == 0) {
        unsigned bits = 0;
        address_number size = 1;

        /* size - 1 is compared, because 2^128 has no number. */
        while (bits < bits_max && (first & size) == 0 && (size << 1) - 1 <= last - first) {
            size <<= 1;
            bits++;
            if (size == 0)
                break;
        }
        number_put(first, &element);
        element.length = (uint8_t)(bits_max - bits);
        r = element_add(netset, &element);
        if (size == 0 || last - first < size)
            break;
        first += size;
    }
    return r;
}

static int range_add(struct netset *netset, char *text, uint64_t expiry)
{
    char *dash = strchr(text, '-');
    struct set_element first, last;
    int r;

    *dash = '\0';
    r = end_parse(netset, text, &first);
    if (r == 0)
        r = end_parse(netset, dash + 1, &last);
    *dash = '-';
    if (r < 0)
        return r;
    if (first.is_v6 != last.is_v6)
        return SAY(netset, "'%.100s': the ends of a range have different families", text);
    if (number_of(&last) < number_of(&first))
        return SAY(netset, "the range '%.100s' runs backwards", text);
    first.expiry = expiry;
    return range_split(netset, first, number_of(&last));
}

static int address_add(struct netset *netset, char *text, uint64_t expiry)
{
    struct set_element element = {.expiry = expiry};
    struct problem problem;
    bool is_v6;

    if (strchr(text, '-'))
        return range_add(netset, text, expiry);
    if (strchr(text, ','))
        return SAY(netset,
            "'%.60s': an element of several parts; only addresses and prefixes can be imported",
            text);
    if (prefix_parse(text, element.address, &is_v6, &element.length, &problem) < 0)
        return SAY(netset, "%s", problem.text);
    element.is_v6 = is_v6;
    return element_add(netset, &element);
}

/* The next word; NULL at the end. A quoted text is one word. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    char *end;

    if (!*word)
        return NULL;
    end = *word == '"' ? strchr(word + 1, '"') : NULL;
    end = end ? end + 1 : word + strcspn(word, " \t\r");
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static int timeout_parse(struct netset *netset, const char *text, uint64_t *ret_expiry)
{
    uint64_t seconds;

    /* ipset's own maximum. */
    if (!text || number_parse(text, strlen(text), 2147483, &seconds) < 0)
        return SAY(
            netset, "'%.60s': seconds to 2147483 are expected behind timeout", text ? text : "");
    *ret_expiry = seconds == 0 ? 0 : netset->now_s + seconds;
    return 0;
}

static int options_parse(struct netset *netset, char *at, uint64_t *ret_expiry)
{
    const char *word;

    while ((word = next_word(&at))) {
        const char *value;

        if (strcmp(word, "nomatch") == 0)
            return SAY(netset,
                "'nomatch': exceptions inside a set cannot be expressed; use a rule before it");
        value = next_word(&at);
        if (strcmp(word, "timeout") == 0) {
            int r = timeout_parse(netset, value, ret_expiry);

            if (r < 0)
                return r;
        } else if (strcmp(word, "packets") != 0 && strcmp(word, "bytes") != 0 &&
                   strcmp(word, "comment") != 0) {
            return SAY(netset,
                "'%.60s' cannot be imported; known are timeout, packets, bytes, comment", word);
        }
    }
    return 0;
}

/* One set a file, for it becomes one set. */
static int name_check(struct netset *netset, const char *name)
{
    if (!name)
        return SAY(netset, "the name of the set is missing");
    if (strlen(name) > NAME_BYTES_MAX)
        return SAY(
            netset, "the set's name '%.40s...' is longer than %d bytes", name, NAME_BYTES_MAX);
    if (*netset->set_name && strcmp(netset->set_name, name) != 0)
        return SAY(netset,
            "a second set, '%.60s', after '%.60s'; import one set at a time (ipset save NAME)",
            name, netset->set_name);
    strcpy(netset->set_name, name);
    return 0;
}

static int add_line(struct netset *netset, char *at)
{
    char *address;
    uint64_t expiry = 0;
    int r = name_check(netset, next_word(&at));

    if (r < 0)
        return r;
    address = next_word(&at);
    if (!address)
        return SAY(netset, "an address is expected behind 'add %.60s'", netset->set_name);
    r = options_parse(netset, at, &expiry);
    return r == 0 ? address_add(netset, address, expiry) : r;
}

static int create_line(struct netset *netset, char *at)
{
    const char *type;
    int r = name_check(netset, next_word(&at));

    if (r < 0)
        return r;
    type = next_word(&at);
    if (!type || (strcmp(type, "hash:ip") != 0 && strcmp(type, "hash:net") != 0))
        return SAY(netset,
            "a set of type '%.60s' cannot be imported; only hash:ip and hash:net hold plain "
            "addresses",
            type ? type : "");
    return 0;
}

static int line_parse(struct netset *netset, char *line)
{
    char *at = line, *word, *more;

    word = next_word(&at);
    if (!word || *word == '#' || *word == ';')
        return 0;
    if (strcmp(word, "add") == 0 || strcmp(word, "-A") == 0)
        return add_line(netset, at);
    if (strcmp(word, "create") == 0 || strcmp(word, "-N") == 0)
        return create_line(netset, at);
    word[strcspn(word, "#;")] = '\0';
    more = next_word(&at);
    if (more && *more != '#' && *more != ';')
        return SAY(netset,
            "'%.60s' behind the address '%.60s'; expected one address or prefix a line", more,
            word);
    return address_add(netset, word, 0);
}

/* A comment may be of any length; only what stands before it has to fit. */
static int line_copy(struct netset *netset, struct bytes line, char ret_line[LINE_ROOM])
{
    size_t len = line.len;

    if (memchr(line.at, '\0', line.len))
        return SAY(netset, "the line holds a zero byte; this is not a text file");
    if (len >= LINE_ROOM) {
        const uint8_t *mark = memchr(line.at, '#', LINE_ROOM - 1);

        if (!mark)
            return SAY(netset, "the line is longer than %d bytes", LINE_ROOM - 1);
        len = (size_t)(mark - line.at);
    }
    memcpy(ret_line, line.at, len);
    ret_line[len] = '\0';
    return 0;
}

static int lines_parse(struct netset *netset, struct bytes text)
{
    char copy[LINE_ROOM];

    while (text.len > 0) {
        const uint8_t *newline = memchr(text.at, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.at) : text.len;
        size_t taken = newline ? len + 1 : len;
        int r;

        netset->line++;
        r = len == 0 ? 0 : line_copy(netset, bytes_of(text.at, len), copy);
        if (r == 0 && len > 0)
            r = line_parse(netset, copy);
        if (r < 0)
            return r;
        text = bytes_of(text.at + taken, text.len - taken);
    }
    return 0;
}

int netset_parse(struct bytes text, const char *name, uint64_t now_s,
    struct set_element **ret_elements, uint32_t *ret_count, struct problem *reterr_problem)
{
    struct netset netset = {.name = name, .now_s = now_s, .problem = reterr_problem};
    int r = lines_parse(&netset, text);

    if (r == 0 && !netset.elements) {
        netset.elements = calloc(1, sizeof(*netset.elements));
        if (!netset.elements)
            r = problem_say(reterr_problem, -ENOMEM, "not enough memory for %s", name);
    }
    if (r < 0) {
        free(netset.elements);
        return r;
    }
    *ret_count = set_content_canonical(netset.elements, netset.count);
    *ret_elements = netset.elements;
    return 0;
}

/* 256 bytes a prefix are plenty. */
#define FILE_BYTES_MAX ((size_t)SET_ELEMENTS_MAX * 256)

static int read_all(
    FILE *file, const char *name, struct buffer *ret_text, struct problem *reterr_problem)
{
    char block[16384];
    size_t got;

    while ((got = fread(block, 1, sizeof(block), file)) > 0) {
        if (ret_text->len + got > FILE_BYTES_MAX)
            return problem_say(
                reterr_problem, -EFBIG, "%s is larger than %zu MiB", name, FILE_BYTES_MAX >> 20);
        if (buffer_append(ret_text, block, got) < 0)
            return problem_say(reterr_problem, -ENOMEM, "not enough memory for %s", name);
    }
    if (ferror(file))
        return problem_say(reterr_problem, -EIO, "cannot read %s", name);
    return 0;
}

int netset_read(FILE *file, const char *name, uint64_t now_s, struct set_element **ret_elements,
    uint32_t *ret_count, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    int r = read_all(file, name, &text, reterr_problem);

    return r == 0 ? netset_parse(
                        buffer_bytes(&text), name, now_s, ret_elements, ret_count, reterr_problem)
                  : r;
}
