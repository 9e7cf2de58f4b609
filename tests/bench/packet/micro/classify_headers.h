/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* classify_headers.h - the rule that decides for each header of a ClassBench trace: by the kernel
 * and by the host. */

/* Prints "KERNEL HOST" a header, indexes from 0, -1 for none. 0; 1: they differ somewhere; 2: a
 * file is wrong, with a sentence on stderr; 77: BPF programs cannot be loaded. */
int classify_headers(const char *rules_path, const char *headers_path);
