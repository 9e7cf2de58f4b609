/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * verify.h - nothing a node says about a signed record is believed: every signature is checked here
 * (ledger.md L22).
 *
 * I/O: none. Threads: one.
 */
#include "base/problem.h"
#include "store/ledger/ledger.h"

/* Encoding, fleet and signatures. `what` names the record in the sentence. */
int verify_record(const struct ledger *ledger, enum record_kind kind, struct bytes record,
    const char *what, struct record_view *ret_view, struct problem *reterr_problem);

/* The same, then into the ledger, where it must be added or known. */
int verify_add(struct ledger *ledger, enum record_kind kind, struct bytes record, const char *what,
    struct problem *reterr_problem);

/* The newest grant the trust log ever gave a key, ended or not; NULL if none. */
const Picket__V1__Grant *verify_grant_of(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], bool *ret_is_live);
