/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/set_upload.h"

#include "base/own.h"
#include "cli/output.h"
#include "proto/wire/wire.h"

#include "proto/picket/v1/rules.pb-c.h"

#include <errno.h>
#include <string.h>

#define CHUNKS_IN_REQUEST 32 /* 2 MiB: below REQUEST_BYTES_MAX */

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

static struct bytes chunk_at(const struct set_upload *upload, uint32_t index)
{
    size_t at = (size_t)index * CHUNK_BYTES;
    size_t left = upload->content.len - at;

    return bytes_of(upload->content.at + at, left < CHUNK_BYTES ? left : CHUNK_BYTES);
}

int set_upload_prepare(struct set_upload *upload, const struct set_element *elements,
    uint32_t count, struct problem *reterr_problem)
{
    memset(upload, 0, sizeof(*upload));
    picket__v1__manifest__init(&upload->manifest);
    if (count > SET_ELEMENTS_MAX)
        return problem_say(reterr_problem, -E2BIG, "%u prefixes are more than the %d of one set",
            count, SET_ELEMENTS_MAX);
    if (set_content_encode(elements, count, &upload->content) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    upload->chunks_count = (uint32_t)((upload->content.len + CHUNK_BYTES - 1) / CHUNK_BYTES);
    upload->hashes = calloc(upload->chunks_count + 1, sizeof(*upload->hashes));
    upload->names = calloc(upload->chunks_count + 1, sizeof(*upload->names));
    if (!upload->hashes || !upload->names)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < upload->chunks_count; i++) {
        keys_hash(HASH_CHUNK, chunk_at(upload, i), upload->hashes[i]);
        upload->names[i] = (ProtobufCBinaryData){.data = upload->hashes[i], .len = HASH_BYTES};
    }
    for (uint32_t i = 0; i < count; i++) {
        upload->manifest.elements_v6 += elements[i].is_v6 != 0;
        upload->manifest.elements_v4 += elements[i].is_v6 == 0;
    }
    upload->manifest.content_len = upload->content.len;
    upload->manifest.chunks = upload->names;
    upload->manifest.n_chunks = upload->chunks_count;
    return 0;
}

Picket__V1__Manifest *set_upload_manifest(struct set_upload *upload)
{
    return upload->chunks_count ? &upload->manifest : NULL;
}

static int send_some(struct set_upload *upload, struct connection *connection, uint32_t first,
    struct problem *reterr_problem)
{
    Picket__V1__PutChunksRequest request = PICKET__V1__PUT_CHUNKS_REQUEST__INIT;
    OWN(own_message) Picket__V1__PutChunksResponse *reply = NULL;
    ProtobufCBinaryData chunks[CHUNKS_IN_REQUEST];
    int r;

    for (uint32_t i = first; i < upload->chunks_count && i < first + CHUNKS_IN_REQUEST; i++) {
        struct bytes chunk = chunk_at(upload, i);

        chunks[request.n_chunks++] =
            (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)chunk.at, .len = chunk.len};
    }
    request.chunks = chunks;
    r = connection_ask(connection, "/picket.v1.Rules/PutChunks", &request,
        &picket__v1__put_chunks_response__descriptor, &reply, reterr_problem);
    for (size_t i = 0; r == 0 && i < request.n_chunks; i++)
        if (i >= reply->n_hashes || reply->hashes[i].len != HASH_BYTES ||
            memcmp(reply->hashes[i].data, upload->hashes[first + i], HASH_BYTES) != 0)
            r = problem_say(reterr_problem, -EPROTO,
                "%.80s: the node stored another chunk than it was sent", connection->where);
    return r;
}

int set_upload_send(
    struct set_upload *upload, struct writing *writing, struct problem *reterr_problem)
{
    struct progress progress;
    int r = 0;

    progress_init(&progress, writing->cli->err);
    for (uint32_t node = 0; r == 0 && node < writing->connections.count; node++) {
        struct connection *connection = writing->connections.at[node];

        for (uint32_t at = 0; r == 0 && connection->state == 0 && at < upload->chunks_count;
             at += CHUNKS_IN_REQUEST) {
            r = send_some(upload, connection, at, reterr_problem);
            progress_show(&progress, connection->where, (uint64_t)at * CHUNK_BYTES / 1024,
                upload->content.len / 1024);
        }
    }
    progress_end(&progress);
    return r;
}

void set_upload_fini(struct set_upload *upload)
{
    buffer_fini(&upload->content);
    free(upload->hashes);
    free(upload->names);
    memset(upload, 0, sizeof(*upload));
}
