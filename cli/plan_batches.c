/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_batches.h"

#include "base/own.h"

#include <errno.h>
#include <string.h>

enum phase { PHASE_SETS, PHASE_ADD, PHASE_CHANGE, PHASE_DEFAULT, PHASE_DELETE, PHASE_DELETE_SETS };

struct place {
    struct plan_step step;
    Picket__V1__Operation *operation;
    enum phase phase;
    int64_t rank; /* inside its phase */
    uint32_t index;
};

static enum phase phase_of(const struct plan_step *step)
{
    bool is_set = strcmp(step->kind, "set") == 0;

    if (strcmp(step->verb, "delete") == 0)
        return is_set ? PHASE_DELETE_SETS : PHASE_DELETE;
    if (is_set)
        return PHASE_SETS;
    if (strcmp(step->kind, "default") == 0)
        return PHASE_DEFAULT;
    return strcmp(step->verb, "add") == 0 ? PHASE_ADD : PHASE_CHANGE;
}

/* More rules are added than deleted. */
static bool is_growing(const struct plan *plan)
{
    int64_t more = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        enum phase phase = phase_of(&plan->steps[i]);

        more += (phase == PHASE_ADD) - (phase == PHASE_DELETE);
    }
    return more > 0;
}

static int compare(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;

    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

int plan_order(struct plan *plan)
{
    OWN(own_memory) struct place *places = calloc(plan->count + 1UL, sizeof(*places));
    bool is_backward = is_growing(plan);

    if (!places)
        return -ENOMEM;
    for (uint32_t i = 0; i < plan->count; i++) {
        struct place *at = &places[i];

        *at = (struct place){.step = plan->steps[i], .operation = plan->operations[i], .index = i};
        at->phase = phase_of(&at->step);
        at->rank = at->step.priority;
        if (at->phase == PHASE_DELETE || (at->phase == PHASE_CHANGE && is_backward))
            at->rank = -at->rank;
    }
    qsort(places, plan->count, sizeof(*places), compare);
    for (uint32_t i = 0; i < plan->count; i++) {
        plan->steps[i] = places[i].step;
        plan->operations[i] = places[i].operation;
    }
    return 0;
}

static size_t bytes_in_entry(const Picket__V1__Operation *operation)
{
    return protobuf_c_message_get_packed_size(&operation->base) + 4; /* its tag and length */
}

uint32_t plan_batch_end(const struct plan *plan, uint32_t from, uint32_t end)
{
    size_t bytes = 0;
    uint32_t at = from;

    for (; at < end && at - from < ENTRY_OPS_MAX; at++) {
        bytes += bytes_in_entry(plan->operations[at]);
        if (bytes > PLAN_BATCH_BYTES_MAX && at > from)
            break;
    }
    return at;
}

uint32_t plan_batches_count(const struct plan *plan)
{
    uint32_t count = 0;

    if (plan_batch_end(plan, 0, plan->count) == plan->count)
        return 1;
    for (uint32_t at = 0; at < plan->count; count++)
        at = plan_batch_end(plan, at, at < plan->sets_steps ? plan->sets_steps : plan->count);
    return count;
}
