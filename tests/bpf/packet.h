/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* packet.h - frames for tests, header by header. Lengths are filled in by packet_end(). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_BYTES_MAX 1600

struct packet {
    uint8_t bytes[PACKET_BYTES_MAX];
    size_t len;
    size_t ip_at; /* offset of the IP header */
    size_t l4_at; /* offset of the transport header */
    bool is_v6;
};

void packet_ethernet(struct packet *packet, uint16_t ethertype);
/* The last ethertype moves behind the tag. */
void packet_tag(struct packet *packet, uint16_t tag_ethertype, uint16_t vlan);

void packet_ipv4(struct packet *packet, const char *source, const char *target, uint8_t protocol);
void packet_ipv6(struct packet *packet, const char *source, const char *target, uint8_t next);

/* An IPv6 extension header of len bytes (a multiple of 8; for 51, AH, of 4). */
void packet_extension(struct packet *packet, uint8_t kind, uint8_t next, size_t len);
void packet_fragment_v6(
    struct packet *packet, uint8_t next, uint16_t offset, bool more, uint32_t id);
void packet_fragment_v4(struct packet *packet, uint16_t offset, bool more, uint16_t id);

void packet_tcp(struct packet *packet, uint16_t source, uint16_t target, uint8_t flags);
void packet_udp(struct packet *packet, uint16_t source, uint16_t target);
void packet_sctp(struct packet *packet, uint16_t source, uint16_t target);
void packet_icmp(struct packet *packet, uint8_t type, uint8_t code);
void packet_fill(struct packet *packet, size_t len);

/* A SYN to the mesh port 7425 of the box of world.h; IPv6 if the source is. */
void packet_knock(struct packet *packet, const char *source);

/* IP and UDP lengths. */
void packet_end(struct packet *packet);
