/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* folder.h - a store in a new folder, records to put into it, and what a load gave. */
#include "store/db/db.h"

#define RECORDS_MAX 4096

extern const uint8_t fleet[HASH_BYTES];

/* One test's folder; setup and teardown of cmocka. */
int folder_make(void **state);
int folder_remove(void **state);
const char *folder_path(void);
const char *folder_file(void); /* picket.db in it */

/* Fails the test if the store does not open. */
struct db *folder_open(void);

/* A join record is identified by all of its bytes: the simplest record there is. */
struct sample {
    uint8_t bytes[40];
    uint8_t id[HASH_BYTES];
};
struct sample sample_of(uint32_t number);
uint32_t sample_number(struct bytes bytes);
int sample_put(struct db *db, uint32_t number, struct db_done *done);

/* Entries as the ledger has them, but with a signature that says nothing. */
void entry_make(uint32_t number, struct buffer *ret_bytes, uint8_t ret_id[HASH_BYTES]);

struct loaded {
    uint32_t numbers[RECORDS_MAX]; /* of the sample records, in order */
    size_t records;
    size_t chunks;
    uint32_t chunk_bytes;
    size_t damaged;
    char sentence[256]; /* the newest */
};

/* Fails the test if the load does. */
void folder_load(struct db *db, struct loaded *ret_loaded);

/* SQL on the closed store's file, by a connection of its own. */
void folder_sql(const char *sql);
