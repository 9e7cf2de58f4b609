/* SPDX-License-Identifier: Apache-2.0 */
/* chain_test.c - a key's own chain: durable before it is sent, the same bytes until acknowledged.
 */
#include "folder.h"

#include "base/own.h"
#include "cli/chain.h"
#include "cli/fleet.h"
#include "store/ledger/author.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct folder folder;
    struct fleet *fleet;
    struct key_pair pair;
    struct chain chain;
};

static void open_chain(struct world *world)
{
    assert_int_equal(chain_open(world->fleet->path, world->fleet->ledger, world->pair.public,
                         &world->chain, NULL),
        0);
}

/* As another run of the command finds it. */
static void open_again(struct world *world)
{
    chain_fini(&world->chain);
    open_chain(world);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    folder_make(&world->folder);
    assert_int_equal(folder_run(&world->folder, "fleet", "init", "lab", "--person", "ada", "--dir",
                         folder_path(&world->folder, "f"), NULL),
        0);
    assert_int_equal(fleet_open(folder_path(&world->folder, "f"), &world->fleet, NULL), 0);
    assert_int_equal(fleet_read_key(world->fleet, FLEET_OPERATOR_KEY, NULL, &world->pair, NULL), 0);
    open_chain(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;

    chain_fini(&world->chain);
    fleet_close(world->fleet);
    folder_drop(&world->folder);
    free(world);
    return 0;
}

static void sign(struct world *world, const char *name, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__Set set = PICKET__V1__SET__INIT;
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    Picket__V1__Operation operation;
    Picket__V1__Operation *list[] = {&operation};
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;

    set.name = (char *)(uintptr_t)name;
    put.set = &set;
    ops.ops = list;
    ops.n_ops = 1;
    assert_int_equal(author_operation(PICKET__V1__OP_KIND__OP_PUT_SET, &put.base, &operation), 0);
    assert_int_equal(chain_sign(&world->chain, &world->pair, NULL, &ops, ret_id, NULL), 0);
    author_operation_fini(&operation);
}

static struct bytes tail_at(const struct chain *chain, uint32_t index)
{
    struct bytes entry = {0};
    size_t offset = 0;

    for (uint32_t i = 0; i <= index; i++)
        assert_true(chain_next(chain, &offset, &entry));
    return entry;
}

static void a_crash_after_signing_sends_the_same_bytes_later(void **state)
{
    struct world *world = *state;
    OWN(buffer_fini) struct buffer before = {0};
    uint8_t id[HASH_BYTES];
    struct bytes entry;

    sign(world, "one", id);
    entry = tail_at(&world->chain, 0);
    assert_int_equal(buffer_append(&before, entry.at, entry.len), 0);
    open_again(world);
    assert_true(bytes_equal(buffer_bytes(&before), tail_at(&world->chain, 0)));
    assert_int_equal(world->chain.last_seq, 1);
    assert_memory_equal(world->chain.last_id, id, HASH_BYTES);
}

static void the_next_entry_follows_what_was_not_sent(void **state)
{
    struct world *world = *state;
    struct record_view view;
    uint8_t first[HASH_BYTES];
    uint8_t second[HASH_BYTES];

    sign(world, "one", first);
    open_again(world);
    sign(world, "two", second);
    assert_int_equal(
        record_open(world->fleet->ledger, RECORD_ENTRY, tail_at(&world->chain, 1), &view), 0);
    assert_int_equal(view.seq, 2);
    assert_memory_equal(view.prev, first, HASH_BYTES);
}

static void an_append_cut_short_is_dropped(void **state)
{
    struct world *world = *state;
    uint8_t id[HASH_BYTES];

    sign(world, "one", id);
    assert_int_equal(
        file_append(world->chain.tail_path, bytes_of("\1\0\0\1\0half", 9), 0600, NULL), 0);
    open_again(world);
    assert_int_equal(world->chain.last_seq, 1);
    sign(world, "two", id);
    open_again(world);
    assert_int_equal(world->chain.last_seq, 2);
}

static void damage_is_not_taken_for_a_crash(void **state)
{
    struct world *world = *state;
    OWN(buffer_fini) struct buffer bytes = {0};
    struct problem problem = {0};
    struct chain chain;
    uint8_t id[HASH_BYTES];

    sign(world, "one", id);
    assert_int_equal(file_read(world->chain.tail_path, 65536, &bytes, NULL), 0);
    bytes.at[bytes.len - 1] ^= 1;
    assert_int_equal(file_replace(world->chain.tail_path, buffer_bytes(&bytes), 0600, NULL), 0);
    assert_true(chain_open(world->fleet->path, world->fleet->ledger, world->pair.public, &chain,
                    &problem) < 0);
    assert_non_null(strstr(problem.text, "damaged"));
}

static void an_acknowledged_entry_moves_the_head(void **state)
{
    struct world *world = *state;
    uint8_t first[HASH_BYTES];
    uint8_t second[HASH_BYTES];
    size_t offset = 0;
    struct bytes entry;

    sign(world, "one", first);
    sign(world, "two", second);
    assert_int_equal(chain_acknowledge(&world->chain, 1, NULL), 0);
    open_again(world);
    assert_int_equal(world->chain.head_seq, 1);
    assert_memory_equal(world->chain.head_id, first, HASH_BYTES);
    assert_int_equal(world->chain.last_seq, 2);
    assert_true(chain_next(&world->chain, &offset, &entry));
    assert_false(chain_next(&world->chain, &offset, &entry));
}

static void a_crash_between_head_and_tail_is_healed(void **state)
{
    struct world *world = *state;
    OWN(buffer_fini) struct buffer old_tail = {0};
    uint8_t id[HASH_BYTES];

    sign(world, "one", id);
    assert_int_equal(file_read(world->chain.tail_path, 65536, &old_tail, NULL), 0);
    assert_int_equal(chain_acknowledge(&world->chain, 1, NULL), 0);
    assert_int_equal(file_replace(world->chain.tail_path, buffer_bytes(&old_tail), 0600, NULL), 0);
    open_again(world);
    assert_int_equal(world->chain.last_seq, 1);
    assert_int_equal(world->chain.tail.len, 0);
}

static void a_node_gets_exactly_what_it_lacks(void **state)
{
    struct world *world = *state;
    OWN(buffer_fini) struct buffer all = {0};
    OWN(buffer_fini) struct buffer some = {0};
    uint8_t id[HASH_BYTES];
    enum record_kind kind;
    struct bytes entry;
    size_t offset = 0;
    uint32_t count = 0;

    sign(world, "one", id);
    sign(world, "two", id);
    assert_int_equal(chain_acknowledge(&world->chain, 2, NULL), 0);
    sign(world, "three", id);
    open_again(world);
    assert_int_equal(chain_missing(&world->chain, 0, &all), 0);
    while (records_next(buffer_bytes(&all), &offset, &kind, &entry))
        count++;
    assert_int_equal(count, 3);
    assert_int_equal(chain_missing(&world->chain, 2, &some), 0);
    assert_int_equal(some.len, world->chain.tail.len);
}

static void a_node_that_knows_more_stops_the_signing(void **state)
{
    struct world *world = *state;
    struct problem problem = {0};
    uint8_t id[HASH_BYTES] = {7};

    assert_int_equal(chain_check(&world->chain, 3, id, &problem), -ESTALE);
    assert_non_null(strstr(problem.text, "catch-up"));
}

static void another_entry_of_the_same_number_stops_the_signing(void **state)
{
    struct world *world = *state;
    struct problem problem = {0};
    uint8_t own[HASH_BYTES];
    uint8_t other[HASH_BYTES] = {7};

    sign(world, "one", own);
    assert_int_equal(chain_check(&world->chain, 1, own, NULL), 0);
    assert_int_equal(chain_check(&world->chain, 1, other, &problem), -ESTALE);
    assert_non_null(strstr(problem.text, "two places"));
}

/* A folder restored from a copy: what was signed since comes back from a node. */
static void catching_up_verifies_and_moves_the_head(void **state)
{
    struct world *world = *state;
    OWN(buffer_fini) struct buffer entry = {0};
    OWN(buffer_fini) struct buffer broken = {0};
    uint8_t id[HASH_BYTES];
    struct bytes signed_entry;

    sign(world, "one", id);
    signed_entry = tail_at(&world->chain, 0);
    assert_int_equal(buffer_append(&entry, signed_entry.at, signed_entry.len), 0);
    assert_int_equal(buffer_append(&broken, signed_entry.at, signed_entry.len), 0);
    broken.at[broken.len - 1] ^= 1;
    assert_int_equal(file_replace(world->chain.tail_path, (struct bytes){0}, 0600, NULL), 0);
    open_again(world);
    assert_int_equal(world->chain.last_seq, 0);
    assert_true(chain_adopt(&world->chain, buffer_bytes(&broken), NULL) < 0);
    assert_int_equal(chain_adopt(&world->chain, buffer_bytes(&entry), NULL), 0);
    open_again(world);
    assert_int_equal(world->chain.head_seq, 1);
    assert_memory_equal(world->chain.head_id, id, HASH_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crash_after_signing_sends_the_same_bytes_later),
        TEST(the_next_entry_follows_what_was_not_sent),
        TEST(an_append_cut_short_is_dropped),
        TEST(damage_is_not_taken_for_a_crash),
        TEST(an_acknowledged_entry_moves_the_head),
        TEST(a_crash_between_head_and_tail_is_healed),
        TEST(a_node_gets_exactly_what_it_lacks),
        TEST(a_node_that_knows_more_stops_the_signing),
        TEST(another_entry_of_the_same_number_stops_the_signing),
        TEST(catching_up_verifies_and_moves_the_head),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
