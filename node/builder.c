/* SPDX-License-Identifier: Apache-2.0 */
#include "node/builder.h"
#include "node/compile/compile.h"
#include "node/datapath/worker.h"

#include <errno.h>
#include <stdlib.h>

#define WAITING_MAX 4

struct builder {
    struct worker *worker;
};

struct order {
    struct job job; /* first: the worker hands this back */
    struct compile_tables *tables;
    struct datapath_done *done;
};

int builder_new(struct builder **ret_builder)
{
    struct builder *builder = calloc(1, sizeof(*builder));
    int r = builder ? worker_new("builder", WAITING_MAX, &builder->worker) : -ENOMEM;

    if (r < 0)
        free(builder);
    else
        *ret_builder = builder;
    return r;
}

void builder_free(struct builder *builder)
{
    if (!builder)
        return;
    worker_free(builder->worker);
    free(builder);
}

static void run(struct job *job)
{
    struct order *order = (struct order *)job;
    struct problem problem = {.text = "out of memory"};
    struct datapath_result result = {.code = compile_build(order->tables, &problem)};

    result.why = result.code < 0 ? problem.text : "";
    order->done->fn(order->done, &result);
    free(order);
}

int builder_build(
    struct builder *builder, struct compile_tables *tables, struct datapath_done *done)
{
    struct order *order = malloc(sizeof(*order));
    int r;

    if (!order)
        return -ENOMEM;
    *order = (struct order){.job.run = run, .tables = tables, .done = done};
    r = worker_post(builder->worker, &order->job);
    if (r < 0)
        free(order);
    return r;
}
