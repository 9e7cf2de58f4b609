/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * plan.h - the difference between a file and the fleet, as operations: sets, then rules and
 * defaults, then what the owner's file no longer names. One changeset, where it holds them
 * (plan_batches.h: where it does not).
 *
 * Defaults have no owner: they are set, never taken away.
 * Owns: struct plan owns what it reaches but borrows the objects' bytes. I/O: none. Threads: one.
 */
#include "cli/objects.h"
#include "cli/set_upload.h"
#include "cli/text/yaml.h"

struct plan_step {
    const char *verb;  /* add, change, delete */
    const char *kind;  /* rule, set, default */
    const char *name;  /* borrowed */
    uint32_t priority; /* of a rule; of one to be deleted, as it is in the fleet */
};

struct plan {
    struct desired *desired;    /* read by the caller, freed here */
    struct set_upload *uploads; /* one a set of the file; empty if its content is there already */
    Picket__V1__Operation **operations;
    size_t operations_count;
    struct plan_step *steps; /* one an operation */
    uint32_t count;
    uint32_t sets_steps;                 /* the first ones: sets that are added or changed */
    uint8_t (*references)[OP_REF_BYTES]; /* of the file's sets */
};

int plan_make(struct plan *plan, const struct objects *objects, const Picket__V1__Grant *grant,
    struct problem *reterr_problem);

/*
 * Once the sets' steps are signed: ids, one a step of them, are the objects they made. The steps
 * after them are planned anew, naming the sets by these ids. Once only.
 */
int plan_after_sets(struct plan *plan, const struct objects *objects,
    const Picket__V1__Grant *grant, const uint8_t (*ids)[OP_REF_BYTES],
    struct problem *reterr_problem);
void plan_fini(struct plan *plan);
