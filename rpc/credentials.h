/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * credentials.h - what this end shows in a TLS handshake, and the trust it judges the far end by.
 */
#include "base/bytes.h"
#include "base/problem.h"

struct rpc_credentials;
struct rpc_trust;

/*
 * chain_pem: the leaf first, then the invite's certificate (nodes), then the enroller's CA
 * certificate. key_pem: the leaf's P-256 key. Copied. Fails with a sentence if they do not fit
 * together. trust must outlive every server and channel made with it.
 */
int rpc_credentials_new(struct bytes chain_pem, struct bytes key_pem, struct rpc_trust *trust,
    struct rpc_credentials **ret_credentials, struct problem *reterr_problem);

/* Servers and channels keep what they need. NULL does nothing. */
void rpc_credentials_free(struct rpc_credentials *credentials);
