/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * daemon.h - the life of picketd: everything is opened in order, served, and closed in the opposite
 * order.
 *
 * The kernel keeps filtering before, between and after (node/datapath/datapath.h).
 */
#include "base/problem.h"
#include "node/config.h"

/* Takes the configuration. Serves until SIGTERM or SIGINT; 0, or a negative errno with the
 * sentence. */
int daemon_run(struct node_config *config, struct problem *reterr_problem);

/* Uninstall: takes every program off every device and removes the pins. */
int daemon_remove(const struct node_config *config, struct problem *reterr_problem);
