/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c - what one neighbour may make this node read, sort and send. A share refills with time;
 * it is more than a node can verify, so only who asks again and again for the same meets its end.
 * Above it nothing is served and nobody is blamed, unless asking goes on: who asks by this
 * protocol's own timers does not.
 */
#include "mesh/core/core_internal.h"

#define SHARE_BYTES (64ULL * 1024 * 1024)
#define SHARE_BYTES_A_MS (32ULL * 1024)
#define REFUSED_MAX 8 /* without blame: a want and the chunks asked for at a time */

static void refill(struct mesh_core *core, struct mesh_link *link)
{
    uint64_t back = (core->now_ms - link->spent_ms) * SHARE_BYTES_A_MS;

    link->spent -= back < link->spent ? back : link->spent;
    link->spent_ms = core->now_ms;
}

bool mesh_budget_take(struct mesh_core *core, struct mesh_link *link, uint64_t cost)
{
    refill(core, link);
    if (link->spent < SHARE_BYTES) {
        link->refused_count = 0;
        link->spent += cost;
        return true;
    }
    if (++link->refused_count > REFUSED_MAX)
        mesh_link_blame(core, link, MESH_GREEDY);
    return false;
}

void mesh_budget_spend(struct mesh_link *link, uint64_t bytes)
{
    link->spent += bytes;
}
