/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_batches.h"

#include "base/own.h"

#include <errno.h>
#include <string.h>

struct place {
    struct plan_step step;
    Picket__V1__Operation *operation;
    uint32_t index;
};

static int phase(const struct plan_step *step)
{
    bool is_set = strcmp(step->kind, "set") == 0;

    if (strcmp(step->verb, "delete") == 0)
        return is_set ? 5 : 4;
    if (is_set)
        return 0;
    if (strcmp(step->kind, "default") == 0)
        return 3;
    return strcmp(step->verb, "add") == 0 ? 1 : 2;
}

static int compare(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    int by_phase = phase(&a->step) - phase(&b->step);
    int by_priority = (a->step.priority > b->step.priority) - (a->step.priority < b->step.priority);

    if (by_phase)
        return by_phase;
    if (by_priority)
        return phase(&a->step) == 4 ? -by_priority : by_priority;
    return (a->index > b->index) - (a->index < b->index);
}

int plan_order(struct plan *plan)
{
    OWN(own_memory) struct place *places = calloc(plan->count + 1UL, sizeof(*places));

    if (!places)
        return -ENOMEM;
    for (uint32_t i = 0; i < plan->count; i++)
        places[i] = (struct place){plan->steps[i], plan->operations[i], i};
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
