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

/* What an address of the packet is to this box: enum fw_host_flag. */
fw_inline __u32 fw_host_at(const struct fw_env *env, const struct fw_gen *gen,
    const struct fw_key *key, const __u64 address[2])
{
    const struct fw_host_set *set =
        fw_host_set_at(env, fw_host_set_of(gen, key->family, address[0], address[1]));
    __u32 flags = 0, family = key->family == FW_IPV6 ? FW_HOST_IPV6 : 0;
    __u64 any;

    if (!set)
        return 0;
    __builtin_memcpy(&any, set->flags, sizeof(any));
    if (any == 0)
        return 0;
    FW_UNROLL
    for (__u32 i = 0; i < FW_HOST_WAYS; i++) {
        __u64 differs = (set->addresses[i][0] ^ address[0]) | (set->addresses[i][1] ^ address[1]) |
                        ((set->flags[i] ^ family) & FW_HOST_IPV6);

        flags |= set->flags[i] & -(__u32)fw_is_zero(differs);
    }
    return flags;
}

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

/* An IPv4 address among bits that no IPv6 source begins with. */
fw_inline __u64 fw_mesh_source_of(const struct fw_key *key)
{
    __u32 four;

    __builtin_memcpy(&four, key->source, sizeof(four));
    return key->family == FW_IPV4 ? (__u64)four << 32 | 0xffff0000U : key->source[0];
}

fw_inline __u64 fw_mesh_cost_ns(const struct fw_key *key)
{
    __u64 packets = key->wire_packets ? key->wire_packets : 1;

    if ((key->tcp_flags & (FW_TCP_SYN | FW_TCP_ACK)) == FW_TCP_SYN)
        packets = FW_MESH_OPEN_PACKETS;
    return packets * FW_MESH_PACKET_NS;
}

/* Its own way, or the one that has least to forget. */
fw_inline __u32 fw_mesh_way(const struct fw_mesh_set *set, __u64 source)
{
    __u64 least = ~0ULL;
    __u32 way = 0;

    FW_UNROLL
    for (__u32 i = 0; i < FW_MESH_WAYS; i++) {
        __u64 worth = set->ways[i].source == source ? 0 : set->ways[i].whole_ns + 1;

        way = worth < least ? i : way;
        least = worth < least ? worth : least;
    }
    return way & (FW_MESH_WAYS - 1);
}

/*
 * Two CPUs can charge the same source at once, and one charge is lost: a limit of this kind need
 * not be exact. Known peers do not come here.
 */
fw_inline _Bool fw_mesh_admits(const struct fw_env *env, const struct fw_key *key)
{
    __u64 source = fw_mesh_source_of(key), now = fw_now_ns(env), cost = fw_mesh_cost_ns(key);
    __u64 whole_ns = now;
    struct fw_mesh_set *set =
        fw_mesh_set_at(env, (__u32)(source * 0x9e3779b97f4a7c15ULL >> 40) & (FW_MESH_SETS - 1));

    if (!set)
        return 1;
    struct fw_mesh_source *way = &set->ways[fw_mesh_way(set, source)];

    if (way->source == source && way->whole_ns > now)
        whole_ns = way->whole_ns;
    if (whole_ns + cost - now > FW_MESH_BURST_NS)
        return 0;
    way->source = source;
    way->whole_ns = whole_ns + cost;
    return 1;
}

/* Who sent it matters to few packets, and asking takes a lookup. */
fw_inline _Bool fw_asks_for_source(const struct fw_gen *gen, const struct fw_key *key)
{
    return key->source_port == FW_PORT_DNS || key->source_port == FW_PORT_NTP ||
           (gen->mesh_port != 0 &&
               (key->source_port == gen->mesh_port || key->target_port == gen->mesh_port));
}

fw_inline enum fw_reason fw_lifeline_self(
    const struct fw_env *env, const struct fw_gen *gen, struct fw_key *key)
{
    enum fw_reason reason;
    _Bool is_mesh = key->protocol == FW_PROTOCOL_TCP && gen->mesh_port != 0 &&
                    key->target_port == gen->mesh_port;

    if (fw_asks_for_source(gen, key))
        key->source_host = (__u8)fw_host_at(env, gen, key, key->source);
    if (is_mesh && ((key->source_host & FW_HOST_PEER) || fw_mesh_admits(env, key)))
        return FW_REASON_PASS_MESH;
    reason = fw_lifeline_reply(gen, key);
    if (reason != FW_REASON_NONE)
        return reason;
    for (__u32 i = 0; i < FW_MANAGE_MAX && i < gen->manage_count; i++) {
        const struct fw_manage *manage = fw_manage_at(env, i);

        if (manage && fw_is_managed(manage, key))
            return FW_REASON_PASS_MANAGE;
    }
    return is_mesh ? FW_REASON_DROP_MESH_RATE : FW_REASON_NONE;
}

/* A reason to pass, FW_REASON_DROP_MESH_RATE, or FW_REASON_NONE. */
fw_inline enum fw_reason fw_lifeline(
    const struct fw_env *env, const struct fw_gen *gen, struct fw_key *key)
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
