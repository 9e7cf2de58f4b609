/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * reader.h - the thread that reads chunks, with a connection of its own. Private to store/db.
 *
 * Threads: reader_start(), reader_fetch(), reader_stop(): the owner of the store.
 */
#include "store/db/connection.h"
#include "store/db/db.h"

struct reader;

/* Takes the connection, also on failure. */
int reader_start(struct connection *connection, struct reader **ret_reader);

/* Answers what is queued, then ends. */
void reader_stop(struct reader *reader);

void reader_fetch(struct reader *reader, struct db_read *read);

/* On the caller's connection and thread: 0, -ENOENT, -EBADMSG (not what its name says), -EIO. */
int chunk_get(
    struct connection *connection, const uint8_t hash[HASH_BYTES], struct buffer *ret_content);
