/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/stream/stream.h"

#include "base/limits.h"
#include "rpc/credentials.h"
#include "rpc/server.h"
#include "tests/unit/rpc/fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* One node with its server; two of them share a loop. */
struct end {
    struct fleet_node node;
    struct rpc_trust *trust;
    struct rpc_credentials *credentials;
    struct rpc_server *server;
    struct mesh_streams *streams;
    char address[32];

    struct mesh_link *link;
    int is_up, is_down, has_room;
    char peer[NAME_BYTES_MAX + 1];
    char text[512];
    unsigned frames;
    size_t bytes;
    uint8_t last;
    bool echoes;
};

struct scene {
    struct fleet fleet;
    struct rpc_loop *loop;
    struct end a, b;
};

static void on_up(void *user, struct mesh_link *link, const struct rpc_identity *identity)
{
    struct end *end = user;

    end->link = link;
    (void)snprintf(end->peer, sizeof(end->peer), "%s", identity->name);
    assert_true(mesh_link_is_up(link));
    if (end->echoes)
        assert_int_equal(mesh_stream_send(link, bytes_of("\xff", 1)), 0);
    end->is_up = 1;
}

static void on_frame(void *user, struct mesh_link *link, struct bytes frame)
{
    struct end *end = user;

    end->frames++;
    end->bytes += frame.len;
    end->last = frame.at[0];
    if (end->echoes)
        (void)mesh_stream_send(link, frame);
}

static void on_room(void *user, struct mesh_link *link)
{
    (void)link;
    ((struct end *)user)->has_room = 1;
}

static void on_down(void *user, struct mesh_link *link, const char *text)
{
    struct end *end = user;

    (void)link;
    end->link = NULL;
    end->is_down = 1;
    (void)snprintf(end->text, sizeof(end->text), "%s", text);
}

static void start_end(struct scene *scene, struct end *end, const char *name)
{
    struct mesh_stream_events events = {
        .on_up = on_up, .on_frame = on_frame, .on_room = on_room, .on_down = on_down, .user = end};
    struct rpc_method method;
    struct problem problem;
    int port = 0;

    fleet_node_make(&scene->fleet, name, &end->node);
    assert_int_equal(rpc_trust_new(scene->loop, &fleet_crypto, NULL, &end->trust), 0);
    rpc_trust_set_time(end->trust, FLEET_NOW);
    fleet_publish(end->trust, &scene->fleet, NULL, 0);
    assert_int_equal(rpc_credentials_new(buffer_bytes(&end->node.chain_pem),
                         buffer_bytes(&end->node.key_pem), end->trust, &end->credentials, &problem),
        0);
    assert_int_equal(mesh_streams_new(scene->loop, end->credentials, &events, &end->streams), 0);
    method = mesh_streams_method(end->streams);
    assert_int_equal(rpc_server_new(scene->loop, &method, 1, &end->server), 0);
    assert_int_equal(
        rpc_server_listen_tls(end->server, "127.0.0.1:0", end->credentials, &port, &problem), 0);
    assert_int_equal(rpc_server_start(end->server, &problem), 0);
    (void)snprintf(end->address, sizeof(end->address), "127.0.0.1:%d", port);
}

static void free_end(struct end *end)
{
    mesh_streams_free(end->streams);
    rpc_credentials_free(end->credentials);
    rpc_trust_free(end->trust);
    fleet_node_fini(&end->node);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));

    fleet_init(&scene->fleet, 7);
    assert_int_equal(rpc_loop_new(&scene->loop, NULL), 0);
    start_end(scene, &scene->a, "node-a");
    start_end(scene, &scene->b, "node-b");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    rpc_loop_free(scene->loop);
    free_end(&scene->a);
    free_end(&scene->b);
    fleet_fini(&scene->fleet);
    free(scene);
    return 0;
}

static void dial(struct scene *scene)
{
    struct problem problem;

    assert_int_equal(
        mesh_stream_dial(scene->a.streams, scene->b.address, 10000, &scene->a.link, &problem), 0);
}

static void connect_ends(struct scene *scene)
{
    dial(scene);
    turn_until(scene->loop, &scene->a.is_up);
    turn_until(scene->loop, &scene->b.is_up);
}

static void a_link_comes_up_with_a_name_at_both_ends(void **state)
{
    struct scene *scene = *state;

    connect_ends(scene);
    assert_string_equal(scene->a.peer, "node-b");
    assert_string_equal(scene->b.peer, "node-a");
    assert_true(mesh_link_was_dialled(scene->a.link));
    assert_false(mesh_link_was_dialled(scene->b.link));
    assert_string_equal(mesh_link_address(scene->a.link), scene->b.address);
}

static void frames_go_both_ways_in_order(void **state)
{
    struct scene *scene = *state;

    scene->b.echoes = true;
    connect_ends(scene);
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(mesh_stream_send(scene->a.link, bytes_of(&i, 1)), 0);
    while (scene->a.frames < 101)
        turn_for(scene->loop, 1);
    assert_int_equal(scene->b.frames, 100);
    assert_int_equal(scene->a.last, 99);
    assert_int_equal(mesh_streams_counts(scene->a.streams)->frames_out, 100);
    assert_int_equal(mesh_streams_counts(scene->a.streams)->frames_in, 101);
}

static void the_longest_frame_passes_and_a_longer_one_is_refused(void **state)
{
    struct scene *scene = *state;
    uint8_t *frame = calloc(1, FRAME_BYTES_MAX + 1);

    scene->b.echoes = true;
    connect_ends(scene);
    assert_int_equal(
        mesh_stream_send(scene->a.link, bytes_of(frame, FRAME_BYTES_MAX + 1)), -EMSGSIZE);
    assert_int_equal(mesh_stream_send(scene->a.link, bytes_of(frame, FRAME_BYTES_MAX)), 0);
    while (scene->a.frames < 2)
        turn_for(scene->loop, 1);
    assert_int_equal(scene->a.bytes, 1 + FRAME_BYTES_MAX);
    free(frame);
}

static void a_full_queue_drops_and_says_when_there_is_room(void **state)
{
    struct scene *scene = *state;
    uint8_t *frame = calloc(1, FRAME_BYTES_MAX);
    unsigned sent = 0;

    connect_ends(scene);
    while (mesh_stream_send(scene->a.link, bytes_of(frame, FRAME_BYTES_MAX)) == 0)
        sent++;
    assert_in_range(sent, 8, 10);
    assert_true(mesh_link_queued_bytes(scene->a.link) <= MESH_STREAM_SEND_BYTES_MAX);
    assert_int_equal(mesh_streams_counts(scene->a.streams)->frames_dropped, 1);
    turn_until(scene->loop, &scene->a.has_room);
    while (scene->b.frames < sent)
        turn_for(scene->loop, 1);
    free(frame);
}

static void closing_sends_what_is_queued_and_ends_both(void **state)
{
    struct scene *scene = *state;

    connect_ends(scene);
    assert_int_equal(mesh_stream_send(scene->a.link, bytes_of("bye", 3)), 0);
    mesh_stream_close(scene->a.link, "we have enough links");
    assert_int_equal(mesh_stream_send(scene->a.link, bytes_of("x", 1)), -EPIPE);
    turn_until(scene->loop, &scene->b.is_down);
    turn_until(scene->loop, &scene->a.is_down);
    assert_int_equal(scene->b.bytes, 3);
    assert_string_equal(scene->a.text, "we have enough links");
    assert_string_equal(scene->b.text, "the neighbour closed the link");
}

static void an_accepted_link_can_be_closed_too(void **state)
{
    struct scene *scene = *state;

    connect_ends(scene);
    mesh_stream_close(scene->b.link, "enough");
    turn_until(scene->loop, &scene->b.is_down);
    turn_until(scene->loop, &scene->a.is_down);
    assert_string_equal(scene->b.text, "enough");
    assert_string_equal(scene->a.text, "the neighbour closed the link");
}

static void a_dial_that_nobody_answers_says_so(void **state)
{
    struct scene *scene = *state;
    struct problem problem;

    assert_int_equal(
        mesh_stream_dial(scene->a.streams, "127.0.0.1:1", 10000, &scene->a.link, &problem), 0);
    turn_until(scene->loop, &scene->a.is_down);
    assert_false(scene->a.is_up);
    assert_non_null(strstr(scene->a.text, "cannot connect to 127.0.0.1:1: "));
    assert_int_equal(mesh_streams_counts(scene->a.streams)->dials_failed, 1);
}

static void a_dial_can_be_given_up(void **state)
{
    struct scene *scene = *state;

    dial(scene);
    mesh_stream_close(scene->a.link, "no longer wanted");
    turn_until(scene->loop, &scene->a.is_down);
    assert_string_equal(scene->a.text, "no longer wanted");
}

/* A port that takes connections and never says a word. */
static int listen_silently(char ret_address[32])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(ret_address, 32, "127.0.0.1:%d", ntohs(at.sin_port));
    return fd;
}

static void a_dial_has_limited_patience(void **state)
{
    struct scene *scene = *state;
    struct problem problem;
    char address[32];
    int fd = listen_silently(address);

    assert_int_equal(mesh_stream_dial(scene->a.streams, address, 20, &scene->a.link, &problem), 0);
    turn_until(scene->loop, &scene->a.is_down);
    assert_string_equal(scene->a.text, "the neighbour did not answer in time");
    (void)close(fd);
}

static void a_nonsense_address_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    struct problem problem;
    struct mesh_link *link;

    assert_int_equal(mesh_stream_dial(scene->a.streams, "nowhere", 1000, &link, &problem), -EINVAL);
    assert_string_equal(problem.text, "'nowhere' is not an address of the form host:port");
}

static void a_retired_neighbour_is_cut_at_once(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->a.node, RPC_NODE_RETIRED);

    connect_ends(scene);
    fleet_publish(scene->b.trust, &scene->fleet, &row, 1);
    turn_until(scene->loop, &scene->b.is_down);
    turn_until(scene->loop, &scene->a.is_down);
    assert_string_equal(scene->b.text, "the node has been retired");
    assert_string_equal(scene->a.text, "the node has been retired");
}

static void a_dialled_neighbour_that_is_retired_is_cut_too(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row = fleet_row(&scene->b.node, RPC_NODE_RETIRED);

    connect_ends(scene);
    fleet_publish(scene->a.trust, &scene->fleet, &row, 1);
    turn_until(scene->loop, &scene->a.is_down);
    turn_until(scene->loop, &scene->b.is_down);
    assert_string_equal(scene->a.text, "the node has been retired");
}

static void stopping_the_loop_brings_every_link_down(void **state)
{
    struct scene *scene = *state;

    connect_ends(scene);
    dial(scene);
    rpc_loop_stop(scene->loop, 1000);
    rpc_loop_run(scene->loop);
    assert_true(scene->a.is_down);
    assert_true(scene->b.is_down);
}

static void a_stop_in_the_middle_of_a_handshake_is_clean_each_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        struct scene *scene;
        void *own = NULL;

        assert_int_equal(set_up(&own), 0);
        scene = own;
        dial(scene);
        for (unsigned turns = 0; turns < i; turns++)
            turn_for(scene->loop, i % 2);
        rpc_loop_stop(scene->loop, i % 3 ? 50 : 0);
        rpc_loop_run(scene->loop);
        assert_true(scene->a.is_down);
        assert_true(scene->b.is_down == scene->b.is_up);
        (void)tear_down(&own);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_link_comes_up_with_a_name_at_both_ends),
        TEST(frames_go_both_ways_in_order),
        TEST(the_longest_frame_passes_and_a_longer_one_is_refused),
        TEST(a_full_queue_drops_and_says_when_there_is_room),
        TEST(closing_sends_what_is_queued_and_ends_both),
        TEST(an_accepted_link_can_be_closed_too),
        TEST(a_dial_that_nobody_answers_says_so),
        TEST(a_dial_can_be_given_up),
        TEST(a_dial_has_limited_patience),
        TEST(a_nonsense_address_is_refused_at_once),
        TEST(a_retired_neighbour_is_cut_at_once),
        TEST(a_dialled_neighbour_that_is_retired_is_cut_too),
        TEST(stopping_the_loop_brings_every_link_down),
        cmocka_unit_test(a_stop_in_the_middle_of_a_handshake_is_clean_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
