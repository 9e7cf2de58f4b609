/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/forms.h"

static void begin(struct packet *packet, bool is_v6, uint8_t protocol)
{
    packet_ethernet(packet, is_v6 ? 0x86dd : 0x0800);
    if (is_v6)
        packet_ipv6(packet, "2001:db8:7::7", "2001:db8::1", protocol);
    else
        packet_ipv4(packet, "203.0.113.77", "192.0.2.1", protocol);
}

static void tcp4(struct packet *packet)
{
    begin(packet, false, 6);
    packet_tcp(packet, 4000, 80, 2);
}

static void udp4(struct packet *packet)
{
    begin(packet, false, 17);
    packet_udp(packet, 4000, 80);
    packet_fill(packet, 200);
}

static void icmp4(struct packet *packet)
{
    begin(packet, false, 1);
    packet_icmp(packet, 8, 0);
}

static void tagged4(struct packet *packet)
{
    tcp4(packet);
    packet_tag(packet, 0x8100, 7);
}

static void listed4(struct packet *packet)
{
    packet_ethernet(packet, 0x0800);
    packet_ipv4(packet, "198.18.3.3", "192.0.2.1", 17);
    packet_udp(packet, 4000, 4000);
}

static void fragment4(struct packet *packet)
{
    begin(packet, false, 17);
    packet_udp(packet, 4000, 80);
    packet_fragment_v4(packet, 0, true, 9);
    packet_fill(packet, 200);
}

static void tcp6(struct packet *packet)
{
    begin(packet, true, 6);
    packet_tcp(packet, 4000, 80, 2);
}

static void udp6(struct packet *packet)
{
    begin(packet, true, 17);
    packet_udp(packet, 4000, 80);
    packet_fill(packet, 1000);
}

static void extended6(struct packet *packet)
{
    begin(packet, true, 0);
    packet_extension(packet, 0, 60, 8);
    packet_extension(packet, 60, 6, 24);
    packet_tcp(packet, 4000, 80, 2);
}

static void tagged6(struct packet *packet)
{
    udp6(packet);
    packet_tag(packet, 0x88a8, 9);
}

void forms_build(struct packet packets[FORMS_COUNT])
{
    static void (*const forms[FORMS_COUNT])(struct packet *) = {
        tcp4, udp4, icmp4, tagged4, listed4, fragment4, tcp6, udp6, extended6, tagged6};

    for (unsigned form = 0; form < FORMS_COUNT; form++) {
        forms[form](&packets[form]);
        packet_end(&packets[form]);
    }
}
