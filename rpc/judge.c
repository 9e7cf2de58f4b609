/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/trust_internal.h"
#include "rpc/x509.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_MAX 4

/* One judgement under way. */
struct trial {
    struct rpc_trust *trust;
    const struct rpc_snapshot *snapshot;
    bool we_dialled;
    struct bytes chain_pem;
    struct buffer leaf_der;
    struct rpc_certificate leaf;
    struct buffer invite_der;
    struct rpc_certificate invite;
    struct rpc_judgement *judgement;
};

const struct rpc_trust_node *rpc_snapshot_find(
    const struct rpc_snapshot *snapshot, const uint8_t invite[HASH_BYTES])
{
    uint32_t low = 0, high = snapshot->view.nodes_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(snapshot->view.nodes[middle].invite, invite, HASH_BYTES);

        if (order == 0)
            return &snapshot->view.nodes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The enroller whose CA key signed it; NULL if none did. */
static const struct rpc_trust_enroller *find_signer(const struct trial *trial, struct bytes der)
{
    for (uint32_t i = 0; i < trial->snapshot->view.enrollers_count; i++) {
        const struct rpc_trust_enroller *enroller = &trial->snapshot->view.enrollers[i];

        if (rpc_certificate_signed_by(der, enroller->ca_key))
            return enroller;
    }
    return NULL;
}

/* ---- first admissions that wait for their join record */

/* 1: this key, 0: none, -1: another key. Adds if `add` and none. */
static int meet_pending(struct rpc_trust *trust, const struct rpc_certificate *leaf, bool add)
{
    int found = 0;

    (void)pthread_mutex_lock(&trust->lock);
    for (uint32_t i = 0; i < trust->pending_count && found == 0; i++) {
        const struct rpc_pending *pending = &trust->pending[i];

        if (memcmp(pending->invite, leaf->invite, HASH_BYTES) == 0)
            found = memcmp(pending->leaf_key, leaf->point, RPC_POINT_BYTES) == 0 ? 1 : -1;
    }
    if (found == 0 && add) {
        struct rpc_pending *slot = &trust->pending[trust->pending_next];

        memcpy(slot->invite, leaf->invite, HASH_BYTES);
        memcpy(slot->leaf_key, leaf->point, RPC_POINT_BYTES);
        trust->pending_next = (trust->pending_next + 1) % TRUST_PENDING_MAX;
        if (trust->pending_count < TRUST_PENDING_MAX)
            trust->pending_count++;
    }
    (void)pthread_mutex_unlock(&trust->lock);
    return found;
}

/* ---- nodes */

static bool is_zero(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (at[i])
            return false;
    }
    return true;
}

/* The directory speaks: only the recorded key, under the recorded name. */
static enum rpc_refusal judge_recorded(struct trial *trial, const struct rpc_trust_node *node)
{
    struct rpc_identity *identity = &trial->judgement->identity;

    memcpy(identity->name, node->name, sizeof(identity->name));
    if (node->status == RPC_NODE_RETIRED)
        return RPC_REFUSED_RETIRED;
    if (node->status == RPC_NODE_SUSPENDED)
        return RPC_REFUSED_SUSPENDED;
    if (memcmp(node->leaf_key, trial->leaf.point, RPC_POINT_BYTES) != 0)
        return RPC_REFUSED_INVITE_USED;
    if (!is_zero(node->node_key, KEY_BYTES) &&
        memcmp(node->node_key, trial->leaf.node_key, KEY_BYTES) != 0)
        return RPC_REFUSED_BAD_BINDING;
    identity->is_recorded = true;
    return RPC_REFUSED_NONE;
}

/* Finds the invite's certificate in the chain. NONE, NO_INVITE, or why what is there will not do.
 */
static enum rpc_refusal find_invite(struct trial *trial)
{
    enum rpc_refusal refusal = RPC_REFUSED_NO_INVITE;

    for (uint32_t i = 0; i < CHAIN_MAX; i++) {
        uint8_t id[HASH_BYTES];

        trial->invite_der.len = 0;
        if (rpc_certificate_from_pem(trial->chain_pem, i, &trial->invite_der) < 0)
            break;
        if (rpc_certificate_parse(buffer_bytes(&trial->invite_der), &trial->invite, NULL) < 0 ||
            trial->invite.kind != RPC_CERTIFICATE_INVITE)
            continue;
        trial->trust->crypto.hash_node(buffer_bytes(&trial->invite_der), id);
        if (memcmp(id, trial->leaf.invite, HASH_BYTES) == 0)
            return RPC_REFUSED_NONE;
        refusal = RPC_REFUSED_WRONG_INVITE;
    }
    return refusal;
}

/* leaf <- invite <- enroller, and the node key's word for the leaf. */
static enum rpc_refusal judge_chain(struct trial *trial, const struct rpc_trust_node *node)
{
    const struct rpc_trust_enroller *enroller =
        find_signer(trial, buffer_bytes(&trial->invite_der));
    struct rpc_join_parts parts = {
        .fleet_id = trial->snapshot->view.fleet_id,
        .invite = trial->leaf.invite,
        .invite_key = trial->invite.point,
        .invite_name = trial->invite.name,
        .leaf = buffer_bytes(&trial->leaf_der),
        .leaf_key = trial->leaf.point,
        .node_key = trial->leaf.node_key,
        .key_signature = trial->leaf.key_signature,
    };

    if (!enroller)
        return RPC_REFUSED_STRANGER;
    if (memcmp(trial->invite.fleet_id, parts.fleet_id, HASH_BYTES) != 0)
        return RPC_REFUSED_FOREIGN_FLEET;
    if (!enroller->is_live && !node)
        return RPC_REFUSED_ENROLLER_ENDED;
    return rpc_join_check(&parts, &trial->trust->crypto, NULL);
}

/* No join record in the snapshot: the chain must show itself, in time, and with one key only. */
static enum rpc_refusal judge_unrecorded(struct trial *trial, const struct rpc_trust_node *node)
{
    uint64_t now_s = atomic_load(&trial->trust->now_s);
    bool is_late, is_lenient = trial->we_dialled && trial->snapshot->view.is_joining;
    enum rpc_refusal refusal = find_invite(trial);

    if (refusal == RPC_REFUSED_NO_INVITE && meet_pending(trial->trust, &trial->leaf, false) == 1)
        return RPC_REFUSED_NONE;
    if (refusal != RPC_REFUSED_NONE)
        return refusal;
    refusal = judge_chain(trial, node);
    if (refusal != RPC_REFUSED_NONE)
        return refusal;
    is_late = now_s != 0 && trial->invite.join_by < now_s;
    if (is_late && !is_lenient && meet_pending(trial->trust, &trial->leaf, false) != 1)
        return RPC_REFUSED_JOIN_BY_PASSED;
    if (meet_pending(trial->trust, &trial->leaf, true) < 0)
        return RPC_REFUSED_INVITE_USED;
    trial->judgement->is_first = !is_late;
    return RPC_REFUSED_NONE;
}

static enum rpc_refusal judge_node(struct trial *trial)
{
    const struct rpc_trust_node *node = rpc_snapshot_find(trial->snapshot, trial->leaf.invite);

    if (node && node->status != RPC_NODE_INVITED)
        return judge_recorded(trial, node);
    return judge_unrecorded(trial, node);
}

/* ---- operators and clients */

static enum rpc_refusal judge_user(struct trial *trial)
{
    const struct rpc_trust_enroller *enroller;

    if (trial->we_dialled)
        return RPC_REFUSED_NOT_A_NODE;
    enroller = find_signer(trial, buffer_bytes(&trial->leaf_der));
    if (!enroller)
        return RPC_REFUSED_STRANGER;
    return enroller->is_live ? RPC_REFUSED_NONE : RPC_REFUSED_ENROLLER_ENDED;
}

/* ---- the whole */

static enum rpc_refusal judge(struct trial *trial, struct bytes leaf_pem)
{
    struct rpc_identity *identity = &trial->judgement->identity;

    if (!trial->snapshot)
        return RPC_REFUSED_NO_TRUST;
    if (leaf_pem.len == 0)
        return RPC_REFUSED_NO_CERTIFICATE;
    if (rpc_certificate_from_pem(leaf_pem, 0, &trial->leaf_der) < 0 ||
        rpc_certificate_parse(buffer_bytes(&trial->leaf_der), &trial->leaf, NULL) < 0)
        return RPC_REFUSED_MALFORMED;
    if (trial->leaf.kind != RPC_CERTIFICATE_NODE && trial->leaf.kind != RPC_CERTIFICATE_USER)
        return RPC_REFUSED_MALFORMED;
    identity->kind = trial->leaf.identity_kind;
    memcpy(identity->name, trial->leaf.name, sizeof(identity->name));
    memcpy(identity->invite, trial->leaf.invite, HASH_BYTES);
    memcpy(identity->leaf_key, trial->leaf.point, RPC_POINT_BYTES);
    memcpy(identity->node_key, trial->leaf.node_key, KEY_BYTES);
    if (memcmp(trial->leaf.fleet_id, trial->snapshot->view.fleet_id, HASH_BYTES) != 0)
        return RPC_REFUSED_FOREIGN_FLEET;
    return trial->leaf.kind == RPC_CERTIFICATE_NODE ? judge_node(trial) : judge_user(trial);
}

void rpc_judge(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement, struct buffer *ret_leaf,
    uint8_t ret_signature[SIGNATURE_BYTES])
{
    struct trial *trial = calloc(1, sizeof(*trial));

    memset(ret_judgement, 0, sizeof(*ret_judgement));
    if (!trial) {
        ret_judgement->refusal = RPC_REFUSED_MALFORMED;
        return;
    }
    trial->trust = trust;
    trial->snapshot = rpc_trust_enter(trust);
    trial->we_dialled = we_dialled;
    trial->chain_pem = chain_pem;
    trial->judgement = ret_judgement;
    ret_judgement->refusal = judge(trial, leaf_pem);
    rpc_trust_leave(trust);
    if (ret_judgement->refusal != RPC_REFUSED_NONE)
        ret_judgement->is_first = false;
    if (ret_judgement->is_first && ret_leaf) {
        memcpy(ret_signature, trial->leaf.key_signature, SIGNATURE_BYTES);
        if (buffer_append(ret_leaf, trial->leaf_der.at, trial->leaf_der.len) < 0)
            ret_judgement->is_first = false;
    }
    buffer_fini(&trial->leaf_der);
    buffer_fini(&trial->invite_der);
    free(trial);
}
