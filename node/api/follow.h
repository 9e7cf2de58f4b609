/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* follow.h - between Log.Follow's list of streams and log.c's messages. Threads: logic. */
#include <stdint.h>

struct follower;
struct node;
struct rpc_call;

/* Sends the entry at this index of arrival. 0; 1: not asked for; -ENOBUFS: the client is slow, try
 * on_room. */
int log_send(struct node *node, struct rpc_call *call, uint64_t index, const void *request);

/* Everything that is new to each follower. */
void follow_advance(struct follower *followers);
void follow_end_all(struct follower **followers);
