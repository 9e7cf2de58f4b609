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

/* What is needed to call things by their names. */
struct context {
    struct reply *reply;
    const struct ledger *ledger;
    const uint8_t *id; /* of the entry that speaks: a local reference means one of its operations */
};

static Picket__V1__Operation *operation_at(const struct context *context, struct bytes reference)
{
    const uint8_t *id = reference.len == OP_REF_BYTES ? reference.at : context->id;
    Picket__V1__SignedEntry *entry;
    Picket__V1__Ops *ops;
    uint32_t index;

    if (reference.len != OP_REF_BYTES && reference.len != 4)
        return NULL;
    index = get_be32(reference.at + reference.len - 4);
    entry = reply_unpack(context->reply, &picket__v1__signed_entry__descriptor,
        ledger_entry_find(context->ledger, id));
    if (!entry)
        return NULL;
    ops = reply_unpack(
        context->reply, &picket__v1__ops__descriptor, bytes_of(entry->ops.data, entry->ops.len));
    return ops && index < ops->n_ops ? ops->ops[index] : NULL;
}

/* The name an object was created with; NULL if it has none or is not here. An id is its creating
 * operation. */
static const char *created_name(
    const struct context *context, struct bytes object, const char **ret_kind)
{
    const Picket__V1__Operation *op = operation_at(context, object);
    struct bytes body = op ? bytes_of(op->body.data, op->body.len) : (struct bytes){0};

    *ret_kind = "object";
    if (op && op->kind == PICKET__V1__OP_KIND__OP_PUT_RULE) {
        Picket__V1__PutRule *put =
            reply_unpack(context->reply, &picket__v1__put_rule__descriptor, body);

        *ret_kind = "rule";
        return put && put->rule && put->rule->name[0] ? put->rule->name : NULL;
    }
    if (op && op->kind == PICKET__V1__OP_KIND__OP_PUT_SET) {
        Picket__V1__PutSet *put =
            reply_unpack(context->reply, &picket__v1__put_set__descriptor, body);

        *ret_kind = "set";
        return put && put->set ? put->set->name : NULL;
    }
    if (op && op->kind == PICKET__V1__OP_KIND__OP_PUT_DEFAULT)
        *ret_kind = "default";
    return NULL;
}

/* "rule ssh", or "object 8bdcdb787ab33e27" where there is no name. */
static const char *called(const struct context *context, ProtobufCBinaryData object)
{
    const char *kind;
    const char *name = created_name(context, bytes_of(object.data, object.len), &kind);
    char digits[17];

    if (name)
        return reply_print(context->reply, "%s %s", kind, name);
    if (object.len < 8)
        return kind;
    hex_print(object.data, 8, digits);
    return reply_print(context->reply, "%s %s", kind, digits);
}

static const char *set_name(void *user, struct bytes reference)
{
    const char *kind;

    return created_name(user, reference, &kind);
}

static const char *verb(const ProtobufCBinaryData *object)
{
    return object->len ? "changes" : "adds";
}

static char *put_rule_line(struct context *context, struct bytes body)
{
    Picket__V1__PutRule *put =
        reply_unpack(context->reply, &picket__v1__put_rule__descriptor, body);
    struct buffer text = {0};
    char *line = NULL;

    if (put && put->rule && rule_print(put->rule, set_name, context, &text) == 0)
        line = reply_print(context->reply, "%s a rule: %.*s", verb(&put->object),
            (int)(text.len < 400 ? text.len : 400), (const char *)text.at);
    buffer_fini(&text);
    return line;
}

static char *put_set_line(struct context *context, struct bytes body)
{
    Picket__V1__PutSet *put = reply_unpack(context->reply, &picket__v1__put_set__descriptor, body);
    uint64_t count =
        put && put->manifest ? put->manifest->elements_v4 + put->manifest->elements_v6 : 0;

    if (!put || !put->set)
        return NULL;
    return reply_print(context->reply, "%s set %s: %llu prefixes", verb(&put->object),
        put->set->name, (unsigned long long)count);
}

static char *delta_line(struct context *context, struct bytes body)
{
    Picket__V1__SetDelta *delta =
        reply_unpack(context->reply, &picket__v1__set_delta__descriptor, body);

    if (!delta)
        return NULL;
    return reply_print(context->reply, "adds %zu and removes %zu prefixes of %s%s", delta->n_add,
        delta->n_remove, called(context, delta->set), delta->n_clear ? ", after clearing it" : "");
}

static char *default_line(struct reply *reply, struct bytes body)
{
    Picket__V1__PutDefault *put = reply_unpack(reply, &picket__v1__put_default__descriptor, body);

    if (!put || !put->policy)
        return NULL;
    return reply_print(
        reply, "%s a default: %s", verb(&put->object), action_word(put->policy->action));
}

static char *delete_line(struct context *context, struct bytes body)
{
    Picket__V1__Delete *gone = reply_unpack(context->reply, &picket__v1__delete__descriptor, body);

    return gone ? reply_print(context->reply, "deletes %s", called(context, gone->object)) : NULL;
}

static char *invite_line(struct reply *reply, struct bytes body)
{
    Picket__V1__Invite *invite = reply_unpack(reply, &picket__v1__invite__descriptor, body);

    return invite ? reply_print(reply, "invites node %s", invite->name) : NULL;
}

static char *line_of(struct context *context, const Picket__V1__Operation *op)
{
    struct reply *reply = context->reply;
    struct bytes body = bytes_of(op->body.data, op->body.len);
    char *line = NULL;

    switch (op->kind) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        line = put_rule_line(context, body);
        break;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        line = put_set_line(context, body);
        break;
    case PICKET__V1__OP_KIND__OP_SET_DELTA:
        line = delta_line(context, body);
        break;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        line = default_line(reply, body);
        break;
    case PICKET__V1__OP_KIND__OP_DELETE:
        line = delete_line(context, body);
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

void sentences_of(struct reply *reply, const struct ledger *ledger, const uint8_t id[HASH_BYTES],
    Picket__V1__LogEntry *out)
{
    struct context context = {.reply = reply, .ledger = ledger, .id = id};
    Picket__V1__Ops *ops = reply_unpack(
        reply, &picket__v1__ops__descriptor, bytes_of(out->entry->ops.data, out->entry->ops.len));

    if (!ops)
        return;
    out->lines = reply_array(reply, ops->n_ops);
    for (size_t i = 0; out->lines && i < ops->n_ops; i++)
        out->lines[out->n_lines++] = line_of(&context, ops->ops[i]);
}
