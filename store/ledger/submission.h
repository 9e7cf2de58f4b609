/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* submission.h - the steps of ledger_add() that judging a submission repeats and takes back. */
#include "store/ledger/inside.h"

/* OK: it follows *ret_prev, or is a first one (NONE). */
enum ledger_reason entry_place(
    const struct ledger *ledger, const struct record_view *view, uint32_t *ret_prev);

/* Appends an entry to the arrays, in no map and no chain. It owns header afterwards. 0, -ENOMEM. */
int entry_push(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__Header *header, struct bytes ops);
void entry_pop(struct ledger *ledger);

void entry_fini(struct ledger *ledger, struct entry *entry);

/* The chain of a key, empty if it is new. 0, -ENOMEM. */
int chain_make(struct ledger *ledger, const uint8_t author[KEY_BYTES], uint32_t *ret_chain);
