/* SPDX-License-Identifier: Apache-2.0 */
/* serve.c - answers a want: the records, as far as one answer may go, then its end and what is
 * left. */
#include "mesh/core/core_internal.h"

#include <stdlib.h>
#include <string.h>

#define WANT_COST 16384 /* of a want that finds nothing */
#define RECORD_COST 512 /* of a record, above its bytes */

#define BRANCHES_MAX 16

struct answer {
    size_t bytes;
    uint32_t records;
    Picket__V1__Range ranges[MESH_WANT_RANGES_MAX], *range_list[MESH_WANT_RANGES_MAX];
    size_t ranges_count; /* left over */
    uint64_t trust_from;
};

static bool is_full(const struct answer *answer)
{
    return answer->bytes >= MESH_ANSWER_BYTES_MAX || answer->records >= MESH_ANSWER_RECORDS_MAX;
}

static void put(struct mesh_core *core, struct mesh_link *link, struct answer *answer,
    const struct mesh_record *record)
{
    answer->bytes += record->bytes.len;
    answer->records++;
    mesh_budget_spend(link, record->bytes.len + RECORD_COST);
    mesh_send_record(core, link, record);
}

/* All entries of one number; of very many a part, from a random place on. */
static bool put_branches(struct mesh_core *core, struct mesh_link *link, struct answer *answer,
    const uint8_t *author, uint64_t seq)
{
    uint32_t count = core->view.entries_count(core->view.user, author, seq), first = 0;
    struct mesh_record record;
    bool has_any = false;

    if (count > BRANCHES_MAX) {
        first = (uint32_t)prng_below(&core->prng, count - BRANCHES_MAX + 1);
        count = BRANCHES_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!core->view.entry_at(core->view.user, author, seq, first + i, &record))
            continue;
        record.kind = MESH_ENTRY;
        put(core, link, answer, &record);
        has_any = true;
    }
    return has_any;
}

static void put_range(struct mesh_core *core, struct mesh_link *link, struct answer *answer,
    const Picket__V1__Range *range)
{
    Picket__V1__Range *rest;

    for (uint64_t seq = range->first; seq <= range->last; seq++) {
        if (is_full(answer)) {
            rest = &answer->ranges[answer->ranges_count];
            *rest = *range;
            rest->first = seq;
            answer->range_list[answer->ranges_count++] = rest;
            return;
        }
        if (!put_branches(core, link, answer, range->author.data, seq))
            return;
    }
}

struct trust_place {
    uint64_t position;
    uint32_t index;
};

static int compare_places(const void *a, const void *b)
{
    const struct trust_place *x = a, *y = b;

    return (x->position > y->position) - (x->position < y->position);
}

static void put_trust(
    struct mesh_core *core, struct mesh_link *link, struct answer *answer, uint64_t from)
{
    uint32_t count = core->view.count(core->view.user, MESH_TRUST);
    struct trust_place *places;
    uint32_t used = 0;
    struct mesh_record record;

    core->scratch.len = 0;
    if (buffer_reserve(&core->scratch, (size_t)count * sizeof(*places) + 1) < 0)
        return;
    places = (struct trust_place *)(void *)core->scratch.at;
    for (uint32_t i = 0; i < count; i++) {
        if (core->view.at(core->view.user, MESH_TRUST, i, &record) && record.seq >= from)
            places[used++] = (struct trust_place){.position = record.seq, .index = i};
    }
    qsort(places, used, sizeof(*places), compare_places);
    for (uint32_t i = 0; i < used; i++) {
        /* Those of one position go together, so that a rest begins at a position not yet answered.
         */
        if (is_full(answer) && i && places[i].position != places[i - 1].position) {
            answer->trust_from = places[i].position;
            return;
        }
        if (core->view.at(core->view.user, MESH_TRUST, places[i].index, &record))
            put(core, link, answer, &record);
    }
}

static bool is_ascending(const ProtobufCBinaryData *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!mesh_is_hash(ids[i]))
            return false;
        if (i && memcmp(ids[i - 1].data, ids[i].data, HASH_BYTES) >= 0)
            return false;
    }
    return true;
}

static int compare_id_to(const void *id, const void *item)
{
    return memcmp(id, ((const ProtobufCBinaryData *)item)->data, HASH_BYTES);
}

static void put_ids(struct mesh_core *core, struct mesh_link *link, struct answer *answer,
    uint32_t kind, const ProtobufCBinaryData *ids, size_t ids_count)
{
    uint32_t count = ids_count ? core->view.count(core->view.user, kind) : 0;
    struct mesh_record record;

    for (uint32_t i = 0; i < count && !is_full(answer); i++) {
        if (core->view.at(core->view.user, kind, i, &record) &&
            bsearch(record.id, ids, ids_count, sizeof(*ids), compare_id_to))
            put(core, link, answer, &record);
    }
}

static void send_end(struct mesh_core *core, struct mesh_link *link, struct answer *answer)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Absent body = PICKET__V1__ABSENT__INIT;

    body.ranges = answer->range_list;
    body.n_ranges = answer->ranges_count;
    body.trust_from = answer->trust_from;
    frame.body_case = PICKET__V1__FRAME__BODY_ABSENT;
    frame.absent = &body;
    mesh_trace_number(core, "serve", link, "records", answer->records);
    mesh_send(core, link, &frame);
}

static bool is_sound(const Picket__V1__Want *want)
{
    if (want->n_ranges > MESH_WANT_RANGES_MAX ||
        want->n_joins + want->n_forks > MESH_WANT_IDS_MAX || want->n_chunks > MESH_CHUNKS_MAX)
        return false;
    for (size_t i = 0; i < want->n_ranges; i++) {
        const Picket__V1__Range *range = want->ranges[i];

        if (range->author.len != KEY_BYTES || !range->first || range->first > range->last)
            return false;
    }
    return is_ascending(want->joins, want->n_joins) && is_ascending(want->forks, want->n_forks);
}

static void serve_records(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Want *want)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    if (!answer)
        return;
    if (!mesh_budget_take(core, link, WANT_COST)) {
        if (link->is_used)
            send_end(core, link, answer);
        free(answer);
        return;
    }
    /* Trust first: entries of keys it grants would be refused before it. Then invites before joins.
     */
    if (want->trust_from)
        put_trust(core, link, answer, want->trust_from);
    for (size_t i = 0; i < want->n_ranges; i++)
        put_range(core, link, answer, want->ranges[i]);
    put_ids(core, link, answer, MESH_JOIN, want->joins, want->n_joins);
    put_ids(core, link, answer, MESH_FORK, want->forks, want->n_forks);
    send_end(core, link, answer);
    free(answer);
}

void mesh_recv_want(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Want *want)
{
    core->counts.wants_in++;
    if (!is_sound(want)) {
        mesh_link_blame(core, link, MESH_BAD_FRAME);
        return;
    }
    if (want->n_chunks)
        mesh_serve_chunks(core, link, want);
    if (link->is_used && (want->n_ranges || want->trust_from || want->n_joins || want->n_forks))
        serve_records(core, link, want);
}
