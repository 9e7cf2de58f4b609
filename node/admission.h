/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * admission.h - who may connect: from the ledger's directory to the verifier's snapshot, and from a
 * first admission to a join record (ledger.md L26, L27).
 *
 * Threads: logic, but admission_check(): any.
 */
#include "base/bytes.h"
#include "rpc/trust.h"

#include <stdbool.h>

struct admission;
struct admission_check;
struct node;

extern const struct rpc_crypto admission_crypto;

/* For rpc_trust_new(); user is the node. */
struct rpc_trust_events admission_events(struct node *node);

/* Publishes the directory if it changed since the last time. */
void admission_publish(struct node *node, bool is_joining);

void admission_free(struct admission *admission); /* accepts NULL */

/* This node's own join record: what the first member of a fleet has nobody to make for it. */
bool admission_join_self(struct node *node); /* true: submitted */

/* What of a join record is X.509's business; NULL (which never holds) if its invite is not here. */
struct admission_check *admission_check_new(struct node *node, struct bytes join_record);
bool admission_check(const struct admission_check *check);
void admission_check_free(struct admission_check *check);
