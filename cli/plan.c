/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan.h"

#include "base/own.h"
#include "cli/allowed.h"
#include "proto/wire/wire.h"
#include "store/ledger/author.h"

#include <errno.h>
#include <string.h>

struct planning {
    struct plan *plan;
    const struct objects *objects;
    const Picket__V1__Grant *grant;
    struct problem *reterr_problem;
};

static int no_memory(const struct planning *planning)
{
    return problem_say(planning->reterr_problem, -ENOMEM, "out of memory");
}

static int add_step(const struct planning *planning, struct plan_step step, Picket__V1__OpKind kind,
    const ProtobufCMessage *body)
{
    struct plan *plan = planning->plan;
    Picket__V1__Operation *operation;
    int r;

    operation = calloc(1, sizeof(*operation));
    if (!operation)
        return no_memory(planning);
    r = author_operation(kind, body, operation);
    if (r < 0) {
        free(operation);
        return problem_say(planning->reterr_problem, r, "cannot encode %s %.64s: %s", step.kind,
            step.name, strerror(-r));
    }
    plan->operations[plan->operations_count++] = operation;
    plan->steps[plan->count++] = step;
    return 0;
}

static bool same_message(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    OWN(buffer_fini) struct buffer one = {0};
    OWN(buffer_fini) struct buffer two = {0};

    return wire_pack(a, &one) == 0 && wire_pack(b, &two) == 0 &&
           bytes_equal(buffer_bytes(&one), buffer_bytes(&two));
}

static bool same_scope(const Picket__V1__Scope *a, const Picket__V1__Scope *b)
{
    return scope_contains(a, b) && scope_contains(b, a);
}

/* A change is based on it: it must be proven. Another owner's is not ours to change. */
static int check_base(const struct planning *planning, const struct object *object,
    const char *kind, const char *owner)
{
    if (object->trouble)
        return problem_say(planning->reterr_problem, object->trouble, "%s", object->why.text);
    if (owner && strcmp(owner, planning->plan->desired->owner) != 0)
        return problem_say(planning->reterr_problem, -EPERM,
            "the %s \"%.64s\" is not this file's: its owner is \"%.64s\"", kind,
            object_name(object), owner);
    return 0;
}

/* The one object of this kind and name; NULL if there is none. */
static int find_named(const struct planning *planning, enum object_kind kind, const char *name,
    const struct object **ret_object)
{
    *ret_object = NULL;
    for (uint32_t i = 0; i < planning->objects->count; i++) {
        const struct object *object = &planning->objects->at[i];

        if (object->kind != kind || strcmp(object_name(object), name) != 0)
            continue;
        if (*ret_object)
            return problem_say(planning->reterr_problem, -EPERM,
                "two objects of the fleet are called \"%.64s\"; delete one by its id first", name);
        *ret_object = object;
    }
    return 0;
}

/* ---- sets */

static bool same_content(const struct object *old, const struct set_upload *upload)
{
    uint64_t count = upload->manifest.elements_v4 + upload->manifest.elements_v6;

    if (old->said->elements != count || (old->manifest != NULL) != (upload->chunks_count > 0))
        return false;
    return !old->manifest || same_message(&old->manifest->base, &upload->manifest.base);
}

static int plan_set(const struct planning *planning, uint32_t index, struct bytes *ret_reference)
{
    const struct desired_set *want = &planning->plan->desired->sets[index];
    struct set_upload *upload = &planning->plan->uploads[index];
    uint8_t *reference = planning->plan->references[index];
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    const struct object *old;
    int r = find_named(planning, OBJECT_SET, want->set->name, &old);

    if (r == 0 && old)
        r = check_base(planning, old, "set", old->set ? old->set->owner : NULL);
    if (r == 0)
        r = allowed_scope(planning->grant, want->set->scope, planning->reterr_problem);
    if (r == 0)
        r = set_upload_prepare(
            upload, want->elements, want->elements_count, planning->reterr_problem);
    if (r < 0)
        return r;
    if (old) {
        memcpy(reference, old->said->id.data, OP_REF_BYTES);
        *ret_reference = bytes_of(reference, OP_REF_BYTES);
    } else {
        put_be32(reference, (uint32_t)planning->plan->operations_count);
        *ret_reference = bytes_of(reference, 4);
    }
    if (old && old->set && same_message(&old->set->base, &want->set->base) &&
        same_content(old, upload)) {
        upload->chunks_count = 0; /* nothing to send */
        return 0;
    }
    put.set = want->set;
    put.manifest = set_upload_manifest(upload);
    if (old) {
        put.object = old->said->id;
        put.bases = old->said->heads;
        put.n_bases = old->said->n_heads;
        put.vector = old->said->vector;
        put.n_vector = old->said->n_vector;
    }
    return add_step(planning, (struct plan_step){old ? "change" : "add", "set", want->set->name, 0},
        PICKET__V1__OP_KIND__OP_PUT_SET, &put.base);
}

static int plan_sets(const struct planning *planning)
{
    struct desired *desired = planning->plan->desired;
    OWN(own_memory) struct bytes *references = calloc(desired->sets_count + 1, sizeof(*references));
    int r = references ? 0 : no_memory(planning);

    for (uint32_t i = 0; r == 0 && i < desired->sets_count; i++)
        r = plan_set(planning, i, &references[i]);
    if (r == 0 && desired_bind_sets(desired, references) < 0)
        r = no_memory(planning);
    return r;
}

/* ---- rules */

/* A copy whose set references are object ids, as they stand in the fleet's version. */
static bool same_rule(const struct object *old, const Picket__V1__Rule *want)
{
    OWN(buffer_fini) struct buffer bytes = {0};
    Picket__V1__Addresses *sides[2] = {NULL, NULL};
    ProtobufCMessage *copy = NULL;
    bool is_same;

    if (wire_pack(&old->rule->base, &bytes) < 0 ||
        wire_unpack(&picket__v1__rule__descriptor, buffer_bytes(&bytes), 16UL * ENTRY_BYTES_MAX,
            &copy) != WIRE_OK)
        return false;
    if (((Picket__V1__Rule *)copy)->match) {
        sides[0] = ((Picket__V1__Rule *)copy)->match->source;
        sides[1] = ((Picket__V1__Rule *)copy)->match->destination;
    }
    for (int i = 0; i < 2; i++) {
        uint8_t id[OP_REF_BYTES];
        uint8_t *grown;

        if (!sides[i] || sides[i]->set.len != 4 || old->said->winner.len != OP_REF_BYTES ||
            !ledger_set_resolve(old->said->winner.data, bytes_of(sides[i]->set.data, 4), id))
            continue;
        grown = bytes_copy(id, OP_REF_BYTES);
        if (!grown)
            break;
        free(sides[i]->set.data);
        sides[i]->set = (ProtobufCBinaryData){.data = grown, .len = OP_REF_BYTES};
    }
    is_same = same_message(copy, &want->base);
    wire_free(copy);
    return is_same;
}

static int plan_rule(const struct planning *planning, const struct desired_rule *want)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    const struct object *old;
    int r = find_named(planning, OBJECT_RULE, want->rule->name, &old);

    if (r == 0 && old)
        r = check_base(planning, old, "rule", old->rule ? old->rule->owner : NULL);
    if (r < 0)
        return r;
    if (old && old->rule && old->said->n_heads == 1 && same_rule(old, want->rule))
        return 0;
    r = allowed_rule(planning->grant, old ? old->rule : NULL, want->rule, planning->reterr_problem);
    if (r < 0)
        return r;
    put.rule = want->rule;
    if (old) {
        put.object = old->said->id;
        put.bases = old->said->heads;
        put.n_bases = old->said->n_heads;
    }
    return add_step(planning,
        (struct plan_step){old ? "change" : "add", "rule", want->rule->name, want->rule->priority},
        PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base);
}

/* ---- defaults */

static int plan_default(const struct planning *planning, const struct desired_default *want)
{
    Picket__V1__PutDefault put = PICKET__V1__PUT_DEFAULT__INIT;
    const struct object *old = NULL;
    int r = 0;

    if (want->policy->action == PICKET__V1__ACTION__ACTION_DROP)
        return problem_say(planning->reterr_problem, -ENOTSUP,
            "line %u: a default of drop would drop replies too; it waits for connection state",
            want->line);
    for (uint32_t i = 0; i < planning->objects->count; i++) {
        const struct object *at = &planning->objects->at[i];

        if (at->policy && at->policy->direction == want->policy->direction &&
            at->policy->device_class == want->policy->device_class &&
            same_scope(at->policy->scope, want->policy->scope))
            old = at;
    }
    if (old)
        r = check_base(planning, old, "default", NULL);
    if (r == 0)
        r = allowed_scope(planning->grant, want->policy->scope, planning->reterr_problem);
    if (r < 0 || (old && old->said->n_heads == 1 && old->policy->action == want->policy->action))
        return r;
    put.policy = want->policy;
    if (old) {
        put.object = old->said->id;
        put.bases = old->said->heads;
        put.n_bases = old->said->n_heads;
    }
    return add_step(planning,
        (struct plan_step){old ? "change" : "add", "default", action_word(want->policy->action), 0},
        PICKET__V1__OP_KIND__OP_PUT_DEFAULT, &put.base);
}

/* ---- what is no longer named */

static bool is_named(const struct desired *desired, const struct object *object)
{
    for (uint32_t i = 0; object->rule && i < desired->rules_count; i++)
        if (strcmp(desired->rules[i].rule->name, object->rule->name) == 0)
            return true;
    for (uint32_t i = 0; object->set && i < desired->sets_count; i++)
        if (strcmp(desired->sets[i].set->name, object->set->name) == 0)
            return true;
    return false;
}

static int plan_deletion(const struct planning *planning, const struct object *object)
{
    Picket__V1__Delete message = PICKET__V1__DELETE__INIT;
    int r = check_base(planning, object, "", NULL);

    if (r == 0 && object->rule)
        r = allowed_rule(planning->grant, object->rule, NULL, planning->reterr_problem);
    if (r < 0)
        return r;
    message.object = object->said->id;
    message.bases = object->said->heads;
    message.n_bases = object->said->n_heads;
    return add_step(planning,
        (struct plan_step){"delete", object->rule ? "rule" : "set", object_name(object),
            object->rule ? object->rule->priority : 0},
        PICKET__V1__OP_KIND__OP_DELETE, &message.base);
}

static int plan_deletions(const struct planning *planning)
{
    const struct desired *desired = planning->plan->desired;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < planning->objects->count; i++) {
        const struct object *object = &planning->objects->at[i];
        const char *owner = object->rule  ? object->rule->owner
                            : object->set ? object->set->owner
                                          : NULL;

        if (owner && strcmp(owner, desired->owner) == 0 && !is_named(desired, object))
            r = plan_deletion(planning, object);
    }
    return r;
}

/* ---- the whole */

static int plan_the_rest(const struct planning *planning)
{
    const struct desired *desired = planning->plan->desired;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < desired->rules_count; i++)
        r = plan_rule(planning, &desired->rules[i]);
    for (uint32_t i = 0; r == 0 && i < desired->defaults_count; i++)
        r = plan_default(planning, &desired->defaults[i]);
    return r < 0 ? r : plan_deletions(planning);
}

static void free_operations(struct plan *plan, uint32_t from)
{
    for (size_t i = from; i < plan->operations_count; i++) {
        author_operation_fini(plan->operations[i]);
        free(plan->operations[i]);
    }
    plan->operations_count = from < plan->operations_count ? from : plan->operations_count;
    plan->count = (uint32_t)plan->operations_count;
}

int plan_make(struct plan *plan, const struct objects *objects, const Picket__V1__Grant *grant,
    struct problem *reterr_problem)
{
    struct planning planning = {
        .plan = plan, .objects = objects, .grant = grant, .reterr_problem = reterr_problem};
    const struct desired *desired = plan->desired;
    size_t room =
        1UL + desired->sets_count + desired->rules_count + desired->defaults_count + objects->count;
    int r;

    plan->uploads = calloc(desired->sets_count + 1, sizeof(*plan->uploads));
    plan->references = calloc(desired->sets_count + 1, sizeof(*plan->references));
    plan->operations = calloc(room, sizeof(*plan->operations));
    plan->steps = calloc(room, sizeof(*plan->steps));
    if (!plan->uploads || !plan->references || !plan->operations || !plan->steps)
        return no_memory(&planning);
    r = plan_sets(&planning);
    plan->sets_steps = plan->count;
    return r < 0 ? r : plan_the_rest(&planning);
}

int plan_after_sets(struct plan *plan, const struct objects *objects,
    const Picket__V1__Grant *grant, const uint8_t (*ids)[OP_REF_BYTES],
    struct problem *reterr_problem)
{
    struct planning planning = {
        .plan = plan, .objects = objects, .grant = grant, .reterr_problem = reterr_problem};
    OWN(own_memory) struct bytes *made = calloc(plan->sets_steps + 1UL, sizeof(*made));

    if (!made)
        return no_memory(&planning);
    for (uint32_t i = 0; i < plan->sets_steps; i++)
        made[i] = bytes_of(ids[i], OP_REF_BYTES);
    /* What is still 4 bytes long is the index of the step that makes the set. */
    if (desired_bind_sets(plan->desired, made) < 0)
        return no_memory(&planning);
    free_operations(plan, plan->sets_steps);
    return plan_the_rest(&planning);
}

void plan_fini(struct plan *plan)
{
    free_operations(plan, 0);
    for (uint32_t i = 0; plan->uploads && plan->desired && i < plan->desired->sets_count; i++)
        set_upload_fini(&plan->uploads[i]);
    free(plan->operations);
    free(plan->uploads);
    free(plan->references);
    free(plan->steps);
    desired_free(plan->desired);
    memset(plan, 0, sizeof(*plan));
}
