/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/frame.h"
#include "bpf/fw_abi.h"

#include <errno.h>
#include <string.h>

#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_FRAGMENT 44
#define PROTOCOL_ICMPV6 58
#define PROTOCOL_SCTP 132
#define PAYLOAD_BYTES 8
#define LATER_OFFSET 185 /* in 8 bytes: behind a packet of 1,500 */

/* ---- protocols without ports */

int frame_stand_in_rules(struct bench_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (rules->rules[i].vlan != BENCH_VLAN_ANY)
            return -EINVAL;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        struct bench_rule *rule = &rules->rules[i];

        if (!rule->protocol_mask || rule->protocol == PROTOCOL_TCP)
            continue;
        rule->vlan =
            rule->protocol == PROTOCOL_UDP ? 0 : (uint16_t)(FRAME_STAND_IN_VLAN + rule->protocol);
        rule->protocol = PROTOCOL_UDP;
        rules->is_full = true;
    }
    return 0;
}

void frame_stand_in_header(struct bench_header *header)
{
    if (header->protocol == PROTOCOL_TCP || header->protocol == PROTOCOL_UDP)
        return;
    header->vlan = (uint16_t)(FRAME_STAND_IN_VLAN + header->protocol);
    header->protocol = PROTOCOL_UDP;
    header->tcp_flags = 0;
}

/* ---- frames */

static uint32_t fragment_id(const struct bench_header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    uint32_t hash = 2166136261U;

    for (size_t i = 0; i < sizeof(header->source) + sizeof(header->target) + 4; i++)
        hash = (hash ^ bytes[i]) * 16777619U;
    return hash ^ hash >> 16;
}

static void put_ipv4(const struct bench_header *header, struct packet *packet)
{
    uint8_t *ip;

    packet_ipv4(packet, "0.0.0.0", "0.0.0.0", header->protocol);
    ip = packet->bytes + packet->ip_at;
    ip[1] = (uint8_t)(header->dscp << 2);
    memcpy(ip + 12, header->source, 4);
    memcpy(ip + 16, header->target, 4);
    if (header->fragment == FW_FRAGMENT_FIRST)
        packet_fragment_v4(packet, 0, true, (uint16_t)fragment_id(header));
    else if (header->fragment == FW_FRAGMENT_LATER)
        packet_fragment_v4(packet, LATER_OFFSET, false, (uint16_t)fragment_id(header));
}

static void put_ipv6(const struct bench_header *header, struct packet *packet)
{
    bool is_fragment = header->fragment > FW_FRAGMENT_NONE;
    uint8_t *ip;

    packet_ipv6(packet, "::", "::", is_fragment ? PROTOCOL_FRAGMENT : header->protocol);
    ip = packet->bytes + packet->ip_at;
    ip[0] = (uint8_t)(0x60 | header->dscp >> 2);
    ip[1] = (uint8_t)(header->dscp << 6);
    memcpy(ip + 8, header->source, 16);
    memcpy(ip + 24, header->target, 16);
    if (header->fragment == FW_FRAGMENT_FIRST)
        packet_fragment_v6(packet, header->protocol, 0, true, fragment_id(header));
    else if (header->fragment == FW_FRAGMENT_LATER)
        packet_fragment_v6(packet, header->protocol, LATER_OFFSET, false, fragment_id(header));
}

static void put_transport(const struct bench_header *header, struct packet *packet)
{
    uint8_t icmp = header->family == FW_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;

    if (header->fragment == FW_FRAGMENT_LATER)
        return;
    if (header->protocol == PROTOCOL_TCP)
        packet_tcp(packet, header->source_port, header->target_port, header->tcp_flags);
    else if (header->protocol == PROTOCOL_UDP)
        packet_udp(packet, header->source_port, header->target_port);
    else if (header->protocol == PROTOCOL_SCTP)
        packet_sctp(packet, header->source_port, header->target_port);
    else if (header->protocol == icmp)
        packet_icmp(packet, (uint8_t)header->source_port, (uint8_t)header->target_port);
}

void frame_of_header(const struct bench_header *header, struct packet *ret_packet)
{
    ret_packet->len = 0;
    packet_ethernet(ret_packet, header->family == FW_IPV4 ? 0x0800 : 0x86dd);
    if (header->vlan)
        packet_tag(ret_packet, 0x8100, header->vlan);
    if (header->family == FW_IPV4)
        put_ipv4(header, ret_packet);
    else
        put_ipv6(header, ret_packet);
    put_transport(header, ret_packet);
    packet_fill(ret_packet, PAYLOAD_BYTES);
    packet_end(ret_packet);
}
