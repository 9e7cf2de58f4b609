/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/* pick.h - what the parser would have left of a packet, so that the verdict stage can be run and
 * timed over many headers without frames. Shared by pick.bpf.c and the host. */
#include "bpf/fw_abi.h"

struct pick {
    __u64 source[2]; /* network order */
    __u64 target[2];
    __u64 word;
    __u64 globs;
    __u16 source_port;
    __u16 target_port;
    __u8 family;
    __u8 protocol;
    __u8 fragment;
    __u8 class;
};
_Static_assert(sizeof(struct pick) == 56, "a map's value, in steps of 8");

#define PICK_DEVICE 1

enum pick_mode {
    PICK_NOTHING, /* the control of lookups */
    PICK_FINISH,  /* the control of verdicts: what follows a verdict, without one */
    PICK_COUNT,   /* the same, and a rule is counted */
    PICK_VERDICT,
    PICK_TRIE,
    PICK_LPM,
};
