/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/* flood.h - one header of a trace, as the file holds it and as the generator's program reads it. */
#include <linux/types.h>

#define FLOOD_HEADERS_MAX 1048576

struct flood_header {
    __u8 source[16]; /* IPv4 in the first four bytes */
    __u8 target[16];
    __u16 source_port; /* network order, as is `check` */
    __u16 target_port;
    __u16 check; /* of the IPv4 header; 0 in files */
    __u8 protocol;
    __u8 version; /* 4 or 6; one trace has one */
};
_Static_assert(sizeof(struct flood_header) == 40, "a trace file is an array of these");

/* Frames: Ethernet, IP, 20 bytes that are a TCP header and a UDP datagram at once. */
#define FLOOD_ETHERNET_BYTES 14
#define FLOOD_IPV4_BYTES 20
#define FLOOD_IPV6_BYTES 40
#define FLOOD_L4_BYTES 20
#define FLOOD_FRAME_BYTES 80 /* room for the longer one */
