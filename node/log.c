/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IDS_MAX 64

static const struct {
    const char *word;
    int priority; /* syslog's number */
} levels[] = {
    [LOG_ERROR] = {"error", 3},
    [LOG_WARNING] = {"warning", 4},
    [LOG_INFO] = {"info", 6},
    [LOG_DEBUG] = {"debug", 7},
};

static struct {
    const char *id;
    time_t second;
    uint32_t left; /* lines that may still be said */
    uint32_t unsaid;
} seen[IDS_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum log_level loudest = LOG_INFO;

void log_set_level(enum log_level level)
{
    loudest = level;
}

/* How many lines of this id were left out before this one, or -1 if this one is too. */
static int64_t may_say(const char *id)
{
    struct timespec now;
    size_t slot = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    while (slot < IDS_MAX && seen[slot].id && strcmp(seen[slot].id, id) != 0)
        slot++;
    if (slot == IDS_MAX)
        return 0;
    if (!seen[slot].id) {
        seen[slot].id = id;
        seen[slot].left = LOG_BURST;
        seen[slot].second = now.tv_sec;
    }
    if (now.tv_sec > seen[slot].second) {
        int64_t refill = now.tv_sec - seen[slot].second;

        seen[slot].left = refill >= LOG_BURST ? LOG_BURST : seen[slot].left + (uint32_t)refill;
        if (seen[slot].left > LOG_BURST)
            seen[slot].left = LOG_BURST;
        seen[slot].second = now.tv_sec;
    }
    if (!seen[slot].left) {
        seen[slot].unsaid++;
        return -1;
    }
    seen[slot].left--;
    int64_t unsaid = seen[slot].unsaid;

    seen[slot].unsaid = 0;
    return unsaid;
}

void log_say(enum log_level level, const char *id, const char *format, ...)
{
    char text[600];
    int64_t unsaid;
    va_list args;

    if (level > loudest)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    (void)pthread_mutex_lock(&lock);
    unsaid = may_say(id);
    if (unsaid >= 0) {
        if (getenv("JOURNAL_STREAM"))
            (void)fprintf(stderr, "<%d>", levels[level].priority);
        (void)fprintf(stderr, "%s %s %s", levels[level].word, id, text);
        if (unsaid)
            (void)fprintf(stderr, " (%lld lines of this kind were left out)", (long long)unsaid);
        (void)fputc('\n', stderr);
    }
    (void)pthread_mutex_unlock(&lock);
}
