/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - which objects count on this node at this time, and why the others do not. */
#include "base/idmap.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void build_refuse(struct build *build, uint32_t object, enum compile_status status, const char *why)
{
    build->tables->objects[object].status = (uint8_t)status;
    build->tables->objects[object].why = why;
}

void build_note_time(struct build *build, uint64_t time_s)
{
    if (time_s > build->input->time_s && time_s < build->tables->next_change_s)
        build->tables->next_change_s = time_s;
}

static bool is_here(const struct build *build, const Picket__V1__Scope *scope)
{
    return scope_matches(scope, build->input->labels, build->input->labels_count);
}

/* ---- sets */

static bool has_all_chunks(const struct build *build, const Picket__V1__Manifest *manifest)
{
    const struct compile_input *input = build->input;
    struct bytes chunk;

    for (size_t i = 0; manifest && i < manifest->n_chunks; i++)
        if (manifest->chunks[i].len == HASH_BYTES &&
            (!input->chunk || !input->chunk(input->user, manifest->chunks[i].data, &chunk)))
            return false;
    return true;
}

/* A changeset takes effect whole (L15): whatever came by the entry of a set that lacks a chunk
 * waits. */
static int find_waiting_entries(struct build *build, struct idmap *waiting)
{
    for (uint32_t i = 0; i < build->tables->objects_count; i++) {
        const struct ledger_object *object = &build->objects[i];

        if (object->kind != OBJECT_SET || object->winner_is_delete ||
            has_all_chunks(build, object->manifest))
            continue;
        build->tables->is_waiting = true;
        if (idmap_put(waiting, object->winner, 1) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int hold_waiting(struct build *build)
{
    struct idmap waiting;
    int r;

    idmap_init(&waiting, HASH_BYTES, 0); /* an operation's reference begins with its entry's id */
    r = find_waiting_entries(build, &waiting);
    for (uint32_t i = 0; r == 0 && i < build->tables->objects_count; i++)
        if (idmap_find(&waiting, build->objects[i].winner) != IDMAP_NONE)
            build_refuse(build, i, COMPILE_WAITING_FOR_CONTENT,
                "a chunk of a set in its changeset is not here yet");
    idmap_fini(&waiting);
    return r;
}

static void select_set(struct build *build, uint32_t i)
{
    if (!is_here(build, build->objects[i].of.set->scope))
        build_refuse(build, i, COMPILE_OUT_OF_SCOPE, "its scope does not name this node");
}

/* ---- defaults */

static void select_default(struct build *build, uint32_t i)
{
    const Picket__V1__DefaultPolicy *policy = build->objects[i].of.policy;

    if (!is_here(build, policy->scope))
        build_refuse(build, i, COMPILE_OUT_OF_SCOPE, "its scope does not name this node");
    else if (policy->action == PICKET__V1__ACTION__ACTION_DROP)
        build_refuse(build, i, COMPILE_CANNOT_ENFORCE,
            "a default drop would also drop the replies to what the box itself asks, because this "
            "version has no connection state; the default stays allow");
}

/* ---- rules */

static const char *unable(const Picket__V1__Rule *rule)
{
    if (rule->action == PICKET__V1__ACTION__ACTION_LIMIT)
        return "this version has no rate limits";
    if (rule->match && rule->match->states != 0)
        return "this version has no connection state";
    if (rule->direction == PICKET__V1__DIRECTION__DIRECTION_OUT)
        return "this version does not filter what leaves the box";
    return NULL;
}

static bool device_applies(const Picket__V1__Match *match, const struct compile_device *device)
{
    bool by_name = match->n_devices == 0;

    for (size_t i = 0; i < match->n_devices && !by_name; i++)
        by_name = compile_glob_matches(match->devices[i], device->name);
    return by_name && !device->is_exempt &&
           (match->device_class == PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_ANY ||
               (uint32_t)match->device_class == device->device_class);
}

/* Amendment 10: a VLAN rule is decided where tags are visible, or not at all. */
static bool sees_tags(const struct build *build, const Picket__V1__Match *match)
{
    for (size_t i = 0; match && match->vlan && i < build->input->devices_count; i++)
        if (build->input->devices[i].is_xdp && device_applies(match, &build->input->devices[i]))
            return false;
    return true;
}

static enum compile_status time_status(struct build *build, const Picket__V1__Rule *rule)
{
    uint64_t now = build->input->time_s;

    build_note_time(build, rule->valid_from);
    if (rule->valid_until != 0)
        build_note_time(build, rule->valid_until);
    if (rule->valid_until != 0 && now >= rule->valid_until)
        return COMPILE_EXPIRED;
    return now < rule->valid_from ? COMPILE_NOT_YET : COMPILE_EFFECTIVE;
}

static int add_rule(struct build *build, uint32_t i, const Picket__V1__Rule *rule)
{
    size_t capacity = build->rules_capacity;

    if (build_grow((void **)&build->rules, &capacity, build->rules_count, sizeof(*build->rules)) <
        0)
        return -ENOMEM;
    build->rules_capacity = capacity;
    build->rules[build->rules_count++] = (struct build_rule){.rule = rule, .object = i};
    return 0;
}

static int select_rule(struct build *build, uint32_t i)
{
    const Picket__V1__Rule *rule = build->objects[i].of.rule;
    struct problem problem;

    if (!is_here(build, rule->scope)) {
        build_refuse(build, i, COMPILE_OUT_OF_SCOPE, "its scope does not name this node");
        return 0;
    }
    if (rule_check(rule, &problem) < 0) {
        build_refuse(build, i, COMPILE_MALFORMED, "it breaks a rule of the format");
        return 0;
    }
    switch (time_status(build, rule)) {
    case COMPILE_EXPIRED:
        build_refuse(build, i, COMPILE_EXPIRED, "its time is over");
        return 0;
    case COMPILE_NOT_YET:
        build_refuse(build, i, COMPILE_NOT_YET, "its time has not come");
        return 0;
    default:
        return add_rule(build, i, rule);
    }
}

static int rule_order(const void *a, const void *b)
{
    const struct build_rule *x = a, *y = b;
    int order = (x->rule->priority > y->rule->priority) - (x->rule->priority < y->rule->priority);

    /* Objects are ascending by id. */
    return order ? order : (x->object > y->object) - (x->object < y->object);
}

static int select_objects(struct build *build)
{
    int r = hold_waiting(build);

    for (uint32_t i = 0; r == 0 && i < build->tables->objects_count; i++) {
        const struct ledger_object *object = &build->objects[i];

        if (object->winner_is_delete) {
            build_refuse(build, i, COMPILE_DELETED, "in a conflict the delete wins");
            continue;
        }
        if (build->tables->objects[i].status != COMPILE_EFFECTIVE)
            continue;
        switch (object->kind) {
        case OBJECT_RULE:
            r = select_rule(build, i);
            break;
        case OBJECT_SET:
            select_set(build, i);
            break;
        case OBJECT_DEFAULT:
            select_default(build, i);
            break;
        }
    }
    if (build->rules_count > 1)
        qsort(build->rules, build->rules_count, sizeof(*build->rules), rule_order);
    return r;
}

/* ---- what the selected rules need */

static uint32_t object_index(const struct build *build, const uint8_t id[OP_REF_BYTES])
{
    const struct compile_object *object = compile_object_find(build->tables, id);

    return object ? (uint32_t)(object - build->tables->objects) : UINT32_MAX;
}

/* -ENOENT: there is no such set here (amendment 14). */
static int find_set(struct build *build, const struct build_rule *rule,
    const Picket__V1__Addresses *side, uint8_t *ret_index)
{
    uint8_t id[OP_REF_BYTES];
    uint32_t object;
    int r;

    if (!ledger_set_resolve(
            build->objects[rule->object].winner, bytes_of(side->set.data, side->set.len), id))
        return -ENOENT;
    object = object_index(build, id);
    if (object == UINT32_MAX || build->objects[object].kind != OBJECT_SET ||
        build->tables->objects[object].status != COMPILE_EFFECTIVE)
        return -ENOENT;
    r = build_set_index(build, object, ret_index);
    if (r == -EBADMSG)
        build_refuse(build, object, COMPILE_MALFORMED, "its content is not what its manifest says");
    if (r == -ENOENT) { /* it was here a moment ago */
        build_refuse(build, object, COMPILE_WAITING_FOR_CONTENT, "a chunk of it cannot be read");
        build->tables->is_waiting = true;
    }
    return r == -EBADMSG ? -ENOENT : r;
}

static bool drops(const Picket__V1__Rule *rule)
{
    return rule->action == PICKET__V1__ACTION__ACTION_DROP ||
           rule->action == PICKET__V1__ACTION__ACTION_REJECT;
}

static int bind_side(
    struct build *build, struct build_rule *rule, const Picket__V1__Addresses *side, uint8_t *set)
{
    uint8_t index = 0;
    int r;

    if (!side || side->set.len == 0)
        return 0;
    r = find_set(build, rule, side, &index);
    if (r == 0) {
        *set = (uint8_t)(FW_SET_PRESENT | (side->negate ? FW_SET_NEGATE : 0) | index);
        return 0;
    }
    if (r != -ENOENT)
        return r;
    if (drops(rule->rule))
        rule->never |= !side->negate; /* an empty set */
    else
        build_refuse(build, rule->object, COMPILE_CANNOT_ENFORCE,
            "it names a set that is missing, deleted, malformed, waits for content, or is not for "
            "this node");
    return 0;
}

static int bind_rule(struct build *build, struct build_rule *rule)
{
    const Picket__V1__Match *match = rule->rule->match;
    const char *why = unable(rule->rule);
    struct compile_object *object = &build->tables->objects[rule->object];
    int r = 0;

    if (match)
        r = bind_side(build, rule, match->source, &rule->source_set);
    if (r == 0 && match)
        r = bind_side(build, rule, match->destination, &rule->target_set);
    if (r < 0)
        return r;
    if (!why && !sees_tags(build, match))
        why = "a device runs XDP, which does not see every VLAN tag; set that device to tc";
    if (why)
        build_refuse(build, rule->object, COMPILE_CANNOT_ENFORCE, why);
    if (object->status != COMPILE_EFFECTIVE)
        return 0;
    object->is_counted = true;
    build->tables->rules_effective++;
    return compile_index_take(
        build->input->indexes, object->id, &object->counter, &object->is_fresh);
}

int build_select(struct build *build)
{
    int r = select_objects(build);

    for (uint32_t i = 0; r == 0 && i < build->rules_count; i++)
        r = bind_rule(build, &build->rules[i]);
    return r;
}
