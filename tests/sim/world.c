/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "tests/sim/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIVE_MS 12000 /* people write, faults happen */
#define HEAL_MS 60000   /* then all must agree within this time */

static struct sim_world *dumped;

static void dump(void)
{
    if (dumped) {
        (void)snprintf(dumped->failure, sizeof(dumped->failure), "a CHECK failed");
        sim_print_failure(dumped);
    }
}

/* ---- small things */

bool sim_has_fault(const struct sim_world *world, enum sim_fault fault)
{
    return !world->is_calm && (world->options.faults & (1U << fault));
}

bool sim_chance(struct sim_world *world, uint64_t one_in)
{
    return prng_below(&world->prng, one_in) == 0;
}

uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high)
{
    return low + prng_below(&world->prng, high - low + 1);
}

uint32_t sim_live_node(struct sim_world *world, uint32_t from)
{
    for (uint32_t i = 0; i < world->options.nodes; i++)
        if (world->nodes[(from + i) % world->options.nodes].replica)
            return (from + i) % world->options.nodes;
    return from % world->options.nodes;
}

static void put_line(struct sim_world *world, const char *line)
{
    char *at = world->trace[world->trace_count++ % SIM_TRACE_LINES];

    (void)snprintf(at, SIM_TRACE_BYTES, "[%6llu] %s", (unsigned long long)world->now_ms, line);
    if (world->options.is_loud)
        (void)puts(at);
}

void sim_say(struct sim_world *world, const char *format, ...)
{
    char line[SIM_TRACE_BYTES - 16];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    put_line(world, line);
}

void sim_trace(void *user, const char *line)
{
    struct sim_world *world = user;

    sim_say(world, "n%u %s", world->stepping, line);
}

void sim_fail(struct sim_world *world, const char *format, ...)
{
    va_list args;

    if (world->has_failed)
        return;
    world->has_failed = true;
    va_start(args, format);
    (void)vsnprintf(world->failure, sizeof(world->failure), format, args);
    va_end(args);
    sim_say(world, "BROKEN %s", world->failure);
}

void sim_print_failure(const struct sim_world *world)
{
    static const char *const words[] = {
#define SIM_FAULT_WORD(name, word, text) word,
        SIM_FAULTS(SIM_FAULT_WORD)
#undef SIM_FAULT_WORD
    };
    uint64_t count = world->trace_count < SIM_TRACE_LINES ? world->trace_count : SIM_TRACE_LINES;
    const char *comma = "";

    for (uint64_t i = world->trace_count - count; i < world->trace_count; i++)
        (void)fprintf(stderr, "%s\n", world->trace[i % SIM_TRACE_LINES]);
    (void)fprintf(stderr, "seed %llu: %s\nreplay: picket-sim --nodes %u --replay %llu --fault ",
        (unsigned long long)world->options.seed, world->failure, world->options.nodes,
        (unsigned long long)world->options.seed);
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++) {
        if (!(world->options.faults & (1U << i)))
            continue;
        (void)fprintf(stderr, "%s%s", comma, words[i]);
        comma = ",";
    }
    (void)fprintf(stderr, "%s\n", world->options.faults ? "" : "none");
}

/* ---- nodes */

static void perform(void *user, const struct replica_effect *effect)
{
    struct sim_world *world = user;
    uint32_t node = world->stepping;
    struct sim_event event = {.node = node, .epoch = world->nodes[node].epoch};

    sim_check_effect(world, node, effect);
    switch (effect->kind) {
    case REPLICA_DO_SEND:
        sim_net_send(world, node, effect->link, effect->bytes);
        break;
    case REPLICA_DO_DIAL:
        sim_net_dial(world, node, effect->address);
        break;
    case REPLICA_DO_CLOSE:
        sim_net_close(world, node, effect->link);
        break;
    case REPLICA_DO_VERIFY:
        event.kind = SIM_VERIFIED;
        event.ticket = effect->ticket;
        event.result = sim_claims_hold(world, effect);
        sim_push(world, sim_between(world, 0, 2), event);
        break;
    case REPLICA_DO_STORE:
    case REPLICA_DO_STORE_CHUNK:
        sim_disk_put(world, node, effect);
        break;
    case REPLICA_DO_READ_CHUNK:
        sim_disk_read(world, node, effect);
        break;
    case REPLICA_DO_ANSWER:
        sim_answered(world, effect);
        break;
    case REPLICA_DO_STATE:
    case REPLICA_DO_PENALISE:
        break;
    }
}

void sim_step(struct sim_world *world, uint32_t node, struct replica_event *event)
{
    const struct replica_effects effects = {.user = world, .fn = perform};
    struct sim_node *n = &world->nodes[node];

    if (world->has_failed || !n->replica)
        return;
    event->now_ms = world->now_ms;
    event->time_s = 1700000000 + world->now_ms / 1000;
    world->stepping = node;
    world->steps++;
    replica_step(n->replica, event, &effects);
    sim_check_step(world, node);
    n->tick_ms = replica_deadline_ms(n->replica);
    if (n->tick_ms <= world->now_ms)
        n->tick_ms = world->now_ms + 1;
}

static void hash_chunk(struct bytes content, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_CHUNK, content, ret_hash);
}

void sim_node_start(struct sim_world *world, uint32_t node)
{
    struct sim_node *n = &world->nodes[node];
    const char *dial[SIM_NODES_MAX], *own = n->address;
    struct replica_options options = {
        .genesis = buffer_bytes(&world->genesis), .chunk_hash = hash_chunk};
    struct replica_event tick = {.kind = REPLICA_ON_TICK};
    struct problem problem = {0};

    /* Each knows node 0 and its left neighbour; the rest comes by contacts. */
    dial[options.mesh.dial_count++] = world->nodes[0].address;
    if (node > 1)
        dial[options.mesh.dial_count++] = world->nodes[node - 1].address;
    memcpy(options.mesh.node, n->id, HASH_BYTES);
    options.mesh.name = n->name;
    options.mesh.dial = dial;
    options.mesh.own = &own;
    options.mesh.own_count = 1;
    options.mesh.seed = prng_next(&world->prng);
    options.mesh.faults_max = world->options.faults & (1U << SIM_FORGERY) ? 1000000 : 0;
    options.mesh.trace_user = world;
    options.mesh.trace = sim_trace;
    n->epoch++;
    world->stepping = node;
    if (replica_new(&options, &n->replica, &problem) < 0) {
        sim_fail(world, "n%u cannot start: %s", node, problem.text);
        return;
    }
    sim_disk_load(world, node);
    sim_check_restart(world, node);
    n->checked_revision = UINT64_MAX;
    sim_step(world, node, &tick);
}

void sim_node_crash(struct sim_world *world, uint32_t node)
{
    struct sim_node *n = &world->nodes[node];

    if (!n->replica)
        return;
    sim_say(world, "n%u dies", node);
    world->crashes++;
    replica_free(n->replica);
    n->replica = NULL;
    n->epoch++;
    sim_net_crash(world, node);
    sim_disk_crash(world, node);
    sim_push(world, sim_between(world, 100, 3000),
        (struct sim_event){.kind = SIM_RESTART, .node = node});
}

/* ---- the story */

static void plan(struct sim_world *world)
{
    uint32_t nodes = world->options.nodes;

    for (uint32_t i = 0; i < 45; i++)
        sim_push(world, sim_between(world, 0, ACTIVE_MS),
            (struct sim_event){.kind = SIM_PERSON_ACTS,
                .person = (uint32_t)prng_below(&world->prng, SIM_PEOPLE_MAX)});
    sim_push(
        world, sim_between(world, 0, 500), (struct sim_event){.kind = SIM_TRUST_ACTS, .result = 2});
    sim_push(world, sim_between(world, 2000, ACTIVE_MS),
        (struct sim_event){.kind = SIM_TRUST_ACTS, .result = SIM_PEOPLE_MAX});
    for (uint32_t i = 0; i < 3 && sim_has_fault(world, SIM_CRASH); i++)
        sim_push(world, sim_between(world, 500, ACTIVE_MS),
            (struct sim_event){
                .kind = SIM_CRASH_NOW, .node = (uint32_t)prng_below(&world->prng, nodes)});
    if (sim_has_fault(world, SIM_PARTITION)) {
        uint64_t from_ms = sim_between(world, 500, ACTIVE_MS / 2);

        sim_push(world, from_ms, (struct sim_event){.kind = SIM_PARTITION_NOW});
        sim_push(world, from_ms + sim_between(world, 500, 9000),
            (struct sim_event){.kind = SIM_HEAL_NOW});
    }
    if (sim_has_fault(world, SIM_BAD_DISK)) {
        uint64_t from_ms = sim_between(world, 500, ACTIVE_MS);
        uint32_t node = (uint32_t)prng_below(&world->prng, nodes);

        sim_push(world, from_ms, (struct sim_event){.kind = SIM_DISK_BREAKS, .node = node});
        sim_push(world, from_ms + sim_between(world, 10, 3000),
            (struct sim_event){.kind = SIM_DISK_HEALS, .node = node});
    }
}

/* Writes at a node; submits there, and in a partition on the other side too: the same tail to both.
 */
static void person_acts(struct sim_world *world, uint32_t person)
{
    uint32_t node = sim_live_node(world, (uint32_t)prng_below(&world->prng, world->options.nodes));

    if (!world->nodes[node].replica)
        return;
    sim_person_writes(world, person, node);
    sim_person_submits(world, person, node);
    sim_push(world, sim_between(world, 10, 400),
        (struct sim_event){.kind = SIM_PERSON_SUBMITS,
            .person = person,
            .node = (uint32_t)prng_below(&world->prng, world->options.nodes)});
}

static void split(struct sim_world *world)
{
    world->is_cut = true;
    for (uint32_t i = 0; i < world->options.nodes; i++)
        world->nodes[i].side = (uint32_t)prng_below(&world->prng, 2);
    world->nodes[0].side = 0;
    world->nodes[world->options.nodes - 1].side = 1;
}

static void happen(struct sim_world *world, struct sim_event *event)
{
    struct replica_event verified = {.kind = REPLICA_ON_VERIFIED};

    switch (event->kind) {
    case SIM_DELIVER:
    case SIM_DIALLED:
    case SIM_CONN_DOWN:
        sim_net_event(world, event);
        break;
    case SIM_COMMIT:
    case SIM_STORED:
    case SIM_CHUNK_STORED:
    case SIM_CHUNK_READ:
        sim_disk_event(world, event);
        break;
    case SIM_VERIFIED:
        verified.verified.ticket = event->ticket;
        verified.verified.is_valid = event->result;
        sim_step(world, event->node, &verified);
        break;
    case SIM_RESTART:
        if (!world->nodes[event->node].replica)
            sim_node_start(world, event->node);
        break;
    case SIM_CRASH_NOW:
        if (!world->is_calm)
            sim_node_crash(world, event->node);
        break;
    case SIM_PARTITION_NOW:
        sim_say(world, "the fleet is cut");
        split(world);
        break;
    case SIM_HEAL_NOW:
        sim_say(world, "the cut heals");
        world->is_cut = false;
        break;
    case SIM_DISK_BREAKS:
    case SIM_DISK_HEALS:
        world->nodes[event->node].disk.is_broken = event->kind == SIM_DISK_BREAKS;
        break;
    case SIM_PERSON_ACTS:
        person_acts(world, event->person);
        break;
    case SIM_PERSON_SUBMITS:
        sim_person_submits(world, event->person, sim_live_node(world, event->node));
        break;
    case SIM_TRUST_ACTS:
        sim_trust_submits(world, (uint32_t)event->result, sim_live_node(world, event->node));
        break;
    }
}

static uint64_t next_tick(const struct sim_world *world, uint32_t *ret_node)
{
    uint64_t soonest = UINT64_MAX;

    for (uint32_t i = 0; i < world->options.nodes; i++) {
        if (!world->nodes[i].replica || world->nodes[i].tick_ms >= soonest)
            continue;
        soonest = world->nodes[i].tick_ms;
        *ret_node = i;
    }
    return soonest;
}

void sim_run_until(struct sim_world *world, uint64_t until_ms)
{
    while (!world->has_failed) {
        struct replica_event tick = {.kind = REPLICA_ON_TICK};
        struct sim_event event;
        uint32_t node = 0;
        uint64_t tick_ms = next_tick(world, &node);
        uint64_t event_ms = world->heap_count ? world->heap[0].at_ms : UINT64_MAX;

        if (tick_ms > until_ms && event_ms > until_ms)
            break;
        if (tick_ms < event_ms) {
            world->now_ms = tick_ms;
            sim_step(world, node, &tick);
            continue;
        }
        (void)sim_pop(world, &event);
        world->now_ms = event.at_ms;
        if (!event.epoch ||
            (event.epoch == world->nodes[event.node].epoch && world->nodes[event.node].replica))
            happen(world, &event);
        free(event.bytes);
    }
    if (world->now_ms < until_ms && !world->has_failed)
        world->now_ms = until_ms;
}

static void heal(struct sim_world *world)
{
    world->is_calm = true;
    world->is_cut = false;
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        world->nodes[i].disk.is_broken = false;
        if (!world->nodes[i].replica)
            sim_node_start(world, i);
    }
    sim_trust_submits(world, SIM_PEOPLE_MAX, 0);
    sim_say(world, "all is healed");
}

bool sim_run(struct sim_world *world)
{
    uint64_t deadline;

    plan(world);
    sim_run_until(world, ACTIVE_MS);
    heal(world);
    deadline = world->now_ms + HEAL_MS;
    while (!world->has_failed && world->now_ms < deadline) {
        for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++)
            sim_person_submits(world, i, (uint32_t)prng_below(&world->prng, world->options.nodes));
        sim_run_until(world, world->now_ms + 500);
        if (sim_people_are_done(world) && sim_is_agreed(world, false))
            break;
    }
    if (!world->has_failed && !sim_people_are_done(world))
        sim_fail(world, "L1: an entry is still not answered");
    if (!world->has_failed)
        (void)sim_is_agreed(world, true);
    return !world->has_failed;
}

struct sim_world *sim_new(const struct sim_options *options)
{
    struct sim_world *world = calloc(1, sizeof(*world));

    if (!world)
        abort();
    world->options = *options;
    prng_seed(&world->prng, options->seed);
    idmap_init(&world->claims, HASH_BYTES, options->seed);
    idmap_init(&world->roots, HASH_BYTES, options->seed);
    dumped = world;
    check_set_dump(dump);
    sim_people_new(world);
    for (uint32_t i = 0; i < options->nodes; i++) {
        struct sim_node *n = &world->nodes[i];

        (void)snprintf(n->name, sizeof(n->name), "n%u", i);
        (void)snprintf(n->address, sizeof(n->address), "n%u:1", i);
        keys_hash(HASH_NODE, bytes_of(n->name, strlen(n->name)), n->id);
        idmap_init(&n->disk.ids, HASH_BYTES, options->seed);
        idmap_init(&n->answered, HASH_BYTES, options->seed);
    }
    for (uint32_t i = 0; i < options->nodes; i++)
        sim_node_start(world, i);
    return world;
}

void sim_free(struct sim_world *world)
{
    sim_queue_free(world);
    for (uint32_t i = 0; i < world->options.nodes; i++) {
        replica_free(world->nodes[i].replica);
        sim_disk_free(&world->nodes[i].disk);
        idmap_fini(&world->nodes[i].answered);
        free(world->nodes[i].answered_list);
    }
    sim_people_free(world);
    idmap_fini(&world->roots);
    free(world->state_roots);
    dumped = NULL;
    check_set_dump(NULL);
    free(world);
}
