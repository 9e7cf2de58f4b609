/* SPDX-License-Identifier: Apache-2.0 */
/* chain.c - one author's entries in order, their head, and where a fork freezes them. */
#include "store/ledger/inside.h"

#include <string.h>

uint32_t chain_find(const struct ledger *ledger, const uint8_t author[KEY_BYTES])
{
    uint32_t index = idmap_find(&ledger->chain_by_author, author);

    return index == IDMAP_NONE ? NONE : index;
}

const struct entry *chain_at(const struct ledger *ledger, const struct chain *chain, uint64_t seq)
{
    if (seq == 0 || seq > chain->count)
        return NULL;
    return &ledger->entries[chain->entries[seq - 1]];
}

uint64_t chain_head(const struct chain *chain)
{
    return chain->count < chain->freeze ? chain->count : chain->freeze - 1;
}

/* Amendment 2: a proof freezes from its seq on, but always above what a cut names - unless the
 * branch held here is not the one the cut names. */
static uint64_t freeze_of(const struct ledger *ledger, const struct chain *chain)
{
    const struct grant_event *event = grant_first(ledger, chain->author);
    const struct grant_event *highest = NULL;
    const struct entry *at_cut;
    uint64_t seq;

    if (chain->fork == NONE)
        return UINT64_MAX;
    seq = ledger->forks[chain->fork].seq;
    while (event) {
        if (event->cut && (!highest || event->cut->seq > highest->cut->seq))
            highest = event;
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    if (!highest || highest->cut->seq < seq)
        return seq;
    at_cut = chain_at(ledger, chain, highest->cut->seq);
    if (at_cut && memcmp(at_cut->id, highest->cut->id.data, HASH_BYTES) != 0)
        return seq;
    return highest->cut->seq == UINT64_MAX ? UINT64_MAX : highest->cut->seq + 1;
}

/* Keeps ledger->heads: chains with a head, ascending by author. */
static void place_head(struct ledger *ledger, uint32_t chain)
{
    struct list *heads = &ledger->heads;
    uint32_t at;

    list_push(heads, chain);
    for (at = heads->count - 1; at > 0; at--) {
        const struct chain *before = &ledger->chains[heads->at[at - 1]];

        if (memcmp(before->author, ledger->chains[chain].author, KEY_BYTES) < 0)
            break;
        heads->at[at] = heads->at[at - 1];
    }
    heads->at[at] = chain;
}

void invite_note(struct ledger *ledger, uint32_t index)
{
    const struct op *op = &ledger->ops[index];
    const struct entry *entry = &ledger->entries[op->entry];
    const uint8_t *invite = ((const Picket__V1__Invite *)(void *)op->body)->certificate_hash.data;
    uint32_t known = idmap_find(&ledger->invite_by_id, invite);

    if (entry->seq < ledger->chains[entry->author].freeze &&
        (known == IDMAP_NONE || op_compare(ledger, index, known) < 0))
        must_put(&ledger->invite_by_id, invite, index);
}

void chains_refreeze(struct ledger *ledger)
{
    ledger->heads.count = 0;
    for (uint32_t i = 0; i < ledger->chains_count; i++) {
        ledger->chains[i].freeze = freeze_of(ledger, &ledger->chains[i]);
        if (chain_head(&ledger->chains[i]) > 0)
            place_head(ledger, i);
    }
    if (ledger->forks_count == 0)
        return;
    idmap_clear(&ledger->invite_by_id);
    for (uint32_t i = 0; i < ledger->invites.count; i++)
        invite_note(ledger, ledger->invites.at[i]);
}
