/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holders.c - which neighbours are known to have what on disk. A neighbour whose durable root was
 * once ours has all that was here when the root was ours: the first so many entries in the order of
 * their arrival.
 */
#include "replica/replica_internal.h"

#include <string.h>

static void arrival_key(const uint8_t *author, uint64_t seq, uint8_t *ret_key)
{
    memcpy(ret_key, author, KEY_BYTES);
    put_be64(ret_key + KEY_BYTES, seq);
}

void replica_holders_arrived(struct replica *replica, const struct record_view *view)
{
    uint64_t arrival = ledger_entries_count(replica->ledger) - 1;
    uint8_t key[KEY_BYTES + 8];

    if (arrival >= IDMAP_NONE)
        return;
    if (replica->arrivals.count >= REPLICA_ARRIVALS_MAX)
        idmap_clear(&replica->arrivals); /* those before are asked for no more */
    arrival_key(view->author, view->seq, key);
    (void)idmap_put(&replica->arrivals, key, (uint32_t)arrival);
}

static void note_root(struct replica *replica)
{
    struct root_seen *newest =
        &replica->roots[(replica->roots_count + REPLICA_ROOTS_MAX - 1) % REPLICA_ROOTS_MAX];
    struct root_seen seen = {.entries_count = ledger_entries_count(replica->ledger)};

    ledger_records_root(replica->ledger, seen.root);
    memcpy(replica->convergence.root, seen.root, HASH_BYTES);
    if (replica->roots_count && memcmp(newest->root, seen.root, HASH_BYTES) == 0)
        return;
    replica->roots[replica->roots_count++ % REPLICA_ROOTS_MAX] = seen;
}

/* How many of our entries a root of ours covered; 0 if it is none of the last. */
static uint64_t covered_by(const struct replica *replica, const uint8_t *root)
{
    uint32_t count =
        replica->roots_count < REPLICA_ROOTS_MAX ? replica->roots_count : REPLICA_ROOTS_MAX;

    for (uint32_t i = 0; i < count; i++)
        if (memcmp(replica->roots[i].root, root, HASH_BYTES) == 0)
            return replica->roots[i].entries_count;
    return 0;
}

static uint64_t held_before(const struct replica *replica, uint32_t link)
{
    for (uint32_t i = 0; i < replica->holders_count; i++)
        if (replica->holders[i].link == link)
            return replica->holders[i].entries_count;
    return 0;
}

static void look_at(struct replica *replica, const struct mesh_peer *peer, struct holder *holder)
{
    uint64_t covered =
        peer->has_root && peer->is_root_durable ? covered_by(replica, peer->root) : 0;

    holder->link = peer->link;
    holder->entries_count = held_before(replica, peer->link);
    if (covered > holder->entries_count)
        holder->entries_count = covered;
}

static void look_at_all(struct replica *replica)
{
    struct replica_convergence *convergence = &replica->convergence;
    struct holder holders[MESH_LINKS_MAX];
    uint32_t peers = mesh_core_peers_count(replica->core), count = 0, agreeing = 0;

    for (uint32_t i = 0; i < peers; i++) {
        struct mesh_peer peer;

        mesh_core_peer_at(replica->core, i, &peer);
        if (peer.link == MESH_LINK_NONE)
            break;
        look_at(replica, &peer, &holders[count++]);
        agreeing += peer.has_root && memcmp(peer.root, convergence->root, HASH_BYTES) == 0;
    }
    memcpy(replica->holders, holders, count * sizeof(holders[0]));
    replica->holders_count = count;
    convergence->neighbours = count;
    convergence->agreeing = agreeing;
    if (!count || agreeing < count)
        convergence->agreed_since_ms = 0;
    else if (!convergence->agreed_since_ms)
        convergence->agreed_since_ms = replica->now_ms ? replica->now_ms : 1;
}

void replica_holders_look(struct replica *replica)
{
    uint64_t keepalives = mesh_core_counts(replica->core)->keepalives_in;
    uint64_t revision = ledger_revision(replica->ledger);
    bool has_changed = !replica->roots_count || revision != replica->holders_revision;

    if (has_changed)
        note_root(replica);
    else if (keepalives == replica->keepalives_seen)
        return;
    replica->holders_revision = revision;
    replica->keepalives_seen = keepalives;
    look_at_all(replica);
}

uint32_t replica_holders(struct replica *replica, const uint8_t author[KEY_BYTES], uint64_t seq)
{
    uint64_t entries = ledger_entries_count(replica->ledger);
    uint8_t key[KEY_BYTES + 8];
    uint32_t arrival, count = 0;

    if (!seq || !ledger_entry_at(replica->ledger, author, seq).len)
        return 0;
    arrival_key(author, seq, key);
    arrival = idmap_find(&replica->arrivals, key);
    if (arrival != IDMAP_NONE)
        entries = (uint64_t)arrival + 1;
    look_at_all(replica); /* links may have gone since */
    for (uint32_t i = 0; i < replica->holders_count; i++)
        count += replica->holders[i].entries_count >= entries;
    return count;
}

void replica_convergence(struct replica *replica, struct replica_convergence *ret_convergence)
{
    look_at_all(replica);
    *ret_convergence = replica->convergence;
}
