/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * trust_internal.h - the inside of a trust: snapshot, judgement, what servers and channels hang on.
 *
 * Reclaiming: readers count themselves in before they load the pointer. A replaced snapshot is
 * freed by a publish that sees no reader after its own exchange: whoever comes later loads the
 * newer one.
 */
#include "rpc/trust.h"

#include <pthread.h>
#include <stdatomic.h>

#define TRUST_PENDING_MAX 256
#define TRUST_REPORTS_MAX 16
#define TRUST_CACHE_SLOTS 64

struct rpc_snapshot {
    struct rpc_trust_snapshot view; /* arrays are this struct's; nodes ascending by invite */
    uint64_t revision;
    struct rpc_snapshot *older;
};

/* Admitted at a handshake, no join record in the snapshot yet. */
struct rpc_pending {
    uint8_t invite[HASH_BYTES];
    uint8_t leaf_key[RPC_POINT_BYTES];
};

/* Told in the logic thread after each publish, to judge its live calls again. */
struct rpc_trust_watcher {
    void (*on_publish)(struct rpc_trust_watcher *watcher);
    struct rpc_trust_watcher *next, *prev;
};

struct rpc_trust_cached {
    uint8_t leaf_hash[32];
    uint64_t revision; /* 0: empty */
    struct rpc_identity identity;
};

struct rpc_trust {
    struct rpc_loop *loop; /* may be NULL */
    struct rpc_crypto crypto;
    struct rpc_trust_events events;
    _Atomic(struct rpc_snapshot *) current;
    atomic_uint readers;
    atomic_uint_fast64_t now_s;
    atomic_uint_fast64_t refused[RPC_REFUSAL_COUNT];
    atomic_uint reports;

    pthread_mutex_t lock; /* pending */
    struct rpc_pending pending[TRUST_PENDING_MAX];
    uint32_t pending_count, pending_next;

    /* logic thread */
    struct rpc_snapshot *older;
    uint64_t revision;
    struct rpc_trust_watcher *watchers;
    struct rpc_trust_cached cache[TRUST_CACHE_SLOTS];
};

/* ---- trust.c */

void rpc_trust_watch(struct rpc_trust *trust, struct rpc_trust_watcher *watcher);
void rpc_trust_unwatch(struct rpc_trust *trust, struct rpc_trust_watcher *watcher);

const struct rpc_snapshot *rpc_trust_enter(
    struct rpc_trust *trust); /* NULL before the first publish */
void rpc_trust_leave(struct rpc_trust *trust);

/* At a handshake, any thread: judges, counts, reports in the loop. */
void rpc_trust_admit(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement);

/* At a call, logic thread: by the leaf alone, counts refusals, reports nothing. */
void rpc_trust_recheck(struct rpc_trust *trust, struct bytes leaf_pem, bool we_dialled,
    struct rpc_judgement *ret_judgement);

/* ---- judge.c */

struct rpc_admission;

/* As rpc_trust_judge(); on a first admission *ret_leaf gets the DER (appended) and *ret_signature.
 */
void rpc_judge(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement, struct buffer *ret_leaf,
    uint8_t ret_signature[SIGNATURE_BYTES]);

const struct rpc_trust_node *rpc_snapshot_find(
    const struct rpc_snapshot *snapshot, const uint8_t invite[HASH_BYTES]);
