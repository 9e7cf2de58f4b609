/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/cases.h"

#include <string.h>

#define SELF4 "192.0.2.1"
#define SELF6 "2001:db8::1"
#define FAR4 "203.0.113.9"
#define FAR6 "2001:db8:9::9"
#define OTHER4 "10.9.8.7"
#define SYN 0x02
#define ACK 0x10

static void eth4(struct packet *p, const char *source, const char *target, uint8_t protocol)
{
    packet_ethernet(p, 0x0800);
    packet_ipv4(p, source, target, protocol);
}

static void eth6(struct packet *p, const char *source, const char *target, uint8_t next)
{
    packet_ethernet(p, 0x86dd);
    packet_ipv6(p, source, target, next);
}

static void tcp4(
    struct packet *p, const char *source, const char *target, uint16_t from, uint16_t to)
{
    eth4(p, source, target, 6);
    packet_tcp(p, from, to, ACK);
    packet_end(p);
}

static void udp4(
    struct packet *p, const char *source, const char *target, uint16_t from, uint16_t to)
{
    eth4(p, source, target, 17);
    packet_udp(p, from, to);
    packet_end(p);
}

static void icmp6(struct packet *p, const char *target, uint8_t type, uint8_t hops)
{
    eth6(p, "fe80::2", target, 58);
    p->bytes[p->ip_at + 7] = hops;
    packet_icmp(p, type, 0);
    packet_fill(p, 16);
    packet_end(p);
}

/* C(name) { body over p } makes a builder. */
#define C(name) static void name(struct packet *p)

C(plain_tcp)
{
    tcp4(p, FAR4, SELF4, 4000, 80);
}
C(blocked_port)
{
    tcp4(p, FAR4, SELF4, 4000, 23);
}
C(allowed_before)
{
    tcp4(p, "203.0.113.23", SELF4, 4000, 23);
}
C(banned)
{
    tcp4(p, "198.18.5.5", SELF4, 1, 2);
}
C(nested_ban)
{
    tcp4(p, "198.19.1.1", SELF4, 1, 2);
}
C(port_range)
{
    udp4(p, FAR4, SELF4, 5, 6050);
}
C(port_range_end)
{
    udp4(p, FAR4, SELF4, 5, 6100);
}
C(source_port)
{
    udp4(p, FAR4, SELF4, 1900, 5);
}
C(other_target)
{
    udp4(p, FAR4, OTHER4, 5, 7777);
}
C(not_other_target)
{
    udp4(p, FAR4, SELF4, 5, 7777);
}
C(by_negation)
{
    udp4(p, "203.0.113.200", SELF4, 5, 8888);
}
C(spared_by_negation)
{
    udp4(p, "203.0.114.200", SELF4, 5, 8888);
}
C(sctp_port)
{
    eth4(p, FAR4, SELF4, 132);
    packet_sctp(p, 5, 9899);
    packet_end(p);
}
C(icmp_type)
{
    eth4(p, FAR4, SELF4, 1);
    packet_icmp(p, 13, 0);
    packet_end(p);
}
C(icmp_code)
{
    eth4(p, FAR4, SELF4, 1);
    packet_icmp(p, 5, 1);
    packet_end(p);
}
C(icmp_other_code)
{
    eth4(p, FAR4, SELF4, 1);
    packet_icmp(p, 5, 2);
    packet_end(p);
}
C(icmpv6_type)
{
    eth6(p, FAR6, SELF6, 58);
    packet_icmp(p, 139, 0);
    packet_end(p);
}
C(flags_none)
{
    eth4(p, FAR4, SELF4, 6);
    packet_tcp(p, 9, 9, 0);
    packet_end(p);
}
C(dscp)
{
    eth4(p, FAR4, SELF4, 17);
    p->bytes[p->ip_at + 1] = 46 << 2;
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(dscp6)
{
    eth6(p, FAR6, SELF6, 17);
    p->bytes[p->ip_at] = 0x60 | 46 >> 2;
    p->bytes[p->ip_at + 1] = (46 & 3) << 6;
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(vlan_7)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x8100, 7);
    packet_ipv4(p, FAR4, SELF4, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(vlan_outer_counts)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x88a8, 8);
    packet_tag(p, 0x8100, 7);
    packet_ipv4(p, FAR4, SELF4, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(vlan_behind_priority_tag)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x8100, 0);
    packet_tag(p, 0x8100, 7);
    packet_ipv4(p, FAR4, SELF4, 6);
    packet_tcp(p, 1, 2, ACK);
    packet_end(p);
}
C(vlan_hides_nothing)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x88a8, 8);
    packet_tag(p, 0x8100, 9);
    packet_ipv4(p, FAR4, SELF4, 6);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(three_tags)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x88a8, 1);
    packet_tag(p, 0x8100, 2);
    packet_tag(p, 0x8100, 3);
    packet_ipv4(p, FAR4, SELF4, 17);
}
C(tag_short)
{
    packet_ethernet(p, 0x0800);
    packet_tag(p, 0x8100, 1);
    p->len -= 2;
}
C(raw4)
{
    packet_ipv4(p, FAR4, SELF4, 6);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(raw6)
{
    packet_ipv6(p, FAR6, SELF6, 6);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(raw_neither)
{
    packet_fill(p, 40);
}

#define ETHERTYPE(name, value)     \
    C(name)                        \
    {                              \
        packet_ethernet(p, value); \
        packet_fill(p, 46);        \
    }
ETHERTYPE(arp, 0x0806)
ETHERTYPE(llc, 0x0026)
ETHERTYPE(slow, 0x8809)
ETHERTYPE(lldp, 0x88cc)
ETHERTYPE(eapol, 0x888e)
ETHERTYPE(pppoe, 0x8864)
ETHERTYPE(ptp, 0x88f7)
ETHERTYPE(macsec, 0x88e5)
ETHERTYPE(extra, 0x88ba)
ETHERTYPE(unknown_type, 0x88b5)
ETHERTYPE(double_nine, 0x9100)

C(ip4_short)
{
    packet_ethernet(p, 0x0800);
    packet_fill(p, 12);
}
C(ip6_short)
{
    packet_ethernet(p, 0x86dd);
    packet_fill(p, 39);
}
C(ip4_version)
{
    tcp4(p, FAR4, SELF4, 1, 2);
    p->bytes[14] = 0x55;
}
C(ip6_version)
{
    eth6(p, FAR6, SELF6, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
    p->bytes[14] = 0x40;
}
C(ip4_header)
{
    tcp4(p, FAR4, SELF4, 1, 2);
    p->bytes[14] = 0x44;
}
C(ip4_length)
{
    tcp4(p, FAR4, SELF4, 1, 2);
    p->bytes[16] = 0;
    p->bytes[17] = 19;
}
C(ip4_truncated)
{
    tcp4(p, FAR4, SELF4, 1, 2);
    p->bytes[17]++;
}
C(ip6_truncated)
{
    eth6(p, FAR6, SELF6, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
    p->bytes[19]++;
}
C(ip4_options)
{
    packet_ethernet(p, 0x0800);
    packet_ipv4(p, FAR4, SELF4, 6);
    p->bytes[p->ip_at] = 0x4f;
    packet_fill(p, 40);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(tcp_short)
{
    eth4(p, FAR4, SELF4, 6);
    packet_fill(p, 19);
    packet_end(p);
}
C(tcp_short_by_ip_length)
{
    eth4(p, FAR4, SELF4, 6);
    packet_tcp(p, 5, 80, SYN);
    p->len -= 1;
    packet_end(p);
    packet_fill(p, 8);
}
C(tcp_header)
{
    eth4(p, FAR4, SELF4, 6);
    packet_tcp(p, 5, 80, SYN);
    packet_end(p);
    p->bytes[p->l4_at + 12] = 0x40;
}
C(tcp_options_cut)
{
    eth4(p, FAR4, SELF4, 6);
    packet_tcp(p, 5, 80, SYN);
    packet_end(p);
    p->bytes[p->l4_at + 12] = 0x60;
}
C(udp_short)
{
    eth4(p, FAR4, SELF4, 17);
    packet_fill(p, 7);
    packet_end(p);
}
C(udp_length)
{
    udp4(p, FAR4, SELF4, 5, 5);
    p->bytes[p->l4_at + 5] = 9;
}
C(sctp_short)
{
    eth4(p, FAR4, SELF4, 132);
    packet_fill(p, 11);
    packet_end(p);
}
C(icmp_short)
{
    eth4(p, FAR4, SELF4, 1);
    packet_fill(p, 7);
    packet_end(p);
}
C(icmpv6_short)
{
    eth6(p, FAR6, SELF6, 58);
    packet_fill(p, 7);
    packet_end(p);
}

C(later_fragment)
{
    eth4(p, FAR4, SELF4, 17);
    packet_fill(p, 32);
    packet_fragment_v4(p, 100, true, 7);
    packet_end(p);
}
C(first_fragment)
{
    eth4(p, FAR4, SELF4, 17);
    packet_udp(p, 5, 5);
    p->bytes[p->l4_at + 4] = 8; /* the whole datagram's length */
    packet_fragment_v4(p, 0, true, 8);
    packet_end(p);
}
C(later_of_passed)
{
    eth4(p, FAR4, SELF4, 17);
    packet_fill(p, 32);
    packet_fragment_v4(p, 100, false, 8);
    packet_end(p);
}
C(first_dropped)
{
    eth6(p, FAR6, SELF6, 44);
    packet_fragment_v6(p, 6, 0, true, 99);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(later_of_dropped)
{
    eth6(p, FAR6, SELF6, 44);
    packet_fragment_v6(p, 6, 90, false, 99);
    packet_fill(p, 16);
    packet_end(p);
}
C(fragment_short)
{
    eth4(p, FAR4, SELF4, 6);
    packet_fill(p, 16);
    packet_fragment_v4(p, 0, true, 9);
    packet_end(p);
}
C(fragment_over_header)
{
    eth4(p, FAR4, SELF4, 6);
    packet_fill(p, 16);
    packet_fragment_v4(p, 1, false, 9);
    packet_end(p);
}
C(fragment_over_header_v6)
{
    eth6(p, FAR6, SELF6, 44);
    packet_fragment_v6(p, 6, 2, false, 9);
    packet_fill(p, 16);
    packet_end(p);
}
C(fragment_nested)
{
    eth6(p, FAR6, SELF6, 44);
    packet_fragment_v6(p, 44, 0, true, 5);
    packet_fragment_v6(p, 17, 0, true, 6);
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(atomic_fragment)
{
    eth6(p, FAR6, SELF6, 44);
    packet_fragment_v6(p, 6, 0, false, 5);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}

static void extensions(struct packet *p, int count, size_t len)
{
    eth6(p, FAR6, SELF6, 60);
    for (int i = 0; i < count; i++)
        packet_extension(p, 60, i + 1 < count ? 60 : 6, len);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(ext_eight)
{
    extensions(p, 8, 8);
}
C(ext_nine)
{
    extensions(p, 9, 8);
}
C(ext_512)
{
    extensions(p, 2, 256);
}
C(ext_520)
{
    extensions(p, 5, 104);
}
C(ext_short)
{
    eth6(p, FAR6, SELF6, 60);
    packet_fill(p, 7);
    packet_end(p);
}
C(ext_cut)
{
    eth6(p, FAR6, SELF6, 60);
    packet_extension(p, 60, 6, 8);
    p->bytes[p->ip_at + 41] = 9;
    packet_end(p);
}
C(ext_order)
{
    eth6(p, FAR6, SELF6, 60);
    packet_extension(p, 60, 0, 8);
    packet_extension(p, 0, 6, 8);
    packet_tcp(p, 5, 80, SYN);
    packet_end(p);
}
C(ah6)
{
    eth6(p, FAR6, SELF6, 51);
    packet_extension(p, 51, 6, 24);
    packet_tcp(p, 5, 23, SYN);
    packet_end(p);
}
C(ah4)
{
    eth4(p, FAR4, SELF4, 51);
    packet_fill(p, 24);
    packet_end(p);
}
C(no_next)
{
    eth6(p, FAR6, SELF6, 59);
    packet_fill(p, 8);
    packet_end(p);
}
C(esp)
{
    eth4(p, FAR4, SELF4, 50);
    packet_fill(p, 24);
    packet_end(p);
}

C(nd_solicit)
{
    icmp6(p, "ff02::1:ff00:1", 135, 255);
}
C(nd_unicast)
{
    icmp6(p, "fe80::1", 136, 255);
}
C(nd_hops)
{
    icmp6(p, SELF6, 135, 254);
}
C(nd_other)
{
    icmp6(p, "2001:db8::77", 135, 255);
}
C(nd_behind_ext)
{
    eth6(p, "fe80::2", SELF6, 60);
    p->bytes[p->ip_at + 7] = 255;
    packet_extension(p, 60, 58, 8);
    packet_icmp(p, 135, 0);
    packet_end(p);
}
C(mld)
{
    eth6(p, "fe80::2", "ff02::16", 0);
    p->bytes[p->ip_at + 7] = 1;
    packet_extension(p, 0, 58, 8);
    packet_icmp(p, 143, 0);
    packet_end(p);
}
C(mld_hops)
{
    eth6(p, "fe80::2", "ff02::16", 0);
    packet_extension(p, 0, 58, 8);
    packet_icmp(p, 143, 0);
    packet_end(p);
}
C(igmp)
{
    eth4(p, FAR4, "224.0.0.22", 2);
    packet_fill(p, 8);
    packet_end(p);
}
C(igmp_unicast)
{
    eth4(p, FAR4, SELF4, 2);
    packet_fill(p, 8);
    packet_end(p);
}
C(dhcp)
{
    udp4(p, FAR4, "255.255.255.255", 67, 68);
}
C(dhcp6)
{
    eth6(p, "fe80::2", "fe80::1", 17);
    packet_udp(p, 547, 546);
    packet_end(p);
}
C(mesh)
{
    tcp4(p, FAR4, SELF4, 999, 7425);
}
C(mesh_not_here)
{
    tcp4(p, FAR4, OTHER4, 999, 7425);
}
C(mesh_reply)
{
    tcp4(p, "192.0.2.7", SELF4, 7425, 999);
}
C(mesh_reply_stranger)
{
    tcp4(p, "192.0.2.8", SELF4, 7425, 999);
}
C(mesh_reply_syn)
{
    eth4(p, "192.0.2.7", SELF4, 6);
    packet_tcp(p, 7425, 999, SYN);
    packet_end(p);
}
C(dns)
{
    udp4(p, "192.0.2.53", SELF4, 53, 999);
}
C(ntp)
{
    udp4(p, "192.0.2.123", SELF4, 123, 123);
}
C(manage)
{
    tcp4(p, "198.51.100.9", SELF4, 5, 22);
}
C(manage_elsewhere)
{
    tcp4(p, "198.51.101.9", SELF4, 5, 22);
}
C(mesh_fragment)
{
    eth4(p, FAR4, SELF4, 6);
    packet_tcp(p, 1, 7425, ACK);
    packet_fragment_v4(p, 0, true, 3);
    packet_end(p);
}

C(banned6)
{
    eth6(p, "2001:db8:bad::5", SELF6, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
}
C(not_banned6)
{
    eth6(p, "2001:db8:bae::5", SELF6, 17);
    packet_udp(p, 5, 5);
    packet_end(p);
}

#define R(name) FW_REASON_##name
const struct packet_case packet_cases[] = {
    {"no rule matches", plain_tcp, R(PASS_DEFAULT), 0},
    {"a destination port", blocked_port, R(DROP_RULE), 0},
    {"a lower priority number comes first", allowed_before, R(PASS_RULE), 0},
    {"a source in a set", banned, R(DROP_RULE), 0},
    {"a nested prefix is in its own set and the covering one", nested_ban, R(PASS_RULE), 0},
    {"an IPv6 source in a set", banned6, R(DROP_RULE), 0},
    {"an IPv6 source beside a set", not_banned6, R(PASS_DEFAULT), 0},
    {"inside a port range", port_range, R(DROP_RULE), 0},
    {"behind a port range", port_range_end, R(PASS_DEFAULT), 0},
    {"a source port", source_port, R(DROP_RULE), 0},
    {"to other", other_target, R(DROP_RULE), 0},
    {"to other does not mean self", not_other_target, R(PASS_DEFAULT), 0},
    {"outside a negated prefix", by_negation, R(PASS_DEFAULT), 0},
    {"inside what a negation leaves", spared_by_negation, R(DROP_RULE), 0},
    {"an SCTP port", sctp_port, R(DROP_RULE), 0},
    {"an ICMP type", icmp_type, R(DROP_RULE), 0},
    {"an ICMP code", icmp_code, R(DROP_RULE), 0},
    {"another ICMP code", icmp_other_code, R(PASS_DEFAULT), 0},
    {"an ICMPv6 type", icmpv6_type, R(DROP_RULE), 0},
    {"TCP flags", flags_none, R(DROP_RULE), 0},
    {"DSCP in IPv4", dscp, R(DROP_RULE), 0},
    {"DSCP in IPv6", dscp6, R(DROP_RULE), 0},
    {"a VLAN id", vlan_7, R(DROP_RULE), 0},
    {"the outer VLAN id is the one that counts", vlan_outer_counts, R(PASS_DEFAULT), 0},
    {"a priority tag hides no VLAN id", vlan_behind_priority_tag, R(DROP_RULE), 0},
    {"two tags hide no port", vlan_hides_nothing, R(DROP_RULE), 0},
    {"a third tag", three_tags, R(DROP_TAGS), 0},
    {"a cut tag", tag_short, R(DROP_LINK_SHORT), 0},
    {"IPv4 without a link header", raw4, R(DROP_RULE), FW_DEVICE_RAW_IP},
    {"IPv6 without a link header", raw6, R(DROP_RULE), FW_DEVICE_RAW_IP},
    {"neither version", raw_neither, R(DROP_RAW_VERSION), FW_DEVICE_RAW_IP},
    {"an exempt device", blocked_port, R(PASS_EXEMPT), FW_DEVICE_EXEMPT},
    {"ARP", arp, R(PASS_ARP), 0},
    {"LLC", llc, R(PASS_LLC), 0},
    {"slow protocols", slow, R(PASS_SLOW), 0},
    {"LLDP", lldp, R(PASS_LLDP), 0},
    {"EAPOL", eapol, R(PASS_EAPOL), 0},
    {"PPPoE", pppoe, R(PASS_PPPOE), 0},
    {"PTP", ptp, R(PASS_PTP), 0},
    {"MACsec", macsec, R(PASS_MACSEC), 0},
    {"a configured ethertype", extra, R(PASS_ETHERTYPE), 0},
    {"an unknown ethertype", unknown_type, R(DROP_ETHERTYPE), 0},
    {"an old tag ethertype is no tag", double_nine, R(DROP_ETHERTYPE), 0},
    {"a cut IPv4 header", ip4_short, R(DROP_IP_SHORT), 0},
    {"a cut IPv6 header", ip6_short, R(DROP_IP_SHORT), 0},
    {"IPv4 with another version", ip4_version, R(DROP_IP_VERSION), 0},
    {"IPv6 with another version", ip6_version, R(DROP_IP_VERSION), 0},
    {"an IPv4 header below 20", ip4_header, R(DROP_IPV4_HEADER), 0},
    {"an IPv4 length below its header", ip4_length, R(DROP_IP_LENGTH), 0},
    {"an IPv4 length above the frame", ip4_truncated, R(DROP_IP_TRUNCATED), 0},
    {"an IPv6 length above the frame", ip6_truncated, R(DROP_IP_TRUNCATED), 0},
    {"IPv4 options hide no port", ip4_options, R(DROP_RULE), 0},
    {"a cut TCP header", tcp_short, R(DROP_TCP_SHORT), 0},
    {"a TCP header behind the IP length", tcp_short_by_ip_length, R(DROP_TCP_SHORT), 0},
    {"a TCP header below 20", tcp_header, R(DROP_TCP_HEADER), 0},
    {"cut TCP options", tcp_options_cut, R(DROP_TCP_SHORT), 0},
    {"a cut UDP header", udp_short, R(DROP_UDP_SHORT), 0},
    {"a UDP length above the packet", udp_length, R(DROP_UDP_LENGTH), 0},
    {"a cut SCTP header", sctp_short, R(DROP_SCTP_SHORT), 0},
    {"a cut ICMP header", icmp_short, R(DROP_ICMP_SHORT), 0},
    {"a cut ICMPv6 header", icmpv6_short, R(DROP_ICMP_SHORT), 0},
    {"a later fragment before its first", later_fragment, R(DROP_FRAG_NO_FIRST), 0},
    {"a first fragment", first_fragment, R(PASS_DEFAULT), 0},
    {"a later one of a first that passed", later_of_passed, R(PASS_FRAG_KEPT), 0},
    {"a first fragment that drops", first_dropped, R(DROP_RULE), 0},
    {"a later one of a first that dropped", later_of_dropped, R(DROP_FRAG_KEPT), 0},
    {"a first fragment without its header", fragment_short, R(DROP_FRAG_SHORT), 0},
    {"a fragment over the TCP header", fragment_over_header, R(DROP_FRAG_SHORT), 0},
    {"the same in IPv6", fragment_over_header_v6, R(DROP_FRAG_SHORT), 0},
    {"a fragment in a fragment", fragment_nested, R(DROP_FRAG_NESTED), 0},
    {"an atomic fragment hides no port", atomic_fragment, R(DROP_RULE), 0},
    {"eight extension headers hide no port", ext_eight, R(DROP_RULE), 0},
    {"nine extension headers", ext_nine, R(DROP_EXT_TOO_LONG), 0},
    {"512 bytes of extension headers", ext_512, R(DROP_RULE), 0},
    {"520 bytes of extension headers", ext_520, R(DROP_EXT_TOO_LONG), 0},
    {"a cut extension header", ext_short, R(DROP_EXT_SHORT), 0},
    {"an extension header longer than the packet", ext_cut, R(DROP_EXT_SHORT), 0},
    {"hop-by-hop options that are not first", ext_order, R(DROP_EXT_ORDER), 0},
    {"AH hides no port in IPv6", ah6, R(DROP_RULE), 0},
    {"AH is a protocol in IPv4", ah4, R(DROP_RULE), 0},
    {"no next header", no_next, R(PASS_DEFAULT), 0},
    {"ESP", esp, R(PASS_DEFAULT), 0},
    {"neighbour solicitation", nd_solicit, R(PASS_NEIGHBOUR), 0},
    {"neighbour advertisement", nd_unicast, R(PASS_NEIGHBOUR), 0},
    {"neighbour discovery from afar", nd_hops, R(PASS_DEFAULT), 0},
    {"neighbour discovery for someone else", nd_other, R(PASS_DEFAULT), 0},
    {"neighbour discovery behind an extension", nd_behind_ext, R(PASS_DEFAULT), 0},
    {"MLD", mld, R(PASS_MLD), 0},
    {"MLD from afar", mld_hops, R(PASS_DEFAULT), 0},
    {"IGMP", igmp, R(PASS_IGMP), 0},
    {"IGMP to one box", igmp_unicast, R(PASS_DEFAULT), 0},
    {"DHCP to a client", dhcp, R(PASS_DHCP), FW_DEVICE_DHCP},
    {"DHCP without a client", dhcp, R(PASS_DEFAULT), 0},
    {"DHCPv6 to a client", dhcp6, R(PASS_DHCP), FW_DEVICE_DHCP},
    {"the mesh port", mesh, R(PASS_MESH), 0},
    {"the mesh port of another box", mesh_not_here, R(PASS_DEFAULT), 0},
    {"a peer's answer", mesh_reply, R(PASS_MESH_REPLY), 0},
    {"a stranger's answer", mesh_reply_stranger, R(PASS_DEFAULT), 0},
    {"no answer: it has no ACK", mesh_reply_syn, R(PASS_DEFAULT), 0},
    {"a DNS answer", dns, R(PASS_DNS), 0},
    {"an NTP answer", ntp, R(PASS_NTP), 0},
    {"management", manage, R(PASS_MANAGE), 0},
    {"management from elsewhere", manage_elsewhere, R(PASS_DEFAULT), 0},
    {"a fragment is no lifeline", mesh_fragment, R(PASS_DEFAULT), 0},
};
const size_t packet_cases_count = sizeof(packet_cases) / sizeof(packet_cases[0]);

int cases_world(struct world *world)
{
    static const uint16_t extras[] = {0x88ba};
    static const char *const rules[] = {
        "allow in tcp from 203.0.113.23 to any port 23 priority 50",
        "allow in from @inner priority 60",
        "drop in from @ban priority 90",
        "drop in tcp to any port 23 priority 100",
        "drop in udp to any port 6000-6099 priority 100",
        "drop in udp from any port 1900 priority 100",
        "drop in udp to other port 7777 priority 100",
        "drop in udp from not 203.0.113.0/24 to any port 8888 priority 100",
        "drop in sctp port 9899 priority 100",
        "drop in icmp icmp-type 13,5/1 priority 100",
        "drop in icmpv6 icmp-type 139 priority 100",
        "drop in tcp flags none/fin,syn,rst,ack priority 100",
        "drop in dscp 46 priority 100",
        "drop in vlan 7 priority 100",
        "drop in ah priority 100",
        "log in device eth* priority 10",
        "drop in device wg* priority 20",
        "drop in class internal priority 20",
    };
    int r = world_init(world);

    if (r == 0)
        r = world_set(world, "ban", "198.18.0.0/15 2001:db8:bad::/48");
    if (r == 0)
        r = world_set(world, "inner", "198.19.1.0/24");
    for (size_t i = 0; r == 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
        r = world_rule(world, rules[i]);
    world->lifeline.ethertypes = extras;
    world->lifeline.ethertypes_count = 1;
    return r;
}

int cases_device(struct world *world, uint8_t device_flags)
{
    world->device.link_type = device_flags & FW_DEVICE_RAW_IP ? 65534 : 1;
    world->device.is_exempt = (device_flags & FW_DEVICE_EXEMPT) != 0;
    world->lifeline.dhcp_classes = device_flags & FW_DEVICE_DHCP ? 1U << FW_CLASS_EXTERNAL : 0;
    return world_compile(world);
}
