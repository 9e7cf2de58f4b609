/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make.c - picket-bench-make rules|disjoint|prefixes|nested FROM COUNT LIST TRACE HEADERS [4|6]
 *
 * Writes what all peers of one comparison hold (LIST: ClassBench lines, or a prefix a line) and
 * headers drawn from it (TRACE, for picket-bench-flood). FROM is a file or what the
 * generators know: "acl", "fw", "ipc"; "blocklist", "random". COUNT is the most; it says how many
 * it wrote.
 *
 * rules:    the first COUNT that every peer can express: TCP or UDP, or no ports at all.
 * disjoint: COUNT rules of which no two match the same packet, as a concatenated set wants them;
 *           IPv4 only.
 * prefixes: COUNT evenly spread ones, none inside another; nested: those, too.
 */
#include "base/prng.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/live/flood.h"
#include "tests/bench/packet/rules/classbench.h"
#include "tests/bench/packet/rules/generate.h"
#include "tests/bench/packet/rules/prefixes.h"
#include "tests/bench/packet/rules/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED 2026

struct order {
    const char *what;
    const char *from;
    uint32_t count;
    const char *list;
    const char *trace;
    uint32_t headers;
    uint8_t family;
};

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "picket-bench-make: %s: %s\n", what, strerror(error));
    return -error;
}

static bool is_expressible(const struct bench_rule *rule, uint8_t family)
{
    bool has_ports = rule->source_first > 0 || rule->source_last < UINT16_MAX ||
                     rule->target_first > 0 || rule->target_last < UINT16_MAX;
    bool is_l4 = rule->protocol_mask == 0xff && (rule->protocol == 6 || rule->protocol == 17);

    return rule->family == family && (is_l4 || !has_ports);
}

static int take_expressible(
    const struct bench_rules *from, const struct order *order, struct bench_rules *ret_rules)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < from->count && ret_rules->count < order->count; i++) {
        if (is_expressible(&from->rules[i], order->family))
            r = bench_rules_append(ret_rules, &from->rules[i]);
    }
    return r;
}

static int make_rules(const struct order *order, struct bench_rules *ret_rules)
{
    struct generate generate = {
        .name = order->from, .family = order->family, .count = order->count * 2, .seed = SEED};
    struct bench_rules all = {0};
    struct problem problem = {0};
    int r = access(order->from, R_OK) == 0
                ? classbench_read_rules(order->from, CLASSBENCH_FIVE_TUPLE, &all, &problem)
                : generate_rules(&generate, &all, &problem);

    if (r < 0)
        (void)fprintf(stderr, "picket-bench-make: %s: %s\n", order->from, problem.text);
    else
        r = take_expressible(&all, order, ret_rules);
    bench_rules_fini(&all);
    return r;
}

/* Every rule has a /20 of targets of its own. */
static int make_disjoint(const struct order *order, struct bench_rules *ret_rules)
{
    struct prng prng;
    int r = 0;

    prng_seed(&prng, SEED);
    for (uint32_t i = 0; r == 0 && i < order->count; i++) {
        struct bench_rule rule = bench_rule_any(FW_IPV4);
        uint32_t block = ((i * 40503U) & 0xfffff) << 12; /* odd: no two the same below 2^20 */
        uint32_t source = htonl((uint32_t)prng_next(&prng));

        rule.target_length = (uint8_t)(20 + prng_below(&prng, 13));
        rule.source_length = (uint8_t)(8 + prng_below(&prng, 25));
        block = htonl(block | (uint32_t)prng_below(&prng, 4096));
        memcpy(rule.target, &block, 4);
        memcpy(rule.source, &source, 4);
        bench_address_cut(rule.target, FW_IPV4, rule.target_length, false);
        bench_address_cut(rule.source, FW_IPV4, rule.source_length, false);
        rule.protocol = prng_below(&prng, 2) ? 6 : 17;
        rule.protocol_mask = 0xff;
        rule.target_first = (uint16_t)prng_below(&prng, 60000);
        rule.target_last = (uint16_t)(rule.target_first + prng_below(&prng, 2) * 100);
        r = bench_rules_append(ret_rules, &rule);
    }
    return r;
}

static int write_rules(const char *path, const struct bench_rules *rules)
{
    FILE *file = fopen(path, "we");
    char line[256];

    if (!file)
        return complain(path, errno);
    for (uint32_t i = 0; i < rules->count; i++)
        (void)fwrite(line, 1, (size_t)classbench_print_rule(&rules->rules[i], line), file);
    return fclose(file) == 0 ? 0 : complain(path, errno);
}

static int write_trace(const char *path, const struct bench_headers *headers)
{
    FILE *file = fopen(path, "we");

    if (!file)
        return complain(path, errno);
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct bench_header *from = &headers->headers[i];
        struct flood_header to = {.source_port = htons(from->source_port),
            .target_port = htons(from->target_port),
            .protocol = from->protocol,
            .version = from->family == FW_IPV4 ? 4 : 6};

        memcpy(to.source, from->source, sizeof(to.source));
        memcpy(to.target, from->target, sizeof(to.target));
        (void)fwrite(&to, sizeof(to), 1, file);
    }
    return fclose(file) == 0 ? 0 : complain(path, errno);
}

static int serve_rules(const struct order *order)
{
    struct bench_rules rules = {0};
    struct bench_headers headers = {0};
    int r = strcmp(order->what, "rules") == 0 ? make_rules(order, &rules)
                                              : make_disjoint(order, &rules);

    if (r == 0)
        r = write_rules(order->list, &rules);
    if (r == 0)
        r = trace_rules(&rules, order->headers, SEED, &headers);
    if (r == 0)
        r = write_trace(order->trace, &headers);
    if (r == 0)
        printf("%u\n", rules.count);
    bench_headers_fini(&headers);
    bench_rules_fini(&rules);
    return r;
}

/* They are sorted, so what is inside another follows it. */
static int take_prefixes(
    const struct bench_prefixes *all, const struct order *order, struct bench_prefixes *ret_kept)
{
    bool with_nested = strcmp(order->what, "nested") == 0;
    const struct bench_prefix *last = NULL;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < all->count; i++) {
        const struct bench_prefix *prefix = &all->prefixes[i];

        if (prefix->family != order->family || prefix->length == 0 ||
            (!with_nested && last &&
                bench_prefix_holds(last->address, last->length, prefix->address)))
            continue;
        last = prefix;
        r = prefixes_append(ret_kept, prefix);
    }
    return r;
}

static void thin_out(struct bench_prefixes *prefixes, uint32_t count)
{
    if (prefixes->count <= count)
        return;
    for (uint32_t i = 0; i < count; i++)
        prefixes->prefixes[i] = prefixes->prefixes[(uint64_t)i * prefixes->count / count];
    prefixes->count = count;
}

static int make_prefixes(const struct order *order, struct bench_prefixes *ret_prefixes)
{
    enum prefixes_kind kind =
        strcmp(order->from, "random") == 0 ? PREFIXES_RANDOM : PREFIXES_BLOCKLIST;
    struct bench_prefixes all = {0};
    struct problem problem = {0};
    uint32_t wanted = kind == PREFIXES_RANDOM ? order->count : order->count * 2;
    int r = access(order->from, R_OK) == 0
                ? prefixes_read(order->from, &all, &problem)
                : prefixes_generate(kind, order->family, wanted, SEED, &all);

    if (r < 0)
        (void)fprintf(stderr, "picket-bench-make: %s: %s\n", order->from, problem.text);
    else
        r = take_prefixes(&all, order, ret_prefixes);
    if (r == 0)
        thin_out(ret_prefixes, order->count);
    ret_prefixes->ipv4_count = order->family == FW_IPV4 ? ret_prefixes->count : 0;
    prefixes_fini(&all);
    return r;
}

static int write_prefixes(const char *path, const struct bench_prefixes *prefixes)
{
    FILE *file = fopen(path, "we");

    if (!file)
        return complain(path, errno);
    for (uint32_t i = 0; i < prefixes->count; i++) {
        const struct bench_prefix *prefix = &prefixes->prefixes[i];
        char text[INET6_ADDRSTRLEN];

        (void)inet_ntop(
            prefix->family == FW_IPV4 ? AF_INET : AF_INET6, prefix->address, text, sizeof(text));
        (void)fprintf(file, "%s/%u\n", text, prefix->length);
    }
    return fclose(file) == 0 ? 0 : complain(path, errno);
}

static int serve_prefixes(const struct order *order)
{
    struct bench_prefixes prefixes = {0};
    struct bench_headers headers = {0};
    int r = make_prefixes(order, &prefixes);

    if (r == 0)
        r = write_prefixes(order->list, &prefixes);
    if (r == 0)
        r = trace_prefix_hits(&prefixes, order->family, order->headers, SEED, &headers);
    if (r == 0)
        r = write_trace(order->trace, &headers);
    if (r == 0)
        printf("%u\n", prefixes.count);
    bench_headers_fini(&headers);
    prefixes_fini(&prefixes);
    return r;
}

int main(int argc, char **argv)
{
    struct order order;

    if (argc != 7 && argc != 8) {
        (void)fprintf(stderr, "usage: picket-bench-make KIND FROM COUNT LIST "
                              "TRACE HEADERS [4|6]\n");
        return 2;
    }
    order = (struct order){.what = argv[1],
        .from = argv[2],
        .count = (uint32_t)strtoul(argv[3], NULL, 10),
        .list = argv[4],
        .trace = argv[5],
        .headers = (uint32_t)strtoul(argv[6], NULL, 10),
        .family = argc == 8 && strcmp(argv[7], "6") == 0 ? FW_IPV6 : FW_IPV4};
    if (strcmp(order.what, "prefixes") == 0 || strcmp(order.what, "nested") == 0)
        return serve_prefixes(&order) < 0;
    return serve_rules(&order) < 0;
}
