/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/classbench.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_ICMPV6 58
#define WORD_BYTES 64
#define BLANKS " \t\r\n"

/* ---- words and numbers of a line */

struct scan {
    const char *at;
    struct problem *reterr_problem;
};

static void skip_blanks(struct scan *scan)
{
    scan->at += strspn(scan->at, BLANKS);
}

static int scan_word(struct scan *scan, const char *until, char ret_word[WORD_BYTES])
{
    size_t len;

    skip_blanks(scan);
    len = strcspn(scan->at, until);
    if (len == 0 || len >= WORD_BYTES)
        return problem_say(scan->reterr_problem, -EINVAL,
            len ? "'%.20s...' is too long" : "the line ends before its last field", scan->at);
    memcpy(ret_word, scan->at, len);
    ret_word[len] = '\0';
    scan->at += len;
    return 0;
}

static int scan_number(struct scan *scan, int base, uint64_t max, uint64_t *ret_number)
{
    char word[WORD_BYTES], *end;
    int r = scan_word(scan, BLANKS ":/", word);

    if (r < 0)
        return r;
    errno = 0;
    *ret_number = strtoull(word, &end, base);
    if (*end || errno || *ret_number > max || strchr("+-", word[0]))
        return problem_say(scan->reterr_problem, -EINVAL, "'%.30s' is no number up to %llu", word,
            (unsigned long long)max);
    return 0;
}

static int scan_sign(struct scan *scan, char sign)
{
    skip_blanks(scan);
    if (*scan->at != sign)
        return problem_say(
            scan->reterr_problem, -EINVAL, "there is no '%c' before '%.20s'", sign, scan->at);
    scan->at++;
    return 0;
}

/* ret_family: FW_FAMILY_COUNT before the first address of a line. */
static int set_family(struct scan *scan, uint8_t family, uint8_t *ret_family)
{
    if (*ret_family != FW_FAMILY_COUNT && *ret_family != family)
        return problem_say(scan->reterr_problem, -EINVAL, "two families in one line");
    *ret_family = family;
    return 0;
}

/* In text form, or an IPv4 one as a decimal number. */
static int scan_address(struct scan *scan, uint8_t *ret_address, uint8_t *ret_family)
{
    char word[WORD_BYTES], *end;
    int r = scan_word(scan, BLANKS "/", word);

    if (r < 0)
        return r;
    if (inet_pton(AF_INET6, word, ret_address) == 1)
        return set_family(scan, FW_IPV6, ret_family);
    if (inet_pton(AF_INET, word, ret_address) == 1)
        return set_family(scan, FW_IPV4, ret_family);
    errno = 0;
    unsigned long long number = strtoull(word, &end, 10);

    if (*end || errno || number > UINT32_MAX || strchr("+-", word[0]))
        return problem_say(scan->reterr_problem, -EINVAL, "'%.40s' is no address", word);
    uint32_t network = htonl((uint32_t)number);

    memcpy(ret_address, &network, 4);
    return set_family(scan, FW_IPV4, ret_family);
}

/* ---- rules */

static int scan_prefix(
    struct scan *scan, uint8_t *ret_address, uint8_t *ret_length, uint8_t *ret_family)
{
    uint64_t length;
    int r = scan_address(scan, ret_address, ret_family);

    if (r == 0)
        r = scan_sign(scan, '/');
    if (r == 0)
        r = scan_number(scan, 10, *ret_family == FW_IPV4 ? 32 : 128, &length);
    if (r < 0)
        return r;
    *ret_length = (uint8_t)length;
    bench_address_cut(ret_address, *ret_family, *ret_length, false);
    return 0;
}

static int scan_ports(struct scan *scan, uint16_t *ret_first, uint16_t *ret_last)
{
    uint64_t first, last;
    int r = scan_number(scan, 10, 0xffff, &first);

    if (r == 0)
        r = scan_sign(scan, ':');
    if (r == 0)
        r = scan_number(scan, 10, 0xffff, &last);
    if (r < 0)
        return r;
    if (first > last)
        return problem_say(scan->reterr_problem, -EINVAL, "ports %u : %u run backwards",
            (unsigned)first, (unsigned)last);
    *ret_first = (uint16_t)first;
    *ret_last = (uint16_t)last;
    return 0;
}

static int scan_masked(struct scan *scan, uint64_t max, uint64_t *ret_value, uint64_t *ret_mask)
{
    int r = scan_number(scan, 16, max, ret_value);

    if (r == 0)
        r = scan_sign(scan, '/');
    return r < 0 ? r : scan_number(scan, 16, max, ret_mask);
}

static int scan_protocol(struct scan *scan, struct bench_rule *rule)
{
    uint64_t value, mask;
    int r = scan_masked(scan, 0xff, &value, &mask);

    if (r < 0)
        return r;
    if (mask != 0 && mask != 0xff)
        return problem_say(scan->reterr_problem, -EINVAL,
            "protocol mask 0x%02x: a protocol is one (0xFF) or any (0x00)", (unsigned)mask);
    rule->protocol = (uint8_t)(value & mask);
    rule->protocol_mask = (uint8_t)mask;
    return 0;
}

static bool is_icmp(uint8_t family, uint8_t protocol)
{
    return protocol == (family == FW_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6);
}

/* High byte: TCP flags or ICMP type; low byte: ICMP code. Masks between all and nothing cannot be
 * said of types. */
static int put_flags(struct scan *scan, uint64_t value, uint64_t mask, struct bench_rule *rule)
{
    if (rule->protocol == PROTOCOL_TCP && rule->protocol_mask) {
        rule->tcp_flags = (uint8_t)(value >> 8 & mask >> 8);
        rule->tcp_flags_mask = (uint8_t)(mask >> 8);
    }
    if (!rule->protocol_mask || !is_icmp(rule->family, rule->protocol) || !mask)
        return 0;
    if (mask != 0xff00 && mask != 0xffff)
        return problem_say(scan->reterr_problem, -EINVAL,
            "flags mask 0x%04x with ICMP: it is a type (0xff00), or type and code (0xffff)",
            (unsigned)mask);
    rule->source_first = rule->source_last = (uint16_t)(value >> 8);
    rule->target_first = 0;
    rule->target_last = 0xffff;
    if (mask == 0xffff)
        rule->target_first = rule->target_last = (uint16_t)(value & 0xff);
    return 0;
}

static int scan_flags(struct scan *scan, enum classbench_flags flags, struct bench_rule *rule)
{
    uint64_t value, mask;
    int r;

    skip_blanks(scan);
    if (*scan->at == '\0')
        return 0;
    r = scan_masked(scan, 0xffff, &value, &mask);
    return r < 0 || flags == CLASSBENCH_FIVE_TUPLE ? r : put_flags(scan, value, mask, rule);
}

int classbench_parse_rule(const char *line, enum classbench_flags flags,
    struct bench_rule *ret_rule, struct problem *reterr_problem)
{
    struct scan scan = {.at = line, .reterr_problem = reterr_problem};
    struct bench_rule *rule = ret_rule;
    int r = scan_sign(&scan, '@');

    *rule = bench_rule_any(FW_FAMILY_COUNT);
    if (r == 0)
        r = scan_prefix(&scan, rule->source, &rule->source_length, &rule->family);
    if (r == 0)
        r = scan_prefix(&scan, rule->target, &rule->target_length, &rule->family);
    if (r == 0)
        r = scan_ports(&scan, &rule->source_first, &rule->source_last);
    if (r == 0)
        r = scan_ports(&scan, &rule->target_first, &rule->target_last);
    if (r == 0)
        r = scan_protocol(&scan, rule);
    return r < 0 ? r : scan_flags(&scan, flags, rule);
}

/* ---- headers */

static int scan_rule_index(struct scan *scan, uint32_t *ret_index)
{
    char word[WORD_BYTES], *end;
    int r = 0;

    for (skip_blanks(scan); r == 0 && *scan->at; skip_blanks(scan))
        r = scan_word(scan, BLANKS, word);
    if (r < 0)
        return r;
    errno = 0;
    long long index = strtoll(word, &end, 10);

    if (*end || errno || index < -1 || index > UINT32_MAX)
        return problem_say(scan->reterr_problem, -EINVAL, "'%.30s' is no index of a rule", word);
    *ret_index = index < 0 ? BENCH_NO_RULE : (uint32_t)index;
    return 0;
}

int classbench_parse_header(
    const char *line, struct bench_header *ret_header, struct problem *reterr_problem)
{
    struct scan scan = {.at = line, .reterr_problem = reterr_problem};
    struct bench_header *header = ret_header;
    uint64_t source_port = 0, target_port = 0, protocol = 0;
    int r;

    *header = bench_header_plain(FW_FAMILY_COUNT);
    r = scan_address(&scan, header->source, &header->family);
    if (r == 0)
        r = scan_address(&scan, header->target, &header->family);
    if (r == 0)
        r = scan_number(&scan, 10, 0xffff, &source_port);
    if (r == 0)
        r = scan_number(&scan, 10, 0xffff, &target_port);
    if (r == 0)
        r = scan_number(&scan, 10, 0xff, &protocol);
    header->source_port = (uint16_t)source_port;
    header->target_port = (uint16_t)target_port;
    header->protocol = (uint8_t)protocol;
    skip_blanks(&scan);
    return r < 0 || *scan.at == '\0' ? r : scan_rule_index(&scan, &header->drawn_from);
}

/* ---- files */

static int append_rule(struct bench_rules *rules, struct bench_rule *rule)
{
    rule->action = rules->count % 2 ? FW_ALLOW : FW_DROP;
    return bench_rules_append(rules, rule);
}

static int read_rules(struct lines *lines, enum classbench_flags flags, struct bench_rules *rules,
    struct problem *problem)
{
    char *line;
    int r;

    while ((r = lines_next(lines, &line, problem)) == 1) {
        struct bench_rule rule;

        r = classbench_parse_rule(line, flags, &rule, problem);
        if (r < 0)
            return lines_blame(lines, problem);
        r = append_rule(rules, &rule);
        if (r < 0)
            return problem_say(problem, r, "memory is short");
    }
    return r;
}

int classbench_read_rules(const char *path, enum classbench_flags flags,
    struct bench_rules *ret_rules, struct problem *reterr_problem)
{
    struct problem problem = {0};
    struct lines *lines;
    int r;

    memset(ret_rules, 0, sizeof(*ret_rules));
    r = lines_open(path, &lines, reterr_problem);
    if (r < 0)
        return r;
    r = read_rules(lines, flags, ret_rules, &problem);
    lines_close(lines);
    bench_rules_number(ret_rules);
    if (r < 0) {
        bench_rules_fini(ret_rules);
        return problem_say(reterr_problem, r, "%s", problem.text);
    }
    return 0;
}

static int read_headers(struct lines *lines, struct bench_headers *headers, struct problem *problem)
{
    char *line;
    int r;

    while ((r = lines_next(lines, &line, problem)) == 1) {
        struct bench_header header;

        r = classbench_parse_header(line, &header, problem);
        if (r < 0)
            return lines_blame(lines, problem);
        r = bench_headers_append(headers, &header);
        if (r < 0)
            return problem_say(problem, r, "memory is short");
    }
    return r;
}

int classbench_read_headers(
    const char *path, struct bench_headers *ret_headers, struct problem *reterr_problem)
{
    struct problem problem = {0};
    struct lines *lines;
    int r;

    memset(ret_headers, 0, sizeof(*ret_headers));
    r = lines_open(path, &lines, reterr_problem);
    if (r < 0)
        return r;
    r = read_headers(lines, ret_headers, &problem);
    lines_close(lines);
    if (r < 0) {
        bench_headers_fini(ret_headers);
        return problem_say(reterr_problem, r, "%s", problem.text);
    }
    return 0;
}
