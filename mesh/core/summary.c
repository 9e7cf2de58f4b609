/* SPDX-License-Identifier: Apache-2.0 */
/*
 * summary.c - what a node holds, as lists of names, and the difference of two.
 *
 * A list too long for a frame is sent as a window that begins at a random place: lists are only
 * ever read as "I have these", so repeated windows cover everything.
 */
#include "mesh/core/core_internal.h"

#include <stdlib.h>
#include <string.h>

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, HASH_BYTES);
}

bool mesh_ids_sorted(
    struct mesh_core *core, uint32_t kind, const uint8_t **ret_ids, uint32_t *ret_count)
{
    uint32_t count = core->view.count(core->view.user, kind), shown = 0;
    struct mesh_record record;

    core->scratch.len = 0;
    if (buffer_reserve(&core->scratch, (size_t)count * HASH_BYTES + 1) < 0)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!core->view.at(core->view.user, kind, i, &record))
            continue;
        memcpy(core->scratch.at + (size_t)shown * HASH_BYTES, record.id, HASH_BYTES);
        shown++;
    }
    qsort(core->scratch.at, shown, HASH_BYTES, compare_ids);
    *ret_ids = core->scratch.at;
    *ret_count = shown;
    return true;
}

/* ---- sending */

struct summary_room {
    Picket__V1__Head heads[MESH_SUMMARY_HEADS_MAX], *head_list[MESH_SUMMARY_HEADS_MAX];
    uint8_t head_bytes[MESH_SUMMARY_HEADS_MAX][KEY_BYTES + HASH_BYTES];
    uint8_t trust_head[HASH_BYTES];
    ProtobufCBinaryData trust[MESH_SUMMARY_TRUST_MAX];
    ProtobufCBinaryData joins[MESH_SUMMARY_JOINS_MAX];
    ProtobufCBinaryData forks[MESH_SUMMARY_FORKS_MAX];
    struct buffer ids[3]; /* what they point to */
};

static uint32_t window_start(struct mesh_core *core, uint32_t count, uint32_t max)
{
    return count > max ? (uint32_t)prng_below(&core->prng, count - max + 1) : 0;
}

static size_t put_heads(struct mesh_core *core, struct summary_room *room)
{
    uint32_t count = core->view.heads_count(core->view.user);
    uint32_t start = window_start(core, count, MESH_SUMMARY_HEADS_MAX);
    uint32_t sent = count < MESH_SUMMARY_HEADS_MAX ? count : MESH_SUMMARY_HEADS_MAX;
    size_t filled = 0;

    for (uint32_t i = 0; i < sent; i++) {
        Picket__V1__Head *head = &room->heads[filled];
        struct mesh_record record;

        core->view.head_at(core->view.user, start + i, &record);
        if (!record.seq) /* nothing of this chain may be sent yet */
            continue;
        memcpy(room->head_bytes[filled], record.author, KEY_BYTES);
        memcpy(room->head_bytes[filled] + KEY_BYTES, record.id, HASH_BYTES);
        picket__v1__head__init(head);
        head->author = mesh_binary(room->head_bytes[filled], KEY_BYTES);
        head->seq = record.seq;
        head->id = mesh_binary(room->head_bytes[filled] + KEY_BYTES, HASH_BYTES);
        room->head_list[filled++] = head;
    }
    return filled;
}

static size_t put_ids(struct mesh_core *core, uint32_t kind, struct buffer *keep,
    ProtobufCBinaryData *list, uint32_t max)
{
    const uint8_t *ids;
    uint32_t count, start;

    if (!mesh_ids_sorted(core, kind, &ids, &count))
        return 0;
    start = window_start(core, count, max);
    count = count < max ? count : max;
    if (buffer_append(keep, ids + (size_t)start * HASH_BYTES, (size_t)count * HASH_BYTES) < 0)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        list[i] = mesh_binary(keep->at + (size_t)i * HASH_BYTES, HASH_BYTES);
    return count;
}

static size_t put_trust(struct mesh_core *core, struct summary_room *room, uint64_t *ret_position)
{
    *ret_position = 0;
    if (!core->view.trust_head(core->view.user, room->trust_head, ret_position))
        return 0;
    if (core->view.count(core->view.user, MESH_TRUST) != *ret_position)
        return put_ids(core, MESH_TRUST, &room->ids[0], room->trust, MESH_SUMMARY_TRUST_MAX);
    room->trust[0] = mesh_binary(room->trust_head, HASH_BYTES);
    return 1;
}

void mesh_send_summary(struct mesh_core *core, struct mesh_link *link, bool is_answer)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Summary body = PICKET__V1__SUMMARY__INIT;
    struct summary_room *room = malloc(sizeof(*room));

    if (!room)
        return;
    memset(room->ids, 0, sizeof(room->ids));
    body.is_answer = is_answer;
    body.n_heads = put_heads(core, room);
    body.heads = room->head_list;
    body.n_trust = put_trust(core, room, &body.trust_position);
    body.trust = room->trust;
    body.n_joins = put_ids(core, MESH_JOIN, &room->ids[1], room->joins, MESH_SUMMARY_JOINS_MAX);
    body.joins = room->joins;
    body.n_forks = put_ids(core, MESH_FORK, &room->ids[2], room->forks, MESH_SUMMARY_FORKS_MAX);
    body.forks = room->forks;
    frame.body_case = PICKET__V1__FRAME__BODY_SUMMARY;
    frame.summary = &body;
    core->counts.summaries_out++;
    mesh_send(core, link, &frame);
    for (uint32_t i = 0; i < 3; i++)
        buffer_fini(&room->ids[i]);
    free(room);
}

/* ---- comparing */

static bool is_author_asked(
    const struct mesh_core *core, const struct mesh_link *but, const uint8_t *author)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];

        if (!link->is_used || link == but || !(link->want.is_open || link->want.is_paused))
            continue;
        for (uint32_t k = 0; k < link->want.ranges_count; k++)
            if (memcmp(link->want.ranges[k].author, author, KEY_BYTES) == 0)
                return true;
    }
    return false;
}

static bool is_id_asked(
    const struct mesh_core *core, const struct mesh_link *but, const uint8_t *id)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];

        if (!link->is_used || link == but || !link->want.is_open)
            continue;
        for (uint32_t k = 0; k < link->want.ids_count; k++)
            if (memcmp(link->want.ids[k], id, HASH_BYTES) == 0)
                return true;
    }
    return false;
}

static bool is_trust_asked(const struct mesh_core *core, const struct mesh_link *but)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];

        if (link->is_used && link != but && (link->want.is_open || link->want.is_paused) &&
            link->want.trust_from)
            return true;
    }
    return false;
}

/* What of this branch is missing here: *ret_first ... head->seq, or nothing (false). */
static bool missing_from(struct mesh_core *core, const Picket__V1__Head *head, uint64_t *ret_first)
{
    struct mesh_record mine;

    if (!core->view.is_author_known(core->view.user, head->author.data))
        return false; /* its trust records first; then the roots still differ */
    if (core->view.entry_has(core->view.user, head->id.data))
        return false;
    if (!core->view.head_find(core->view.user, head->author.data, &mine))
        mine.seq = 0;
    /* At or below ours it is another branch: from its end back to where it parts from ours. */
    *ret_first = head->seq > mine.seq ? mine.seq + 1 : head->seq;
    return true;
}

static bool compare_heads(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary)
{
    struct mesh_want *want = &link->want;

    for (size_t i = 0; i < summary->n_heads; i++) {
        const Picket__V1__Head *head = summary->heads[i];
        struct mesh_range *range = &want->ranges[want->ranges_count];

        if (head->author.len != KEY_BYTES || !mesh_is_hash(head->id) || !head->seq)
            return false;
        if (want->ranges_count == MESH_WANT_RANGES_MAX)
            return true;
        if (!missing_from(core, head, &range->first) ||
            is_author_asked(core, link, head->author.data))
            continue;
        memcpy(range->author, head->author.data, KEY_BYTES);
        range->last = head->seq;
        want->ranges_count++;
    }
    return true;
}

static bool is_listed(const uint8_t *ids, uint32_t count, const uint8_t *id)
{
    return count && bsearch(id, ids, count, HASH_BYTES, compare_ids);
}

static bool compare_trust(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary)
{
    uint8_t head[HASH_BYTES];
    const uint8_t *ids;
    uint64_t position = 0;
    uint32_t count;

    if (!mesh_ids_sorted(core, MESH_TRUST, &ids, &count))
        return true;
    (void)core->view.trust_head(core->view.user, head, &position);
    for (size_t i = 0; i < summary->n_trust; i++) {
        if (!mesh_is_hash(summary->trust[i]))
            return false;
        if (!is_listed(ids, count, summary->trust[i].data) && !is_trust_asked(core, link))
            link->want.trust_from = summary->trust_position > position ? position + 1 : 1;
    }
    return true;
}

static bool compare_ids_of(struct mesh_core *core, struct mesh_link *link, uint32_t kind,
    const ProtobufCBinaryData *theirs, size_t theirs_count)
{
    struct mesh_want *want = &link->want;
    const uint8_t *ids;
    uint32_t count;

    if (!mesh_ids_sorted(core, kind, &ids, &count))
        return true;
    for (size_t i = 0; i < theirs_count; i++) {
        if (!mesh_is_hash(theirs[i]))
            return false;
        if (i && memcmp(theirs[i - 1].data, theirs[i].data, HASH_BYTES) >= 0)
            return false;
        if (want->ids_count == MESH_WANT_IDS_MAX)
            return true;
        if (is_listed(ids, count, theirs[i].data) || is_id_asked(core, link, theirs[i].data))
            continue;
        memcpy(want->ids[want->ids_count++], theirs[i].data, HASH_BYTES);
    }
    return true;
}

bool mesh_summary_compare(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary)
{
    link->want = (struct mesh_want){0};
    if (!compare_heads(core, link, summary) || !compare_trust(core, link, summary) ||
        !compare_ids_of(core, link, MESH_JOIN, summary->joins, summary->n_joins))
        return false;
    link->want.joins_count = link->want.ids_count;
    return compare_ids_of(core, link, MESH_FORK, summary->forks, summary->n_forks);
}
