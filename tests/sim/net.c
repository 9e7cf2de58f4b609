/* SPDX-License-Identifier: Apache-2.0 */
/* net.c - streams that are harsher than TCP: frames may vanish, double, overtake, and break. */
#include "tests/sim/parts.h"

#include <stdlib.h>
#include <string.h>

static uint32_t end_of(const struct sim_conn *conn, uint32_t node)
{
    return conn->ends[0] == node ? 0 : 1;
}

static bool is_cut(const struct sim_world *world, uint32_t a, uint32_t b)
{
    return world->is_cut && world->nodes[a].side != world->nodes[b].side;
}

static void schedule_frame(struct sim_world *world, uint32_t conn, uint32_t to, struct bytes bytes)
{
    struct sim_conn *c = &world->conns[conn];
    uint64_t delay_ms = sim_between(world, 1, 4);
    struct sim_event event = {.kind = SIM_DELIVER, .node = c->ends[to], .epoch = c->epochs[to]};
    bool is_first = !c->first_ms[to];

    if (!is_first && sim_has_fault(world, SIM_REORDER) && sim_chance(world, 10))
        delay_ms += sim_between(world, 1, 60);
    if (sim_has_fault(world, SIM_DELAY) && sim_chance(world, 4))
        delay_ms += sim_between(world, 10, 300);
    if (is_first)
        c->first_ms[to] = world->now_ms + delay_ms;
    else if (world->now_ms + delay_ms <
             c->first_ms[to]) /* a stream that begins, begins with hello */
        delay_ms = c->first_ms[to] - world->now_ms;
    event.conn = conn;
    event.bytes = bytes_copy(bytes.at, bytes.len);
    event.len = bytes.len;
    if (!is_first && sim_has_fault(world, SIM_FORGERY) && sim_chance(world, 40))
        event.bytes[prng_below(&world->prng, bytes.len)] ^=
            (uint8_t)(1U << prng_below(&world->prng, 8));
    sim_push(world, delay_ms, event);
}

void sim_net_send(struct sim_world *world, uint32_t node, uint32_t conn, struct bytes bytes)
{
    struct sim_conn *c = &world->conns[conn];
    uint32_t to = !end_of(c, node);
    bool is_first = !c->first_ms[to];

    if (is_cut(world, c->ends[0], c->ends[1]))
        return;
    if (!is_first && sim_has_fault(world, SIM_LOSS) && sim_chance(world, 25))
        return;
    if (!is_first && sim_has_fault(world, SIM_FULL) && sim_chance(world, 60)) {
        sim_push(world, 0,
            (struct sim_event){.kind = SIM_CONN_DOWN,
                .node = node,
                .epoch = world->nodes[node].epoch,
                .conn = conn,
                .result = 1});
        return;
    }
    schedule_frame(world, conn, to, bytes);
    if (!is_first && sim_has_fault(world, SIM_DUPLICATE) && sim_chance(world, 15))
        schedule_frame(world, conn, to, bytes);
}

void sim_net_dial(struct sim_world *world, uint32_t node, const char *address)
{
    struct sim_event event = {.kind = SIM_DIALLED, .node = node, .epoch = world->nodes[node].epoch};

    event.result = atoi(address + 1); /* "n3:1" */
    sim_push(world, sim_between(world, 1, 5), event);
}

static void tell_down(struct sim_world *world, uint32_t conn, uint32_t end, uint64_t delay_ms)
{
    struct sim_conn *c = &world->conns[conn];

    sim_push(world, delay_ms,
        (struct sim_event){
            .kind = SIM_CONN_DOWN, .node = c->ends[end], .epoch = c->epochs[end], .conn = conn});
}

void sim_net_close(struct sim_world *world, uint32_t node, uint32_t conn)
{
    struct sim_conn *c = &world->conns[conn];
    uint32_t end = end_of(c, node);

    c->is_up[end] = false;
    if (c->is_up[!end])
        tell_down(world, conn, !end, sim_between(world, 1, 5));
}

void sim_net_crash(struct sim_world *world, uint32_t node)
{
    for (uint32_t i = 0; i < world->conns_count; i++) {
        struct sim_conn *c = &world->conns[i];
        uint32_t end = end_of(c, node);

        if (c->ends[end] != node || !c->is_up[end])
            continue;
        c->is_up[end] = false;
        /* A process that dies closes its sockets; a box that loses power does not. */
        if (c->is_up[!end] && sim_chance(world, 2))
            tell_down(world, i, !end, sim_between(world, 1, 5));
    }
}

static void tell_up(struct sim_world *world, uint32_t conn, uint32_t end)
{
    struct sim_conn *c = &world->conns[conn];
    struct sim_node *node = &world->nodes[c->ends[end]], *peer = &world->nodes[c->ends[!end]];
    struct replica_event event = {.kind = REPLICA_ON_LINK_UP};

    event.up.link = conn;
    event.up.node = peer->id;
    event.up.name = peer->name;
    event.up.address = end == 0 ? peer->address : NULL;
    if (node->replica && node->epoch == c->epochs[end] && c->is_up[end])
        sim_step(world, c->ends[end], &event);
}

static void dialled(struct sim_world *world, const struct sim_event *event)
{
    uint32_t target = (uint32_t)event->result;
    struct sim_conn *c = &world->conns[world->conns_count];
    struct replica_event failed = {.kind = REPLICA_ON_DIAL_FAILED};

    if (target >= world->options.nodes || !world->nodes[target].replica ||
        is_cut(world, event->node, target) || world->conns_count == SIM_CONNS_MAX) {
        failed.dial_failed.address = world->nodes[target % world->options.nodes].address;
        failed.dial_failed.sentence = "connection refused";
        sim_step(world, event->node, &failed);
        return;
    }
    *c = (struct sim_conn){.ends = {event->node, target}, .is_up = {true, true}};
    c->epochs[0] = world->nodes[event->node].epoch;
    c->epochs[1] = world->nodes[target].epoch;
    world->conns_count++;
    tell_up(world, world->conns_count - 1, 0);
    tell_up(world, (uint32_t)(c - world->conns), 1);
}

static void deliver(struct sim_world *world, struct sim_event *event)
{
    struct sim_conn *c = &world->conns[event->conn];
    struct replica_event message = {.kind = REPLICA_ON_MESSAGE};

    if (!c->is_up[end_of(c, event->node)] || is_cut(world, c->ends[0], c->ends[1]))
        return;
    /* Frame.record is field 5: a node that is deaf to those. */
    if (world->options.bug == SIM_BUG_DEAF && event->node == 0 && event->bytes[0] == 0x2a)
        return;
    message.message.link = event->conn;
    message.message.bytes = bytes_of(event->bytes, event->len);
    sim_step(world, event->node, &message);
}

static void conn_down(struct sim_world *world, const struct sim_event *event)
{
    struct sim_conn *c = &world->conns[event->conn];
    uint32_t end = end_of(c, event->node);
    struct replica_event down = {.kind = REPLICA_ON_LINK_DOWN};

    if (!c->is_up[end])
        return;
    if (event->result) {
        down.kind = REPLICA_ON_DROPPED;
        down.dropped.link = event->conn;
    } else {
        c->is_up[end] = false;
        down.down.link = event->conn;
        down.down.sentence = "the stream ended";
    }
    sim_step(world, event->node, &down);
}

void sim_net_event(struct sim_world *world, struct sim_event *event)
{
    if (event->kind == SIM_DIALLED)
        dialled(world, event);
    else if (event->kind == SIM_DELIVER)
        deliver(world, event);
    else
        conn_down(world, event);
}
