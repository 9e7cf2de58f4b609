/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_parse.h - a frame becomes a key, or the reason why it does not.
 *
 * Bounded: two tags, eight extension headers, FW_LOAD_MAX bytes. What is not understood has a
 * reason of its own and is never passed because of it. Reads the frame through fw_load() only.
 */
#include "bpf/fw_env.h"

#define FW_ETH_BYTES 14
#define FW_TAG_BYTES 4
#define FW_TAGS_MAX 2
#define FW_IPV4_BYTES 20
#define FW_IPV6_BYTES 40
#define FW_TCP_BYTES 20
#define FW_UDP_BYTES 8
#define FW_SCTP_BYTES 12
#define FW_ICMP_BYTES 8
#define FW_EXT_MAX 8
#define FW_EXT_BYTES_MAX 512

#define FW_ETHERTYPE_IPV4 0x0800
#define FW_ETHERTYPE_ARP 0x0806
#define FW_ETHERTYPE_TAG 0x8100
#define FW_ETHERTYPE_TAG_OUTER 0x88a8
#define FW_ETHERTYPE_IPV6 0x86dd
#define FW_ETHERTYPE_MIN 0x0600 /* below: an 802.3 length */

#define FW_PROTOCOL_ICMP 1
#define FW_PROTOCOL_IGMP 2
#define FW_PROTOCOL_TCP 6
#define FW_PROTOCOL_UDP 17
#define FW_PROTOCOL_ICMPV6 58
#define FW_PROTOCOL_SCTP 132

#define FW_EXT_HOP 0
#define FW_EXT_ROUTING 43
#define FW_EXT_FRAGMENT 44
#define FW_EXT_AH 51
#define FW_EXT_TARGET 60
#define FW_EXT_MOBILITY 135
#define FW_EXT_HIP 139
#define FW_EXT_SHIM6 140

#define FW_TCP_SYN 0x02
#define FW_TCP_ACK 0x10

/* Parsing goes on. */
#define FW_REASON_NONE FW_REASON_COUNT

/* What rules and lifeline look at. Lives in per-CPU memory between the stages. */
struct fw_key {
    __u64 source[2]; /* network order; IPv4 in the first four bytes */
    __u64 target[2];
    __u64 globs;
    __u32 fragment_id;
    __u16 source_port; /* ICMP type */
    __u16 target_port; /* ICMP code */
    __u16 ethertype;   /* inner one */
    __u16 vlan;
    __u8 family; /* enum fw_family */
    __u8 protocol;
    __u8 tcp_flags;
    __u8 dscp;
    __u8 hop_limit;
    __u8 fragment; /* enum fw_fragment */
    __u8 ext_count;
    __u8 ext_hop_only; /* the only extension header is hop-by-hop */
    __u8 class;
    __u8 source_host; /* enum fw_host_flag */
    __u8 target_host;
    __u8 device_flags;
    __u32 default_action; /* of the device: enum fw_action; 0 counts as allow */
    /* of the walk over the rules */
    __u32 runs; /* of the verdict stage */
    __u32 hits;
    __u32 matches; /* of log and shadow leaf rules */
    /* not cleared for each packet */
    __u32 ifindex;
    __u32 wire_packets;
    __u32 frame_bytes;
    __u64 slot;
    __u64 best;   /* FW_ID of the rule that decides, as far as the walk has come */
    __u64 shadow; /* of the first matching shadow rule */
    __u64 node;   /* where the next run goes on; FW_NODE_NONE: at the next tree */
    __u32 tree;
    __u32 forest;                     /* enum fw_forest_kind */
    __u32 limit;                      /* what is at this order or behind is of no interest */
    __u32 found;                      /* which rule of a leaf matched */
    __u32 forgotten;                  /* fw_forget() */
    __u32 number;                     /* of the device's counters */
    __u64 word;                       /* FW_WORD_... */
    __u64 ports;                      /* FW_PORTS of one packet */
    __u64 cut[FW_CUTS];               /* FW_CUT_... */
    __u64 seen[FW_OBSERVED_MAX / 64]; /* by place: log and shadow rules that matched */
    __u32 hit[FW_HITS_MAX]; /* counters of the first `hits` matching log and shadow rules */
};
#define FW_KEY_CLEARED __builtin_offsetof(struct fw_key, ifindex)

/* Where the packet is, while it is being parsed. */
struct fw_cursor {
    __u32 at;  /* offset of the next header */
    __u32 end; /* offset at which the IP packet ends */
};

/* The value, of which the verifier then knows nothing: else it follows each value on its own. */
fw_inline __u32 fw_forget(struct fw_key *key, __u32 value)
{
    *(volatile __u32 *)&key->forgotten = value;
    return *(volatile __u32 *)&key->forgotten;
}

fw_inline __u32 fw_be16(const __u8 *at)
{
    return (__u32)at[0] << 8 | at[1];
}

fw_inline __u32 fw_be32(const __u8 *at)
{
    return (__u32)at[0] << 24 | (__u32)at[1] << 16 | (__u32)at[2] << 8 | at[3];
}

/* 1 or 0, without branches. */
fw_inline __u64 fw_is_zero(__u64 value)
{
    return ((value | -value) >> 63) ^ 1;
}

/*
 * The u64 that begins with these four bytes, the rest zero: stored whole, as what is read soon
 * after it was stored in pieces must wait for all of them.
 */
fw_inline __u64 fw_first_four(const __u8 *at)
{
    __u32 four;

    __builtin_memcpy(&four, at, sizeof(four));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? four : (__u64)four << 32;
}

/* A u64 of network order, as a number. */
fw_inline __u64 fw_be64(__u64 value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(value) : value;
}

fw_inline _Bool fw_is_tag(__u32 ethertype)
{
    return ethertype == FW_ETHERTYPE_TAG || ethertype == FW_ETHERTYPE_TAG_OUTER;
}

fw_inline _Bool fw_is_ip(__u32 ethertype)
{
    return ethertype == FW_ETHERTYPE_IPV4 || ethertype == FW_ETHERTYPE_IPV6;
}

/* Ethernet and tags. The outer VLAN id counts. 0 is as good as none, so the kernel takes the frame
 * to the VLAN of the tag behind it, and so do we. */
fw_inline enum fw_reason fw_parse_link(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u8 bytes[4] FW_ALIGNED;
    __u32 tci = 0, tags = 0;

    if (!fw_load(env, FW_ETH_BYTES - 2, bytes, 2))
        return FW_REASON_DROP_LINK_SHORT;
    key->ethertype = (__u16)fw_be16(bytes);
    cursor->at = FW_ETH_BYTES;
    if (fw_stripped_tag(env, &tci)) {
        key->vlan = tci & 0xfff;
        tags = 1;
    }
    FW_UNROLL
    for (int i = 0; i < FW_TAGS_MAX; i++) {
        if (!fw_is_tag(key->ethertype) || tags == FW_TAGS_MAX)
            break;
        if (!fw_load(env, cursor->at, bytes, FW_TAG_BYTES))
            return FW_REASON_DROP_LINK_SHORT;
        if (key->vlan == 0)
            key->vlan = fw_be16(bytes) & 0xfff;
        key->ethertype = (__u16)fw_be16(bytes + 2);
        cursor->at += FW_TAG_BYTES;
        tags++;
    }
    if (fw_is_tag(key->ethertype))
        return FW_REASON_DROP_TAGS;
    return fw_is_ip(fw_kernel_type(env)) && fw_kernel_type(env) != key->ethertype
               ? FW_REASON_DROP_LINK_DIFFERS
               : FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_network(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u32 tci = 0;

    cursor->at = 0;
    key->ethertype = (__u16)fw_kernel_type(env);
    if (fw_stripped_tag(env, &tci))
        key->vlan = tci & 0xfff;
    return FW_REASON_NONE;
}

/* A device without link header: the version says what it is, where the kernel does not. */
fw_inline enum fw_reason fw_parse_raw(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u8 first;

    if (fw_kernel_type(env) != 0)
        return FW_REASON_DROP_RAW_VERSION;
    if (!fw_load(env, 0, &first, 1))
        return FW_REASON_DROP_LINK_SHORT;
    cursor->at = 0;
    key->ethertype = first >> 4 == 4 ? FW_ETHERTYPE_IPV4 : first >> 4 == 6 ? FW_ETHERTYPE_IPV6 : 0;
    return key->ethertype ? FW_REASON_NONE : FW_REASON_DROP_RAW_VERSION;
}

/* D7: what passes besides IP. */
fw_inline enum fw_reason fw_ethertype_reason(__u32 ethertype)
{
    if (ethertype < FW_ETHERTYPE_MIN)
        return FW_REASON_PASS_LLC;
    switch (ethertype) {
    case FW_ETHERTYPE_ARP:
        return FW_REASON_PASS_ARP;
    case 0x8809:
        return FW_REASON_PASS_SLOW;
    case 0x88cc:
        return FW_REASON_PASS_LLDP;
    case 0x888e:
        return FW_REASON_PASS_EAPOL;
    case 0x8863:
    case 0x8864:
        return FW_REASON_PASS_PPPOE;
    case 0x88f7:
        return FW_REASON_PASS_PTP;
    case 0x88e5:
        return FW_REASON_PASS_MACSEC;
    default:
        return FW_REASON_DROP_ETHERTYPE;
    }
}

/* A length of 0 in a frame above 64 KiB: merged by the kernel, which then has no room for it. */
fw_inline _Bool fw_is_merged(const struct fw_env *env)
{
    return fw_frame_len(env) > 0xffff;
}

fw_inline enum fw_reason fw_parse_ipv4(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u8 ip[FW_IPV4_BYTES] FW_ALIGNED;
    __u32 frame = fw_frame_len(env), start = cursor->at;

    if (!fw_load(env, start, ip, sizeof(ip)))
        return FW_REASON_DROP_IP_SHORT;
    __u32 header = (ip[0] & 15U) * 4, total = fw_be16(ip + 2), offset = fw_be16(ip + 6);

    if (ip[0] >> 4 != 4)
        return FW_REASON_DROP_IP_VERSION;
    if (header < FW_IPV4_BYTES)
        return FW_REASON_DROP_IPV4_HEADER;
    if (total == 0 && fw_is_merged(env))
        total = frame - start;
    if (total < header)
        return FW_REASON_DROP_IP_LENGTH;
    if (start + total > frame)
        return FW_REASON_DROP_IP_TRUNCATED;
    key->family = FW_IPV4;
    key->protocol = ip[9];
    key->dscp = ip[1] >> 2;
    key->hop_limit = ip[8];
    key->fragment_id = fw_be16(ip + 4);
    key->source[0] = fw_first_four(ip + 12);
    key->target[0] = fw_first_four(ip + 16);
    key->source[1] = key->target[1] = 0;
    key->fragment = offset & 0x1fff   ? FW_FRAGMENT_LATER
                    : offset & 0x2000 ? FW_FRAGMENT_FIRST
                                      : FW_FRAGMENT_NONE;
    /* It would overwrite the first fragment's TCP header when it is put together. */
    if (key->protocol == FW_PROTOCOL_TCP && (offset & 0x1fff) != 0 && (offset & 0x1fff) <= 2)
        return FW_REASON_DROP_FRAG_SHORT;
    cursor->at = start + header;
    cursor->end = start + total;
    return FW_REASON_NONE;
}

fw_inline _Bool fw_is_extension(__u32 header)
{
    return header == FW_EXT_HOP || header == FW_EXT_ROUTING || header == FW_EXT_FRAGMENT ||
           header == FW_EXT_AH || header == FW_EXT_TARGET || header == FW_EXT_MOBILITY ||
           header == FW_EXT_HIP || header == FW_EXT_SHIM6;
}

/* bytes: the 8 of a fragment header. An atomic fragment is no fragment. */
fw_inline enum fw_reason fw_parse_fragment(struct fw_key *key, const __u8 *bytes)
{
    __u32 offset = fw_be16(bytes + 2);

    if (key->fragment != FW_FRAGMENT_NONE)
        return FW_REASON_DROP_FRAG_NESTED;
    key->fragment_id = fw_be32(bytes + 4);
    if (offset & 0xfff8)
        key->fragment = FW_FRAGMENT_LATER;
    else if (offset & 1)
        key->fragment = FW_FRAGMENT_FIRST;
    if (bytes[0] == FW_PROTOCOL_TCP && offset >> 3 != 0 && offset >> 3 <= 2)
        return FW_REASON_DROP_FRAG_SHORT;
    return FW_REASON_NONE;
}

/* One extension header; moves on to the next. */
fw_inline enum fw_reason fw_parse_extension(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor, __u32 limit)
{
    __u8 bytes[8] FW_ALIGNED;
    __u32 header = key->protocol, len;
    enum fw_reason reason;

    if (cursor->at + sizeof(bytes) > cursor->end || cursor->at >= FW_LOAD_MAX ||
        !fw_load(env, cursor->at, bytes, sizeof(bytes)))
        return FW_REASON_DROP_EXT_SHORT;
    if (header == FW_EXT_HOP && key->ext_count > 0)
        return FW_REASON_DROP_EXT_ORDER;
    len = header == FW_EXT_FRAGMENT ? 8
          : header == FW_EXT_AH     ? (bytes[1] + 2U) * 4
                                    : (bytes[1] + 1U) * 8;
    if (cursor->at + len > cursor->end)
        return FW_REASON_DROP_EXT_SHORT;
    if (cursor->at + len > limit)
        return FW_REASON_DROP_EXT_TOO_LONG;
    if (header == FW_EXT_FRAGMENT) {
        reason = fw_parse_fragment(key, bytes);
        if (reason != FW_REASON_NONE)
            return reason;
    }
    key->ext_hop_only = header == FW_EXT_HOP;
    key->ext_count++;
    key->protocol = bytes[0];
    cursor->at = fw_forget(key, cursor->at + len);
    return FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_extensions(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u32 limit = cursor->at + FW_EXT_BYTES_MAX;
    enum fw_reason reason;

    for (int i = 0; i < FW_EXT_MAX; i++) {
        if (!fw_is_extension(key->protocol) || key->fragment == FW_FRAGMENT_LATER)
            return FW_REASON_NONE;
        reason = fw_parse_extension(env, key, cursor, limit);
        if (reason != FW_REASON_NONE)
            return reason;
    }
    return fw_is_extension(key->protocol) && key->fragment != FW_FRAGMENT_LATER
               ? FW_REASON_DROP_EXT_TOO_LONG
               : FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_ipv6(
    const struct fw_env *env, struct fw_key *key, struct fw_cursor *cursor)
{
    __u8 ip[FW_IPV6_BYTES] FW_ALIGNED;
    __u32 frame = fw_frame_len(env), start = cursor->at, total;

    if (!fw_load(env, start, ip, sizeof(ip)))
        return FW_REASON_DROP_IP_SHORT;
    if (ip[0] >> 4 != 6)
        return FW_REASON_DROP_IP_VERSION;
    total = FW_IPV6_BYTES + fw_be16(ip + 4);
    if (total == FW_IPV6_BYTES && fw_is_merged(env))
        total = frame - start;
    if (start + total > frame)
        return FW_REASON_DROP_IP_TRUNCATED;
    key->family = FW_IPV6;
    key->protocol = ip[6];
    key->dscp = (__u8)(fw_be16(ip) >> 6 & 63);
    key->hop_limit = ip[7];
    key->fragment = FW_FRAGMENT_NONE;
    __builtin_memcpy(key->source, ip + 8, 16);
    __builtin_memcpy(key->target, ip + 24, 16);
    cursor->at = start + FW_IPV6_BYTES;
    cursor->end = start + total;
    return fw_parse_extensions(env, key, cursor);
}

/* The transport header, whole, within frame and IP length; ports stay 0 where there are none. */
fw_inline _Bool fw_load_l4(
    const struct fw_env *env, const struct fw_cursor *cursor, void *to, __u32 len)
{
    return cursor->at + len <= cursor->end && cursor->at < FW_LOAD_MAX &&
           fw_load(env, cursor->at, to, len);
}

fw_inline enum fw_reason fw_parse_tcp(
    const struct fw_env *env, struct fw_key *key, const struct fw_cursor *cursor)
{
    __u8 tcp[FW_TCP_BYTES] FW_ALIGNED;

    if (!fw_load_l4(env, cursor, tcp, sizeof(tcp)))
        return FW_REASON_DROP_TCP_SHORT;
    if (tcp[12] >> 4 < 5)
        return FW_REASON_DROP_TCP_HEADER;
    if (cursor->at + (tcp[12] >> 4) * 4U > cursor->end)
        return FW_REASON_DROP_TCP_SHORT;
    key->source_port = (__u16)fw_be16(tcp);
    key->target_port = (__u16)fw_be16(tcp + 2);
    key->tcp_flags = tcp[13];
    return FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_udp(
    const struct fw_env *env, struct fw_key *key, const struct fw_cursor *cursor)
{
    __u8 udp[FW_UDP_BYTES] FW_ALIGNED;
    __u32 len;

    if (!fw_load_l4(env, cursor, udp, sizeof(udp)))
        return FW_REASON_DROP_UDP_SHORT;
    key->source_port = (__u16)fw_be16(udp);
    key->target_port = (__u16)fw_be16(udp + 2);
    len = fw_be16(udp + 4);
    if (len == 0 && fw_is_merged(env))
        return FW_REASON_NONE;
    /* A first fragment names the length of the whole datagram. */
    if (len < FW_UDP_BYTES || (key->fragment == FW_FRAGMENT_NONE && cursor->at + len > cursor->end))
        return FW_REASON_DROP_UDP_LENGTH;
    return FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_sctp(
    const struct fw_env *env, struct fw_key *key, const struct fw_cursor *cursor)
{
    __u8 sctp[FW_SCTP_BYTES] FW_ALIGNED;

    if (!fw_load_l4(env, cursor, sctp, sizeof(sctp)))
        return FW_REASON_DROP_SCTP_SHORT;
    key->source_port = (__u16)fw_be16(sctp);
    key->target_port = (__u16)fw_be16(sctp + 2);
    return FW_REASON_NONE;
}

fw_inline enum fw_reason fw_parse_icmp(
    const struct fw_env *env, struct fw_key *key, const struct fw_cursor *cursor)
{
    __u8 icmp[FW_ICMP_BYTES] FW_ALIGNED;

    if (!fw_load_l4(env, cursor, icmp, sizeof(icmp)))
        return FW_REASON_DROP_ICMP_SHORT;
    key->source_port = icmp[0];
    key->target_port = icmp[1];
    return FW_REASON_NONE;
}

/* IPv4's ICMP in IPv6 and the reverse are protocols without a transport header. */
fw_inline enum fw_reason fw_parse_transport(
    const struct fw_env *env, struct fw_key *key, const struct fw_cursor *cursor)
{
    switch (key->protocol) {
    case FW_PROTOCOL_TCP:
        return fw_parse_tcp(env, key, cursor);
    case FW_PROTOCOL_UDP:
        return fw_parse_udp(env, key, cursor);
    case FW_PROTOCOL_SCTP:
        return fw_parse_sctp(env, key, cursor);
    case FW_PROTOCOL_ICMP:
        return key->family == FW_IPV4 ? fw_parse_icmp(env, key, cursor) : FW_REASON_NONE;
    case FW_PROTOCOL_ICMPV6:
        return key->family == FW_IPV6 ? fw_parse_icmp(env, key, cursor) : FW_REASON_NONE;
    default:
        return FW_REASON_NONE;
    }
}

fw_inline _Bool fw_is_short_l4(enum fw_reason reason)
{
    return reason == FW_REASON_DROP_TCP_SHORT || reason == FW_REASON_DROP_UDP_SHORT ||
           reason == FW_REASON_DROP_SCTP_SHORT || reason == FW_REASON_DROP_ICMP_SHORT;
}

/* FW_REASON_NONE: an IP packet, ready for lifeline and rules. key is zeroed but for its device. */
fw_inline enum fw_reason fw_parse(const struct fw_env *env, struct fw_key *key)
{
    struct fw_cursor cursor = {0, 0};
    enum fw_reason reason = fw_is_at_network(env) ? fw_parse_network(env, key, &cursor)
                            : key->device_flags & FW_DEVICE_RAW_IP
                                ? fw_parse_raw(env, key, &cursor)
                                : fw_parse_link(env, key, &cursor);

    if (reason != FW_REASON_NONE)
        return reason;
    if (key->ethertype == FW_ETHERTYPE_IPV4)
        reason = fw_parse_ipv4(env, key, &cursor);
    else if (key->ethertype == FW_ETHERTYPE_IPV6)
        reason = fw_parse_ipv6(env, key, &cursor);
    else
        return fw_ethertype_reason(key->ethertype);
    if (reason != FW_REASON_NONE || key->fragment == FW_FRAGMENT_LATER)
        return reason;
    reason = fw_parse_transport(env, key, &cursor);
    if (key->fragment == FW_FRAGMENT_FIRST && fw_is_short_l4(reason))
        return FW_REASON_DROP_FRAG_SHORT;
    return reason;
}
