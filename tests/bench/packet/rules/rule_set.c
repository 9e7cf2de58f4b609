/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/rule_set.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const bench_devices[BENCH_DEVICES] = {"eth0", "eth1", "docker0", "wan0"};
const uint8_t bench_device_classes[BENCH_DEVICES] = {
    FW_CLASS_EXTERNAL, FW_CLASS_INTERNAL, FW_CLASS_CONTAINER, FW_CLASS_EXTERNAL};
const char *const bench_globs[BENCH_DEVICES] = {"eth*", "eth0", "*0", "w[a-z]n*"};
const uint8_t bench_glob_devices[BENCH_DEVICES] = {0x3, 0x1, 0xd, 0x8};
const uint8_t bench_self[FW_FAMILY_COUNT][16] = {
    {192, 0, 2, 1}, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};

struct bench_rule bench_rule_any(uint8_t family)
{
    return (struct bench_rule){.family = family,
        .source_last = 0xffff,
        .target_last = 0xffff,
        .action = FW_DROP,
        .dscp = BENCH_ANY,
        .glob = BENCH_ANY,
        .source_set = BENCH_ANY,
        .target_set = BENCH_ANY,
        .vlan = BENCH_VLAN_ANY};
}

struct bench_header bench_header_plain(uint8_t family)
{
    return (struct bench_header){.family = family,
        .protocol = 6,
        .tcp_flags = 0x02,
        .fragment = FW_FRAGMENT_NONE,
        .device_class = FW_CLASS_EXTERNAL,
        .drawn_from = BENCH_NO_RULE};
}

int bench_grow(void **rows, uint32_t *capacity, uint32_t count, size_t row_bytes)
{
    uint32_t more = *capacity ? *capacity : 64;
    void *grown;

    if (count < *capacity)
        return 0;
    if (more > UINT32_MAX / 2)
        return -ENOMEM;
    while (more <= count)
        more *= 2;
    grown = realloc(*rows, more * row_bytes);
    if (!grown)
        return -ENOMEM;
    *rows = grown;
    *capacity = more;
    return 0;
}

static bool asks_for_more(const struct bench_rule *rule)
{
    return rule->tcp_flags_mask || rule->flags || rule->dscp != BENCH_ANY || rule->fragment ||
           rule->device_class || rule->to || rule->glob != BENCH_ANY ||
           rule->source_set != BENCH_ANY || rule->target_set != BENCH_ANY ||
           rule->vlan != BENCH_VLAN_ANY || rule->action == FW_LOG;
}

int bench_rules_append(struct bench_rules *rules, const struct bench_rule *rule)
{
    struct bench_rule *to;
    int r =
        bench_grow((void **)&rules->rules, &rules->capacity, rules->count, sizeof(*rules->rules));

    if (r < 0)
        return r;
    to = &rules->rules[rules->count];
    *to = *rule;
    to->object = rules->count++;
    rules->is_full |= asks_for_more(rule);
    return 0;
}

int bench_headers_append(struct bench_headers *headers, const struct bench_header *header)
{
    int r = bench_grow(
        (void **)&headers->headers, &headers->capacity, headers->count, sizeof(*headers->headers));

    if (r < 0)
        return r;
    headers->headers[headers->count++] = *header;
    return 0;
}

void bench_rules_fini(struct bench_rules *rules)
{
    for (uint32_t i = 0; i < rules->sets_count; i++)
        free(rules->sets[i].prefixes);
    free(rules->sets);
    free(rules->rules);
    memset(rules, 0, sizeof(*rules));
}

void bench_headers_fini(struct bench_headers *headers)
{
    free(headers->headers);
    memset(headers, 0, sizeof(*headers));
}

void bench_rules_number(struct bench_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++)
        rules->rules[i].priority = (uint16_t)((uint64_t)i * 65536 / rules->count);
}

bool bench_prefix_holds(const uint8_t *prefix, uint8_t length, const uint8_t *address)
{
    uint32_t whole = length / 8, rest = length % 8;

    if (memcmp(prefix, address, whole) != 0)
        return false;
    return rest == 0 || (prefix[whole] ^ address[whole]) >> (8 - rest) == 0;
}

void bench_address_cut(uint8_t *address, uint8_t family, uint8_t length, bool ones)
{
    uint32_t bytes = family == FW_IPV4 ? 4 : 16;

    for (uint32_t i = length / 8; i < bytes; i++) {
        uint8_t behind = (uint8_t)(i == length / 8 ? 0xff >> length % 8 : 0xff);

        address[i] = ones ? address[i] | behind : address[i] & (uint8_t)~behind;
    }
}
