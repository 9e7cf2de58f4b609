/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/replica_internal.h"
#include "tests/unit/replica/desk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULE "drop in tcp from 192.0.2.0/24 to any port 22 priority 100 name ssh"
#define RULE_OUT_OF_BAND "drop in tcp from 192.0.2.0/24 to any port 22 priority 5000 name ssh"

static int set_up(void **state)
{
    *state = desk_new();
    return 0;
}

static int tear_down(void **state)
{
    desk_free(*state);
    return 0;
}

static uint64_t refused(const struct desk *desk, enum ledger_reason reason)
{
    return replica_counts(desk->replica)->refused[reason];
}

static struct ledger *ledger_of(const struct desk *desk)
{
    return replica_ledger(desk->replica);
}

/* ---- submitting */

static void an_entry_is_answered_only_when_it_is_stored(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint64_t token = desk_submit(desk, &entry, 1, true);

    assert_null(desk_answer(desk, token, 0));
    assert_int_equal(desk->stores_count, 2);
    desk_disk(desk, 0);
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_DURABLE);
    assert_int_equal(desk_answer(desk, token, 1)->outcome, REPLICA_DURABLE);
    assert_memory_equal(desk_answer(desk, token, 1)->id, id, HASH_BYTES);
    buffer_fini(&entry);
}

static void nothing_is_sent_or_shown_before_it_is_stored(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint32_t states;

    desk_connect(desk);
    states = desk->states;
    (void)desk_submit(desk, &entry, 1, true);
    assert_int_equal(desk->records_sent, 0);
    assert_int_equal(desk->states, states);
    assert_false(replica_is_settled(desk->replica));
    desk_disk(desk, 0);
    assert_int_equal(desk->records_sent, 2);
    assert_int_equal(desk->states, states + 1);
    buffer_fini(&entry);
}

static void a_chain_in_one_request_is_one_commit(void **state)
{
    struct desk *desk = *state;
    uint8_t ids[3][HASH_BYTES];
    struct buffer entries[3];
    uint64_t token;

    for (uint32_t i = 0; i < 3; i++)
        entries[i] = desk_entry(desk, &desk->operator, i + 1, i ? ids[i - 1] : NULL, RULE, ids[i]);
    token = desk_submit(desk, entries, 3, true);
    assert_int_equal(desk->stores_count, 4);
    desk_disk(desk, 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(desk_answer(desk, token, i)->outcome, REPLICA_DURABLE);
    for (uint32_t i = 0; i < 3; i++)
        buffer_fini(&entries[i]);
}

static void a_repeated_entry_is_answered_at_once_and_stored_once(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint64_t token;

    (void)desk_submit(desk, &entry, 1, true);
    desk_disk(desk, 0);
    token = desk_submit(desk, &entry, 1, false);
    assert_int_equal(desk->stores_count, 0);
    assert_true(desk_answer(desk, token, 0)->is_known);
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_DURABLE);
    buffer_fini(&entry);
}

static void an_entry_whose_store_is_under_way_is_waited_for(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint64_t token;

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    token = desk_submit(desk, &entry, 1, false);
    assert_null(desk_answer(desk, token, 0));
    desk_disk(desk, 0);
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_DURABLE);
    buffer_fini(&entry);
}

static void expect_refusal(struct desk *desk, const struct buffer *entry, enum ledger_reason reason)
{
    uint64_t revision, token;

    (void)desk_submit(desk, NULL, 0, true);
    desk_disk(desk, 0);
    revision = ledger_revision(ledger_of(desk));
    token = desk_submit(desk, entry, 1, false);
    assert_non_null(desk_answer(desk, token, 0));
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_REFUSED);
    assert_int_equal(desk_answer(desk, token, 0)->reason, reason);
    assert_true(desk_answer(desk, token, 0)->problem.text[0] != 0);
    assert_int_equal(refused(desk, reason), 1);
    assert_int_equal(desk->stores_count, 0);
    assert_int_equal(ledger_revision(ledger_of(desk)), revision);
}

static void a_forged_entry_is_refused(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    entry.at[entry.len - 1] ^= 1; /* the signature is last */
    expect_refusal(desk, &entry, LEDGER_BAD_SIGNATURE);
    buffer_fini(&entry);
}

static void a_strangers_entry_is_refused(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->stranger, 1, NULL, RULE, id);

    expect_refusal(desk, &entry, LEDGER_UNKNOWN_AUTHOR);
    buffer_fini(&entry);
}

static void another_fleets_entry_is_refused(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry;

    desk->fleet_id[0] ^= 1;
    entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    desk->fleet_id[0] ^= 1;
    expect_refusal(desk, &entry, LEDGER_FOREIGN_FLEET);
    buffer_fini(&entry);
}

static void an_entry_outside_its_grant_is_refused(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE_OUT_OF_BAND, id);

    expect_refusal(desk, &entry, LEDGER_OUT_OF_BAND);
    buffer_fini(&entry);
}

static void a_void_entry_is_taken_when_its_successor_comes_with_it(void **state)
{
    struct desk *desk = *state;
    struct buffer entries[2];
    uint8_t id[HASH_BYTES], last[HASH_BYTES];
    uint64_t token;
    uint32_t op;

    entries[0] = desk_entry(desk, &desk->operator, 1, NULL, RULE_OUT_OF_BAND, id);
    entries[1] = desk_entry(desk, &desk->operator, 2, id, RULE, last);
    expect_refusal(desk, &entries[0], LEDGER_OUT_OF_BAND);
    token = desk_submit(desk, entries, 2, true);
    desk_disk(desk, 0);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(desk_answer(desk, token, i + 1)->outcome, REPLICA_DURABLE);
    assert_int_equal(ledger_entry_status(ledger_of(desk), id, &op), LEDGER_OUT_OF_BAND);
    assert_int_equal(ledger_entry_status(ledger_of(desk), last, &op), LEDGER_OK);
    buffer_fini(&entries[0]);
    buffer_fini(&entries[1]);
}

static void an_entry_that_ends_too_early_is_malformed(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    entry.len--;
    expect_refusal(desk, &entry, LEDGER_MALFORMED);
    buffer_fini(&entry);
}

static void an_entry_without_its_predecessor_is_refused(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES], prev[HASH_BYTES] = {1};
    struct buffer entry = desk_entry(desk, &desk->operator, 2, prev, RULE, id);

    expect_refusal(desk, &entry, LEDGER_UNKNOWN_PREV);
    buffer_fini(&entry);
}

static void a_second_entry_with_one_number_is_refused_without_a_proof(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    struct buffer other =
        desk_entry(desk, &desk->operator, 1, NULL, "drop in udp priority 7 name x", id);

    (void)desk_submit(desk, &entry, 1, true);
    desk_disk(desk, 0);
    expect_refusal(desk, &other, LEDGER_FORK);
    assert_int_equal(ledger_forks_count(ledger_of(desk)), 0);
    buffer_fini(&entry);
    buffer_fini(&other);
}

/* ---- a bad disk */

static void a_failed_store_is_answered_and_tried_again(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint64_t token;

    desk_connect(desk);
    token = desk_submit(desk, &entry, 1, true);
    desk_disk(desk, -EIO);
    assert_int_equal(desk_answer(desk, token, 1)->outcome, REPLICA_FAILED);
    assert_int_equal(desk_answer(desk, token, 1)->problem.code, -EIO);
    assert_true(replica_counts(desk->replica)->is_disk_failing);
    assert_int_equal(desk->records_sent, 0);
    desk->now_ms += 1500;
    desk_event(desk, (struct replica_event){.kind = REPLICA_ON_TICK});
    assert_int_equal(desk->stores_count, 2);
    desk_disk(desk, 0);
    assert_false(replica_counts(desk->replica)->is_disk_failing);
    assert_int_equal(desk->records_sent, 2);
    token = desk_submit(desk, &entry, 1, false);
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_DURABLE);
    buffer_fini(&entry);
}

static void while_the_disk_fails_nothing_is_confirmed(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    uint64_t token;

    (void)desk_submit(desk, NULL, 0, true);
    desk_disk(desk, -EIO);
    token = desk_submit(desk, &entry, 1, false);
    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_FAILED);
    buffer_fini(&entry);
}

/* ---- from a neighbour */

static void a_neighbours_entry_goes_in_before_its_store(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    assert_true(ledger_entry_find(ledger_of(desk), id).len != 0);
    assert_int_equal(desk->stores_count, 2);
    buffer_fini(&entry);
}

static void a_neighbours_forgery_is_dropped_and_blamed(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    entry.at[entry.len - 1] ^= 1;
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    assert_int_equal(refused(desk, LEDGER_BAD_SIGNATURE), 1);
    assert_int_equal(desk->blamed, MESH_BAD_SIGNATURE);
    assert_int_equal(ledger_entries_count(ledger_of(desk)), 0);
    buffer_fini(&entry);
}

static void a_neighbours_forgery_does_not_keep_the_true_one_out(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    entry.at[entry.len - 1] ^= 1;
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    entry.at[entry.len - 1] ^= 1;
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    assert_int_equal(ledger_entries_count(ledger_of(desk)), 1);
    buffer_fini(&entry);
}

static void a_strangers_entry_is_dropped_without_a_check(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->stranger, 1, NULL, RULE, id);

    desk_connect(desk);
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    assert_int_equal(replica_counts(desk->replica)->verifies, 0);
    assert_int_equal(refused(desk, LEDGER_UNKNOWN_AUTHOR), 1);
    buffer_fini(&entry);
}

static void entries_that_come_backwards_wait_for_the_first(void **state)
{
    struct desk *desk = *state;
    uint8_t ids[5][HASH_BYTES];
    struct buffer entries[5];

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    for (uint32_t i = 0; i < 5; i++)
        entries[i] = desk_entry(desk, &desk->operator, i + 1, i ? ids[i - 1] : NULL, RULE, ids[i]);
    for (uint32_t i = 5; i > 1; i--)
        desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entries[i - 1]));
    assert_int_equal(replica_counts(desk->replica)->waiting, 4);
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entries[0]));
    assert_int_equal(replica_counts(desk->replica)->waiting, 0);
    assert_int_equal(ledger_entries_count(ledger_of(desk)), 5);
    for (uint32_t i = 0; i < 5; i++)
        buffer_fini(&entries[i]);
}

static void a_fork_from_a_neighbour_becomes_a_proof(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);
    struct buffer other =
        desk_entry(desk, &desk->operator, 1, NULL, "drop in udp priority 7 name x", id);

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&other));
    assert_int_equal(ledger_forks_count(ledger_of(desk)), 1);
    assert_int_equal(desk->records_sent, 1); /* the proof: even to whom it came from */
    buffer_fini(&entry);
    buffer_fini(&other);
}

/* ---- joins */

static void a_join_record_waits_for_its_invite(void **state)
{
    struct desk *desk = *state;
    struct buffer invite = desk_invite(desk), join = desk_join(desk);

    desk_connect(desk);
    desk_receive(desk, RECORD_JOIN, buffer_bytes(&join));
    assert_int_equal(replica_counts(desk->replica)->waiting, 1);
    assert_int_equal(desk->blamed, MESH_NONE);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust_enroller));
    assert_int_equal(ledger_joins_count(ledger_of(desk)), 0);
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&invite));
    assert_int_equal(ledger_joins_count(ledger_of(desk)), 1);
    assert_int_equal(replica_counts(desk->replica)->waiting, 0);
    buffer_fini(&invite);
    buffer_fini(&join);
}

static void a_join_made_here_is_answered_when_it_is_stored(void **state)
{
    struct desk *desk = *state;
    struct buffer invite = desk_invite(desk), join = desk_join(desk);
    struct replica_event event = {.kind = REPLICA_ON_JOIN};

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust_enroller));
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&invite));
    desk_disk(desk, 0);
    event.join.token = 99;
    event.join.record = buffer_bytes(&join);
    desk_event(desk, event);
    assert_null(desk_answer(desk, 99, 0));
    assert_int_equal(desk->records_sent, 0);
    desk_disk(desk, 0);
    assert_int_equal(desk_answer(desk, 99, 0)->outcome, REPLICA_DURABLE);
    assert_int_equal(desk->records_sent, 1);
    buffer_fini(&invite);
    buffer_fini(&join);
}

static void a_trust_record_waits_for_its_parent(void **state)
{
    struct desk *desk = *state;

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust_enroller));
    assert_int_equal(ledger_trust_count(ledger_of(desk)), 0);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    assert_int_equal(ledger_trust_count(ledger_of(desk)), 2);
}

static void entries_count_as_durable_up_to_the_first_that_is_not(void **state)
{
    struct desk *desk = *state;
    uint8_t id[HASH_BYTES];
    struct buffer entry = desk_entry(desk, &desk->operator, 1, NULL, RULE, id);

    desk_connect(desk);
    desk_receive(desk, RECORD_TRUST, buffer_bytes(&desk->trust));
    desk_disk(desk, 0);
    desk_receive(desk, RECORD_ENTRY, buffer_bytes(&entry));
    assert_int_equal(ledger_entries_count(ledger_of(desk)), 1);
    assert_int_equal(replica_entries_durable(desk->replica), 0);
    desk_disk(desk, 0);
    assert_int_equal(replica_entries_durable(desk->replica), 1);
    buffer_fini(&entry);
}

/* A trust record's predecessor names the keys that may sign it: without it nobody can tell it from
 * noise. */
static void receive_made_up_trust(struct desk *desk, uint32_t count)
{
    struct bytes real = buffer_bytes(&desk->trust_enroller);
    uint8_t *bytes = bytes_copy(real.at, real.len);
    uint8_t *prev = memmem(bytes, real.len, desk->trust_id, HASH_BYTES);

    assert_non_null(prev);
    for (uint32_t i = 0; i < count; i++) {
        put_be32(prev, i);
        desk_receive(desk, RECORD_TRUST, bytes_of(bytes, real.len));
    }
    free(bytes);
}

static void made_up_records_do_not_stop_repair(void **state)
{
    struct desk *desk = *state;

    desk_connect(desk);
    receive_made_up_trust(desk, 3000);
    assert_true(replica_has_room(desk->replica));
    assert_int_equal(replica_counts(desk->replica)->waiting, REPLICA_WAITING_OF_LINK_MAX);
}

/* ---- chunks */

static uint64_t submit_chunk(struct desk *desk, const void *content, size_t len)
{
    struct replica_event event = {.kind = REPLICA_ON_CHUNK_SUBMIT};

    event.chunk_submit.token = ++desk->tokens;
    event.chunk_submit.content = bytes_of(content, len);
    desk_event(desk, event);
    return event.chunk_submit.token;
}

static void a_chunk_is_answered_by_its_name_when_it_is_stored(void **state)
{
    struct desk *desk = *state;
    uint8_t hash[HASH_BYTES];
    uint64_t token = submit_chunk(desk, "content", 7);

    keys_hash(HASH_CHUNK, bytes_of("content", 7), hash);
    assert_null(desk_answer(desk, token, 0));
    desk_disk(desk, 0);
    assert_memory_equal(desk_answer(desk, token, 0)->id, hash, HASH_BYTES);
    assert_true(replica_chunk_has(desk->replica, hash));
}

static void an_empty_chunk_fails(void **state)
{
    struct desk *desk = *state;
    uint64_t token = submit_chunk(desk, "", 0);

    assert_int_equal(desk_answer(desk, token, 0)->outcome, REPLICA_FAILED);
}

static void a_chunk_that_cannot_be_read_is_here_no_more(void **state)
{
    struct desk *desk = *state;
    struct replica_event event = {.kind = REPLICA_ON_CHUNK_LOST};
    uint8_t hash[HASH_BYTES];

    keys_hash(HASH_CHUNK, bytes_of("content", 7), hash);
    (void)submit_chunk(desk, "content", 7);
    desk_disk(desk, 0);
    event.chunk = hash;
    desk_event(desk, event);
    assert_false(replica_chunk_has(desk->replica, hash));
}

/* ---- restart */

static void what_was_stored_out_of_order_is_loaded(void **state)
{
    struct desk *desk = *state;
    uint8_t ids[2][HASH_BYTES];
    struct buffer first = desk_entry(desk, &desk->operator, 1, NULL, RULE, ids[0]);
    struct buffer second = desk_entry(desk, &desk->operator, 2, ids[0], RULE, ids[1]);

    assert_int_equal(replica_load(desk->replica, RECORD_ENTRY, buffer_bytes(&second)), 0);
    assert_int_equal(replica_load(desk->replica, RECORD_ENTRY, buffer_bytes(&first)), 0);
    assert_int_equal(replica_load(desk->replica, RECORD_TRUST, buffer_bytes(&desk->trust)), 0);
    assert_int_equal(ledger_entries_count(ledger_of(desk)), 2);
    assert_int_equal(desk->stores_count, 0);
    buffer_fini(&first);
    buffer_fini(&second);
}

#define ON_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DESK(an_entry_is_answered_only_when_it_is_stored),
        ON_DESK(nothing_is_sent_or_shown_before_it_is_stored),
        ON_DESK(a_chain_in_one_request_is_one_commit),
        ON_DESK(a_repeated_entry_is_answered_at_once_and_stored_once),
        ON_DESK(an_entry_whose_store_is_under_way_is_waited_for),
        ON_DESK(a_forged_entry_is_refused),
        ON_DESK(a_strangers_entry_is_refused),
        ON_DESK(another_fleets_entry_is_refused),
        ON_DESK(an_entry_outside_its_grant_is_refused),
        ON_DESK(a_void_entry_is_taken_when_its_successor_comes_with_it),
        ON_DESK(an_entry_that_ends_too_early_is_malformed),
        ON_DESK(an_entry_without_its_predecessor_is_refused),
        ON_DESK(a_second_entry_with_one_number_is_refused_without_a_proof),
        ON_DESK(a_failed_store_is_answered_and_tried_again),
        ON_DESK(while_the_disk_fails_nothing_is_confirmed),
        ON_DESK(a_neighbours_entry_goes_in_before_its_store),
        ON_DESK(a_neighbours_forgery_is_dropped_and_blamed),
        ON_DESK(a_neighbours_forgery_does_not_keep_the_true_one_out),
        ON_DESK(a_strangers_entry_is_dropped_without_a_check),
        ON_DESK(entries_that_come_backwards_wait_for_the_first),
        ON_DESK(a_fork_from_a_neighbour_becomes_a_proof),
        ON_DESK(a_join_record_waits_for_its_invite),
        ON_DESK(a_join_made_here_is_answered_when_it_is_stored),
        ON_DESK(a_trust_record_waits_for_its_parent),
        ON_DESK(made_up_records_do_not_stop_repair),
        ON_DESK(a_chunk_is_answered_by_its_name_when_it_is_stored),
        ON_DESK(an_empty_chunk_fails),
        ON_DESK(a_chunk_that_cannot_be_read_is_here_no_more),
        ON_DESK(entries_count_as_durable_up_to_the_first_that_is_not),
        ON_DESK(what_was_stored_out_of_order_is_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
