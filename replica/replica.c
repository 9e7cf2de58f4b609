/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/replica.h"
#include "base/check.h"
#include "mesh/core/trace.h"
#include "replica/replica_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int set_up(
    struct replica *replica, const struct replica_options *options, struct problem *reterr_problem)
{
    struct mesh_view view;
    int r;

    r = ledger_new(options->genesis, &replica->ledger, reterr_problem);
    if (r < 0)
        return r;
    memcpy(replica->mesh.fleet_id, ledger_fleet_id(replica->ledger), HASH_BYTES);
    replica->unstored = calloc(REPLICA_UNSTORED_ROOM, sizeof(*replica->unstored));
    if (!replica->unstored)
        return -ENOMEM;
    replica_view(replica, &view);
    r = mesh_core_new(&replica->mesh, &view, &replica->core);
    if (r == -EINVAL)
        return problem_say(reterr_problem, r, "an address to dial is not of the form host:port");
    return r;
}

int replica_new(const struct replica_options *options, struct replica **ret_replica,
    struct problem *reterr_problem)
{
    struct replica *replica = calloc(1, sizeof(*replica));
    int r;

    if (!replica)
        return -ENOMEM;
    replica->mesh = options->mesh;
    replica->chunk_hash = options->chunk_hash;
    replica->store_retry_ms = options->store_retry_ms ? options->store_retry_ms : 1000;
    replica->submissions_end = &replica->submissions;
    replica->state_owed = true; /* the first step says what was loaded */
    idmap_init(&replica->checks_by_id, HASH_BYTES, options->mesh.seed);
    idmap_init(&replica->others, HASH_BYTES, options->mesh.seed);
    idmap_init(&replica->granted, KEY_BYTES, options->mesh.seed);
    idmap_init(&replica->unstored_by_id, HASH_BYTES, options->mesh.seed);
    idmap_init(&replica->chunks_present, HASH_BYTES, options->mesh.seed);
    idmap_init(&replica->chunks_missing, HASH_BYTES, options->mesh.seed);
    idmap_init(&replica->arrivals, KEY_BYTES + 8, options->mesh.seed);
    r = set_up(replica, options, reterr_problem);
    if (r < 0) {
        replica_free(replica);
        return r;
    }
    *ret_replica = replica;
    return 0;
}

void replica_free(struct replica *replica)
{
    if (!replica)
        return;
    for (uint32_t i = 0; i < REPLICA_VERIFY_MAX; i++) {
        if (replica->checks[i] && !replica->checks[i]->item)
            free(replica->checks[i]->record);
        free(replica->checks[i]);
    }
    replica_submissions_free(replica);
    replica_waiting_free(replica);
    idmap_fini(&replica->checks_by_id);
    idmap_fini(&replica->others);
    idmap_fini(&replica->granted);
    idmap_fini(&replica->unstored_by_id);
    idmap_fini(&replica->chunks_present);
    idmap_fini(&replica->chunks_missing);
    buffer_fini(&replica->missing_list);
    idmap_fini(&replica->arrivals);
    mesh_core_free(replica->core);
    ledger_free(replica->ledger);
    free(replica->unstored);
    free(replica);
}

struct held_record *held_record_new(const struct record_view *view, struct bytes bytes)
{
    struct held_record *record = malloc(sizeof(*record) + bytes.len);

    if (!record)
        return NULL;
    record->view = *view;
    record->len = bytes.len;
    memcpy(record->bytes, bytes.at, bytes.len);
    return record;
}

/* ---- what was on disk */

int replica_load_record(struct replica *replica, struct held_record *record)
{
    struct ledger_answer answer;
    struct bytes bytes = bytes_of(record->bytes, record->len);
    int r = ledger_add(replica->ledger, record->view.kind, bytes, &answer, NULL);

    if (r == 0 && (answer.outcome == LEDGER_WAITS || answer.reason == LEDGER_UNKNOWN_AUTHOR)) {
        /* Retries of a failing disk may have stored it before what it needs. */
        replica_wait(replica, record, answer.reason, MESH_LINK_NONE, true);
        return 0;
    }
    if (r == 0 && answer.outcome == LEDGER_ADDED)
        replica_added(replica, &record->view, bytes);
    if (r == 0 && answer.outcome == LEDGER_REFUSED)
        r = -EBADMSG;
    free(record);
    return r;
}

int replica_load(struct replica *replica, enum record_kind kind, struct bytes bytes)
{
    struct record_view view = {.kind = kind};
    enum ledger_reason reason = record_open(replica->ledger, kind, bytes, &view);
    struct held_record *record;
    int r;

    view.kind = kind;
    if (reason != LEDGER_OK && reason != LEDGER_UNKNOWN_PREV && reason != LEDGER_UNKNOWN_INVITE)
        return -EBADMSG;
    record = held_record_new(&view, bytes);
    if (!record)
        return -ENOMEM;
    r = replica_load_record(replica, record);
    replica_run_awake(replica);
    return r;
}

int replica_load_chunk(struct replica *replica, const uint8_t hash[HASH_BYTES])
{
    return idmap_put(&replica->chunks_present, hash, 1);
}

/* ---- effects and notes */

void replica_emit(struct replica *replica, const struct replica_effect *effect)
{
    replica->effects->fn(replica->effects->user, effect);
}

uint64_t replica_ticket(struct replica *replica, uint32_t slot)
{
    CHECK(slot <= 0xffff, "slots are few");
    return (++replica->tickets << 16) | slot;
}

void replica_note(struct replica *replica, const struct note *note)
{
    /* One frame makes one note; what does not fit is only blame that is not laid. */
    if (replica->notes_count < REPLICA_NOTES_MAX)
        replica->notes[replica->notes_count++] = *note;
}

void replica_trace(struct replica *replica, const char *what, const struct record_view *view,
    const char *key, const char *word)
{
    static const char *const kinds[] = {
        [RECORD_ENTRY] = "entry",
        [RECORD_TRUST] = "trust",
        [RECORD_JOIN] = "join",
        [RECORD_FORK] = "fork",
    };
    struct trace_line line;

    if (!replica->mesh.trace)
        return;
    trace_start(&line, what);
    trace_word(&line, "kind", kinds[view->kind]);
    trace_id(&line, "id", view->id);
    if (view->kind == RECORD_ENTRY)
        trace_id(&line, "author", view->author);
    if (view->kind == RECORD_ENTRY || view->kind == RECORD_TRUST)
        trace_number(&line, "seq", view->seq);
    trace_word(&line, key, word);
    replica->mesh.trace(replica->mesh.trace_user, line.text);
}

static void from_core(void *user, const struct mesh_effect *effect)
{
    static const enum replica_effect_kind kinds[] = {
        [MESH_DO_SEND] = REPLICA_DO_SEND,
        [MESH_DO_DIAL] = REPLICA_DO_DIAL,
        [MESH_DO_CLOSE] = REPLICA_DO_CLOSE,
        [MESH_DO_PENALISE] = REPLICA_DO_PENALISE,
    };
    struct replica *replica = user;
    struct replica_effect out = {.link = effect->link,
        .reason = effect->reason,
        .bytes = effect->bytes,
        .address = effect->address};

    switch (effect->kind) {
    case MESH_DO_SEND:
    case MESH_DO_DIAL:
    case MESH_DO_CLOSE:
    case MESH_DO_PENALISE:
        out.kind = kinds[effect->kind];
        replica_emit(replica, &out);
        break;
    case MESH_DO_TAKE:
        replica_receive(
            replica, effect->link, (enum record_kind)effect->record_kind, effect->bytes);
        break;
    case MESH_DO_TAKE_CHUNK:
        replica_chunk_receive(replica, effect->link, effect->bytes);
        break;
    case MESH_DO_READ_CHUNK:
        replica_chunk_want(replica, effect->link, effect->hash);
        break;
    }
}

void replica_tell_core(struct replica *replica, const struct mesh_event *event)
{
    const struct mesh_effects effects = {.user = replica, .fn = from_core};
    struct mesh_event timed = *event;

    timed.now_ms = replica->now_ms;
    timed.time_s = replica->time_s;
    mesh_core_step(replica->core, &timed, &effects);
}

static void tell_notes(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->notes_count; i++) {
        struct note *note = &replica->notes[i];
        struct mesh_event event = {.link = note->link};

        event.kind = note->is_waits ? MESH_ON_WAITS : MESH_ON_REFUSED;
        if (note->is_waits) {
            event.record.kind = note->kind;
            event.record.author = note->author;
            event.record.seq = note->seq;
        } else {
            event.reason = note->reason;
        }
        replica_tell_core(replica, &event);
    }
    replica->notes_count = 0;
}

/* ---- the step */

static void tell_link(struct replica *replica, const struct replica_event *event)
{
    struct mesh_event out = {0};

    if (event->kind == REPLICA_ON_LINK_UP) {
        out.kind = MESH_ON_LINK_UP;
        out.link = event->up.link;
        out.up.node = event->up.node;
        out.up.name = event->up.name;
        out.up.address = event->up.address;
    } else if (event->kind == REPLICA_ON_LINK_DOWN) {
        out.kind = MESH_ON_LINK_DOWN;
        out.link = event->down.link;
        out.sentence = event->down.sentence;
    } else if (event->kind == REPLICA_ON_DIAL_FAILED) {
        out.kind = MESH_ON_DIAL_FAILED;
        out.address = event->dial_failed.address;
        out.sentence = event->dial_failed.sentence;
    } else if (event->kind == REPLICA_ON_MESSAGE) {
        out.kind = MESH_ON_FRAME;
        out.link = event->message.link;
        out.frame = event->message.bytes;
    } else {
        out.kind = MESH_ON_DROPPED;
        out.link = event->dropped.link;
    }
    replica_tell_core(replica, &out);
}

static void dispatch(struct replica *replica, const struct replica_event *event)
{
    const struct mesh_event tick = {.kind = MESH_ON_TICK};

    switch (event->kind) {
    case REPLICA_ON_TICK:
        replica_tell_core(replica, &tick);
        replica_store_tick(replica);
        break;
    case REPLICA_ON_LINK_UP:
    case REPLICA_ON_LINK_DOWN:
    case REPLICA_ON_DIAL_FAILED:
    case REPLICA_ON_MESSAGE:
    case REPLICA_ON_DROPPED:
        tell_link(replica, event);
        break;
    case REPLICA_ON_SUBMIT:
        replica_submit(replica, event);
        break;
    case REPLICA_ON_JOIN:
        replica_join(replica, event);
        break;
    case REPLICA_ON_CHUNK_SUBMIT:
        replica_chunk_submit(replica, event);
        break;
    case REPLICA_ON_VERIFIED:
        replica_verified(replica, event->verified.ticket, event->verified.is_valid);
        break;
    case REPLICA_ON_STORED:
        replica_stored(replica, event->stored.ticket, event->stored.result);
        break;
    case REPLICA_ON_CHUNK_STORED:
        replica_chunk_stored(replica, event->stored.ticket, event->stored.result);
        break;
    case REPLICA_ON_CHUNK_READ:
        replica_chunk_was_read(replica, event);
        break;
    case REPLICA_ON_CHUNK_LOST:
        replica_chunk_lost(replica, event->chunk);
        break;
    case REPLICA_ON_DIGEST:
        replica->has_digest = event->digest.has_digest;
        memcpy(replica->digest, event->digest.digest, HASH_BYTES);
        break;
    }
}

static void tell_news(struct replica *replica)
{
    const struct mesh_event settled = {.kind = MESH_ON_SETTLED};
    uint64_t revision = ledger_revision(replica->ledger);

    if (replica->counts.unstored || replica->news_revision == revision)
        return;
    replica->news_revision = revision;
    replica_tell_core(replica, &settled);
}

void replica_step(struct replica *replica, const struct replica_event *event,
    const struct replica_effects *effects)
{
    CHECK(event->now_ms >= replica->now_ms, "time does not go back");
    CHECK(!replica->effects, "a callback does not call step");
    replica->now_ms = event->now_ms;
    replica->time_s = event->time_s;
    replica->effects = effects;
    dispatch(replica, event);
    tell_notes(replica);
    replica_run_awake(replica);
    tell_notes(replica);
    replica_settle(replica);
    tell_news(replica);
    replica_holders_look(replica);
    replica->effects = NULL;
}

uint64_t replica_deadline_ms(const struct replica *replica)
{
    uint64_t core_ms = mesh_core_deadline_ms(replica->core);
    uint64_t store_ms = replica_store_deadline_ms(replica);

    return core_ms < store_ms ? core_ms : store_ms;
}

/* ---- reading */

struct ledger *replica_ledger(struct replica *replica)
{
    return replica->ledger;
}

bool replica_is_settled(const struct replica *replica)
{
    return replica->round_pending == 0;
}

uint32_t replica_peers_count(const struct replica *replica)
{
    return mesh_core_peers_count(replica->core);
}

void replica_peer_at(const struct replica *replica, uint32_t index, struct mesh_peer *ret_peer)
{
    mesh_core_peer_at(replica->core, index, ret_peer);
}

const struct replica_counts *replica_counts(const struct replica *replica)
{
    return &replica->counts;
}

const struct mesh_counts *replica_mesh_counts(const struct replica *replica)
{
    return mesh_core_counts(replica->core);
}
