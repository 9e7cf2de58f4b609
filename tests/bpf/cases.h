/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* cases.h - one frame for every reason and every field; the same table runs on the host and in the
 * kernel. */
#include "tests/bpf/packet.h"
#include "tests/bpf/world.h"

struct packet_case {
    const char *what; /* a sentence */
    void (*build)(struct packet *packet);
    enum fw_reason reason;
    uint8_t device_flags; /* FW_DEVICE_RAW_IP, _EXEMPT, _DHCP */
};

extern const struct packet_case packet_cases[];
extern const size_t packet_cases_count;

/* The rules the table is written for. */
int cases_world(struct world *world);
/* Makes the device what the case asks for, and compiles. */
int cases_device(struct world *world, uint8_t device_flags);
