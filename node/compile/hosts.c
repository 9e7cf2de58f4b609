/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MIN 16
#define SEEDS 8 /* tried at each size */

/* As in a set. */
struct way {
    uint64_t address[2];
    uint16_t flags;
};

static struct way way_of(const struct compile_host *host)
{
    struct way way = {.flags = (uint16_t)(host->flags | (host->is_v6 ? FW_HOST_IPV6 : 0))};

    memcpy(way.address, host->address, host->is_v6 ? 16 : 4);
    return way;
}

static bool is_same_address(const struct fw_host_set *set, uint32_t i, const struct way *way)
{
    return ((set->flags[i] ^ way->flags) & FW_HOST_IPV6) == 0 &&
           memcmp(set->addresses[i], way->address, sizeof(way->address)) == 0;
}

/* One address may come several times. False: the set is full. */
static bool place(struct fw_host_set *set, const struct way *way)
{
    for (uint32_t i = 0; i < FW_HOST_WAYS; i++) {
        if (set->flags[i] != 0 && !is_same_address(set, i, way))
            continue;
        memcpy(set->addresses[i], way->address, sizeof(way->address));
        set->flags[i] |= way->flags;
        return true;
    }
    return false;
}

/* Free ways last. */
static int way_order(const void *a, const void *b)
{
    const struct way *x = a, *y = b;

    if ((x->flags == 0) != (y->flags == 0))
        return x->flags == 0 ? 1 : -1;
    return memcmp(x, y, sizeof(*x));
}

static void sort(struct fw_host_set *set)
{
    struct way ways[FW_HOST_WAYS] = {0};

    for (uint32_t i = 0; i < FW_HOST_WAYS; i++) {
        memcpy(ways[i].address, set->addresses[i], sizeof(ways[i].address));
        ways[i].flags = set->flags[i];
    }
    qsort(ways, FW_HOST_WAYS, sizeof(ways[0]), way_order);
    for (uint32_t i = 0; i < FW_HOST_WAYS; i++) {
        memcpy(set->addresses[i], ways[i].address, sizeof(ways[i].address));
        set->flags[i] = ways[i].flags;
    }
}

/* The same hosts give the same table, in whatever order they come. */
static bool place_all(const struct compile_lifeline *lifeline, struct compile_tables *tables)
{
    memset(tables->hosts, 0, tables->hosts_count * sizeof(*tables->hosts));
    for (size_t i = 0; i < lifeline->hosts_count; i++) {
        struct way way = way_of(&lifeline->hosts[i]);
        uint32_t family = lifeline->hosts[i].is_v6 ? FW_IPV6 : FW_IPV4;
        uint32_t set = fw_host_set_of(&tables->gen, family, way.address[0], way.address[1]);

        if (!place(&tables->hosts[set], &way))
            return false;
    }
    for (uint32_t i = 0; i < tables->hosts_count; i++)
        sort(&tables->hosts[i]);
    return true;
}

/* Half full at most: then a seed that fits is soon found. */
static uint32_t first_size(size_t hosts)
{
    uint32_t sets = SETS_MIN;

    while (sets < FW_HOST_SETS_MAX && (size_t)sets * FW_HOST_WAYS / 2 < hosts)
        sets *= 2;
    return sets;
}

int build_hosts(const struct compile_lifeline *lifeline, struct compile_tables *tables,
    struct problem *reterr_problem)
{
    for (uint32_t sets = first_size(lifeline->hosts_count); sets <= FW_HOST_SETS_MAX; sets *= 2) {
        struct fw_host_set *more = realloc(tables->hosts, sets * sizeof(*more));

        if (!more)
            return -ENOMEM;
        tables->hosts = more;
        tables->hosts_count = sets;
        tables->gen.hosts_mask = sets - 1;
        for (uint32_t seed = 0; seed < SEEDS; seed++) {
            tables->gen.hosts_seed = seed;
            if (place_all(lifeline, tables))
                return 0;
        }
    }
    return problem_say(reterr_problem, -E2BIG,
        "%zu addresses of this box, its peers and servers are more than its table of addresses "
        "takes; name fewer",
        lifeline->hosts_count);
}
