/* SPDX-License-Identifier: Apache-2.0 */
#include "node/metrics.h"
#include "bpf/fw_reasons.h"
#include "mesh/stream/stream.h"
#include "node/effects.h"
#include "node/enforce.h"
#include "node/node.h"
#include "replica/replica.h"
#include "rpc/trust.h"
#include "store/db/db.h"
#include "store/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const reason_words[] = {
#define REASON_WORD(name, word, text) word,
    FW_REASONS(REASON_WORD)
#undef REASON_WORD
};

const char *metrics_reason_word(size_t reason)
{
    return reason < FW_REASON_COUNT ? reason_words[reason] : "unknown";
}

static void head(FILE *to, const char *name, const char *type, const char *meaning)
{
    (void)fprintf(to, "# HELP picket_%s %s\n# TYPE picket_%s %s\n", name, meaning, name, type);
}

static void one(FILE *to, const char *name, const char *type, const char *meaning, uint64_t value)
{
    head(to, name, type, meaning);
    (void)fprintf(to, "picket_%s %llu\n", name, (unsigned long long)value);
}

static void labelled(
    FILE *to, const char *name, const char *label, const char *value, uint64_t count)
{
    (void)fprintf(to, "picket_%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)count);
}

static void print_records(FILE *to, struct node *node)
{
    const struct replica_counts *counts = replica_counts(node->replica);
    struct db_counts disk;

    db_counts(node->db, &disk);
    one(to, "entries", "gauge", "Signed entries held.", ledger_entries_count(node->ledger));
    one(to, "objects", "gauge", "Live rules, sets and defaults.",
        ledger_objects_count(node->ledger));
    one(to, "records_added_total", "counter", "Records that entered the set since start.",
        counts->added);
    one(to, "records_waiting", "gauge", "Verified records that lack something.", counts->waiting);
    one(to, "records_unstored", "gauge", "Records on their way to the disk.", counts->unstored);
    one(to, "disk_failing", "gauge", "1 while the disk refuses writes.", counts->is_disk_failing);
    one(to, "disk_commits_total", "counter", "Transactions committed.", disk.commits);
    one(to, "disk_damaged_total", "counter", "Damaged rows found.", disk.damaged);
    head(to, "refused_total", "counter", "Records refused, by reason.");
    for (int i = 1; i < LEDGER_REASON_COUNT; i++)
        labelled(to, "refused_total", "reason", ledger_reason_word((enum ledger_reason)i),
            counts->refused[i]);
}

static void print_mesh(FILE *to, struct node *node)
{
    const struct mesh_counts *counts = replica_mesh_counts(node->replica);
    const struct mesh_stream_counts *streams = effects_stream_counts(node->effects);
    struct replica_convergence convergence;

    replica_convergence(node->replica, &convergence);
    one(to, "peers", "gauge", "Connected neighbours.", convergence.neighbours);
    one(to, "peers_agreeing", "gauge", "Neighbours that hold the same records.",
        convergence.agreeing);
    one(to, "mesh_bytes_in_total", "counter", "Bytes from neighbours.", streams->bytes_in);
    one(to, "mesh_bytes_out_total", "counter", "Bytes to neighbours.", streams->bytes_out);
    one(to, "mesh_dropped_total", "counter", "Frames dropped because a queue was full.",
        streams->frames_dropped);
    one(to, "mesh_wants_late_total", "counter", "Requests asked again of another neighbour.",
        counts->wants_late);
    head(to, "mesh_penalties_total", "counter", "Faults of neighbours, by reason.");
    for (int i = 1; i < MESH_REASON_COUNT; i++)
        labelled(to, "mesh_penalties_total", "reason", mesh_reason_word((enum mesh_reason)i),
            counts->penalties[i]);
    head(to, "tls_refused_total", "counter", "Connections and calls refused, by reason.");
    for (int i = 1; i < RPC_REFUSAL_COUNT; i++)
        labelled(to, "tls_refused_total", "reason", rpc_refusal_word((enum rpc_refusal)i),
            rpc_trust_refused_count(node->trust, (enum rpc_refusal)i));
}

static void print_packets(FILE *to, struct node *node)
{
    struct enforce_status status;
    size_t count = 0;
    const struct datapath_count *reasons = enforce_reasons(node->enforce, &count);
    const struct datapath_device *devices;
    uint64_t unprotected = 0;

    enforce_status(node->enforce, &status);
    one(to, "rules", "gauge", "Rules in force on this node.", status.rules);
    one(to, "prefixes", "gauge", "Prefixes in force on this node.", status.prefixes);
    one(to, "generations_total", "counter", "Generations put in force since start.", status.flips);
    head(to, "packets_total", "counter", "Packets judged, by reason.");
    for (size_t i = 0; i < count; i++)
        labelled(to, "packets_total", "reason", metrics_reason_word(i), reasons[i].packets);
    devices = enforce_devices(node->enforce, &count);
    for (size_t i = 0; i < count; i++)
        unprotected += devices[i].mode == DEVICE_NONE ||
                       (devices[i].mode != DEVICE_EXEMPT && !devices[i].is_protected);
    one(to, "devices", "gauge", "Devices known, without lo.", count);
    one(to, "devices_unprotected", "gauge", "Devices that should carry the program and do not.",
        unprotected);
}

/* A device's name may hold anything but a slash, a colon and white space. */
static void device_one(
    FILE *to, const char *unit, const char *name, const char *verdict, unsigned long long count)
{
    (void)fprintf(to, "picket_device_%s_total{device=\"", unit);
    for (; *name; name++)
        (void)fprintf(to, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    (void)fprintf(to, "\",verdict=\"%s\"} %llu\n", verdict, count);
}

static void print_device(FILE *to, struct node *node, uint32_t index, bool is_bytes)
{
    const struct link_device *link = enforce_link(node->enforce, index);
    struct datapath_device_count count = enforce_device_count(node->enforce, index);
    const char *unit = is_bytes ? "bytes" : "packets";

    if (!link)
        return;
    device_one(to, unit, link->name, "pass", is_bytes ? count.passed.bytes : count.passed.packets);
    device_one(
        to, unit, link->name, "drop", is_bytes ? count.dropped.bytes : count.dropped.packets);
}

static void print_devices(FILE *to, struct node *node)
{
    size_t count = 0;
    const struct datapath_device *devices = enforce_devices(node->enforce, &count);

    head(to, "device_packets_total", "counter", "Packets judged, by device and verdict.");
    for (size_t i = 0; i < count; i++)
        print_device(to, node, devices[i].index, false);
    head(to, "device_bytes_total", "counter", "Bytes judged, by device and verdict.");
    for (size_t i = 0; i < count; i++)
        print_device(to, node, devices[i].index, true);
}

char *metrics_text(struct node *node)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    if (!to)
        return NULL;
    print_records(to, node);
    print_mesh(to, node);
    print_packets(to, node);
    print_devices(to, node);
    if (fclose(to) == 0)
        return text;
    free(text);
    return NULL;
}
