/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/x509_internal.h"

#include "proto/wire/wire.h"
#include "rpc/certificate.pb-c.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define EXTENSION_BYTES_MAX 8192
#define EXTENSION_BUDGET (64 * 1024)

OWN_AS(own_names, GENERAL_NAMES, GENERAL_NAMES_free)
OWN_AS(own_message, ProtobufCMessage, wire_free)

static int say(struct problem *reterr_problem, const char *sentence)
{
    return problem_say(reterr_problem, -EINVAL, "the certificate %s", sentence);
}

/* ---- alternative names */

struct names {
    char uri[RPC_URI_BYTES_MAX];
    char dns[RPC_URI_BYTES_MAX];
    uint32_t uris_count, dns_count, others_count;
};

static bool take_text(const ASN1_IA5STRING *from, char to[RPC_URI_BYTES_MAX])
{
    int len = ASN1_STRING_length(from);

    if (len <= 0 || len >= RPC_URI_BYTES_MAX || memchr(ASN1_STRING_get0_data(from), 0, (size_t)len))
        return false;
    memcpy(to, ASN1_STRING_get0_data(from), (size_t)len);
    to[len] = 0;
    return true;
}

static bool read_names(const X509 *x509, struct names *ret_names)
{
    OWN(own_names)
    GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

    memset(ret_names, 0, sizeof(*ret_names));
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        bool is_fine = true;

        if (name->type == GEN_URI) {
            ret_names->uris_count++;
            is_fine = take_text(name->d.uniformResourceIdentifier, ret_names->uri);
        } else if (name->type == GEN_DNS) {
            ret_names->dns_count++;
            is_fine = take_text(name->d.dNSName, ret_names->dns);
        } else {
            ret_names->others_count++;
        }
        if (!is_fine)
            return false;
    }
    return all != NULL;
}

/* spiffe://HEX/KIND/NAME */
static int read_uri(const char *uri, const char **ret_kind, struct rpc_certificate *certificate)
{
    static const char *const kinds[] = {"node", "operator", "client"};
    static const enum rpc_identity_kind values[] = {RPC_NODE, RPC_OPERATOR, RPC_CLIENT};
    static const char scheme[] = "spiffe://";
    char hex[2 * HASH_BYTES + 1] = "";
    const char *at = uri + sizeof(scheme) - 1;

    if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0 || strlen(at) < 2 * HASH_BYTES + 1)
        return -EINVAL;
    memcpy(hex, at, 2 * HASH_BYTES);
    if (hex_parse(hex, certificate->fleet_id, HASH_BYTES) < 0)
        return -EINVAL;
    at += 2 * HASH_BYTES;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t len = strlen(kinds[i]);

        if (at[0] != '/' || strncmp(at + 1, kinds[i], len) != 0 || at[len + 1] != '/')
            continue;
        if (!rpc_name_is_sound(at + len + 2))
            return -EINVAL;
        certificate->identity_kind = values[i];
        memcpy(certificate->name, at + len + 2, strlen(at + len + 2) + 1);
        *ret_kind = kinds[i];
        return 0;
    }
    return -EINVAL;
}

static int read_identity(
    const X509 *x509, struct rpc_certificate *certificate, struct problem *reterr_problem)
{
    char dns[RPC_URI_BYTES_MAX];
    struct names names;
    const char *kind = NULL;

    if (!read_names(x509, &names) || names.uris_count != 1 || names.dns_count != 1 ||
        names.others_count)
        return say(reterr_problem, "does not have exactly one URI and one DNS name");
    if (read_uri(names.uri, &kind, certificate) < 0)
        return say(
            reterr_problem, "has a URI that is not spiffe://FLEET/node|operator|client/NAME");
    (void)snprintf(dns, sizeof(dns), "%s.%s.picket.internal", certificate->name, kind);
    if (strcmp(dns, names.dns) != 0)
        return say(reterr_problem, "has a DNS name that is not the one of its URI");
    return 0;
}

/* ---- own extensions */

/* 1 found, 0 absent, -EINVAL twice or not canonical. */
static int read_own(const X509 *x509, const char *oid, const ProtobufCMessageDescriptor *type,
    ProtobufCMessage **ret_message)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    const ASN1_OCTET_STRING *content;
    int at, again;

    if (!object)
        return -EINVAL;
    at = X509_get_ext_by_OBJ(x509, object, -1);
    again = at >= 0 ? X509_get_ext_by_OBJ(x509, object, at) : -1;
    ASN1_OBJECT_free(object);
    if (at < 0)
        return 0;
    content = X509_EXTENSION_get_data(X509_get_ext(x509, at));
    if (again >= 0 || ASN1_STRING_length(content) > EXTENSION_BYTES_MAX)
        return -EINVAL;
    struct bytes bytes =
        bytes_of(ASN1_STRING_get0_data(content), (size_t)ASN1_STRING_length(content));
    return wire_unpack(type, bytes, EXTENSION_BUDGET, ret_message) == WIRE_OK ? 1 : -EINVAL;
}

static bool take_bytes(const ProtobufCBinaryData *from, uint8_t *to, size_t len)
{
    if (from->len != len)
        return false;
    memcpy(to, from->data, len);
    return true;
}

static bool take_labels(const Picket__V1__InviteTerms *terms, struct rpc_certificate *certificate)
{
    if (terms->n_labels > LABELS_MAX)
        return false;
    for (size_t i = 0; i < terms->n_labels; i++) {
        const Picket__V1__InviteLabel *label = terms->labels[i];
        struct rpc_certificate_label *to = &certificate->labels[i];

        if (!label->key[0] || strlen(label->key) > LABEL_BYTES_MAX ||
            strlen(label->value) > LABEL_BYTES_MAX)
            return false;
        if (i > 0 && strcmp(terms->labels[i - 1]->key, label->key) >= 0)
            return false;
        memcpy(to->key, label->key, strlen(label->key) + 1);
        memcpy(to->value, label->value, strlen(label->value) + 1);
    }
    certificate->labels_count = (uint32_t)terms->n_labels;
    return true;
}

static int read_invite(X509 *x509, const Picket__V1__InviteTerms *terms,
    struct rpc_certificate *certificate, struct problem *reterr_problem)
{
    certificate->kind = RPC_CERTIFICATE_INVITE;
    if (!X509_check_ca(x509))
        return say(reterr_problem, "names an invite's terms but may not sign");
    if (terms->version != 1 || !take_bytes(&terms->fleet_id, certificate->fleet_id, HASH_BYTES) ||
        !rpc_name_is_sound(terms->name) || !take_labels(terms, certificate))
        return say(reterr_problem, "has invite terms that make no sense");
    memcpy(certificate->name, terms->name, strlen(terms->name) + 1);
    certificate->join_by = terms->join_by;
    return 0;
}

static int read_node(const X509 *x509, const Picket__V1__NodeBinding *binding,
    struct rpc_certificate *certificate, struct problem *reterr_problem)
{
    int r;

    certificate->kind = RPC_CERTIFICATE_NODE;
    if (binding->version != 1 || !take_bytes(&binding->invite, certificate->invite, HASH_BYTES) ||
        !take_bytes(&binding->node_key, certificate->node_key, KEY_BYTES) ||
        !take_bytes(&binding->key_signature, certificate->key_signature, SIGNATURE_BYTES))
        return say(reterr_problem, "has a node key extension that makes no sense");
    r = read_identity(x509, certificate, reterr_problem);
    if (r < 0)
        return r;
    if (certificate->identity_kind != RPC_NODE)
        return say(reterr_problem, "has a node key extension but names no node");
    return 0;
}

static int read_kind(
    X509 *x509, struct rpc_certificate *certificate, struct problem *reterr_problem)
{
    OWN(own_message) ProtobufCMessage *terms = NULL;
    OWN(own_message) ProtobufCMessage *binding = NULL;
    int has_terms = read_own(x509, RPC_OID_INVITE, &picket__v1__invite_terms__descriptor, &terms);
    int has_binding =
        read_own(x509, RPC_OID_BINDING, &picket__v1__node_binding__descriptor, &binding);
    int r;

    if (has_terms < 0 || has_binding < 0 || (has_terms && has_binding))
        return say(reterr_problem, "has a Picket extension that cannot be read");
    if (has_terms)
        return read_invite(x509, (Picket__V1__InviteTerms *)terms, certificate, reterr_problem);
    if (X509_check_ca(x509)) {
        if (has_binding)
            return say(reterr_problem, "is a node's but may sign others");
        certificate->kind = RPC_CERTIFICATE_CA;
        return 0;
    }
    if (has_binding)
        return read_node(x509, (Picket__V1__NodeBinding *)binding, certificate, reterr_problem);
    certificate->kind = RPC_CERTIFICATE_USER;
    r = read_identity(x509, certificate, reterr_problem);
    if (r < 0)
        return r;
    if (certificate->identity_kind == RPC_NODE)
        return say(reterr_problem, "names a node but has no node key extension");
    return 0;
}

/* ---- the whole */

static uint64_t seconds_of(const ASN1_TIME *time)
{
    int days = 0, seconds = 0;
    ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
    uint64_t result = 0;

    if (zero && ASN1_TIME_diff(&days, &seconds, zero, time) == 1 && days >= 0 && seconds >= 0)
        result = (uint64_t)days * 86400 + (uint64_t)seconds;
    ASN1_STRING_free(zero);
    return result;
}

int rpc_certificate_parse(
    struct bytes der, struct rpc_certificate *ret_certificate, struct problem *reterr_problem)
{
    OWN(own_x509) X509 *x509 = rpc_x509_from_der(der);
    struct rpc_certificate certificate = {0};
    int r;

    if (!x509)
        return problem_say(reterr_problem, -EINVAL, "these bytes are not an X.509 certificate");
    if (X509_get_version(x509) != X509_VERSION_3 ||
        X509_get_signature_nid(x509) != NID_ecdsa_with_SHA256)
        return say(reterr_problem, "is not version 3 signed by ECDSA with SHA-256");
    if (!X509_get0_pubkey(x509) || rpc_evp_to_point(X509_get0_pubkey(x509), certificate.point) < 0)
        return say(reterr_problem, "does not hold a P-256 key");
    certificate.not_before_s = seconds_of(X509_get0_notBefore(x509));
    certificate.not_after_s = seconds_of(X509_get0_notAfter(x509));
    r = read_kind(x509, &certificate, reterr_problem);
    ERR_clear_error();
    if (r < 0)
        return r;
    *ret_certificate = certificate;
    return 0;
}

bool rpc_certificate_signed_by(struct bytes der, const uint8_t point[RPC_POINT_BYTES])
{
    OWN(own_x509) X509 *x509 = rpc_x509_from_der(der);
    OWN(own_pkey) EVP_PKEY *evp = rpc_point_to_evp(point);
    bool is_signed = x509 && evp && X509_get_signature_nid(x509) == NID_ecdsa_with_SHA256 &&
                     X509_verify(x509, evp) == 1 && rpc_x509_has_low_s(x509);

    ERR_clear_error();
    return is_signed;
}

/* ---- join records */

static enum rpc_refusal refuse(
    struct problem *ret_problem, enum rpc_refusal refusal, const char *sentence)
{
    (void)problem_say(ret_problem, -EINVAL, "%s", sentence ? sentence : rpc_refusal_text(refusal));
    return refusal;
}

static bool binding_holds(
    const struct rpc_join_parts *parts, const char *name, const struct rpc_crypto *crypto)
{
    struct buffer bytes = {0};
    uint8_t hash[HASH_BYTES];
    bool holds = false;

    if (rpc_binding_bytes(parts->fleet_id, parts->leaf_key, parts->node_key, name, &bytes) == 0) {
        crypto->hash_node(buffer_bytes(&bytes), hash);
        holds = crypto->verify(parts->node_key, hash, parts->key_signature);
    }
    buffer_fini(&bytes);
    return holds;
}

enum rpc_refusal rpc_join_check(const struct rpc_join_parts *parts, const struct rpc_crypto *crypto,
    struct problem *ret_problem)
{
    struct rpc_certificate leaf;

    if (rpc_certificate_parse(parts->leaf, &leaf, ret_problem) < 0)
        return RPC_REFUSED_MALFORMED;
    if (leaf.kind != RPC_CERTIFICATE_NODE)
        return refuse(ret_problem, RPC_REFUSED_NOT_A_NODE, "the certificate is not a node's");
    if (memcmp(leaf.fleet_id, parts->fleet_id, HASH_BYTES) != 0)
        return refuse(ret_problem, RPC_REFUSED_FOREIGN_FLEET, NULL);
    if (memcmp(leaf.invite, parts->invite, HASH_BYTES) != 0)
        return refuse(
            ret_problem, RPC_REFUSED_WRONG_INVITE, "the leaf names another invite than the record");
    if (strcmp(leaf.name, parts->invite_name) != 0)
        return refuse(ret_problem, RPC_REFUSED_WRONG_NAME, NULL);
    if (memcmp(leaf.point, parts->leaf_key, RPC_POINT_BYTES) != 0 ||
        memcmp(leaf.node_key, parts->node_key, KEY_BYTES) != 0 ||
        memcmp(leaf.key_signature, parts->key_signature, SIGNATURE_BYTES) != 0)
        return refuse(ret_problem, RPC_REFUSED_MALFORMED, "the record's keys are not the leaf's");
    if (!rpc_certificate_signed_by(parts->leaf, parts->invite_key))
        return refuse(
            ret_problem, RPC_REFUSED_WRONG_INVITE, "the invite's key did not sign the leaf");
    if (crypto && !binding_holds(parts, leaf.name, crypto))
        return refuse(ret_problem, RPC_REFUSED_BAD_BINDING, NULL);
    return RPC_REFUSED_NONE;
}
