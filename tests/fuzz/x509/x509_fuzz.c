/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x509_fuzz.c - certificates as a stranger sends them, before anything is known about him. What
 * must hold:
 *
 *   bytes that parse hold what their kind promises, and only in the room there is for it;
 *   the same bytes as PEM come back as themselves;
 *   a signature and a join check end in an answer, whatever the bytes.
 */
#include "rpc/x509.h"

#include "base/check.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void must_be_sound(const struct rpc_certificate *certificate)
{
    CHECK(certificate->point[0] == 4, "a point is uncompressed");
    CHECK(certificate->labels_count <= LABELS_MAX, "labels have room");
    if (certificate->kind != RPC_CERTIFICATE_CA)
        CHECK(rpc_name_is_sound(certificate->name), "a name is a DNS label");
    for (uint32_t i = 0; i < certificate->labels_count; i++)
        CHECK(memchr(certificate->labels[i].value, 0, LABEL_BYTES_MAX + 1), "a label ends");
}

/* DER that parses is the canonical DER of the PEM made from it, but for what OpenSSL repairs. */
static void must_survive_pem(struct bytes der)
{
    struct buffer pem = {0}, again = {0}, third = {0};

    if (rpc_certificate_pem(der, &pem) == 0) {
        CHECK(rpc_certificate_from_pem(buffer_bytes(&pem), 0, &again) == 0, "own PEM is read");
        CHECK(rpc_certificate_from_pem(buffer_bytes(&pem), 1, &third) == -ENOENT,
            "it holds one certificate");
    }
    buffer_fini(&pem);
    buffer_fini(&again);
    buffer_fini(&third);
}

static void must_answer_the_join_check(struct bytes der, const struct rpc_certificate *certificate)
{
    struct rpc_join_parts parts = {
        .fleet_id = certificate->fleet_id,
        .invite = certificate->invite,
        .invite_key = certificate->point,
        .invite_name = certificate->name,
        .leaf = der,
        .leaf_key = certificate->point,
        .node_key = certificate->node_key,
        .key_signature = certificate->key_signature,
    };
    enum rpc_refusal refusal = rpc_join_check(&parts, NULL, NULL);

    CHECK(refusal < RPC_REFUSAL_COUNT, "an answer is one of ours");
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct bytes der = bytes_of(at, len);
    struct rpc_certificate certificate;
    struct problem problem = {0};
    struct buffer first = {0};
    struct rpc_key *key = NULL;

    if (rpc_certificate_from_pem(der, 0, &first) == 0)
        (void)rpc_certificate_parse(buffer_bytes(&first), &certificate, NULL);
    buffer_fini(&first);
    if (rpc_key_from_der(der, &key, NULL) == 0)
        rpc_key_free(key);
    if (rpc_certificate_parse(der, &certificate, &problem) < 0) {
        CHECK(problem.text[0], "a refusal has a sentence");
        return 0;
    }
    must_be_sound(&certificate);
    must_survive_pem(der);
    (void)rpc_certificate_signed_by(der, certificate.point);
    must_answer_the_join_check(der, &certificate);
    return 0;
}
