/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* sentences.h - what an entry's operations say, one line each, for people. */
#include "node/api/reply.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/log.pb-c.h"

/* "void" or "waiting". */
const char *sentences_status(enum ledger_reason reason);

bool sentences_author_is(const Picket__V1__SignedEntry *entry, ProtobufCBinaryData author);

/* Fills lines: "adds a rule: drop in tcp ...", "deletes rule ssh". An operation that cannot be read
 * says so. */
void sentences_of(struct reply *reply, const struct ledger *ledger, const uint8_t id[HASH_BYTES],
    Picket__V1__LogEntry *out);
