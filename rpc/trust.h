/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trust.h - whom a connection is admitted for (ledger.md L25 to L28). Both ends of every TLS link
 * are judged by this, at the handshake and again at every call.
 *
 * Threads: rpc_trust_publish() and the callbacks: logic thread. rpc_trust_set_time(), counts: any.
 *          gRPC's threads read the snapshot through one atomic pointer.
 * Expiry:  a certificate's dates never refuse anyone (L28).
 */
#include "base/bytes.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define RPC_POINT_BYTES 65 /* P-256, uncompressed */

struct rpc_loop;
struct rpc_trust;

/* What rpc/ may not compute itself: give it keys_hash(HASH_NODE, ...) and keys_verify(). Any
 * thread. */
struct rpc_crypto {
    void (*hash_node)(struct bytes bytes, uint8_t ret_hash[HASH_BYTES]);
    bool (*verify)(const uint8_t key[KEY_BYTES], const uint8_t hash[HASH_BYTES],
        const uint8_t signature[SIGNATURE_BYTES]);
};

enum rpc_identity_kind {
    RPC_LOCAL, /* the unix socket: the folder's mode is the permission */
    RPC_NODE,
    RPC_OPERATOR,
    RPC_CLIENT,
};

struct rpc_identity {
    enum rpc_identity_kind kind;
    char name[NAME_BYTES_MAX +
              1]; /* "" for RPC_LOCAL; a node's name is the directory's, if recorded */
    uint8_t invite[HASH_BYTES];        /* RPC_NODE: who it is */
    uint8_t leaf_key[RPC_POINT_BYTES]; /* all but RPC_LOCAL */
    uint8_t node_key[KEY_BYTES];       /* RPC_NODE */
    bool is_recorded;                  /* RPC_NODE: the snapshot holds its join record */
};

/* Reason, word for metrics, sentence. */
#define RPC_REFUSALS(X)                                                                           \
    X(NONE, "none", "admitted")                                                                   \
    X(NO_CERTIFICATE, "no_certificate", "no certificate was shown")                               \
    X(MALFORMED, "malformed", "the certificate cannot be read or lacks what Picket needs")        \
    X(FOREIGN_FLEET, "foreign_fleet", "the certificate belongs to another fleet")                 \
    X(STRANGER, "stranger", "no enroller of this fleet signed the certificate")                   \
    X(NO_INVITE, "no_invite", "the invite's certificate is missing and the node is not recorded") \
    X(WRONG_INVITE, "wrong_invite", "the leaf does not belong to the invite it was shown with")   \
    X(WRONG_NAME, "wrong_name", "the invite was made for another name")                           \
    X(BAD_BINDING, "bad_binding", "the node key's signature over the leaf key does not hold")     \
    X(ENROLLER_ENDED, "enroller_ended", "the enroller that signed the invite has been ended")     \
    X(JOIN_BY_PASSED, "join_by_passed", "the invite had to be used earlier (join_by has passed)") \
    X(INVITE_USED, "invite_used", "the invite was already used by another key")                   \
    X(SUSPENDED, "suspended", "the node is suspended: two keys used its invite")                  \
    X(RETIRED, "retired", "the node has been retired")                                            \
    X(NOT_A_NODE, "not_a_node", "the far end shows no node certificate")                          \
    X(NO_TRUST, "no_trust", "no trust snapshot has been published yet")

enum rpc_refusal {
#define RPC_REFUSAL_ENUM(name, word, text) RPC_REFUSED_##name,
    RPC_REFUSALS(RPC_REFUSAL_ENUM)
#undef RPC_REFUSAL_ENUM
        RPC_REFUSAL_COUNT
};

const char *rpc_refusal_word(enum rpc_refusal refusal);
const char *rpc_refusal_text(enum rpc_refusal refusal);

/* ---- the snapshot, as the daemon gives it; everything is copied */

enum rpc_node_status {
    RPC_NODE_INVITED, /* the invite's entry counts, nobody has joined with it */
    RPC_NODE_JOINED,
    RPC_NODE_SUSPENDED,
    RPC_NODE_RETIRED,
};

struct rpc_trust_enroller {
    uint8_t ca_key[RPC_POINT_BYTES];
    bool is_live; /* false: ended. Nodes and invites listed below stand, nothing else it signs does
                   */
};

struct rpc_trust_node {
    uint8_t invite[HASH_BYTES];
    char name[NAME_BYTES_MAX + 1];
    enum rpc_node_status status;
    uint8_t leaf_key[RPC_POINT_BYTES]; /* RPC_NODE_JOINED, as the next */
    uint8_t node_key[KEY_BYTES];       /* all zero: not compared */
};

struct rpc_trust_snapshot {
    uint8_t fleet_id[HASH_BYTES];
    const struct rpc_trust_enroller *enrollers;
    uint32_t enrollers_count;
    const struct rpc_trust_node *nodes; /* any order */
    uint32_t nodes_count;
    /* This end has not yet compared its records with a neighbour (or is an operator's command), so
     * it cannot know who joined: a far end that we dial is then admitted without join record and
     * whatever its join_by says. It changes nothing for those who dial us. */
    bool is_joining;
};

/* A node's first admission: the fields of its join record. Borrowed during the call. */
struct rpc_admission {
    uint8_t invite[HASH_BYTES];
    char name[NAME_BYTES_MAX + 1];
    struct bytes leaf; /* DER */
    uint8_t leaf_key[RPC_POINT_BYTES];
    uint8_t node_key[KEY_BYTES];
    uint8_t key_signature[SIGNATURE_BYTES];
};

/* Called in the loop. on_admission may come more than once for one invite: ledger_add() says KNOWN.
 */
struct rpc_trust_events {
    void (*on_admission)(void *user, const struct rpc_admission *admission);
    /* name: what the certificate claims, "" if unreadable; we_dialled: we refused a server. At most
     * 16 wait in the queue, the rest is only counted. */
    void (*on_refused)(void *user, enum rpc_refusal refusal, const char *name, bool we_dialled);
    void *user;
};

/* Until the first publish everyone is refused. events may be NULL. Free after the loop is freed. */
int rpc_trust_new(struct rpc_loop *loop, const struct rpc_crypto *crypto,
    const struct rpc_trust_events *events, struct rpc_trust **ret_trust);
void rpc_trust_free(struct rpc_trust *trust);

/*
 * Takes a copy and judges every live TLS call and link of this trust again: who is no longer
 * admitted is cut (server side: status UNAUTHENTICATED with the sentence) before this returns or at
 * the next turn of the loop. 0 or -ENOMEM with the old snapshot in force.
 */
int rpc_trust_publish(struct rpc_trust *trust, const struct rpc_trust_snapshot *snapshot);

/* The effective time, unix seconds, for join_by. It never goes back. 0 (preset): join_by not
 * checked. */
void rpc_trust_set_time(struct rpc_trust *trust, uint64_t now_s);

/* How often each reason refused a handshake or a call. */
uint64_t rpc_trust_refused_count(const struct rpc_trust *trust, enum rpc_refusal refusal);

/* ---- one judgement, for tests and for the join check; any thread */

struct rpc_judgement {
    enum rpc_refusal refusal;
    struct rpc_identity identity; /* as far as it could be read */
    bool is_first;                /* admitted without a join record: a record should be made */
};

/*
 * leaf and chain are PEM (chain: more certificates, any order, may repeat the leaf, may be empty).
 * With a chain it is a handshake: a first admission is remembered until a snapshot records it, so
 * that a second key with the same invite is refused and later calls (leaf only) are admitted.
 */
void rpc_trust_judge(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement);
