/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/parts.h"

#include <stdlib.h>

static bool comes_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event keep = *a;

    *a = *b;
    *b = keep;
}

void sim_push(struct sim_world *world, uint64_t delay_ms, struct sim_event event)
{
    uint32_t at = world->heap_count;

    event.at_ms = world->now_ms + delay_ms;
    event.order = world->order++;
    if (at == world->heap_capacity) {
        world->heap_capacity = at ? at * 2 : 256;
        world->heap = realloc(world->heap, world->heap_capacity * sizeof(event));
        if (!world->heap)
            abort();
    }
    world->heap[world->heap_count++] = event;
    while (at && comes_before(&world->heap[at], &world->heap[(at - 1) / 2])) {
        swap(&world->heap[at], &world->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

bool sim_pop(struct sim_world *world, struct sim_event *ret_event)
{
    uint32_t at = 0;

    if (!world->heap_count)
        return false;
    *ret_event = world->heap[0];
    world->heap[0] = world->heap[--world->heap_count];
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= world->heap_count)
            return true;
        if (child + 1 < world->heap_count &&
            comes_before(&world->heap[child + 1], &world->heap[child]))
            child++;
        if (!comes_before(&world->heap[child], &world->heap[at]))
            return true;
        swap(&world->heap[child], &world->heap[at]);
        at = child;
    }
}

void sim_queue_free(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->heap_count; i++)
        free(world->heap[i].bytes);
    free(world->heap);
}
