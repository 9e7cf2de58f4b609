/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/x509_internal.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

struct rpc_key {
    EVP_PKEY *evp;
    uint8_t point[RPC_POINT_BYTES];
};

OWN_AS(own_bio, BIO, BIO_free_all)
OWN_AS(own_key_context, EVP_PKEY_CTX, EVP_PKEY_CTX_free)

EVP_PKEY *rpc_key_evp(const struct rpc_key *key)
{
    return key->evp;
}

int rpc_evp_to_point(const EVP_PKEY *evp, uint8_t ret_point[RPC_POINT_BYTES])
{
    char group[32] = "";
    uint8_t point[RPC_POINT_BYTES + 1];
    size_t len = 0;

    if (!EVP_PKEY_is_a(evp, "EC") || !EVP_PKEY_get_group_name(evp, group, sizeof(group), NULL) ||
        strcmp(group, "prime256v1") != 0)
        return -EINVAL;
    if (!EVP_PKEY_get_octet_string_param(
            evp, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof(point), &len) ||
        len != RPC_POINT_BYTES || point[0] != 4)
        return -EINVAL;
    memcpy(ret_point, point, RPC_POINT_BYTES);
    return 0;
}

EVP_PKEY *rpc_point_to_evp(const uint8_t point[RPC_POINT_BYTES])
{
    OWN(own_key_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    char group[] = "prime256v1";
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, RPC_POINT_BYTES),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *evp = NULL;

    if (context && EVP_PKEY_fromdata_init(context) > 0)
        (void)EVP_PKEY_fromdata(context, &evp, EVP_PKEY_PUBLIC_KEY, parts);
    ERR_clear_error();
    return evp;
}

/* Takes evp, also when it fails. */
static int wrap(EVP_PKEY *evp, struct rpc_key **ret_key)
{
    struct rpc_key *key = calloc(1, sizeof(*key));

    if (!key || rpc_evp_to_point(evp, key->point) < 0) {
        EVP_PKEY_free(evp);
        int r = key ? -EINVAL : -ENOMEM;
        free(key);
        return r;
    }
    key->evp = evp;
    *ret_key = key;
    return 0;
}

int rpc_key_new(struct rpc_key **ret_key)
{
    EVP_PKEY *evp = EVP_EC_gen("P-256");

    return evp ? wrap(evp, ret_key) : -EIO;
}

int rpc_key_from_der(struct bytes der, struct rpc_key **ret_key, struct problem *reterr_problem)
{
    const unsigned char *at = der.at;
    EVP_PKEY *evp =
        der.len > 0 && der.len < 4096 ? d2i_AutoPrivateKey(NULL, &at, (long)der.len) : NULL;

    ERR_clear_error();
    if (!evp || at != der.at + der.len) {
        EVP_PKEY_free(evp);
        return problem_say(reterr_problem, -EINVAL, "these bytes are not a private key in DER");
    }
    if (wrap(evp, ret_key) < 0)
        return problem_say(reterr_problem, -EINVAL, "the private key is not a P-256 key");
    return 0;
}

int rpc_key_from_pem(struct bytes pem, struct rpc_key **ret_key, struct problem *reterr_problem)
{
    OWN(own_bio)
    BIO *bio = pem.len > 0 && pem.len < 65536 ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;
    char no_passphrase[] = "";
    EVP_PKEY *evp = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, no_passphrase) : NULL;

    ERR_clear_error();
    if (!evp)
        return problem_say(reterr_problem, -EINVAL, "no private key in PEM form was found");
    if (wrap(evp, ret_key) < 0)
        return problem_say(reterr_problem, -EINVAL, "the private key is not a P-256 key");
    return 0;
}

static int append_bio(BIO *bio, struct buffer *buffer)
{
    char *at = NULL;
    long len = BIO_get_mem_data(bio, &at);

    return len > 0 ? buffer_append(buffer, at, (size_t)len) : -EIO;
}

int rpc_key_pem(const struct rpc_key *key, struct buffer *pem)
{
    OWN(own_bio) BIO *bio = BIO_new(BIO_s_secmem());

    if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, key->evp, NULL, NULL, 0, NULL, NULL))
        return -ENOMEM;
    return append_bio(bio, pem);
}

int rpc_key_der(const struct rpc_key *key, struct buffer *der)
{
    OWN(own_bio) BIO *bio = BIO_new(BIO_s_secmem());

    if (!bio || !i2d_PKCS8PrivateKey_bio(bio, key->evp, NULL, NULL, 0, NULL, NULL))
        return -ENOMEM;
    return append_bio(bio, der);
}

void rpc_key_point(const struct rpc_key *key, uint8_t ret_point[RPC_POINT_BYTES])
{
    memcpy(ret_point, key->point, RPC_POINT_BYTES);
}

void rpc_key_free(struct rpc_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->evp); /* OpenSSL clears private numbers as it frees them */
    free(key);
}

/* ---- certificates as DER and PEM */

bool rpc_x509_has_low_s(const X509 *x509)
{
    /* Half the order of P-256. */
    static const uint8_t half[32] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79,
        0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};
    const ASN1_BIT_STRING *signature = NULL;
    uint8_t s[32];
    ECDSA_SIG *parts;
    const unsigned char *at;
    bool is_low = false;

    X509_get0_signature(&signature, NULL, x509);
    at = ASN1_STRING_get0_data(signature);
    parts = d2i_ECDSA_SIG(NULL, &at, ASN1_STRING_length(signature));
    if (parts && BN_bn2binpad(ECDSA_SIG_get0_s(parts), s, sizeof(s)) == sizeof(s))
        is_low = memcmp(s, half, sizeof(s)) <= 0;
    ECDSA_SIG_free(parts);
    ERR_clear_error();
    return is_low;
}

X509 *rpc_x509_from_der(struct bytes der)
{
    const unsigned char *at = der.at;
    X509 *x509;

    if (der.len == 0 || der.len > 65536)
        return NULL;
    x509 = d2i_X509(NULL, &at, (long)der.len);
    ERR_clear_error();
    if (x509 && at != der.at + der.len) {
        X509_free(x509);
        return NULL;
    }
    return x509;
}

int rpc_x509_to_der(X509 *x509, struct buffer *der)
{
    int len = i2d_X509(x509, NULL);
    unsigned char *at;
    int r;

    if (len <= 0)
        return -EIO;
    r = buffer_reserve(der, (size_t)len);
    if (r < 0)
        return r;
    at = der->at + der->len;
    (void)i2d_X509(x509, &at);
    der->len += (size_t)len;
    return 0;
}

int rpc_certificate_pem(struct bytes der, struct buffer *pem)
{
    OWN(own_x509) X509 *x509 = rpc_x509_from_der(der);
    OWN(own_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (!x509)
        return -EINVAL;
    if (!bio || !PEM_write_bio_X509(bio, x509))
        return -ENOMEM;
    return append_bio(bio, pem);
}

int rpc_certificate_from_pem(struct bytes pem, uint32_t index, struct buffer *der)
{
    OWN(own_bio)
    BIO *bio = pem.len > 0 && pem.len < 1048576 ? BIO_new_mem_buf(pem.at, (int)pem.len) : NULL;

    for (uint32_t i = 0; bio; i++) {
        OWN(own_x509) X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);

        if (!x509) {
            unsigned long error = ERR_peek_last_error();
            bool is_end =
                ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;

            ERR_clear_error();
            return is_end ? -ENOENT : -EINVAL;
        }
        if (i == index)
            return rpc_x509_to_der(x509, der);
    }
    return -ENOENT;
}
