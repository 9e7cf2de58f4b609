/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge.c - does a changeset count? In this order: what it is by itself, a freeze, the position it
 * is judged at, the grant there, limits and budgets, then operation by operation. A reason to be
 * void goes before a reason to wait.
 */
#include "store/ledger/inside.h"

#include "store/ledger/rule.h"

#include <string.h>

#define OBJECT_ROLES                                                                 \
    (1U << PICKET__V1__ROLE__ROLE_OPERATOR | 1U << PICKET__V1__ROLE__ROLE_ENROLLER | \
        1U << PICKET__V1__ROLE__ROLE_GATEWAY | 1U << PICKET__V1__ROLE__ROLE_BANNER)

static bool is_waiting(enum ledger_reason reason)
{
    return reason == LEDGER_UNKNOWN_BASE || reason == LEDGER_UNKNOWN_TRUST ||
           reason == LEDGER_SOFTWARE_TOO_OLD;
}

static void rule_out(struct verdict *verdict, enum ledger_reason reason, uint32_t op)
{
    if (reason == LEDGER_OK)
        return;
    if (verdict->reason == LEDGER_OK || (is_waiting(verdict->reason) && !is_waiting(reason))) {
        verdict->reason = reason;
        verdict->op = op;
    }
}

/* ---- where and by which grant */

/* Fills what later entries of the chain need; the position this entry's trust_head reads as. */
static uint64_t judge_trust_head(struct ledger *ledger, struct entry *entry, bool *ret_went_back)
{
    const struct entry *before = entry->prev == NONE ? NULL : &ledger->entries[entry->prev];
    uint32_t record = idmap_find(&ledger->trust_by_id, entry->header->trust_head.data);
    uint64_t highest = before ? before->trust_highest : 0, position = 0;

    entry->is_trust_unknown = record == IDMAP_NONE || (before && before->is_trust_unknown);
    if (record != IDMAP_NONE)
        position = trust_position_of(ledger, record);
    *ret_went_back = position < highest;
    entry->trust_highest = position > highest ? position : highest;
    return position;
}

/* Up to a cut only what leads to the entry it names counts, above it only what follows that one. As
 * long as the named entry is not here, nothing below it is known to be beside. */
static bool is_beside(const struct ledger *ledger, uint32_t index, const Picket__V1__Cut *cut)
{
    const struct entry *entry = &ledger->entries[index];
    uint32_t named;

    if (cut->seq == 0 || entry->seq > cut->seq)
        return false;
    if (entry->seq == cut->seq)
        return memcmp(entry->id, cut->id.data, HASH_BYTES) != 0;
    named = cut_entry(ledger, entry->author, cut);
    return named != NONE && !entry_is_ancestor(ledger, index, named);
}

/* Amendment 3: the later of the trust head and the newest cut below the entry. */
static uint64_t judge_cuts(struct ledger *ledger, uint32_t index, uint64_t position)
{
    struct entry *entry = &ledger->entries[index];
    const struct grant_event *event = grant_first(ledger, ledger->chains[entry->author].author);

    entry->is_beside = entry->prev != NONE && ledger->entries[entry->prev].is_beside;
    while (event) {
        if (event->cut && entry->seq > event->cut->seq && event->position > position)
            position = event->position;
        entry->is_beside |= event->cut && is_beside(ledger, index, event->cut);
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    return position;
}

static const Picket__V1__Set *created_set(const struct ledger *ledger, uint32_t op)
{
    const struct op *found = op == NONE ? NULL : &ledger->ops[op];

    if (!found || !found->is_sound || found->kind != PICKET__V1__OP_KIND__OP_PUT_SET ||
        ((const Picket__V1__PutSet *)(void *)found->body)->object.len)
        return NULL;
    return ((const Picket__V1__PutSet *)(void *)found->body)->set;
}

static bool restricts(const Picket__V1__Rule *rule)
{
    return rule->action == PICKET__V1__ACTION__ACTION_DROP ||
           rule->action == PICKET__V1__ACTION__ACTION_REJECT;
}

/* Only adds to a ban set. A set that is not here keeps the changeset waiting, which is not for this
 * to say. */
static bool only_bans(struct ledger *ledger, const struct op *op)
{
    const Picket__V1__SetDelta *delta = (const void *)op->body;
    const Picket__V1__Set *set;
    bool is_here;
    uint32_t creator = op_find(ledger, op->object, &is_here);

    if (delta->n_remove > 0 || delta->n_clear > 0)
        return false;
    if (!is_here) {
        ledger_await(ledger, op->object);
        return true;
    }
    set = created_set(ledger, creator);
    return set && set->kind == PICKET__V1__SET_KIND__SET_KIND_BAN;
}

/* Amendment 2: what stays of a frozen part. */
static bool stays_frozen(struct ledger *ledger, const struct entry *entry)
{
    for (uint32_t i = 0; i < entry->ops_count; i++) {
        const struct op *op = &ledger->ops[entry->first_op + i];

        if (op_rule(op) && ((const Picket__V1__PutRule *)(void *)op->body)->object.len == 0 &&
            restricts(op_rule(op)))
            continue;
        if (op->kind != PICKET__V1__OP_KIND__OP_SET_DELTA || !only_bans(ledger, op))
            return false;
    }
    return true;
}

static enum ledger_reason judge_grant(struct ledger *ledger, uint32_t index)
{
    struct entry *entry = &ledger->entries[index];
    const struct chain *chain = &ledger->chains[entry->author];
    const struct grant_event *event;
    bool went_back;
    uint64_t position = judge_trust_head(ledger, entry, &went_back);

    position = judge_cuts(ledger, index, position);
    if (!entry->is_trust_unknown && ledger->in_force.positions[position].level > FLEET_LEVEL)
        return LEDGER_SOFTWARE_TOO_OLD;
    if (entry->by_itself.reason)
        return entry->by_itself.reason;
    if (entry->is_beside)
        return LEDGER_ENDED;
    if (entry->seq >= chain->freeze && !stays_frozen(ledger, entry))
        return LEDGER_FROZEN;
    if (entry->is_trust_unknown)
        return LEDGER_UNKNOWN_TRUST;
    if (went_back)
        return LEDGER_TRUST_WENT_BACK;
    event = grant_at(ledger, chain->author, position);
    if (!event)
        return LEDGER_UNKNOWN_AUTHOR;
    if (!event->grant)
        return LEDGER_ENDED;
    entry->verdict.position = position;
    entry->verdict.grant = event->grant;
    entry->verdict.grant_position = event->position;
    return LEDGER_OK;
}

/* ---- the whole changeset */

static enum ledger_reason judge_amounts(
    const struct ledger *ledger, const struct entry *entry, const struct tally *tally)
{
    const Picket__V1__Limits *limits = &ledger->in_force.positions[entry->verdict.position].limits;
    const Picket__V1__Budget *budget = entry->verdict.grant->budget;

    if ((limits->entry_bytes && entry->len > limits->entry_bytes) ||
        (limits->operations && entry->ops_count > limits->operations))
        return LEDGER_OVER_LIMIT;
    if (!budget)
        return LEDGER_OK;
    if ((budget->lifetime_entries && entry->seq > budget->lifetime_entries) ||
        (budget->live_objects && tally->objects > budget->live_objects) ||
        (budget->live_elements && tally->elements > budget->live_elements))
        return LEDGER_OVER_BUDGET;
    return LEDGER_OK;
}

/* ---- operations */

static enum ledger_reason judge_window(const struct entry *entry, uint64_t from, uint64_t until)
{
    uint64_t longest = entry->verdict.grant->validity_seconds;

    if (longest == 0)
        return LEDGER_OK;
    from = from ? from : entry->header->valid_from;
    until = until ? until : entry->header->valid_until;
    if (from == 0 || until == 0 || (until > from && until - from > longest))
        return LEDGER_VALIDITY_TOO_LONG;
    return LEDGER_OK;
}

static bool is_in_band(const struct entry *entry, uint32_t priority)
{
    return priority >= entry->verdict.grant->priority_min &&
           priority <= entry->verdict.grant->priority_max;
}

static bool is_action_granted(const struct entry *entry, uint32_t action)
{
    return action < 32 && (entry->verdict.grant->actions >> action & 1);
}

/* A ban set feeds only un-negated drop or reject. A set that is not here yet is no fault. */
static enum ledger_reason judge_reference(struct ledger *ledger, const struct entry *entry,
    const Picket__V1__Rule *rule, const Picket__V1__Addresses *side)
{
    const Picket__V1__Set *set;
    uint32_t op = NONE;
    bool is_here = true;

    if (!side || side->set.len == 0)
        return LEDGER_OK;
    if (side->set.len == 4)
        op = entry->first_op + get_be32(side->set.data);
    else
        op = op_find(ledger, side->set.data, &is_here);
    if (!is_here)
        ledger_await(ledger, side->set.data);
    set = created_set(ledger, op);
    if (!set || set->kind != PICKET__V1__SET_KIND__SET_KIND_BAN)
        return LEDGER_OK;
    return side->negate || !restricts(rule) ? LEDGER_BAD_OPERATION : LEDGER_OK;
}

static enum ledger_reason judge_rule(
    struct ledger *ledger, const struct entry *entry, const Picket__V1__Rule *rule)
{
    enum ledger_reason reason;

    if (!is_action_granted(entry, rule->action))
        return LEDGER_ACTION_NOT_GRANTED;
    if (!is_in_band(entry, rule->priority))
        return LEDGER_OUT_OF_BAND;
    reason = judge_window(entry, rule->valid_from, rule->valid_until);
    if (!reason && rule->match)
        reason = judge_reference(ledger, entry, rule, rule->match->source);
    if (!reason && rule->match)
        reason = judge_reference(ledger, entry, rule, rule->match->destination);
    return reason;
}

static enum ledger_reason judge_set(
    struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    const Picket__V1__PutSet *put = (const void *)op->body;
    bool is_here;
    const Picket__V1__Set *first = created_set(ledger, op_find(ledger, op->object, &is_here));

    if (first && first->kind != put->set->kind)
        return LEDGER_BAD_OPERATION;
    if (put->manifest && entry->verdict.grant->validity_seconds)
        return LEDGER_VALIDITY_TOO_LONG;
    return LEDGER_OK;
}

static enum ledger_reason judge_default(
    const struct entry *entry, const Picket__V1__DefaultPolicy *policy)
{
    if (entry->verdict.grant->role != PICKET__V1__ROLE__ROLE_OPERATOR)
        return LEDGER_ROLE_NOT_GRANTED;
    return is_action_granted(entry, policy->action) ? LEDGER_OK : LEDGER_ACTION_NOT_GRANTED;
}

/* What it replaces must be within reach too. */
static enum ledger_reason judge_old_version(
    const struct ledger *ledger, const struct entry *entry, uint32_t old)
{
    const struct op *op = &ledger->ops[old];

    if (!scope_contains(entry->header->scope, op_scope(op)))
        return LEDGER_OUT_OF_SCOPE;
    if (op_rule(op) && !is_in_band(entry, op_rule(op)->priority))
        return LEDGER_OUT_OF_BAND;
    return LEDGER_OK;
}

static enum ledger_reason judge_old_versions(
    const struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    enum ledger_reason reason = LEDGER_OK;

    /* link_versions() has looked through deletes below, for puts as well. */
    for (uint32_t i = 0; !reason && i < op->links.versions_count; i++)
        reason = judge_old_version(ledger, entry, op->links.versions[i]);
    return reason;
}

static enum ledger_reason judge_version(
    struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    enum ledger_reason reason = LEDGER_OK;

    if (!(OBJECT_ROLES >> entry->verdict.grant->role & 1))
        return LEDGER_ROLE_NOT_GRANTED;
    if (op->kind != PICKET__V1__OP_KIND__OP_DELETE &&
        !scope_contains(entry->header->scope, op_scope(op)))
        return LEDGER_OUT_OF_SCOPE;
    if (op_rule(op))
        reason = judge_rule(ledger, entry, op_rule(op));
    else if (op->kind == PICKET__V1__OP_KIND__OP_PUT_SET)
        reason = judge_set(ledger, entry, op);
    else if (op->kind == PICKET__V1__OP_KIND__OP_PUT_DEFAULT)
        reason = judge_default(entry, ((const Picket__V1__PutDefault *)(void *)op->body)->policy);
    return reason ? reason : judge_old_versions(ledger, entry, op);
}

static enum ledger_reason judge_delta(
    struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    const Picket__V1__SetDelta *delta = (const void *)op->body;
    const Picket__V1__Set *set;
    bool is_here = true;
    uint32_t creator;
    enum ledger_reason reason = LEDGER_OK;

    if (!(OBJECT_ROLES >> entry->verdict.grant->role & 1))
        return LEDGER_ROLE_NOT_GRANTED;
    for (size_t i = 0; !reason && i < delta->n_add; i++)
        reason = judge_window(entry, 0, delta->add[i]->expiry);
    if (reason)
        return reason;
    if (delta->set.len == 4)
        creator = entry->first_op + get_be32(delta->set.data);
    else
        creator = op_find(ledger, op->object, &is_here);
    if (!is_here) {
        ledger_await(ledger, op->object);
        return LEDGER_UNKNOWN_BASE;
    }
    set = created_set(ledger, creator);
    if (!set)
        return LEDGER_BAD_BASE;
    return scope_contains(entry->header->scope, set->scope) ? LEDGER_OK : LEDGER_OUT_OF_SCOPE;
}

static bool is_enroller(const struct entry *entry)
{
    return entry->verdict.grant->role == PICKET__V1__ROLE__ROLE_ENROLLER;
}

static enum ledger_reason judge_invite(const struct entry *entry, const Picket__V1__Invite *invite)
{
    if (!is_enroller(entry))
        return LEDGER_ROLE_NOT_GRANTED;
    return scope_matches(entry->header->scope, invite->labels, invite->n_labels)
               ? LEDGER_OK
               : LEDGER_OUT_OF_SCOPE;
}

static bool is_invite(const struct ledger *ledger, uint32_t op, const uint8_t *id)
{
    const struct op *found = &ledger->ops[op];

    return found->kind == PICKET__V1__OP_KIND__OP_INVITE && found->is_sound &&
           memcmp(((const Picket__V1__Invite *)(void *)found->body)->certificate_hash.data, id,
               HASH_BYTES) == 0;
}

/* Did this author write the invite, before this operation? */
static bool is_own_invite(
    const struct ledger *ledger, const struct entry *entry, const struct op *op, const uint8_t *id)
{
    for (uint32_t i = 0; i < op->index; i++)
        if (is_invite(ledger, entry->first_op + i, id))
            return true;
    for (uint32_t at = invite_first(ledger, id); at != NONE; at = invite_next(ledger, at)) {
        const struct entry *from = &ledger->entries[ledger->ops[ledger->invites.at[at]].entry];

        if (from->author == entry->author && from->seq < entry->seq &&
            entry_is_on_path(ledger, from))
            return true;
    }
    return false;
}

/* An enroller changes the nodes it invited itself. */
static enum ledger_reason judge_node(
    const struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    const Picket__V1__NodeChange *change = (const void *)op->body;

    if (!is_enroller(entry))
        return LEDGER_ROLE_NOT_GRANTED;
    if (!is_own_invite(ledger, entry, op, change->invite.data))
        return LEDGER_BAD_OPERATION;
    if (change->change_case == PICKET__V1__NODE_CHANGE__CHANGE_LABELS &&
        !scope_matches(entry->header->scope, change->labels->labels, change->labels->n_labels))
        return LEDGER_OUT_OF_SCOPE;
    return LEDGER_OK;
}

static enum ledger_reason judge_operation(
    struct ledger *ledger, const struct entry *entry, const struct op *op)
{
    switch (op->kind) {
    case PICKET__V1__OP_KIND__OP_SET_DELTA:
        return judge_delta(ledger, entry, op);
    case PICKET__V1__OP_KIND__OP_INVITE:
        return judge_invite(entry, (const void *)op->body);
    case PICKET__V1__OP_KIND__OP_NODE:
        return judge_node(ledger, entry, op);
    default:
        return judge_version(ledger, entry, op);
    }
}

void entry_judge(struct ledger *ledger, uint32_t index, struct tally *tally)
{
    struct entry *entry = &ledger->entries[index];
    struct verdict *verdict = &entry->verdict;
    enum ledger_reason reason;

    *verdict = (struct verdict){.op = NONE, .is_known = true};
    reason = judge_grant(ledger, index);
    rule_out(verdict, reason, reason == entry->by_itself.reason ? entry->by_itself.op : NONE);
    tally_entry(ledger, entry, tally);
    entry->objects = tally->objects;
    entry->elements = tally->elements;
    if (!reason) {
        rule_out(verdict, judge_amounts(ledger, entry, tally), NONE);
        if (!scope_contains(verdict->grant->scope, entry->header->scope))
            rule_out(verdict, LEDGER_OUT_OF_SCOPE, NONE);
    }
    for (uint32_t i = 0; i < entry->ops_count; i++) {
        struct op *op = &ledger->ops[entry->first_op + i];

        /* A void version is linked too: others may build on it. */
        if (op->is_version)
            rule_out(verdict, graph_link(ledger, entry->first_op + i), i);
        if (!reason)
            rule_out(verdict, judge_operation(ledger, entry, op), i);
    }
}
