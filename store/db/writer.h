/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * writer.h - the queue and the one thread that commits it in groups. Private to store/db.
 *
 * Owns:     its connection, from writer_start() to writer_stop(), and every put in the queue.
 * Threads:  writer_put() and writer_put_and_wait(): the owner. Callbacks: the writer's.
 * Order:    puts reach the file in the order of writer_put(), and are answered in that order.
 */
#include "store/db/connection.h"
#include "store/db/db.h"

#include <stdatomic.h>

enum put_what {
    PUT_RECORD,
    PUT_CHUNK,
    PUT_META,
    PUT_ASIDE, /* rows found damaged: into the table `damaged` */
};

/* Rows to set aside. */
struct aside_row {
    bool is_chunk;
    int64_t place;
    const char *why; /* static */
};
struct aside {
    struct aside_row *rows;
    size_t count;
    size_t capacity;
};

struct put {
    struct put *next;
    enum put_what what;
    enum record_kind kind;
    uint8_t id[HASH_BYTES];
    const char *name;          /* PUT_META, borrowed: its owner waits */
    const struct aside *aside; /* PUT_ASIDE, borrowed: its owner waits */
    struct db_done *done;      /* may be NULL */
    int result;
    bool is_new;
    size_t len;
    uint8_t bytes[];
};

struct writer_counts {
    _Atomic uint64_t records, chunks, commits, puts, damaged;
};

struct writer;

/* Takes the connection in any case. */
int writer_start(struct connection *connection, struct writer **ret_writer);

/* Commits what is queued, joins the thread, closes the connection. */
void writer_stop(struct writer *writer);

/* A put with a copy of bytes; NULL if memory is short. */
struct put *put_new(enum put_what what, struct bytes bytes, struct db_done *done);

/* Takes the put. 0 or -ENOBUFS: then it is freed and nothing is called. */
int writer_put(struct writer *writer, struct put *put);

/* The same, past the queue's bound, and waits. The result of the commit. */
int writer_put_and_wait(struct writer *writer, struct put *put);

struct writer_counts *writer_counts(struct writer *writer);
