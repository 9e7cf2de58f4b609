/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * x509.h - P-256 keys and the four kinds of certificate of a fleet (ledger.md L25, L26): the
 * enroller's CA, operators and clients under it, invites under it, nodes under an invite.
 *
 * I/O: none but the kernel's randomness. Threads: any. rpc/README.md lists every field.
 * Buffers are appended to. Functions that make return 0, -ENOMEM, -EINVAL or -EIO (OpenSSL).
 */
#include "base/bytes.h"
#include "base/limits.h"
#include "base/problem.h"
#include "rpc/trust.h"

/* ---- keys */

struct rpc_key;

int rpc_key_new(struct rpc_key **ret_key);
int rpc_key_from_der(struct bytes der, struct rpc_key **ret_key, struct problem *reterr_problem);
int rpc_key_from_pem(struct bytes pem, struct rpc_key **ret_key, struct problem *reterr_problem);
int rpc_key_der(
    const struct rpc_key *key, struct buffer *der); /* PKCS#8: what key_file keeps as p256 */
int rpc_key_pem(const struct rpc_key *key, struct buffer *pem);
void rpc_key_point(const struct rpc_key *key, uint8_t ret_point[RPC_POINT_BYTES]);
void rpc_key_free(struct rpc_key *key); /* wipes; NULL does nothing */

/* ---- making certificates (DER); now_s: unix seconds; valid from a day before it for 10 years */

struct rpc_label {
    const char *key;
    const char *value;
};

/* The enroller's self-signed CA certificate. */
int rpc_ca_make(const struct rpc_key *ca, const uint8_t fleet_id[HASH_BYTES], uint64_t now_s,
    struct buffer *der);

/* kind RPC_OPERATOR or RPC_CLIENT. point is the public key it certifies. */
int rpc_user_make(const struct rpc_key *ca, const uint8_t fleet_id[HASH_BYTES],
    enum rpc_identity_kind kind, const char *name, const uint8_t point[RPC_POINT_BYTES],
    uint64_t now_s, struct buffer *der);

struct rpc_invite_parts {
    const uint8_t *fleet_id; /* 32 */
    const char *name;
    const struct rpc_label *labels; /* strictly ascending by key */
    uint32_t labels_count;
    uint64_t join_by;     /* unix seconds */
    const uint8_t *point; /* 65: the invite's key */
};
/* The invite id is rpc_crypto.hash_node() of the result. */
int rpc_invite_make(const struct rpc_key *ca, const struct rpc_invite_parts *parts, uint64_t now_s,
    struct buffer *der);

/* What the node's Ed25519 key signs: the hash (picket/node/1) of these bytes (amendment 19). */
int rpc_binding_bytes(const uint8_t fleet_id[HASH_BYTES], const uint8_t leaf_key[RPC_POINT_BYTES],
    const uint8_t node_key[KEY_BYTES], const char *name, struct buffer *bytes);

struct rpc_leaf_parts {
    const uint8_t *fleet_id; /* 32 */
    const char *name;
    const uint8_t *point;         /* 65: the leaf's key */
    const uint8_t *node_key;      /* 32 */
    const uint8_t *key_signature; /* 64 */
    const uint8_t *invite;        /* 32: the invite id */
};
int rpc_leaf_make(const struct rpc_key *invite, const struct rpc_leaf_parts *parts, uint64_t now_s,
    struct buffer *der);

/* ---- reading */

enum rpc_certificate_kind {
    RPC_CERTIFICATE_CA,
    RPC_CERTIFICATE_USER, /* operator or client: identity_kind */
    RPC_CERTIFICATE_INVITE,
    RPC_CERTIFICATE_NODE,
};

struct rpc_certificate_label {
    char key[LABEL_BYTES_MAX + 1];
    char value[LABEL_BYTES_MAX + 1];
};

/* Borrows nothing. About 5 KB: mind deep stacks. */
struct rpc_certificate {
    enum rpc_certificate_kind kind;
    enum rpc_identity_kind identity_kind; /* USER, NODE */
    uint8_t fleet_id[HASH_BYTES];         /* all but CA */
    char name[NAME_BYTES_MAX + 1];        /* all but CA */
    uint8_t point[RPC_POINT_BYTES];
    uint64_t not_before_s, not_after_s;              /* noted, never refused */
    uint8_t invite[HASH_BYTES];                      /* NODE */
    uint8_t node_key[KEY_BYTES];                     /* NODE */
    uint8_t key_signature[SIGNATURE_BYTES];          /* NODE; not verified here */
    uint64_t join_by;                                /* INVITE */
    struct rpc_certificate_label labels[LABELS_MAX]; /* INVITE */
    uint32_t labels_count;
};

/* -EINVAL with a sentence for anything that is not exactly one of ours. */
int rpc_certificate_parse(
    struct bytes der, struct rpc_certificate *ret_certificate, struct problem *reterr_problem);

/* Did the key of this point sign it? ECDSA with SHA-256. */
bool rpc_certificate_signed_by(struct bytes der, const uint8_t point[RPC_POINT_BYTES]);

/* What ledger.md amendment 1 asks of a join record beyond its Ed25519 claim. */
struct rpc_join_parts {
    const uint8_t *fleet_id;      /* 32 */
    const uint8_t *invite;        /* 32: the record's */
    const uint8_t *invite_key;    /* 65 and */
    const char *invite_name;      /* the name: of the invite's entry */
    struct bytes leaf;            /* DER and */
    const uint8_t *leaf_key;      /* 65, */
    const uint8_t *node_key;      /* 32, */
    const uint8_t *key_signature; /* 64: the record's */
};
/* RPC_REFUSED_NONE, or the reason; the problem gets the sentence. crypto NULL: the Ed25519
 * signature is left to the caller. */
enum rpc_refusal rpc_join_check(const struct rpc_join_parts *parts, const struct rpc_crypto *crypto,
    struct problem *ret_problem);

/* ---- PEM */

int rpc_certificate_pem(struct bytes der, struct buffer *pem);
/* The index-th certificate of a PEM text, as DER. -ENOENT past the last, -EINVAL for nonsense. */
int rpc_certificate_from_pem(struct bytes pem, uint32_t index, struct buffer *der);

/* Both forms in one text: spiffe://HEX/node/NAME and NAME.node.picket.internal. Names that fit: 1
 * to 63 of a-z, 0-9,
 * '-' inside. */
bool rpc_name_is_sound(const char *name);
