/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;

    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

void buffer_fini(struct buffer *buffer)
{
    free(buffer->at);
    *buffer = (struct buffer){0};
}

int buffer_reserve(struct buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity ? buffer->capacity : 64;
    uint8_t *at;

    if (more > SIZE_MAX / 2 - buffer->len)
        return -ENOMEM;
    while (capacity < buffer->len + more)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return 0;
    at = realloc(buffer->at, capacity);
    if (!at)
        return -ENOMEM;
    buffer->at = at;
    buffer->capacity = capacity;
    return 0;
}

int buffer_append(struct buffer *buffer, const void *from, size_t len)
{
    int r = buffer_reserve(buffer, len);

    if (r < 0)
        return r;
    if (len)
        memcpy(buffer->at + buffer->len, from, len);
    buffer->len += len;
    return 0;
}

uint8_t *bytes_copy(const void *from, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    if (copy && len)
        memcpy(copy, from, len);
    return copy;
}

void hex_print(const uint8_t *from, size_t len, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = digits[from[i] >> 4];
        ret_text[2 * i + 1] = digits[from[i] & 15];
    }
    ret_text[2 * len] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

int hex_parse(const char *text, uint8_t *ret_bytes, size_t len)
{
    if (strlen(text) != 2 * len)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]);
        int low = digit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}
