/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * read.h - what every reading command begins with: a node, and the fleet's folder where there is
 * one, so that what the node says about signed objects can be checked.
 */
#include "cli/objects.h"

struct reading {
    struct connections connections;
    struct connection *connection;
    const struct ledger *ledger; /* NULL: no folder of this fleet here */
    struct objects objects;      /* for the command; freed by read_end() */
};

int read_begin(struct cli *cli, struct reading *ret_reading, struct problem *reterr_problem);
void read_end(struct reading *reading);
