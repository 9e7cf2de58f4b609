/* SPDX-License-Identifier: Apache-2.0 */
/* checks.c - the invariants of world.h, after every step and every effect. */
#include "tests/sim/parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- I1 */

void sim_check_effect(struct sim_world *world, uint32_t node, const struct replica_effect *effect)
{
    struct sim_node *n = &world->nodes[node];

    if (world->options.bug == SIM_BUG_DISK_LIES) /* I4 is to find it */
        return;
    if (effect->kind != REPLICA_DO_STATE && effect->kind != REPLICA_DO_SEND)
        return;
    for (uint32_t i = 0; i < n->disk.pending_count; i++) {
        const struct sim_write *write = &n->disk.pending[i];

        if (!write->is_submitted || sim_disk_has(&n->disk, write->id))
            continue;
        if (effect->kind == REPLICA_DO_STATE && !replica_counts(n->replica)->is_disk_failing)
            sim_fail(world, "I1: n%u applies a submitted record before it is stored", node);
        if (effect->kind == REPLICA_DO_SEND &&
            memmem(effect->bytes.at, effect->bytes.len, write->bytes, write->len))
            sim_fail(world, "I1: n%u sends a submitted record before it is stored", node);
    }
}

void sim_check_answer(struct sim_world *world, uint32_t node, const uint8_t id[HASH_BYTES])
{
    struct sim_node *n = &world->nodes[node];

    if (!sim_disk_has(&n->disk, id) && world->options.bug != SIM_BUG_DISK_LIES)
        sim_fail(world, "I1: n%u answers for a record that is not on its disk", node);
    if (idmap_find(&n->answered, id) != IDMAP_NONE)
        return;
    n->answered_list =
        realloc(n->answered_list, (n->answered_count + 1) * sizeof(*n->answered_list));
    if (!n->answered_list || idmap_put(&n->answered, id, n->answered_count) < 0)
        abort();
    memcpy(n->answered_list[n->answered_count++], id, HASH_BYTES);
}

/* ---- I2 */

static uint64_t head_of(struct sim_world *world, uint32_t node, uint32_t person)
{
    struct ledger_head head;

    if (!ledger_head_find(
            replica_ledger(world->nodes[node].replica), world->people[person].key.public, &head))
        return 0;
    return head.seq;
}

static void check_heads(struct sim_world *world, uint32_t node)
{
    struct sim_node *n = &world->nodes[node];

    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++) {
        uint64_t seq = head_of(world, node, i);

        /* A proof of a fork ends the chain below it, everywhere alike: ledger.md L19. */
        if (seq < n->heads[i] && !ledger_forks_count(replica_ledger(n->replica)))
            sim_fail(world, "I2: n%u head of op%u went from %llu back to %llu", node, i,
                (unsigned long long)n->heads[i], (unsigned long long)seq);
        n->heads[i] = seq;
    }
}

/* ---- I3 */

static void check_roots(struct sim_world *world, uint32_t node)
{
    struct ledger *ledger = replica_ledger(world->nodes[node].replica);
    uint8_t root[HASH_BYTES], state[HASH_BYTES];
    uint32_t index;

    ledger_records_root(ledger, root);
    if (!ledger_state_root(ledger, state))
        return;
    index = idmap_find(&world->roots, root);
    if (index != IDMAP_NONE) {
        if (memcmp(world->state_roots[index], state, HASH_BYTES) != 0)
            sim_fail(world, "I3: n%u has another state for the same records", node);
        return;
    }
    world->state_roots =
        realloc(world->state_roots, (world->state_roots_count + 1) * sizeof(*world->state_roots));
    if (!world->state_roots || idmap_put(&world->roots, root, world->state_roots_count) < 0)
        abort();
    memcpy(world->state_roots[world->state_roots_count++], state, HASH_BYTES);
}

void sim_check_step(struct sim_world *world, uint32_t node)
{
    struct sim_node *n = &world->nodes[node];
    uint64_t revision = ledger_revision(replica_ledger(n->replica));

    if (n->checked_revision == revision)
        return;
    n->checked_revision = revision;
    check_heads(world, node);
    check_roots(world, node);
}

/* ---- I4 */

static bool holds(struct sim_world *world, uint32_t node, const uint8_t *id)
{
    struct sim_node *n = &world->nodes[node];
    struct ledger *ledger = replica_ledger(n->replica);

    if (ledger_entry_find(ledger, id).len || replica_chunk_has(n->replica, id))
        return true;
    for (uint32_t i = 0; i < ledger_trust_count(ledger); i++) {
        const uint8_t *trust_id;
        uint64_t position;

        (void)ledger_trust_any(ledger, i, &trust_id, &position);
        if (memcmp(trust_id, id, HASH_BYTES) == 0)
            return true;
    }
    return false;
}

void sim_check_restart(struct sim_world *world, uint32_t node)
{
    struct sim_node *n = &world->nodes[node];

    for (uint32_t i = 0; i < n->answered_count; i++)
        if (!holds(world, node, n->answered_list[i]))
            sim_fail(world, "I4: n%u lost a record it had answered for", node);
    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++) {
        uint64_t stored = 0;

        for (uint32_t k = 0; k < world->people[i].chain_count; k++)
            if (stored == k && sim_disk_has(&n->disk, world->people[i].chain[k].id))
                stored = k + 1;
        n->heads[i] = head_of(world, node, i);
        if (n->heads[i] < stored)
            sim_fail(world, "I2: n%u restarts below what it stored of op%u", node, i);
    }
}

/* ---- L1 */

static bool holds_all_answered(struct sim_world *world, uint32_t node)
{
    for (uint32_t i = 0; i < SIM_PEOPLE_MAX; i++)
        for (uint32_t k = 0; k < world->people[i].chain_count; k++)
            if (world->people[i].chain[k].is_acked &&
                !ledger_entry_find(
                    replica_ledger(world->nodes[node].replica), world->people[i].chain[k].id)
                     .len)
                return false;
    return true;
}

bool sim_is_agreed(struct sim_world *world, bool is_final)
{
    uint8_t first[HASH_BYTES], root[HASH_BYTES];

    for (uint32_t i = 0; i < world->options.nodes; i++) {
        struct replica *replica = world->nodes[i].replica;
        bool is_same;

        ledger_records_root(replica_ledger(replica), root);
        if (i == 0)
            memcpy(first, root, HASH_BYTES);
        is_same = memcmp(first, root, HASH_BYTES) == 0;
        if (is_same && !replica_chunks_missing(replica) && holds_all_answered(world, i) &&
            !replica_counts(replica)->unstored)
            continue;
        if (is_final)
            sim_fail(world, "L1: n%u %s after healing", i,
                !is_same                          ? "does not agree with n0"
                : replica_chunks_missing(replica) ? "lacks a chunk"
                                                  : "lacks an answered entry");
        return false;
    }
    return true;
}
