/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * oracle.h - which rule decides, straight from the rule messages: slow, plain, and written apart
 * from the compiler and the packet path so that tests can compare them.
 */
#include "base/bytes.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <stdbool.h>

/* A packet in words. */
struct oracle_packet {
    uint8_t source[16], target[16];
    bool is_v6;
    uint8_t protocol;
    bool has_ports; /* TCP, UDP or SCTP with its header here */
    uint16_t source_port, target_port;
    bool has_icmp;
    uint8_t icmp_type, icmp_code;
    uint8_t tcp_flags; /* counts for TCP with its header here */
    uint8_t dscp;
    uint16_t vlan;
    Picket__V1__Fragment fragment;
    bool is_to_self;
    const char *device;
    Picket__V1__DeviceClass device_class;
};

struct oracle_rule {
    const uint8_t *id; /* OP_REF_BYTES */
    const Picket__V1__Rule *rule;
};

/* Is this address in the set of a rule's side? */
typedef bool (*oracle_member)(void *user, const struct oracle_rule *rule, struct bytes set,
    const uint8_t *address, bool is_v6);

bool oracle_matches(const struct oracle_rule *rule, const struct oracle_packet *packet,
    oracle_member member, void *user);

/* The deciding one of rules that stand in no order; NULL: the default decides. Log and shadow rules
 * decide nothing. */
const struct oracle_rule *oracle_decide(const struct oracle_rule *rules, size_t rules_count,
    const struct oracle_packet *packet, oracle_member member, void *user);
