/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - what the mesh core sees of the ledger. A submitted record that is not on disk yet is in
 * the ledger and is not shown: its author's head ends below it.
 */
#include "replica/replica_internal.h"

#include <string.h>

static void records_root(void *user, uint8_t ret_root[HASH_BYTES])
{
    ledger_records_root(((struct replica *)user)->ledger, ret_root);
}

static bool state_root(void *user, uint8_t ret_root[HASH_BYTES])
{
    return ledger_state_root(((struct replica *)user)->ledger, ret_root);
}

static bool digest(void *user, uint8_t ret_digest[HASH_BYTES])
{
    const struct replica *replica = user;

    memcpy(ret_digest, replica->digest, HASH_BYTES);
    return replica->has_digest;
}

static bool is_durable(void *user)
{
    return !((const struct replica *)user)->counts.unstored;
}

static bool has_room(void *user)
{
    return replica_has_room(user);
}

static uint32_t heads_count(void *user)
{
    return ledger_tips_count(((struct replica *)user)->ledger);
}

static void put_head(
    const struct replica *replica, const struct ledger_head *head, struct mesh_record *ret_record)
{
    const struct unstored *hidden =
        replica->hidden_count ? replica_hidden_below(replica, head->author, head->seq) : NULL;

    *ret_record = (struct mesh_record){
        .kind = RECORD_ENTRY, .author = head->author, .seq = head->seq, .id = head->id};
    if (hidden) {
        ret_record->seq = hidden->seq - 1;
        ret_record->id = hidden->prev;
    }
}

static void head_at(void *user, uint32_t index, struct mesh_record *ret_record)
{
    struct replica *replica = user;
    struct ledger_head head = ledger_tip_at(replica->ledger, index);

    put_head(replica, &head, ret_record);
}

static bool head_find(void *user, const uint8_t *author, struct mesh_record *ret_record)
{
    struct replica *replica = user;
    struct ledger_head head;

    if (!ledger_head_find(replica->ledger, author, &head))
        return false;
    put_head(replica, &head, ret_record);
    return ret_record->seq != 0;
}

static uint32_t entries_count(void *user, const uint8_t *author, uint64_t seq)
{
    return ledger_branches_count(((struct replica *)user)->ledger, author, seq);
}

static bool entry_at(
    void *user, const uint8_t *author, uint64_t seq, uint32_t index, struct mesh_record *ret_record)
{
    struct replica *replica = user;

    if (replica->hidden_count && replica_hidden_below(replica, author, seq))
        return false;
    *ret_record = (struct mesh_record){.kind = RECORD_ENTRY, .author = author, .seq = seq};
    ret_record->bytes = ledger_branch_at(replica->ledger, author, seq, index);
    return ret_record->bytes.len != 0;
}

static bool entry_has(void *user, const uint8_t *id)
{
    return ledger_entry_find(((struct replica *)user)->ledger, id).len != 0;
}

static bool is_author_known(void *user, const uint8_t *author)
{
    return replica_is_granted(user, author);
}

static uint32_t count(void *user, uint32_t kind)
{
    const struct ledger *ledger = ((struct replica *)user)->ledger;

    if (kind == RECORD_TRUST)
        return ledger_trust_count(ledger);
    return kind == RECORD_JOIN ? ledger_joins_count(ledger) : ledger_forks_count(ledger);
}

static bool at(void *user, uint32_t kind, uint32_t index, struct mesh_record *ret_record)
{
    struct replica *replica = user;
    const struct unstored *unstored;

    *ret_record = (struct mesh_record){.kind = kind};
    if (kind == RECORD_TRUST)
        ret_record->bytes =
            ledger_trust_any(replica->ledger, index, &ret_record->id, &ret_record->seq);
    else if (kind == RECORD_JOIN)
        ret_record->bytes = ledger_join_at(replica->ledger, index, &ret_record->id);
    else
        ret_record->bytes = ledger_fork_at(replica->ledger, index, &ret_record->id);
    unstored = replica->hidden_count ? replica_unstored_find(replica, ret_record->id) : NULL;
    return !unstored || !unstored->is_submitted;
}

static bool trust_head(void *user, uint8_t ret_id[HASH_BYTES], uint64_t *ret_position)
{
    struct bytes id = ledger_trust_head(((struct replica *)user)->ledger, ret_position);

    if (!id.len)
        return false;
    memcpy(ret_id, id.at, HASH_BYTES);
    return true;
}

static void chunks_missing(
    void *user, uint32_t max, void (*want)(void *core, const uint8_t *hash), void *core)
{
    struct replica *replica = user;
    size_t count_listed;

    replica_chunks_look(replica);
    count_listed = replica->missing_list.len / HASH_BYTES;
    for (size_t i = 0; i < count_listed && i < max; i++)
        want(core, replica->missing_list.at + i * HASH_BYTES);
}

static bool chunk_has(void *user, const uint8_t *hash)
{
    return replica_chunk_may_be_read(user, hash);
}

void replica_view(struct replica *replica, struct mesh_view *ret_view)
{
    *ret_view = (struct mesh_view){
        .user = replica,
        .records_root = records_root,
        .state_root = state_root,
        .digest = digest,
        .is_durable = is_durable,
        .has_room = has_room,
        .heads_count = heads_count,
        .head_at = head_at,
        .head_find = head_find,
        .entries_count = entries_count,
        .entry_at = entry_at,
        .entry_has = entry_has,
        .is_author_known = is_author_known,
        .count = count,
        .at = at,
        .trust_head = trust_head,
        .chunks_missing = chunks_missing,
        .chunk_has = chunk_has,
    };
}
