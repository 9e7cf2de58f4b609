/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* schema.h - makes the file Picket's, or says why it is not. Private to store/db. */
#include "store/db/connection.h"

#define SCHEMA_APPLICATION 0x7069636b /* "pick" */
#define SCHEMA_VERSION 1

/* A file that is not ours is left as it was. */
int schema_prepare(struct connection *connection, const char *path,
    const uint8_t fleet_id[HASH_BYTES], struct problem *reterr_problem);

/* Meta values, on this connection. ret_value may be NULL. -ENOENT, -EBADMSG. */
int meta_put(struct connection *connection, const char *name, struct bytes value);
int meta_get(struct connection *connection, const char *name, struct buffer *ret_value);

#define META_FLEET "fleet_id"
