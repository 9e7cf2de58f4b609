/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * devices.h - the box's devices and addresses: watched, classed, attached, and described to the
 * compiler.
 *
 * Threads: logic. Attaching runs on the datapath's worker.
 * Order:   nothing is attached before devices_release(): the first generation comes first, so that
 * a start never drops what the rules let pass.
 */
#include "base/problem.h"
#include "node/compile/compile.h"
#include "node/datapath/datapath.h"

struct devices;
struct node;

/* changed: devices or addresses that the tables depend on; synced at first once the kernel's list
 * is complete. */
int devices_new(struct node *node, struct datapath *datapath, void (*changed)(void *user),
    void *user, struct devices **ret_devices, struct problem *reterr_problem);
void devices_free(struct devices *devices); /* accepts NULL */
void devices_stop(struct devices *devices);

bool devices_are_known(const struct devices *devices); /* the first dump has ended */
void devices_release(struct devices *devices);
void devices_reconcile(struct devices *devices);

/* For struct compile_input; valid until the next turn of the loop. */
const struct compile_device *devices_compiled(struct devices *devices, size_t *ret_count);
/* Own addresses, peers, DNS, NTP, management, from the box and the configuration. */
const struct compile_lifeline *devices_lifeline(struct devices *devices);

/* As last seen by the datapath, ascending by index. */
const struct datapath_device *devices_seen(const struct devices *devices, size_t *ret_count);
const struct link_device *devices_link(const struct devices *devices, uint32_t index);
const char *devices_class_name(const struct devices *devices, uint32_t index);
