/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* world.h - a box for tests: rules by their text, sets by their prefixes, devices, lifeline;
 * compiled. */
#include "node/compile/compile.h"
#include "node/compile/host.h"
#include "store/ledger/ledger.h"
#include "store/ledger/rule.h"

#define WORLD_OBJECTS_MAX 2048
#define WORLD_CHUNKS_MAX 128
#define WORLD_DEVICE 1 /* what BPF_PROG_TEST_RUN uses when it is not told */

struct world {
    struct ledger_object objects[WORLD_OBJECTS_MAX];
    void *messages[WORLD_OBJECTS_MAX];
    uint32_t objects_count;
    struct buffer chunks[WORLD_CHUNKS_MAX];
    uint32_t chunks_count;
    bool chunks_missing;
    struct compile_device device;
    struct compile_host hosts[16];
    struct compile_manage manage[4];
    struct compile_lifeline lifeline;
    struct compile_input input;
    struct compile_tables *tables;
    struct problem problem;
};

/* Device WORLD_DEVICE "eth0", external, tc; own 192.0.2.1 and 2001:db8::1; mesh port 7425; peer
 * 192.0.2.7; DNS 192.0.2.53; NTP 192.0.2.123; management 198.51.100.0/24 tcp 22. */
int world_init(struct world *world);
void world_fini(struct world *world);

/* 0, or negative with world->problem. Ids ascend in the order of the calls. */
int world_rule(struct world *world, const char *text);
/* "192.0.2.0/24 2001:db8::/32" */
int world_set(struct world *world, const char *name, const char *prefixes);
int world_set_of(
    struct world *world, const char *name, struct set_element *elements, uint32_t count);
int world_default_drop(struct world *world);

/* Replaces world->tables. */
int world_compile(struct world *world);
const struct compile_object *world_object(const struct world *world, uint32_t index);
