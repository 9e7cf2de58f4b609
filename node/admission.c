/* SPDX-License-Identifier: Apache-2.0 */
#include "node/admission.h"
#include "base/limits.h"
#include "node/effects.h"
#include "node/log.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "rpc/loop.h"
#include "rpc/x509.h"
#include "store/keys/keys.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define REFUSALS_A_MINUTE 10 /* said one by one */

struct admission {
    struct rpc_trust_enroller *enrollers;
    struct rpc_trust_node *nodes;
    uint32_t enrollers_count, nodes_count;
    bool is_joining;
};

static void hash_node(struct bytes bytes, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_NODE, bytes, ret_hash);
}

const struct rpc_crypto admission_crypto = {.hash_node = hash_node, .verify = keys_verify};

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    free(admission->enrollers);
    free(admission->nodes);
    free(admission);
}

/* ---- the snapshot */

static int collect_enrollers(struct ledger *ledger, struct admission *admission)
{
    uint32_t count = ledger_grants_count(ledger);

    admission->enrollers = calloc(count + 1, sizeof(*admission->enrollers));
    if (!admission->enrollers)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        bool is_live = false;
        const Picket__V1__Grant *grant = ledger_grant_at(ledger, i, &is_live);
        struct rpc_trust_enroller *enroller = &admission->enrollers[admission->enrollers_count];

        if (grant->role != PICKET__V1__ROLE__ROLE_ENROLLER || grant->ca_key.len != RPC_POINT_BYTES)
            continue;
        memcpy(enroller->ca_key, grant->ca_key.data, RPC_POINT_BYTES);
        enroller->is_live = is_live;
        admission->enrollers_count++;
    }
    return 0;
}

static enum rpc_node_status status_of(enum node_status status)
{
    switch (status) {
    case NODE_INVITED:
        return RPC_NODE_INVITED;
    case NODE_JOINED:
        return RPC_NODE_JOINED;
    case NODE_SUSPENDED:
        return RPC_NODE_SUSPENDED;
    case NODE_RETIRED:
        break;
    }
    return RPC_NODE_RETIRED;
}

static int collect_nodes(struct ledger *ledger, struct admission *admission)
{
    uint32_t count = ledger_nodes_count(ledger);

    admission->nodes = calloc(count + 1, sizeof(*admission->nodes));
    if (!admission->nodes)
        return -1;
    for (uint32_t i = 0; i < count; i++) {
        struct rpc_trust_node *to = &admission->nodes[i];
        struct ledger_node from;

        ledger_node_at(ledger, i, &from);
        memcpy(to->invite, from.invite, HASH_BYTES);
        (void)strncpy(to->name, from.name, NAME_BYTES_MAX);
        to->status = status_of(from.status);
        if (from.leaf_key)
            memcpy(to->leaf_key, from.leaf_key, RPC_POINT_BYTES);
        if (from.node_key)
            memcpy(to->node_key, from.node_key, KEY_BYTES);
    }
    admission->nodes_count = count;
    return 0;
}

static bool is_same(const struct admission *a, const struct admission *b)
{
    return a && b && a->is_joining == b->is_joining && a->enrollers_count == b->enrollers_count &&
           a->nodes_count == b->nodes_count &&
           memcmp(a->enrollers, b->enrollers, a->enrollers_count * sizeof(*a->enrollers)) == 0 &&
           memcmp(a->nodes, b->nodes, a->nodes_count * sizeof(*a->nodes)) == 0;
}

void admission_publish(struct node *node, bool is_joining)
{
    struct admission *next = calloc(1, sizeof(*next)), *before;
    struct rpc_trust_snapshot snapshot = {.is_joining = is_joining};

    if (!next || collect_enrollers(node->ledger, next) < 0 ||
        collect_nodes(node->ledger, next) < 0) {
        admission_free(next);
        log_say(LOG_ERROR, "trust.memory", "out of memory; the previous list of members stays");
        return;
    }
    next->is_joining = is_joining;
    if (is_same(node->admission, next)) {
        admission_free(next);
        return;
    }
    memcpy(snapshot.fleet_id, node->identity.fleet_id, HASH_BYTES);
    snapshot.enrollers = next->enrollers;
    snapshot.enrollers_count = next->enrollers_count;
    snapshot.nodes = next->nodes;
    snapshot.nodes_count = next->nodes_count;
    before = node->admission;
    node->admission = next; /* first: links that it cuts may lead here again */
    if (rpc_trust_publish(node->trust, &snapshot) < 0) {
        node->admission = before;
        admission_free(next);
        log_say(LOG_ERROR, "trust.memory", "out of memory; the previous list of members stays");
        return;
    }
    admission_free(before);
}

/* ---- join records */

static void submit_join(struct node *node, struct bytes record)
{
    struct replica_event event = {.kind = REPLICA_ON_JOIN};

    event.join.token = effects_token(node->effects);
    event.join.record = record;
    effects_step(node->effects, &event);
}

static ProtobufCBinaryData binary(const void *at, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)at};
}

static void join(struct node *node, const struct rpc_admission *admission)
{
    Picket__V1__JoinRecord record = PICKET__V1__JOIN_RECORD__INIT;
    struct buffer bytes = {0};

    record.fleet_id = binary(node->identity.fleet_id, HASH_BYTES);
    record.invite = binary(admission->invite, HASH_BYTES);
    record.leaf = binary(admission->leaf.at, admission->leaf.len);
    record.leaf_key = binary(admission->leaf_key, RPC_POINT_BYTES);
    record.node_key = binary(admission->node_key, KEY_BYTES);
    record.key_signature = binary(admission->key_signature, SIGNATURE_BYTES);
    if (wire_pack(&record.base, &bytes) == 0)
        submit_join(node, buffer_bytes(&bytes));
    buffer_fini(&bytes);
}

static void on_admission(void *user, const struct rpc_admission *admission)
{
    log_say(LOG_INFO, "node.admitted", "%s is admitted with its invite", admission->name);
    join(user, admission);
}

/* Anybody who reaches the port can be refused as often as it likes. */
static bool may_say_refused(struct node *node)
{
    uint64_t minute = rpc_now_ns() / 60000000000ULL;

    if (node->refusals.minute != minute) {
        if (node->refusals.count > REFUSALS_A_MINUTE)
            log_say(LOG_WARNING, "tls.refused", "%llu more were refused and not said one by one",
                (unsigned long long)(node->refusals.count - REFUSALS_A_MINUTE));
        node->refusals.minute = minute;
        node->refusals.count = 0;
    }
    return ++node->refusals.count <= REFUSALS_A_MINUTE;
}

/* While this node has agreed with nobody yet it lacks trust records: that it knows too little is
 * expected. */
static void on_refused(void *user, enum rpc_refusal refusal, const char *name, bool we_dialled)
{
    struct node *node = user;
    bool is_expected = node->admission && node->admission->is_joining;

    if (!may_say_refused(node))
        return;
    log_say(is_expected ? LOG_INFO : LOG_WARNING, "tls.refused", "%s %s: %s (%s)",
        we_dialled ? "dialled" : "refused", *name ? name : "a stranger", rpc_refusal_text(refusal),
        rpc_refusal_word(refusal));
}

struct rpc_trust_events admission_events(struct node *node)
{
    return (struct rpc_trust_events){
        .on_admission = on_admission, .on_refused = on_refused, .user = node};
}

bool admission_join_self(struct node *node)
{
    const struct identity *identity = &node->identity;
    struct rpc_admission self = {.leaf = buffer_bytes(&identity->leaf)};
    struct ledger_node entry;

    /* Whoever is recorded needs no second record; an invite past its join_by is for members to
     * judge. */
    if (!ledger_node_find(node->ledger, identity->invite, &entry) || entry.status != NODE_INVITED ||
        (entry.join_by && node_time_s(node) > entry.join_by))
        return false;
    memcpy(self.invite, identity->invite, HASH_BYTES);
    memcpy(self.leaf_key, identity->leaf_key, RPC_POINT_BYTES);
    memcpy(self.node_key, identity->key.public, KEY_BYTES);
    memcpy(self.key_signature, identity->key_signature, SIGNATURE_BYTES);
    join(node, &self);
    return true;
}

/* ---- checking others' */

struct admission_check {
    Picket__V1__JoinRecord *record;
    uint8_t invite_key[RPC_POINT_BYTES];
    char invite_name[NAME_BYTES_MAX + 1];
};

struct admission_check *admission_check_new(struct node *node, struct bytes join_record)
{
    struct admission_check *check = calloc(1, sizeof(*check));
    ProtobufCMessage *message = NULL;
    struct ledger_node invited;

    if (!check || wire_unpack(&picket__v1__join_record__descriptor, join_record, 4 * JOIN_BYTES_MAX,
                      &message) != WIRE_OK) {
        free(check);
        return NULL;
    }
    check->record = (Picket__V1__JoinRecord *)message;
    if (check->record->invite.len != HASH_BYTES ||
        !ledger_node_find(node->ledger, check->record->invite.data, &invited)) {
        admission_check_free(check);
        return NULL;
    }
    memcpy(check->invite_key, invited.invite_key, RPC_POINT_BYTES);
    (void)strncpy(check->invite_name, invited.name, NAME_BYTES_MAX);
    return check;
}

bool admission_check(const struct admission_check *check)
{
    struct rpc_join_parts parts = {0};
    struct problem problem = {0};
    const Picket__V1__JoinRecord *record = check ? check->record : NULL;

    /* record_open() has seen to the lengths. */
    if (!record || record->fleet_id.len != HASH_BYTES || record->leaf_key.len != RPC_POINT_BYTES ||
        record->node_key.len != KEY_BYTES || record->key_signature.len != SIGNATURE_BYTES)
        return false;
    parts.fleet_id = record->fleet_id.data;
    parts.invite = record->invite.data;
    parts.invite_key = check->invite_key;
    parts.invite_name = check->invite_name;
    parts.leaf = bytes_of(record->leaf.data, record->leaf.len);
    parts.leaf_key = record->leaf_key.data;
    parts.node_key = record->node_key.data;
    parts.key_signature = record->key_signature.data;
    return rpc_join_check(&parts, NULL, &problem) == RPC_REFUSED_NONE;
}

void admission_check_free(struct admission_check *check)
{
    if (!check)
        return;
    wire_free((ProtobufCMessage *)check->record);
    free(check);
}
