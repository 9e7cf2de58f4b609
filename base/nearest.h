/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* nearest.h - "did you mean": the known word nearest to a wrong one. */
#include <stddef.h>

/* The word with the smallest edit distance (Levenshtein, at most a third of the length), or NULL.
 */
const char *nearest_word(const char *wrong, const char *const *words, size_t count);
