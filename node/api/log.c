/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - the service Log: the signed history in this node's order of acceptance. */
#include "base/limits.h"
#include "node/api/api.h"
#include "node/api/follow.h"
#include "node/api/sentences.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "replica/replica.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/log.pb-c.h"

#include <string.h>

#define PAGE_MAX 200
#define SCAN_MAX 5000 /* entries looked at for one page, whoever's they are */

static Picket__V1__LogEntry *entry_message(struct reply *reply, struct node *node, uint64_t index,
    const Picket__V1__ListLogRequest *request)
{
    const uint8_t *id = NULL;
    struct bytes bytes = ledger_entry_by_arrival(node->ledger, index, &id);
    Picket__V1__LogEntry *out = reply_message(reply, &picket__v1__log_entry__descriptor);
    const Picket__V1__Grant *grant;
    enum ledger_reason reason;
    uint32_t op;

    if (!out || !bytes.len)
        return NULL;
    out->cursor = index + 1;
    out->id = reply_bytes(reply, bytes_of(id, HASH_BYTES));
    out->entry = reply_unpack(reply, &picket__v1__signed_entry__descriptor, bytes);
    if (!out->entry)
        return NULL;
    if (request && request->author.len && !sentences_author_is(out->entry, request->author))
        return NULL;
    grant = ledger_entry_grant(node->ledger, id);
    out->person = reply_text(reply, grant ? grant->person : "");
    reason = ledger_entry_status(node->ledger, id, &op);
    out->status = reply_text(reply, reason == LEDGER_OK ? "effective" : sentences_status(reason));
    if (reason != LEDGER_OK)
        out->reason = reply_text(reply, ledger_reason_word(reason));
    sentences_of(reply, node->ledger, id, out);
    return out;
}

void api_log_list(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__ListLogResponse response = PICKET__V1__LIST_LOG_RESPONSE__INIT;
    Picket__V1__ListLogRequest *request =
        api_request(call, &picket__v1__list_log_request__descriptor, bytes);
    uint64_t count = replica_entries_durable(node->replica);
    size_t bytes_listed = 0;
    uint32_t limit;

    if (!request)
        return;
    limit = request->limit && request->limit < PAGE_MAX ? request->limit : PAGE_MAX;
    response.entries = reply_array(&reply, limit);
    for (uint64_t i = request->after; response.entries && i < count; i++) {
        Picket__V1__LogEntry *entry;

        if (response.n_entries == limit || bytes_listed >= API_PAGE_BYTES ||
            i == request->after + SCAN_MAX) {
            response.next = i;
            break;
        }
        entry = entry_message(&reply, node, i, request);
        if (!entry)
            continue;
        bytes_listed += protobuf_c_message_get_packed_size(&entry->base);
        response.entries[response.n_entries++] = entry;
    }
    wire_free(&request->base);
    reply_send(&reply, call, &response);
}

void api_log_get(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__GetEntryRequest *request =
        api_request(call, &picket__v1__get_entry_request__descriptor, bytes);
    uint64_t count = replica_entries_durable(node->replica);

    if (!request)
        return;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *id = NULL;

        (void)ledger_entry_by_arrival(node->ledger, i, &id);
        if (request->id.len != HASH_BYTES || memcmp(id, request->id.data, HASH_BYTES) != 0)
            continue;
        reply_send(&reply, call, entry_message(&reply, node, i, NULL));
        wire_free(&request->base);
        return;
    }
    rpc_call_fail(call, RPC_NOT_FOUND, "id: there is no entry with this id (32 bytes) here");
    wire_free(&request->base);
}

/* One message of a follower's stream: the entry at `index`. 0; 1 if it is not asked for; or
 * -ENOBUFS. */
int log_send(struct node *node, struct rpc_call *call, uint64_t index, const void *request)
{
    struct reply reply = {0};
    Picket__V1__LogEntry *entry = entry_message(&reply, node, index, request);
    int r = entry ? rpc_call_send(call, &entry->base) : 1;

    reply_fini(&reply);
    return r;
}
