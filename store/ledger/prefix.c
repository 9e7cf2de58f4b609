/* SPDX-License-Identifier: Apache-2.0 */
/* prefix.c - addresses and prefixes as text: RFC 4291 read, RFC 5952 written. */
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include <errno.h>
#include <string.h>

#define GROUPS 8

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int number_parse(const char *text, size_t len, uint64_t max, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (len == 0)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9' || value > (max - digit) / 10 || digit > max)
            return -EINVAL;
        value = value * 10 + digit;
    }
    *ret_value = value;
    return 0;
}

/* Four decimal numbers without leading zeros: one of them could be read as octal elsewhere. */
static int v4_parse(const char *text, size_t len, uint8_t ret_address[4])
{
    const char *end = text + len;

    for (int i = 0; i < 4; i++) {
        const char *dot = text;
        uint64_t value;

        while (dot < end && *dot != '.')
            dot++;
        if (dot - text > 3 || (*text == '0' && dot - text > 1) || (i < 3) != (dot < end) ||
            number_parse(text, (size_t)(dot - text), 255, &value) < 0)
            return -EINVAL;
        ret_address[i] = (uint8_t)value;
        text = dot + 1;
    }
    return 0;
}

/* One to four hex digits; returns how many, 0 if none or too many. */
static size_t group_parse(const char *text, const char *end, uint32_t *ret_value)
{
    size_t digits = 0;

    *ret_value = 0;
    while (text + digits < end && hex_value(text[digits]) >= 0) {
        *ret_value = *ret_value << 4 | (uint32_t)hex_value(text[digits]);
        if (++digits > 4)
            return 0;
    }
    return digits;
}

struct v6_reading {
    uint8_t bytes[16];
    size_t len;
    size_t gap; /* where "::" stands, SIZE_MAX: nowhere */
};

/* The address's last 32 bits in IPv4's notation. */
static int v6_tail(const char *text, const char *end, struct v6_reading *reading)
{
    if (reading->len > 12 ||
        v4_parse(text, (size_t)(end - text), reading->bytes + reading->len) < 0)
        return -EINVAL;
    reading->len += 4;
    return 0;
}

/* Groups until the end; a "::" is remembered as the place of a gap. */
static int v6_groups(const char *text, const char *end, struct v6_reading *reading)
{
    while (text < end) {
        uint32_t value;
        size_t digits = group_parse(text, end, &value);

        if (digits == 0)
            return -EINVAL;
        if (text + digits < end && text[digits] == '.')
            return v6_tail(text, end, reading);
        if (reading->len > 14)
            return -EINVAL;
        reading->bytes[reading->len++] = (uint8_t)(value >> 8);
        reading->bytes[reading->len++] = (uint8_t)value;
        text += digits;
        if (text == end)
            return 0;
        if (*text++ != ':' || text == end)
            return -EINVAL;
        if (*text == ':' && reading->gap != SIZE_MAX)
            return -EINVAL;
        if (*text == ':') {
            reading->gap = reading->len;
            text++;
        }
    }
    return 0;
}

static int v6_parse(const char *text, size_t len, uint8_t ret_address[16])
{
    struct v6_reading reading = {.gap = SIZE_MAX};
    const char *end = text + len;
    size_t behind;

    if (len >= 2 && text[0] == ':' && text[1] == ':') {
        reading.gap = 0;
        text += 2;
    }
    if (v6_groups(text, end, &reading) < 0)
        return -EINVAL;
    if ((reading.gap == SIZE_MAX) != (reading.len == 16))
        return -EINVAL;
    memset(ret_address, 0, 16);
    if (reading.gap == SIZE_MAX)
        reading.gap = 16;
    behind = reading.len - reading.gap;
    memcpy(ret_address, reading.bytes, reading.gap);
    memcpy(ret_address + 16 - behind, reading.bytes + reading.gap, behind);
    return 0;
}

static void clear_host_bits(uint8_t *address, size_t bytes, uint8_t length)
{
    for (size_t i = 0; i < bytes; i++) {
        size_t bits = length > 8 * i ? length - 8 * i : 0;

        if (bits < 8)
            address[i] &= (uint8_t)(0xFF00U >> bits);
    }
}

int prefix_parse(const char *text, uint8_t ret_address[16], bool *ret_is_v6, uint8_t *ret_length,
    struct problem *reterr_problem)
{
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    bool is_v6 = memchr(text, ':', len) != NULL;
    uint8_t address[16] = {0}, clean[16];
    uint64_t length = is_v6 ? 128 : 32;
    char meant[64];

    if ((is_v6 ? v6_parse(text, len, address) : v4_parse(text, len, address)) < 0)
        return problem_say(reterr_problem, -EINVAL,
            "'%.60s' is not an address or prefix such as 192.0.2.0/24", text);
    if (slash && number_parse(slash + 1, strlen(slash + 1), length, &length) < 0)
        return problem_say(reterr_problem, -EINVAL,
            "'%.60s': the length behind the slash must be 0 to %d", text, is_v6 ? 128 : 32);
    memcpy(clean, address, sizeof(clean));
    clear_host_bits(clean, is_v6 ? 16 : 4, (uint8_t)length);
    if (memcmp(clean, address, sizeof(clean)) != 0) {
        prefix_print(clean, is_v6, (uint8_t)length, meant);
        return problem_say(reterr_problem, -EINVAL,
            "'%.60s' has bits behind its prefix length; did you mean %s?", text, meant);
    }
    memcpy(ret_address, address, sizeof(address));
    *ret_is_v6 = is_v6;
    *ret_length = (uint8_t)length;
    return 0;
}

static char *print_number(char *to, uint32_t value)
{
    char digits[10];
    size_t count = 0;

    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

static char *print_v4(char *to, const uint8_t *address)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *to++ = '.';
        to = print_number(to, address[i]);
    }
    return to;
}

static char *print_group(char *to, uint32_t value)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;

    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *to++ = digits[value >> shift & 15];
    return to;
}

/* RFC 5952, 4.2: the longest run of at least two zero groups, the first of equal ones. */
static int longest_zeros(const uint32_t groups[GROUPS], int *ret_count)
{
    int best = -1, best_count = 1;

    for (int i = 0; i < GROUPS; i++) {
        int count = 0;

        while (i + count < GROUPS && groups[i + count] == 0)
            count++;
        if (count > best_count) {
            best = i;
            best_count = count;
        }
        if (count > 0)
            i += count - 1;
    }
    *ret_count = best < 0 ? 0 : best_count;
    return best;
}

static char *print_v6(char *to, const uint8_t *address)
{
    uint32_t groups[GROUPS];
    int gap, gap_count;

    for (int i = 0; i < GROUPS; i++)
        groups[i] = (uint32_t)address[2 * i] << 8 | address[2 * i + 1];
    gap = longest_zeros(groups, &gap_count);
    for (int i = 0; i < GROUPS; i++) {
        if (i == gap) {
            *to++ = ':';
            i += gap_count - 1;
            if (i == GROUPS - 1)
                *to++ = ':';
            continue;
        }
        if (i > 0)
            *to++ = ':';
        /* RFC 5952, 5: IPv4-mapped (and, as everywhere, IPv4-compatible) addresses end in IPv4's
         * notation. */
        if (i == 6 && gap == 0 && (gap_count == 6 || (gap_count == 5 && groups[5] == 0xFFFF)))
            return print_v4(to, address + 12);
        to = print_group(to, groups[i]);
    }
    return to;
}

void prefix_print(const uint8_t *address, bool is_v6, uint8_t length, char *ret_text)
{
    char *to = is_v6 ? print_v6(ret_text, address) : print_v4(ret_text, address);

    if (length < (is_v6 ? 128 : 32)) {
        *to++ = '/';
        to = print_number(to, length);
    }
    *to = '\0';
}
