/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/micro/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool has_rows;

void rows_begin(void)
{
    (void)printf("[");
}

void rows_add(const struct row *row)
{
    (void)printf("%s\n{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\"", has_rows ? "," : "",
        row->name, row->value, row->unit);
    if (row->peer)
        (void)printf(",\"peer\":\"%s\",\"peer_value\":%.3f", row->peer, row->peer_value);
    else
        (void)printf(",\"peer\":null,\"peer_value\":null");
    if (row->high > 0)
        (void)printf(",\"low\":%.3f,\"high\":%.3f", row->low, row->high);
    if (row->entries)
        (void)printf(",\"%s\":%u,\"family\":%u", row->is_list ? "prefixes" : "rules", row->entries,
            row->family);
    if (row->of)
        (void)printf(",\"of\":\"%s\"", row->of);
    (void)printf("}");
    (void)fflush(stdout);
    has_rows = true;
}

void rows_end(void)
{
    (void)printf("\n]\n");
}

static int number_order(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

double median_of(double *values, uint32_t count)
{
    qsort(values, count, sizeof(*values), number_order);
    return values[count / 2];
}

void row_of_rounds(struct row *row, double *values, double *controls, uint32_t rounds)
{
    row->value = median_of(values, rounds);
    row->low = values[0];
    row->high = values[rounds - 1];
    if (row->peer && controls)
        row->peer_value = median_of(controls, rounds);
}

double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
