/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/sentences.h"
#include "base/limits.h"
#include "store/ledger/rule.h"

#include <string.h>

const char *sentences_status(enum ledger_reason reason)
{
    switch ((int)reason) {
    case LEDGER_UNKNOWN_TRUST:
    case LEDGER_UNKNOWN_BASE:
    case LEDGER_WAITING_FOR_CONTENT:
        return "waiting";
    default:
        return "void";
    }
}

bool sentences_author_is(const Picket__V1__SignedEntry *entry, ProtobufCBinaryData author)
{
    Picket__V1__Header *header =
        picket__v1__header__unpack(NULL, entry->header.len, entry->header.data);
    bool is_same = header && header->author.len == author.len &&
                   memcmp(header->author.data, author.data, author.len) == 0;

    if (header)
        picket__v1__header__free_unpacked(header, NULL);
    return is_same;
}

static const char *verb(const ProtobufCBinaryData *object)
{
    return object->len ? "changes" : "adds";
}

static char *put_rule_line(struct reply *reply, struct bytes body)
{
    Picket__V1__PutRule *put = reply_unpack(reply, &picket__v1__put_rule__descriptor, body);
    struct buffer text = {0};
    char *line;

    if (!put || !put->rule || rule_print(put->rule, NULL, NULL, &text) < 0) {
        buffer_fini(&text);
        return NULL;
    }
    line = reply_print(reply, "%s a rule: %.*s", verb(&put->object),
        (int)(text.len < 400 ? text.len : 400), (const char *)text.at);
    buffer_fini(&text);
    return line;
}

static char *put_set_line(struct reply *reply, struct bytes body)
{
    Picket__V1__PutSet *put = reply_unpack(reply, &picket__v1__put_set__descriptor, body);
    uint64_t count =
        put && put->manifest ? put->manifest->elements_v4 + put->manifest->elements_v6 : 0;

    if (!put || !put->set)
        return NULL;
    return reply_print(reply, "%s set %s, %llu prefixes", verb(&put->object), put->set->name,
        (unsigned long long)count);
}

static char *delta_line(struct reply *reply, struct bytes body)
{
    Picket__V1__SetDelta *delta = reply_unpack(reply, &picket__v1__set_delta__descriptor, body);

    if (!delta)
        return NULL;
    return reply_print(reply, "adds %zu and removes %zu elements of a set%s", delta->n_add,
        delta->n_remove, delta->n_clear ? ", after clearing it" : "");
}

static char *default_line(struct reply *reply, struct bytes body)
{
    Picket__V1__PutDefault *put = reply_unpack(reply, &picket__v1__put_default__descriptor, body);

    if (!put || !put->policy)
        return NULL;
    return reply_print(
        reply, "%s a default: %s", verb(&put->object), action_word(put->policy->action));
}

static char *delete_line(struct reply *reply, struct bytes body)
{
    Picket__V1__Delete *gone = reply_unpack(reply, &picket__v1__delete__descriptor, body);
    char digits[17];

    if (!gone || gone->object.len < 8)
        return NULL;
    hex_print(gone->object.data, 8, digits);
    return reply_print(reply, "deletes object %s", digits);
}

static char *invite_line(struct reply *reply, struct bytes body)
{
    Picket__V1__Invite *invite = reply_unpack(reply, &picket__v1__invite__descriptor, body);

    return invite ? reply_print(reply, "invites node %s", invite->name) : NULL;
}

static char *line_of(struct reply *reply, const Picket__V1__Operation *op)
{
    struct bytes body = bytes_of(op->body.data, op->body.len);
    char *line = NULL;

    switch (op->kind) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        line = put_rule_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        line = put_set_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_SET_DELTA:
        line = delta_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        line = default_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_DELETE:
        line = delete_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_INVITE:
        line = invite_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_NODE:
        line = reply_text(reply, "changes a node of the directory");
        break;
    default:
        break;
    }
    return line ? line : reply_print(reply, "operation of kind %u that cannot be shown", op->kind);
}

void sentences_of(struct reply *reply, Picket__V1__LogEntry *out)
{
    Picket__V1__Ops *ops = reply_unpack(
        reply, &picket__v1__ops__descriptor, bytes_of(out->entry->ops.data, out->entry->ops.len));

    if (!ops)
        return;
    out->lines = reply_array(reply, ops->n_ops);
    for (size_t i = 0; out->lines && i < ops->n_ops; i++)
        out->lines[out->n_lines++] = line_of(reply, ops->ops[i]);
}
