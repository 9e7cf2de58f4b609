/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - the words of other firewalls for numbers. */
#include "cli/import/model.h"
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include <stdlib.h>
#include <string.h>

bool number_read(const char *text, uint32_t max, uint32_t *ret_number)
{
    char *end;
    unsigned long value;

    if (text[0] < '0' || text[0] > '9')
        return false;
    value = strtoul(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
    if (*end || value > max)
        return false;
    *ret_number = (uint32_t)value;
    return true;
}

bool protocol_read(const char *text, uint32_t *ret_number)
{
    static const struct word words[] = {{"tcp", 6}, {"udp", 17}, {"sctp", 132}, {"icmp", 1},
        {"icmpv6", 58}, {"ipv6-icmp", 58}, {"igmp", 2}, {"gre", 47}, {"esp", 50}, {"ah", 51},
        {"ospf", 89}, {"ospfigp", 89}, {"vrrp", 112}, {"dccp", 33}, {"udplite", 136}, {"pim", 103},
        {"ipencap", 4}, {"ipip", 4}, {"ipv6", 41}, {"comp", 108}, {"ipcomp", 108}, {"eigrp", 88},
        {"l2tp", 115}, {"mobility-header", 135}, {"ipv6-mh", 135}, {"rsvp", 46}, {"egp", 8}};
    const struct word *word =
        word_find((struct words){words, sizeof(words) / sizeof(words[0])}, text, strlen(text));

    if (word)
        *ret_number = word->value;
    return word || number_read(text, 255, ret_number);
}

/* ---- addresses */

static wide address_number_of(const uint8_t *address, bool is_v6)
{
    wide number = 0;

    for (int i = 0; i < (is_v6 ? 16 : 4); i++)
        number = number << 8 | address[i];
    return number;
}

static bool end_read(const char *text, size_t len, bool *ret_is_v6, wide *ret_number)
{
    char copy[64];
    uint8_t address[16], length;

    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strchr(copy, '/') || prefix_parse(copy, address, ret_is_v6, &length, NULL) < 0)
        return false;
    *ret_number = address_number_of(address, *ret_is_v6);
    return true;
}

/* "24" or "255.255.255.0"; holes in a mask are refused. */
static bool mask_read(const char *text, bool is_v6, uint32_t *ret_length)
{
    uint32_t bits = is_v6 ? 128 : 32;
    bool mask_is_v6;
    wide mask, rest;

    if (number_read(text, bits, ret_length))
        return true;
    if (!end_read(text, strlen(text), &mask_is_v6, &mask) || mask_is_v6 != is_v6)
        return false;
    rest = (is_v6 ? ~(wide)0 : (wide)UINT32_MAX) & ~mask;
    if (rest & (rest + 1))
        return false;
    *ret_length = bits;
    for (; rest; rest >>= 1)
        (*ret_length)--;
    return true;
}

bool address_read(const char *text, bool *ret_is_v6, struct span *ret_span)
{
    size_t len = strcspn(text, "/-");
    uint32_t length;
    bool is_v6;
    wide host;

    if (!end_read(text, len, ret_is_v6, &ret_span->first))
        return false;
    ret_span->last = ret_span->first;
    if (text[len] == '-')
        return end_read(text + len + 1, strlen(text + len + 1), &is_v6, &ret_span->last) &&
               is_v6 == *ret_is_v6 && ret_span->first <= ret_span->last;
    if (!text[len])
        return true;
    if (!mask_read(text + len + 1, *ret_is_v6, &length))
        return false;
    host = *ret_is_v6 ? (length == 0 ? ~(wide)0 : ((wide)1 << (128 - length)) - 1)
                      : ((wide)1 << (32 - length)) - 1;
    ret_span->first &= ~host;
    ret_span->last = ret_span->first | host;
    return true;
}

/* ---- ICMP */

struct icmp_name {
    const char *name;
    uint8_t type;
    int16_t code; /* -1: any */
};

static const struct icmp_name icmp_v4[] = {{"echo-reply", 0, -1}, {"pong", 0, -1},
    {"destination-unreachable", 3, -1}, {"network-unreachable", 3, 0}, {"host-unreachable", 3, 1},
    {"protocol-unreachable", 3, 2}, {"port-unreachable", 3, 3}, {"fragmentation-needed", 3, 4},
    {"source-quench", 4, -1}, {"redirect", 5, -1}, {"echo-request", 8, -1}, {"ping", 8, -1},
    {"router-advertisement", 9, -1}, {"router-solicitation", 10, -1}, {"time-exceeded", 11, -1},
    {"ttl-exceeded", 11, -1}, {"parameter-problem", 12, -1}, {"timestamp-request", 13, -1},
    {"timestamp-reply", 14, -1}, {"info-request", 15, -1}, {"info-reply", 16, -1},
    {"address-mask-request", 17, -1}, {"address-mask-reply", 18, -1}};
static const struct icmp_name icmp_v6[] = {{"destination-unreachable", 1, -1}, {"no-route", 1, 0},
    {"address-unreachable", 1, 3}, {"port-unreachable", 1, 4}, {"packet-too-big", 2, -1},
    {"time-exceeded", 3, -1}, {"ttl-exceeded", 3, -1}, {"parameter-problem", 4, -1},
    {"echo-request", 128, -1}, {"echo-reply", 129, -1}, {"mld-listener-query", 130, -1},
    {"mld-listener-report", 131, -1}, {"mld-listener-done", 132, -1},
    {"mld-listener-reduction", 132, -1}, {"nd-router-solicit", 133, -1},
    {"router-solicitation", 133, -1}, {"nd-router-advert", 134, -1},
    {"router-advertisement", 134, -1}, {"nd-neighbor-solicit", 135, -1},
    {"neighbour-solicitation", 135, -1}, {"neighbor-solicitation", 135, -1},
    {"nd-neighbor-advert", 136, -1}, {"neighbour-advertisement", 136, -1},
    {"neighbor-advertisement", 136, -1}, {"nd-redirect", 137, -1}, {"redirect", 137, -1},
    {"router-renumbering", 138, -1}, {"ind-neighbor-solicit", 141, -1},
    {"ind-neighbor-advert", 142, -1}, {"mld2-listener-report", 143, -1}};

static bool icmp_numbers(const char *text, struct span *ret_type, struct span *ret_code)
{
    size_t len = strcspn(text, "/");
    uint32_t type, code;
    char copy[16];

    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!number_read(copy, 255, &type))
        return false;
    *ret_type = (struct span){type, type};
    if (!text[len])
        return true;
    if (!number_read(text + len + 1, 255, &code))
        return false;
    *ret_code = (struct span){code, code};
    return true;
}

bool icmp_read(const char *text, bool is_v6, struct span *ret_type, struct span *ret_code)
{
    const struct icmp_name *list = is_v6 ? icmp_v6 : icmp_v4;
    size_t count = is_v6 ? sizeof(icmp_v6) / sizeof(*list) : sizeof(icmp_v4) / sizeof(*list);

    *ret_code = (struct span){0, 255};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i].name, text) != 0)
            continue;
        *ret_type = (struct span){list[i].type, list[i].type};
        if (list[i].code >= 0)
            *ret_code = (struct span){(wide)list[i].code, (wide)list[i].code};
        return true;
    }
    return icmp_numbers(text, ret_type, ret_code);
}

/* "10/second", "600/min": whole packets a second or false. */
bool rate_read(const char *text, uint64_t *ret_rate)
{
    static const struct word units[] = {{"s", 1}, {"sec", 1}, {"second", 1}, {"m", 60}, {"min", 60},
        {"minute", 60}, {"h", 3600}, {"hour", 3600}, {"d", 86400}, {"day", 86400}};
    const char *slash = strchr(text, '/');
    const struct word *unit;
    uint64_t number;

    if (!slash || number_parse(text, (size_t)(slash - text), UINT32_MAX, &number) < 0)
        return false;
    unit = word_find((struct words){units, 10}, slash + 1, strlen(slash + 1));
    if (!unit || number == 0 || number % unit->value != 0)
        return false;
    *ret_rate = number / unit->value;
    return true;
}

bool name_is_plain(const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x21 || (unsigned char)name[i] >= 0x7f ||
            strchr("'\"\\", name[i]))
            return false;
    return len >= 1 && len <= 64;
}

const char *device_check(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > 63)
        return "a device's name has 1 to 63 bytes";
    for (size_t i = 0; i < len; i++)
        if (strchr("?[],\"\\ ", name[i]) || (unsigned char)name[i] < 0x21 ||
            (unsigned char)name[i] >= 0x7f || (name[i] == '*' && i + 1 < len))
            return "a device's name with one of ? * [ ] , \" \\ in it cannot be expressed";
    return NULL;
}
