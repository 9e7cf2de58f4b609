/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* api_internal.h - what the files of node/api/ keep in struct api. */

struct api;
struct follower;
struct submission;

struct follower **api_followers(struct api *api);
struct submission **api_submissions(struct api *api);

/* apply.c: every Apply that waits is failed; its entries may be durable all the same. */
void submissions_end_all(struct api *api);
