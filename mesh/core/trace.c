/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/trace.h"

#include <string.h>

static void put(struct trace_line *line, const char *text)
{
    while (*text && line->len + 1 < sizeof(line->text)) {
        /* Names come from others: nothing that could break or forge a line. */
        char letter = *text++;
        line->text[line->len++] = letter > ' ' && letter < 127 ? letter : '?';
    }
    line->text[line->len] = 0;
}

static void put_key(struct trace_line *line, const char *key)
{
    if (line->len + 1 < sizeof(line->text))
        line->text[line->len++] = ' ';
    put(line, key);
    put(line, "=");
}

void trace_start(struct trace_line *line, const char *what)
{
    line->len = 0;
    line->text[0] = 0;
    put(line, what);
}

void trace_word(struct trace_line *line, const char *key, const char *word)
{
    put_key(line, key);
    put(line, word);
}

void trace_number(struct trace_line *line, const char *key, uint64_t number)
{
    char digits[21];
    uint32_t at = sizeof(digits) - 1;

    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    put_key(line, key);
    put(line, digits + at);
}

void trace_id(struct trace_line *line, const char *key, const uint8_t *id)
{
    char text[9];

    hex_print(id, 4, text);
    put_key(line, key);
    put(line, text);
}
