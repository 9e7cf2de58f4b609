/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * write.h - one change of the fleet, from the key to the acknowledgement (ledger.md L20 to L22):
 *
 *   write_begin()   fleet locked, key read, nodes asked: do they know more than this folder?
 *   (the command looks up what it changes at write->first and signs with write_sign())
 *   write_send()    the whole tail, the same bytes, to every node; the head moves
 *
 * Owns: struct writing. Threads: one.
 */
#include "cli/chain.h"
#include "cli/connection.h"

#include "proto/picket/v1/rules.pb-c.h"

struct writing {
    struct cli *cli;
    struct connections connections;
    struct connection *first; /* the node that is asked; NULL: offline */
    struct key_pair pair;
    struct chain chain;
    const Picket__V1__Grant *grant; /* of the key, in force */
    struct wait_wish wish;          /* --wait */
};

/* key_name: preset of --operator. is_offline_allowed: without --node or --socket nothing is
 * dialled. */
int write_begin(struct cli *cli, const char *key_name, bool is_offline_allowed,
    struct writing *ret_writing, struct problem *reterr_problem);
void write_end(struct writing *writing);

/* Signs, durably, under the grant's scope. ops_count bodies become one entry. */
int write_sign(struct writing *writing, Picket__V1__Operation **ops, size_t ops_count,
    uint8_t ret_id[HASH_BYTES], struct problem *reterr_problem);

/* What the nodes answered; expect may be NULL (ledger.md L13). Says on out what it means. */
int write_send(struct writing *writing, Picket__V1__Expectation **expect, size_t expect_count,
    struct problem *reterr_problem);

/* Sends trust records made here: to every node named. */
int write_send_trust(
    struct cli *cli, struct connections *connections, struct problem *reterr_problem);

/* Takes the node's newer trust records, verified, into the folder; and where its trust stands. */
int write_sync_trust(
    struct cli *cli, struct connection *connection, struct problem *reterr_problem);
