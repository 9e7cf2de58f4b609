/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * metrics_http.h - GET /metrics on a loopback port, for Prometheus. libmicrohttpd serves it inside
 * our loop.
 *
 * Threads: logic.
 */
#include "base/problem.h"

struct metrics_http;
struct node;

/* *ret_http stays NULL if the port is 0. */
int metrics_http_open(
    struct node *node, struct metrics_http **ret_http, struct problem *reterr_problem);
void metrics_http_close(struct metrics_http *http); /* accepts NULL */
