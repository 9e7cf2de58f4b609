/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c - Rules.List and Rules.Get: what the node believes, with the signed entries that prove
 * it. */
#include "base/limits.h"
#include "node/api/api.h"
#include "node/api/api_internal.h"
#include "node/enforce.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/rules.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_MAX 200

static const char *kind_word(enum object_kind kind)
{
    switch (kind) {
    case OBJECT_RULE:
        return "rule";
    case OBJECT_SET:
        return "set";
    case OBJECT_DEFAULT:
        return "default";
    }
    return "";
}

static const char *name_of(const struct ledger_object *object)
{
    if (object->winner_is_delete)
        return "";
    if (object->kind == OBJECT_RULE)
        return object->of.rule->name;
    return object->kind == OBJECT_SET ? object->of.set->name : "";
}

/* The signed entries of the heads, each once. */
static void fill_entries(struct reply *reply, struct node *node, Picket__V1__Object *out)
{
    out->entries = reply_array(reply, out->n_heads);
    for (size_t i = 0; out->entries && i < out->n_heads; i++) {
        const uint8_t *id = out->heads[i].data;
        bool is_repeated = i && memcmp(out->heads[i - 1].data, id, HASH_BYTES) == 0;
        struct bytes entry = ledger_entry_find(node->ledger, id);
        void *message;

        if (is_repeated || !entry.len)
            continue;
        message = reply_unpack(reply, &picket__v1__signed_entry__descriptor, entry);
        if (message)
            out->entries[out->n_entries++] = message;
    }
}

static void fill_heads(
    struct reply *reply, struct node *node, const uint8_t *id, Picket__V1__Object *out)
{
    uint8_t refs[BASES_MAX][OP_REF_BYTES];
    uint32_t count = ledger_object_heads(node->ledger, id, refs, BASES_MAX);

    if (count > BASES_MAX)
        count = BASES_MAX;
    out->heads = reply_take(reply, count * sizeof(*out->heads) + 1);
    for (uint32_t i = 0; out->heads && i < count; i++)
        out->heads[out->n_heads++] = reply_bytes(reply, bytes_of(refs[i], OP_REF_BYTES));
}

static void fill_vector(struct reply *reply, struct node *node, Picket__V1__Object *out)
{
    uint32_t count = ledger_heads_count(node->ledger);

    out->vector = reply_array(reply, count);
    for (uint32_t i = 0; out->vector && i < count; i++) {
        struct ledger_head head = ledger_head_at(node->ledger, i);
        Picket__V1__Mark *mark = reply_message(reply, &picket__v1__mark__descriptor);

        if (!mark)
            return;
        mark->author = reply_borrow(bytes_of(head.author, KEY_BYTES));
        mark->seq = head.seq;
        out->vector[out->n_vector++] = mark;
    }
}

static void fill_set(struct reply *reply, struct node *node, const struct ledger_object *object,
    Picket__V1__Object *out)
{
    struct set_element *additions = NULL;
    uint32_t count = 0;

    out->object_case = PICKET__V1__OBJECT__OBJECT_SET;
    out->set = (Picket__V1__Set *)(uintptr_t)object->of.set;
    if (object->manifest)
        out->elements = object->manifest->elements_v4 + object->manifest->elements_v6;
    if (ledger_set_additions(node->ledger, object->id, &additions, &count) == 0)
        out->elements += count;
    free(additions);
    fill_vector(reply, node, out);
}

static Picket__V1__Object *object_message(
    struct reply *reply, struct node *node, const struct ledger_object *object)
{
    Picket__V1__Object *out = reply_message(reply, &picket__v1__object__descriptor);
    struct datapath_count count = {0};

    if (!out)
        return NULL;
    out->id = reply_bytes(reply, bytes_of(object->id, OP_REF_BYTES));
    out->winner = reply_bytes(reply, bytes_of(object->winner, OP_REF_BYTES));
    out->conflict = object->heads_count > 1;
    fill_heads(reply, node, object->id, out);
    fill_entries(reply, node, out);
    if (!object->winner_is_delete && object->kind == OBJECT_RULE) {
        out->object_case = PICKET__V1__OBJECT__OBJECT_RULE;
        out->rule = (Picket__V1__Rule *)(uintptr_t)object->of.rule;
    } else if (!object->winner_is_delete && object->kind == OBJECT_SET) {
        fill_set(reply, node, object, out);
    } else if (!object->winner_is_delete) {
        out->object_case = PICKET__V1__OBJECT__OBJECT_POLICY;
        out->policy = (Picket__V1__DefaultPolicy *)(uintptr_t)object->of.policy;
    }
    out->status = reply_text(reply, enforce_object(node->enforce, object->id, &count));
    out->packets = count.packets;
    out->bytes = count.bytes;
    out->last_hit_ms = box_wall_ms(count.last_ns);
    return out;
}

static bool is_asked(const Picket__V1__ListRequest *request, const struct ledger_object *object)
{
    if (request->kind[0] && strcmp(request->kind, kind_word(object->kind)) != 0)
        return false;
    if (request->after.len == OP_REF_BYTES &&
        memcmp(object->id, request->after.data, OP_REF_BYTES) <= 0)
        return false;
    return !request->name[0] || strcmp(request->name, name_of(object)) == 0;
}

void api_rules_list(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    Picket__V1__ListResponse response = PICKET__V1__LIST_RESPONSE__INIT;
    Picket__V1__ListRequest *request =
        api_request(call, &picket__v1__list_request__descriptor, bytes);
    uint32_t count = ledger_objects_count(node->ledger);
    uint8_t root[HASH_BYTES];
    size_t bytes_listed = 0;
    uint32_t limit;

    if (!request)
        return;
    limit = request->limit && request->limit < PAGE_MAX ? request->limit : PAGE_MAX;
    response.objects = reply_array(&reply, limit);
    for (uint32_t i = 0; response.objects && i < count; i++) {
        struct ledger_object object;

        ledger_object_at(node->ledger, i, &object);
        if (!is_asked(request, &object))
            continue;
        if (response.n_objects == limit || bytes_listed >= API_PAGE_BYTES) {
            response.next = response.objects[response.n_objects - 1]->id;
            break;
        }
        response.objects[response.n_objects] = object_message(&reply, node, &object);
        if (!response.objects[response.n_objects])
            break;
        bytes_listed +=
            protobuf_c_message_get_packed_size(&response.objects[response.n_objects]->base);
        response.n_objects++;
    }
    if (ledger_state_root(node->ledger, root))
        response.state_root = reply_borrow(bytes_of(root, sizeof(root)));
    wire_free(&request->base);
    reply_send(&reply, call, &response);
}

void api_rules_get(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    struct reply reply = {0};
    struct ledger_object object;
    Picket__V1__GetRequest *request =
        api_request(call, &picket__v1__get_request__descriptor, bytes);

    if (!request)
        return;
    if (request->object.len != OP_REF_BYTES)
        rpc_call_fail(call, RPC_INVALID_ARGUMENT, "object: an object id has %d bytes, not %zu",
            OP_REF_BYTES, request->object.len);
    else if (!ledger_object_find(node->ledger, request->object.data, &object))
        rpc_call_fail(call, RPC_NOT_FOUND, "object: there is no live object with this id");
    else
        reply_send(&reply, call, object_message(&reply, node, &object));
    wire_free(&request->base);
}
