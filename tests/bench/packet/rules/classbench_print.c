/* SPDX-License-Identifier: Apache-2.0 */
/* classbench_print.c - what classbench.c reads, written. */
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/classbench.h"

#include <arpa/inet.h>
#include <stdio.h>

#define LINE_BYTES 256

static const char *address_text(
    uint8_t family, const uint8_t *address, char ret_text[INET6_ADDRSTRLEN])
{
    return inet_ntop(family == FW_IPV4 ? AF_INET : AF_INET6, address, ret_text, INET6_ADDRSTRLEN);
}

int classbench_print_rule(const struct bench_rule *rule, char *ret_text)
{
    char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];

    return snprintf(ret_text, LINE_BYTES,
        "@%s/%u\t%s/%u\t%u : %u\t%u : %u\t0x%02x/0x%02X\t0x%04x/0x%04x\n",
        address_text(rule->family, rule->source, source), rule->source_length,
        address_text(rule->family, rule->target, target), rule->target_length, rule->source_first,
        rule->source_last, rule->target_first, rule->target_last, rule->protocol,
        rule->protocol_mask, rule->tcp_flags << 8, rule->tcp_flags_mask << 8);
}

int classbench_print_header(const struct bench_header *header, char *ret_text)
{
    char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];

    return snprintf(ret_text, LINE_BYTES, "%s\t%s\t%u\t%u\t%u\t%d\n",
        address_text(header->family, header->source, source),
        address_text(header->family, header->target, target), header->source_port,
        header->target_port, header->protocol,
        header->drawn_from == BENCH_NO_RULE ? -1 : (int)header->drawn_from);
}
