/* SPDX-License-Identifier: Apache-2.0 */
/* What two nodes say to each other, in their own words. */
#include "tests/unit/mesh_core/pair.h"

#include "proto/picket/v1/mesh.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = pair_new();
    return 0;
}

static int tear_down(void **state)
{
    pair_free(*state);
    return 0;
}

static void two_nodes_greet_and_have_nothing_to_say(void **state)
{
    struct toy_pair *pair = *state;

    pair_connect(pair);
    pair_deliver(pair);
    assert_string_equal(pair->transcript, "A link.up peer=b dialled=yes\n"
                                          "A send peer=b frame=hello\n"
                                          "A send peer=b frame=keepalive\n"
                                          "B link.up peer=a dialled=no\n"
                                          "B send peer=a frame=hello\n"
                                          "B send peer=a frame=keepalive\n"
                                          "B recv peer=a frame=hello\n"
                                          "B recv peer=a frame=keepalive\n"
                                          "A recv peer=b frame=hello\n"
                                          "A recv peer=b frame=keepalive\n");
}

static void what_one_lacks_it_fetches_on_connect(void **state)
{
    struct toy_pair *pair = *state;

    pair_hold(pair, 1, 0, 2);
    pair_connect(pair);
    pair_deliver(pair);
    pair_forget(pair);
    pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
    pair_deliver(pair);
    assert_string_equal(pair->transcript, "A send peer=b frame=summary\n"
                                          "B recv peer=a frame=summary\n"
                                          "B send peer=a frame=summary\n"
                                          "A recv peer=b frame=summary\n"
                                          "A repair.want peer=b ranges=1\n"
                                          "A send peer=b frame=want\n"
                                          "B recv peer=a frame=want\n"
                                          "B send peer=a frame=record\n"
                                          "B send peer=a frame=record\n"
                                          "B serve peer=a records=2\n"
                                          "B send peer=a frame=absent\n"
                                          "A recv peer=b frame=record\n"
                                          "A recv peer=b frame=record\n"
                                          "A recv peer=b frame=absent\n");
    assert_int_equal(pair_head(pair, 0, 0), 2);
}

static void both_fetch_what_the_other_has(void **state)
{
    struct toy_pair *pair = *state;

    pair_hold(pair, 0, 0, 20);
    pair_hold(pair, 1, 1, 30);
    pair_connect(pair);
    pair_run(pair, 3000);
    assert_int_equal(pair_head(pair, 0, 1), 30);
    assert_int_equal(pair_head(pair, 1, 0), 20);
}

static void equal_roots_ask_for_nothing(void **state)
{
    struct toy_pair *pair = *state;

    pair_hold(pair, 0, 0, 20);
    pair_hold(pair, 1, 0, 20);
    pair_connect(pair);
    pair_run(pair, 10000);
    assert_int_equal(mesh_core_counts(pair->nodes[0].core)->summaries_out, 0);
    assert_int_equal(mesh_core_counts(pair->nodes[1].core)->summaries_out, 0);
}

static void an_added_record_goes_to_others_and_not_back(void **state)
{
    struct toy_pair *pair = *state;
    static const uint8_t id[HASH_BYTES] = {9}, bytes[48] = {0, 1};
    struct mesh_event event = {.kind = MESH_ON_ADDED, .link = MESH_LINK_NONE};

    event.record = (struct mesh_record){.kind = MESH_ENTRY, .id = id, .bytes = bytes_of(bytes, 48)};
    pair_connect(pair);
    pair_deliver(pair);
    pair_event(pair, 0, event);
    pair_deliver(pair);
    assert_int_equal(pair->nodes[1].taken, 1);
    event.link = 7;
    pair_event(pair, 1, event);
    pair_deliver(pair);
    assert_int_equal(pair->nodes[0].taken, 0);
}

static void a_silent_neighbour_is_closed_and_dialled_again(void **state)
{
    struct toy_pair *pair = *state;

    pair_connect(pair);
    pair_deliver(pair);
    for (uint32_t i = 0; i < 700; i++) { /* only A's time goes on */
        pair->now_ms += 10;
        pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
    }
    assert_int_equal(pair->nodes[0].closed, MESH_SILENT);
    assert_int_equal(pair->nodes[0].dials, 1);
    assert_string_equal(pair->nodes[0].dialled, "b:1");
}

static void failed_dials_come_further_apart(void **state)
{
    struct toy_pair *pair = *state;
    uint32_t first_second;

    for (uint32_t i = 0; i < 6000; i++) {
        pair->now_ms += 10;
        if (i == 100)
            first_second = pair->nodes[0].dials;
        pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
        if (pair->nodes[0].dialled[0])
            pair_event(pair, 0,
                (struct mesh_event){
                    .kind = MESH_ON_DIAL_FAILED, .address = "b:1", .sentence = "refused"});
        pair->nodes[0].dialled[0] = 0;
    }
    assert_in_range(first_second, 2, 6);
    assert_in_range(
        pair->nodes[0].dials, 8, 20); /* a minute: at most one in 5 to 10 s in the end */
}

static void a_first_frame_that_is_no_hello_ends_the_link(void **state)
{
    struct toy_pair *pair = *state;
    static const uint8_t goodbye[] = {0x42, 0x00};

    pair_connect(pair);
    pair_frame(pair, 0, goodbye, sizeof(goodbye));
    assert_int_equal(pair->nodes[0].closed, MESH_NO_HELLO);
}

static void another_fleets_hello_ends_the_link(void **state)
{
    struct toy_pair *pair = *state;
    /* hello { protocol: 1, fleet_id: 32 x 5, node: 32 x 0 } */
    uint8_t hello[2 + 2 + 34] = {0x0a, 36, 0x08, 0x01, 0x12, 32};

    memset(hello + 6, 5, 32);
    pair_connect(pair);
    pair_frame(pair, 0, hello, sizeof(hello));
    assert_int_equal(pair->nodes[0].closed, MESH_FOREIGN_FLEET);
}

static void bad_frames_are_forgiven_a_few_times(void **state)
{
    struct toy_pair *pair = *state;
    static const uint8_t bad[] = {0xff, 0xff};

    pair_connect(pair);
    pair_deliver(pair);
    for (uint32_t i = 0; i < 3; i++)
        pair_frame(pair, 0, bad, sizeof(bad));
    assert_int_equal(pair->nodes[0].blamed, MESH_BAD_FRAME);
    assert_int_equal(pair->nodes[0].closed, MESH_NONE);
    pair_frame(pair, 0, bad, sizeof(bad));
    assert_int_equal(pair->nodes[0].closed, MESH_TOO_MANY_FAULTS);
}

static void a_node_with_many_faults_is_not_let_in_again(void **state)
{
    struct toy_pair *pair = *state;

    bad_frames_are_forgiven_a_few_times(state);
    pair->nodes[0].closed = MESH_NONE;
    pair_connect(pair);
    assert_int_equal(pair->nodes[0].closed, MESH_TOO_MANY_FAULTS);
}

static void of_two_links_both_ends_keep_the_one_the_lower_id_dialled(void **state)
{
    struct toy_pair *pair = *state;
    static const uint8_t a[HASH_BYTES] = {1}, b[HASH_BYTES] = {2};

    pair_connect(pair); /* link 7: A, the lower, dialled */
    pair_event(pair, 0,
        (struct mesh_event){.kind = MESH_ON_LINK_UP, .link = 8, .up = {.node = b, .name = "b"}});
    pair_event(pair, 1,
        (struct mesh_event){
            .kind = MESH_ON_LINK_UP, .link = 8, .up = {.node = a, .name = "a", .address = "a:1"}});
    assert_int_equal(pair->nodes[0].closed, MESH_DUPLICATE);
    assert_int_equal(pair->nodes[1].closed, MESH_DUPLICATE);
    pair_run(pair, 100);
    assert_int_equal(mesh_core_peers_count(pair->nodes[0].core), 1);
}

static void a_lost_want_is_asked_again(void **state)
{
    struct toy_pair *pair = *state;

    pair_hold(pair, 1, 0, 5);
    pair_connect(pair);
    pair_deliver(pair);
    pair->nodes[0].is_deaf = true; /* what comes is lost on the way to the ledger */
    pair_run(pair, 1000);
    assert_int_equal(pair_head(pair, 0, 0), 0);
    pair->nodes[0].is_deaf = false;
    pair_run(pair, 5000);
    assert_int_equal(pair_head(pair, 0, 0), 5);
}

static void a_node_without_room_does_not_ask_for_the_rest(void **state)
{
    struct toy_pair *pair = *state;

    pair_hold(pair, 1, 0, 64); /* more than one answer may hold */
    pair_connect(pair);
    pair->nodes[0].is_room = false;
    pair_run(pair, 3000);
    assert_in_range(pair_head(pair, 0, 0), 10, 63);
    pair->nodes[0].is_room = true;
    pair_run(pair, 100);
    assert_int_equal(pair_head(pair, 0, 0), 64);
}

static void a_missing_chunk_is_asked_and_served(void **state)
{
    struct toy_pair *pair = *state;
    static const uint8_t content[100] = {1};
    struct mesh_event read = {.kind = MESH_ON_CHUNK_READ, .link = 7};

    pair->nodes[0].is_chunk_wanted = true;
    pair->nodes[0].chunk_wanted[0] = 77;
    pair->nodes[1].is_chunk_held = true;
    pair_connect(pair);
    pair_run(pair, 300);
    assert_int_equal(pair->nodes[1].chunk_reads, 1);
    read.chunk_read.hash = pair->nodes[0].chunk_wanted;
    read.chunk_read.content = bytes_of(content, sizeof(content));
    pair_event(pair, 1, read);
    pair_deliver(pair);
    assert_true(pair->nodes[0].is_chunk_taken);
}

static void frame_from_c(struct toy_pair *pair, Picket__V1__Frame *frame)
{
    uint8_t bytes[512];
    size_t len = picket__v1__frame__pack(frame, bytes);

    pair_event(pair, 0,
        (struct mesh_event){.kind = MESH_ON_FRAME, .link = 8, .frame = bytes_of(bytes, len)});
}

static void c_says_hello(struct toy_pair *pair)
{
    static uint8_t fleet[HASH_BYTES], c[HASH_BYTES] = {3};
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Hello hello = PICKET__V1__HELLO__INIT;

    pair_event(pair, 0,
        (struct mesh_event){.kind = MESH_ON_LINK_UP, .link = 8, .up = {.node = c, .name = "c"}});
    hello.protocol = 1;
    hello.fleet_id = (ProtobufCBinaryData){HASH_BYTES, fleet};
    hello.node = (ProtobufCBinaryData){HASH_BYTES, c};
    hello.name = (char[]){"c"};
    frame.body_case = PICKET__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    frame_from_c(pair, &frame);
}

static void c_lacks_chunk(struct toy_pair *pair, uint8_t number)
{
    uint8_t hash[HASH_BYTES] = {number};
    ProtobufCBinaryData chunk = {HASH_BYTES, hash};
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Absent absent = PICKET__V1__ABSENT__INIT;

    absent.chunks = &chunk;
    absent.n_chunks = 1;
    frame.body_case = PICKET__V1__FRAME__BODY_ABSENT;
    frame.absent = &absent;
    frame_from_c(pair, &frame);
}

/* C lacks them, B has them and is asked for a few at a time: the next is asked as soon as one came.
 */
static void a_busy_owner_is_waited_for_not_given_up(void **state)
{
    struct toy_pair *pair = *state;
    uint32_t wanted = 12, stored = 0;

    pair->nodes[1].is_chunk_held = true;
    pair_connect(pair);
    c_says_hello(pair);
    pair_deliver(pair);
    pair->nodes[0].chunks_wanted = wanted;
    for (int round = 0; round < 60 && stored < wanted; round++) {
        pair_run(pair, 10);
        for (uint32_t i = 0; i < wanted; i++)
            c_lacks_chunk(pair, (uint8_t)(100 + i));
        for (; stored < pair->nodes[1].chunk_reads && stored < wanted; stored++) {
            static const uint8_t content[100] = {1};
            struct mesh_event read = {.kind = MESH_ON_CHUNK_READ, .link = 7};
            const uint8_t *hash = pair->nodes[1].chunk_read[stored];

            read.chunk_read.hash = hash;
            read.chunk_read.content = bytes_of(content, sizeof(content));
            pair_event(pair, 1, read);
            pair_deliver(pair);
            pair->nodes[0].chunks_stored |= 1ULL << (hash[0] - 100);
            pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_CHUNK, .chunk = hash});
        }
    }
    assert_int_equal(stored, wanted);
}

static void a_dropped_frame_leads_to_a_summary(void **state)
{
    struct toy_pair *pair = *state;

    pair_connect(pair);
    pair_deliver(pair);
    pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_DROPPED, .link = 7});
    pair_run(pair, 20);
    assert_int_equal(mesh_core_counts(pair->nodes[0].core)->summaries_out, 1);
}

/* ---- hostile neighbours: B's core is not asked, what it says is made here */

static void b_says(struct toy_pair *pair, const Picket__V1__Frame *frame)
{
    size_t len = protobuf_c_message_get_packed_size(&frame->base);
    uint8_t *bytes = malloc(len);

    assert_non_null(bytes);
    (void)protobuf_c_message_pack(&frame->base, bytes);
    pair_frame(pair, 0, bytes, len);
    free(bytes);
    pair_lose(pair);
}

static void b_claims_a_long_chain(struct toy_pair *pair)
{
    uint8_t author[KEY_BYTES], id[HASH_BYTES] = {0};
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Summary summary = PICKET__V1__SUMMARY__INIT;
    Picket__V1__Head head = PICKET__V1__HEAD__INIT, *heads[] = {&head};

    memset(author, 1, sizeof(author));
    head.author = (ProtobufCBinaryData){.len = sizeof(author), .data = author};
    head.seq = 64;
    head.id = (ProtobufCBinaryData){.len = sizeof(id), .data = id};
    summary.heads = heads;
    summary.n_heads = 1;
    summary.is_answer = true;
    frame.body_case = PICKET__V1__FRAME__BODY_SUMMARY;
    frame.summary = &summary;
    b_says(pair, &frame);
}

static void b_sends_a_record(struct toy_pair *pair)
{
    uint8_t bytes[] = {0, 200}; /* of a number the toy ledger does not take */
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Record record;

    picket__v1__record__init(&record);
    record.record_case = PICKET__V1__RECORD__RECORD_ENTRY;
    record.entry = (ProtobufCBinaryData){.len = sizeof(bytes), .data = bytes};
    frame.body_case = PICKET__V1__FRAME__BODY_RECORD;
    frame.record = &record;
    b_says(pair, &frame);
}

static void who_sends_without_end_and_nothing_new_is_left_for_others(void **state)
{
    struct toy_pair *pair = *state;

    pair_connect(pair);
    pair_deliver(pair);
    b_claims_a_long_chain(pair);
    assert_int_equal(mesh_core_counts(pair->nodes[0].core)->wants_out, 1);
    for (uint32_t i = 0; i < 10; i++) {
        pair->now_ms += 1000;
        pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
        b_sends_a_record(pair);
    }
    assert_int_equal(mesh_core_counts(pair->nodes[0].core)->wants_late, 1);
}

static void b_ends_with_all_left_over(struct toy_pair *pair)
{
    uint8_t author[KEY_BYTES];
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Absent absent = PICKET__V1__ABSENT__INIT;
    Picket__V1__Range range = PICKET__V1__RANGE__INIT, *ranges[] = {&range};

    memset(author, 1, sizeof(author));
    range.author = (ProtobufCBinaryData){.len = sizeof(author), .data = author};
    range.first = 1;
    range.last = 64;
    absent.ranges = ranges;
    absent.n_ranges = 1;
    frame.body_case = PICKET__V1__FRAME__BODY_ABSENT;
    frame.absent = &absent;
    b_says(pair, &frame);
}

static void a_rest_of_an_answer_without_records_is_not_asked(void **state)
{
    struct toy_pair *pair = *state;

    pair_connect(pair);
    pair_deliver(pair);
    b_claims_a_long_chain(pair);
    b_ends_with_all_left_over(pair);
    assert_int_equal(mesh_core_counts(pair->nodes[0].core)->wants_out, 1);
}

static void b_wants_everything(struct toy_pair *pair)
{
    uint8_t author[KEY_BYTES];
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Want want = PICKET__V1__WANT__INIT;
    Picket__V1__Range range = PICKET__V1__RANGE__INIT, *ranges[] = {&range};

    memset(author, 1, sizeof(author));
    range.author = (ProtobufCBinaryData){.len = sizeof(author), .data = author};
    range.first = 1;
    range.last = 64;
    want.ranges = ranges;
    want.n_ranges = 1;
    frame.body_case = PICKET__V1__FRAME__BODY_WANT;
    frame.want = &want;
    b_says(pair, &frame);
}

static void who_wants_the_same_without_end_is_served_no_more_and_then_blamed(void **state)
{
    struct toy_pair *pair = *state;
    const struct mesh_counts *counts = mesh_core_counts(pair->nodes[0].core);
    uint64_t sent;

    pair_hold(pair, 0, 0, 64);
    pair_connect(pair);
    pair_deliver(pair);
    while (!counts->penalties[MESH_GREEDY] && counts->bytes_out < (1UL << 30))
        b_wants_everything(pair);
    assert_in_range(counts->bytes_out, 1UL << 25, 1UL << 27);
    sent = counts->records_out;
    b_wants_everything(pair);
    assert_int_equal(counts->records_out, sent);
    pair->now_ms += 1000;
    b_wants_everything(pair);
    assert_true(counts->records_out > sent);
}

static void a_third_node_claims(struct toy_pair *pair, uint32_t link, char *address)
{
    static const uint8_t node[HASH_BYTES] = {3};
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Hello hello = PICKET__V1__HELLO__INIT;
    uint8_t bytes[512], fleet_id[HASH_BYTES] = {0};
    size_t len;

    pair_event(pair, 0,
        (struct mesh_event){
            .kind = MESH_ON_LINK_UP, .link = link, .up = {.node = node, .name = "c"}});
    hello.protocol = 1;
    hello.fleet_id = (ProtobufCBinaryData){.len = HASH_BYTES, .data = fleet_id};
    hello.node = (ProtobufCBinaryData){.len = HASH_BYTES, .data = (uint8_t *)(uintptr_t)node};
    hello.addresses = &address;
    hello.n_addresses = 1;
    frame.body_case = PICKET__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    len = protobuf_c_message_pack(&frame.base, bytes);
    pair_event(pair, 0,
        (struct mesh_event){.kind = MESH_ON_FRAME, .link = link, .frame = bytes_of(bytes, len)});
    pair_lose(pair);
}

static void a_configured_address_is_dialled_whoever_claims_it(void **state)
{
    struct toy_pair *pair = *state;
    char address[] = "b:1";

    a_third_node_claims(pair, 9, address);
    pair->now_ms += 1000;
    pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
    pair_lose(pair);
    assert_string_equal(pair->nodes[0].dialled, "b:1");
}

static void a_node_that_claims_another_address_each_time_fills_no_list(void **state)
{
    struct toy_pair *pair = *state;
    struct mesh_event down = {.kind = MESH_ON_LINK_DOWN};

    for (uint32_t i = 0; i < 40; i++) {
        char address[16];

        (void)snprintf(address, sizeof(address), "c:%u", i + 1);
        a_third_node_claims(pair, 10 + i, address);
        down.link = 10 + i;
        pair_event(pair, 0, down);
    }
    assert_int_equal(mesh_core_peers_count(pair->nodes[0].core), 2); /* b:1 and the last of c */
}

static void an_address_without_a_port_is_refused(void **state)
{
    static const char *const bad[] = {"b"};
    const struct mesh_options options = {.dial = bad, .dial_count = 1};
    const struct mesh_view view = {0};
    struct mesh_core *core;

    (void)state;
    assert_int_equal(mesh_core_new(&options, &view, &core), -22);
}

#define WITH_PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PAIR(two_nodes_greet_and_have_nothing_to_say),
        WITH_PAIR(what_one_lacks_it_fetches_on_connect),
        WITH_PAIR(both_fetch_what_the_other_has),
        WITH_PAIR(equal_roots_ask_for_nothing),
        WITH_PAIR(an_added_record_goes_to_others_and_not_back),
        WITH_PAIR(a_silent_neighbour_is_closed_and_dialled_again),
        WITH_PAIR(failed_dials_come_further_apart),
        WITH_PAIR(a_first_frame_that_is_no_hello_ends_the_link),
        WITH_PAIR(another_fleets_hello_ends_the_link),
        WITH_PAIR(bad_frames_are_forgiven_a_few_times),
        WITH_PAIR(a_node_with_many_faults_is_not_let_in_again),
        WITH_PAIR(of_two_links_both_ends_keep_the_one_the_lower_id_dialled),
        WITH_PAIR(a_lost_want_is_asked_again),
        WITH_PAIR(a_node_without_room_does_not_ask_for_the_rest),
        WITH_PAIR(a_missing_chunk_is_asked_and_served),
        WITH_PAIR(a_busy_owner_is_waited_for_not_given_up),
        WITH_PAIR(a_dropped_frame_leads_to_a_summary),
        WITH_PAIR(who_sends_without_end_and_nothing_new_is_left_for_others),
        WITH_PAIR(a_rest_of_an_answer_without_records_is_not_asked),
        WITH_PAIR(who_wants_the_same_without_end_is_served_no_more_and_then_blamed),
        WITH_PAIR(a_configured_address_is_dialled_whoever_claims_it),
        WITH_PAIR(a_node_that_claims_another_address_each_time_fills_no_list),
        cmocka_unit_test(an_address_without_a_port_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
