/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* inside.h - what the files of this folder ask of each other. */
#include "store/ledger/shapes.h"

/* ---- list.c: memory the fold cannot do without; it stops the program if there is none */
void *must_grow(void *at, uint32_t *capacity, uint32_t count, size_t bytes);
void list_push(struct list *list, uint32_t value);
void list_fini(struct list *list);
void must_put(struct idmap *map, const uint8_t *id, uint32_t value);

/* ---- record.c */
enum ledger_reason entry_read(const struct ledger *ledger, struct bytes bytes,
    struct record_view *view, Picket__V1__Header **ret_header, struct bytes *ret_ops);
enum ledger_reason trust_read(const struct ledger *ledger, struct bytes bytes,
    struct record_view *view, Picket__V1__TrustBody **ret_body);

/* ---- operation.c: what an operation says by itself */
void entry_operations(
    struct entry *entry, uint32_t entry_index, struct bytes ops_bytes, struct op *ops);
void op_reference(const struct ledger *ledger, const struct op *op, uint8_t ret[OP_REF_BYTES]);
int op_compare(const struct ledger *ledger, uint32_t a, uint32_t b);
void op_bases(const struct op *op, const ProtobufCBinaryData **ret_bases, size_t *ret_count);
/* The scope, and for rules the priority, an operation's new version has. */
const Picket__V1__Scope *op_scope(const struct op *op);
const Picket__V1__Rule *op_rule(const struct op *op);
/* NONE if the entry is not here or has no such operation. */
uint32_t op_find(
    const struct ledger *ledger, const uint8_t reference[OP_REF_BYTES], bool *ret_entry_here);

/* ---- trust.c, grants.c */
void trust_refold(struct ledger *ledger);
void trust_fini(struct trust_fold *fold);
void grants_fold(struct ledger *ledger);
/* The position a record counts for: its own, or of the last common record. */
uint64_t trust_position_of(const struct ledger *ledger, uint32_t record);
const struct grant_event *grant_at(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], uint64_t position);
const struct grant_event *grant_first(const struct ledger *ledger, const uint8_t key[KEY_BYTES]);

/* ---- chain.c */
uint32_t chain_find(const struct ledger *ledger, const uint8_t author[KEY_BYTES]);
const struct entry *chain_at(const struct ledger *ledger, const struct chain *chain, uint64_t seq);
/* Joins its author's branches. False: what was folded may be wrong now. */
bool chain_join(struct ledger *ledger, uint32_t entry);
int chain_make_room(struct chain *chain, uint64_t seq);
/* Finds the freeze and the path below it again. True: something changed. */
bool chain_refreeze(struct ledger *ledger, uint32_t chain);
void chains_refreeze(struct ledger *ledger);
/* On the path below the freeze, or the next on it. */
bool entry_is_on_path(const struct ledger *ledger, const struct entry *entry);
/* The entry a cut names, or NONE. */
uint32_t cut_entry(const struct ledger *ledger, uint32_t chain, const Picket__V1__Cut *cut);
bool entry_is_ancestor(const struct ledger *ledger, uint32_t entry, uint32_t of);
/* The two entries of one number with the lowest ids; false if there are not two. */
bool chain_lowest_pair(const struct ledger *ledger, uint32_t chain, uint64_t seq, uint32_t pair[2]);

/* ---- joins.c */
void invite_note(struct ledger *ledger, uint32_t op);
/* Places in ledger->invites of those with this id, one after the other; NONE at the end. */
uint32_t invite_first(const struct ledger *ledger, const uint8_t id[HASH_BYTES]);
uint32_t invite_next(const struct ledger *ledger, uint32_t place);
/* The name a joining node signed: that of the invite whose name its leaf bears. NULL: no invite. */
const char *invite_name(const struct ledger *ledger, const Picket__V1__JoinRecord *join);
/* 1: it is in the set now. 0: it adds nothing. -ENOMEM. */
int join_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view);
void join_note_named(struct ledger *ledger, const Picket__V1__NodeChange *change);
bool join_is_same(const Picket__V1__JoinRecord *a, const Picket__V1__JoinRecord *b);

/* ---- tally.c */
struct tally_change {
    uint8_t key[ELEMENT_REF_BYTES];
    uint32_t value;
};

struct tally {
    struct tally_change *changes;
    uint32_t count, capacity;
    uint64_t objects, elements;
};
void tally_entry(struct ledger *ledger, const struct entry *entry, struct tally *tally);
void tally_fini(struct tally *tally);

/* ---- judge.c: one entry of which everything before it is folded */
void entry_judge(struct ledger *ledger, uint32_t index, struct tally *tally);

/* ---- graph.c */
/* Fills the links of a version. OK, or UNKNOWN_BASE, BAD_BASE, OVER_LIMIT. */
enum ledger_reason graph_link(struct ledger *ledger, uint32_t op);
void graph_unlink(struct op *op);
void graph_add(struct ledger *ledger, uint32_t op);
/* It is about to change. */
struct object *object_touch(struct ledger *ledger, const uint8_t id[OP_REF_BYTES]);
void object_settle(struct ledger *ledger, struct object *object);
void object_fini(struct object *object);

/* ---- view.c */
void objects_settle(struct ledger *ledger);
/* Its place in fold.live, or where it would be. */
uint32_t object_place(const struct ledger *ledger, const uint8_t id[OP_REF_BYTES]);
uint32_t object_kind_of(const struct ledger *ledger, const struct object *object);

/* ---- reduce.c */
void ledger_settle(struct ledger *ledger);
void fold_fini(struct ledger *ledger);
void ledger_await(struct ledger *ledger, const uint8_t id[HASH_BYTES]);

/* ---- additions.c */
struct addition {
    uint32_t op;
    uint32_t index;
    const Picket__V1__Element *element;
};
/* Live additions, ascending by reference; free() it. */
struct addition *additions_of(
    const struct ledger *ledger, const struct object *set, uint32_t *ret_count);

/* ---- directory.c */
struct node_entry {
    uint32_t op; /* the invite */
    const Picket__V1__NodeLabels *labels;
    const char *name;
    const uint8_t *join_record;
    bool is_retired;
    enum node_status status;
    uint32_t join;
};

void directory_settle(struct ledger *ledger);
/* Of an entry that counts: the index of an operation that invites a node and is void for its name
 * or id, or NONE. For one that is not kept yet (the directory is settled), and for one that is. */
uint32_t directory_taken(const struct ledger *ledger, const struct entry *entry);
uint32_t directory_void(struct ledger *ledger, const struct entry *entry);
