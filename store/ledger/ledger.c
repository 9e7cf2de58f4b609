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
    idmap_init(&ledger->join_by_invite, HASH_BYTES, 0);
    idmap_init(&ledger->joins_named, HASH_BYTES, 0);
    idmap_init(&ledger->invite_by_id, HASH_BYTES, 0);
    ledger->fold.is_stale = true;
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
    for (uint32_t i = 0; i < ledger->chains_count; i++) {
        free(ledger->chains[i].entries);
        free(ledger->chains[i].newest);
    }
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
    list_fini(&ledger->tips);
    list_fini(&ledger->hashed_tips);
    merkle_fini(&ledger->records);
    list_fini(&ledger->joins_kept);
    list_fini(&ledger->invites);
    list_fini(&ledger->invites_before);
    list_fini(&ledger->node_changes);
    idmap_fini(&ledger->entry_by_id);
    idmap_fini(&ledger->chain_by_author);
    idmap_fini(&ledger->trust_by_id);
    idmap_fini(&ledger->granted);
    idmap_fini(&ledger->join_by_id);
    idmap_fini(&ledger->join_by_invite);
    idmap_fini(&ledger->joins_named);
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
    *chain = (struct chain){.fork = NONE, .forked = UINT64_MAX, .freeze = UINT64_MAX};
    memcpy(chain->author, author, KEY_BYTES);
    return 0;
}

/* Does it follow an entry that is here? */
enum ledger_reason entry_place(
    const struct ledger *ledger, const struct record_view *view, uint32_t *ret_prev)
{
    const struct entry *before;

    *ret_prev = NONE;
    if (idmap_find(&ledger->granted, view->author) == IDMAP_NONE)
        return LEDGER_UNKNOWN_AUTHOR;
    if (view->seq == 1)
        return LEDGER_OK;
    *ret_prev = idmap_find(&ledger->entry_by_id, view->prev);
    if (*ret_prev == IDMAP_NONE)
        return LEDGER_UNKNOWN_PREV;
    before = &ledger->entries[*ret_prev];
    if (before->author != chain_find(ledger, view->author) || before->seq + 1 != view->seq)
        return LEDGER_MALFORMED;
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
    *entry = (struct entry){.author = chain, .seq = view->seq, .len = bytes.len, .beside = NONE};
    entry->prev = view->seq == 1 ? NONE : idmap_find(&ledger->entry_by_id, view->prev);
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

        if (op->kind == PICKET__V1__OP_KIND__OP_NODE && op->is_sound) {
            list_push(&ledger->node_changes, i);
            join_note_named(ledger, (const void *)op->body);
        }
        if (op->kind != PICKET__V1__OP_KIND__OP_INVITE || !op->is_sound)
            continue;
        invite_note(ledger, i);
    }
}

static int entry_keep(struct ledger *ledger, struct bytes bytes, const struct record_view *view,
    Picket__V1__Header *header, struct bytes ops)
{
    uint32_t index = ledger->entries_count;

    if (entry_push(ledger, bytes, view, header, ops) < 0)
        return -ENOMEM;
    if (chain_make_room(&ledger->chains[ledger->entries[index].author], view->seq) < 0 ||
        idmap_put(&ledger->entry_by_id, view->id, index) < 0) {
        ledger->entries[index].header = NULL; /* still the caller's */
        entry_pop(ledger);
        return -ENOMEM;
    }
    note_directory(ledger, &ledger->entries[index]);
    /* What is folded stays right unless a branch changed or something waited for this entry. */
    if (!chain_join(ledger, index) || idmap_find(&ledger->fold.awaited, view->id) != IDMAP_NONE)
        ledger->fold.is_stale = true;
    return 0;
}

/* ---- fork proofs: of each key the one with the lowest seq, then the lowest two ids */

static int proof_make(const struct entry *low, const struct entry *high, struct buffer *ret_proof)
{
    ProtobufCMessage *a = NULL, *b = NULL;
    Picket__V1__ForkProof proof = PICKET__V1__FORK_PROOF__INIT;
    const Picket__V1__SignedEntry *first, *second;
    int r = -ENOMEM;

    if (!wire_unpack(&picket__v1__signed_entry__descriptor, bytes_of(low->at, low->len),
            2 * ENTRY_BYTES_MAX, &a) &&
        !wire_unpack(&picket__v1__signed_entry__descriptor, bytes_of(high->at, high->len),
            2 * ENTRY_BYTES_MAX, &b)) {
        first = (const void *)a;
        second = (const void *)b;
        proof.header_a = first->header;
        proof.signature_a = first->signature;
        proof.header_b = second->header;
        proof.signature_b = second->signature;
        r = wire_pack(&proof.base, ret_proof);
    }
    wire_free(a);
    wire_free(b);
    return r;
}

static int compare_proofs(
    const struct fork *held, uint64_t seq, const uint8_t *low, const uint8_t *high)
{
    int order = (held->seq > seq) - (held->seq < seq);

    if (order == 0)
        order = memcmp(held->pair[0], low, HASH_BYTES);
    return order ? order : memcmp(held->pair[1], high, HASH_BYTES);
}

/* What a new entry proves of its key, unless a better proof is held. Without memory there is none:
 * what is here twice freezes the key anyway. */
static void prove_fork(
    const struct ledger *ledger, const uint8_t *entry_id, struct buffer *ret_fork)
{
    const struct entry *entry = &ledger->entries[idmap_find(&ledger->entry_by_id, entry_id)];
    const struct chain *chain = &ledger->chains[entry->author];
    const struct fork *held = chain->fork == NONE ? NULL : &ledger->forks[chain->fork];
    const struct entry *low, *high;
    uint32_t pair[2];

    if (!chain_lowest_pair(ledger, entry->author, entry->seq, pair))
        return;
    low = &ledger->entries[pair[0]];
    high = &ledger->entries[pair[1]];
    if (!held || compare_proofs(held, entry->seq, low->id, high->id) > 0)
        (void)proof_make(low, high, ret_fork);
}

static int add_entry(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer,
    struct buffer *ret_fork)
{
    struct record_view view;
    Picket__V1__Header *header = NULL;
    struct bytes ops;
    enum ledger_reason reason = entry_read(ledger, bytes, &view, &header, &ops);
    uint32_t prev;
    int r;

    memcpy(answer->id, view.id, HASH_BYTES);
    if (reason)
        return refuse(answer, LEDGER_REFUSED, reason);
    if (idmap_find(&ledger->entry_by_id, view.id) != IDMAP_NONE) {
        r = refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    } else if ((reason = entry_place(ledger, &view, &prev)) != LEDGER_OK) {
        r = refuse_or_wait(answer, reason);
    } else if (entry_keep(ledger, bytes, &view, header, ops) == 0) {
        if (ret_fork)
            prove_fork(ledger, view.id, ret_fork);
        return added(ledger, answer);
    } else {
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
    ledger->others++;
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

static int add_join(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer)
{
    struct record_view view;
    enum ledger_reason reason = record_open(ledger, RECORD_JOIN, bytes, &view);
    int r;

    memcpy(answer->id, view.id, HASH_BYTES);
    if (reason)
        return refuse_or_wait(answer, reason);
    if (idmap_find(&ledger->join_by_id, view.id) != IDMAP_NONE)
        return refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    r = join_keep(ledger, bytes, &view);
    if (r < 0)
        return r;
    return r ? added(ledger, answer) : refuse(answer, LEDGER_KNOWN, LEDGER_OK);
}

/* ---- proofs of others */

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
    memcpy(ledger->forks[slot].pair[0], view->claims[0].hash, HASH_BYTES);
    memcpy(ledger->forks[slot].pair[1], view->claims[1].hash, HASH_BYTES);
    memcpy(ledger->forks[slot].author, view->author, KEY_BYTES);
    ledger->chains[chain].fork = slot;
    ledger->others++;
    return 0;
}

/* The held one is lower; of two proofs of one pair, signed anew, the lower id. */
static bool is_better(const struct fork *held, const struct record_view *view)
{
    int order = compare_proofs(held, view->seq, view->claims[0].hash, view->claims[1].hash);

    return order ? order < 0 : memcmp(held->id, view->id, HASH_BYTES) <= 0;
}

static int add_fork(struct ledger *ledger, struct bytes bytes, struct ledger_answer *answer)
{
    struct record_view view;
    enum ledger_reason reason = record_open(ledger, RECORD_FORK, bytes, &view);
    uint32_t chain;

    memcpy(answer->id, view.id, HASH_BYTES);
    if (!reason && idmap_find(&ledger->granted, view.author) == IDMAP_NONE)
        reason = LEDGER_UNKNOWN_AUTHOR;
    if (reason)
        return refuse_or_wait(answer, reason);
    if (chain_make(ledger, view.author, &chain) < 0)
        return -ENOMEM;
    if (ledger->chains[chain].fork != NONE &&
        is_better(&ledger->forks[ledger->chains[chain].fork], &view))
        return refuse(answer, LEDGER_KNOWN, LEDGER_OK);
    if (fork_keep(ledger, bytes, &view, chain) < 0)
        return -ENOMEM;
    if (chain_refreeze(ledger, chain))
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
