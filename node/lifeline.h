/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * lifeline.h - what always passes on this box (datapath.md D9): from configuration, own addresses
 * and neighbours.
 *
 * Threads: logic.
 */
#include "base/problem.h"
#include "node/compile/compile.h"

struct lifeline;
struct links;
struct node;

/* Reads the configuration's manage, dns, ntp, listen: a bad line is a sentence. */
int lifeline_new(struct node *node, struct lifeline **ret_lifeline, struct problem *reterr_problem);
void lifeline_free(struct lifeline *lifeline); /* accepts NULL */

/* With the box's addresses and neighbours as of now; valid until the next call. */
const struct compile_lifeline *lifeline_fill(struct lifeline *lifeline, const struct links *links);
