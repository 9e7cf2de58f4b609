/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* changes.h - which objects changed lately. */
#include "store/ledger/ledger.h"

#define LEDGER_CHANGES_MAX 64 /* remembered */

/*
 * The ids of the objects that may have changed since the ledger was at a revision, which is what
 * ledger_revision() said before objects were listed; room for LEDGER_CHANGES_MAX. False: more, or
 * not known.
 */
bool ledger_objects_changed(struct ledger *ledger, uint64_t revision,
    uint8_t (*ret_ids)[OP_REF_BYTES], uint32_t *ret_count);
