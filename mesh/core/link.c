/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core_internal.h"

#include <string.h>

#define FORGIVE_MS 60000 /* one fault is forgotten in this time */

struct mesh_link *mesh_link_find(struct mesh_core *core, uint32_t number)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        if (core->links[i].is_used && core->links[i].number == number)
            return &core->links[i];
    return NULL;
}

struct mesh_link *mesh_link_of_node(struct mesh_core *core, const uint8_t node[HASH_BYTES])
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        if (core->links[i].is_used && memcmp(core->links[i].node, node, HASH_BYTES) == 0)
            return &core->links[i];
    return NULL;
}

static struct mesh_link *free_slot(struct mesh_core *core)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        if (!core->links[i].is_used)
            return &core->links[i];
    return NULL;
}

/* NULL unless this node's faults are remembered or `may_add`. */
static struct mesh_faulty *faulty_of(
    struct mesh_core *core, const uint8_t node[HASH_BYTES], bool may_add)
{
    struct mesh_faulty *oldest = &core->faulty[0];

    for (uint32_t i = 0; i < MESH_FAULTY_MAX; i++) {
        struct mesh_faulty *faulty = &core->faulty[i];

        if (faulty->faults && memcmp(faulty->node, node, HASH_BYTES) == 0) {
            uint64_t forgiven = (core->now_ms - faulty->at_ms) / FORGIVE_MS;

            faulty->faults -= (uint32_t)(forgiven < faulty->faults ? forgiven : faulty->faults);
            faulty->at_ms += forgiven * FORGIVE_MS;
            return faulty;
        }
        if (faulty->at_ms < oldest->at_ms)
            oldest = faulty;
    }
    if (!may_add)
        return NULL;
    *oldest = (struct mesh_faulty){.at_ms = core->now_ms};
    memcpy(oldest->node, node, HASH_BYTES);
    return oldest;
}

static void emit_close(struct mesh_core *core, uint32_t number, enum mesh_reason reason)
{
    const struct mesh_effect effect = {.kind = MESH_DO_CLOSE, .link = number, .reason = reason};

    core->counts.closes[reason]++;
    mesh_emit(core, &effect);
}

/* The link is over, whoever ended it. */
static void forget(struct mesh_core *core, struct mesh_link *link, const char *sentence)
{
    uint8_t node[HASH_BYTES];

    memcpy(node, link->node, HASH_BYTES);
    mesh_chunk_link_down(core, link);
    link->is_used = false;
    mesh_book_link_down(core, node, sentence);
}

void mesh_link_close(struct mesh_core *core, struct mesh_link *link, enum mesh_reason reason)
{
    mesh_trace_link(core, "close", link, "reason", mesh_reason_word(reason));
    emit_close(core, link->number, reason);
    forget(core, link, mesh_reason_text(reason));
}

void mesh_link_blame(struct mesh_core *core, struct mesh_link *link, enum mesh_reason reason)
{
    const struct mesh_effect effect = {
        .kind = MESH_DO_PENALISE, .link = link->number, .reason = reason};
    struct mesh_faulty *faulty = faulty_of(core, link->node, true);

    faulty->faults++;
    core->counts.penalties[reason]++;
    mesh_trace_link(core, "penalise", link, "reason", mesh_reason_word(reason));
    mesh_emit(core, &effect);
    if (faulty->faults > core->options.faults_max)
        mesh_link_close(core, link, MESH_TOO_MANY_FAULTS);
}

/* Both ends must choose alike: the link that the node with the lower id dialled stays; of two
 * dialled by one side, the younger, because nobody dials while its link is good. */
static bool newer_stays(
    const struct mesh_core *core, const struct mesh_link *old, bool is_dialled_by_us)
{
    bool we_are_lower;

    if (old->is_dialled == is_dialled_by_us)
        return true;
    we_are_lower = memcmp(core->options.node, old->node, HASH_BYTES) < 0;
    return is_dialled_by_us == we_are_lower;
}

/* Why this link cannot be, or MESH_NONE. */
static enum mesh_reason judge_newcomer(struct mesh_core *core, const struct mesh_event *event)
{
    const struct mesh_faulty *faulty = faulty_of(core, event->up.node, false);
    struct mesh_link *old = mesh_link_of_node(core, event->up.node);

    if (memcmp(event->up.node, core->options.node, HASH_BYTES) == 0)
        return MESH_SELF;
    if (faulty && faulty->faults > core->options.faults_max)
        return MESH_TOO_MANY_FAULTS;
    if (old && !newer_stays(core, old, event->up.address != NULL))
        return MESH_DUPLICATE;
    if (!old && !free_slot(core))
        return MESH_FULL;
    return MESH_NONE;
}

static void greet(struct mesh_core *core, struct mesh_link *link)
{
    mesh_trace_link(core, "link.up", link, "dialled", link->is_dialled ? "yes" : "no");
    mesh_send_hello(core, link);
    mesh_send_keepalive(core, link);
}

void mesh_link_up(struct mesh_core *core, const struct mesh_event *event)
{
    enum mesh_reason reason = judge_newcomer(core, event);
    struct mesh_link *link;

    if (event->up.address)
        mesh_book_link_up(core, event->up.address, event->up.node, reason == MESH_SELF);
    if (reason != MESH_NONE) {
        emit_close(core, event->link, reason);
        if (event->up.address && reason != MESH_DUPLICATE && reason != MESH_SELF)
            mesh_book_failed(core, event->up.address, mesh_reason_text(reason));
        return;
    }
    link = mesh_link_of_node(core, event->up.node);
    if (link)
        mesh_link_close(core, link, MESH_DUPLICATE);
    link = free_slot(core);
    *link = (struct mesh_link){.is_used = true, .number = event->link};
    memcpy(link->node, event->up.node, HASH_BYTES);
    strncpy(link->name, event->up.name ? event->up.name : "", sizeof(link->name) - 1);
    link->is_dialled = event->up.address != NULL;
    if (event->up.address)
        strncpy(link->address, event->up.address, sizeof(link->address) - 1);
    link->up_ms = link->frame_ms = core->now_ms;
    greet(core, link);
}

void mesh_link_down(struct mesh_core *core, const struct mesh_event *event)
{
    struct mesh_link *link = mesh_link_find(core, event->link);

    if (!link)
        return;
    mesh_trace_link(core, "link.down", link, "frames", link->has_hello ? "some" : "none");
    forget(core, link, event->sentence);
}

/* A hash field that may be absent. False: of another length. */
static bool take_hash(ProtobufCBinaryData field, uint8_t to[HASH_BYTES], bool *ret_has)
{
    if (field.len != 0 && field.len != HASH_BYTES)
        return false;
    *ret_has = field.len != 0;
    if (field.len)
        memcpy(to, field.data, HASH_BYTES);
    return true;
}

void mesh_recv_keepalive(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Keepalive *keepalive)
{
    core->counts.keepalives_in++;
    if (!mesh_is_hash(keepalive->root) ||
        !take_hash(keepalive->root, link->root, &link->has_root) ||
        !take_hash(keepalive->state_root, link->state_root, &link->has_state_root) ||
        !take_hash(keepalive->compiled_digest, link->digest, &link->has_digest)) {
        mesh_link_blame(core, link, MESH_BAD_FRAME);
        return;
    }
    link->is_root_durable = keepalive->durable;
    link->time_s = keepalive->time;
    mesh_repair_compare(core, link);
}

/* Tells all neighbours what we have come to hold, but not too often. */
void mesh_link_news(struct mesh_core *core)
{
    if (!core->news_due || core->now_ms < core->news_sent_ms + core->options.news_ms)
        return;
    core->news_due = false;
    core->news_sent_ms = core->now_ms;
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        if (core->links[i].is_used)
            mesh_send_keepalive(core, &core->links[i]);
}

void mesh_link_tick(struct mesh_core *core)
{
    mesh_link_news(core);
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        struct mesh_link *link = &core->links[i];

        if (!link->is_used)
            continue;
        if (core->now_ms >= link->frame_ms + core->options.silence_ms) {
            mesh_link_close(core, link, MESH_SILENT);
            continue;
        }
        if (core->now_ms >= link->keepalive_ms)
            mesh_send_keepalive(core, link);
        if (link->has_hello && link->contacts_due && core->now_ms >= link->contacts_ms)
            mesh_send_contacts(core, link);
    }
}

uint64_t mesh_link_deadline_ms(const struct mesh_core *core)
{
    uint64_t deadline = UINT64_MAX;

    if (core->news_due)
        deadline = core->news_sent_ms + core->options.news_ms;
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];
        uint64_t silent_ms = link->frame_ms + core->options.silence_ms;

        if (!link->is_used)
            continue;
        deadline = link->keepalive_ms < deadline ? link->keepalive_ms : deadline;
        deadline = silent_ms < deadline ? silent_ms : deadline;
        if (link->has_hello && link->contacts_due && link->contacts_ms < deadline)
            deadline = link->contacts_ms;
    }
    return deadline;
}
