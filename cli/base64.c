/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/base64.h"

#include <errno.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int base64_print(struct bytes bytes, struct buffer *text)
{
    if (buffer_reserve(text, (bytes.len + 2) / 3 * 4) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t three = (uint32_t)bytes.at[i] << 16;
        char four[4];

        three |= left > 1 ? (uint32_t)bytes.at[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)bytes.at[i + 2] : 0;
        four[0] = digits[three >> 18];
        four[1] = digits[three >> 12 & 63];
        four[2] = '=';
        four[3] = '=';
        if (left > 1)
            four[2] = digits[three >> 6 & 63];
        if (left > 2)
            four[3] = digits[three & 63];
        (void)buffer_append(text, four, sizeof(four));
    }
    return 0;
}

static int value_of(uint8_t c)
{
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -EINVAL;
}

/* One group of four, of which `pads` are '='. */
static int parse_four(const uint8_t *four, size_t pads, uint8_t ret_three[3])
{
    uint32_t three = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i >= 4 - pads ? (four[i] == '=' ? 0 : -EINVAL) : value_of(four[i]);

        if (value < 0)
            return -EINVAL;
        three = three << 6 | (uint32_t)value;
    }
    if ((pads == 1 && (three & 0xff)) || (pads == 2 && (three & 0xffff)))
        return -EINVAL; /* a second spelling of the same bytes */
    ret_three[0] = (uint8_t)(three >> 16);
    ret_three[1] = (uint8_t)(three >> 8);
    ret_three[2] = (uint8_t)three;
    return 0;
}

int base64_parse(struct bytes text, struct buffer *ret_bytes)
{
    if (text.len % 4)
        return -EINVAL;
    for (size_t i = 0; i < text.len; i += 4) {
        bool is_last = i + 4 == text.len;
        size_t pads = is_last && text.at[i + 3] == '=' ? (text.at[i + 2] == '=' ? 2 : 1) : 0;
        uint8_t three[3];

        if (parse_four(text.at + i, pads, three) < 0)
            return -EINVAL;
        if (buffer_append(ret_bytes, three, 3 - pads) < 0)
            return -ENOMEM;
    }
    return 0;
}
