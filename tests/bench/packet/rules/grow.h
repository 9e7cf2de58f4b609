/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* grow.h - arrays that double. */
#include <stddef.h>
#include <stdint.h>

/* Room for one row more than `count`. 0, or -ENOMEM with everything as before. */
int bench_grow(void **rows, uint32_t *capacity, uint32_t count, size_t row_bytes);
