/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* pcap.h - frames out of a pcap or pcapng file. */
#include "base/bytes.h"

#include <stdint.h>

#define PCAP_LINK_ETHERNET 1
#define PCAP_LINK_RAW 101

/* Calls fn for each frame, with its link type; stops where the file does. 0, or -errno if it cannot
 * be read or is neither format. */
int pcap_each(
    const char *path, void (*fn)(void *user, uint32_t link_type, struct bytes frame), void *user);
