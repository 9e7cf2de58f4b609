/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forger - sends one node everything an entry must not be, and prints what it answers: `NAME:
 * SENTENCE`.
 *
 *   forger OPERATOR_KEY SCOPED_KEY SOCKET
 *
 * OPERATOR_KEY may write anywhere, SCOPED_KEY only where site=berlin.
 */
#include "base/limits.h"
#include "proto/wire/wire.h"
#include "store/ledger/rule.h"
#include "tests/netns/client.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct forger {
    struct client client;
    struct key_pair operator, scoped, stranger;
};

/* `count` operations that each make a rule. */
static int make(const struct key_pair *key, const struct author_position *at, uint32_t count,
    struct buffer *ret_entry)
{
    Picket__V1__Operation *list[ENTRY_OPS_MAX + 1];
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    struct problem problem = {0};
    uint8_t id[HASH_BYTES];
    int r = rule_parse(
        "drop in udp to any port 7 priority 500 name forged", NULL, NULL, &put.rule, &problem);

    ops.ops = list;
    for (; r == 0 && ops.n_ops < count; ops.n_ops++) {
        list[ops.n_ops] = calloc(1, sizeof(*list[0]));
        picket__v1__operation__init(list[ops.n_ops]);
        r = author_operation(PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, list[ops.n_ops]);
    }
    if (r == 0)
        r = author_entry(at, NULL, 0, 0, &ops, key, ret_entry, id);
    for (size_t i = 0; i < ops.n_ops; i++) {
        author_operation_fini(list[i]);
        free(list[i]);
    }
    rule_free(put.rule);
    return r;
}

static void submit(struct forger *forger, const char *name, const struct buffer *entry)
{
    struct problem problem = {0};
    int r = client_apply(&forger->client, 0, entry, 1, &problem);

    (void)printf("%s: %s\n", name, r == 0 ? "accepted" : problem.text);
}

/* One byte of one field, after signing. */
static void submit_changed(
    struct forger *forger, const char *name, const struct buffer *entry, int field)
{
    Picket__V1__SignedEntry *message =
        picket__v1__signed_entry__unpack(NULL, entry->len, entry->at);
    ProtobufCBinaryData *fields[] = {&message->header, &message->ops, &message->signature};
    struct buffer changed = {0};

    fields[field]->data[fields[field]->len / 2] ^= 1;
    if (wire_pack(&message->base, &changed) == 0)
        submit(forger, name, &changed);
    buffer_fini(&changed);
    picket__v1__signed_entry__free_unpacked(message, NULL);
}

/* The header's version as a varint of two bytes: the same number, another encoding, signed again.
 */
static void submit_long_varint(struct forger *forger, const struct buffer *entry)
{
    Picket__V1__SignedEntry *message =
        picket__v1__signed_entry__unpack(NULL, entry->len, entry->at);
    uint8_t *header = malloc(message->header.len + 1);
    struct buffer changed = {0};
    uint8_t id[HASH_BYTES];

    memcpy(header, message->header.data, 1);
    header[1] = message->header.data[1] | 0x80;
    header[2] = 0;
    memcpy(header + 3, message->header.data + 2, message->header.len - 2);
    free(message->header.data);
    message->header.data = header;
    message->header.len++;
    keys_hash(HASH_ENTRY, bytes_of(header, message->header.len), id);
    keys_sign(&forger->operator, id, message->signature.data);
    if (wire_pack(&message->base, &changed) == 0)
        submit(forger, "non_canonical", &changed);
    buffer_fini(&changed);
    picket__v1__signed_entry__free_unpacked(message, NULL);
}

static int forge(struct forger *forger)
{
    struct author_position at = {0}, other;
    struct buffer entry = {0}, bad = {0};
    int r = client_position(&forger->client, forger->operator.public, &at);

    if (r == 0)
        r = make(&forger->operator, & at, 1, &entry);
    if (r < 0)
        return r;
    submit_changed(forger, "changed_signature", &entry, 2);
    submit_changed(forger, "changed_operations", &entry, 1);
    submit_long_varint(forger, &entry);

    other = at;
    other.seq = 1;
    (void)make(&forger->stranger, &other, 1, &bad);
    submit(forger, "forged_by_a_stranger", &bad);
    buffer_fini(&bad);

    other = at;
    other.fleet_id[0] ^= 1;
    (void)make(&forger->operator, & other, 1, &bad);
    submit(forger, "wrong_fleet", &bad);
    buffer_fini(&bad);

    (void)make(&forger->operator, & at, ENTRY_OPS_MAX + 1, &bad);
    submit(forger, "over_limit", &bad);
    buffer_fini(&bad);

    (void)client_position(&forger->client, forger->scoped.public, &other);
    (void)make(&forger->scoped, &other, 1, &bad);
    submit(forger, "outside_scope", &bad);
    buffer_fini(&bad);

    submit(forger, "sound", &entry);
    submit(forger, "replayed", &entry);
    buffer_fini(&entry);
    return 0;
}

int main(int argc, char **argv)
{
    struct forger forger = {.client = {.sockets = (const char **)argv + 3, .sockets_count = 1}};
    int r;

    if (argc != 4 || keys_start() < 0) {
        (void)fprintf(stderr, "usage: forger OPERATOR_KEY SCOPED_KEY SOCKET\n");
        return 2;
    }
    r = client_key(argv[1], &forger.operator);
    if (r == 0)
        r = client_key(argv[2], &forger.scoped);
    keys_pair_new(&forger.stranger);
    if (r == 0)
        r = forge(&forger);
    client_fini(&forger.client);
    return r < 0;
}
