/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * objects.h - rules, sets and defaults as a node lists them, read from the signed entries of their
 * heads and not from what the node says about them (ledger.md L22).
 *
 * Owns: struct objects owns everything it reaches. Threads: one.
 */
#include "cli/connection.h"
#include "store/ledger/rule.h"

#include "proto/picket/v1/rules.pb-c.h"

struct object {
    const Picket__V1__Object *said; /* status, counters, vector: hints */
    enum object_kind kind;
    ProtobufCMessage *body;       /* of the winning operation, from its signed entry */
    const Picket__V1__Rule *rule; /* one of these; none if a delete wins a conflict */
    const Picket__V1__Set *set;
    const Picket__V1__DefaultPolicy *policy;
    const Picket__V1__Manifest *manifest; /* of a set; may be NULL */
    const char *person;                   /* who signed the winner; "" unverified */
    int trouble;                          /* 0: verified; else why not */
    struct problem why;
};

struct objects {
    struct object *at;
    uint32_t count;
    Picket__V1__ListResponse **pages;
    uint32_t pages_count;
};

/* kind: "rule", "set", "default" or ""; name: exact or "". ledger NULL: nothing is verified. */
int objects_load(struct connection *connection, const struct ledger *ledger, const char *kind,
    const char *name, struct objects *ret_objects, struct problem *reterr_problem);
void objects_fini(struct objects *objects);

const char *object_name(const struct object *object);

/* Short, for people: 16 digits of the entry, a colon, the operation's index. ret_text: 32 bytes. */
void object_id_print(const struct object *object, char ret_text[32]);

/*
 * The one object a change may be based on: by name, by 8 or more hex digits its id begins with, or
 * by such digits, a colon and the operation's index.
 * Refuses what is ambiguous or not verified. Loads what it needs into *ret_objects, which owns it.
 */
int objects_pick(struct connection *connection, const struct ledger *ledger, const char *kind,
    const char *words, struct objects *ret_objects, const struct object **ret_object,
    struct problem *reterr_problem);

/* A rule_set_find for rule_parse(): asks the node. */
struct set_search {
    struct connection *connection;
    const struct ledger *ledger;
};
int objects_set_find(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem);

/* One line of text; sets by their names where `objects` has them. */
int object_rule_text(
    const struct objects *objects, const struct object *object, struct buffer *text);
