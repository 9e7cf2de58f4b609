/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/x509_internal.h"

#include "proto/wire/wire.h"
#include "rpc/certificate.pb-c.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400ULL
#define LIFE_S (3653ULL * DAY_S)
#define SERIAL_BYTES 16

bool rpc_name_is_sound(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len > 63 || name[0] == '-' || name[len - 1] == '-')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

int rpc_binding_bytes(const uint8_t fleet_id[HASH_BYTES], const uint8_t leaf_key[RPC_POINT_BYTES],
    const uint8_t node_key[KEY_BYTES], const char *name, struct buffer *bytes)
{
    size_t name_len = strlen(name);
    uint8_t len_byte = (uint8_t)name_len;
    int r;

    if (name_len > NAME_BYTES_MAX)
        return -EINVAL;
    r = buffer_reserve(bytes, HASH_BYTES + RPC_POINT_BYTES + KEY_BYTES + 1 + name_len);
    if (r < 0)
        return r;
    (void)buffer_append(bytes, fleet_id, HASH_BYTES);
    (void)buffer_append(bytes, leaf_key, RPC_POINT_BYTES);
    (void)buffer_append(bytes, node_key, KEY_BYTES);
    (void)buffer_append(bytes, &len_byte, 1);
    (void)buffer_append(bytes, name, name_len);
    return 0;
}

/* ---- pieces of a certificate; every step answers false if OpenSSL fails */

/* The common name follows from the key, so that issuer and subject meet without asking anyone. */
static bool name_after_key(X509_NAME *name, const char *what, const uint8_t point[RPC_POINT_BYTES])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[17];
    char text[40];

    (void)SHA256(point, RPC_POINT_BYTES, hash);
    hex_print(hash, 8, hex);
    (void)snprintf(text, sizeof(text), "picket-%s-%s", what, hex);
    return X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) == 1;
}

static bool add_standard(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool is_added;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    is_added = extension && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

/* Not critical: ordinary TLS clients refuse what they do not know. Our verifier insists on it. */
static bool add_own(X509 *x509, const char *oid, const ProtobufCMessage *message)
{
    struct buffer packed = {0};
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *content = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool is_added = false;

    if (object && content && wire_pack(message, &packed) == 0 &&
        ASN1_OCTET_STRING_set(content, packed.at, (int)packed.len))
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, content);
    is_added = extension && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(content);
    ASN1_OBJECT_free(object);
    buffer_fini(&packed);
    return is_added;
}

/* RFC 7093, 2.1: the leftmost 160 bits of SHA-256 of the point. */
static bool add_key_ids(
    X509 *x509, const uint8_t own[RPC_POINT_BYTES], const uint8_t issuer[RPC_POINT_BYTES])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    ASN1_OCTET_STRING *own_id = ASN1_OCTET_STRING_new();
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    bool is_added = false;

    if (own_id && authority)
        authority->keyid = ASN1_OCTET_STRING_new();
    if (own_id && authority && authority->keyid) {
        (void)SHA256(own, RPC_POINT_BYTES, hash);
        is_added = ASN1_OCTET_STRING_set(own_id, hash, 20) == 1;
        (void)SHA256(issuer, RPC_POINT_BYTES, hash);
        is_added = is_added && ASN1_OCTET_STRING_set(authority->keyid, hash, 20) == 1 &&
                   X509_add1_ext_i2d(x509, NID_subject_key_identifier, own_id, 0, 0) == 1 &&
                   X509_add1_ext_i2d(x509, NID_authority_key_identifier, authority, 0, 0) == 1;
    }
    AUTHORITY_KEYID_free(authority);
    ASN1_OCTET_STRING_free(own_id);
    return is_added;
}

static bool set_serial_and_dates(X509 *x509, uint64_t now_s)
{
    uint8_t serial[SERIAL_BYTES];
    BIGNUM *number;
    bool is_set;

    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, of full length */
    number = BN_bin2bn(serial, sizeof(serial), NULL);
    is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));
    BN_free(number);
    return is_set && ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)(now_s - DAY_S)) &&
           ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)(now_s + LIFE_S));
}

static X509 *begin(const uint8_t own[RPC_POINT_BYTES], const uint8_t issuer[RPC_POINT_BYTES],
    const char *issuer_what, uint64_t now_s)
{
    OWN(own_pkey) EVP_PKEY *evp = rpc_point_to_evp(own);
    OWN(own_x509) X509 *x509 = X509_new();

    if (!evp || !x509 || X509_set_version(x509, X509_VERSION_3) != 1 ||
        !set_serial_and_dates(x509, now_s) || X509_set_pubkey(x509, evp) != 1 ||
        !name_after_key(X509_get_issuer_name(x509), issuer_what, issuer) ||
        !add_key_ids(x509, own, issuer))
        return NULL;
    return give(x509);
}

static int sign(X509 *x509, const struct rpc_key *key, struct buffer *der)
{
    do { /* each try has an even chance */
        if (X509_sign(x509, rpc_key_evp(key), EVP_sha256()) <= 0)
            return -EIO;
    } while (!rpc_x509_has_low_s(x509));
    return rpc_x509_to_der(x509, der);
}

/* ---- the four kinds */

int rpc_ca_make(const struct rpc_key *ca, const uint8_t fleet_id[HASH_BYTES], uint64_t now_s,
    struct buffer *der)
{
    uint8_t point[RPC_POINT_BYTES];
    char hex[2 * HASH_BYTES + 1];
    char names[RPC_URI_BYTES_MAX];

    rpc_key_point(ca, point);
    hex_print(fleet_id, HASH_BYTES, hex);
    (void)snprintf(names, sizeof(names), "URI:spiffe://%s", hex);
    OWN(own_x509) X509 *x509 = begin(point, point, "ca", now_s);
    if (!x509 || !name_after_key(X509_get_subject_name(x509), "ca", point) ||
        !add_standard(x509, NULL, NID_basic_constraints, "critical,CA:TRUE,pathlen:1") ||
        !add_standard(x509, NULL, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !add_standard(x509, NULL, NID_subject_alt_name, names))
        return -EIO;
    return sign(x509, ca, der);
}

static bool add_leaf_standards(X509 *x509, const char *alternative_names)
{
    return add_standard(x509, NULL, NID_basic_constraints, "critical,CA:FALSE") &&
           add_standard(x509, NULL, NID_key_usage, "critical,digitalSignature") &&
           add_standard(x509, NULL, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_standard(x509, NULL, NID_subject_alt_name, alternative_names);
}

static bool set_common_name(X509 *x509, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
               (const unsigned char *)name, -1, -1, 0) == 1;
}

int rpc_user_make(const struct rpc_key *ca, const uint8_t fleet_id[HASH_BYTES],
    enum rpc_identity_kind kind, const char *name, const uint8_t point[RPC_POINT_BYTES],
    uint64_t now_s, struct buffer *der)
{
    uint8_t ca_point[RPC_POINT_BYTES];
    char hex[2 * HASH_BYTES + 1];
    char names[RPC_URI_BYTES_MAX + 128];

    if (!rpc_name_is_sound(name) || (kind != RPC_OPERATOR && kind != RPC_CLIENT))
        return -EINVAL;
    rpc_key_point(ca, ca_point);
    hex_print(fleet_id, HASH_BYTES, hex);
    (void)snprintf(names, sizeof(names), "URI:spiffe://%s/%s/%s,DNS:%s.%s.picket.internal", hex,
        kind == RPC_OPERATOR ? "operator" : "client", name, name,
        kind == RPC_OPERATOR ? "operator" : "client");
    OWN(own_x509) X509 *x509 = begin(point, ca_point, "ca", now_s);
    if (!x509 || !set_common_name(x509, name) || !add_leaf_standards(x509, names))
        return -EIO;
    return sign(x509, ca, der);
}

static bool add_invite_terms(X509 *x509, const struct rpc_invite_parts *parts)
{
    Picket__V1__InviteTerms terms = PICKET__V1__INVITE_TERMS__INIT;
    Picket__V1__InviteLabel labels[LABELS_MAX];
    Picket__V1__InviteLabel *list[LABELS_MAX];

    for (uint32_t i = 0; i < parts->labels_count; i++) {
        picket__v1__invite_label__init(&labels[i]);
        labels[i].key = (char *)(uintptr_t)parts->labels[i].key;
        labels[i].value = (char *)(uintptr_t)parts->labels[i].value;
        list[i] = &labels[i];
    }
    terms.version = 1;
    terms.fleet_id.data = (uint8_t *)(uintptr_t)parts->fleet_id;
    terms.fleet_id.len = HASH_BYTES;
    terms.name = (char *)(uintptr_t)parts->name;
    terms.labels = list;
    terms.n_labels = parts->labels_count;
    terms.join_by = parts->join_by;
    return add_own(x509, RPC_OID_INVITE, &terms.base);
}

static bool labels_are_sound(const struct rpc_invite_parts *parts)
{
    if (parts->labels_count > LABELS_MAX)
        return false;
    for (uint32_t i = 0; i < parts->labels_count; i++) {
        const struct rpc_label *label = &parts->labels[i];

        if (!label->key[0] || strlen(label->key) > LABEL_BYTES_MAX ||
            strlen(label->value) > LABEL_BYTES_MAX)
            return false;
        if (i > 0 && strcmp(parts->labels[i - 1].key, label->key) >= 0)
            return false;
    }
    return true;
}

int rpc_invite_make(const struct rpc_key *ca, const struct rpc_invite_parts *parts, uint64_t now_s,
    struct buffer *der)
{
    uint8_t ca_point[RPC_POINT_BYTES];

    if (!rpc_name_is_sound(parts->name) || !labels_are_sound(parts))
        return -EINVAL;
    rpc_key_point(ca, ca_point);
    OWN(own_x509) X509 *x509 = begin(parts->point, ca_point, "ca", now_s);
    if (!x509 || !name_after_key(X509_get_subject_name(x509), "invite", parts->point) ||
        !add_standard(x509, NULL, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
        !add_standard(x509, NULL, NID_key_usage, "critical,keyCertSign") ||
        !add_invite_terms(x509, parts))
        return -EIO;
    return sign(x509, ca, der);
}

static bool add_binding(X509 *x509, const struct rpc_leaf_parts *parts)
{
    Picket__V1__NodeBinding binding = PICKET__V1__NODE_BINDING__INIT;

    binding.version = 1;
    binding.invite.data = (uint8_t *)(uintptr_t)parts->invite;
    binding.invite.len = HASH_BYTES;
    binding.node_key.data = (uint8_t *)(uintptr_t)parts->node_key;
    binding.node_key.len = KEY_BYTES;
    binding.key_signature.data = (uint8_t *)(uintptr_t)parts->key_signature;
    binding.key_signature.len = SIGNATURE_BYTES;
    return add_own(x509, RPC_OID_BINDING, &binding.base);
}

int rpc_leaf_make(const struct rpc_key *invite, const struct rpc_leaf_parts *parts, uint64_t now_s,
    struct buffer *der)
{
    uint8_t invite_point[RPC_POINT_BYTES];
    char hex[2 * HASH_BYTES + 1];
    char names[RPC_URI_BYTES_MAX + 128];

    if (!rpc_name_is_sound(parts->name))
        return -EINVAL;
    rpc_key_point(invite, invite_point);
    hex_print(parts->fleet_id, HASH_BYTES, hex);
    (void)snprintf(names, sizeof(names), "URI:spiffe://%s/node/%s,DNS:%s" RPC_DNS_SUFFIX, hex,
        parts->name, parts->name);
    OWN(own_x509) X509 *x509 = begin(parts->point, invite_point, "invite", now_s);
    if (!x509 || !set_common_name(x509, parts->name) || !add_leaf_standards(x509, names) ||
        !add_binding(x509, parts))
        return -EIO;
    return sign(x509, invite, der);
}
