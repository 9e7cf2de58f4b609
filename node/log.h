/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * log.h - what the daemon says: one line `level id sentence` on stderr, with a journal priority
 * where a journal listens. Rate-limited by id: a burst of LOG_BURST lines, then one a second with
 * the number left out.
 *
 * Threads: any.
 */

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
#define LOG_BURST 20

/* id: a short stable word such as "peer.up"; documented by its use in tests and docs. Text from
 * outside is escaped. */
__attribute__((format(printf, 3, 4))) void log_say(
    enum log_level level, const char *id, const char *format, ...);
void log_set_level(enum log_level level);
