/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* sentences.h - what an entry's operations say, one line each, for people. */
#include "node/api/reply.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/log.pb-c.h"

/* "void" or "waiting". */
const char *sentences_status(enum ledger_reason reason);

bool sentences_author_is(const Picket__V1__SignedEntry *entry, ProtobufCBinaryData author);

/* Fills lines: "adds rule ssh: drop in tcp ...". An operation that cannot be read says so. */
void sentences_of(struct reply *reply, Picket__V1__LogEntry *out);
