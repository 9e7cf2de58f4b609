/* SPDX-License-Identifier: Apache-2.0 */
#include "node/effects.h"
#include "base/check.h"
#include "base/member.h"
#include "base/own.h"
#include "mesh/stream/stream.h"
#include "node/admission.h"
#include "node/api/api.h"
#include "node/enforce.h"
#include "node/log.h"
#include "node/node.h"
#include "node/verify.h"
#include "rpc/loop.h"
#include "rpc/trust.h"
#include "store/db/db.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS 1000000ULL
#define DIAL_TIMEOUT_MS 5000
#define SEED_MS_MAX 5000 /* then it is served without: the disk is slow or fails */
#define CLOCK_MS 30000   /* how often neighbours' clocks are looked at */

/* Ours behind every mesh_link. */
struct neighbour {
    struct neighbour *next;
    struct mesh_link *link;
    char *address; /* we dialled it; NULL: it dialled us */
    uint32_t number;
    bool is_up;
};

/* An event that may not be handed over inside the callback that caused it. */
struct later {
    struct later *next;
    struct replica_event event;
    char *address;
};

struct effects {
    struct node *node;
    struct replica *replica;
    struct mesh_streams *streams;
    struct verifier *verifier;
    struct rpc_timer tick;
    struct neighbour *neighbours;
    struct later *first_later, **last_later;
    uint64_t clocks_ns;                /* when neighbours' clocks are looked at */
    uint64_t newest_token, seed_token; /* seed: 0 when it is answered */
    uint32_t newest_number;
    bool has_new_state;
    bool has_agreed; /* with a neighbour, once: then others' join records are here */
    bool has_joined; /* this node's own join record was submitted */
    bool is_stepping, is_stopping;
};

/* ---- what comes back later */

static struct later *later_new(struct effects *effects, enum replica_event_kind kind)
{
    struct later *later = calloc(1, sizeof(*later));

    CHECK(later, "a promised answer needs memory");
    later->event.kind = kind;
    *effects->last_later = later;
    effects->last_later = &later->next;
    return later;
}

static struct later *later_take(struct effects *effects)
{
    struct later *later = effects->first_later;

    if (later) {
        effects->first_later = later->next;
        if (!effects->first_later)
            effects->last_later = &effects->first_later;
    }
    return later;
}

static void later_free(struct later *later)
{
    free(later->address);
    free(later);
}

/* ---- the disk */

struct store_job {
    struct db_done done; /* first: the writer's */
    struct rpc_tag tag;
    struct effects *effects;
    uint64_t ticket;
    enum replica_event_kind kind;
    int result;
};

static void on_stored(struct rpc_tag *tag, int ok)
{
    struct store_job *job = OWNER_OF(struct store_job, tag, tag);
    struct replica_event event = {.kind = job->kind};

    (void)ok;
    event.stored.ticket = job->ticket;
    event.stored.result = job->result;
    if (job->result < 0)
        log_say(
            LOG_ERROR, "store.failed", "a record could not be written: %s", strerror(-job->result));
    effects_step(job->effects, &event);
    api_records_changed(job->effects->node->api); /* followers see what is on disk */
    free(job);
}

/* On the writer's thread. */
static void on_written(struct db_done *done, int result)
{
    struct store_job *job = (struct store_job *)(void *)done;

    job->result = result;
    if (rpc_post(job->effects->node->loop, &job->tag) < 0)
        free(job);
}

static void store(struct effects *effects, const struct replica_effect *effect)
{
    struct store_job *job = calloc(1, sizeof(*job));
    bool is_chunk = effect->kind == REPLICA_DO_STORE_CHUNK;
    int r = -ENOMEM;

    if (job) {
        *job =
            (struct store_job){.done = {on_written}, .tag = {.fn = on_stored}, .effects = effects};
        job->ticket = effect->ticket;
        job->kind = is_chunk ? REPLICA_ON_CHUNK_STORED : REPLICA_ON_STORED;
        r = is_chunk ? db_put_chunk(effects->node->db, effect->id, effect->bytes, &job->done)
                     : db_put(effects->node->db, effect->record_kind, effect->id, effect->bytes,
                           &job->done);
    }
    if (r < 0) {
        struct later *later =
            later_new(effects, is_chunk ? REPLICA_ON_CHUNK_STORED : REPLICA_ON_STORED);

        later->event.stored.ticket = effect->ticket;
        later->event.stored.result = r;
        free(job);
    }
}

struct read_job {
    struct db_read read; /* first: the reader's */
    struct rpc_tag tag;
    struct effects *effects;
    uint64_t ticket;
    struct buffer content;
    int result;
};

static void read_free(struct read_job *job)
{
    buffer_fini(&job->content);
    free(job);
}

static void on_read(struct rpc_tag *tag, int ok)
{
    struct read_job *job = OWNER_OF(struct read_job, tag, tag);
    struct replica_event event = {.kind = REPLICA_ON_CHUNK_READ};

    (void)ok;
    event.chunk_read.ticket = job->ticket;
    event.chunk_read.result = job->result;
    event.chunk_read.content = buffer_bytes(&job->content);
    if (job->result < 0)
        log_say(LOG_ERROR, "chunk.unreadable",
            "content of a set cannot be read: %s; it is fetched again", strerror(-job->result));
    effects_step(job->effects, &event);
    read_free(job);
}

/* On the reader's thread. */
static void on_fetched(struct db_read *read, int result, struct bytes content)
{
    struct read_job *job = (struct read_job *)(void *)read;

    job->result = result;
    if (result == 0)
        job->result = buffer_append(&job->content, content.at, content.len);
    if (rpc_post(job->effects->node->loop, &job->tag) < 0)
        read_free(job);
}

static void read_chunk(struct effects *effects, const struct replica_effect *effect)
{
    struct read_job *job = calloc(1, sizeof(*job));

    CHECK(job, "a promised answer needs memory");
    *job = (struct read_job){.read = {.fn = on_fetched},
        .tag = {.fn = on_read},
        .effects = effects,
        .ticket = effect->ticket};
    memcpy(job->read.hash, effect->id, HASH_BYTES);
    db_chunk_fetch(effects->node->db, &job->read);
}

/* ---- signatures */

struct check_job {
    struct verify_job job; /* first */
    struct effects *effects;
    struct admission_check *join; /* NULL unless a join record */
    uint64_t ticket;
};

static void check_free(struct verify_job *job)
{
    struct check_job *check = (struct check_job *)(void *)job;

    admission_check_free(check->join);
    free(check);
}

static void on_checked(struct verify_job *job)
{
    struct check_job *check = (struct check_job *)(void *)job;
    struct replica_event event = {.kind = REPLICA_ON_VERIFIED};

    event.verified.ticket = check->ticket;
    event.verified.is_valid = job->is_good;
    effects_step(check->effects, &event);
    check_free(job);
}

static bool join_is_good(const struct verify_job *job)
{
    return admission_check(((const struct check_job *)(const void *)job)->join);
}

static void verify(struct effects *effects, const struct replica_effect *effect)
{
    struct check_job *check = calloc(1, sizeof(*check));
    struct later *later;

    CHECK(effect->claims_count <= ROOT_KEYS_MAX, "no record has more signatures");
    if (check) {
        check->effects = effects;
        check->ticket = effect->ticket;
        check->job.done = on_checked;
        check->job.claims_count = effect->claims_count;
        memcpy(check->job.claims, effect->claims, effect->claims_count * sizeof(*effect->claims));
        if (effect->record_kind == RECORD_JOIN) {
            check->join = admission_check_new(effects->node, effect->bytes);
            check->job.also = join_is_good;
        }
        if (verify_start(effects->verifier, &check->job) == 0)
            return;
        check_free(&check->job);
    }
    later = later_new(effects, REPLICA_ON_VERIFIED);
    later->event.verified.ticket = effect->ticket;
}

/* ---- neighbours */

static struct neighbour *neighbour_find(struct effects *effects, uint32_t number)
{
    struct neighbour *neighbour = effects->neighbours;

    while (neighbour && neighbour->number != number)
        neighbour = neighbour->next;
    return neighbour;
}

static struct neighbour *neighbour_new(
    struct effects *effects, struct mesh_link *link, const char *address)
{
    struct neighbour *neighbour = calloc(1, sizeof(*neighbour));

    CHECK(neighbour, "a link needs memory");
    neighbour->link = link;
    neighbour->address = address ? strdup(address) : NULL;
    neighbour->number = effects->newest_number++;
    neighbour->next = effects->neighbours;
    effects->neighbours = neighbour;
    mesh_link_set_user(link, neighbour);
    return neighbour;
}

static void neighbour_free(struct effects *effects, struct neighbour *neighbour)
{
    struct neighbour **slot = &effects->neighbours;

    while (*slot != neighbour)
        slot = &(*slot)->next;
    *slot = neighbour->next;
    free(neighbour->address);
    free(neighbour);
}

static void dial(struct effects *effects, const char *address)
{
    struct problem problem = {0};
    struct mesh_link *link = NULL;
    struct later *later;

    if (!effects->is_stopping &&
        mesh_stream_dial(effects->streams, address, DIAL_TIMEOUT_MS, &link, &problem) == 0) {
        (void)neighbour_new(effects, link, address);
        return;
    }
    later = later_new(effects, REPLICA_ON_DIAL_FAILED);
    later->address = strdup(address);
    later->event.dial_failed.address = later->address;
}

static void send_frame(struct effects *effects, const struct replica_effect *effect)
{
    struct neighbour *neighbour = neighbour_find(effects, effect->link);

    if (!neighbour || !neighbour->is_up)
        return;
    if (mesh_stream_send(neighbour->link, effect->bytes) < 0) {
        struct later *later = later_new(effects, REPLICA_ON_DROPPED);

        later->event.dropped.link = effect->link;
    }
}

static void close_link(struct effects *effects, const struct replica_effect *effect)
{
    struct neighbour *neighbour = neighbour_find(effects, effect->link);

    if (neighbour)
        mesh_stream_close(neighbour->link, mesh_reason_text(effect->reason));
}

static void on_up(void *user, struct mesh_link *link, const struct rpc_identity *identity)
{
    struct effects *effects = user;
    struct neighbour *neighbour = mesh_link_user(link);
    struct replica_event event = {.kind = REPLICA_ON_LINK_UP};

    if (!neighbour)
        neighbour = neighbour_new(effects, link, NULL);
    neighbour->is_up = true;
    log_say(LOG_INFO, "peer.up", "%s (%s)", identity->name, mesh_link_address(link));
    event.up.link = neighbour->number;
    event.up.node = identity->invite;
    event.up.name = identity->name;
    event.up.address = neighbour->address;
    effects_step(effects, &event);
    enforce_state_changed(effects->node->enforce); /* its address belongs to the lifeline */
}

static void on_frame(void *user, struct mesh_link *link, struct bytes frame)
{
    struct neighbour *neighbour = mesh_link_user(link);
    struct replica_event event = {.kind = REPLICA_ON_MESSAGE};

    if (!neighbour)
        return;
    event.message.link = neighbour->number;
    event.message.bytes = frame;
    effects_step(user, &event);
}

static void on_down(void *user, struct mesh_link *link, const char *text)
{
    struct effects *effects = user;
    struct neighbour *neighbour = mesh_link_user(link);
    struct replica_event event = {.kind = REPLICA_ON_LINK_DOWN};

    if (!neighbour)
        return;
    if (neighbour->is_up) {
        log_say(LOG_INFO, "peer.down", "%s: %s", mesh_link_address(link), text);
        event.down.link = neighbour->number;
        event.down.sentence = text;
    } else {
        event.kind = REPLICA_ON_DIAL_FAILED;
        event.dial_failed.address = neighbour->address ? neighbour->address : "";
        event.dial_failed.sentence = text;
    }
    if (neighbour->is_up || neighbour->address)
        effects_step(effects, &event);
    neighbour_free(effects, neighbour);
}

/* ---- the step */

static void perform(void *user, const struct replica_effect *effect)
{
    struct effects *effects = user;

    switch (effect->kind) {
    case REPLICA_DO_SEND:
        send_frame(effects, effect);
        break;
    case REPLICA_DO_DIAL:
        dial(effects, effect->address);
        break;
    case REPLICA_DO_CLOSE:
        close_link(effects, effect);
        break;
    case REPLICA_DO_PENALISE:
        log_say(LOG_WARNING, "peer.fault", "link %u: %s", effect->link,
            mesh_reason_text(effect->reason));
        break;
    case REPLICA_DO_VERIFY:
        verify(effects, effect);
        break;
    case REPLICA_DO_STORE:
    case REPLICA_DO_STORE_CHUNK:
        store(effects, effect);
        break;
    case REPLICA_DO_READ_CHUNK:
        read_chunk(effects, effect);
        break;
    case REPLICA_DO_ANSWER:
        if (effect->token == effects->seed_token)
            effects->seed_token = 0;
        api_answered(effects->node->api, effect);
        break;
    case REPLICA_DO_STATE:
        effects->has_new_state = true;
        enforce_state_is_whole(effects->node->enforce);
        break;
    }
}

static void note_agreement(struct effects *effects)
{
    struct replica_convergence convergence;

    if (effects->has_agreed)
        return;
    replica_convergence(effects->replica, &convergence);
    if (!convergence.agreeing)
        return;
    effects->has_agreed = true;
    (void)db_meta_put(effects->node->db, "agreed", bytes_of("1", 1));
    admission_publish(effects->node, false);
}

static void step_once(struct effects *effects, struct replica_event *event)
{
    const struct replica_effects sink = {.user = effects, .fn = perform};

    event->now_ms = rpc_now_ns() / NS_PER_MS;
    event->time_s = clock_read(&effects->node->clock, node_wall_s());
    rpc_trust_set_time(effects->node->trust, event->time_s); /* what join_by is measured by */
    replica_step(effects->replica, event, &sink);
}

static void tell_new_state(struct effects *effects)
{
    struct node *node = effects->node;

    effects->has_new_state = false;
    admission_publish(node, !effects->has_agreed);
    enforce_state_changed(node->enforce);
    api_records_changed(node->api);
    if (effects->has_joined || effects->is_stopping)
        return;
    effects->has_joined = true; /* first: it steps again */
    effects->has_joined = admission_join_self(node);
}

void effects_step(struct effects *effects, struct replica_event *event)
{
    struct later *later;

    CHECK(!effects->is_stepping, "an effect never causes an event by itself");
    effects->is_stepping = true;
    step_once(effects, event);
    while ((later = later_take(effects))) {
        step_once(effects, &later->event);
        later_free(later);
    }
    effects->is_stepping = false;
    note_agreement(effects);
    if (effects->has_new_state)
        tell_new_state(effects);
    if (!effects->is_stopping)
        rpc_timer_set(
            effects->node->loop, &effects->tick, replica_deadline_ms(effects->replica) * NS_PER_MS);
}

static void look_at_clocks(struct effects *effects)
{
    struct node *node = effects->node;
    uint64_t neighbours_s[MESH_LINKS_MAX];
    uint32_t peers = replica_peers_count(effects->replica), count = 0;

    effects->clocks_ns = rpc_now_ns() + CLOCK_MS * NS_PER_MS;
    for (uint32_t i = 0; i < peers && count < MESH_LINKS_MAX; i++) {
        struct mesh_peer peer;

        replica_peer_at(effects->replica, i, &peer);
        if (peer.link != MESH_LINK_NONE)
            neighbours_s[count++] = peer.time_s;
    }
    clock_hear(&node->clock, node_wall_s(), neighbours_s, count);
    if (clock_is_worth_keeping(&node->clock, neighbours_s, count))
        clock_keep(&node->clock, node->db);
}

static void on_tick(struct rpc_timer *timer)
{
    struct effects *effects = OWNER_OF(struct effects, tick, timer);
    struct replica_event event = {.kind = REPLICA_ON_TICK};

    if (rpc_now_ns() >= effects->clocks_ns)
        look_at_clocks(effects);
    effects_step(effects, &event);
}

uint64_t effects_token(struct effects *effects)
{
    return ++effects->newest_token;
}

/* ---- start */

static void load_record(
    void *user, enum record_kind kind, struct bytes bytes, const uint8_t id[HASH_BYTES])
{
    struct effects *effects = user;
    char digits[17];

    if (replica_load(effects->replica, kind, bytes) == 0)
        return;
    hex_print(id, 8, digits);
    log_say(LOG_WARNING, "store.misfit",
        "record %s does not fit what is held; it is left out and fetched again", digits);
}

static void load_chunk(void *user, const uint8_t hash[HASH_BYTES], uint32_t len)
{
    struct effects *effects = user;

    (void)len;
    (void)replica_load_chunk(effects->replica, hash);
}

static void load_damaged(void *user, const char *sentence)
{
    (void)user;
    log_say(LOG_ERROR, "store.damaged", "%s", sentence);
}

static void hash_chunk(struct bytes content, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_CHUNK, content, ret_hash);
}

static void trace(void *user, const char *line)
{
    (void)user;
    log_say(LOG_DEBUG, "core", "%s", line);
}

static int make_replica(struct effects *effects, struct problem *reterr_problem)
{
    struct node *node = effects->node;
    const char *dials[MESH_ADDRESSES_MAX];
    uint32_t dials_count = 0;
    struct replica_options options = {
        .genesis = buffer_bytes(&node->identity.genesis), .chunk_hash = hash_chunk};

    for (size_t i = 0; i < node->identity.peers_count && dials_count < MESH_ADDRESSES_MAX; i++)
        dials[dials_count++] = node->identity.peers[i];
    for (unsigned i = 0; i < node->config.peer.count && dials_count < MESH_ADDRESSES_MAX; i++)
        dials[dials_count++] = node->config.peer.items[i];
    memcpy(options.mesh.node, node->identity.invite, HASH_BYTES);
    options.mesh.name = node->identity.name;
    options.mesh.dial = dials;
    options.mesh.dial_count = dials_count;
    options.mesh.own = (const char *const *)node->config.advertise.items;
    options.mesh.own_count = node->config.advertise.count < 4 ? node->config.advertise.count : 4;
    keys_random(&options.mesh.seed, sizeof(options.mesh.seed));
    options.mesh.keepalive_ms = node->config.keepalive_ms;
    options.mesh.silence_ms = node->config.silence_ms;
    options.mesh.trace = trace;
    return replica_new(&options, &effects->replica, reterr_problem);
}

static int load(struct effects *effects, struct problem *reterr_problem)
{
    const struct db_visitor visitor = {
        .user = effects, .record = load_record, .chunk = load_chunk, .damaged = load_damaged};
    struct buffer agreed = {0};

    effects->has_agreed = db_meta_get(effects->node->db, "agreed", &agreed) == 0;
    buffer_fini(&agreed);
    return db_load(effects->node->db, &visitor, reterr_problem);
}

OWN_AS(own_effects, struct effects, effects_free)

int effects_new(struct node *node, struct effects **ret_effects, struct problem *reterr_problem)
{
    OWN(own_effects) struct effects *effects = calloc(1, sizeof(*effects));
    struct mesh_stream_events events = {
        .on_up = on_up, .on_frame = on_frame, .on_down = on_down, .user = effects};
    int r;

    if (!effects)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    effects->node = node;
    effects->last_later = &effects->first_later;
    effects->tick.fn = on_tick;
    r = make_replica(effects, reterr_problem);
    if (r < 0)
        return r;
    r = load(effects, reterr_problem);
    if (r < 0)
        return r;
    r = verifier_new(node->loop, 0, &effects->verifier);
    if (r == 0)
        r = mesh_streams_new(node->loop, node->credentials, &events, &effects->streams);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot start the workers: %s", strerror(-r));
    node->replica = effects->replica;
    node->ledger = replica_ledger(effects->replica);
    *ret_effects = give(effects);
    return 0;
}

struct rpc_method effects_method(struct effects *effects)
{
    return mesh_streams_method(effects->streams);
}

static void submit_seed(struct effects *effects)
{
    struct identity *identity = &effects->node->identity;
    struct bytes trust[REPLICA_SUBMIT_RECORDS_MAX], entries[REPLICA_SUBMIT_RECORDS_MAX];
    struct replica_event event = {.kind = REPLICA_ON_SUBMIT};
    enum record_kind kind;
    struct bytes bytes;
    size_t offset = 0;

    event.submit.trust = trust;
    event.submit.entries = entries;
    while (event.submit.trust_count + event.submit.entries_count < REPLICA_SUBMIT_RECORDS_MAX &&
           identity_seed_next(identity, &offset, &kind, &bytes)) {
        if (kind == RECORD_TRUST)
            trust[event.submit.trust_count++] = bytes;
        else if (kind == RECORD_ENTRY)
            entries[event.submit.entries_count++] = bytes;
    }
    if (!event.submit.trust_count && !event.submit.entries_count)
        return;
    event.submit.token = effects->seed_token = effects_token(effects);
    effects_step(effects, &event);
}

static void on_seed_late(struct rpc_timer *timer)
{
    (void)timer; /* it only wakes the loop */
}

/* Before anybody can dial this node: with the trust log of its invite it knows who is a member. */
void effects_plant_seed(struct effects *effects)
{
    struct rpc_loop *loop = effects->node->loop;
    struct rpc_timer late = {.fn = on_seed_late};
    uint64_t until_ns = rpc_now_ns() + SEED_MS_MAX * NS_PER_MS;

    admission_publish(effects->node, !effects->has_agreed);
    submit_seed(effects);
    rpc_timer_set(loop, &late, until_ns);
    while (effects->seed_token && rpc_now_ns() < until_ns && rpc_loop_turn(loop))
        ;
    rpc_timer_clear(loop, &late);
}

void effects_start(struct effects *effects)
{
    struct replica_event event = {.kind = REPLICA_ON_TICK};

    effects_step(effects, &event);
}

void effects_stop(struct effects *effects)
{
    effects->is_stopping = true;
    rpc_timer_clear(effects->node->loop, &effects->tick);
}

void effects_halt(struct effects *effects)
{
    if (effects)
        verifier_free(give(effects->verifier), check_free);
}

void effects_free(struct effects *effects)
{
    struct later *later;

    if (!effects)
        return;
    effects_halt(effects);
    while ((later = later_take(effects)))
        later_free(later);
    while (effects->neighbours)
        neighbour_free(effects, effects->neighbours);
    mesh_streams_free(effects->streams);
    replica_free(effects->replica);
    free(effects);
}

const struct mesh_stream_counts *effects_stream_counts(const struct effects *effects)
{
    return mesh_streams_counts(effects->streams);
}
