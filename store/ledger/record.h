/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * record.h - the four kinds of record the state is a function of, their limits, ids and signatures.
 *
 * Pure. A record is checked in two steps: record_open() does everything that needs no key, and says
 * which signatures must hold; whoever calls verifies those (on any thread, with keys_verify()) and
 * then hands the record to ledger_add().
 */
#include "base/bytes.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Values are on disk. */
enum record_kind {
    RECORD_ENTRY = 1, /* canonical SignedEntry */
    RECORD_TRUST = 2, /* canonical SignedTrust */
    RECORD_JOIN = 3,  /* canonical JoinRecord */
    RECORD_FORK = 4,  /* canonical ForkProof */
};

/* Every reason a record or a changeset can be refused, void or waiting. The lower-case name is in
 * metrics, logs and `picket log`; proto/README.md lists them. */
#define LEDGER_REASONS(X)                                                                        \
    X(OK, "ok", "it counts")                                                                     \
    X(MALFORMED, "malformed", "the encoding is not the canonical one")                           \
    X(FOREIGN_FLEET, "foreign_fleet", "it belongs to another fleet")                             \
    X(BAD_SIGNATURE, "bad_signature", "the signature does not fit the key and the content")      \
    X(OPS_MISMATCH, "ops_mismatch", "the operations do not match the signed header")             \
    X(OVER_LIMIT, "over_limit", "it is larger than a limit of the fleet")                        \
    X(UNKNOWN_AUTHOR, "unknown_author", "no trust record grants this key anything")              \
    X(UNKNOWN_PREV, "unknown_prev", "an earlier entry of the same key is missing")               \
    X(UNKNOWN_TRUST, "unknown_trust", "the trust record it cites is not here yet")               \
    X(UNKNOWN_BASE, "unknown_base", "the version it builds on is not here yet")                  \
    X(FORK, "fork", "the key signed two different entries with one number")                      \
    X(FROZEN, "frozen", "the key is frozen after a fork")                                        \
    X(ENDED, "ended", "the grant of this key has been ended")                                    \
    X(TRUST_WENT_BACK, "trust_went_back", "it cites an older trust record than its predecessor") \
    X(OUT_OF_SCOPE, "out_of_scope", "the grant does not reach that far")                         \
    X(OUT_OF_BAND, "out_of_band", "the priority is outside the grant's band")                    \
    X(ACTION_NOT_GRANTED, "action_not_granted", "the grant does not include this action")        \
    X(ROLE_NOT_GRANTED, "role_not_granted", "the key's role may not do this")                    \
    X(VALIDITY_TOO_LONG, "validity_too_long", "it would hold for longer than the grant allows")  \
    X(OVER_BUDGET, "over_budget", "the grant's budget is used up")                               \
    X(UNKNOWN_KIND, "unknown_kind", "an operation of a kind above the fleet's level")            \
    X(BAD_OPERATION, "bad_operation", "an operation contradicts itself or a rule of the format") \
    X(BAD_BASE, "bad_base", "a base belongs to another object")                                  \
    X(NOT_EFFECTIVE, "not_effective", "it needs a feature that level 1 does not have")           \
    X(BAD_TRUST, "bad_trust", "the trust record breaks a rule and has no effect")                \
    X(LOSING_BRANCH, "losing_branch", "another branch of the trust log stands")                  \
    X(UNKNOWN_INVITE, "unknown_invite", "no invite with this id is here yet")                    \
    X(INVITE_VOID, "invite_void", "the invite does not count")                                   \
    X(JOIN_CONFLICT, "join_conflict", "the invite was used by two keys; both are suspended")     \
    X(WAITING_FOR_CONTENT, "waiting_for_content", "a chunk of a set is missing")                 \
    X(SOFTWARE_TOO_OLD, "software_too_old", "the fleet's level is above this software's")

enum ledger_reason {
#define LEDGER_REASON_ENUM(name, word, text) LEDGER_##name,
    LEDGER_REASONS(LEDGER_REASON_ENUM)
#undef LEDGER_REASON_ENUM
        LEDGER_REASON_COUNT
};

const char *ledger_reason_word(enum ledger_reason reason);
const char *ledger_reason_text(enum ledger_reason reason);

struct signature_claim {
    uint8_t key[KEY_BYTES];
    uint8_t hash[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
};

/* What can be said about a record by reading it alone. Borrows nothing. */
struct record_view {
    enum record_kind kind;
    uint8_t id[HASH_BYTES]; /* entry, trust: hash of the header. join, fork: hash of the record */
    uint8_t author[KEY_BYTES]; /* entry, fork */
    uint64_t seq;              /* entry, fork; trust: position */
    uint8_t prev[HASH_BYTES];  /* entry, trust; zero in the first */
    bool has_prev;
    uint8_t invite[HASH_BYTES]; /* join */
    struct signature_claim claims[ROOT_KEYS_MAX];
    uint32_t claims_count; /* join: only the Ed25519 one; the leaf is X.509's business */
};

struct ledger;

/*
 * Encoding, fleet, limits, ops hash. LEDGER_OK, or why the record must be refused (never stored, no
 * link). A trust record's claims need its parent's keys: LEDGER_UNKNOWN_PREV if the parent is not
 * here.
 */
enum ledger_reason record_open(const struct ledger *ledger, enum record_kind kind,
    struct bytes bytes, struct record_view *ret_view);
