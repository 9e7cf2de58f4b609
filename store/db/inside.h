/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* inside.h - what struct db is, for the files of this folder. */
#include "store/db/connection.h"
#include "store/db/reader.h"
#include "store/db/writer.h"

struct db {
    struct connection reader; /* the owner's; it writes nothing */
    struct reader *fetcher;   /* has a connection and a thread of its own */
    struct writer *writer;
    int lock_fd;
    char path[4096];
};
