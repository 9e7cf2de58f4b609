/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * effects.h - drives the replica: hands it events, performs its effects with streams, disk and
 * verifiers.
 *
 * Threads: logic. Order: effects are performed as they are asked for; results come back as later
 * events.
 */
#include "base/problem.h"
#include "replica/replica.h"

#include <stdbool.h>
#include <stdint.h>

struct effects;
struct mesh_stream_counts;
struct node;
struct rpc_method;

/* Needs node's loop, credentials, db and identity; makes node->replica and node->ledger, loads them
 * from the disk. */
int effects_new(struct node *node, struct effects **ret_effects, struct problem *reterr_problem);

/* Waits for the threads that post into the loop; before the loop is freed. Accepts NULL. */
void effects_halt(struct effects *effects);

/* After the loop has been freed. */
void effects_free(struct effects *effects);

/* The stream method for the server. */
struct rpc_method effects_method(struct effects *effects);

/* Submits the invite's records and runs the loop until they are stored, a few seconds at most.
 * Before the server listens. */
void effects_plant_seed(struct effects *effects);
/* Begins to dial. */
void effects_start(struct effects *effects);
/* No more dials; the streams end with the loop. */
void effects_stop(struct effects *effects);

/* kind and union filled in by the caller; the times are filled in here. */
void effects_step(struct effects *effects, struct replica_event *event);

/* A token no other submission has. */
uint64_t effects_token(struct effects *effects);

const struct mesh_stream_counts *effects_stream_counts(const struct effects *effects);
