/* SPDX-License-Identifier: Apache-2.0 */
/* people.c - operators with device keys: they write, keep their chains, and submit until they are
 * answered. */
#include "store/ledger/author.h"
#include "store/ledger/rule.h"
#include "store/ledger/set_content.h"
#include "tests/sim/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

static void must(int result, const char *what, const struct problem *problem)
{
    if (result == 0)
        return;
    (void)fprintf(stderr, "cannot make %s: %d %s\n", what, result, problem->text);
    abort();
}

static void make_key(struct sim_world *world, uint64_t number, struct key_pair *ret_pair)
{
    uint8_t seed[32] = {0};

    put_be64(seed, world->options.seed);
    put_be64(seed + 8, number);
    keys_pair_from_seed(seed, ret_pair);
}

static void make_trust(struct sim_world *world, uint32_t person)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Grant grant = PICKET__V1__GRANT__INIT;
    Picket__V1__Budget budget = PICKET__V1__BUDGET__INIT;
    struct problem problem = {0};
    char name[8] = "op0";
    uint8_t fleet_id[HASH_BYTES];

    name[2] = (char)('0' + person);
    budget.lifetime_entries = 10000;
    budget.live_objects = 10000;
    budget.live_elements = 1000000;
    grant.person = name;
    grant.key = (ProtobufCBinaryData){.len = KEY_BYTES, .data = world->people[person].key.public};
    grant.role = PICKET__V1__ROLE__ROLE_OPERATOR;
    grant.actions =
        (1U << PICKET__V1__ACTION__ACTION_ALLOW) | (1U << PICKET__V1__ACTION__ACTION_DROP);
    grant.priority_max = RULE_PRIORITY_MAX;
    grant.budget = &budget;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = &grant;
    author_fleet_id(buffer_bytes(&world->genesis), fleet_id);
    must(author_trust(fleet_id, person + 1, person ? world->trust_ids[person - 1] : NULL, &body,
             &world->root, 0, &world->trust[person], world->trust_ids[person]),
        "a trust record", &problem);
}

void sim_people_new(struct sim_world *world)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    Picket__V1__Limits limits = PICKET__V1__LIMITS__INIT;
    ProtobufCBinaryData root = {.len = KEY_BYTES, .data = world->root.public};
    struct problem problem = {0};

    make_key(world, 1, &world->root);
    limits.lifetime_entries = 1000000;
    limits.live_objects = 1000000;
    limits.live_elements = 10000000;
    genesis.version = 1;
    genesis.name = (char *)(uintptr_t) "sim";
    genesis.threshold = 1;
    genesis.root_keys = &root;
    genesis.n_root_keys = 1;
    genesis.limits = &limits;
    must(author_genesis(&genesis, &world->genesis, &problem), "the genesis", &problem);
    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++) {
        make_key(world, 100 + i, &world->people[i].key);
        world->people[i].trust_count = i + 1;
        make_trust(world, i);
    }
}

void sim_people_free(struct sim_world *world)
{
    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++) {
        struct sim_person *person = &world->people[i];

        for (uint32_t k = 0; k < person->chain_count; k++) {
            buffer_fini(&person->chain[k].bytes);
            buffer_fini(&person->chain[k].chunk);
        }
        buffer_fini(&world->trust[i]);
    }
    buffer_fini(&world->genesis);
    free(world->requests);
    idmap_fini(&world->claims);
}

/* ---- operations */

static void make_rule(struct sim_world *world, Picket__V1__Rule **ret_rule)
{
    char text[160];
    struct problem problem = {0};

    (void)snprintf(text, sizeof(text),
        "%s in tcp from 10.%u.0.0/16 to any port %u priority %u name r%u",
        sim_chance(world, 2) ? "drop" : "allow", (unsigned)sim_between(world, 0, 255),
        (unsigned)sim_between(world, 1, 65535), (unsigned)sim_between(world, 0, 1000),
        (unsigned)sim_between(world, 0, 9999));
    must(rule_parse(text, NULL, NULL, ret_rule, &problem), "a rule", &problem);
}

static void put_rule(struct sim_world *world, const struct ledger_object *object,
    uint8_t (*bases)[OP_REF_BYTES], uint32_t bases_count, Picket__V1__Operation *operation)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    ProtobufCBinaryData list[16];
    struct problem problem = {0};

    for (uint32_t i = 0; i < bases_count; i++)
        list[i] = (ProtobufCBinaryData){.len = OP_REF_BYTES, .data = bases[i]};
    make_rule(world, &put.rule);
    if (object)
        put.object =
            (ProtobufCBinaryData){.len = OP_REF_BYTES, .data = (uint8_t *)(uintptr_t)object->id};
    put.bases = list;
    put.n_bases = bases_count;
    must(author_operation(PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, operation), "a put",
        &problem);
    rule_free(put.rule);
}

static void delete_object(const struct ledger_object *object, uint8_t (*bases)[OP_REF_BYTES],
    uint32_t bases_count, Picket__V1__Operation *operation)
{
    Picket__V1__Delete body = PICKET__V1__DELETE__INIT;
    ProtobufCBinaryData list[16];
    struct problem problem = {0};

    for (uint32_t i = 0; i < bases_count; i++)
        list[i] = (ProtobufCBinaryData){.len = OP_REF_BYTES, .data = bases[i]};
    body.object =
        (ProtobufCBinaryData){.len = OP_REF_BYTES, .data = (uint8_t *)(uintptr_t)object->id};
    body.bases = list;
    body.n_bases = bases_count;
    must(author_operation(PICKET__V1__OP_KIND__OP_DELETE, &body.base, operation), "a delete",
        &problem);
}

/* A set with content: one chunk of a few elements. */
static void put_set(
    struct sim_world *world, struct sim_entry *entry, Picket__V1__Operation *operation)
{
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    Picket__V1__Set set = PICKET__V1__SET__INIT;
    Picket__V1__Manifest manifest = PICKET__V1__MANIFEST__INIT;
    struct set_element elements[8] = {0};
    uint8_t hash[HASH_BYTES];
    ProtobufCBinaryData chunk = {.len = HASH_BYTES, .data = hash};
    struct problem problem = {0};
    uint32_t count;

    for (uint32_t i = 0; i < 8; i++) {
        put_be32(elements[i].address, (uint32_t)sim_between(world, 0x0b000000, 0x0bffffff));
        elements[i].length = 32;
    }
    count = set_content_canonical(elements, 8);
    must(set_content_encode(elements, count, &entry->chunk), "content", &problem);
    keys_hash(HASH_CHUNK, buffer_bytes(&entry->chunk), hash);
    set.name = (char *)(uintptr_t) "bad";
    set.kind = PICKET__V1__SET_KIND__SET_KIND_BAN;
    manifest.elements_v4 = count;
    manifest.content_len = entry->chunk.len;
    manifest.chunks = &chunk;
    manifest.n_chunks = 1;
    put.set = &set;
    put.manifest = &manifest;
    must(
        author_operation(PICKET__V1__OP_KIND__OP_PUT_SET, &put.base, operation), "a set", &problem);
}

/* A rule this node shows, with its heads; false if it shows none. */
static bool pick_rule(struct sim_world *world, uint32_t node, struct ledger_object *ret_object,
    uint8_t (*ret_bases)[OP_REF_BYTES], uint32_t *ret_count)
{
    struct ledger *ledger = replica_ledger(world->nodes[node].replica);
    uint32_t count = ledger_objects_count(ledger);

    if (!count)
        return false;
    ledger_object_at(ledger, (uint32_t)prng_below(&world->prng, count), ret_object);
    *ret_count = ledger_object_heads(ledger, ret_object->id, ret_bases, 16);
    return ret_object->kind == OBJECT_RULE && *ret_count <= 16;
}

static void make_operation(struct sim_world *world, uint32_t node, struct sim_entry *entry,
    Picket__V1__Operation *operation)
{
    uint64_t dice = prng_below(&world->prng, 10);
    struct ledger_object object;
    uint8_t bases[16][OP_REF_BYTES];
    uint32_t count = 0;

    if (dice < 2 && !entry->chunk.len)
        put_set(world, entry, operation);
    else if (dice < 4 && pick_rule(world, node, &object, bases, &count))
        delete_object(&object, bases, count, operation);
    else if (dice < 7 && pick_rule(world, node, &object, bases, &count))
        put_rule(world, &object, bases, count, operation);
    else
        put_rule(world, NULL, NULL, 0, operation);
}

void sim_person_writes(struct sim_world *world, uint32_t person, uint32_t node)
{
    struct sim_person *who = &world->people[person];
    struct sim_entry *entry = &who->chain[who->chain_count];
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    Picket__V1__Operation operation = PICKET__V1__OPERATION__INIT, *list = &operation;
    struct author_position at = {.seq = who->chain_count + 1};
    struct problem problem = {0};

    if (who->chain_count == SIM_CHAIN_MAX)
        return;
    make_operation(world, node, entry, &operation);
    ops.ops = &list;
    ops.n_ops = 1;
    author_fleet_id(buffer_bytes(&world->genesis), at.fleet_id);
    if (who->chain_count)
        memcpy(at.prev, who->chain[who->chain_count - 1].id, HASH_BYTES);
    memcpy(at.trust_head, world->trust_ids[who->trust_count - 1], HASH_BYTES);
    must(author_entry(&at, NULL, 0, 0, &ops, &who->key, &entry->bytes, entry->id), "an entry",
        &problem);
    author_operation_fini(&operation);
    who->chain_count++;
}

/* ---- submitting */

static uint64_t new_request(struct sim_world *world, struct sim_request request)
{
    if (world->requests_count == world->requests_capacity) {
        world->requests_capacity = world->requests_capacity ? world->requests_capacity * 2 : 64;
        world->requests = realloc(world->requests, world->requests_capacity * sizeof(request));
        if (!world->requests)
            abort();
    }
    world->requests[world->requests_count] = request;
    return world->requests_count++;
}

static uint32_t first_unacked(const struct sim_person *person)
{
    uint32_t first = person->chain_count;

    while (first && !person->chain[first - 1].is_acked)
        first--;
    return first;
}

static void submit_chunks(
    struct sim_world *world, const struct sim_person *who, uint32_t first, uint32_t node)
{
    for (uint32_t i = first; i < who->chain_count && !world->has_failed; i++) {
        struct replica_event event = {.kind = REPLICA_ON_CHUNK_SUBMIT};

        if (!who->chain[i].chunk.len || !world->nodes[node].replica)
            continue;
        event.chunk_submit.token =
            new_request(world, (struct sim_request){.person = NOBODY, .node = node});
        event.chunk_submit.content = buffer_bytes(&who->chain[i].chunk);
        sim_step(world, node, &event);
    }
}

void sim_person_submits(struct sim_world *world, uint32_t person, uint32_t node)
{
    struct sim_person *who = &world->people[person];
    uint32_t first = first_unacked(who);
    struct bytes entries[SIM_CHAIN_MAX], trust[SIM_PEOPLE_MAX];
    struct replica_event event = {.kind = REPLICA_ON_SUBMIT};

    submit_chunks(world, who, first, node);
    if (!world->nodes[node].replica || first == who->chain_count)
        return;
    for (uint32_t i = first; i < who->chain_count; i++)
        entries[i - first] = buffer_bytes(&who->chain[i].bytes);
    /* Mostly the command brings the trust records its entries need; sometimes they come late. */
    event.submit.trust_count = sim_chance(world, 4) && !world->is_calm ? 0 : who->trust_count;
    for (uint32_t i = 0; i < event.submit.trust_count; i++)
        trust[i] = buffer_bytes(&world->trust[i]);
    event.submit.token = new_request(world, (struct sim_request){.person = person,
                                                .first = first,
                                                .count = who->chain_count - first,
                                                .trust_count = event.submit.trust_count,
                                                .node = node});
    event.submit.entries = entries;
    event.submit.entries_count = who->chain_count - first;
    event.submit.trust = trust;
    sim_step(world, node, &event);
}

void sim_trust_submits(struct sim_world *world, uint32_t count, uint32_t node)
{
    struct bytes trust[SIM_PEOPLE_MAX];
    struct replica_event event = {.kind = REPLICA_ON_SUBMIT};

    for (uint32_t i = 0; i < count; i++)
        trust[i] = buffer_bytes(&world->trust[i]);
    event.submit.token = new_request(
        world, (struct sim_request){.person = NOBODY, .trust_count = count, .node = node});
    event.submit.trust = trust;
    event.submit.trust_count = count;
    sim_step(world, node, &event);
}

void sim_answered(struct sim_world *world, const struct replica_effect *effect)
{
    const struct sim_request *request = &world->requests[effect->token];

    for (uint32_t i = 0; i < effect->answers_count; i++) {
        const struct replica_answer *answer = &effect->answers[i];

        if (answer->outcome != REPLICA_DURABLE) {
            world->refused++;
            sim_say(world, "n%u answer token=%llu refused=%s text=\"%s\"", request->node,
                (unsigned long long)effect->token, ledger_reason_word(answer->reason),
                answer->problem.text);
            continue;
        }
        world->answered++;
        sim_check_answer(world, request->node, answer->id);
        if (request->person != NOBODY && i >= request->trust_count)
            world->people[request->person]
                .chain[request->first + i - request->trust_count]
                .is_acked = true;
    }
}

bool sim_people_are_done(const struct sim_world *world)
{
    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++)
        if (first_unacked(&world->people[i]) < world->people[i].chain_count)
            return false;
    return true;
}

/* Each signature is verified for real, once a world. */
static bool claim_holds(struct sim_world *world, const struct signature_claim *claim)
{
    uint8_t both[HASH_BYTES];
    struct keys_hasher hasher;
    uint32_t known;
    bool is_good;

    keys_hasher_init(&hasher, HASH_PEER);
    keys_hasher_add(&hasher, claim, sizeof(*claim));
    keys_hasher_end(&hasher, both);
    known = idmap_find(&world->claims, both);
    if (known != IDMAP_NONE)
        return known == 1;
    is_good = keys_verify(claim->key, claim->hash, claim->signature);
    if (idmap_put(&world->claims, both, is_good) < 0)
        abort();
    return is_good;
}

bool sim_claims_hold(struct sim_world *world, const struct replica_effect *effect)
{
    for (uint32_t i = 0; i < effect->claims_count; i++)
        if (!claim_holds(world, &effect->claims[i]))
            return false;
    return effect->claims_count > 0;
}
