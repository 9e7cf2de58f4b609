/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair.c - what guarantees delivery: unequal roots lead to summaries, summaries to wants, wants
 * to records. Each step may be lost; time starts it anew, with another neighbour if there is one.
 */
#include "mesh/core/core_internal.h"

#include <string.h>

#define ANSWER_SPACE_MS 100 /* between two summaries to one neighbour that asks */
#define SUMMARY_COST 65536ULL
#define SUMMARY_ID_COST 64ULL
#define PATIENCE_WANTS 3 /* so many want_ms without anything new, and others are asked */
#define PAUSE_WANTS 10   /* so long a paused want waits for room */

void mesh_repair_compare(struct mesh_core *core, struct mesh_link *link)
{
    bool equal = !link->has_root || memcmp(link->root, mesh_root(core), HASH_BYTES) == 0 ||
                 mesh_root_was_ours(core, link->root);

    if (equal) {
        link->differs = false;
    } else if (!link->differs) {
        link->differs = true;
        link->differs_ms = core->now_ms;
        mesh_trace_link(core, "repair.differs", link, "dirty", link->is_dirty ? "yes" : "no");
    }
}

static uint32_t sessions_count(const struct mesh_core *core)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];

        count += link->is_used && (link->is_asked || link->want.is_open || link->want.is_paused);
    }
    return count;
}

static bool is_idle(const struct mesh_link *link)
{
    return !link->is_asked && !link->want.is_open && !link->want.is_paused;
}

/* When a session with this neighbour may begin; UINT64_MAX: there is no need for one. */
static uint64_t session_due_ms(const struct mesh_core *core, const struct mesh_link *link)
{
    /* A fresh link has no flood under way that could explain a difference: no grace. */
    bool is_fresh = link->differs_ms < link->up_ms + core->options.grace_ms;
    uint64_t due_ms = link->differs_ms + (is_fresh ? 0 : core->options.grace_ms);

    if (!link->is_used || !link->has_hello || !is_idle(link) || !(link->differs || link->is_dirty))
        return UINT64_MAX;
    if (link->is_dirty)
        due_ms = 0;
    return due_ms > link->rest_ms ? due_ms : link->rest_ms;
}

static void send_want(struct mesh_core *core, struct mesh_link *link)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Want body = PICKET__V1__WANT__INIT;
    Picket__V1__Range ranges[MESH_WANT_RANGES_MAX], *list[MESH_WANT_RANGES_MAX];
    ProtobufCBinaryData ids[MESH_WANT_IDS_MAX];
    struct mesh_want *want = &link->want;

    for (uint32_t i = 0; i < want->ranges_count; i++) {
        picket__v1__range__init(&ranges[i]);
        ranges[i].author = mesh_binary(want->ranges[i].author, KEY_BYTES);
        ranges[i].first = want->ranges[i].first;
        ranges[i].last = want->ranges[i].last;
        list[i] = &ranges[i];
    }
    for (uint32_t i = 0; i < want->ids_count; i++)
        ids[i] = mesh_binary(want->ids[i], HASH_BYTES);
    body.ranges = list;
    body.n_ranges = want->ranges_count;
    body.trust_from = want->trust_from;
    body.joins = ids;
    body.n_joins = want->joins_count;
    body.forks = ids + want->joins_count;
    body.n_forks = want->ids_count - want->joins_count;
    frame.body_case = PICKET__V1__FRAME__BODY_WANT;
    frame.want = &body;
    want->is_open = true;
    want->is_paused = false;
    want->at_ms = core->now_ms;
    want->records_count = 0;
    core->counts.wants_out++;
    mesh_trace_number(core, "repair.want", link, "ranges", want->ranges_count);
    mesh_send(core, link, &frame);
}

/* What was asked of one neighbour is not asked of others meanwhile. So who answers much and brings
 * nothing new is left. */
static bool brings_news(const struct mesh_core *core, const struct mesh_link *link)
{
    return core->now_ms < link->progress_ms + (uint64_t)PATIENCE_WANTS * core->options.want_ms;
}

void mesh_repair_progress(struct mesh_core *core, uint32_t number)
{
    struct mesh_link *link = mesh_link_find(core, number);

    if (link)
        link->progress_ms = core->now_ms;
}

void mesh_repair_heard(struct mesh_core *core, struct mesh_link *link)
{
    link->want.records_count++;
    if (link->want.is_open && brings_news(core, link))
        link->want.at_ms = core->now_ms;
}

static bool wants_anything(const struct mesh_want *want)
{
    return want->ranges_count || want->ids_count || want->trust_from;
}

/* Where a chain or the trust log of this neighbour parts from ours, no summary tells: ask at once.
 */
static void ask_suspects(struct mesh_core *core, struct mesh_link *link)
{
    struct mesh_want *want = &link->want;

    if (!(link->suspects_count || link->is_trust_suspect) || !is_idle(link))
        return;
    *want = (struct mesh_want){.ranges_count = link->suspects_count};
    memcpy(want->ranges, link->suspects, sizeof(link->suspects));
    want->trust_from = link->is_trust_suspect ? 1 : 0;
    link->suspects_count = 0;
    link->is_trust_suspect = false;
    link->progress_ms = core->now_ms;
    send_want(core, link);
}

void mesh_repair_waits(
    struct mesh_core *core, struct mesh_link *link, const struct mesh_record *record)
{
    struct mesh_range *suspect = &link->suspects[link->suspects_count];
    struct mesh_record head;
    uint8_t id[HASH_BYTES];
    uint64_t position = 0;

    if (record->kind == MESH_TRUST) {
        (void)core->view.trust_head(core->view.user, id, &position);
        if (record->seq <= position + 1)
            link->is_trust_suspect = true;
    }
    /* Its predecessor's number is taken here, so its chain parts from ours below. */
    if (record->kind == MESH_ENTRY && record->seq > 1 && link->suspects_count < 4 &&
        core->view.head_find(core->view.user, record->author, &head) &&
        head.seq + 1 >= record->seq) {
        memcpy(suspect->author, record->author, KEY_BYTES);
        suspect->first = suspect->last = record->seq - 1;
        link->suspects_count++;
    }
    ask_suspects(core, link);
}

static void end_want(struct mesh_core *core, struct mesh_link *link, uint64_t rest_ms)
{
    link->want.is_open = false;
    link->want.is_paused = false;
    link->rest_ms = core->now_ms + rest_ms;
}

/* What was asked and not answered in time is asked of others: this one rests. */
static void give_up_late(struct mesh_core *core, struct mesh_link *link)
{
    if (link->is_asked && core->now_ms >= link->asked_ms + core->options.want_ms) {
        link->is_asked = false;
        link->rest_ms = core->now_ms + core->options.grace_ms;
        mesh_trace_number(core, "repair.late", link, "waited_ms", core->now_ms - link->asked_ms);
    }
    if (link->want.is_open && core->now_ms >= link->want.at_ms + core->options.want_ms) {
        core->counts.wants_late++;
        mesh_trace_number(core, "repair.late", link, "waited_ms", core->now_ms - link->want.at_ms);
        end_want(core, link, core->options.want_ms);
    }
    if (link->want.is_paused &&
        core->now_ms >= link->want.at_ms + (uint64_t)PAUSE_WANTS * core->options.want_ms)
        end_want(core, link, core->options.want_ms);
}

static void start_session(struct mesh_core *core, struct mesh_link *link)
{
    link->is_dirty = false;
    link->is_asked = true;
    link->asked_ms = core->now_ms;
    mesh_send_summary(core, link, false);
}

void mesh_repair_tick(struct mesh_core *core)
{
    uint32_t first = (uint32_t)prng_below(&core->prng, MESH_LINKS_MAX);

    mesh_repair_resume(core);
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        struct mesh_link *link = &core->links[(first + i) % MESH_LINKS_MAX];

        if (!link->is_used)
            continue;
        give_up_late(core, link);
        ask_suspects(core, link);
        if (link->differs)
            mesh_repair_compare(core, link);
        if (core->now_ms >= session_due_ms(core, link) && sessions_count(core) < MESH_SESSIONS_MAX)
            start_session(core, link);
    }
}

void mesh_repair_resume(struct mesh_core *core)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        struct mesh_link *link = &core->links[i];

        if (!link->is_used || !link->want.is_paused || !core->view.has_room(core->view.user))
            continue;
        if (core->now_ms > link->want.at_ms) /* what was missing was room here */
            link->progress_ms = core->now_ms;
        send_want(core, link);
    }
}

#define PAUSE_MS 20 /* how often a paused want looks for room */

uint64_t mesh_repair_deadline_ms(const struct mesh_core *core)
{
    bool is_busy = sessions_count(core) >= MESH_SESSIONS_MAX;
    uint64_t deadline = UINT64_MAX;

    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];
        uint64_t due_ms = is_busy ? UINT64_MAX : session_due_ms(core, link);

        if (!link->is_used)
            continue;
        if (link->is_asked)
            due_ms = link->asked_ms + core->options.want_ms;
        else if (link->want.is_open)
            due_ms = link->want.at_ms + core->options.want_ms;
        else if (link->want.is_paused)
            due_ms = core->now_ms + PAUSE_MS;
        deadline = due_ms < deadline ? due_ms : deadline;
    }
    return deadline;
}

/* Reading one sorts all ids that are held here. */
static uint64_t summary_cost(struct mesh_core *core)
{
    return SUMMARY_COST + SUMMARY_ID_COST * (core->view.count(core->view.user, MESH_TRUST) +
                                                core->view.count(core->view.user, MESH_JOIN) +
                                                core->view.count(core->view.user, MESH_FORK));
}

void mesh_recv_summary(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Summary *summary)
{
    bool may_answer = !link->answered_ms || core->now_ms >= link->answered_ms + ANSWER_SPACE_MS;

    core->counts.summaries_in++;
    if (!mesh_budget_take(core, link, summary_cost(core)))
        return;
    if (summary->is_answer)
        link->is_asked = false;
    else if (may_answer) {
        link->answered_ms = core->now_ms;
        mesh_send_summary(core, link, true);
    }
    if (link->want.is_open || link->want.is_paused)
        return;
    if (!mesh_summary_compare(core, link, summary)) {
        link->want = (struct mesh_want){0};
        mesh_link_blame(core, link, MESH_BAD_FRAME);
        return;
    }
    link->progress_ms = core->now_ms;
    if (wants_anything(&link->want))
        send_want(core, link);
    else if (summary->is_answer)
        link->rest_ms = core->now_ms + core->options.grace_ms;
}

/* A rest is only worth asking for if it is part of what was asked. */
static bool was_asked(const struct mesh_want *want, const Picket__V1__Range *rest)
{
    if (rest->author.len != KEY_BYTES || !rest->first || rest->first > rest->last)
        return false;
    for (uint32_t i = 0; i < want->ranges_count; i++) {
        const struct mesh_range *range = &want->ranges[i];

        if (memcmp(range->author, rest->author.data, KEY_BYTES) == 0)
            return rest->first >= range->first && rest->last <= range->last;
    }
    return false;
}

void mesh_recv_end(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Absent *absent)
{
    struct mesh_want *want = &link->want;
    struct mesh_range rest[MESH_WANT_RANGES_MAX];
    uint32_t count = 0;

    if (!want->is_open)
        return;
    if (!want->records_count || !brings_news(core, link)) { /* a rest of nothing */
        end_want(core, link, core->options.grace_ms);
        return;
    }
    for (size_t i = 0; i < absent->n_ranges && count < MESH_WANT_RANGES_MAX; i++) {
        if (!was_asked(want, absent->ranges[i]))
            continue;
        memcpy(rest[count].author, absent->ranges[i]->author.data, KEY_BYTES);
        rest[count].first = absent->ranges[i]->first;
        rest[count++].last = absent->ranges[i]->last;
    }
    want->trust_from =
        want->trust_from && absent->trust_from > want->trust_from ? absent->trust_from : 0;
    memcpy(want->ranges, rest, count * sizeof(rest[0]));
    want->ranges_count = count;
    want->ids_count = want->joins_count = 0;
    end_want(core, link, core->options.grace_ms);
    want->is_paused = wants_anything(want);
    want->at_ms = core->now_ms;
    mesh_repair_resume(core);
}
