/* SPDX-License-Identifier: Apache-2.0 */
/* The checkers can fail, the world is deterministic, and small stories told step by step. */
#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The first failure among some seeds; "" if none. */
static const char *failure_among(struct sim_options options, uint64_t seeds, char *ret_text)
{
    ret_text[0] = 0;
    for (options.seed = 1; options.seed <= seeds && !ret_text[0]; options.seed++) {
        struct sim_world *world = sim_new(&options);

        if (!sim_run(world))
            memcpy(ret_text, world->failure, sizeof(world->failure));
        sim_free(world);
    }
    return ret_text;
}

static void a_world_without_faults_agrees(void **state)
{
    const struct sim_options options = {.nodes = 4};
    char text[240];

    (void)state;
    assert_string_equal(failure_among(options, 3, text), "");
}

static void one_seed_is_one_world(void **state)
{
    const struct sim_options options = {.nodes = 4, .seed = 7, .faults = SIM_FAULTS_ALL};
    struct sim_world *first = sim_new(&options), *second;

    (void)state;
    assert_true(sim_run(first));
    second = sim_new(&options);
    assert_true(sim_run(second));
    assert_int_equal(first->steps, second->steps);
    assert_int_equal(first->trace_count, second->trace_count);
    assert_memory_equal(first->trace, second->trace, sizeof(first->trace));
    sim_free(second);
    sim_free(first);
}

static void a_disk_that_confirms_before_it_writes_is_caught(void **state)
{
    const struct sim_options options = {
        .nodes = 3, .faults = (1U << SIM_CRASH) | (1U << SIM_SLOW_DISK), .bug = SIM_BUG_DISK_LIES};
    char text[240];

    (void)state;
    assert_int_equal(strncmp(failure_among(options, 40, text), "I4:", 3), 0);
}

static void a_disk_that_forgets_is_caught(void **state)
{
    const struct sim_options options = {
        .nodes = 3, .faults = 1U << SIM_CRASH, .bug = SIM_BUG_DISK_FORGETS};
    char text[240];

    (void)state;
    assert_int_equal(strncmp(failure_among(options, 40, text), "I4:", 3), 0);
}

static void a_node_that_never_hears_records_is_caught(void **state)
{
    const struct sim_options options = {.nodes = 3, .bug = SIM_BUG_DEAF};
    char text[240];

    (void)state;
    assert_int_equal(strncmp(failure_among(options, 1, text), "L1:", 3), 0);
}

static struct sim_world *quiet_world(uint32_t nodes)
{
    const struct sim_options options = {.nodes = nodes, .seed = 1};
    struct sim_world *world = sim_new(&options);

    sim_run_until(world, 3000);
    return world;
}

static uint32_t links_of(const struct sim_world *world, uint32_t node)
{
    uint32_t links = 0;

    for (uint32_t i = 0; i < replica_peers_count(world->nodes[node].replica); i++) {
        struct mesh_peer peer;

        replica_peer_at(world->nodes[node].replica, i, &peer);
        links += peer.link != MESH_LINK_NONE;
    }
    return links;
}

static void nodes_that_know_one_neighbour_become_a_full_mesh(void **state)
{
    struct sim_world *world = quiet_world(12);

    (void)state;
    for (uint32_t i = 0; i < 12; i++)
        assert_int_equal(links_of(world, i), 11);
    sim_free(world);
}

static void an_entry_is_everywhere_within_a_tenth_of_a_second(void **state)
{
    struct sim_world *world = quiet_world(5);
    struct sim_person *person = &world->people[0];

    (void)state;
    sim_person_writes(world, 0, 0);
    sim_trust_submits(world, 1, 0);
    sim_person_submits(world, 0, 0);
    sim_run_until(world, world->now_ms + 100);
    for (uint32_t i = 0; i < 5; i++)
        assert_true(sim_disk_has(&world->nodes[i].disk, person->chain[0].id));
    sim_free(world);
}

static void the_writer_learns_that_all_neighbours_have_it_on_disk(void **state)
{
    struct sim_world *world = quiet_world(5);
    struct sim_person *person = &world->people[0];

    (void)state;
    sim_person_writes(world, 0, 0);
    sim_trust_submits(world, 1, 0);
    sim_person_submits(world, 0, 0);
    sim_run_until(world, world->now_ms + 200);
    assert_int_equal(replica_holders(world->nodes[0].replica, person->key.public, 1), 4);
    assert_int_equal(replica_holders(world->nodes[0].replica, person->key.public, 2), 0);
    sim_free(world);
}

static void a_late_node_fetches_what_it_missed(void **state)
{
    struct sim_world *world = quiet_world(4);

    (void)state;
    sim_node_crash(world, 3);
    sim_trust_submits(world, 1, 0);
    for (uint32_t i = 0; i < 30; i++) {
        sim_person_writes(world, 0, 1);
        sim_person_submits(world, 0, 1);
    }
    world->is_calm = true;
    sim_run_until(world, world->now_ms + 8000);
    assert_true(sim_is_agreed(world, true));
    sim_free(world);
}

static void one_operator_on_both_sides_of_a_cut_leaves_one_chain(void **state)
{
    struct sim_world *world = quiet_world(4);

    (void)state;
    sim_trust_submits(world, 1, 0);
    sim_run_until(world, world->now_ms + 500);
    world->is_cut = true;
    world->nodes[2].side = world->nodes[3].side = 1;
    for (uint32_t i = 0; i < 10; i++) {
        struct sim_entry *entry;

        sim_person_writes(world, 0, 0);
        entry = &world->people[0].chain[i];
        sim_person_submits(world, 0, 0);
        sim_run_until(world, world->now_ms + 200);
        entry->is_acked = false; /* the command reached both sides */
        sim_person_submits(world, 0, 3);
        sim_run_until(world, world->now_ms + 200);
    }
    world->is_cut = false;
    sim_run_until(world, world->now_ms + 15000);
    assert_true(sim_is_agreed(world, true));
    assert_int_equal(ledger_forks_count(replica_ledger(world->nodes[1].replica)), 0);
    sim_free(world);
}

static void a_key_that_signs_twice_is_frozen_alike_everywhere(void **state)
{
    struct sim_world *world = quiet_world(4);
    struct sim_person *person = &world->people[0];
    uint8_t first[HASH_BYTES], root[HASH_BYTES];

    (void)state;
    sim_trust_submits(world, 1, 0);
    sim_run_until(world, world->now_ms + 500);
    world->is_cut = true;
    world->nodes[2].side = world->nodes[3].side = 1;
    for (uint32_t node = 0; node < 4; node += 3) { /* another first entry on each side, then more */
        while (person->chain_count) {
            person->chain_count--;
            buffer_fini(&person->chain[person->chain_count].bytes);
            buffer_fini(&person->chain[person->chain_count].chunk);
            person->chain[person->chain_count] = (struct sim_entry){0};
        }
        for (uint32_t i = 0; i < 3; i++)
            sim_person_writes(world, 0, node);
        sim_person_submits(world, 0, node);
        sim_run_until(world, world->now_ms + 300);
        sim_person_submits(world, 0, node); /* content is on disk by then */
        sim_run_until(world, world->now_ms + 300);
    }
    world->is_cut = false;
    sim_run_until(world, world->now_ms + 20000);
    ledger_records_root(replica_ledger(world->nodes[0].replica), first);
    for (uint32_t i = 0; i < 4; i++) {
        ledger_records_root(replica_ledger(world->nodes[i].replica), root);
        assert_int_equal(ledger_forks_count(replica_ledger(world->nodes[i].replica)), 1);
        assert_memory_equal(root, first, HASH_BYTES);
    }
    assert_false(world->has_failed);
    sim_free(world);
}

static int start(void **state)
{
    (void)state;
    return keys_start();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_without_faults_agrees),
        cmocka_unit_test(one_seed_is_one_world),
        cmocka_unit_test(a_disk_that_confirms_before_it_writes_is_caught),
        cmocka_unit_test(a_disk_that_forgets_is_caught),
        cmocka_unit_test(a_node_that_never_hears_records_is_caught),
        cmocka_unit_test(nodes_that_know_one_neighbour_become_a_full_mesh),
        cmocka_unit_test(an_entry_is_everywhere_within_a_tenth_of_a_second),
        cmocka_unit_test(the_writer_learns_that_all_neighbours_have_it_on_disk),
        cmocka_unit_test(a_late_node_fetches_what_it_missed),
        cmocka_unit_test(a_key_that_signs_twice_is_frozen_alike_everywhere),
        cmocka_unit_test(one_operator_on_both_sides_of_a_cut_leaves_one_chain),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
