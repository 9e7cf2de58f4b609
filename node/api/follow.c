/* SPDX-License-Identifier: Apache-2.0 */
/* follow.c - Log.Follow: streams that get every entry from a cursor on, and those that come later.
 */
#include "node/api/follow.h"
#include "node/api/api.h"
#include "node/api/api_internal.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "replica/replica.h"
#include "rpc/loop.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/log.pb-c.h"

#include <errno.h>
#include <stdlib.h>

#define SCAN_MAX 1000 /* entries looked at in one turn */

struct follower {
    struct rpc_timer timer; /* first: there is more to look at */
    struct follower *next;
    struct api *api;
    struct rpc_call *call;
    Picket__V1__ListLogRequest *request;
    uint64_t index; /* of the next entry to send */
};

static void advance_one(struct follower *follower)
{
    struct node *node = api_node(follower->api);

    for (uint32_t i = 0; follower->index < replica_entries_durable(node->replica); i++) {
        if (i == SCAN_MAX) { /* others' calls first */
            rpc_timer_set(node->loop, &follower->timer, rpc_now_ns());
            return;
        }
        if (log_send(node, follower->call, follower->index, follower->request) < 0)
            return;
        follower->index++;
    }
}

static void on_turn(struct rpc_timer *timer)
{
    advance_one((struct follower *)(void *)timer);
}

void follow_advance(struct follower *followers)
{
    for (struct follower *follower = followers; follower; follower = follower->next)
        advance_one(follower);
}

static void follower_free(struct follower *follower)
{
    rpc_timer_clear(api_node(follower->api)->loop, &follower->timer);
    wire_free(&follower->request->base);
    free(follower);
}

static void on_cancel(void *user, struct rpc_call *call)
{
    struct follower *follower = user;
    struct follower **slot = api_followers(follower->api);

    while (*slot && *slot != follower)
        slot = &(*slot)->next;
    if (*slot)
        *slot = follower->next;
    follower_free(follower);
    rpc_call_fail(call, RPC_CANCELLED, "the stream has ended");
}

static void on_room(void *user, struct rpc_call *call)
{
    (void)call;
    advance_one(user);
}

void follow_end_all(struct follower **followers)
{
    while (*followers) {
        struct follower *follower = *followers;

        *followers = follower->next;
        rpc_call_fail(follower->call, RPC_UNAVAILABLE, "this node is stopping");
        follower_free(follower);
    }
}

void api_log_follow(void *user, struct rpc_call *call, struct bytes bytes)
{
    static const struct rpc_call_events events = {.on_cancel = on_cancel, .on_room = on_room};
    struct node *node = api_node(user);
    Picket__V1__ListLogRequest *request =
        api_request(call, &picket__v1__list_log_request__descriptor, bytes);
    struct follower **slot = api_followers(user);
    struct follower *follower;

    if (!request)
        return;
    follower = calloc(1, sizeof(*follower));
    if (!follower) {
        wire_free(&request->base);
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "this node is short of memory; try again");
        return;
    }
    *follower = (struct follower){
        .timer = {.fn = on_turn}, .next = *slot, .api = user, .call = call, .request = request};
    follower->index =
        request->follow_new_only ? replica_entries_durable(node->replica) : request->after;
    *slot = follower;
    rpc_call_attach(call, &events, follower);
    advance_one(follower);
}
