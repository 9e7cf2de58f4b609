/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* amendable.h - what compiled tables keep so that amend.h can change them later. */
#include "base/bytes.h"
#include "bpf/fw_abi.h"

/* A rule that decides, and how many leaf rules of each family stand before its own. */
struct compile_place {
    uint8_t id[OP_REF_BYTES];
    uint32_t priority;
    uint32_t order[FW_FAMILY_COUNT];
};

struct compile_amendable {
    struct compile_place *places; /* in order; NULL: not to be amended */
    uint32_t places_count;
    uint64_t *hides[FW_FAMILY_COUNT];  /* by order, 64 a word: it keeps others out of the forest */
    uint32_t late_at[FW_FAMILY_COUNT]; /* where in the forest's blob the late leaf begins */
};
