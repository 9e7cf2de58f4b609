/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fleet.h - a small fleet for the tests: one root, some keys, a ledger, and every record made so
 * far, so that a test can add them again in another order. Everything fails the test on error.
 */
#include "store/ledger/author.h"
#include "store/ledger/ledger.h"

#define FLEET_KEYS 8
#define FLEET_RECORDS 2048

struct fleet_record {
    enum record_kind kind;
    uint8_t id[HASH_BYTES];
    uint8_t *at;
    size_t len;
};

struct fleet {
    struct key_pair root;
    struct key_pair keys[FLEET_KEYS];
    struct buffer genesis;
    struct ledger *ledger;
    uint64_t trust_position;
    uint8_t trust_head[HASH_BYTES];
    struct author_position at[FLEET_KEYS];
    struct fleet_record records[FLEET_RECORDS];
    uint32_t records_count;
};

struct fleet *fleet_new(void);
void fleet_free(struct fleet *fleet);

/* A new ledger of the same genesis. */
struct ledger *fleet_empty(const struct fleet *fleet);

/* Keeps a copy and adds it here unless `ledger` is NULL. */
void fleet_keep(struct fleet *fleet, struct ledger *ledger, enum record_kind kind,
    struct buffer *bytes, const uint8_t id[HASH_BYTES]);
struct ledger_answer fleet_add(struct ledger *ledger, enum record_kind kind, struct bytes bytes);

/* Trust records, made and added. */
void fleet_trust(struct fleet *fleet, const Picket__V1__TrustBody *body);
void grant_init(struct fleet *fleet, int key, Picket__V1__Role role, Picket__V1__Grant *ret_grant);
void fleet_grant(struct fleet *fleet, const Picket__V1__Grant *grant);
void fleet_operator(struct fleet *fleet, int key); /* everything, fleet-wide */
void fleet_end(struct fleet *fleet, int key, uint64_t seq, const uint8_t *id);

/* One entry of a key with these operation bodies; made, kept and added. */
struct change {
    Picket__V1__OpKind kind;
    const ProtobufCMessage *body;
};
/* Makes only; the chain advances. */
void fleet_make(struct fleet *fleet, int key, const Picket__V1__Scope *scope,
    const struct change *changes, size_t count, struct buffer *ret, uint8_t ret_id[HASH_BYTES]);
enum ledger_reason fleet_write(struct fleet *fleet, int key, const Picket__V1__Scope *scope,
    const struct change *changes, size_t count, uint8_t ret_id[HASH_BYTES]);

void reference(const uint8_t id[HASH_BYTES], uint32_t op, uint8_t ret[OP_REF_BYTES]);

/* Puts a rule: object NULL creates it. Status of the entry afterwards. */
void rule_init(Picket__V1__Rule *rule, Picket__V1__Action action);
enum ledger_reason fleet_rule(struct fleet *fleet, int key, const Picket__V1__Rule *rule,
    const uint8_t *object, const uint8_t (*bases)[OP_REF_BYTES], size_t bases_count,
    uint8_t ret_ref[OP_REF_BYTES]);
enum ledger_reason fleet_delete(struct fleet *fleet, int key, const uint8_t *object,
    const uint8_t (*bases)[OP_REF_BYTES], size_t bases_count, uint8_t ret_ref[OP_REF_BYTES]);
enum ledger_reason status_of(struct fleet *fleet, const uint8_t id[HASH_BYTES]);

/* A one-term scope in static storage of the caller. */
struct one_scope {
    Picket__V1__Scope scope;
    Picket__V1__ScopeTerm term;
    Picket__V1__ScopeTerm *terms[1];
    char *values[1];
};
Picket__V1__Scope *scope_one(struct one_scope *room, const char *key, const char *value);
