/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * config_rows.h - one row per setting of picketd. Units are in the name.
 *
 * NUMBER(name, preset, low, high, meaning)   FLAG(name, preset, meaning): yes or no
 * TEXT(name, preset, meaning)                LIST(name, meaning): the key may stand several times
 */

#define NODE_CONFIG_ROWS(NUMBER, FLAG, TEXT, LIST)                                               \
    TEXT(state_dir, "/var/lib/picket", "Folder of picket.db, node.key, node.crt and genesis")    \
    TEXT(run_dir, "/run/picket", "Folder of the local socket picketd.sock")                      \
    TEXT(bpffs_dir, "/sys/fs/bpf", "A mounted bpffs; pins stand in picket/ below it")            \
    TEXT(listen, "[::]:7425", "Address and port for peers and API over TLS")                     \
    LIST(advertise, "host:port others may dial; without it the box's own addresses")             \
    LIST(peer, "host:port of a neighbour to dial, beside those of the invite")                   \
    LIST(manage, "PREFIX PROTOCOL PORT that always reaches this box, e.g. 192.0.2.0/24 tcp 22")  \
    LIST(dns, "Address of a DNS server whose answers always pass")                               \
    LIST(ntp, "Address of an NTP server whose answers always pass")                              \
    LIST(device_class, "GLOB CLASS with CLASS external, internal or container")                  \
    FLAG(dhcp_client, false, "DHCP answers always pass on external devices")                     \
    FLAG(dry_run, false, "Count what would be dropped, drop nothing")                            \
    NUMBER(metrics_port, 0, 0, 65535, "Loopback port for Prometheus over HTTP; 0 is off")        \
    NUMBER(keepalive_ms, 1000, 100, 60000, "How often a link says that it is alive")             \
    NUMBER(silence_ms, 5000, 500, 600000, "How long a link may be silent before it is replaced") \
    NUMBER(reconcile_ms, 10000, 500, 600000, "How often devices and attachments are compared")

#define NODE_CONFIG_LIST_MAX 64

struct config_list {
    char *items[NODE_CONFIG_LIST_MAX];
    unsigned count;
};
