/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/generations.h"
#include "base/own.h"
#include "tests/bench/packet/live/box.h"
#include "tests/bpf/forms.h"
#include "tests/bpf/world.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WORLDS 2

struct generations {
    struct box box;
    struct world *worlds[WORLDS];
    struct packet packets[FORMS_COUNT];
    int entries[2]; /* what devices would carry: XDP, tc */
    atomic_bool is_over;
    struct flips_counts counts;
    int code;
};

/* The first rule drops all, or the last does. They differ in size, so that maps are refilled with
 * more and with less. */
static int open_world(struct generations *generations, uint32_t which, struct problem *problem)
{
    struct world *world = calloc(1, sizeof(*world));
    char text[96];
    int r;

    generations->worlds[which] = world;
    if (!world)
        return -ENOMEM;
    r = world_init(world);
    if (r == 0)
        r = world_rule(world, which ? "drop in priority 900" : "drop in priority 0");
    for (int i = 0; r == 0 && i < (which ? 700 : 40); i++) {
        (void)snprintf(text, sizeof(text),
            "drop in udp from 203.0.%d.0/24 to any port %d priority %d", i % 100, 2000 + i, i);
        r = world_rule(world, text);
    }
    if (r == 0)
        r = world_compile(world);
    return r < 0 ? problem_say(problem, r, "a world: %s", world->problem.text) : 0;
}

static int open_entry(const char *name)
{
    char pattern[160];
    glob_t found = {0};
    int fd = -ENOENT;

    (void)snprintf(pattern, sizeof(pattern), "%s/picket/v*/%s", BOX_BPFFS, name);
    if (glob(pattern, 0, NULL, &found) == 0)
        fd = bpf_obj_get(found.gl_pathv[0]);
    globfree(&found);
    return fd;
}

static int publish(struct generations *generations, uint32_t which, struct problem *problem)
{
    const struct call *call =
        call_fill(generations->box.datapath, generations->worlds[which]->tables);

    if (call->code == 0)
        call = call_flip(generations->box.datapath, call->slot);
    return call->code < 0 ? problem_say(problem, call->code, "%s", call->why) : 0;
}

static int open_all(struct generations *generations, struct problem *problem)
{
    int r = 0;

    forms_build(generations->packets);
    for (uint32_t which = 0; r == 0 && which < WORLDS; which++)
        r = open_world(generations, which, problem);
    if (r < 0)
        return r;
    if (box_open(&generations->box) < 0)
        return problem_say(problem, -EIO, "no box");
    generations->entries[0] = open_entry("fw_xdp_entry");
    generations->entries[1] = open_entry("fw_tc_entry");
    if (generations->entries[0] < 0 || generations->entries[1] < 0)
        return problem_say(problem, -ENOENT, "the entry programs are not pinned");
    return publish(generations, 0, problem);
}

static void *hammer(void *user)
{
    struct generations *generations = user;
    static const uint32_t drops[2] = {XDP_DROP, TC_ACT_SHOT};

    for (uint64_t i = 0; generations->code == 0 && !atomic_load(&generations->is_over); i++) {
        uint32_t kind = i / FORMS_COUNT % 2;
        const struct packet *packet = &generations->packets[i % FORMS_COUNT];
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->bytes,
            .data_size_in = (uint32_t)packet->len, .repeat = 1);

        generations->code = bpf_prog_test_run_opts(generations->entries[kind], &options);
        generations->counts.packets++;
        if (options.retval == drops[kind])
            generations->counts.dropped++;
        else
            generations->counts.passed++;
    }
    return NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Rules dropped all of them, and nothing else had a say. */
static int judge(struct generations *generations, struct problem *problem)
{
    const struct datapath_count *reasons = box_reasons(&generations->box);
    const struct flips_counts *counts = &generations->counts;

    if (!reasons)
        return problem_say(problem, -EIO, "the counters cannot be read");
    if (counts->passed == 0 && reasons[FW_REASON_DROP_RULE].packets == counts->packets)
        return 0;
    (void)problem_say(problem, 0,
        "of %llu packets %llu passed, rules dropped %llu, a missing program %llu, the lifeline "
        "%llu",
        (unsigned long long)counts->packets, (unsigned long long)counts->passed,
        (unsigned long long)reasons[FW_REASON_DROP_RULE].packets,
        (unsigned long long)reasons[FW_REASON_DROP_STAGE].packets,
        (unsigned long long)reasons[FW_REASON_DROP_LIFELINE_ONLY].packets);
    return 1;
}

static int change(struct generations *generations, uint64_t seconds, struct problem *problem)
{
    uint64_t until_ms = now_ms() + seconds * 1000;
    pthread_t thread;
    int r = 0;

    if (pthread_create(&thread, NULL, hammer, generations) != 0)
        return -EAGAIN;
    while (r == 0 && now_ms() < until_ms)
        r = publish(generations, ++generations->counts.flips % WORLDS, problem);
    atomic_store(&generations->is_over, true);
    (void)pthread_join(thread, NULL);
    if (r == 0 && generations->code < 0)
        r = problem_say(problem, generations->code, "a packet: %s", strerror(-generations->code));
    return r == 0 ? judge(generations, problem) : r;
}

int generations_run(
    uint64_t seconds, struct flips_counts *ret_counts, struct problem *reterr_problem)
{
    struct generations *generations = calloc(1, sizeof(*generations));
    int r;

    if (!generations)
        return -ENOMEM;
    generations->entries[0] = generations->entries[1] = -1;
    r = open_all(generations, reterr_problem);
    if (r == 0)
        r = change(generations, seconds, reterr_problem);
    *ret_counts = generations->counts;
    own_fd(&generations->entries[0]);
    own_fd(&generations->entries[1]);
    box_close(&generations->box);
    for (uint32_t which = 0; which < WORLDS; which++) {
        if (generations->worlds[which])
            world_fini(generations->worlds[which]);
        free(generations->worlds[which]);
    }
    free(generations);
    return r;
}
