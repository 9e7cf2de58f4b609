/* SPDX-License-Identifier: Apache-2.0 */
/* chunk.c - content by name: a missing chunk is asked of one neighbour at a time. */
#include "mesh/core/core_internal.h"

#include <string.h>

#define CHUNKS_LOOK_MS 250 /* how often the list of what is missing is read */
#define CHUNKS_SOON_MS 10  /* after an entry came; a burst of them is looked at together */

static uint32_t slot_of(const struct mesh_core *core, const struct mesh_link *link)
{
    return (uint32_t)(link - core->links);
}

static uint32_t asked_count(const struct mesh_core *core, const struct mesh_link *link)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++)
        count += core->chunks[i].is_used && core->chunks[i].link == link->number;
    return count;
}

/* A neighbour that was not asked for it yet; *ret_is_busy: there are some, and all have enough to
 * do. */
static struct mesh_link *pick_link(
    struct mesh_core *core, const struct mesh_chunk_want *want, bool *ret_is_busy)
{
    uint32_t first = (uint32_t)prng_below(&core->prng, MESH_LINKS_MAX);

    *ret_is_busy = false;
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        struct mesh_link *link = &core->links[(first + i) % MESH_LINKS_MAX];

        if (!link->is_used || !link->has_hello || (want->tried & (1U << slot_of(core, link))))
            continue;
        if (asked_count(core, link) < MESH_CHUNKS_A_LINK_MAX)
            return link;
        *ret_is_busy = true;
    }
    return NULL;
}

static void ask(struct mesh_core *core, struct mesh_link *link, struct mesh_chunk_want *want)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Want body = PICKET__V1__WANT__INIT;
    ProtobufCBinaryData hash = mesh_binary(want->hash, HASH_BYTES);

    want->link = link->number;
    want->at_ms = core->now_ms;
    body.chunks = &hash;
    body.n_chunks = 1;
    frame.body_case = PICKET__V1__FRAME__BODY_WANT;
    frame.want = &body;
    core->counts.wants_out++;
    mesh_send(core, link, &frame);
}

static void ask_all(struct mesh_core *core)
{
    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++) {
        struct mesh_chunk_want *want = &core->chunks[i];
        struct mesh_link *link;
        bool is_busy;

        if (!want->is_used || want->link != MESH_LINK_NONE || core->now_ms < want->at_ms)
            continue;
        link = pick_link(core, want, &is_busy);
        if (link) {
            ask(core, link, want);
        } else if (want->tried && !is_busy) { /* nobody has it: all of them again, later */
            want->tried = 0;
            want->at_ms = core->now_ms + core->options.want_ms / 2;
        }
    }
}

struct missing {
    struct mesh_core *core;
    uint32_t named; /* bit per place in chunks[] */
};

static void note_missing(void *user, const uint8_t *hash)
{
    struct missing *missing = user;
    struct mesh_chunk_want *free_place = NULL;

    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++) {
        struct mesh_chunk_want *want = &missing->core->chunks[i];

        if (want->is_used && memcmp(want->hash, hash, HASH_BYTES) == 0) {
            missing->named |= 1U << i;
            return;
        }
        if (!want->is_used && !free_place)
            free_place = want;
    }
    if (!free_place)
        return;
    *free_place = (struct mesh_chunk_want){.is_used = true, .link = MESH_LINK_NONE};
    memcpy(free_place->hash, hash, HASH_BYTES);
    missing->named |= 1U << (uint32_t)(free_place - missing->core->chunks);
}

/* Reads what is missing; a chunk that no manifest names any more is forgotten. */
static void look(struct mesh_core *core)
{
    struct missing missing = {.core = core};

    core->chunks_ms = core->now_ms + CHUNKS_LOOK_MS;
    core->view.chunks_missing(core->view.user, MESH_CHUNKS_MAX, note_missing, &missing);
    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++)
        if (!(missing.named & (1U << i)))
            core->chunks[i].is_used = false;
    ask_all(core);
}

void mesh_chunk_tick(struct mesh_core *core)
{
    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++) {
        struct mesh_chunk_want *want = &core->chunks[i];
        struct mesh_link *link;

        if (!want->is_used || want->link == MESH_LINK_NONE ||
            core->now_ms < want->at_ms + core->options.want_ms)
            continue;
        link = mesh_link_find(core, want->link);
        if (link)
            want->tried |= 1U << slot_of(core, link);
        want->link = MESH_LINK_NONE;
        want->at_ms = core->now_ms;
        core->counts.wants_late++;
    }
    if (core->now_ms >= core->chunks_ms)
        look(core);
}

uint64_t mesh_chunk_deadline_ms(const struct mesh_core *core)
{
    return core->chunks_ms;
}

/* An entry may name chunks that are not here. */
void mesh_chunk_entry_added(struct mesh_core *core)
{
    if (core->chunks_ms > core->now_ms + CHUNKS_SOON_MS)
        core->chunks_ms = core->now_ms + CHUNKS_SOON_MS;
}

void mesh_chunk_stored(struct mesh_core *core, const uint8_t hash[HASH_BYTES])
{
    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++)
        if (core->chunks[i].is_used && memcmp(core->chunks[i].hash, hash, HASH_BYTES) == 0)
            core->chunks[i].is_used = false;
    look(core);
}

void mesh_chunk_link_down(struct mesh_core *core, const struct mesh_link *link)
{
    for (uint32_t i = 0; i < MESH_CHUNKS_MAX; i++) {
        struct mesh_chunk_want *want = &core->chunks[i];

        want->tried &= ~(1U << slot_of(core, link)); /* the place will be another's */
        if (want->is_used && want->link == link->number) {
            want->link = MESH_LINK_NONE;
            want->at_ms = core->now_ms;
        }
    }
}

void mesh_recv_chunk(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Chunk *chunk)
{
    const struct mesh_effect effect = {.kind = MESH_DO_TAKE_CHUNK,
        .link = link->number,
        .bytes = bytes_of(chunk->content.data, chunk->content.len)};

    core->counts.chunks_in++;
    if (chunk->content.len == 0 || chunk->content.len > CHUNK_BYTES)
        mesh_link_blame(core, link, MESH_BAD_CHUNK);
    else if (asked_count(core, link)) /* else it is late, and was asked of another since */
        mesh_emit(core, &effect);
}

void mesh_recv_absent_chunks(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Absent *absent)
{
    for (size_t i = 0; i < absent->n_chunks; i++) {
        for (uint32_t k = 0; k < MESH_CHUNKS_MAX; k++) {
            struct mesh_chunk_want *want = &core->chunks[k];

            if (!want->is_used || want->link != link->number || !mesh_is_hash(absent->chunks[i]) ||
                memcmp(want->hash, absent->chunks[i].data, HASH_BYTES) != 0)
                continue;
            want->tried |= 1U << slot_of(core, link);
            want->link = MESH_LINK_NONE;
            want->at_ms = core->now_ms;
        }
    }
    ask_all(core);
}

static void send_absent(
    struct mesh_core *core, struct mesh_link *link, ProtobufCBinaryData *hashes, size_t count)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Absent body = PICKET__V1__ABSENT__INIT;

    body.chunks = hashes;
    body.n_chunks = count;
    frame.body_case = PICKET__V1__FRAME__BODY_ABSENT;
    frame.absent = &body;
    mesh_send(core, link, &frame);
}

void mesh_serve_chunks(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Want *want)
{
    ProtobufCBinaryData absent[MESH_CHUNKS_MAX];
    size_t absent_count = 0;

    for (size_t i = 0; i < want->n_chunks; i++) {
        const struct mesh_effect effect = {
            .kind = MESH_DO_READ_CHUNK, .link = link->number, .hash = want->chunks[i].data};

        if (mesh_is_hash(want->chunks[i]) && link->reads < MESH_READS_A_LINK_MAX &&
            core->view.chunk_has(core->view.user, want->chunks[i].data) &&
            mesh_budget_take(core, link, CHUNK_BYTES)) {
            link->reads++;
            mesh_emit(core, &effect);
        } else if (!link->is_used) {
            return;
        } else {
            absent[absent_count++] = want->chunks[i];
        }
    }
    if (absent_count)
        send_absent(core, link, absent, absent_count);
}

void mesh_chunk_read(struct mesh_core *core, struct mesh_link *link, const struct mesh_event *event)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Chunk body = PICKET__V1__CHUNK__INIT;
    ProtobufCBinaryData hash = mesh_binary(event->chunk_read.hash, HASH_BYTES);
    struct bytes content = event->chunk_read.content;

    if (link->reads)
        link->reads--;
    if (!content.len) {
        send_absent(core, link, &hash, 1);
        return;
    }
    body.content = mesh_binary(content.at, content.len);
    frame.body_case = PICKET__V1__FRAME__BODY_CHUNK;
    frame.chunk = &body;
    core->counts.chunks_out++;
    mesh_send(core, link, &frame);
}
