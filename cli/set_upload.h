/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * set_upload.h - the base content of a set: canonical, cut into chunks, on every node's disk before
 * the entry that names them is signed (ledger.md L14).
 *
 * Owns: the content. I/O: calls to the nodes. Threads: one.
 */
#include "cli/write.h"
#include "store/ledger/set_content.h"

struct set_upload {
    struct buffer content;
    uint32_t chunks_count;
    uint8_t (*hashes)[HASH_BYTES];
    ProtobufCBinaryData *names; /* of the manifest: into hashes */
    Picket__V1__Manifest manifest;
};

/* elements: canonical. */
int set_upload_prepare(struct set_upload *upload, const struct set_element *elements,
    uint32_t count, struct problem *reterr_problem);

/* NULL for no elements: then the set has no base content. */
Picket__V1__Manifest *set_upload_manifest(struct set_upload *upload);

/* To every node of this run, with progress. */
int set_upload_send(
    struct set_upload *upload, struct writing *writing, struct problem *reterr_problem);
void set_upload_fini(struct set_upload *upload);
