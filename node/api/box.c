/* SPDX-License-Identifier: Apache-2.0 */
/* box.c - the service Node: this one box. */
#include "base/limits.h"
#include "node/api/api.h"
#include "node/api/api_internal.h"
#include "node/enforce.h"
#include "node/metrics.h"
#include "node/node.h"
#include "replica/replica.h"
#include "rpc/loop.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/node.pb-c.h"

#include <stdlib.h>
#include <time.h>

#define NS_PER_MS 1000000ULL

void api_node_status(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__NodeStatusResponse response = PICKET__V1__NODE_STATUS_RESPONSE__INIT;
    struct replica_convergence convergence;
    struct enforce_status status;
    uint8_t state_root[HASH_BYTES];

    (void)request;
    enforce_status(node->enforce, &status);
    replica_convergence(node->replica, &convergence);
    response.name = reply_text(&reply, node->identity.name);
    response.node = reply_borrow(bytes_of(node->identity.invite, HASH_BYTES));
    response.fleet_id = reply_borrow(bytes_of(node->identity.fleet_id, HASH_BYTES));
    response.version = reply_text(&reply, PICKET_VERSION);
    response.root = reply_borrow(bytes_of(convergence.root, HASH_BYTES));
    if (ledger_state_root(node->ledger, state_root))
        response.state_root = reply_borrow(bytes_of(state_root, sizeof(state_root)));
    if (status.digest)
        response.compiled_digest = reply_borrow(bytes_of(status.digest, HASH_BYTES));
    response.generation = status.slot;
    response.generation_count = status.flips;
    response.enforcing = reply_text(&reply, status.enforcing);
    response.reason = reply_text(&reply, status.reason);
    response.rules = status.rules;
    response.prefixes = status.prefixes;
    response.peers = convergence.neighbours;
    response.entries = ledger_entries_count(node->ledger);
    response.uptime_ms = (rpc_now_ns() - node->started_ns) / NS_PER_MS;
    response.dry_run = node->config.dry_run;
    reply_send(&reply, call, &response);
}

void api_node_interfaces(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__InterfacesResponse response = PICKET__V1__INTERFACES_RESPONSE__INIT;
    size_t count = 0;
    const struct datapath_device *devices = enforce_devices(node->enforce, &count);

    (void)request;
    response.interfaces = reply_array(&reply, count);
    for (size_t i = 0; response.interfaces && i < count; i++) {
        Picket__V1__Interface *out = reply_message(&reply, &picket__v1__interface__descriptor);
        const struct link_device *link = enforce_link(node->enforce, devices[i].index);
        struct datapath_device_count packets =
            enforce_device_count(node->enforce, devices[i].index);

        if (!out)
            break;
        out->index = devices[i].index;
        out->name = reply_text(&reply, link ? link->name : "");
        out->kind = reply_text(&reply, link ? link->kind : "");
        out->mode = reply_text(&reply, device_mode_name(devices[i].mode));
        out->reason = reply_text(&reply, devices[i].reason);
        out->is_protected = devices[i].is_protected;
        out->device_class = reply_text(&reply, enforce_class_name(node->enforce, devices[i].index));
        out->passed_packets = packets.passed.packets;
        out->passed_bytes = packets.passed.bytes;
        out->dropped_packets = packets.dropped.packets;
        out->dropped_bytes = packets.dropped.bytes;
        response.interfaces[response.n_interfaces++] = out;
    }
    reply_send(&reply, call, &response);
}

uint64_t box_wall_ms(uint64_t monotonic_ns)
{
    struct timespec now;
    uint64_t mono_ns = rpc_now_ns();

    if (monotonic_ns == 0)
        return 0;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / NS_PER_MS -
           (mono_ns > monotonic_ns ? mono_ns - monotonic_ns : 0) / NS_PER_MS;
}

static Picket__V1__Counter *counter_message(
    struct reply *reply, const char *name, const struct datapath_count *count)
{
    Picket__V1__Counter *out = reply_message(reply, &picket__v1__counter__descriptor);

    if (!out)
        return NULL;
    out->name = reply_text(reply, name);
    out->packets = count->packets;
    out->bytes = count->bytes;
    out->last_hit_ms = box_wall_ms(count->last_ns);
    return out;
}

static void fill_rules(struct reply *reply, struct node *node, Picket__V1__CountersResponse *out)
{
    uint32_t count = ledger_objects_count(node->ledger);

    out->rules = reply_array(reply, count);
    for (uint32_t i = 0; out->rules && i < count; i++) {
        struct datapath_count packets = {0};
        struct ledger_object object;
        Picket__V1__Counter *counter;

        ledger_object_at(node->ledger, i, &object);
        if (object.kind != OBJECT_RULE || object.winner_is_delete)
            continue;
        (void)enforce_object(node->enforce, object.id, &packets);
        counter = counter_message(reply, object.of.rule->name, &packets);
        if (!counter)
            return;
        counter->object = reply_bytes(reply, bytes_of(object.id, OP_REF_BYTES));
        out->rules[out->n_rules++] = counter;
    }
}

void api_node_counters(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__CountersResponse response = PICKET__V1__COUNTERS_RESPONSE__INIT;
    size_t count = 0;
    const struct datapath_count *reasons = enforce_reasons(node->enforce, &count);

    (void)request;
    fill_rules(&reply, node, &response);
    response.reasons = reply_array(&reply, count);
    for (size_t i = 0; response.reasons && i < count; i++) {
        Picket__V1__Counter *counter = counter_message(&reply, metrics_reason_word(i), &reasons[i]);

        if (counter)
            response.reasons[response.n_reasons++] = counter;
    }
    reply_send(&reply, call, &response);
}

void api_node_metrics(void *user, struct rpc_call *call, struct bytes request)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__MetricsResponse response = PICKET__V1__METRICS_RESPONSE__INIT;
    char *text = metrics_text(node);

    (void)request;
    response.text = reply_text(&reply, text ? text : "");
    reply.is_short = reply.is_short || !text;
    reply_send(&reply, call, &response);
    free(text);
}
