/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_lifeline.h - what keeps a box alive and reachable passes before any rule (datapath.md D9,
 * amendment 7): only to the box itself, never a fragment, never behind IPv6 extension headers but
 * the hop-by-hop options of MLD.
 */
#include "bpf/fw_parse.h"

#define FW_PORT_DNS 53
#define FW_PORT_NTP 123

#define FW_ICMPV6_MLD_QUERY 130
#define FW_ICMPV6_MLD_DONE 132
#define FW_ICMPV6_ND_FIRST 133 /* router solicitation and advertisement, neighbour ditto */
#define FW_ICMPV6_ND_LAST 136
#define FW_ICMPV6_MLD2_REPORT 143

fw_inline _Bool fw_is_to_self(const struct fw_key *key)
{
    return (key->target_host & FW_HOST_OWN) != 0;
}

/* ff02::/16 */
fw_inline _Bool fw_is_link_multicast(const struct fw_key *key)
{
    const __u8 *target = (const __u8 *)key->target;

    return target[0] == 0xff && target[1] == 0x02;
}

fw_inline enum fw_reason fw_lifeline_icmpv6(const struct fw_key *key)
{
    const __u8 *target = (const __u8 *)key->target;
    __u32 type = key->source_port;

    if (key->ext_count == 0 && type >= FW_ICMPV6_ND_FIRST && type <= FW_ICMPV6_ND_LAST &&
        key->target_port == 0 && key->hop_limit == 255)
        return fw_is_to_self(key) || fw_is_link_multicast(key) ? FW_REASON_PASS_NEIGHBOUR
                                                               : FW_REASON_NONE;
    if (((type >= FW_ICMPV6_MLD_QUERY && type <= FW_ICMPV6_MLD_DONE) ||
            type == FW_ICMPV6_MLD2_REPORT) &&
        key->hop_limit == 1 && (key->ext_count == 0 || (key->ext_count == 1 && key->ext_hop_only)))
        return fw_is_to_self(key) || target[0] == 0xff ? FW_REASON_PASS_MLD : FW_REASON_NONE;
    return FW_REASON_NONE;
}

fw_inline _Bool fw_is_dhcp(const struct fw_key *key)
{
    if (!(key->device_flags & FW_DEVICE_DHCP) || key->protocol != FW_PROTOCOL_UDP)
        return 0;
    if (key->family == FW_IPV4)
        return key->source_port == 67 && key->target_port == 68 &&
               (fw_is_to_self(key) || (__u32)key->target[0] == 0xffffffff);
    return key->source_port == 547 && key->target_port == 546 &&
           (fw_is_to_self(key) || fw_is_link_multicast(key));
}

/* Until the egress program records our own dials, an answer is known by who sends it. */
fw_inline enum fw_reason fw_lifeline_reply(const struct fw_gen *gen, const struct fw_key *key)
{
    _Bool is_tcp = key->protocol == FW_PROTOCOL_TCP, is_udp = key->protocol == FW_PROTOCOL_UDP;
    _Bool is_answer = is_udp || (is_tcp && (key->tcp_flags & FW_TCP_ACK));

    if (is_tcp && is_answer && gen->mesh_port != 0 && key->source_port == gen->mesh_port &&
        (key->source_host & FW_HOST_PEER))
        return FW_REASON_PASS_MESH_REPLY;
    if (is_answer && key->source_port == FW_PORT_DNS && (key->source_host & FW_HOST_DNS))
        return FW_REASON_PASS_DNS;
    if (is_udp && key->source_port == FW_PORT_NTP && (key->source_host & FW_HOST_NTP))
        return FW_REASON_PASS_NTP;
    return FW_REASON_NONE;
}

/* One test without branches: the verifier walks this loop once for every way through it. */
fw_inline _Bool fw_is_managed(const struct fw_manage *manage, const struct fw_key *key)
{
    __u64 differs = (__u64)(manage->family ^ key->family) |
                    (__u64)(manage->protocol ^ key->protocol) |
                    (__u64)(manage->port ^ key->target_port) |
                    ((key->source[0] ^ manage->source[0]) & manage->source_mask[0]) |
                    ((key->source[1] ^ manage->source[1]) & manage->source_mask[1]);

    return differs == 0;
}

fw_inline enum fw_reason fw_lifeline_self(
    const struct fw_env *env, const struct fw_gen *gen, const struct fw_key *key)
{
    enum fw_reason reason;

    if (key->protocol == FW_PROTOCOL_TCP && gen->mesh_port != 0 &&
        key->target_port == gen->mesh_port)
        return FW_REASON_PASS_MESH;
    reason = fw_lifeline_reply(gen, key);
    if (reason != FW_REASON_NONE)
        return reason;
    for (__u32 i = 0; i < FW_MANAGE_MAX && i < gen->manage_count; i++) {
        const struct fw_manage *manage = fw_manage_at(env, i);

        if (manage && fw_is_managed(manage, key))
            return FW_REASON_PASS_MANAGE;
    }
    return FW_REASON_NONE;
}

/* A reason to pass, or FW_REASON_NONE. */
fw_inline enum fw_reason fw_lifeline(
    const struct fw_env *env, const struct fw_gen *gen, const struct fw_key *key)
{
    if (key->fragment != FW_FRAGMENT_NONE)
        return FW_REASON_NONE;
    if (key->family == FW_IPV6 && key->protocol == FW_PROTOCOL_ICMPV6)
        return fw_lifeline_icmpv6(key);
    if (key->ext_count > 0)
        return FW_REASON_NONE;
    if (key->family == FW_IPV4 && key->protocol == FW_PROTOCOL_IGMP &&
        (*(const __u8 *)key->target & 0xf0) == 0xe0)
        return FW_REASON_PASS_IGMP;
    if (fw_is_dhcp(key))
        return FW_REASON_PASS_DHCP;
    return fw_is_to_self(key) ? fw_lifeline_self(env, gen, key) : FW_REASON_NONE;
}
