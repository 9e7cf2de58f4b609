/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/packet.h"
#include "base/check.h"

#include <arpa/inet.h>
#include <string.h>

static uint8_t *room(struct packet *packet, size_t len)
{
    uint8_t *at = packet->bytes + packet->len;

    CHECK(packet->len + len <= PACKET_BYTES_MAX, "a test frame fits");
    memset(at, 0, len);
    packet->len += len;
    return at;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void packet_ethernet(struct packet *packet, uint16_t ethertype)
{
    uint8_t *at = room(packet, 14);

    at[0] = 2;
    at[6] = 2;
    at[11] = 1;
    put16(at + 12, ethertype);
}

void packet_tag(struct packet *packet, uint16_t tag_ethertype, uint16_t vlan)
{
    uint8_t *at = room(packet, 4);

    memcpy(at + 2, at - 2, 2);
    put16(at - 2, tag_ethertype);
    put16(at, vlan);
}

void packet_ipv4(struct packet *packet, const char *source, const char *target, uint8_t protocol)
{
    packet->ip_at = packet->len;
    packet->is_v6 = false;
    uint8_t *at = room(packet, 20);

    at[0] = 0x45;
    at[8] = 64;
    at[9] = protocol;
    CHECK(inet_pton(AF_INET, source, at + 12) == 1, "an address of a test");
    CHECK(inet_pton(AF_INET, target, at + 16) == 1, "an address of a test");
    packet->l4_at = packet->len;
}

void packet_ipv6(struct packet *packet, const char *source, const char *target, uint8_t next)
{
    packet->ip_at = packet->len;
    packet->is_v6 = true;
    uint8_t *at = room(packet, 40);

    at[0] = 0x60;
    at[6] = next;
    at[7] = 64;
    CHECK(inet_pton(AF_INET6, source, at + 8) == 1, "an address of a test");
    CHECK(inet_pton(AF_INET6, target, at + 24) == 1, "an address of a test");
    packet->l4_at = packet->len;
}

void packet_extension(struct packet *packet, uint8_t kind, uint8_t next, size_t len)
{
    uint8_t *at = room(packet, len);

    at[0] = next;
    at[1] = (uint8_t)(kind == 51 ? len / 4 - 2 : len / 8 - 1);
    packet->l4_at = packet->len;
}

void packet_fragment_v6(
    struct packet *packet, uint8_t next, uint16_t offset, bool more, uint32_t id)
{
    uint8_t *at = room(packet, 8);

    at[0] = next;
    put16(at + 2, (uint32_t)offset << 3 | more);
    put16(at + 4, id >> 16);
    put16(at + 6, id);
    packet->l4_at = packet->len;
}

void packet_fragment_v4(struct packet *packet, uint16_t offset, bool more, uint16_t id)
{
    put16(packet->bytes + packet->ip_at + 4, id);
    put16(packet->bytes + packet->ip_at + 6, offset | (more ? 0x2000U : 0));
}

void packet_tcp(struct packet *packet, uint16_t source, uint16_t target, uint8_t flags)
{
    packet->l4_at = packet->len;
    uint8_t *at = room(packet, 20);

    put16(at, source);
    put16(at + 2, target);
    at[12] = 0x50;
    at[13] = flags;
}

void packet_udp(struct packet *packet, uint16_t source, uint16_t target)
{
    packet->l4_at = packet->len;
    uint8_t *at = room(packet, 8);

    put16(at, source);
    put16(at + 2, target);
    put16(at + 4, 8);
}

void packet_sctp(struct packet *packet, uint16_t source, uint16_t target)
{
    packet->l4_at = packet->len;
    uint8_t *at = room(packet, 12);

    put16(at, source);
    put16(at + 2, target);
}

void packet_icmp(struct packet *packet, uint8_t type, uint8_t code)
{
    packet->l4_at = packet->len;
    uint8_t *at = room(packet, 8);

    at[0] = type;
    at[1] = code;
}

void packet_fill(struct packet *packet, size_t len)
{
    memset(room(packet, len), 0xa5, len);
}

void packet_end(struct packet *packet)
{
    uint8_t *ip = packet->bytes + packet->ip_at;

    if (packet->is_v6)
        put16(ip + 4, (uint32_t)(packet->len - packet->ip_at - 40));
    else
        put16(ip + 2, (uint32_t)(packet->len - packet->ip_at));
}

void packet_knock(struct packet *packet, const char *source)
{
    bool is_v6 = strchr(source, ':') != NULL;

    memset(packet, 0, sizeof(*packet));
    packet_ethernet(packet, is_v6 ? 0x86dd : 0x0800);
    if (is_v6)
        packet_ipv6(packet, source, "2001:db8::1", 6);
    else
        packet_ipv4(packet, source, "192.0.2.1", 6);
    packet_tcp(packet, 999, 7425, 0x02);
    packet_end(packet);
}
