/* SPDX-License-Identifier: Apache-2.0 */
/* grants.c - what the chain in force grants, to whom, from which position on (ledger.md L4, L6,
 * L7). */
#include "store/ledger/inside.h"

#include "store/keys/keys.h"
#include "store/ledger/rule.h"

#include <string.h>

#define ACTIONS_ALL 0x3eU /* bits 1 to 5 */

const struct grant_event *grant_first(const struct ledger *ledger, const uint8_t key[KEY_BYTES])
{
    uint32_t first = idmap_find(&ledger->in_force.first_event, key);

    return first == IDMAP_NONE ? NULL : &ledger->in_force.events[first];
}

const struct grant_event *grant_at(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], uint64_t position)
{
    const struct grant_event *event = grant_first(ledger, key), *found = NULL;

    while (event && event->position <= position) {
        found = event;
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    return found;
}

static bool grant_is_sound(const Picket__V1__Grant *grant)
{
    size_t person = strlen(grant->person);
    bool enrolls = grant->role == PICKET__V1__ROLE__ROLE_ENROLLER;

    if (person == 0 || person > NAME_BYTES_MAX || grant->key.len != KEY_BYTES ||
        !keys_public_is_sound(grant->key.data))
        return false;
    if (grant->role == 0 || (uint32_t)grant->role > PICKET__V1__ROLE__ROLE_WITNESS)
        return false;
    if (scope_check(grant->scope, NULL) < 0 || (grant->actions & ~ACTIONS_ALL) ||
        grant->priority_min > grant->priority_max || grant->priority_max > RULE_PRIORITY_MAX)
        return false;
    return enrolls ? grant->ca_key.len == 65 && grant->ca_key.data[0] == 4 : grant->ca_key.len == 0;
}

/* 0 is without a limit. */
static bool amount_within(uint64_t outer, uint64_t inner)
{
    return outer == 0 || (inner != 0 && inner <= outer);
}

static bool budget_within(const Picket__V1__Budget *outer, const Picket__V1__Budget *inner)
{
    static const Picket__V1__Budget none;

    outer = outer ? outer : &none;
    inner = inner ? inner : &none;
    return amount_within(outer->lifetime_entries, inner->lifetime_entries) &&
           amount_within(outer->live_objects, inner->live_objects) &&
           amount_within(outer->live_elements, inner->live_elements);
}

static bool narrows(const Picket__V1__Grant *old, const Picket__V1__Grant *new)
{
    return strcmp(old->person, new->person) == 0 &&
           old->role == new->role &&memcmp(old->key.data, new->key.data, KEY_BYTES) == 0 &&
           scope_contains(old->scope, new->scope) && (new->actions & ~old->actions) == 0 &&
           new->priority_min >= old->priority_min &&new->priority_max <=
               old->priority_max &&budget_within(old->budget, new->budget) &&
           amount_within(old->validity_seconds, new->validity_seconds) &&
           old->may_suspend >= new->may_suspend;
}

static bool cut_is_sound(const Picket__V1__Cut *cut)
{
    return cut && cut->key.len == KEY_BYTES && cut->id.len == (cut->seq ? HASH_BYTES : 0);
}

/* ---- the fleet's limits: the sum of what is granted stays below */

static uint64_t sum_capped(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

static bool event_is_newest(const struct ledger *ledger, uint32_t index)
{
    return ledger->in_force.events[index].next == NONE;
}

static bool sums_fit(const struct ledger *ledger, const Picket__V1__Limits *limits)
{
    uint64_t sums[3] = {0};
    uint64_t most[3] = {limits->lifetime_entries, limits->live_objects, limits->live_elements};

    for (uint32_t i = 0; i < ledger->in_force.events_count; i++) {
        const Picket__V1__Grant *grant = ledger->in_force.events[i].grant;
        uint64_t amounts[3] = {0};

        if (!grant || !event_is_newest(ledger, i))
            continue;
        if (grant->budget) {
            amounts[0] = grant->budget->lifetime_entries;
            amounts[1] = grant->budget->live_objects;
            amounts[2] = grant->budget->live_elements;
        }
        for (int j = 0; j < 3; j++)
            sums[j] = sum_capped(sums[j], amounts[j] ? amounts[j] : UINT64_MAX);
    }
    for (int j = 0; j < 3; j++)
        if (most[j] && sums[j] > most[j])
            return false;
    return true;
}

static bool limits_are_sound(const Picket__V1__Limits *limits)
{
    return limits && limits->entry_bytes <= ENTRY_BYTES_MAX && limits->operations <= ENTRY_OPS_MAX;
}

/* ---- one record after the other */

static uint32_t event_last(const struct ledger *ledger, const uint8_t key[KEY_BYTES])
{
    uint32_t index = idmap_find(&ledger->in_force.first_event, key);

    while (index != IDMAP_NONE && ledger->in_force.events[index].next != NONE)
        index = ledger->in_force.events[index].next;
    return index;
}

static void event_add(struct ledger *ledger, uint64_t position, const uint8_t *key,
    const Picket__V1__Grant *grant, const Picket__V1__Cut *cut)
{
    struct trust_fold *fold = &ledger->in_force;
    uint32_t last = event_last(ledger, key);
    uint32_t index = fold->events_count++;

    fold->events[index] =
        (struct grant_event){.position = position, .grant = grant, .cut = cut, .next = NONE};
    memcpy(fold->events[index].key, key, KEY_BYTES);
    if (last == IDMAP_NONE)
        must_put(&fold->first_event, key, index);
    else
        fold->events[last].next = index;
}

/* Takes back the newest event. */
static void event_drop(struct ledger *ledger)
{
    struct trust_fold *fold = &ledger->in_force;
    uint32_t index = --fold->events_count;

    if (idmap_find(&fold->first_event, fold->events[index].key) == index)
        idmap_remove(&fold->first_event, fold->events[index].key);
    for (uint32_t i = 0; i < index; i++)
        if (fold->events[i].next == index)
            fold->events[i].next = NONE;
}

static const Picket__V1__Grant *grant_now(const struct ledger *ledger, ProtobufCBinaryData key)
{
    const struct grant_event *event = grant_at(ledger, key.data, UINT64_MAX);

    return event ? event->grant : NULL;
}

static bool fold_grant(struct ledger *ledger, uint64_t position, const Picket__V1__Limits *limits,
    const Picket__V1__Grant *grant, const Picket__V1__Cut *cut)
{
    if (!grant || !grant_is_sound(grant))
        return false;
    if (cut) { /* narrow */
        const Picket__V1__Grant *old;

        if (!cut_is_sound(cut) || memcmp(cut->key.data, grant->key.data, KEY_BYTES) != 0)
            return false;
        old = grant_now(ledger, grant->key);
        if (!old || !narrows(old, grant))
            return false;
    } else if (grant_now(ledger, grant->key)) {
        return false;
    }
    event_add(ledger, position, grant->key.data, grant, cut);
    if (sums_fit(ledger, limits))
        return true;
    event_drop(ledger);
    return false;
}

static bool fold_record(struct ledger *ledger, uint64_t position, struct trust_position *here,
    const Picket__V1__TrustBody *body)
{
    switch (body->action_case) {
    case PICKET__V1__TRUST_BODY__ACTION_GRANT:
        return fold_grant(ledger, position, &here->limits, body->grant, NULL);
    case PICKET__V1__TRUST_BODY__ACTION_NARROW:
        return body->narrow->cut &&
               fold_grant(ledger, position, &here->limits, body->narrow->grant, body->narrow->cut);
    case PICKET__V1__TRUST_BODY__ACTION_END:
        if (!cut_is_sound(body->end->cut) || strlen(body->end->reason) > COMMENT_BYTES_MAX ||
            !grant_now(ledger, body->end->cut->key))
            return false;
        event_add(ledger, position, body->end->cut->key.data, NULL, body->end->cut);
        return true;
    case PICKET__V1__TRUST_BODY__ACTION_POLICY:
        if (!limits_are_sound(body->policy->limits) || !sums_fit(ledger, body->policy->limits))
            return false;
        here->limits = *body->policy->limits;
        return true;
    case PICKET__V1__TRUST_BODY__ACTION_LEVEL:
        if (body->level->level <= here->level)
            return false;
        here->level = body->level->level;
        return true;
    default: /* rotations, gaps, suspensions and checkpoints have no effect at level 1 */
        return false;
    }
}

void grants_fold(struct ledger *ledger)
{
    struct trust_fold *fold = &ledger->in_force;

    fold->positions[0].level = 1;
    fold->positions[0].limits = ledger->genesis->limits
                                    ? *ledger->genesis->limits
                                    : (Picket__V1__Limits)PICKET__V1__LIMITS__INIT;
    for (uint64_t i = 1; i <= fold->head; i++) {
        struct trust_position *here = &fold->positions[i];

        here->level = here[-1].level;
        here->limits = here[-1].limits;
        if (!fold_record(ledger, i, here, ledger->trust[here->record].body))
            here->reason = LEDGER_BAD_TRUST;
    }
}
