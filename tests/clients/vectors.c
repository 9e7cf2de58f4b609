/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors.c - genesis, trust records, entries and roots of one small history, a line of `name hex`
 * each. What format_test.py must arrive at from docs/format.md alone. No randomness, no clock.
 */
#include "base/check.h"
#include "store/keys/keys.h"
#include "store/ledger/author.h"
#include "store/ledger/ledger.h"
#include "store/ledger/rule.h"
#include "store/ledger/set_content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct history {
    struct ledger *ledger;
    struct key_pair root;
    uint8_t fleet_id[HASH_BYTES];
    uint8_t trust_head[HASH_BYTES];
    uint64_t trust_position;
};

struct author {
    struct key_pair key;
    const char *name;
    uint64_t seq;
    uint8_t head[HASH_BYTES];
};

static void line(const char *name, const uint8_t *at, size_t len)
{
    char *text = malloc(2 * len + 1);

    CHECK(text, "there is memory");
    hex_print(at, len, text);
    (void)printf("%s %s\n", name, text);
    free(text);
}

static void numbered(
    const char *name, uint64_t number, const char *what, const uint8_t *at, size_t len)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "%s_%u%s", name, (unsigned)number, what);
    line(text, at, len);
}

static void key_from(uint8_t byte, struct key_pair *key)
{
    uint8_t seed[32];

    memset(seed, byte, sizeof(seed));
    keys_pair_from_seed(seed, key);
}

static ProtobufCBinaryData field_of(const uint8_t *at, size_t len)
{
    return (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)at, .len = len};
}

static void add(struct history *history, enum record_kind kind, const struct buffer *record)
{
    struct ledger_answer answer;

    CHECK(ledger_add(history->ledger, kind, buffer_bytes(record), &answer, NULL) == 0,
        "there is memory");
    CHECK(answer.outcome == LEDGER_ADDED, ledger_reason_word(answer.reason));
}

static void roots(struct history *history, const char *name)
{
    uint8_t root[HASH_BYTES];
    char text[64];

    (void)snprintf(text, sizeof(text), "state_root_%s", name);
    CHECK(ledger_state_root(history->ledger, root), "level 1 has a state root");
    line(text, root, sizeof(root));
    (void)snprintf(text, sizeof(text), "records_root_%s", name);
    ledger_records_root(history->ledger, root);
    line(text, root, sizeof(root));
}

static void make_genesis(struct history *history)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    ProtobufCBinaryData root = field_of(history->root.public, KEY_BYTES);
    struct problem problem = {0};
    struct buffer bytes = {0};
    char name[] = "vectors";

    genesis.version = 1;
    genesis.name = name;
    genesis.threshold = 1;
    genesis.n_root_keys = 1;
    genesis.root_keys = &root;
    CHECK(author_genesis(&genesis, &bytes, &problem) == 0, problem.text);
    author_fleet_id(buffer_bytes(&bytes), history->fleet_id);
    line("genesis", bytes.at, bytes.len);
    line("fleet_id", history->fleet_id, HASH_BYTES);
    CHECK(ledger_new(buffer_bytes(&bytes), &history->ledger, &problem) == 0, problem.text);
    buffer_fini(&bytes);
}

static void grant(struct history *history, struct author *author, const char *person)
{
    Picket__V1__TrustBody body = PICKET__V1__TRUST_BODY__INIT;
    Picket__V1__Grant granted = PICKET__V1__GRANT__INIT;
    uint8_t id[HASH_BYTES];
    struct buffer record = {0};
    char *name = strdup(person);

    CHECK(name, "there is memory");
    granted.person = name;
    granted.key = field_of(author->key.public, KEY_BYTES);
    granted.role = PICKET__V1__ROLE__ROLE_OPERATOR;
    granted.actions = 0x3e;
    granted.priority_max = 65535;
    body.action_case = PICKET__V1__TRUST_BODY__ACTION_GRANT;
    body.grant = &granted;
    CHECK(author_trust(history->fleet_id, history->trust_position + 1,
              history->trust_position ? history->trust_head : NULL, &body, &history->root, 0,
              &record, id) == 0,
        "a grant can be made");
    history->trust_position++;
    memcpy(history->trust_head, id, HASH_BYTES);
    numbered("trust", history->trust_position, "", record.at, record.len);
    numbered("trust", history->trust_position, "_id", id, HASH_BYTES);
    add(history, RECORD_TRUST, &record);
    buffer_fini(&record);
    free(name);
}

static void write_entry(struct history *history, struct author *author, Picket__V1__OpKind kind,
    const ProtobufCMessage *body)
{
    Picket__V1__Operation operation = PICKET__V1__OPERATION__INIT;
    Picket__V1__Operation *list[] = {&operation};
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    struct author_position at = {.seq = author->seq + 1};
    struct buffer entry = {0};
    uint8_t id[HASH_BYTES];

    memcpy(at.fleet_id, history->fleet_id, HASH_BYTES);
    memcpy(at.trust_head, history->trust_head, HASH_BYTES);
    memcpy(at.prev, author->head, HASH_BYTES);
    CHECK(author_operation(kind, body, &operation) == 0, "an operation can be made");
    ops.n_ops = 1;
    ops.ops = list;
    CHECK(
        author_entry(&at, NULL, 0, 0, &ops, &author->key, &entry, id) == 0, "an entry can be made");
    author_operation_fini(&operation);
    author->seq++;
    memcpy(author->head, id, HASH_BYTES);
    numbered(author->name, author->seq, "", entry.at, entry.len);
    numbered(author->name, author->seq, "_id", id, HASH_BYTES);
    add(history, RECORD_ENTRY, &entry);
    buffer_fini(&entry);
}

/* object NULL: a new rule. */
static void put_rule(struct history *history, struct author *author, const char *text,
    const uint8_t *object, const uint8_t *base)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    ProtobufCBinaryData bases = field_of(base, OP_REF_BYTES);
    struct problem problem = {0};

    CHECK(rule_parse(text, NULL, NULL, &put.rule, &problem) == 0, problem.text);
    if (object) {
        put.object = field_of(object, OP_REF_BYTES);
        put.n_bases = 1;
        put.bases = &bases;
    }
    write_entry(history, author, PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base);
    rule_free(put.rule);
}

/* Two bases settle a conflict. */
static void delete_object(struct history *history, struct author *author, const uint8_t *object,
    const ProtobufCBinaryData *bases, size_t bases_count)
{
    Picket__V1__Delete deletion = PICKET__V1__DELETE__INIT;
    ProtobufCBinaryData sorted[2] = {bases[0], bases[bases_count - 1]};

    if (memcmp(sorted[0].data, sorted[1].data, OP_REF_BYTES) > 0) {
        sorted[0] = bases[1];
        sorted[1] = bases[0];
    }
    deletion.object = field_of(object, OP_REF_BYTES);
    deletion.n_bases = bases_count;
    deletion.bases = sorted;
    write_entry(history, author, PICKET__V1__OP_KIND__OP_DELETE, &deletion.base);
}

/* Operation 0 of the author's newest entry. */
static void newest(const struct author *author, uint8_t ret_reference[OP_REF_BYTES])
{
    memcpy(ret_reference, author->head, HASH_BYTES);
    put_be32(ret_reference + HASH_BYTES, 0);
}

static void set_content(void)
{
    struct set_element elements[] = {{.address = {0x20, 1, 0xd, 0xb8}, .is_v6 = 1, .length = 32},
        {.address = {192, 0, 2, 0}, .length = 24, .expiry = 1893456000},
        {.address = {10, 0, 0, 1}, .length = 32}};
    uint32_t count = set_content_canonical(elements, 3);
    struct buffer content = {0};
    uint8_t hash[HASH_BYTES];

    CHECK(set_content_encode(elements, count, &content) == 0, "there is memory");
    line("set_content", content.at, content.len);
    keys_hash(HASH_CHUNK, buffer_bytes(&content), hash);
    line("set_chunk", hash, HASH_BYTES);
    buffer_fini(&content);
}

int main(void)
{
    struct history history = {0};
    struct author alice = {.name = "alice"}, bob = {.name = "bob"};
    uint8_t ssh[OP_REF_BYTES], web[OP_REF_BYTES] = {0}, allow[OP_REF_BYTES] = {0},
                               reject[OP_REF_BYTES] = {0};
    const ProtobufCBinaryData bases[] = {
        field_of(web, OP_REF_BYTES), field_of(allow, OP_REF_BYTES), field_of(reject, OP_REF_BYTES)};

    CHECK(keys_start() == 0, "the library starts");
    key_from(1, &history.root);
    key_from(2, &alice.key);
    key_from(3, &bob.key);
    make_genesis(&history);
    roots(&history, "empty");
    grant(&history, &alice, "alice");
    grant(&history, &bob, "bob");
    roots(&history, "trusted");
    put_rule(&history, &alice,
        "drop in tcp from 192.0.2.0/24,2001:db8::/32 port 1024-65535 to self port 22,8000-8080 "
        "priority 100 name ssh "
        "scope role=web;site=berlin,paris comment \"as long as it takes\"",
        NULL, NULL);
    newest(&alice, ssh);
    roots(&history, "created");
    put_rule(
        &history, &alice, "allow in icmp icmp-type 8/0 vlan 0 priority 7 name web", NULL, NULL);
    newest(&alice, web);
    put_rule(&history, &alice, "allow in tcp port 22 priority 100 name ssh", ssh, ssh);
    roots(&history, "changed");
    newest(&alice, allow);
    /* Two operators change the same version: siblings, and the restrictive one wins. */
    put_rule(&history, &bob, "reject in tcp port 22 priority 100 name ssh", ssh, ssh);
    newest(&bob, reject);
    roots(&history, "siblings");
    delete_object(&history, &bob, web, &bases[0], 1);
    roots(&history, "deleted");
    delete_object(&history, &alice, web, &bases[0], 1);
    roots(&history, "deleted_twice");
    delete_object(&history, &alice, ssh, &bases[1], 2);
    roots(&history, "settled");
    set_content();
    ledger_free(history.ledger);
    return 0;
}
