/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/replica/desk.h"
#include "store/ledger/author.h"
#include "store/ledger/rule.h"

#include "proto/picket/v1/mesh.pb-c.h"
#include "proto/wire/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int result)
{
    if (result != 0)
        abort();
}

static void make_genesis(struct desk *desk)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    ProtobufCBinaryData root = {.len = KEY_BYTES, .data = desk->root.public};
    struct problem problem;

    genesis.version = 1;
    genesis.name = (char *)(uintptr_t) "desk";
    genesis.threshold = 1;
    genesis.root_keys = &root;
    genesis.n_root_keys = 1;
    must(author_genesis(&genesis, &desk->genesis, &problem));
    author_fleet_id(buffer_bytes(&desk->genesis), desk->fleet_id);
}

static void make_trust(struct desk *desk)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Grant grant = PICKET__V1__GRANT__INIT;
    Picket__V1__Budget budget = PICKET__V1__BUDGET__INIT;

    budget.lifetime_entries = 1000;
    budget.live_objects = 1000;
    budget.live_elements = 1000;
    grant.person = (char *)(uintptr_t) "ann";
    grant.key = (ProtobufCBinaryData){.len = KEY_BYTES, .data = desk->operator.public };
    grant.role = PICKET__V1__ROLE__ROLE_OPERATOR;
    grant.actions = 1U << PICKET__V1__ACTION__ACTION_DROP;
    grant.priority_max = 1000;
    grant.budget = &budget;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = &grant;
    must(
        author_trust(desk->fleet_id, 1, NULL, &body, &desk->root, 0, &desk->trust, desk->trust_id));
}

static uint8_t point[65] = {4, 1}; /* in the place of P-256 points, which nobody here reads */

static void make_trust_enroller(struct desk *desk)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Grant grant = PICKET__V1__GRANT__INIT;

    grant.person = (char *)(uintptr_t) "eve";
    grant.key = (ProtobufCBinaryData){.len = KEY_BYTES, .data = desk->enroller.public};
    grant.role = PICKET__V1__ROLE__ROLE_ENROLLER;
    grant.ca_key = (ProtobufCBinaryData){.len = sizeof(point), .data = point};
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = &grant;
    must(author_trust(desk->fleet_id, 2, desk->trust_id, &body, &desk->root, 0,
        &desk->trust_enroller, desk->trust_enroller_id));
}

static void hash_chunk(struct bytes content, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_CHUNK, content, ret_hash);
}

struct desk *desk_new(void)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct replica_options options = {.chunk_hash = hash_chunk};
    struct problem problem;
    uint8_t seed[32] = {0};

    if (!desk || keys_start() < 0)
        abort();
    desk->now_ms = 1000;
    keys_pair_from_seed(seed, &desk->root);
    seed[0] = 1;
    keys_pair_from_seed(seed, &desk->operator);
    seed[0] = 2;
    keys_pair_from_seed(seed, &desk->stranger);
    make_genesis(desk);
    seed[0] = 3;
    keys_pair_from_seed(seed, &desk->enroller);
    seed[0] = 4;
    keys_pair_from_seed(seed, &desk->node);
    make_trust(desk);
    make_trust_enroller(desk);
    options.genesis = buffer_bytes(&desk->genesis);
    options.mesh.name = "desk";
    must(replica_new(&options, &desk->replica, &problem));
    desk_event(desk, (struct replica_event){.kind = REPLICA_ON_TICK});
    return desk;
}

void desk_free(struct desk *desk)
{
    replica_free(desk->replica);
    buffer_fini(&desk->genesis);
    buffer_fini(&desk->trust);
    buffer_fini(&desk->trust_enroller);
    free(desk);
}

struct buffer desk_entry(const struct desk *desk, const struct key_pair *key, uint64_t seq,
    const uint8_t *prev, const char *rule, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    Picket__V1__Operation operation = PICKET__V1__OPERATION__INIT, *list = &operation;
    struct author_position at = {.seq = seq};
    struct problem problem;
    struct buffer entry = {0};

    must(rule_parse(rule, NULL, NULL, &put.rule, &problem));
    must(author_operation(PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, &operation));
    rule_free(put.rule);
    ops.ops = &list;
    ops.n_ops = 1;
    memcpy(at.fleet_id, desk->fleet_id, HASH_BYTES);
    memcpy(at.trust_head, desk->trust_id, HASH_BYTES);
    if (prev)
        memcpy(at.prev, prev, HASH_BYTES);
    must(author_entry(&at, NULL, 0, 0, &ops, key, &entry, ret_id));
    author_operation_fini(&operation);
    return entry;
}

static const uint8_t invite_id[HASH_BYTES] = {77};
static char node_name[] = "box";

struct buffer desk_invite(const struct desk *desk)
{
    Picket__V1__Invite invite = PICKET__V1__INVITE__INIT;
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    Picket__V1__Operation operation = PICKET__V1__OPERATION__INIT, *list = &operation;
    struct author_position at = {.seq = 1};
    struct buffer entry = {0};
    uint8_t id[HASH_BYTES];

    invite.certificate_hash =
        (ProtobufCBinaryData){.len = HASH_BYTES, .data = (uint8_t *)(uintptr_t)invite_id};
    invite.public_key = (ProtobufCBinaryData){.len = sizeof(point), .data = point};
    invite.name = node_name;
    must(author_operation(PICKET__V1__OP_KIND__OP_INVITE, &invite.base, &operation));
    ops.ops = &list;
    ops.n_ops = 1;
    memcpy(at.fleet_id, desk->fleet_id, HASH_BYTES);
    memcpy(at.trust_head, desk->trust_enroller_id, HASH_BYTES);
    must(author_entry(&at, NULL, 0, 0, &ops, &desk->enroller, &entry, id));
    author_operation_fini(&operation);
    return entry;
}

/* ledger.md, amendment 19 */
static void sign_node(const struct desk *desk, uint8_t ret_signature[SIGNATURE_BYTES])
{
    struct keys_hasher hasher;
    uint8_t len = sizeof(node_name) - 1, hash[HASH_BYTES];

    keys_hasher_init(&hasher, HASH_NODE);
    keys_hasher_add(&hasher, desk->fleet_id, HASH_BYTES);
    keys_hasher_add(&hasher, point, sizeof(point));
    keys_hasher_add(&hasher, desk->node.public, KEY_BYTES);
    keys_hasher_add(&hasher, &len, 1);
    keys_hasher_add(&hasher, node_name, len);
    keys_hasher_end(&hasher, hash);
    keys_sign(&desk->node, hash, ret_signature);
}

struct buffer desk_join(const struct desk *desk)
{
    Picket__V1__JoinRecord join = PICKET__V1__JOIN_RECORD__INIT;
    uint8_t signature[SIGNATURE_BYTES], leaf[3] = {1, 2, 3};
    struct buffer record = {0};

    sign_node(desk, signature);
    join.fleet_id =
        (ProtobufCBinaryData){.len = HASH_BYTES, .data = (uint8_t *)(uintptr_t)desk->fleet_id};
    join.invite = (ProtobufCBinaryData){.len = HASH_BYTES, .data = (uint8_t *)(uintptr_t)invite_id};
    join.leaf = (ProtobufCBinaryData){.len = sizeof(leaf), .data = leaf};
    join.leaf_key = (ProtobufCBinaryData){.len = sizeof(point), .data = point};
    join.node_key =
        (ProtobufCBinaryData){.len = KEY_BYTES, .data = (uint8_t *)(uintptr_t)desk->node.public};
    join.key_signature = (ProtobufCBinaryData){.len = SIGNATURE_BYTES, .data = signature};
    must(wire_pack(&join.base, &record));
    return record;
}

/* ---- the environment */

static bool is_record_frame(struct bytes bytes)
{
    return bytes.len && bytes.at[0] == (5 << 3 | 2);
}

static void note_verify(struct desk *desk, const struct replica_effect *effect)
{
    bool holds = effect->claims_count > 0;

    for (uint32_t i = 0; i < effect->claims_count; i++)
        holds = holds && keys_verify(effect->claims[i].key, effect->claims[i].hash,
                             effect->claims[i].signature);
    desk->verify_tickets[desk->verify_count] = effect->ticket;
    desk->verify_results[desk->verify_count++] = holds;
}

static void note_store(struct desk *desk, const struct replica_effect *effect)
{
    struct desk_store *store = &desk->stores[desk->stores_count++];

    store->ticket = effect->ticket;
    store->is_chunk = effect->kind == REPLICA_DO_STORE_CHUNK;
    memcpy(store->id, effect->id, HASH_BYTES);
}

static void note_answers(struct desk *desk, const struct replica_effect *effect)
{
    for (uint32_t i = 0; i < effect->answers_count && desk->answers_count < DESK_ANSWERS_MAX; i++) {
        desk->answer_tokens[desk->answers_count] = effect->token;
        desk->answers[desk->answers_count++] = effect->answers[i];
    }
}

static void perform(void *user, const struct replica_effect *effect)
{
    struct desk *desk = user;

    switch (effect->kind) {
    case REPLICA_DO_SEND:
        desk->records_sent += is_record_frame(effect->bytes);
        break;
    case REPLICA_DO_CLOSE:
        desk->closed = effect->reason;
        break;
    case REPLICA_DO_PENALISE:
        desk->blamed = effect->reason;
        break;
    case REPLICA_DO_VERIFY:
        note_verify(desk, effect);
        break;
    case REPLICA_DO_STORE:
    case REPLICA_DO_STORE_CHUNK:
        note_store(desk, effect);
        break;
    case REPLICA_DO_READ_CHUNK:
        desk->reads++;
        desk->read_ticket = effect->ticket;
        break;
    case REPLICA_DO_ANSWER:
        note_answers(desk, effect);
        break;
    case REPLICA_DO_STATE:
        desk->states++;
        break;
    case REPLICA_DO_DIAL:
        break;
    }
}

void desk_event(struct desk *desk, struct replica_event event)
{
    const struct replica_effects effects = {.user = desk, .fn = perform};

    event.now_ms = desk->now_ms;
    event.time_s = 1700000000;
    replica_step(desk->replica, &event, &effects);
    while (desk->verify_count) {
        struct replica_event verified = {.kind = REPLICA_ON_VERIFIED};

        desk->verify_count--;
        verified.verified.ticket = desk->verify_tickets[0];
        verified.verified.is_valid = desk->verify_results[0];
        memmove(
            desk->verify_tickets, desk->verify_tickets + 1, desk->verify_count * sizeof(uint64_t));
        memmove(desk->verify_results, desk->verify_results + 1, desk->verify_count * sizeof(bool));
        verified.now_ms = desk->now_ms;
        verified.time_s = 1700000000;
        replica_step(desk->replica, &verified, &effects);
    }
}

void desk_disk(struct desk *desk, int result)
{
    struct desk_store stores[DESK_STORES_MAX];
    uint32_t count = desk->stores_count;

    memcpy(stores, desk->stores, sizeof(stores));
    desk->stores_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct replica_event stored = {
            .kind = stores[i].is_chunk ? REPLICA_ON_CHUNK_STORED : REPLICA_ON_STORED};

        stored.stored.ticket = stores[i].ticket;
        stored.stored.result = result;
        desk_event(desk, stored);
    }
}

uint64_t desk_submit(
    struct desk *desk, const struct buffer *entries, uint32_t count, bool with_trust)
{
    struct bytes list[DESK_ANSWERS_MAX], trust = buffer_bytes(&desk->trust);
    struct replica_event event = {.kind = REPLICA_ON_SUBMIT};

    for (uint32_t i = 0; i < count; i++)
        list[i] = buffer_bytes(&entries[i]);
    event.submit.token = ++desk->tokens;
    event.submit.entries = list;
    event.submit.entries_count = count;
    event.submit.trust = &trust;
    event.submit.trust_count = with_trust;
    desk_event(desk, event);
    return event.submit.token;
}

static void put_frame(struct desk *desk, const ProtobufCMessage *frame)
{
    struct replica_event event = {.kind = REPLICA_ON_MESSAGE};
    size_t len = protobuf_c_message_get_packed_size(frame);
    uint8_t *bytes = malloc(len);

    if (!bytes)
        abort();
    (void)protobuf_c_message_pack(frame, bytes);
    event.message.link = DESK_LINK;
    event.message.bytes = bytes_of(bytes, len);
    desk_event(desk, event);
    free(bytes);
}

void desk_connect(struct desk *desk)
{
    static const uint8_t node[HASH_BYTES] = {9};
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Hello hello = PICKET__V1__HELLO__INIT;
    struct replica_event event = {.kind = REPLICA_ON_LINK_UP};

    event.up.link = DESK_LINK;
    event.up.node = node;
    event.up.name = "peer";
    desk_event(desk, event);
    hello.protocol = 1;
    hello.fleet_id = (ProtobufCBinaryData){.len = HASH_BYTES, .data = desk->fleet_id};
    hello.node = (ProtobufCBinaryData){.len = HASH_BYTES, .data = (uint8_t *)(uintptr_t)node};
    frame.body_case = PICKET__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    put_frame(desk, &frame.base);
}

void desk_receive(struct desk *desk, enum record_kind kind, struct bytes bytes)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Record record;

    picket__v1__record__init(&record);
    record.record_case = (Picket__V1__Record__RecordCase)kind; /* the same numbers */
    record.entry = (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.at};
    frame.body_case = PICKET__V1__FRAME__BODY_RECORD;
    frame.record = &record;
    put_frame(desk, &frame.base);
}

const struct replica_answer *desk_answer(const struct desk *desk, uint64_t token, uint32_t index)
{
    for (uint32_t i = 0; i < desk->answers_count; i++)
        if (desk->answer_tokens[i] == token && index-- == 0)
            return &desk->answers[i];
    return NULL;
}
