/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/flips.h"
#include "base/prng.h"
#include "tests/bpf/forms.h"
#include "tests/bpf/kernel.h"
#include "tests/bpf/world.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GENERATIONS 2
#define PACKETS_MAX_UNTIL_BOTH 500000 /* one busy core: flips come in bursts */

static const uint32_t slots[GENERATIONS] = {KERNEL_SLOT, 2};
static const enum fw_kind kinds[] = {FW_KIND_XDP, FW_KIND_TC_IN};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- generations */

struct flips {
    struct world *worlds[GENERATIONS];
    struct kernel *kernel;
    struct packet packets[FORMS_COUNT];
    struct host_answer wanted[GENERATIONS][KINDS][FORMS_COUNT];
};

/* Rules that no form meets, and a set that makes both tries. */
static int add_rules(struct world *world, uint32_t which)
{
    char text[120];
    int r = world_set(world, "listed", "198.18.0.0/15 2001:db8:99::/48");

    for (int i = 0; r == 0 && i < 40; i++) {
        (void)snprintf(text, sizeof(text), "%s in udp from 203.0.113.%d to any port %d priority %d",
            i % 2 ? "drop" : "allow", i, 2000 + i, i);
        r = world_rule(world, text);
        (void)snprintf(text, sizeof(text),
            "%s in tcp from 2001:db8:%d::/48 to any port %d priority %d", i % 2 ? "drop" : "allow",
            i + 100, 2000 + i, i);
        if (r == 0)
            r = world_rule(world, text);
    }
    (void)snprintf(text, sizeof(text), "%s in from @listed priority 800", which ? "allow" : "drop");
    if (r == 0)
        r = world_rule(world, text);
    (void)snprintf(text, sizeof(text), "%s in priority 900", which ? "allow" : "drop");
    return r == 0 ? world_rule(world, text) : r;
}

/* One drops by its last rules what the other lets pass by its last: the default, and every other
 * rule, is a mixture. */
static int open_world(struct flips *flips, uint32_t which, struct problem *problem)
{
    struct world *world = calloc(1, sizeof(*world));
    int r;

    flips->worlds[which] = world;
    if (!world)
        return -ENOMEM;
    r = world_init(world);
    world->device.is_xdp = false;
    if (r == 0)
        r = add_rules(world, which);
    if (r == 0)
        r = world_compile(world);
    return r < 0 ? problem_say(problem, r, "a world: %s", world->problem.text) : 0;
}

static bool is_same(const struct host_answer *a, const struct host_answer *b)
{
    return a->drops == b->drops && a->reason == b->reason;
}

/* What each generation does by itself. Forms that both treat alike would show nothing. */
static int learn(struct flips *flips, struct problem *problem)
{
    for (uint32_t which = 0; which < GENERATIONS; which++) {
        kernel_set_word(flips->kernel, FW_WORD(slots[which], 0, 0));
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            for (uint32_t form = 0; form < FORMS_COUNT; form++) {
                const struct packet *packet = &flips->packets[form];
                struct host_answer *wanted = &flips->wanted[which][kind][form];
                int r = kernel_decide(
                    flips->kernel, kinds[kind], bytes_of(packet->bytes, packet->len), wanted);

                if (r < 0)
                    return problem_say(problem, r, "form %u: %s", form, strerror(-r));
                if (which && is_same(wanted, &flips->wanted[0][kind][form]))
                    return problem_say(
                        problem, -EINVAL, "form %u gets one verdict from both", form);
            }
        }
    }
    return 0;
}

int flips_new(struct flips **ret_flips, struct problem *reterr_problem)
{
    struct flips *flips = calloc(1, sizeof(*flips));
    int r = flips ? 0 : -ENOMEM;

    if (r == 0)
        forms_build(flips->packets);
    for (uint32_t which = 0; r == 0 && which < GENERATIONS; which++)
        r = open_world(flips, which, reterr_problem);
    if (r == 0)
        r = kernel_new(flips->worlds[0]->tables, &flips->kernel, reterr_problem);
    if (r == 0)
        r = kernel_add(flips->kernel, flips->worlds[1]->tables, slots[1]);
    if (r == 0)
        r = learn(flips, reterr_problem);
    if (r < 0)
        flips_free(flips);
    else
        *ret_flips = flips;
    return r;
}

void flips_free(struct flips *flips)
{
    if (!flips)
        return;
    kernel_free(flips->kernel);
    for (uint32_t which = 0; which < GENERATIONS; which++) {
        if (flips->worlds[which])
            world_fini(flips->worlds[which]);
        free(flips->worlds[which]);
    }
    free(flips);
}

/* ---- the run */

struct flipper {
    struct kernel *kernel;
    uint64_t seed;
    atomic_ullong flips;
    atomic_bool is_over;
};

static void *flip(void *user)
{
    struct flipper *flipper = user;
    struct prng prng;

    prng_seed(&prng, flipper->seed);
    while (!atomic_load(&flipper->is_over)) {
        kernel_set_word(flipper->kernel, FW_WORD(slots[prng_below(&prng, GENERATIONS)], 0, 0));
        atomic_fetch_add(&flipper->flips, 1);
    }
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int one_packet(
    struct flips *flips, struct prng *prng, struct flips_counts *counts, struct problem *problem)
{
    uint32_t kind = (uint32_t)prng_below(prng, KINDS),
             form = (uint32_t)prng_below(prng, FORMS_COUNT);
    const struct packet *packet = &flips->packets[form];
    struct host_answer answer;
    int r =
        kernel_decide(flips->kernel, kinds[kind], bytes_of(packet->bytes, packet->len), &answer);

    if (r < 0)
        return problem_say(problem, r, "form %u: %s", form, strerror(-r));
    counts->packets++;
    counts->passed += !answer.drops;
    counts->dropped += answer.drops;
    if (is_same(&answer, &flips->wanted[0][kind][form]) ||
        is_same(&answer, &flips->wanted[1][kind][form]))
        return 0;
    (void)problem_say(problem, 0,
        "packet %llu, form %u, %s: %s for reason %u, as neither generation does",
        (unsigned long long)counts->packets, form, kinds[kind] == FW_KIND_XDP ? "xdp" : "tc",
        answer.drops ? "drops" : "passes", answer.reason);
    return 1;
}

static bool is_enough(const struct flipper *flipper, const struct flips_counts *counts,
    const struct flips_least *least, uint64_t since_ms)
{
    bool saw_both = counts->passed && counts->dropped;

    return atomic_load(&flipper->flips) >= least->flips && counts->packets >= least->packets &&
           now_ms() - since_ms >= least->ms &&
           (saw_both || counts->packets > PACKETS_MAX_UNTIL_BOTH);
}

int flips_run(struct flips *flips, const struct flips_least *least, uint64_t seed,
    struct flips_counts *ret_counts, struct problem *reterr_problem)
{
    struct flipper flipper = {.kernel = flips->kernel, .seed = seed};
    uint64_t since_ms = now_ms();
    struct prng prng;
    pthread_t thread;
    int r;

    *ret_counts = (struct flips_counts){0};
    prng_seed(&prng, seed + 1);
    if (pthread_create(&thread, NULL, flip, &flipper) != 0)
        return -EAGAIN;
    do
        r = one_packet(flips, &prng, ret_counts, reterr_problem);
    while (r == 0 && !is_enough(&flipper, ret_counts, least, since_ms));
    atomic_store(&flipper.is_over, true);
    (void)pthread_join(thread, NULL);
    ret_counts->flips = atomic_load(&flipper.flips);
    if (r == 0 && (!ret_counts->passed || !ret_counts->dropped))
        return problem_say(reterr_problem, -EAGAIN, "only one generation was met");
    return r;
}
