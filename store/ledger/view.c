/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - reading the set of records and the objects folded from it. */
#include "store/ledger/inside.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* ---- the fleet */

const uint8_t *ledger_fleet_id(const struct ledger *ledger)
{
    return ledger->fleet_id;
}

struct bytes ledger_genesis(const struct ledger *ledger)
{
    return bytes_of(ledger->genesis_at, ledger->genesis_len);
}

const char *ledger_fleet_name(const struct ledger *ledger)
{
    return ledger->genesis->name;
}

uint64_t ledger_revision(const struct ledger *ledger)
{
    return ledger->revision;
}

/* ---- entries */

static struct ledger_head head_of(const struct ledger *ledger, const struct chain *chain)
{
    struct ledger_head head = {.author = chain->author, .seq = chain->count};

    if (head.seq > 0)
        head.id = chain_at(ledger, chain, head.seq)->id;
    return head;
}

uint32_t ledger_heads_count(const struct ledger *ledger)
{
    return ledger->heads.count;
}

struct ledger_head ledger_head_at(const struct ledger *ledger, uint32_t index)
{
    CHECK(index < ledger->heads.count, "an index comes from ledger_heads_count()");
    return head_of(ledger, &ledger->chains[ledger->heads.at[index]]);
}

bool ledger_head_find(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], struct ledger_head *ret_head)
{
    uint32_t chain = chain_find(ledger, author);

    if (chain == NONE || ledger->chains[chain].count == 0)
        return false;
    *ret_head = head_of(ledger, &ledger->chains[chain]);
    return true;
}

uint32_t ledger_tips_count(const struct ledger *ledger)
{
    return ledger->tips.count;
}

struct ledger_head ledger_tip_at(const struct ledger *ledger, uint32_t index)
{
    const struct entry *entry;

    CHECK(index < ledger->tips.count, "an index comes from ledger_tips_count()");
    entry = &ledger->entries[ledger->tips.at[index]];
    return (struct ledger_head){
        .author = ledger->chains[entry->author].author, .seq = entry->seq, .id = entry->id};
}

static uint32_t newest_at(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq)
{
    uint32_t chain = chain_find(ledger, author);

    if (chain == NONE || seq == 0 || seq > ledger->chains[chain].newest_count)
        return NONE;
    return ledger->chains[chain].newest[seq - 1];
}

uint32_t ledger_branches_count(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq)
{
    uint32_t count = 0;

    for (uint32_t at = newest_at(ledger, author, seq); at != NONE; at = ledger->entries[at].beside)
        count++;
    return count;
}

struct bytes ledger_branch_at(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq, uint32_t index)
{
    uint32_t at = newest_at(ledger, author, seq);

    while (at != NONE && index-- > 0)
        at = ledger->entries[at].beside;
    if (at == NONE)
        return bytes_of(NULL, 0);
    return bytes_of(ledger->entries[at].at, ledger->entries[at].len);
}

struct bytes ledger_entry_at(
    const struct ledger *ledger, const uint8_t author[KEY_BYTES], uint64_t seq)
{
    uint32_t chain = chain_find(ledger, author);
    const struct entry *entry =
        chain == NONE ? NULL : chain_at(ledger, &ledger->chains[chain], seq);

    return entry ? bytes_of(entry->at, entry->len) : bytes_of(NULL, 0);
}

struct bytes ledger_entry_find(const struct ledger *ledger, const uint8_t id[HASH_BYTES])
{
    uint32_t index = idmap_find(&ledger->entry_by_id, id);

    if (index == IDMAP_NONE)
        return bytes_of(NULL, 0);
    return bytes_of(ledger->entries[index].at, ledger->entries[index].len);
}

uint64_t ledger_entries_count(const struct ledger *ledger)
{
    return ledger->entries_count;
}

struct bytes ledger_entry_by_arrival(
    const struct ledger *ledger, uint64_t index, const uint8_t **ret_id)
{
    CHECK(index < ledger->entries_count, "an index comes from ledger_entries_count()");
    *ret_id = ledger->entries[index].id;
    return bytes_of(ledger->entries[index].at, ledger->entries[index].len);
}

enum ledger_reason ledger_entry_status(
    struct ledger *ledger, const uint8_t id[HASH_BYTES], uint32_t *ret_op)
{
    uint32_t index = idmap_find(&ledger->entry_by_id, id);

    *ret_op = NONE;
    if (index == IDMAP_NONE)
        return LEDGER_UNKNOWN_PREV;
    ledger_settle(ledger);
    *ret_op = ledger->entries[index].verdict.op;
    if (ledger->entries[index].verdict.reason)
        return ledger->entries[index].verdict.reason;
    *ret_op = directory_void(ledger, &ledger->entries[index]);
    return *ret_op == NONE ? LEDGER_OK : LEDGER_INVITE_VOID;
}

const Picket__V1__Grant *ledger_entry_grant(struct ledger *ledger, const uint8_t id[HASH_BYTES])
{
    uint32_t index = idmap_find(&ledger->entry_by_id, id);

    if (index == IDMAP_NONE)
        return NULL;
    ledger_settle(ledger);
    return ledger->entries[index].verdict.grant;
}

/* ---- trust */

struct bytes ledger_trust_head(const struct ledger *ledger, uint64_t *ret_position)
{
    uint32_t head = ledger->in_force.head;

    if (ret_position)
        *ret_position = head;
    if (head == 0)
        return bytes_of(NULL, 0);
    return bytes_of(ledger->trust[ledger->in_force.positions[head].record].id, HASH_BYTES);
}

struct bytes ledger_trust_at(const struct ledger *ledger, uint64_t position)
{
    const struct trust_record *record;

    if (position == 0 || position > ledger->in_force.head)
        return bytes_of(NULL, 0);
    record = &ledger->trust[ledger->in_force.positions[position].record];
    return bytes_of(record->at, record->len);
}

uint32_t ledger_trust_count(const struct ledger *ledger)
{
    return ledger->trust_count;
}

struct bytes ledger_trust_any(
    const struct ledger *ledger, uint32_t index, const uint8_t **ret_id, uint64_t *ret_position)
{
    CHECK(index < ledger->trust_count, "an index comes from ledger_trust_count()");
    *ret_id = ledger->trust[index].id;
    *ret_position = ledger->trust[index].position;
    return bytes_of(ledger->trust[index].at, ledger->trust[index].len);
}

const Picket__V1__Grant *ledger_grant_find(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], bool *ret_ended)
{
    const struct grant_event *event = grant_at(ledger, key, UINT64_MAX);

    if (ret_ended)
        *ret_ended = event && !event->grant;
    return event ? event->grant : NULL;
}

/* Every event that grants; a narrowed grant is shown as what it was narrowed to. */
static const struct grant_event *granting_event(const struct ledger *ledger, uint32_t index)
{
    for (uint32_t i = 0; i < ledger->in_force.events_count; i++)
        if (ledger->in_force.events[i].grant && index-- == 0)
            return &ledger->in_force.events[i];
    return NULL;
}

uint32_t ledger_grants_count(const struct ledger *ledger)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ledger->in_force.events_count; i++)
        count += ledger->in_force.events[i].grant != NULL;
    return count;
}

const Picket__V1__Grant *ledger_grant_at(
    const struct ledger *ledger, uint32_t index, bool *ret_is_live)
{
    const struct grant_event *event = granting_event(ledger, index);

    CHECK(event, "an index comes from ledger_grants_count()");
    *ret_is_live = event->next == NONE;
    return event->grant;
}

/* ---- joins, forks */

uint32_t ledger_joins_count(const struct ledger *ledger)
{
    return ledger->joins_kept.count;
}

struct bytes ledger_join_at(const struct ledger *ledger, uint32_t index, const uint8_t **ret_id)
{
    const struct join *join;

    CHECK(index < ledger->joins_kept.count, "an index comes from ledger_joins_count()");
    join = &ledger->joins[ledger->joins_kept.at[index]];
    *ret_id = join->id;
    return bytes_of(join->at, join->len);
}

uint32_t ledger_forks_count(const struct ledger *ledger)
{
    return ledger->forks_count;
}

struct bytes ledger_fork_at(const struct ledger *ledger, uint32_t index, const uint8_t **ret_id)
{
    CHECK(index < ledger->forks_count, "an index comes from ledger_forks_count()");
    *ret_id = ledger->forks[index].id;
    return bytes_of(ledger->forks[index].at, ledger->forks[index].len);
}

/* ---- objects */

static int compare_objects(const void *a, const void *b, void *fold)
{
    const struct object *objects = ((const struct fold *)fold)->objects;

    return memcmp(objects[*(const uint32_t *)a].id, objects[*(const uint32_t *)b].id, OP_REF_BYTES);
}

uint32_t object_place(const struct ledger *ledger, const uint8_t id[OP_REF_BYTES])
{
    const struct fold *fold = &ledger->fold;
    uint32_t low = 0, high = fold->live_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (memcmp(fold->objects[fold->live[middle]].id, id, OP_REF_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void list_all_live(struct fold *fold)
{
    fold->live_count = 0;
    for (uint32_t i = 0; i < fold->objects_count; i++) {
        fold->objects[i].is_live = fold->objects[i].winner != NONE;
        if (fold->objects[i].is_live)
            fold->live[fold->live_count++] = i;
    }
    qsort_r(fold->live, fold->live_count, sizeof(*fold->live), compare_objects, fold);
    fold->moved = 0;
}

/* What leaves the ring is known no more. */
static void note_change(struct ledger *ledger, uint32_t index)
{
    struct fold *fold = &ledger->fold;
    uint64_t at = fold->changes_count++ % LEDGER_CHANGES_MAX;

    if (fold->changes_count > LEDGER_CHANGES_MAX)
        fold->changes_known_from = fold->changes[at].revision;
    fold->changes[at].object = index;
    fold->changes[at].revision = ledger->revision;
}

static void list_live(struct ledger *ledger, uint32_t index)
{
    struct fold *fold = &ledger->fold;
    struct object *object = &fold->objects[index];
    bool is_live = object->winner != NONE;
    uint32_t place;

    if (is_live == object->is_live)
        return;
    place = object_place(ledger, object->id);
    if (is_live) {
        memmove(&fold->live[place + 1], &fold->live[place],
            (fold->live_count++ - place) * sizeof(*fold->live));
        fold->live[place] = index;
    } else {
        memmove(&fold->live[place], &fold->live[place + 1],
            (--fold->live_count - place) * sizeof(*fold->live));
    }
    object->is_live = is_live;
    fold->moved = place < fold->moved ? place : fold->moved;
}

void objects_settle(struct ledger *ledger)
{
    struct fold *fold = &ledger->fold;
    uint32_t count;

    ledger_settle(ledger);
    count = fold->unsettled.count;
    if (count == 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        object_settle(ledger, &fold->objects[fold->unsettled.at[i]]);
        fold->objects[fold->unsettled.at[i]].is_unsettled = false;
        note_change(ledger, fold->unsettled.at[i]);
    }
    while (fold->live_capacity < fold->objects_count)
        fold->live =
            must_grow(fold->live, &fold->live_capacity, fold->live_capacity, sizeof(*fold->live));
    if (count > 16 + fold->live_count / 64) {
        list_all_live(fold);
    } else {
        for (uint32_t i = 0; i < count; i++)
            list_live(ledger, fold->unsettled.at[i]);
    }
    fold->unsettled.count = 0;
}

/* Deletes have no kind of their own. */
uint32_t object_kind_of(const struct ledger *ledger, const struct object *object)
{
    for (uint32_t i = 0; i < object->heads.count; i++) {
        switch (ledger->ops[object->heads.at[i]].kind) {
        case PICKET__V1__OP_KIND__OP_PUT_RULE:
            return OBJECT_RULE;
        case PICKET__V1__OP_KIND__OP_PUT_SET:
            return OBJECT_SET;
        case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
            return OBJECT_DEFAULT;
        default:
            break;
        }
    }
    return 0;
}

static void show_winner(const struct op *op, struct ledger_object *ret_object)
{
    const ProtobufCMessage *body = op->body;

    ret_object->winner_is_delete = op->kind == PICKET__V1__OP_KIND__OP_DELETE;
    switch (op->kind) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        ret_object->of.rule = ((const Picket__V1__PutRule *)(const void *)body)->rule;
        break;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        ret_object->of.set = ((const Picket__V1__PutSet *)(const void *)body)->set;
        ret_object->manifest = ((const Picket__V1__PutSet *)(const void *)body)->manifest;
        break;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        ret_object->of.policy = ((const Picket__V1__PutDefault *)(const void *)body)->policy;
        break;
    default:
        break;
    }
}

static void show(
    const struct ledger *ledger, const struct object *object, struct ledger_object *ret_object)
{
    const struct op *winner = &ledger->ops[object->winner];

    *ret_object = (struct ledger_object){.kind = (enum object_kind)object_kind_of(ledger, object),
        .heads_count = object->heads.count};
    memcpy(ret_object->id, object->id, OP_REF_BYTES);
    op_reference(ledger, winner, ret_object->winner);
    show_winner(winner, ret_object);
}

uint32_t ledger_objects_count(struct ledger *ledger)
{
    objects_settle(ledger);
    return ledger->fold.live_count;
}

static bool is_listed(const uint8_t (*ids)[OP_REF_BYTES], uint32_t count, const uint8_t *id)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(ids[i], id, OP_REF_BYTES) == 0)
            return true;
    return false;
}

bool ledger_objects_changed(
    struct ledger *ledger, uint64_t revision, uint8_t (*ret_ids)[OP_REF_BYTES], uint32_t *ret_count)
{
    const struct fold *fold = &ledger->fold;
    uint32_t count = 0;

    objects_settle(ledger);
    *ret_count = 0;
    if (revision < fold->changes_known_from)
        return false;
    for (uint64_t i = 0; i < LEDGER_CHANGES_MAX && i < fold->changes_count; i++) {
        const uint8_t *id = fold->objects[fold->changes[i].object].id;

        if (fold->changes[i].revision > revision && !is_listed(ret_ids, count, id))
            memcpy(ret_ids[count++], id, OP_REF_BYTES);
    }
    *ret_count = count;
    return true;
}

void ledger_object_at(struct ledger *ledger, uint32_t index, struct ledger_object *ret_object)
{
    objects_settle(ledger);
    CHECK(index < ledger->fold.live_count, "an index comes from ledger_objects_count()");
    show(ledger, &ledger->fold.objects[ledger->fold.live[index]], ret_object);
}

static struct object *object_search(struct ledger *ledger, const uint8_t id[OP_REF_BYTES])
{
    uint32_t index;

    ledger_settle(ledger);
    index = idmap_find(&ledger->fold.objects_by_id, id);
    if (index == IDMAP_NONE)
        return NULL;
    object_settle(ledger, &ledger->fold.objects[index]);
    return &ledger->fold.objects[index];
}

bool ledger_object_find(
    struct ledger *ledger, const uint8_t id[OP_REF_BYTES], struct ledger_object *ret_object)
{
    const struct object *object = object_search(ledger, id);

    if (!object || object->winner == NONE)
        return false;
    show(ledger, object, ret_object);
    return true;
}

uint32_t ledger_object_heads(struct ledger *ledger, const uint8_t id[OP_REF_BYTES],
    uint8_t (*ret_refs)[OP_REF_BYTES], uint32_t max)
{
    const struct object *object = object_search(ledger, id);

    if (!object)
        return 0;
    for (uint32_t i = 0; i < object->heads.count && i < max; i++)
        op_reference(ledger, &ledger->ops[object->heads.at[i]], ret_refs[i]);
    return object->heads.count;
}

bool ledger_set_resolve(
    const uint8_t winner[OP_REF_BYTES], struct bytes reference, uint8_t ret_id[OP_REF_BYTES])
{
    if (reference.len == OP_REF_BYTES) {
        memcpy(ret_id, reference.at, OP_REF_BYTES);
        return true;
    }
    if (reference.len != 4)
        return false;
    memcpy(ret_id, winner, HASH_BYTES);
    memcpy(ret_id + HASH_BYTES, reference.at, 4);
    return true;
}

static void want_manifest(
    const struct op *op, void (*want)(void *user, const uint8_t hash[HASH_BYTES]), void *user)
{
    const Picket__V1__Manifest *manifest;

    if (op->kind != PICKET__V1__OP_KIND__OP_PUT_SET)
        return;
    manifest = ((const Picket__V1__PutSet *)(void *)op->body)->manifest;
    for (size_t i = 0; manifest && i < manifest->n_chunks; i++)
        want(user, manifest->chunks[i].data);
}

void ledger_chunks_wanted(
    struct ledger *ledger, void (*want)(void *user, const uint8_t hash[HASH_BYTES]), void *user)
{
    objects_settle(ledger);
    for (uint32_t i = 0; i < ledger->fold.live_count; i++) {
        const struct object *object = &ledger->fold.objects[ledger->fold.live[i]];

        for (uint32_t j = 0; j < object->heads.count; j++)
            want_manifest(&ledger->ops[object->heads.at[j]], want, user);
    }
}
