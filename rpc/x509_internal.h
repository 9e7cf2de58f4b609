/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* x509_internal.h - what the certificate files share. */
#include "base/own.h"
#include "rpc/x509.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* 2.25 is the arc of UUIDs: this one is Picket's, 111e552d-6d59-44f7-a812-fe71c67c878d. */
#define RPC_OID_ARC "2.25.22754372438025024359951820082730796941"
#define RPC_OID_INVITE RPC_OID_ARC ".1"
#define RPC_OID_BINDING RPC_OID_ARC ".2"

#define RPC_DNS_SUFFIX ".node.picket.internal"
#define RPC_URI_BYTES_MAX 192

OWN_AS(own_x509, X509, X509_free)
OWN_AS(own_pkey, EVP_PKEY, EVP_PKEY_free)

EVP_PKEY *rpc_key_evp(const struct rpc_key *key);

/* NULL if the point is not on the curve. */
EVP_PKEY *rpc_point_to_evp(const uint8_t point[RPC_POINT_BYTES]);

/* -EINVAL unless it is P-256 with an uncompressed point. */
int rpc_evp_to_point(const EVP_PKEY *evp, uint8_t ret_point[RPC_POINT_BYTES]);

/* NULL if it is not exactly one certificate. */
X509 *rpc_x509_from_der(struct bytes der);

int rpc_x509_to_der(X509 *x509, struct buffer *der);

/* Of the two signatures (r, s) and (r, n - s) that verify, is it the one with the lower s? Only
 * that one counts: anybody could make the other, and with it a second certificate and a second
 * invite id. */
bool rpc_x509_has_low_s(const X509 *x509);
