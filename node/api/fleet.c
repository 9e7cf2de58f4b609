/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - the service Fleet: who is in it, who decides, how far it has converged. */
#include "base/limits.h"
#include "node/api/api.h"
#include "node/enforce.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "replica/replica.h"
#include "rpc/loop.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/fleet.pb-c.h"

#include <string.h>

#define NS_PER_MS 1000000ULL
#define TRUST_PAGE_MAX 500

static void fill_heads(struct reply *reply, struct node *node, Picket__V1__FleetStatusResponse *out)
{
    uint32_t count = ledger_heads_count(node->ledger);

    out->heads = reply_array(reply, count);
    for (uint32_t i = 0; out->heads && i < count; i++) {
        struct ledger_head head = ledger_head_at(node->ledger, i);
        Picket__V1__Head *to = reply_message(reply, &picket__v1__head__descriptor);

        if (!to)
            return;
        to->author = reply_borrow(bytes_of(head.author, KEY_BYTES));
        to->seq = head.seq;
        to->id = reply_borrow(bytes_of(head.id, HASH_BYTES));
        out->heads[out->n_heads++] = to;
    }
}

void api_fleet_status(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__FleetStatusResponse response = PICKET__V1__FLEET_STATUS_RESPONSE__INIT;
    uint8_t root[HASH_BYTES];

    (void)request;
    response.name = reply_text(&reply, ledger_fleet_name(node->ledger));
    response.fleet_id = reply_borrow(bytes_of(ledger_fleet_id(node->ledger), HASH_BYTES));
    response.genesis = reply_borrow(ledger_genesis(node->ledger));
    response.trust_head = reply_borrow(ledger_trust_head(node->ledger, &response.trust_position));
    response.entries = ledger_entries_count(node->ledger);
    response.objects = ledger_objects_count(node->ledger);
    response.nodes = ledger_nodes_count(node->ledger);
    if (ledger_state_root(node->ledger, root))
        response.state_root = reply_borrow(bytes_of(root, sizeof(root)));
    fill_heads(&reply, node, &response);
    reply_send(&reply, call, &response);
}

static Picket__V1__Peer *peer_message(
    struct reply *reply, struct node *node, uint32_t index, const uint8_t own_root[HASH_BYTES])
{
    Picket__V1__Peer *out = reply_message(reply, &picket__v1__peer__descriptor);
    struct mesh_peer peer;

    if (!out)
        return NULL;
    replica_peer_at(node->replica, index, &peer);
    out->name = reply_text(reply, peer.name);
    out->address = reply_text(reply, peer.address);
    out->refused = reply_text(reply, peer.refused);
    out->connected = peer.link != MESH_LINK_NONE;
    if (peer.node)
        out->node = reply_bytes(reply, bytes_of(peer.node, HASH_BYTES));
    out->same_root = peer.has_root && memcmp(peer.root, own_root, HASH_BYTES) == 0;
    if (peer.has_state_root)
        out->state_root = reply_bytes(reply, bytes_of(peer.state_root, HASH_BYTES));
    if (peer.has_digest)
        out->compiled_digest = reply_bytes(reply, bytes_of(peer.digest, HASH_BYTES));
    if (out->connected && peer.frame_ms)
        out->silent_ms = rpc_now_ns() / NS_PER_MS - peer.frame_ms;
    return out;
}

void api_fleet_peers(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__PeersResponse response = PICKET__V1__PEERS_RESPONSE__INIT;
    uint32_t count = replica_peers_count(node->replica);
    uint8_t own_root[HASH_BYTES];

    (void)request;
    ledger_records_root(node->ledger, own_root);
    response.peers = reply_array(&reply, count);
    for (uint32_t i = 0; response.peers && i < count; i++) {
        Picket__V1__Peer *peer = peer_message(&reply, node, i, own_root);

        if (peer)
            response.peers[response.n_peers++] = peer;
    }
    reply_send(&reply, call, &response);
}

void api_fleet_trust(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__TrustResponse response = PICKET__V1__TRUST_RESPONSE__INIT;
    Picket__V1__TrustRequest *request =
        api_request(call, &picket__v1__trust_request__descriptor, bytes);
    uint64_t position = 0;

    if (!request)
        return;
    response.trust_head = reply_borrow(ledger_trust_head(node->ledger, &position));
    response.records = reply_array(&reply, TRUST_PAGE_MAX);
    for (uint64_t i = request->from_position ? request->from_position : 1;
         response.records && i <= position && response.n_records < TRUST_PAGE_MAX; i++) {
        void *record = reply_unpack(
            &reply, &picket__v1__signed_trust__descriptor, ledger_trust_at(node->ledger, i));

        if (!record)
            break;
        response.records[response.n_records++] = record;
    }
    wire_free(&request->base);
    reply_send(&reply, call, &response);
}

static const char *status_word(enum node_status status)
{
    switch (status) {
    case NODE_INVITED:
        return "invited";
    case NODE_JOINED:
        return "joined";
    case NODE_SUSPENDED:
        return "suspended";
    case NODE_RETIRED:
        return "retired";
    }
    return "";
}

void api_fleet_nodes(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__NodesResponse response = PICKET__V1__NODES_RESPONSE__INIT;
    uint32_t count = ledger_nodes_count(node->ledger);

    (void)request;
    response.nodes = reply_array(&reply, count);
    for (uint32_t i = 0; response.nodes && i < count; i++) {
        Picket__V1__NodeInfo *out = reply_message(&reply, &picket__v1__node_info__descriptor);
        struct ledger_node from;

        if (!out)
            break;
        ledger_node_at(node->ledger, i, &from);
        out->name = reply_text(&reply, from.name);
        out->invite = reply_borrow(bytes_of(from.invite, HASH_BYTES));
        out->labels = (Picket__V1__Label **)(uintptr_t)from.labels;
        out->n_labels = from.labels_count;
        out->status = reply_text(&reply, status_word(from.status));
        out->join_by = from.join_by;
        if (from.node_key)
            out->node_key = reply_borrow(bytes_of(from.node_key, KEY_BYTES));
        response.nodes[response.n_nodes++] = out;
    }
    reply_send(&reply, call, &response);
}

void api_fleet_convergence(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__ConvergenceResponse response = PICKET__V1__CONVERGENCE_RESPONSE__INIT;
    struct replica_convergence convergence;
    struct enforce_status status;
    uint8_t root[HASH_BYTES];

    (void)request;
    replica_convergence(node->replica, &convergence);
    enforce_status(node->enforce, &status);
    if (ledger_state_root(node->ledger, root))
        response.state_root = reply_borrow(bytes_of(root, sizeof(root)));
    if (status.digest)
        response.compiled_digest = reply_borrow(bytes_of(status.digest, HASH_BYTES));
    response.peers = convergence.neighbours;
    response.peers_same_root = convergence.agreeing;
    if (convergence.agreed_since_ms)
        response.agreed_ms = rpc_now_ns() / NS_PER_MS - convergence.agreed_since_ms;
    reply_send(&reply, call, &response);
}
