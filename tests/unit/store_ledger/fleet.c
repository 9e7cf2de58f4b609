/* SPDX-License-Identifier: Apache-2.0 */
/* fleet.c - see fleet.h. */
#include "fleet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void pair(uint8_t number, struct key_pair *ret_pair)
{
    uint8_t seed[32] = {number, 7};

    keys_pair_from_seed(seed, ret_pair);
}

struct fleet *fleet_new(void)
{
    struct fleet *fleet = calloc(1, sizeof(*fleet));
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    ProtobufCBinaryData roots[1];

    assert_int_equal(keys_start(), 0);
    assert_non_null(fleet);
    pair(200, &fleet->root);
    roots[0] = (ProtobufCBinaryData){.data = fleet->root.public, .len = KEY_BYTES};
    genesis.version = 1;
    genesis.name = (char *)"berlin";
    genesis.threshold = 1;
    genesis.root_keys = roots;
    genesis.n_root_keys = 1;
    assert_int_equal(author_genesis(&genesis, &fleet->genesis, NULL), 0);
    fleet->ledger = fleet_empty(fleet);
    for (int i = 0; i < FLEET_KEYS; i++) {
        pair((uint8_t)i, &fleet->keys[i]);
        author_fleet_id(buffer_bytes(&fleet->genesis), fleet->at[i].fleet_id);
        fleet->at[i].seq = 1;
    }
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    ledger_free(fleet->ledger);
    buffer_fini(&fleet->genesis);
    for (uint32_t i = 0; i < fleet->records_count; i++)
        free(fleet->records[i].at);
    free(fleet);
}

struct ledger *fleet_empty(const struct fleet *fleet)
{
    struct ledger *ledger = NULL;

    assert_int_equal(ledger_new(buffer_bytes(&fleet->genesis), &ledger, NULL), 0);
    return ledger;
}

struct ledger_answer fleet_add(struct ledger *ledger, enum record_kind kind, struct bytes bytes)
{
    struct ledger_answer answer;

    assert_int_equal(ledger_add(ledger, kind, bytes, &answer, NULL), 0);
    return answer;
}

void fleet_keep(struct fleet *fleet, struct ledger *ledger, enum record_kind kind,
    struct buffer *bytes, const uint8_t id[HASH_BYTES])
{
    struct fleet_record *record = &fleet->records[fleet->records_count++];

    assert_true(fleet->records_count <= FLEET_RECORDS);
    record->kind = kind;
    memcpy(record->id, id, HASH_BYTES);
    record->at = bytes->at;
    record->len = bytes->len;
    *bytes = (struct buffer){0};
    if (ledger)
        assert_int_equal(
            fleet_add(ledger, kind, bytes_of(record->at, record->len)).outcome, LEDGER_ADDED);
}

void fleet_trust(struct fleet *fleet, const Picket__V1__TrustBody *body)
{
    struct buffer bytes = {0};
    uint8_t id[HASH_BYTES];

    assert_int_equal(
        author_trust(fleet->at[0].fleet_id, fleet->trust_position + 1,
            fleet->trust_position ? fleet->trust_head : NULL, body, &fleet->root, 0, &bytes, id),
        0);
    fleet_keep(fleet, fleet->ledger, RECORD_TRUST, &bytes, id);
    fleet->trust_position++;
    memcpy(fleet->trust_head, id, HASH_BYTES);
    for (int i = 0; i < FLEET_KEYS; i++)
        memcpy(fleet->at[i].trust_head, id, HASH_BYTES);
}

void grant_init(struct fleet *fleet, int key, Picket__V1__Role role, Picket__V1__Grant *ret_grant)
{
    static char *const persons[] = {(char *)"ada", (char *)"ben", (char *)"cem", (char *)"dora",
        (char *)"eva", (char *)"finn", (char *)"gil", (char *)"hana"};
    static uint8_t ca_key[65] = {4, 1};

    picket__v1__grant__init(ret_grant);
    ret_grant->person = persons[key];
    ret_grant->key = (ProtobufCBinaryData){.data = fleet->keys[key].public, .len = KEY_BYTES};
    ret_grant->role = role;
    ret_grant->actions = 0x3e;
    ret_grant->priority_max = 65535;
    if (role == PICKET__V1__ROLE__ROLE_ENROLLER)
        ret_grant->ca_key = (ProtobufCBinaryData){.data = ca_key, .len = sizeof(ca_key)};
}

void fleet_grant(struct fleet *fleet, const Picket__V1__Grant *grant)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;

    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = (Picket__V1__Grant *)(uintptr_t)grant;
    fleet_trust(fleet, &body);
}

void fleet_operator(struct fleet *fleet, int key)
{
    Picket__V1__Grant grant;

    grant_init(fleet, key, PICKET__V1__ROLE__ROLE_OPERATOR, &grant);
    fleet_grant(fleet, &grant);
}

void fleet_end(struct fleet *fleet, int key, uint64_t seq, const uint8_t *id)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__End end = PICKET__V1__END__INIT;
    Picket__V1__Cut cut = PICKET__V1__CUT__INIT;

    cut.key = (ProtobufCBinaryData){.data = fleet->keys[key].public, .len = KEY_BYTES};
    cut.seq = seq;
    cut.id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)id, .len = seq ? HASH_BYTES : 0};
    end.cut = &cut;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_END;
    body.end = &end;
    fleet_trust(fleet, &body);
}

void fleet_make(struct fleet *fleet, int key, const Picket__V1__Scope *scope,
    const struct change *changes, size_t count, struct buffer *ret, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    Picket__V1__Operation *operations = calloc(count + 1, sizeof(*operations));
    Picket__V1__Operation **pointers = calloc(count + 1, sizeof(*pointers));

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(author_operation(changes[i].kind, changes[i].body, &operations[i]), 0);
        pointers[i] = &operations[i];
    }
    ops.ops = pointers;
    ops.n_ops = count;
    assert_int_equal(
        author_entry(&fleet->at[key], scope, 0, 0, &ops, &fleet->keys[key], ret, ret_id), 0);
    fleet->at[key].seq++;
    memcpy(fleet->at[key].prev, ret_id, HASH_BYTES);
    for (size_t i = 0; i < count; i++)
        author_operation_fini(&operations[i]);
    free(operations);
    free(pointers);
}

enum ledger_reason fleet_write(struct fleet *fleet, int key, const Picket__V1__Scope *scope,
    const struct change *changes, size_t count, uint8_t ret_id[HASH_BYTES])
{
    struct buffer bytes = {0};
    enum ledger_reason foreseen;

    fleet_make(fleet, key, scope, changes, count, &bytes, ret_id);
    foreseen = ledger_judge_submission(fleet->ledger, buffer_bytes(&bytes), 0, NULL);
    fleet_keep(fleet, fleet->ledger, RECORD_ENTRY, &bytes, ret_id);
    assert_int_equal(foreseen, status_of(fleet, ret_id));
    return foreseen;
}

void reference(const uint8_t id[HASH_BYTES], uint32_t op, uint8_t ret[OP_REF_BYTES])
{
    memcpy(ret, id, HASH_BYTES);
    put_be32(ret + HASH_BYTES, op);
}

void rule_init(Picket__V1__Rule *rule, Picket__V1__Action action)
{
    static Picket__V1__Limit limit;

    picket__v1__rule__init(rule);
    picket__v1__limit__init(&limit);
    limit.rate = 10;
    limit.burst = 10;
    rule->name = (char *)"ssh";
    rule->priority = 100;
    rule->action = action;
    rule->direction = PICKET__V1__DIRECTION__DIRECTION_IN;
    if (action == PICKET__V1__ACTION__ACTION_LIMIT)
        rule->limit = &limit;
}

static ProtobufCBinaryData *base_fields(
    const uint8_t (*bases)[OP_REF_BYTES], size_t count, ProtobufCBinaryData *room)
{
    for (size_t i = 0; i < count; i++)
        room[i] =
            (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)bases[i], .len = OP_REF_BYTES};
    return room;
}

enum ledger_reason fleet_rule(struct fleet *fleet, int key, const Picket__V1__Rule *rule,
    const uint8_t *object, const uint8_t (*bases)[OP_REF_BYTES], size_t bases_count,
    uint8_t ret_ref[OP_REF_BYTES])
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    ProtobufCBinaryData room[BASES_MAX];
    struct change change = {PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base};
    uint8_t id[HASH_BYTES];
    enum ledger_reason reason;

    put.rule = (Picket__V1__Rule *)(uintptr_t)rule;
    put.bases = base_fields(bases, bases_count, room);
    put.n_bases = bases_count;
    if (object)
        put.object =
            (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)object, .len = OP_REF_BYTES};
    reason = fleet_write(fleet, key, NULL, &change, 1, id);
    reference(id, 0, ret_ref);
    return reason;
}

enum ledger_reason fleet_delete(struct fleet *fleet, int key, const uint8_t *object,
    const uint8_t (*bases)[OP_REF_BYTES], size_t bases_count, uint8_t ret_ref[OP_REF_BYTES])
{
    Picket__V1__Delete put = PICKET__V1__DELETE__INIT;
    ProtobufCBinaryData room[BASES_MAX];
    struct change change = {PICKET__V1__OP_KIND__OP_DELETE, &put.base};
    uint8_t id[HASH_BYTES];
    enum ledger_reason reason;

    put.bases = base_fields(bases, bases_count, room);
    put.n_bases = bases_count;
    put.object = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)object, .len = OP_REF_BYTES};
    reason = fleet_write(fleet, key, NULL, &change, 1, id);
    reference(id, 0, ret_ref);
    return reason;
}

enum ledger_reason status_of(struct fleet *fleet, const uint8_t id[HASH_BYTES])
{
    uint32_t op;

    return ledger_entry_status(fleet->ledger, id, &op);
}

Picket__V1__Scope *scope_one(struct one_scope *room, const char *key, const char *value)
{
    picket__v1__scope__init(&room->scope);
    picket__v1__scope_term__init(&room->term);
    room->term.key = (char *)(uintptr_t)key;
    room->values[0] = (char *)(uintptr_t)value;
    room->term.values = room->values;
    room->term.n_values = 1;
    room->terms[0] = &room->term;
    room->scope.terms = room->terms;
    room->scope.n_terms = 1;
    return &room->scope;
}
