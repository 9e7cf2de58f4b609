/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* parts.h - what the parts of the world do for each other. */
#include "tests/sim/world.h"

struct sim_request {
    uint32_t person; /* UINT32_MAX: chunk or trust */
    uint32_t first, count, trust_count, node;
};

/* ---- world.c */
void sim_step(struct sim_world *world, uint32_t node, struct replica_event *event);
void sim_node_start(struct sim_world *world, uint32_t node);
bool sim_has_fault(const struct sim_world *world, enum sim_fault fault);
/* True once in `one_in`. */
bool sim_chance(struct sim_world *world, uint64_t one_in);
uint64_t sim_between(struct sim_world *world, uint64_t low, uint64_t high);
__attribute__((format(printf, 2, 3))) void sim_fail(
    struct sim_world *world, const char *format, ...);
__attribute__((format(printf, 2, 3))) void sim_say(
    struct sim_world *world, const char *format, ...);
void sim_trace(void *user, const char *line);
uint32_t sim_live_node(struct sim_world *world, uint32_t from);

/* ---- queue.c: an event takes its bytes */
void sim_push(struct sim_world *world, uint64_t delay_ms, struct sim_event event);
bool sim_pop(struct sim_world *world, struct sim_event *ret_event);
void sim_queue_free(struct sim_world *world);

/* ---- net.c */
void sim_net_send(struct sim_world *world, uint32_t node, uint32_t conn, struct bytes bytes);
void sim_net_dial(struct sim_world *world, uint32_t node, const char *address);
void sim_net_close(struct sim_world *world, uint32_t node, uint32_t conn);
void sim_net_crash(struct sim_world *world, uint32_t node);
void sim_net_event(struct sim_world *world, struct sim_event *event);

/* ---- disk.c */
void sim_disk_put(struct sim_world *world, uint32_t node, const struct replica_effect *effect);
void sim_disk_read(struct sim_world *world, uint32_t node, const struct replica_effect *effect);
void sim_disk_event(struct sim_world *world, struct sim_event *event);
void sim_disk_crash(struct sim_world *world, uint32_t node);
void sim_disk_load(struct sim_world *world, uint32_t node);
void sim_disk_free(struct sim_disk *disk);

/* ---- people.c */
void sim_people_new(struct sim_world *world);
void sim_people_free(struct sim_world *world);
void sim_answered(struct sim_world *world, const struct replica_effect *effect);
bool sim_people_are_done(const struct sim_world *world);
bool sim_claims_hold(struct sim_world *world, const struct replica_effect *effect);

/* ---- checks.c */
void sim_check_step(struct sim_world *world, uint32_t node);
void sim_check_effect(struct sim_world *world, uint32_t node, const struct replica_effect *effect);
void sim_check_answer(struct sim_world *world, uint32_t node, const uint8_t id[HASH_BYTES]);
void sim_check_restart(struct sim_world *world, uint32_t node);
