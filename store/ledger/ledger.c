/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.c - the set of records: what is kept, what waits, what is refused. */
#include "store/ledger/inside.h"

#include "proto/wire/wire.h"
#include "store/keys/keys.h"
#include "store/ledger/author.h"
#include "store/ledger/submission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GENESIS_BUDGET (64U * 1024)
#define JOINS_PER_INVITE_MAX 16

/* ---- genesis */

static int genesis_check(const Picket__V1__Genesis *genesis, struct problem *reterr_problem)
{
    size_t name_len = strlen(genesis->name);

    if (genesis->version != 1)
        return problem_say(
            reterr_problem, -EINVAL, "the genesis has version %u; 1 is known", genesis->version);
    if (name_len == 0 || name_len > NAME_BYTES_MAX)
        return problem_say(
            reterr_problem, -EINVAL, "the fleet's name must have 1 to %d bytes", NAME_BYTES_MAX);
    if (genesis->n_root_keys == 0 || genesis->n_root_keys > ROOT_KEYS_MAX)
        return problem_say(reterr_problem, -EINVAL,
            "the genesis has %zu root keys; 1 to %d are possible", genesis->n_root_keys,
            ROOT_KEYS_MAX);
    if (2 * (size_t)genesis->threshold <= genesis->n_root_keys ||
        genesis->threshold > genesis->n_root_keys)
        return problem_say(reterr_problem, -EINVAL,
            "the threshold %u is not more than half of %zu root keys and at most all",
            genesis->threshold, genesis->n_root_keys);
    for (size_t i = 0; i < genesis->n_root_keys; i++) {
        if (genesis->root_keys[i].len != KEY_BYTES ||
            !keys_public_is_sound(genesis->root_keys[i].data))
            return problem_say(
                reterr_problem, -EINVAL, "root key %zu is not a sound Ed25519 key", i);
        if (i > 0 &&
            memcmp(genesis->root_keys[i - 1].data, genesis->root_keys[i].data, KEY_BYTES) >= 0)
            return problem_say(reterr_problem, -EINVAL, "the root keys are not in ascending order");
    }
    if (genesis->limits && (genesis->limits->entry_bytes > ENTRY_BYTES_MAX ||
                               genesis->limits->operations > ENTRY_OPS_MAX))
        return problem_say(reterr_problem, -EINVAL,
            "the genesis has limits above %d bytes or %d operations", ENTRY_BYTES_MAX,
            ENTRY_OPS_MAX);
    return 0;
}

static void maps_start(struct ledger *ledger)
{
    idmap_init(&ledger->entry_by_id, HASH_BYTES, 0);
    idmap_init(&ledger->chain_by_author, KEY_BYTES, 0);
    idmap_init(&ledger->trust_by_id, HASH_BYTES, 0);
    idmap_init(&ledger->granted, KEY_BYTES, 0);
    idmap_init(&ledger->join_by_id, HASH_BYTES, 0);
    idmap_init(&ledger->invite_by_id, HASH_BYTES, 0);
    ledger->fold.is_stale = true;
    ledger->root_revision = UINT64_MAX;
}

int ledger_new(struct bytes genesis, struct ledger **ret_ledger, struct problem *reterr_problem)
{
    ProtobufCMessage *message = NULL;
    enum wire_fault fault =
        wire_unpack(&picket__v1__genesis__descriptor, genesis, GENESIS_BUDGET, &message);
    struct ledger *ledger;
    int r;

    if (fault)
        return problem_say(
            reterr_problem, -EINVAL, "this is no genesis: %s", wire_fault_text(fault));
    r = genesis_check((const void *)message, reterr_problem);
    ledger = r == 0 ? calloc(1, sizeof(*ledger)) : NULL;
    if (ledger)
        ledger->genesis_at = bytes_copy(genesis.at, genesis.len);
    if (!ledger || !ledger->genesis_at) {
        free(ledger);
        wire_free(message);
        return r < 0 ? r : problem_say(reterr_problem, -ENOMEM, "no memory for the ledger");
    }
    ledger->genesis = (Picket__V1__Genesis *)(void *)message;
    ledger->genesis_len = genesis.len;
    author_fleet_id(genesis, ledger->fleet_id);
    maps_start(ledger);
    trust_refold(ledger);
    *ret_ledger = ledger;
    return 0;
}

void entry_fini(struct ledger *ledger, struct entry *entry)
{
    for (uint32_t i = 0; i < entry->ops_count; i++) {
        struct op *op = &ledger->ops[entry->first_op + i];

        graph_unlink(op);
        wire_free(op->body);
    }
    if (entry->header)
        wire_free(&entry->header->base);
    if (entry->ops)
        wire_free(&entry->ops->base);
    free(entry->at);
}

static void records_fini(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->entries_count; i++)
        entry_fini(ledger, &ledger->entries[i]);
    for (uint32_t i = 0; i < ledger->chains_count; i++)
        free(ledger->chains[i].entries);
    for (uint32_t i = 0; i < ledger->trust_count; i++) {
        wire_free(&ledger->trust[i].body->base);
        free(ledger->trust[i].at);
    }
    for (uint32_t i = 0; i < ledger->joins_count; i++) {
        wire_free(&ledger->joins[i].message->base);
        free(ledger->joins[i].at);
    }
    for (uint32_t i = 0; i < ledger->forks_count; i++)
        free(ledger->forks[i].at);
}

void ledger_free(struct ledger *ledger)
{
    if (!ledger)
        return;
    fold_fini(ledger);
    trust_fini(&ledger->in_force);
    records_fini(ledger);
    free(ledger->entries);
    free(ledger->ops);
    free(ledger->chains);
    free(ledger->trust);
    free(ledger->joins);
    free(ledger->forks);
    list_fini(&ledger->heads);
    list_fini(&ledger->invites);
    list_fini(&ledger->node_changes);
    idmap_fini(&ledger->entry_by_id);
    idmap_fini(&ledger->chain_by_author);
    idmap_fini(&ledger->trust_by_id);
    idmap_fini(&ledger->granted);
    idmap_fini(&ledger->join_by_id);
    idmap_fini(&ledger->invite_by_id);
    wire_free(&ledger->genesis->base);
    free(ledger->genesis_at);
    free(ledger);
}

/* ---- growing; a failure leaves everything as it was */

static bool make_room(void *array, uint32_t *capacity, uint32_t wanted, size_t bytes)
{
    uint32_t grown = *capacity ? *capacity : 8;
    void *at;

    if (wanted <= *capacity)
        return true;
    while (grown < wanted)
        grown *= 2;
    at = realloc(*(void **)array, grown * bytes);
    if (!at)
        return false;
    *(void **)array = at;
    *capacity = grown;
    return true;
}

static int refuse(
    struct ledger_answer *answer, enum ledger_outcome outcome, enum ledger_reason reason)
{
    answer->outcome = outcome;
    answer->reason = reason;
    return 0;
}

static int refuse_or_wait(struct ledger_answer *answer, enum ledger_reason reason)
{
    bool waits = reason == LEDGER_UNKNOWN_PREV || reason == LEDGER_UNKNOWN_INVITE;

    return refuse(answer, waits ? LEDGER_WAITS : LEDGER_REFUSED, reason);
}

static int added(struct ledger *ledger, struct ledger_answer *answer)
{
    ledger->revision++;
    return refuse(answer, LEDGER_ADDED, LEDGER_OK);
}

/* ---- entries */

int chain_make(struct ledger *ledger, const uint8_t author[KEY_BYTES], uint32_t *ret_chain)
{
    struct chain *chain;

    *ret_chain = chain_find(ledger, author);
    if (*ret_chain != NONE)
        return 0;
    if (!make_room(&ledger->chains, &ledger->chains_capacity, ledger->chains_count + 1,
            sizeof(*ledger->chains)) ||
        idmap_put(&ledger->chain_by_author, author, ledger->chains_count) < 0)
        return -ENOMEM;
    *ret_chain = ledger->chains_count++;
    chain = &ledger->chains[*ret_chain];
    *chain = (struct chain){.fork = NONE, .freeze = UINT64_MAX};
    memcpy(chain->author, author, KEY_BYTES);
    return 0;
}

/* Where the entry stands in its chain: OK means it is the next one. */
enum ledger_reason entry_place(const struct ledger *ledger, const struct record_view *view)
{
    uint32_t index = chain_find(ledger, view->author);
    const struct chain *chain = index == NONE ? NULL : &ledger->chains[index];
    uint64_t count = chain ? chain->count : 0;
    const struct entry *before;

    if (idmap_find(&ledger->granted, view->author) == IDMAP_NONE)
        return LEDGER_UNKNOWN_AUTHOR;
    if (view->seq <= count)
        return LEDGER_FORK;
    if (chain && view->seq >= chain->freeze)
        return LEDGER_FROZEN;
    if (view->seq > count + 1)
        return LEDGER_UNKNOWN_PREV;
    before = chain ? chain_at(ledger, chain, view->seq - 1) : NULL;
    if (before && memcmp(before->id, view->prev, HASH_BYTES) != 0)
        return LEDGER_UNKNOWN_PREV;
    return LEDGER_OK;
}

/* Appends to the arrays only; no map, no chain. */
int entry_push(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__Header *header, struct bytes ops)
{
    struct entry *entry;
    uint32_t chain;

    if (chain_make(ledger, view->author, &chain) < 0 ||
        !make_room(&ledger->entries, &ledger->entries_capacity, ledger->entries_count + 1,
            sizeof(*entry)) ||
        !make_room(&ledger->ops, &ledger->ops_capacity, ledger->ops_count + ENTRY_OPS_MAX,
            sizeof(*ledger->ops)))
        return -ENOMEM;
    entry = &ledger->entries[ledger->entries_count];
    *entry = (struct entry){.author = chain, .seq = view->seq, .len = bytes.len};
    entry->at = bytes_copy(bytes.at, bytes.len);
    if (!entry->at)
        return -ENOMEM;
    memcpy(entry->id, view->id, HASH_BYTES);
    entry->header = header;
    entry->first_op = ledger->ops_count;
    entry_operations(entry, ledger->entries_count, ops, &ledger->ops[ledger->ops_count]);
    ledger->ops_count += entry->ops_count;
    ledger->entries_count++;
    return 0;
}

void entry_pop(struct ledger *ledger)
{
    struct entry *entry = &ledger->entries[--ledger->entries_count];

    entry_fini(ledger, entry);
    ledger->ops_count = entry->first_op;
}

/* Invites and changes of nodes are found again by the directory and by join records. */
static void note_directory(struct ledger *ledger, const struct entry *entry)
{
    for (uint32_t i = entry->first_op; i < entry->first_op + entry->ops_count; i++) {
        const struct op *op = &ledger->ops[i];

        if (op->kind == PICKET__V1__OP_KIND__OP_NODE && op->is_sound)
            list_push(&ledger->node_changes, i);
        if (op->kind != PICKET__V1__OP_KIND__OP_INVITE || !op->is_sound)
            continue;
        list_push(&ledger->invites, i);
        invite_note(ledger, i);
    }
}

/* What is folded stays right unless something waited for this entry, or a cut names its place. */
static void note_fold(struct ledger *ledger, const struct entry *entry)
{
    const struct grant_event *event = grant_first(ledger, ledger->chains[entry->author].author);
    bool is_named = false;

    while (event) {
        is_named |= event->cut && event->cut->seq == entry->seq;
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    if (entry->seq == 1 || is_named)
        chains_refreeze(ledger);
    if (!ledger->fold.is_stale)
        ledger->fold.is_stale =
            is_named || idmap_find(&ledger->fold.awaited, entry->id) != IDMAP_NONE;
}

static int entry_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__Header *header, struct bytes ops)
{
    uint32_t index = ledger->entries_count;
    struct chain *chain;

    if (entry_push(ledger, bytes, view, header, ops) < 0)
        return -ENOMEM;
    chain = &ledger->chains[ledger->entries[index].author];
    if (!make_room(&chain->entries, &chain->capacity, chain->count + 1, sizeof(*chain->entries)) ||
        idmap_put(&ledger->entry_by_id, view->id, index) < 0) {
        ledger->entries[index].header = NULL; /* still the caller's */
        entry_pop(ledger);
        return -ENOMEM;
    }
    chain->entries[chain->count++] = index;
    note_directory(ledger, &ledger->entries[index]);
    note_fold(ledger, &ledger->entries[index]);
    return 0;
}

/* A proof of two entries, the one with the lower id first. */
static int fork_make(const struct entry *held, struct bytes other, const struct record_view *view,
    struct buffer *ret)
{
    ProtobufCMessage *a = NULL, *b = NULL;
    Picket__V1__ForkProof proof = PICKET__V1__FORK_PROOF__INIT;
    bool held_first = memcmp(held->id, view->id, HASH_BYTES) < 0;
    struct bytes held_bytes = bytes_of(held->at, held->len);
    const Picket__V1__SignedEntry *first, *second;
    int r = -ENOMEM;

    if (!wire_unpack(&picket__v1__signed_entry__descriptor, held_first ? held_bytes : other,
            2 * ENTRY_BYTES_MAX, &a) &&
        !wire_unpack(&picket__v1__signed_entry__descriptor, held_first ? other : held_bytes,
            2 * ENTRY_BYTES_MAX, &b)) {
        first = (const void *)a;
        second = (const void *)b;
        proof.header_a = first->header;
        proof.signature_a = first->signature;
        proof.header_b = second->header;
        proof.signature_b = second->signature;
        r = wire_pack(&proof.base, ret);
    }
    wire_free(a);
    wire_free(b);
    return r;
}

/* One proof per key is enough, and the lowest freezes most: no new one for a later place. */
static int refuse_fork(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    struct ledger_answer *answer, struct buffer *ret_fork)
{
    const struct chain *chain = &ledger->chains[chain_find(ledger, view->author)];
    bool is_known = chain->fork != NONE && ledger->forks[chain->fork].seq <= view->seq;

    if (ret_fork && !is_known &&
        fork_make(chain_at(ledger, chain, view->seq), bytes, view, ret_fork) < 0)
        return -ENOMEM;
    return refuse(answer, LEDGER_REFUSED, is_known ? LEDGER_FROZEN : LEDGER_FORK);
}

static int add_entry(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer,
    struct buffer *ret_fork)
{
    struct record_view view;
    Picket__V1__Header *header = NULL;
    struct bytes ops;
    enum ledger_reason reason = entry_read(ledger, bytes, &view, &header, &ops);
    int r;

    memcpy(answer->id, view.id, HASH_BYTES);
    if (reason)
        return refuse(answer, LEDGER_REFUSED, reason);
    if (idmap_find(&ledger->entry_by_id, view.id) != IDMAP_NONE) {
        r = refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    } else {
        reason = entry_place(ledger, &view);
        if (reason == LEDGER_FORK)
            r = refuse_fork(ledger, bytes, &view, answer, ret_fork);
        else if (reason)
            r = refuse_or_wait(answer, reason);
        else if (entry_keep(ledger, bytes, &view, header, ops) == 0)
            return added(ledger, answer);
        else
            r = -ENOMEM;
    }
    wire_free(&header->base);
    return r;
}

/* ---- trust records */

static int note_granted(struct ledger *ledger, const Picket__V1__TrustBody *body)
{
    const Picket__V1__Grant *grant = NULL;

    if (body->action_case == PICKET__V1__TRUST_BODY__ACTION_GRANT)
        grant = body->grant;
    if (!grant || grant->key.len != KEY_BYTES)
        return 0;
    return idmap_put(&ledger->granted, grant->key.data, 1);
}

static int trust_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__TrustBody *body)
{
    struct trust_record *record;
    uint8_t *copy;

    if (!make_room(
            &ledger->trust, &ledger->trust_capacity, ledger->trust_count + 1, sizeof(*record)))
        return -ENOMEM;
    copy = bytes_copy(bytes.at, bytes.len);
    if (!copy || note_granted(ledger, body) < 0 ||
        idmap_put(&ledger->trust_by_id, view->id, ledger->trust_count) < 0) {
        free(copy);
        return -ENOMEM;
    }
    record = &ledger->trust[ledger->trust_count++];
    *record = (struct trust_record){
        .position = view->seq, .signers = view->claims_count, .at = copy, .len = bytes.len};
    memcpy(record->id, view->id, HASH_BYTES);
    record->prev = view->has_prev ? idmap_find(&ledger->trust_by_id, view->prev) : NONE;
    record->body = body;
    return 0;
}

static int add_trust(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer)
{
    struct record_view view;
    Picket__V1__TrustBody *body = NULL;
    enum ledger_reason reason = trust_read(ledger, bytes, &view, &body);

    memcpy(answer->id, view.id, HASH_BYTES);
    if (reason)
        return refuse_or_wait(answer, reason);
    if (idmap_find(&ledger->trust_by_id, view.id) != IDMAP_NONE) {
        wire_free(&body->base);
        return refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    }
    if (trust_keep(ledger, bytes, &view, body) < 0) {
        wire_free(&body->base);
        return -ENOMEM;
    }
    trust_refold(ledger);
    chains_refreeze(ledger);
    ledger->fold.is_stale = true;
    return added(ledger, answer);
}

/* ---- joins */

static uint32_t joins_of_invite(const struct ledger *ledger, const uint8_t invite[HASH_BYTES])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ledger->joins_count; i++)
        count += memcmp(ledger->joins[i].message->invite.data, invite, HASH_BYTES) == 0;
    return count;
}

static int join_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view)
{
    ProtobufCMessage *message = NULL;
    struct join *join;
    uint8_t *copy;

    if (!make_room(
            &ledger->joins, &ledger->joins_capacity, ledger->joins_count + 1, sizeof(*join)) ||
        wire_unpack(&picket__v1__join_record__descriptor, bytes, 4 * JOIN_BYTES_MAX, &message))
        return -ENOMEM;
    copy = bytes_copy(bytes.at, bytes.len);
    if (!copy || idmap_put(&ledger->join_by_id, view->id, ledger->joins_count) < 0) {
        free(copy);
        wire_free(message);
        return -ENOMEM;
    }
    join = &ledger->joins[ledger->joins_count++];
    *join = (struct join){.at = copy, .len = bytes.len};
    join->message = (Picket__V1__JoinRecord *)(void *)message;
    memcpy(join->id, view->id, HASH_BYTES);
    ledger->fold.is_directory_stale = true;
    return 0;
}

static int add_join(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer)
{
    struct record_view view;
    enum ledger_reason reason = record_open(ledger, RECORD_JOIN, bytes, &view);

    memcpy(answer->id, view.id, HASH_BYTES);
    if (reason)
        return refuse_or_wait(answer, reason);
    if (idmap_find(&ledger->join_by_id, view.id) != IDMAP_NONE)
        return refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    if (joins_of_invite(ledger, view.invite) >= JOINS_PER_INVITE_MAX)
        return refuse(answer, LEDGER_REFUSED, LEDGER_JOIN_CONFLICT);
    if (join_keep(ledger, bytes, &view) < 0)
        return -ENOMEM;
    return added(ledger, answer);
}

/* ---- fork proofs: of each key the one with the lowest seq, then the lowest id */

static int fork_keep(
    struct ledger *ledger, struct bytes bytes, const struct record_view *view, uint32_t chain)
{
    uint32_t slot = ledger->chains[chain].fork;
    uint8_t *copy;

    if (!make_room(&ledger->forks, &ledger->forks_capacity, ledger->forks_count + 1,
            sizeof(*ledger->forks)))
        return -ENOMEM;
    copy = bytes_copy(bytes.at, bytes.len);
    if (!copy)
        return -ENOMEM;
    if (slot == NONE)
        slot = ledger->forks_count++;
    else
        free(ledger->forks[slot].at);
    ledger->forks[slot] = (struct fork){.seq = view->seq, .at = copy, .len = bytes.len};
    memcpy(ledger->forks[slot].id, view->id, HASH_BYTES);
    memcpy(ledger->forks[slot].author, view->author, KEY_BYTES);
    ledger->chains[chain].fork = slot;
    return 0;
}

static int add_fork(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer)
{
    struct record_view view;
    enum ledger_reason reason = record_open(ledger, RECORD_FORK, bytes, &view);
    const struct fork *held;
    uint32_t chain;

    memcpy(answer->id, view.id, HASH_BYTES);
    if (!reason && idmap_find(&ledger->granted, view.author) == IDMAP_NONE)
        reason = LEDGER_UNKNOWN_AUTHOR;
    if (reason)
        return refuse_or_wait(answer, reason);
    if (chain_make(ledger, view.author, &chain) < 0)
        return -ENOMEM;
    held = ledger->chains[chain].fork == NONE ? NULL : &ledger->forks[ledger->chains[chain].fork];
    if (held && (held->seq < view.seq ||
                    (held->seq == view.seq && memcmp(held->id, view.id, HASH_BYTES) <= 0)))
        return refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    if (fork_keep(ledger, bytes, &view, chain) < 0)
        return -ENOMEM;
    chains_refreeze(ledger);
    ledger->fold.is_stale = true;
    return added(ledger, answer);
}

int ledger_add(struct ledger *ledger, enum record_kind kind, struct bytes bytes,
    struct ledger_answer *ret_answer, struct buffer *ret_fork)
{
    *ret_answer = (struct ledger_answer){.outcome = LEDGER_REFUSED, .reason = LEDGER_MALFORMED};
    switch (kind) {
    case RECORD_ENTRY:
        return add_entry(ledger, bytes, ret_answer, ret_fork);
    case RECORD_TRUST:
        return add_trust(ledger, bytes, ret_answer);
    case RECORD_JOIN:
        return add_join(ledger, bytes, ret_answer);
    case RECORD_FORK:
        return add_fork(ledger, bytes, ret_answer);
    }
    return 0;
}
