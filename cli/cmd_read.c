/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_read.c - picket status, interfaces, counters, peers: what one node says about itself. */
#include "base/own.h"
#include "cli/connection.h"
#include "cli/output.h"
#include "proto/wire/wire.h"

#include "proto/picket/v1/fleet.pb-c.h"
#include "proto/picket/v1/node.pb-c.h"

#include <inttypes.h>

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

/* One call to the one node. */
static int ask(struct cli *cli, const char *path, const void *request,
    const ProtobufCMessageDescriptor *type, void *ret_reply, struct problem *reterr_problem)
{
    struct connections connections;
    int r = connections_open(cli, &connections, reterr_problem);

    if (r < 0)
        return r;
    r = connection_ask(
        connections_first(&connections), path, request, type, ret_reply, reterr_problem);
    connections_fini(&connections);
    return r;
}

static json_t *hex_of(ProtobufCBinaryData bytes)
{
    return json_hex(bytes_of(bytes.data, bytes.len));
}

static json_t *status_json(const Picket__V1__NodeStatusResponse *status)
{
    return json_pack("{s:s,s:o,s:o,s:s,s:o,s:o,s:o,s:i,s:o,s:s,s:s,s:i,s:i,s:i,s:o,s:o,s:b}",
        "name", status->name, "node", hex_of(status->node), "fleet_id", hex_of(status->fleet_id),
        "version", status->version, "root", hex_of(status->root), "state_root",
        hex_of(status->state_root), "compiled_digest", hex_of(status->compiled_digest),
        "generation", (int)status->generation, "generation_count",
        json_number(status->generation_count), "enforcing", status->enforcing, "reason",
        status->reason, "rules", (int)status->rules, "prefixes", (int)status->prefixes, "peers",
        (int)status->peers, "entries", json_number(status->entries), "uptime_ms",
        json_number(status->uptime_ms), "dry_run", status->dry_run);
}

static void print_status(FILE *out, const Picket__V1__NodeStatusResponse *status)
{
    char root[17];
    char digest[17];

    short_hex(bytes_of(status->state_root.data, status->state_root.len), root);
    short_hex(bytes_of(status->compiled_digest.data, status->compiled_digest.len), digest);
    (void)fprintf(out, "node        %s (picket %s, up %" PRIu64 " s)\n", status->name,
        status->version, status->uptime_ms / 1000);
    (void)fprintf(out, "enforcing   %s%s%s%s\n", status->enforcing, status->reason[0] ? ": " : "",
        status->reason, status->dry_run ? " (dry run: rules only count)" : "");
    (void)fprintf(out, "rules       %u in force here, %u prefixes in sets\n", status->rules,
        status->prefixes);
    (void)fprintf(out, "history     %" PRIu64 " entries, state %s\n", status->entries, root);
    (void)fprintf(out, "generation  %u (%" PRIu64 " changes since start), digest %s\n",
        status->generation, status->generation_count, digest);
    (void)fprintf(out, "neighbours  %u connected\n", status->peers);
}

int cmd_status(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__NodeStatusRequest request = PICKET__V1__NODE_STATUS_REQUEST__INIT;
    OWN(own_message) Picket__V1__NodeStatusResponse *reply = NULL;
    int r = ask(cli, "/picket.v1.Node/Status", &request,
        &picket__v1__node_status_response__descriptor, &reply, reterr_problem);

    if (r < 0)
        return r;
    if (cli_is_json(cli))
        return json_show(cli->out, status_json(reply), reterr_problem);
    print_status(cli->out, reply);
    return 0;
}

int cmd_interfaces(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__InterfacesRequest request = PICKET__V1__INTERFACES_REQUEST__INIT;
    OWN(own_message) Picket__V1__InterfacesResponse *reply = NULL;
    struct table *table;
    int r = ask(cli, "/picket.v1.Node/Interfaces", &request,
        &picket__v1__interfaces_response__descriptor, &reply, reterr_problem);

    if (r < 0)
        return r;
    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (size_t i = 0; i < reply->n_interfaces; i++) {
            const Picket__V1__Interface *at = reply->interfaces[i];

            (void)json_array_append_new(
                list, json_pack("{s:s,s:i,s:s,s:s,s:s,s:b,s:s,s:o,s:o,s:o,s:o}", "name", at->name,
                          "index", (int)at->index, "kind", at->kind, "mode", at->mode, "reason",
                          at->reason, "protected", at->is_protected, "class", at->device_class,
                          "passed_packets", json_number(at->passed_packets), "passed_bytes",
                          json_number(at->passed_bytes), "dropped_packets",
                          json_number(at->dropped_packets), "dropped_bytes",
                          json_number(at->dropped_bytes)));
        }
        return json_show(cli->out, json_pack("{s:o}", "interfaces", list), reterr_problem);
    }
    table = table_new((const char *const[]){"DEVICE", "KIND", "CLASS", "PROTECTED", "PASSED",
                          "DROPPED", "MODE", "WHY"},
        8);
    for (size_t i = 0; i < reply->n_interfaces; i++) {
        const Picket__V1__Interface *at = reply->interfaces[i];

        char passed[24];
        char dropped[24];

        (void)snprintf(passed, sizeof(passed), "%" PRIu64, at->passed_packets);
        (void)snprintf(dropped, sizeof(dropped), "%" PRIu64, at->dropped_packets);
        table_add(
            table, (const char *const[]){at->name, at->kind, at->device_class,
                       at->is_protected ? "yes" : "no", passed, dropped, at->mode, at->reason});
    }
    table_print(table, cli->out, "the node sees no devices");
    return 0;
}

static json_t *counters_json(Picket__V1__Counter **counters, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s,s:o,s:o,s:o,s:o}", "name", counters[i]->name, "id",
                      hex_of(counters[i]->object), "packets", json_number(counters[i]->packets),
                      "bytes", json_number(counters[i]->bytes), "last_hit_ms",
                      json_number(counters[i]->last_hit_ms)));
    return list;
}

/* Reasons have no time of their last packet. */
static void print_counters(FILE *out, const char *const titles[4], Picket__V1__Counter **counters,
    size_t count, const char *empty)
{
    struct table *table = table_new(titles, titles[3] ? 4 : 3);

    for (size_t i = 0; i < count; i++) {
        char packets[24];
        char bytes[24];
        char last[32];

        (void)snprintf(packets, sizeof(packets), "%" PRIu64, counters[i]->packets);
        (void)snprintf(bytes, sizeof(bytes), "%" PRIu64, counters[i]->bytes);
        time_print(counters[i]->last_hit_ms / 1000, last);
        table_add(table, (const char *const[]){counters[i]->name, packets, bytes, last});
    }
    table_print(table, out, empty);
}

int cmd_counters(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__CountersRequest request = PICKET__V1__COUNTERS_REQUEST__INIT;
    OWN(own_message) Picket__V1__CountersResponse *reply = NULL;
    int r = ask(cli, "/picket.v1.Node/Counters", &request,
        &picket__v1__counters_response__descriptor, &reply, reterr_problem);

    if (r < 0)
        return r;
    if (cli_is_json(cli))
        return json_show(cli->out,
            json_pack("{s:o,s:o}", "rules", counters_json(reply->rules, reply->n_rules), "reasons",
                counters_json(reply->reasons, reply->n_reasons)),
            reterr_problem);
    print_counters(cli->out, (const char *const[]){"RULE", "PACKETS", "BYTES", "LAST HIT"},
        reply->rules, reply->n_rules, "no rules are in force here");
    (void)fputc('\n', cli->out);
    print_counters(cli->out, (const char *const[]){"REASON", "PACKETS", "BYTES", NULL},
        reply->reasons, reply->n_reasons, "no packet has been counted yet");
    return 0;
}

int cmd_peers(struct cli *cli, struct problem *reterr_problem)
{
    Picket__V1__PeersRequest request = PICKET__V1__PEERS_REQUEST__INIT;
    OWN(own_message) Picket__V1__PeersResponse *reply = NULL;
    struct table *table;
    int r = ask(cli, "/picket.v1.Fleet/Peers", &request, &picket__v1__peers_response__descriptor,
        &reply, reterr_problem);

    if (r < 0)
        return r;
    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (size_t i = 0; i < reply->n_peers; i++) {
            const Picket__V1__Peer *at = reply->peers[i];

            (void)json_array_append_new(
                list, json_pack("{s:s,s:o,s:s,s:b,s:b,s:o,s:o,s:o,s:s}", "name", at->name, "node",
                          hex_of(at->node), "address", at->address, "connected", at->connected,
                          "same_root", at->same_root, "state_root", hex_of(at->state_root),
                          "compiled_digest", hex_of(at->compiled_digest), "silent_ms",
                          json_number(at->silent_ms), "refused", at->refused));
        }
        return json_show(cli->out, json_pack("{s:o}", "peers", list), reterr_problem);
    }
    table = table_new(
        (const char *const[]){"NODE", "ADDRESS", "STATE", "SAME HISTORY", "HEARD", ""}, 6);
    for (size_t i = 0; i < reply->n_peers; i++) {
        const Picket__V1__Peer *at = reply->peers[i];
        char heard[32];

        (void)snprintf(heard, sizeof(heard), "%" PRIu64 " ms ago", at->silent_ms);
        table_add(table,
            (const char *const[]){at->name, at->address, at->connected ? "connected" : "away",
                at->same_root ? "yes" : "no", at->connected ? heard : "-", at->refused});
    }
    table_print(table, cli->out, "the node has no neighbours");
    return 0;
}
