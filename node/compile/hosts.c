/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MIN 16
#define SEEDS 8 /* tried at each size */

/* Puts a host into its set; one address may come several times. False: the set is full. */
static bool place(const struct fw_gen *gen, struct fw_host_set *sets, const struct fw_host *host)
{
    uint32_t number = fw_host_set_of(gen, host->family, host->address[0], host->address[1]);

    for (uint32_t i = 0; i < FW_HOST_WAYS; i++) {
        struct fw_host *way = &sets[number].ways[i];
        bool is_same = way->family == host->family &&
                       memcmp(way->address, host->address, sizeof(way->address)) == 0;

        if (way->flags != 0 && !is_same)
            continue;
        way->family = host->family;
        memcpy(way->address, host->address, sizeof(way->address));
        way->flags |= host->flags;
        return true;
    }
    return false;
}

/* Free ways last. */
static int way_order(const void *a, const void *b)
{
    const struct fw_host *x = a, *y = b;

    if ((x->flags == 0) != (y->flags == 0))
        return x->flags == 0 ? 1 : -1;
    return memcmp(x, y, sizeof(*x));
}

/* The same hosts give the same table, in whatever order they come. */
static bool place_all(const struct compile_lifeline *lifeline, struct compile_tables *tables)
{
    memset(tables->hosts, 0, tables->hosts_count * sizeof(*tables->hosts));
    for (size_t i = 0; i < lifeline->hosts_count; i++) {
        const struct compile_host *from = &lifeline->hosts[i];
        struct fw_host host = {.family = from->is_v6 ? FW_IPV6 : FW_IPV4, .flags = from->flags};

        memcpy(host.address, from->address, from->is_v6 ? 16 : 4);
        if (!place(&tables->gen, tables->hosts, &host))
            return false;
    }
    for (uint32_t i = 0; i < tables->hosts_count; i++)
        qsort(tables->hosts[i].ways, FW_HOST_WAYS, sizeof(struct fw_host), way_order);
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
