/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_reasons.h - every verdict has a name: in the programs, counters, metrics and documents.
 * Numbers are an index of the pinned counters: a new reason goes to the end, a number is never used
 * again.
 */
#define FW_REASONS(X)                                                                             \
    X(PASS_DEFAULT, "pass_default", "no rule matched and the default is allow")                   \
    X(PASS_RULE, "pass_rule", "an allow rule matched")                                            \
    X(DROP_RULE, "drop_rule", "a drop rule matched")                                              \
    X(DROP_DEFAULT, "drop_default", "no rule matched and the default is drop")                    \
    X(PASS_EXEMPT, "pass_exempt", "the device is exempt")                                         \
    X(DROP_LIFELINE_ONLY, "drop_lifeline_only", "unknown device or no generation: lifeline only") \
    X(DROP_STAGE, "drop_stage", "a program of the generation is missing")                         \
    X(PASS_DRY_RUN, "pass_dry_run", "it would have been dropped, but this is a dry run")          \
    X(SHADOW_DIFFERS, "shadow_differs", "a shadow rule would have decided otherwise")             \
    X(PASS_ARP, "pass_arp", "lifeline: ARP")                                                      \
    X(PASS_NEIGHBOUR, "pass_neighbour", "lifeline: IPv6 neighbour or router discovery")           \
    X(PASS_MLD, "pass_mld", "lifeline: IPv6 multicast listener")                                  \
    X(PASS_IGMP, "pass_igmp", "lifeline: IGMP")                                                   \
    X(PASS_DHCP, "pass_dhcp", "lifeline: an answer to a DHCP client")                             \
    X(PASS_DNS, "pass_dns", "lifeline: an answer of a configured DNS server")                     \
    X(PASS_NTP, "pass_ntp", "lifeline: an answer of a configured NTP server")                     \
    X(PASS_MESH, "pass_mesh", "lifeline: to the mesh port")                                       \
    X(PASS_MESH_REPLY, "pass_mesh_reply", "lifeline: an answer of a known peer")                  \
    X(PASS_MANAGE, "pass_manage", "lifeline: management")                                         \
    X(PASS_LLC, "pass_llc", "802.3 with LLC, such as spanning tree")                              \
    X(PASS_SLOW, "pass_slow", "LACP and other slow protocols")                                    \
    X(PASS_LLDP, "pass_lldp", "LLDP")                                                             \
    X(PASS_EAPOL, "pass_eapol", "EAPOL")                                                          \
    X(PASS_PPPOE, "pass_pppoe", "PPPoE")                                                          \
    X(PASS_PTP, "pass_ptp", "PTP")                                                                \
    X(PASS_MACSEC, "pass_macsec", "MACsec")                                                       \
    X(PASS_ETHERTYPE, "pass_ethertype", "a configured ethertype")                                 \
    X(DROP_ETHERTYPE, "drop_ethertype", "an ethertype that is not in the table")                  \
    X(DROP_TAGS, "drop_tags", "more than two VLAN tags")                                          \
    X(DROP_LINK_SHORT, "drop_link_short", "the frame ends inside its link header or a tag")       \
    X(DROP_RAW_VERSION, "drop_raw_version",                                                       \
        "neither IPv4 nor IPv6 on a device without link header")                                  \
    X(DROP_IP_SHORT, "drop_ip_short", "the packet ends inside its IP header")                     \
    X(DROP_IP_VERSION, "drop_ip_version", "the IP version is not what the link header says")      \
    X(DROP_IPV4_HEADER, "drop_ipv4_header", "the IPv4 header length is below 20")                 \
    X(DROP_IP_LENGTH, "drop_ip_length", "the IP length is smaller than its header")               \
    X(DROP_IP_TRUNCATED, "drop_ip_truncated", "the IP length is larger than the frame")           \
    X(DROP_EXT_SHORT, "drop_ext_short", "the packet ends inside an IPv6 extension header")        \
    X(DROP_EXT_TOO_LONG, "ext_too_long",                                                          \
        "more than 8 IPv6 extension headers or 512 bytes of them")                                \
    X(DROP_EXT_ORDER, "drop_ext_order", "hop-by-hop options that are not first")                  \
    X(DROP_FRAG_SHORT, "frag_short", "a fragment that cuts through the transport header")         \
    X(DROP_FRAG_NESTED, "frag_nested", "a fragment inside a fragment")                            \
    X(DROP_FRAG_NO_FIRST, "frag_no_first", "a later fragment before its first")                   \
    X(DROP_FRAG_KEPT, "frag_kept_drop", "its first fragment was dropped")                         \
    X(PASS_FRAG_KEPT, "frag_kept_pass", "its first fragment passed")                              \
    X(DROP_TCP_SHORT, "drop_tcp_short", "the packet ends inside its TCP header")                  \
    X(DROP_TCP_HEADER, "drop_tcp_header", "the TCP header length is below 20")                    \
    X(DROP_UDP_SHORT, "drop_udp_short", "the packet ends inside its UDP header")                  \
    X(DROP_UDP_LENGTH, "drop_udp_length", "the UDP length does not fit the packet")               \
    X(DROP_SCTP_SHORT, "drop_sctp_short", "the packet ends inside its SCTP header")               \
    X(DROP_ICMP_SHORT, "drop_icmp_short", "the packet ends inside its ICMP header")               \
    X(DROP_LINK_DIFFERS, "drop_link_differs",                                                     \
        "an IP packet to the kernel, but not by its link header")                                 \
    X(DROP_MESH_RATE, "drop_mesh_rate", "too much to the mesh port from a source that is no peer")

enum fw_reason {
#define FW_REASON_ENUM(name, word, text) FW_REASON_##name,
    FW_REASONS(FW_REASON_ENUM)
#undef FW_REASON_ENUM
        FW_REASON_COUNT
};
