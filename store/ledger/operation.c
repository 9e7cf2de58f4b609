/* SPDX-License-Identifier: Apache-2.0 */
/* operation.c - what an operation says by itself, whoever wrote it. */
#include "store/ledger/inside.h"

#include "proto/wire/wire.h"
#include "store/ledger/rule.h"

#include <string.h>

#define OPERATION_BUDGET (2U * 1024 * 1024)

static const struct kind {
    uint32_t kind;
    const ProtobufCMessageDescriptor *type;
    bool is_version;
} kinds[] = {
    {PICKET__V1__OP_KIND__OP_PUT_RULE, &picket__v1__put_rule__descriptor, true},
    {PICKET__V1__OP_KIND__OP_PUT_SET, &picket__v1__put_set__descriptor, true},
    {PICKET__V1__OP_KIND__OP_SET_DELTA, &picket__v1__set_delta__descriptor, false},
    {PICKET__V1__OP_KIND__OP_PUT_DEFAULT, &picket__v1__put_default__descriptor, true},
    {PICKET__V1__OP_KIND__OP_DELETE, &picket__v1__delete__descriptor, true},
    {PICKET__V1__OP_KIND__OP_INVITE, &picket__v1__invite__descriptor, false},
    {PICKET__V1__OP_KIND__OP_NODE, &picket__v1__node_change__descriptor, false},
};

static const struct kind *kind_find(uint32_t kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].kind == kind)
            return &kinds[i];
    return NULL;
}

/* ---- reading an operation's fields, whatever its kind */

static ProtobufCBinaryData object_field(const struct op *op)
{
    switch (op->body ? op->kind : 0) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        return ((const Picket__V1__PutRule *)op->body)->object;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        return ((const Picket__V1__PutSet *)op->body)->object;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        return ((const Picket__V1__PutDefault *)op->body)->object;
    case PICKET__V1__OP_KIND__OP_DELETE:
        return ((const Picket__V1__Delete *)op->body)->object;
    default:
        return (ProtobufCBinaryData){0};
    }
}

void op_bases(const struct op *op, const ProtobufCBinaryData **ret_bases, size_t *ret_count)
{
    *ret_bases = NULL;
    *ret_count = 0;
#define BASES_OF(KIND, type)                                          \
    case PICKET__V1__OP_KIND__##KIND:                                 \
        *ret_bases = ((const Picket__V1__##type *)op->body)->bases;   \
        *ret_count = ((const Picket__V1__##type *)op->body)->n_bases; \
        break
    switch (op->body ? op->kind : 0) {
        BASES_OF(OP_PUT_RULE, PutRule);
        BASES_OF(OP_PUT_SET, PutSet);
        BASES_OF(OP_PUT_DEFAULT, PutDefault);
        BASES_OF(OP_DELETE, Delete);
    default:
        break;
    }
#undef BASES_OF
}

const Picket__V1__Rule *op_rule(const struct op *op)
{
    if (op->kind != PICKET__V1__OP_KIND__OP_PUT_RULE || !op->body)
        return NULL;
    return ((const Picket__V1__PutRule *)op->body)->rule;
}

const Picket__V1__Scope *op_scope(const struct op *op)
{
    switch (op->body ? op->kind : 0) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        return ((const Picket__V1__PutRule *)op->body)->rule->scope;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        return ((const Picket__V1__PutSet *)op->body)->set->scope;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        return ((const Picket__V1__PutDefault *)op->body)->policy->scope;
    default:
        return NULL;
    }
}

void op_reference(const struct ledger *ledger, const struct op *op, uint8_t ret[OP_REF_BYTES])
{
    memcpy(ret, ledger->entries[op->entry].id, HASH_BYTES);
    put_be32(ret + HASH_BYTES, op->index);
}

int op_compare(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    const struct op *left = &ledger->ops[a], *right = &ledger->ops[b];
    int order =
        memcmp(ledger->entries[left->entry].id, ledger->entries[right->entry].id, HASH_BYTES);

    return order ? order : (left->index > right->index) - (left->index < right->index);
}

uint32_t op_find(
    const struct ledger *ledger, const uint8_t reference[OP_REF_BYTES], bool *ret_entry_here)
{
    uint32_t index = idmap_find(&ledger->entry_by_id, reference);
    uint32_t op = get_be32(reference + HASH_BYTES);
    const struct entry *entry = index == IDMAP_NONE ? NULL : &ledger->entries[index];

    *ret_entry_here = entry != NULL;
    if (!*ret_entry_here || op >= entry->ops_count)
        return NONE;
    return entry->first_op + op;
}

/* ---- checks */

static bool is_ascending(const ProtobufCBinaryData *list, size_t count, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].len != len)
            return false;
        if (i > 0 && memcmp(list[i - 1].data, list[i].data, len) >= 0)
            return false;
    }
    return true;
}

/* Who changes an object names what it builds on; who creates one cannot. */
static bool ancestry_is_sound(const struct op *op)
{
    const ProtobufCBinaryData *bases;
    size_t count;
    ProtobufCBinaryData object = object_field(op);

    op_bases(op, &bases, &count);
    if (object.len == 0)
        return count == 0 && op->kind != PICKET__V1__OP_KIND__OP_DELETE;
    return object.len == OP_REF_BYTES && count > 0 && count <= BASES_MAX &&
           is_ascending(bases, count, OP_REF_BYTES);
}

static bool marks_are_sound(Picket__V1__Mark *const *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (marks[i]->author.len != KEY_BYTES || marks[i]->seq == 0)
            return false;
        if (i > 0 && memcmp(marks[i - 1]->author.data, marks[i]->author.data, KEY_BYTES) >= 0)
            return false;
    }
    return true;
}

static bool text_is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > 63 || text[0] == '-' || text[len - 1] == '-')
        return false;
    return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static bool labels_are_sound(Picket__V1__Label *const *labels, size_t count)
{
    if (count > LABELS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        char *values[1] = {labels[i]->value};
        Picket__V1__ScopeTerm term = PICKET__V1__SCOPE_TERM__INIT;
        Picket__V1__ScopeTerm *terms[1] = {&term};
        Picket__V1__Scope scope = PICKET__V1__SCOPE__INIT;

        /* A label is what a scope can name. */
        term.key = labels[i]->key;
        term.values = values;
        term.n_values = 1;
        scope.terms = terms;
        scope.n_terms = 1;
        if (scope_check(&scope, NULL) < 0)
            return false;
        if (i > 0 && strcmp(labels[i - 1]->key, labels[i]->key) >= 0)
            return false;
    }
    return true;
}

static int compare_prefixes(const Picket__V1__Prefix *a, const Picket__V1__Prefix *b)
{
    int order;

    if (a->address.len != b->address.len)
        return a->address.len < b->address.len ? -1 : 1;
    order = memcmp(a->address.data, b->address.data, a->address.len);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

static bool prefix_is_sound(const Picket__V1__Prefix *prefix)
{
    if (!prefix || (prefix->address.len != 4 && prefix->address.len != 16) ||
        prefix->length > 8 * prefix->address.len)
        return false;
    for (size_t i = 0; i < prefix->address.len; i++) {
        size_t bits = prefix->length > 8 * i ? prefix->length - 8 * i : 0;

        if (bits < 8 && (prefix->address.data[i] & (0xFFU >> bits)))
            return false;
    }
    return true;
}

static bool delta_is_sound(const Picket__V1__SetDelta *delta)
{
    if (delta->set.len != OP_REF_BYTES && delta->set.len != 4)
        return false;
    if (delta->n_add + delta->n_remove + delta->n_clear == 0)
        return false;
    for (size_t i = 0; i < delta->n_add; i++) {
        if (!prefix_is_sound(delta->add[i]->prefix))
            return false;
        if (i > 0 && compare_prefixes(delta->add[i - 1]->prefix, delta->add[i]->prefix) >= 0)
            return false;
    }
    return is_ascending(delta->remove, delta->n_remove, ELEMENT_REF_BYTES) &&
           marks_are_sound(delta->clear, delta->n_clear);
}

static bool manifest_is_sound(const Picket__V1__Manifest *manifest)
{
    if (!manifest)
        return true;
    if (manifest->elements_v4 > SET_ELEMENTS_MAX || manifest->elements_v6 > SET_ELEMENTS_MAX ||
        manifest->elements_v4 + manifest->elements_v6 > SET_ELEMENTS_MAX)
        return false;
    if (manifest->content_len != manifest->elements_v4 * 14 + manifest->elements_v6 * 26 ||
        manifest->content_len > SET_CONTENT_BYTES_MAX ||
        manifest->n_chunks != (manifest->content_len + CHUNK_BYTES - 1) / CHUNK_BYTES)
        return false;
    for (size_t i = 0; i < manifest->n_chunks; i++)
        if (manifest->chunks[i].len != HASH_BYTES)
            return false;
    return true;
}

static bool default_is_sound(const Picket__V1__DefaultPolicy *policy)
{
    return policy && scope_check(policy->scope, NULL) == 0 &&
           (policy->direction == PICKET__V1__DIRECTION__DIRECTION_IN ||
               policy->direction == PICKET__V1__DIRECTION__DIRECTION_OUT) &&
           (uint32_t)policy->device_class <= PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_CONTAINER &&
           (policy->action == PICKET__V1__ACTION__ACTION_ALLOW ||
               policy->action == PICKET__V1__ACTION__ACTION_DROP);
}

static bool invite_is_sound(const Picket__V1__Invite *invite)
{
    return invite->certificate_hash.len == HASH_BYTES && invite->public_key.len == 65 &&
           invite->public_key.data[0] == 4 && text_is_name(invite->name) &&
           labels_are_sound(invite->labels, invite->n_labels);
}

static bool change_is_sound(const Picket__V1__NodeChange *change)
{
    if (change->invite.len != HASH_BYTES)
        return false;
    switch (change->change_case) {
    case PICKET__V1__NODE_CHANGE__CHANGE_LABELS:
        return labels_are_sound(change->labels->labels, change->labels->n_labels);
    case PICKET__V1__NODE_CHANGE__CHANGE_NAME:
        return text_is_name(change->name);
    case PICKET__V1__NODE_CHANGE__CHANGE_JOIN_RECORD:
        return change->join_record.len == HASH_BYTES;
    case PICKET__V1__NODE_CHANGE__CHANGE_RETIRED:
        return change->retired;
    default:
        return false;
    }
}

static bool body_is_sound(const struct op *op)
{
    switch (op->kind) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE: {
        const Picket__V1__PutRule *put = (const void *)op->body;

        return put->rule && rule_check(put->rule, NULL) == 0;
    }
    case PICKET__V1__OP_KIND__OP_PUT_SET: {
        const Picket__V1__PutSet *put = (const void *)op->body;

        return put->set && set_check(put->set, NULL) == 0 && manifest_is_sound(put->manifest) &&
               marks_are_sound(put->vector, put->n_vector);
    }
    case PICKET__V1__OP_KIND__OP_SET_DELTA:
        return delta_is_sound((const void *)op->body);
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        return default_is_sound(((const Picket__V1__PutDefault *)op->body)->policy);
    case PICKET__V1__OP_KIND__OP_INVITE:
        return invite_is_sound((const void *)op->body);
    case PICKET__V1__OP_KIND__OP_NODE:
        return change_is_sound((const void *)op->body);
    default:
        return true;
    }
}

/* A body that cannot be read stays NULL: it has no bases either. */
static enum ledger_reason operation_read(const Picket__V1__Operation *from, struct op *op)
{
    const struct kind *kind = kind_find(from->kind);
    ProtobufCMessage *body = NULL;

    op->kind = from->kind;
    if (!kind)
        return LEDGER_UNKNOWN_KIND;
    if (wire_unpack(kind->type, bytes_of(from->body.data, from->body.len), OPERATION_BUDGET,
            &body) != WIRE_OK)
        return LEDGER_MALFORMED;
    op->body = body;
    op->is_version = kind->is_version && ancestry_is_sound(op);
    op->is_sound = body_is_sound(op) && op->is_version == kind->is_version;
    return op->is_sound ? LEDGER_OK : LEDGER_BAD_OPERATION;
}

/* A local reference names an operation of the same entry that creates a set. */
static bool local_is_sound(const struct op *ops, uint32_t count, ProtobufCBinaryData reference)
{
    uint32_t index;

    if (reference.len != 4)
        return true;
    index = get_be32(reference.data);
    return index < count && ops[index].kind == PICKET__V1__OP_KIND__OP_PUT_SET &&
           ops[index].is_sound && object_field(&ops[index]).len == 0;
}

static bool locals_are_sound(const struct op *ops, uint32_t count, const struct op *op)
{
    const Picket__V1__Rule *rule = op_rule(op);

    if (op->kind == PICKET__V1__OP_KIND__OP_SET_DELTA && op->is_sound)
        return local_is_sound(ops, count, ((const Picket__V1__SetDelta *)op->body)->set);
    if (!rule || !rule->match)
        return true;
    return (!rule->match->source || local_is_sound(ops, count, rule->match->source->set)) &&
           (!rule->match->destination || local_is_sound(ops, count, rule->match->destination->set));
}

/* The object an operation is about; a delta's is its set. */
static void set_object(const struct entry *entry, struct op *op)
{
    ProtobufCBinaryData field = object_field(op);
    uint32_t index = op->index;

    if (op->kind == PICKET__V1__OP_KIND__OP_SET_DELTA && op->body)
        field = ((const Picket__V1__SetDelta *)(void *)op->body)->set;
    if (field.len == 4)
        index = get_be32(field.data);
    memcpy(op->object, entry->id, HASH_BYTES);
    put_be32(op->object + HASH_BYTES, index);
    if (field.len == OP_REF_BYTES)
        memcpy(op->object, field.data, OP_REF_BYTES);
}

static void blame(struct entry *entry, enum ledger_reason reason, uint32_t op)
{
    if (entry->by_itself.reason == LEDGER_OK) {
        entry->by_itself.reason = reason;
        entry->by_itself.op = op;
    }
}

void entry_operations(
    struct entry *entry, uint32_t entry_index, struct bytes ops_bytes, struct op *ops)
{
    ProtobufCMessage *message = NULL;

    entry->by_itself = (struct verdict){.op = NONE, .is_known = true};
    if (wire_unpack(&picket__v1__ops__descriptor, ops_bytes, OPERATION_BUDGET, &message) !=
        WIRE_OK) {
        blame(entry, LEDGER_MALFORMED, NONE);
        return;
    }
    entry->ops = (Picket__V1__Ops *)(void *)message;
    if (scope_check(entry->header->scope, NULL) < 0)
        blame(entry, LEDGER_BAD_OPERATION, NONE);
    if (entry->header->confirm_by || entry->header->confirm_within)
        blame(entry, LEDGER_NOT_EFFECTIVE, NONE);
    if (entry->ops->n_ops > ENTRY_OPS_MAX) {
        blame(entry, LEDGER_OVER_LIMIT, NONE);
        return;
    }
    entry->ops_count = (uint32_t)entry->ops->n_ops;
    for (uint32_t i = 0; i < entry->ops_count; i++) {
        enum ledger_reason reason;

        ops[i] = (struct op){.entry = entry_index, .index = i};
        reason = operation_read(entry->ops->ops[i], &ops[i]);
        if (reason)
            blame(entry, reason, i);
        set_object(entry, &ops[i]);
    }
    for (uint32_t i = 0; i < entry->ops_count; i++)
        if (!locals_are_sound(ops, entry->ops_count, &ops[i]))
            blame(entry, LEDGER_BAD_OPERATION, i);
}
