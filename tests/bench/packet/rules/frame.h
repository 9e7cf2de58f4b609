/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * frame.h - a header as an Ethernet frame, and rule sets whose every header can be one. In library
 * tests_bench_packets.
 *
 * ClassBench gives ports to every protocol; packets have them with TCP, UDP and SCTP only. So that
 * such sets can go the whole way through the packet path with the meaning they have on paper, all
 * protocols but TCP and UDP travel in their stead as UDP with the VLAN tag 256 + protocol, in rules
 * and headers alike. UDP itself is then UDP without a tag.
 */
#include "tests/bench/packet/rules/rule_set.h"
#include "tests/bpf/packet.h"

#define FRAME_STAND_IN_VLAN 256

/* Draw traces before. 0, or -EINVAL if a rule asks for a VLAN itself: a "full" set means packets
 * already. */
int frame_stand_in_rules(struct bench_rules *rules);
void frame_stand_in_header(struct bench_header *header);

/* A frame with this header. A fragment's id is a hash of the header, so that different ones do not
 * share a packet. The device is not in a frame. */
void frame_of_header(const struct bench_header *header, struct packet *ret_packet);
