/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * builder.h - a thread that makes forests and tries out of compiled rules, so that the logic thread
 * does not wait for it.
 *
 * Threads: calls come from the owner; done runs on the builder's thread and must only post.
 * Bytes:   tables are the builder's from builder_build() until done.
 */
#include "node/datapath/datapath.h"

struct builder;

int builder_new(struct builder **ret_builder);
/* Finishes what was queued. Accepts NULL. */
void builder_free(struct builder *builder);

/* compile_build(); result.code and result.why are its answer. 0, -ENOMEM or -ENOBUFS; then done is
 * never called. */
int builder_build(
    struct builder *builder, struct compile_tables *tables, struct datapath_done *done);
