/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * host.h - the packet path of bpf/ in user space, over the same tables: what the kernel would
 * decide.
 *
 * Keeps what the kernel keeps between packets: verdicts of first fragments, counters. No clock:
 * now_ns is the caller's.
 */
#include "base/bytes.h"
#include "node/compile/compile.h"

struct host;

/* The tables are borrowed. */
int host_new(const struct compile_tables *tables, struct host **ret_host);
void host_free(struct host *host); /* accepts NULL */

struct host_packet {
    enum fw_kind kind; /* XDP, TC_IN */
    uint32_t ifindex;
    struct bytes frame;
    uint64_t now_ns;
    uint16_t stripped_tag; /* tc: VLAN tag outside the frame, with its present bit in is_stripped */
    bool is_stripped;
    uint16_t kernel_type; /* tc: the ethertype by which the kernel will deliver it; 0: not known */
};

struct host_answer {
    bool drops;
    enum fw_reason reason; /* before a dry run turns a drop into a pass */
    uint32_t counter;      /* of the rule that decided; FW_COUNTER_NONE */
};

void host_decide(
    struct host *host, const struct host_packet *packet, struct host_answer *ret_answer);

/* By reason, and by local index. */
uint64_t host_reason_packets(const struct host *host, enum fw_reason reason);
uint64_t host_rule_packets(const struct host *host, uint32_t counter);

/* The event of the last packet that made one; NULL: none has. */
const struct fw_event *host_event(const struct host *host, uint32_t *ret_count);
