/* SPDX-License-Identifier: Apache-2.0 */
/* chunks.c - content of sets by name: which is on disk, which is missing. The bytes are never kept
 * here. */
#include "base/check.h"
#include "proto/wire/wire.h"
#include "replica/replica_internal.h"

#include <errno.h>
#include <string.h>

static void note_wanted(void *user, const uint8_t hash[HASH_BYTES])
{
    struct replica *replica = user;

    if (idmap_find(&replica->chunks_present, hash) != IDMAP_NONE ||
        idmap_find(&replica->chunks_missing, hash) != IDMAP_NONE ||
        buffer_append(&replica->missing_list, hash, HASH_BYTES) < 0)
        return;
    (void)idmap_put(&replica->chunks_missing, hash, replica->chunks_missing.count);
}

/* The last of the list takes its place. */
static void forget_missing(struct replica *replica, const uint8_t *hash)
{
    uint32_t index = idmap_find(&replica->chunks_missing, hash);
    uint8_t *list = replica->missing_list.at;
    uint32_t last;

    if (index == IDMAP_NONE)
        return;
    idmap_remove(&replica->chunks_missing, hash);
    replica->missing_list.len -= HASH_BYTES;
    last = (uint32_t)(replica->missing_list.len / HASH_BYTES);
    if (index == last)
        return;
    memcpy(list + (size_t)index * HASH_BYTES, list + (size_t)last * HASH_BYTES, HASH_BYTES);
    (void)idmap_put(&replica->chunks_missing, list + (size_t)index * HASH_BYTES, index);
}

/* Brings chunks_missing up to date with the state. */
void replica_chunks_look(struct replica *replica)
{
    uint64_t revision = ledger_revision(replica->ledger);

    if (replica->has_chunks_revision && replica->chunks_revision == revision)
        return;
    replica->has_chunks_revision = true;
    replica->chunks_revision = revision;
    idmap_clear(&replica->chunks_missing);
    replica->missing_list.len = 0;
    ledger_chunks_wanted(replica->ledger, note_wanted, replica);
}

bool replica_chunk_has(const struct replica *replica, const uint8_t hash[HASH_BYTES])
{
    return idmap_find(&replica->chunks_present, hash) != IDMAP_NONE;
}

uint32_t replica_chunks_missing(struct replica *replica)
{
    replica_chunks_look(replica);
    return replica->chunks_missing.count;
}

/* ---- content of an entry */

static bool has_all(const struct replica *replica, const Picket__V1__Manifest *manifest)
{
    for (size_t i = 0; i < manifest->n_chunks; i++)
        if (manifest->chunks[i].len == HASH_BYTES &&
            !replica_chunk_has(replica, manifest->chunks[i].data))
            return false;
    return true;
}

static bool operation_has_content(
    const struct replica *replica, const Picket__V1__Operation *operation)
{
    ProtobufCMessage *message = NULL;
    bool has_content = true;
    const Picket__V1__PutSet *put;

    if (operation->kind != PICKET__V1__OP_KIND__OP_PUT_SET)
        return true;
    if (wire_unpack(&picket__v1__put_set__descriptor,
            bytes_of(operation->body.data, operation->body.len), 16 * ENTRY_BYTES_MAX,
            &message) != WIRE_OK)
        return true; /* void, and so needs nothing */
    put = (const Picket__V1__PutSet *)message;
    if (put->manifest)
        has_content = has_all(replica, put->manifest);
    wire_free(message);
    return has_content;
}

bool replica_entry_has_content(const struct replica *replica, struct bytes signed_entry)
{
    ProtobufCMessage *message = NULL, *inner = NULL;
    const Picket__V1__SignedEntry *entry;
    const Picket__V1__Ops *ops;
    bool has_content = true;

    if (wire_unpack(&picket__v1__signed_entry__descriptor, signed_entry, 16 * ENTRY_BYTES_MAX,
            &message) != WIRE_OK)
        return true;
    entry = (const Picket__V1__SignedEntry *)message;
    if (wire_unpack(&picket__v1__ops__descriptor, bytes_of(entry->ops.data, entry->ops.len),
            16 * ENTRY_BYTES_MAX, &inner) == WIRE_OK) {
        ops = (const Picket__V1__Ops *)inner;
        for (size_t i = 0; i < ops->n_ops && has_content; i++)
            has_content = operation_has_content(replica, ops->ops[i]);
        wire_free(inner);
    }
    wire_free(message);
    return has_content;
}

/* ---- storing */

static void answer(struct replica *replica, uint64_t token, const uint8_t *hash, bool is_known,
    const struct problem *problem)
{
    struct replica_answer answer = {
        .outcome = problem ? REPLICA_FAILED : REPLICA_DURABLE, .is_known = is_known};
    const struct replica_effect effect = {
        .kind = REPLICA_DO_ANSWER, .token = token, .answers = &answer, .answers_count = 1};

    if (problem)
        answer.problem = *problem;
    memcpy(answer.id, hash, HASH_BYTES);
    replica_emit(replica, &effect);
}

static struct chunk_store *free_store(struct replica *replica)
{
    for (uint32_t i = 0; i < REPLICA_CHUNK_STORES_MAX; i++)
        if (!replica->chunk_stores[i].is_used)
            return &replica->chunk_stores[i];
    return NULL;
}

static bool is_being_stored(const struct replica *replica, const uint8_t *hash)
{
    for (uint32_t i = 0; i < REPLICA_CHUNK_STORES_MAX; i++)
        if (replica->chunk_stores[i].is_used &&
            memcmp(replica->chunk_stores[i].hash, hash, HASH_BYTES) == 0)
            return true;
    return false;
}

static void store(
    struct replica *replica, struct chunk_store *store, const uint8_t *hash, struct bytes content)
{
    struct replica_effect effect = {
        .kind = REPLICA_DO_STORE_CHUNK, .id = store->hash, .bytes = content};

    store->is_used = true;
    memcpy(store->hash, hash, HASH_BYTES);
    store->ticket = effect.ticket =
        replica_ticket(replica, (uint32_t)(store - replica->chunk_stores));
    replica_emit(replica, &effect);
}

void replica_chunk_submit(struct replica *replica, const struct replica_event *event)
{
    struct bytes content = event->chunk_submit.content;
    struct chunk_store *place = free_store(replica);
    uint8_t hash[HASH_BYTES] = {0};
    struct problem problem;

    if (!content.len || content.len > CHUNK_BYTES) {
        (void)problem_say(
            &problem, -EINVAL, "a chunk has 1 to %d bytes, not %zu", CHUNK_BYTES, content.len);
        answer(replica, event->chunk_submit.token, hash, false, &problem);
        return;
    }
    replica->chunk_hash(content, hash);
    if (replica_chunk_has(replica, hash)) {
        answer(replica, event->chunk_submit.token, hash, true, NULL);
    } else if (!place) {
        (void)problem_say(&problem, -EBUSY, "too many chunks wait for the disk; try again");
        answer(replica, event->chunk_submit.token, hash, false, &problem);
    } else {
        *place = (struct chunk_store){.has_token = true, .token = event->chunk_submit.token};
        store(replica, place, hash, content);
    }
}

void replica_chunk_receive(struct replica *replica, uint32_t link, struct bytes content)
{
    const struct note note = {.link = link, .reason = MESH_BAD_CHUNK};
    struct chunk_store *place = free_store(replica);
    uint8_t hash[HASH_BYTES];

    replica->chunk_hash(content, hash);
    if (replica_chunk_has(replica, hash) || is_being_stored(replica, hash))
        return;
    replica_chunks_look(replica);
    if (idmap_find(&replica->chunks_missing, hash) == IDMAP_NONE) {
        replica_note(replica, &note);
    } else if (place) {
        *place = (struct chunk_store){0};
        store(replica, place, hash, content);
    }
}

static void chunk_is_here(struct replica *replica, const uint8_t *hash)
{
    const struct mesh_event event = {.kind = MESH_ON_CHUNK, .chunk = hash};

    if (idmap_put(&replica->chunks_present, hash, 1) < 0)
        return; /* asked for again, and stored again at no harm */
    if (idmap_find(&replica->chunks_missing, hash) != IDMAP_NONE) {
        forget_missing(replica, hash);
        replica->state_owed = true; /* a changeset may have waited for it */
    }
    replica_tell_core(replica, &event);
}

void replica_chunk_stored(struct replica *replica, uint64_t ticket, int result)
{
    uint32_t slot = replica_ticket_slot(ticket);
    struct chunk_store stored;
    struct problem problem;

    CHECK(slot < REPLICA_CHUNK_STORES_MAX && replica->chunk_stores[slot].is_used &&
              replica->chunk_stores[slot].ticket == ticket,
        "CHUNK_STORED answers a STORE_CHUNK, once");
    stored = replica->chunk_stores[slot];
    replica->chunk_stores[slot].is_used = false;
    if (result == 0) {
        chunk_is_here(replica, stored.hash);
    } else {
        replica->counts.stores_failed++;
        (void)problem_say(&problem, result, "this node's disk failed to keep the chunk; try again");
    }
    if (stored.has_token)
        answer(replica, stored.token, stored.hash, false, result < 0 ? &problem : NULL);
}

/* ---- reading for a neighbour */

static void tell_read(
    struct replica *replica, uint32_t link, const uint8_t *hash, struct bytes content)
{
    struct mesh_event event = {.kind = MESH_ON_CHUNK_READ, .link = link};

    event.chunk_read.hash = hash;
    event.chunk_read.content = content;
    replica_tell_core(replica, &event);
}

void replica_chunk_want(struct replica *replica, uint32_t link, const uint8_t *hash)
{
    for (uint32_t i = 0; i < REPLICA_CHUNK_READS_MAX; i++) {
        struct chunk_read *read = &replica->chunk_reads[i];
        struct replica_effect effect = {.kind = REPLICA_DO_READ_CHUNK, .id = read->hash};

        if (read->is_used)
            continue;
        *read = (struct chunk_read){.is_used = true, .link = link};
        memcpy(read->hash, hash, HASH_BYTES);
        read->ticket = effect.ticket = replica_ticket(replica, i);
        replica_emit(replica, &effect);
        return;
    }
    CHECK(false, "the core asks only for what may be read");
}

/* Links come and go while the disk is slow: then what they asked for fills the places. */
bool replica_chunk_may_be_read(const struct replica *replica, const uint8_t hash[HASH_BYTES])
{
    for (uint32_t i = 0; i < REPLICA_CHUNK_READS_MAX; i++)
        if (!replica->chunk_reads[i].is_used)
            return replica_chunk_has(replica, hash);
    return false;
}

void replica_chunk_lost(struct replica *replica, const uint8_t hash[HASH_BYTES])
{
    idmap_remove(&replica->chunks_present, hash);
    replica->has_chunks_revision = false;
    replica->state_owed = true;
}

void replica_chunk_was_read(struct replica *replica, const struct replica_event *event)
{
    uint32_t slot = replica_ticket_slot(event->chunk_read.ticket);
    struct chunk_read read;

    CHECK(slot < REPLICA_CHUNK_READS_MAX && replica->chunk_reads[slot].is_used &&
              replica->chunk_reads[slot].ticket == event->chunk_read.ticket,
        "CHUNK_READ answers a READ_CHUNK, once");
    read = replica->chunk_reads[slot];
    replica->chunk_reads[slot].is_used = false;
    if (event->chunk_read.result == 0) {
        tell_read(replica, read.link, read.hash, event->chunk_read.content);
        return;
    }
    replica_chunk_lost(replica, read.hash);
    tell_read(replica, read.link, read.hash, bytes_of(NULL, 0));
}
