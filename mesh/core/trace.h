/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* trace.h - one line of key=value words. Lines are an interface: transcripts in tests compare them.
 */
#include "base/bytes.h"

#define TRACE_LINE_BYTES 256

struct trace_line {
    char text[TRACE_LINE_BYTES]; /* always ends in NUL; what does not fit is cut */
    uint32_t len;
};

void trace_start(struct trace_line *line, const char *what);
void trace_word(struct trace_line *line, const char *key, const char *word);
void trace_number(struct trace_line *line, const char *key, uint64_t number);
void trace_id(
    struct trace_line *line, const char *key, const uint8_t *id); /* its first four bytes */
