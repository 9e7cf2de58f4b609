/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* element.h - one prefix of a set. */
#include <stdint.h>

struct set_element {
    uint8_t address[16]; /* IPv4 in the first 4 */
    uint8_t is_v6;
    uint8_t length;
    uint64_t expiry; /* unix seconds; 0: never */
};
