/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * metrics.h - every number of the daemon, in Prometheus' text format. Names are an interface:
 * tests/golden keeps them.
 *
 * Threads: logic.
 */
#include <stddef.h>

struct node;

/* On the heap, free(); NULL if memory is short. */
char *metrics_text(struct node *node);

/* The word of enum fw_reason in metrics and `picket counters`: lower case. */
const char *metrics_reason_word(size_t reason);
