/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * node.h - the daemon's parts in one place, for the files of node/ alone.
 *
 * Threads: logic.
 */
#include "node/clock.h"
#include "node/config.h"
#include "node/identity.h"

#include <stdbool.h>
#include <stdint.h>

struct admission;
struct api;
struct db;
struct effects;
struct enforce;
struct ledger;
struct metrics_http;
struct replica;
struct rpc_credentials;
struct rpc_loop;
struct rpc_server;
struct rpc_trust;

struct node {
    struct node_config config;
    struct identity identity;
    struct rpc_loop *loop;
    struct rpc_trust *trust;
    struct rpc_credentials *credentials;
    struct rpc_server *server;
    struct db *db;
    struct replica *replica;
    struct ledger *ledger;   /* the replica's */
    struct effects *effects; /* performs what the replica asks; owns links and workers */
    struct enforce *enforce;
    struct admission *admission; /* the list of members as last published */
    struct api *api;
    struct metrics_http *metrics_http; /* NULL if off */
    struct node_clock clock;
    struct {
        uint64_t minute, count;
    } refusals; /* in this minute */
    uint64_t started_ns;
};

/* The machine's clock. */
uint64_t node_wall_s(void);

/* Unix seconds that never go back (ledger.md L28): the larger of the clock and the newest time
 * held. */
uint64_t node_time_s(const struct node *node);
