/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.c - one author's entries: a tree, if the key signed two with one number. Below the freeze
 * there is one path, above it every branch is kept (ledger.md L19, amendment 2).
 */
#include "store/ledger/inside.h"

#include <errno.h>
#include <stdlib.h>
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

bool entry_is_on_path(const struct ledger *ledger, const struct entry *entry)
{
    const struct chain *chain = &ledger->chains[entry->author];

    return entry->seq < chain->freeze &&
           (entry->seq > chain->count || chain_at(ledger, chain, entry->seq) == entry);
}

/* ---- cuts */

uint32_t cut_entry(const struct ledger *ledger, uint32_t chain, const Picket__V1__Cut *cut)
{
    uint32_t index = cut->seq ? idmap_find(&ledger->entry_by_id, cut->id.data) : IDMAP_NONE;

    if (index == IDMAP_NONE || ledger->entries[index].author != chain ||
        ledger->entries[index].seq != cut->seq)
        return NONE;
    return index;
}

bool entry_is_ancestor(const struct ledger *ledger, uint32_t entry, uint32_t of)
{
    const struct entry *low = &ledger->entries[entry];
    const struct chain *chain = &ledger->chains[low->author];
    uint32_t at = of;

    if (chain_at(ledger, chain, ledger->entries[of].seq) == &ledger->entries[of])
        return chain_at(ledger, chain, low->seq) == low;
    while (at != NONE && ledger->entries[at].seq > low->seq)
        at = ledger->entries[at].prev;
    return at == entry;
}

/* Of the entries here that a cut names the one with the highest number. */
static uint32_t highest_named(const struct ledger *ledger, uint32_t chain)
{
    const struct grant_event *event = grant_first(ledger, ledger->chains[chain].author);
    uint32_t highest = NONE;

    while (event) {
        uint32_t named = event->cut ? cut_entry(ledger, chain, event->cut) : NONE;

        if (named != NONE &&
            (highest == NONE || ledger->entries[named].seq > ledger->entries[highest].seq))
            highest = named;
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    return highest;
}

/* ---- the freeze, and the path below it */

static uint64_t freeze_of(const struct ledger *ledger, const struct chain *chain, uint32_t named)
{
    uint64_t seq = chain->forked;

    if (chain->fork != NONE && ledger->forks[chain->fork].seq < seq)
        seq = ledger->forks[chain->fork].seq;
    if (seq != UINT64_MAX && named != NONE && ledger->entries[named].seq >= seq)
        seq = ledger->entries[named].seq + 1;
    return seq;
}

static bool path_set(struct chain *chain, uint64_t seq, uint32_t entry)
{
    bool is_new = seq > chain->count || chain->entries[seq - 1] != entry;

    chain->entries[seq - 1] = entry;
    return is_new;
}

/* Where the head belongs, or would belong. */
static uint32_t head_place(const struct ledger *ledger, const uint8_t *author)
{
    uint32_t low = 0, high = ledger->heads.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (memcmp(ledger->chains[ledger->heads.at[middle]].author, author, KEY_BYTES) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void list_insert(struct list *list, uint32_t at, uint32_t value)
{
    list_push(list, value);
    memmove(&list->at[at + 1], &list->at[at], (list->count - 1 - at) * sizeof(*list->at));
    list->at[at] = value;
}

static void list_remove(struct list *list, uint32_t at)
{
    list->count--;
    memmove(&list->at[at], &list->at[at + 1], (list->count - at) * sizeof(*list->at));
}

static void note_head(struct ledger *ledger, uint32_t index)
{
    const struct chain *chain = &ledger->chains[index];
    uint32_t at = head_place(ledger, chain->author);
    bool is_there = at < ledger->heads.count && ledger->heads.at[at] == index;

    if (chain->count > 0 && !is_there)
        list_insert(&ledger->heads, at, index);
    if (chain->count == 0 && is_there)
        list_remove(&ledger->heads, at);
}

bool chain_refreeze(struct ledger *ledger, uint32_t index)
{
    struct chain *chain = &ledger->chains[index];
    uint32_t named = highest_named(ledger, index);
    uint64_t freeze = freeze_of(ledger, chain, named);
    uint32_t count = freeze > chain->newest_count ? chain->newest_count : (uint32_t)freeze - 1;
    bool is_changed = freeze != chain->freeze || count != chain->count;

    /* Below the lowest fork there is one entry of each number; above, the branch that is named. */
    for (uint32_t seq = 1; seq <= count && seq < chain->forked; seq++)
        is_changed |= path_set(chain, seq, chain->newest[seq - 1]);
    for (uint32_t at = named; at != NONE && ledger->entries[at].seq >= chain->forked;
         at = ledger->entries[at].prev)
        is_changed |= path_set(chain, ledger->entries[at].seq, at);
    chain->freeze = freeze;
    chain->count = count;
    note_head(ledger, index);
    return is_changed;
}

void chains_refreeze(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->chains_count; i++)
        (void)chain_refreeze(ledger, i);
}

/* ---- a new entry */

int chain_make_room(struct chain *chain, uint64_t seq)
{
    uint32_t capacity = chain->newest_capacity ? chain->newest_capacity : 8;
    uint32_t *entries, *newest;

    if (seq <= chain->newest_capacity)
        return 0;
    while (capacity < seq)
        capacity *= 2;
    entries = realloc(chain->entries, capacity * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    chain->entries = entries;
    newest = realloc(chain->newest, capacity * sizeof(*newest));
    if (!newest)
        return -ENOMEM;
    chain->newest = newest;
    chain->newest_capacity = capacity;
    return 0;
}

static int compare_tips(const struct ledger *ledger, uint32_t a, uint32_t b)
{
    const struct entry *left = &ledger->entries[a], *right = &ledger->entries[b];
    int order = left->author == right->author
                    ? 0
                    : memcmp(ledger->chains[left->author].author,
                          ledger->chains[right->author].author, KEY_BYTES);

    if (order == 0)
        order = (left->seq > right->seq) - (left->seq < right->seq);
    return order ? order : memcmp(left->id, right->id, HASH_BYTES);
}

static uint32_t tip_place(const struct ledger *ledger, uint32_t entry)
{
    uint32_t low = 0, high = ledger->tips.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare_tips(ledger, ledger->tips.at[middle], entry) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void note_tip(struct ledger *ledger, uint32_t index)
{
    uint32_t prev = ledger->entries[index].prev;

    if (prev != NONE && ledger->entries[prev].children++ == 0)
        list_remove(&ledger->tips, tip_place(ledger, prev));
    list_insert(&ledger->tips, tip_place(ledger, index), index);
}

static bool is_named(const struct ledger *ledger, const struct entry *entry)
{
    const struct grant_event *event = grant_first(ledger, ledger->chains[entry->author].author);

    while (event) {
        if (event->cut && event->cut->seq &&
            memcmp(event->cut->id.data, entry->id, HASH_BYTES) == 0)
            return true;
        event = event->next == NONE ? NULL : &ledger->in_force.events[event->next];
    }
    return false;
}

bool chain_join(struct ledger *ledger, uint32_t index)
{
    struct entry *entry = &ledger->entries[index];
    struct chain *chain = &ledger->chains[entry->author];
    bool is_lower = false;

    note_tip(ledger, index);
    if (entry->seq > chain->newest_count) {
        chain->newest_count = (uint32_t)entry->seq;
    } else {
        entry->beside = chain->newest[entry->seq - 1];
        is_lower = entry->seq < chain->forked;
        chain->forked = is_lower ? entry->seq : chain->forked;
    }
    chain->newest[entry->seq - 1] = index;
    if (is_lower || is_named(ledger, entry)) {
        (void)chain_refreeze(ledger, entry->author);
        return false;
    }
    if (entry->seq == chain->count + 1ULL && entry->seq < chain->freeze) {
        chain->entries[chain->count++] = index;
        note_head(ledger, entry->author);
    }
    return true;
}

bool chain_lowest_pair(const struct ledger *ledger, uint32_t index, uint64_t seq, uint32_t pair[2])
{
    const struct chain *chain = &ledger->chains[index];

    pair[0] = pair[1] = NONE;
    for (uint32_t at = chain->newest[seq - 1]; at != NONE; at = ledger->entries[at].beside) {
        const uint8_t *id = ledger->entries[at].id;

        if (pair[0] == NONE || memcmp(id, ledger->entries[pair[0]].id, HASH_BYTES) < 0) {
            pair[1] = pair[0];
            pair[0] = at;
        } else if (pair[1] == NONE || memcmp(id, ledger->entries[pair[1]].id, HASH_BYTES) < 0) {
            pair[1] = at;
        }
    }
    return pair[1] != NONE;
}
