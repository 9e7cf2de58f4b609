/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* api_internal.h - what the files of node/api/ keep in struct api. */
#include "node/enforce.h"

struct api;
struct follower;
struct submission;

struct follower **api_followers(struct api *api);
struct submission **api_submissions(struct api *api);

/* apply.c: every Apply that waits is failed; its entries may be durable all the same. */
void submissions_end_all(struct api *api);

/* events.c: the streams of Node.Events. */
struct hearer;
struct hearers {
    struct hearer *first;
    struct enforce_listener listener; /* while there is one */
};
/* box.c: a time of CLOCK_MONOTONIC as Unix milliseconds; 0 stays 0. */
uint64_t box_wall_ms(uint64_t monotonic_ns);

struct hearers *api_hearers(struct api *api);
void hearers_end_all(struct hearers *hearers);
