/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* credentials_internal.h - credentials as gRPC takes them, and what a verifier leaves behind. */
#include "rpc/credentials.h"
#include "rpc/trust.h"

#include <grpc/grpc_security.h>
#include <stdatomic.h>

/* How the newest handshake of one channel was judged. Counted references: gRPC frees the verifier
 * late. */
struct rpc_note {
    atomic_uint refs;
    atomic_int refusal;     /* of the last handshake */
    atomic_uint handshakes; /* that came as far as our judgement */
};

struct rpc_note *rpc_note_new(void);
void rpc_note_drop(struct rpc_note *note);

struct rpc_trust *rpc_credentials_trust(const struct rpc_credentials *credentials);

/* NULL if memory is short. */
grpc_server_credentials *rpc_credentials_for_server(const struct rpc_credentials *credentials);
grpc_channel_credentials *rpc_credentials_for_channel(
    const struct rpc_credentials *credentials, struct rpc_note *note);

/* The far end's leaf of a call, PEM, copied; NULL if it showed none. */
char *rpc_peer_leaf(grpc_call *call);
