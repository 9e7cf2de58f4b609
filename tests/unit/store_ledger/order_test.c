/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_test.c - the state is a function of the set of records (ledger.md L0): random fleets, each
 * added in many orders, read at random moments in between, come to the same roots and statuses.
 */
#include "fleet.h"

#include "base/prng.h"
#include "proto/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FLEETS 32
#define ORDERS 6
#define WRITES 60

/* ---- a random fleet */

struct version {
    uint8_t ref[OP_REF_BYTES];
    uint8_t object[OP_REF_BYTES];
    Picket__V1__OpKind kind;
};

struct writer {
    struct fleet *fleet;
    struct prng prng;
    struct version versions[4 * WRITES];
    uint32_t versions_count;
    uint8_t sets[WRITES][OP_REF_BYTES];
    uint32_t sets_count;
    uint8_t additions[8 * WRITES][OP_REF_BYTES + 4];
    uint32_t additions_count;
    uint8_t invites[WRITES][HASH_BYTES];
    char invite_names[WRITES][8];
    uint32_t invites_count;
    uint8_t old_head[HASH_BYTES]; /* the trust head some keep citing */
    struct author_position cheat; /* the end of one of its branches */
};

static uint32_t below(struct writer *writer, uint32_t limit)
{
    return (uint32_t)prng_below(&writer->prng, limit);
}

static void note(
    struct writer *writer, const uint8_t *id, const uint8_t *object, Picket__V1__OpKind kind)
{
    struct version *version = &writer->versions[writer->versions_count++];

    reference(id, 0, version->ref);
    memcpy(version->object, object ? object : version->ref, OP_REF_BYTES);
    version->kind = kind;
}

static void write_one(struct writer *writer, int key, Picket__V1__OpKind kind,
    const ProtobufCMessage *body, uint8_t id[HASH_BYTES])
{
    struct change change = {kind, body};
    struct buffer bytes = {0};
    uint8_t newest[HASH_BYTES];
    struct author_position *at = &writer->fleet->at[key];

    memcpy(newest, at->trust_head, HASH_BYTES);
    if (below(writer, 10) == 0)
        memcpy(at->trust_head, writer->old_head, HASH_BYTES);
    fleet_make(writer->fleet, key, NULL, &change, 1, &bytes, id);
    memcpy(at->trust_head, newest, HASH_BYTES);
    fleet_keep(writer->fleet, NULL, RECORD_ENTRY, &bytes, id);
}

/* Bases: some versions of one object, not always the newest. */
static size_t pick_bases(struct writer *writer, const struct version **ret_like,
    ProtobufCBinaryData bases[3], uint8_t room[3][OP_REF_BYTES])
{
    size_t count = 0, wanted = 1 + below(writer, 3);

    *ret_like = &writer->versions[below(writer, writer->versions_count)];
    for (uint32_t i = 0; i < writer->versions_count && count < wanted; i++) {
        const struct version *version = &writer->versions[writer->versions_count - 1 - i];

        if (memcmp(version->object, (*ret_like)->object, OP_REF_BYTES) == 0 &&
            below(writer, 2) == 0)
            memcpy(room[count++], version->ref, OP_REF_BYTES);
    }
    if (count == 0)
        memcpy(room[count++], (*ret_like)->ref, OP_REF_BYTES);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (memcmp(room[i], room[j], OP_REF_BYTES) > 0) {
                uint8_t swap[OP_REF_BYTES];

                memcpy(swap, room[i], OP_REF_BYTES);
                memcpy(room[i], room[j], OP_REF_BYTES);
                memcpy(room[j], swap, OP_REF_BYTES);
            }
    for (size_t i = 0; i < count; i++)
        bases[i] = (ProtobufCBinaryData){.data = room[i], .len = OP_REF_BYTES};
    return count;
}

static void write_rule(struct writer *writer, int key)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Match match = PICKET__V1__MATCH__INIT;
    Picket__V1__Addresses source = PICKET__V1__ADDRESSES__INIT;
    Picket__V1__Rule rule;
    struct one_scope scope;
    const struct version *like = NULL;
    uint8_t room[3][OP_REF_BYTES], id[HASH_BYTES];
    ProtobufCBinaryData bases[3];

    rule_init(&rule, (Picket__V1__Action)(1 + below(writer, 5)));
    rule.priority = below(writer, 1200);
    if (below(writer, 2))
        rule.scope = scope_one(&scope, "site", below(writer, 3) ? "berlin" : "paris");
    if (below(writer, 3) == 0 && writer->sets_count) {
        source.set = (ProtobufCBinaryData){
            .data = writer->sets[below(writer, writer->sets_count)], .len = OP_REF_BYTES};
        match.source = &source;
        rule.match = &match;
    }
    put.rule = &rule;
    if (writer->versions_count && below(writer, 4)) {
        put.n_bases = pick_bases(writer, &like, bases, room);
        put.bases = bases;
        put.object =
            (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)like->object, .len = OP_REF_BYTES};
    }
    write_one(writer, key, PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, id);
    note(writer, id, like ? like->object : NULL, PICKET__V1__OP_KIND__OP_PUT_RULE);
}

static void write_delete(struct writer *writer, int key)
{
    Picket__V1__Delete put = PICKET__V1__DELETE__INIT;
    const struct version *like = NULL;
    uint8_t room[3][OP_REF_BYTES], id[HASH_BYTES];
    ProtobufCBinaryData bases[3];

    if (!writer->versions_count)
        return;
    put.n_bases = pick_bases(writer, &like, bases, room);
    put.bases = bases;
    put.object =
        (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)like->object, .len = OP_REF_BYTES};
    write_one(writer, key, PICKET__V1__OP_KIND__OP_DELETE, &put.base, id);
    note(writer, id, like->object, PICKET__V1__OP_KIND__OP_DELETE);
}

static void write_set(struct writer *writer, int key)
{
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    Picket__V1__Set set = PICKET__V1__SET__INIT;
    uint8_t id[HASH_BYTES];

    set.name = (char *)"bad";
    set.kind = (Picket__V1__SetKind)below(writer, 2);
    put.set = &set;
    write_one(writer, key, PICKET__V1__OP_KIND__OP_PUT_SET, &put.base, id);
    note(writer, id, NULL, PICKET__V1__OP_KIND__OP_PUT_SET);
    reference(id, 0, writer->sets[writer->sets_count++]);
}

static void write_delta(struct writer *writer, int key)
{
    Picket__V1__SetDelta delta = PICKET__V1__SET_DELTA__INIT;
    Picket__V1__Element element = PICKET__V1__ELEMENT__INIT;
    Picket__V1__Element *elements[1] = {&element};
    Picket__V1__Prefix prefix = PICKET__V1__PREFIX__INIT;
    Picket__V1__Mark clear = PICKET__V1__MARK__INIT;
    Picket__V1__Mark *clears[1] = {&clear};
    uint8_t address[4] = {10, 0, 0, (uint8_t)below(writer, 8)}, id[HASH_BYTES];
    ProtobufCBinaryData removed[1];

    if (!writer->sets_count)
        return;
    delta.set = (ProtobufCBinaryData){
        .data = writer->sets[below(writer, writer->sets_count)], .len = OP_REF_BYTES};
    prefix.address = (ProtobufCBinaryData){.data = address, .len = 4};
    prefix.length = 32;
    element.prefix = &prefix;
    element.expiry = below(writer, 3) * 100;
    delta.add = elements;
    delta.n_add = 1;
    if (writer->additions_count && below(writer, 2)) {
        removed[0] =
            (ProtobufCBinaryData){.data = writer->additions[below(writer, writer->additions_count)],
                .len = OP_REF_BYTES + 4};
        delta.remove = removed;
        delta.n_remove = 1;
    }
    if (below(writer, 6) == 0) {
        clear.author = (ProtobufCBinaryData){
            .data = writer->fleet->keys[below(writer, 4)].public, .len = KEY_BYTES};
        clear.seq = 1 + below(writer, 6);
        delta.clear = clears;
        delta.n_clear = 1;
    }
    write_one(writer, key, PICKET__V1__OP_KIND__OP_SET_DELTA, &delta.base, id);
    memset(writer->additions[writer->additions_count], 0, OP_REF_BYTES + 4);
    reference(id, 0, writer->additions[writer->additions_count++]);
}

#define ENROLLER 5
#define CHEAT 6

static void write_invite(struct writer *writer)
{
    Picket__V1__Invite invite = PICKET__V1__INVITE__INIT;
    uint8_t id[HASH_BYTES], point[65] = {4, 9};
    uint32_t number = writer->invites_count++;

    memset(writer->invites[number], (int)number + 1, HASH_BYTES);
    (void)snprintf(writer->invite_names[number], sizeof(writer->invite_names[number]), "n%u",
        below(writer, 4));
    invite.certificate_hash =
        (ProtobufCBinaryData){.data = writer->invites[number], .len = HASH_BYTES};
    invite.public_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    invite.name = writer->invite_names[number];
    write_one(writer, ENROLLER, PICKET__V1__OP_KIND__OP_INVITE, &invite.base, id);
}

static void write_node(struct writer *writer)
{
    Picket__V1__NodeChange change = PICKET__V1__NODE_CHANGE__INIT;
    uint8_t id[HASH_BYTES];

    if (!writer->invites_count)
        return;
    change.invite = (ProtobufCBinaryData){
        .data = writer->invites[below(writer, writer->invites_count)], .len = HASH_BYTES};
    if (below(writer, 2)) {
        change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_RETIRED;
        change.retired = true;
    } else {
        change.change_case = PICKET__V1__NODE_CHANGE__CHANGE_NAME;
        change.name = (char *)(below(writer, 2) ? "n1" : "n9");
    }
    write_one(writer, ENROLLER, PICKET__V1__OP_KIND__OP_NODE, &change.base, id);
}

static void write_join(struct writer *writer)
{
    Picket__V1__JoinRecord join = PICKET__V1__JOIN_RECORD__INIT;
    uint8_t point[65] = {4, (uint8_t)below(writer, 2)}, signature[64] = {1}, id[HASH_BYTES];
    struct buffer bytes = {0};

    if (!writer->invites_count)
        return;
    join.fleet_id = (ProtobufCBinaryData){.data = writer->fleet->at[0].fleet_id, .len = HASH_BYTES};
    join.invite = (ProtobufCBinaryData){
        .data = writer->invites[below(writer, writer->invites_count)], .len = HASH_BYTES};
    join.leaf = (ProtobufCBinaryData){.data = point, .len = 3};
    join.leaf_key = (ProtobufCBinaryData){.data = point, .len = sizeof(point)};
    join.node_key = (ProtobufCBinaryData){.data = writer->fleet->keys[7].public, .len = KEY_BYTES};
    join.key_signature = (ProtobufCBinaryData){.data = signature, .len = sizeof(signature)};
    assert_int_equal(wire_pack(&join.base, &bytes), 0);
    keys_hash(HASH_NODE, buffer_bytes(&bytes), id);
    for (uint32_t i = 0; i < writer->fleet->records_count; i++)
        if (memcmp(writer->fleet->records[i].id, id, HASH_BYTES) == 0) {
            buffer_fini(&bytes);
            return;
        }
    fleet_keep(writer->fleet, NULL, RECORD_JOIN, &bytes, id);
}

/* Something of any kind that a forked branch may hold. */
static void write_cheat(struct writer *writer)
{
    switch (below(writer, 6)) {
    case 0:
        write_delta(writer, CHEAT);
        break;
    case 1:
        write_delete(writer, CHEAT);
        break;
    case 2:
        write_set(writer, CHEAT);
        break;
    default:
        write_rule(writer, CHEAT);
        break;
    }
}

/* Entries with one number, two or three branches, each goes on a while. Any branch may be named by
 * a later cut. */
static void write_fork(struct writer *writer)
{
    struct author_position before = writer->fleet->at[CHEAT];
    uint32_t branches = 2 + below(writer, 2);

    for (uint32_t i = 0; i < branches; i++) {
        uint32_t length = 1 + below(writer, 3);

        writer->fleet->at[CHEAT] = before;
        for (uint32_t j = 0; j < length; j++)
            write_cheat(writer);
        if (i == 0 || below(writer, 2))
            writer->cheat = writer->fleet->at[CHEAT];
    }
    if (below(writer, 2)) /* the branch that was written last goes on, or another */
        writer->fleet->at[CHEAT] = writer->cheat;
}

/* Names the end of some branch; the key may be granted again. */
static void cut_cheat(struct writer *writer)
{
    struct fleet *fleet = writer->fleet;

    if (writer->cheat.seq < 2)
        return;
    fleet_end(fleet, CHEAT, writer->cheat.seq - 1, writer->cheat.prev);
    if (below(writer, 2)) {
        fleet_operator(fleet, CHEAT);
        memcpy(writer->cheat.trust_head, fleet->trust_head, HASH_BYTES);
        fleet->at[CHEAT] = writer->cheat;
    }
}

static void end_one(struct writer *writer, int key)
{
    struct fleet *fleet = writer->fleet;
    uint64_t seq = below(writer, 3) ? fleet->at[key].seq - 1 : 0;

    memcpy(writer->old_head, fleet->trust_head, HASH_BYTES);
    fleet_end(fleet, key, seq, fleet->at[key].prev);
}

/* Beside the newest record: one of the two loses. */
static void rival_record(struct writer *writer)
{
    struct fleet *fleet = writer->fleet;
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Policy policy = PICKET__V1__POLICY__INIT;
    Picket__V1__Limits limits = PICKET__V1__LIMITS__INIT;
    uint8_t head[HASH_BYTES];

    limits.operations = 1 + below(writer, 200);
    policy.limits = &limits;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_POLICY;
    body.policy = &policy;
    memcpy(head, fleet->trust_head, HASH_BYTES);
    fleet_trust(fleet, &body);
    memcpy(fleet->trust_head, head, HASH_BYTES);
    fleet->trust_position--;
    fleet_operator(fleet, 4); /* a grant loses against a policy */
    fleet->trust_position--;
    memcpy(fleet->trust_head, head, HASH_BYTES);
    /* The chain goes on from the policy, which wins. */
    fleet->trust_position++;
    memcpy(fleet->trust_head, fleet->records[fleet->records_count - 2].id, HASH_BYTES);
}

static void write_something(struct writer *writer)
{
    int key = (int)below(writer, 4);

    switch (below(writer, 14)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
        write_rule(writer, key);
        break;
    case 5:
    case 6:
        write_delete(writer, key);
        break;
    case 7:
        write_set(writer, key);
        break;
    case 8:
    case 9:
        write_delta(writer, key);
        break;
    case 10:
        write_invite(writer);
        break;
    case 11:
        write_node(writer);
        break;
    case 12:
        write_join(writer);
        break;
    default:
        if (below(writer, 3) == 0)
            write_fork(writer);
        else
            write_cheat(writer);
        break;
    }
}

static void grant_all(struct writer *writer)
{
    static const Picket__V1__Role roles[] = {PICKET__V1__ROLE__ROLE_OPERATOR,
        PICKET__V1__ROLE__ROLE_GATEWAY, PICKET__V1__ROLE__ROLE_OPERATOR,
        PICKET__V1__ROLE__ROLE_BANNER};
    Picket__V1__Grant grant;
    Picket__V1__Budget budget = PICKET__V1__BUDGET__INIT;

    for (int i = 0; i < 4; i++) {
        grant_init(writer->fleet, i, roles[i], &grant);
        grant.priority_max = 1000;
        budget.live_objects = 3;
        if (i == 2)
            grant.budget = &budget;
        fleet_grant(writer->fleet, &grant);
        memcpy(writer->old_head, writer->fleet->trust_head, HASH_BYTES);
    }
    grant_init(writer->fleet, ENROLLER, PICKET__V1__ROLE__ROLE_ENROLLER, &grant);
    fleet_grant(writer->fleet, &grant);
    fleet_operator(writer->fleet, CHEAT);
}

static void make_fleet(struct writer *writer, uint64_t seed)
{
    memset(writer, 0, sizeof(*writer));
    prng_seed(&writer->prng, seed);
    writer->fleet = fleet_new();
    grant_all(writer);
    for (uint32_t i = 0; i < WRITES; i++) {
        write_something(writer);
        if (i == WRITES / 3 && below(writer, 2))
            rival_record(writer);
        if (i == WRITES / 2 && below(writer, 2))
            end_one(writer, 1);
        if (i == 2 * WRITES / 3 && below(writer, 2))
            end_one(writer, 2);
        if ((i == WRITES / 2 || i == WRITES - 10) && below(writer, 2))
            cut_cheat(writer);
    }
}

/* ---- adding it in some order */

static void read_something(struct writer *writer, struct ledger *ledger)
{
    uint8_t root[HASH_BYTES];

    if (below(writer, 3) == 0)
        (void)ledger_state_root(ledger, root);
    if (below(writer, 5) == 0)
        (void)ledger_nodes_count(ledger);
}

/* Whatever waits is offered again until nothing moves. Forks found on the way are added. */
static void add_all(struct writer *writer, struct ledger *ledger, const uint32_t *order)
{
    const struct fleet *fleet = writer->fleet;
    bool is_moving = true;

    while (is_moving) {
        is_moving = false;
        for (uint32_t i = 0; i < fleet->records_count; i++) {
            const struct fleet_record *record = &fleet->records[order[i]];
            struct ledger_answer answer, proof;
            struct buffer fork = {0};

            assert_int_equal(
                ledger_add(ledger, record->kind, bytes_of(record->at, record->len), &answer, &fork),
                0);
            is_moving |= answer.outcome == LEDGER_ADDED;
            if (fork.len > 0) {
                assert_int_equal(
                    ledger_add(ledger, RECORD_FORK, buffer_bytes(&fork), &proof, NULL), 0);
                is_moving |= proof.outcome == LEDGER_ADDED;
            }
            buffer_fini(&fork);
            read_something(writer, ledger);
        }
    }
}

static void shuffle(struct writer *writer, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = below(writer, i), swap = order[i - 1];

        order[i - 1] = order[j];
        order[j] = swap;
    }
}

struct outcome {
    uint8_t records[HASH_BYTES];
    uint8_t state[HASH_BYTES];
    enum ledger_reason statuses[FLEET_RECORDS];
};

static void take_outcome(const struct fleet *fleet, struct ledger *ledger, struct outcome *outcome)
{
    memset(outcome, 0, sizeof(*outcome));
    ledger_records_root(ledger, outcome->records);
    assert_true(ledger_state_root(ledger, outcome->state));
    for (uint32_t i = 0; i < fleet->records_count; i++) {
        uint32_t op;

        if (fleet->records[i].kind != RECORD_ENTRY)
            continue;
        outcome->statuses[i] = ledger_entry_status(ledger, fleet->records[i].id, &op);
        assert_int_not_equal(outcome->statuses[i], LEDGER_UNKNOWN_PREV);
    }
}

static void compare(
    const struct fleet *fleet, const struct outcome *a, const struct outcome *b, uint64_t seed)
{
    for (uint32_t i = 0; i < fleet->records_count; i++)
        if (a->statuses[i] != b->statuses[i])
            fail_msg("seed %llu, record %u: %s or %s", (unsigned long long)seed, i,
                ledger_reason_word(a->statuses[i]), ledger_reason_word(b->statuses[i]));
    if (memcmp(a->records, b->records, HASH_BYTES) != 0)
        fail_msg("seed %llu: the records roots differ", (unsigned long long)seed);
    if (memcmp(a->state, b->state, HASH_BYTES) != 0)
        fail_msg("seed %llu: the state roots differ", (unsigned long long)seed);
}

static void any_order_comes_to_the_same_state(void **state)
{
    static struct writer writer;
    static struct outcome first, other;
    static uint32_t order[FLEET_RECORDS];
    uint32_t counts[LEDGER_REASON_COUNT] = {0};
    (void)state;

    for (uint64_t seed = 1; seed <= FLEETS; seed++) {
        make_fleet(&writer, seed);
        for (int i = 0; i < ORDERS; i++) {
            struct ledger *ledger = fleet_empty(writer.fleet);

            shuffle(&writer, order, writer.fleet->records_count);
            add_all(&writer, ledger, order);
            take_outcome(writer.fleet, ledger, i == 0 ? &first : &other);
            if (i > 0)
                compare(writer.fleet, &first, &other, seed);
            ledger_free(ledger);
        }
        for (uint32_t i = 0; i < writer.fleet->records_count; i++)
            if (writer.fleet->records[i].kind == RECORD_ENTRY)
                counts[first.statuses[i]]++;
        fleet_free(writer.fleet);
    }
    /* The fleets are worth something: much counts, and much does not, for many reasons. */
    for (int i = 0; i < LEDGER_REASON_COUNT; i++)
        if (counts[i])
            print_message("%s: %u\n", ledger_reason_word((enum ledger_reason)i), counts[i]);
    assert_true(counts[LEDGER_OK] > 600);
    assert_true(counts[LEDGER_FROZEN] > 0);
    assert_true(counts[LEDGER_ENDED] > 0);
    assert_true(counts[LEDGER_OVER_BUDGET] > 0);
    assert_true(counts[LEDGER_TRUST_WENT_BACK] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_order_comes_to_the_same_state)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
