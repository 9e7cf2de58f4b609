/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * row.h - is what the disk gave back what was put? Private to store/db. No I/O.
 */
#include "base/bytes.h"

#include <stdbool.h>

#define ROW_SUM_BYTES 16

/* A checksum over kind, name and bytes: it never leaves this file. */
void row_sum(uint8_t kind, struct bytes name, struct bytes bytes, uint8_t ret_sum[ROW_SUM_BYTES]);
bool row_sum_holds(uint8_t kind, struct bytes name, struct bytes bytes, struct bytes sum);

/* A number for (place, kind, name). The sum over a table and the sum over its index are the same,
 * or one of them is damaged. Against accidents, not against malice. */
uint64_t row_mark(int64_t place, int64_t kind, struct bytes name);

/* As they stand in the columns. */
struct record_row {
    int64_t kind;
    struct bytes id;
    struct bytes sum;
    struct bytes bytes;
};

/* NULL, or what is wrong with it: sum, id, signed content. Signatures are the ledger's to verify.
 */
const char *record_row_fault(const struct record_row *row);

/* NULL, or what is wrong. */
const char *chunk_row_fault(struct bytes hash, struct bytes content);
