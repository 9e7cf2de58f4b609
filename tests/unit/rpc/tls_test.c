/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include "rpc/client.h"
#include "rpc/credentials.h"
#include "rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A member that listens and a far end that dials, in one loop, each with a trust of its own. */
struct scene {
    struct fleet fleet;
    struct rpc_loop *loop;
    struct fleet_node member;
    struct rpc_trust *member_trust, *dialler_trust;
    struct rpc_credentials *member_credentials;
    struct rpc_server *server;
    char address[32];

    int is_called;
    struct rpc_identity caller;
    int is_cancelled;

    int is_admission;
    struct rpc_admission admission;
    int is_refusal;
    enum rpc_refusal refusal;
    char refused_name[NAME_BYTES_MAX + 1];
};

static void on_hello(void *user, struct rpc_call *call, struct bytes request)
{
    struct scene *scene = user;

    scene->is_called = 1;
    scene->caller = *rpc_call_identity(call);
    rpc_call_reply_bytes(call, request);
}

static void on_link_cancel(void *user, struct rpc_call *call)
{
    struct scene *scene = user;

    scene->is_cancelled = 1;
    rpc_call_fail(call, RPC_UNAVAILABLE, "over");
}

static void on_link(void *user, struct rpc_call *call, struct bytes request)
{
    static const struct rpc_call_events events = {.on_cancel = on_link_cancel};

    (void)request;
    rpc_call_attach(call, &events, user);
}

static void on_admission(void *user, const struct rpc_admission *admission)
{
    struct scene *scene = user;

    scene->is_admission++;
    scene->admission = *admission;
    scene->admission.leaf = (struct bytes){0};
    assert_true(admission->leaf.len > 300);
}

static void on_refused(void *user, enum rpc_refusal refusal, const char *name, bool we_dialled)
{
    struct scene *scene = user;

    (void)we_dialled;
    scene->is_refusal = 1;
    scene->refusal = refusal;
    (void)snprintf(scene->refused_name, sizeof(scene->refused_name), "%s", name);
}

static struct rpc_credentials *credentials_of(
    const struct fleet_node *node, struct rpc_trust *trust)
{
    struct rpc_credentials *credentials;
    struct problem problem;

    assert_int_equal(rpc_credentials_new(buffer_bytes(&node->chain_pem),
                         buffer_bytes(&node->key_pem), trust, &credentials, &problem),
        0);
    return credentials;
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct rpc_method methods[] = {
        {.path = "/t.T/Hello",
            .kind = RPC_UNARY,
            .who = RPC_MAY_ANYONE,
            .on_call = on_hello,
            .user = scene},
        {.path = "/t.T/Link",
            .kind = RPC_BIDI,
            .who = RPC_MAY(RPC_NODE),
            .on_call = on_link,
            .user = scene},
    };
    struct rpc_trust_events events = {
        .on_admission = on_admission, .on_refused = on_refused, .user = scene};
    struct rpc_trust_node row;
    struct problem problem;
    int port = 0;

    fleet_init(&scene->fleet, 7);
    fleet_node_make(&scene->fleet, "member", &scene->member);
    row = fleet_row(&scene->member, RPC_NODE_JOINED);
    assert_int_equal(rpc_loop_new(&scene->loop, &problem), 0);
    assert_int_equal(rpc_trust_new(scene->loop, &fleet_crypto, &events, &scene->member_trust), 0);
    assert_int_equal(rpc_trust_new(scene->loop, &fleet_crypto, NULL, &scene->dialler_trust), 0);
    rpc_trust_set_time(scene->member_trust, FLEET_NOW);
    rpc_trust_set_time(scene->dialler_trust, FLEET_NOW);
    fleet_publish(scene->member_trust, &scene->fleet, &row, 1);
    fleet_publish(scene->dialler_trust, &scene->fleet, &row, 1);
    scene->member_credentials = credentials_of(&scene->member, scene->member_trust);
    assert_int_equal(rpc_server_new(scene->loop, methods, 2, &scene->server), 0);
    assert_int_equal(rpc_server_listen_tls(
                         scene->server, "127.0.0.1:0", scene->member_credentials, &port, &problem),
        0);
    assert_int_equal(rpc_server_start(scene->server, &problem), 0);
    (void)snprintf(scene->address, sizeof(scene->address), "127.0.0.1:%d", port);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    rpc_loop_free(scene->loop);
    rpc_credentials_free(scene->member_credentials);
    rpc_trust_free(scene->member_trust);
    rpc_trust_free(scene->dialler_trust);
    fleet_node_fini(&scene->member);
    fleet_fini(&scene->fleet);
    free(scene);
    return 0;
}

static struct rpc_channel *dial(struct scene *scene, const struct fleet_node *as)
{
    struct rpc_credentials *credentials = credentials_of(as, scene->dialler_trust);
    struct rpc_channel_options options = {.target = scene->address, .credentials = credentials};
    struct rpc_channel *channel;
    struct problem problem;

    assert_int_equal(rpc_channel_new(scene->loop, &options, &channel, &problem), 0);
    rpc_credentials_free(credentials);
    return channel;
}

struct answer {
    int is_done;
    enum rpc_status status;
    char text[512];
};

static void on_answer(void *user, enum rpc_status status, const char *text, struct bytes reply)
{
    struct answer *answer = user;

    (void)reply;
    answer->is_done = 1;
    answer->status = status;
    (void)snprintf(answer->text, sizeof(answer->text), "%s", text);
}

static struct answer say_hello(struct scene *scene, struct rpc_channel *channel)
{
    struct answer answer = {0};

    assert_int_equal(
        rpc_call_start(channel, "/t.T/Hello", bytes_of("x", 1), 10000, on_answer, &answer, NULL),
        0);
    turn_until(scene->loop, &answer.is_done);
    return answer;
}

/* The call fails, and the member says why. */
static void expect_refusal(
    struct scene *scene, const struct fleet_node *as, enum rpc_refusal refusal)
{
    struct answer answer = say_hello(scene, dial(scene, as));

    assert_int_equal(answer.status, RPC_UNAVAILABLE);
    turn_until(scene->loop, &scene->is_refusal);
    assert_int_equal(scene->refusal, refusal);
    assert_true(rpc_trust_refused_count(scene->member_trust, refusal) >= 1);
    assert_false(scene->is_called);
}

static void a_new_node_is_admitted_and_its_join_record_made(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;
    struct answer answer;

    fleet_node_make(&scene->fleet, "edge-1", &node);
    answer = say_hello(scene, dial(scene, &node));
    assert_string_equal(answer.text, "");
    assert_int_equal(answer.status, RPC_OK);
    assert_int_equal(scene->caller.kind, RPC_NODE);
    assert_string_equal(scene->caller.name, "edge-1");
    turn_until(scene->loop, &scene->is_admission);
    assert_string_equal(scene->admission.name, "edge-1");
    assert_memory_equal(scene->admission.invite, node.invite_id, HASH_BYTES);
    assert_memory_equal(scene->admission.leaf_key, node.leaf_point, RPC_POINT_BYTES);
    assert_memory_equal(scene->admission.node_key, node.node_key.public, KEY_BYTES);
    assert_memory_equal(scene->admission.key_signature, node.signature, SIGNATURE_BYTES);
    fleet_node_fini(&node);
}

static void an_operator_may_call_but_not_link(void **state)
{
    struct scene *scene = *state;
    struct fleet_node operator;
    struct rpc_channel *channel;
    struct answer answer = {0};

    fleet_user_make(&scene->fleet, RPC_OPERATOR, "anna", &operator);
    channel = dial(scene, &operator);
    assert_int_equal(say_hello(scene, channel).status, RPC_OK);
    assert_int_equal(scene->caller.kind, RPC_OPERATOR);
    assert_string_equal(scene->caller.name, "anna");
    assert_int_equal(
        rpc_call_start(channel, "/t.T/Link", bytes_of("x", 1), 10000, on_answer, &answer, NULL), 0);
    turn_until(scene->loop, &answer.is_done);
    assert_int_equal(answer.status, RPC_PERMISSION_DENIED);
    assert_string_equal(answer.text, "/t.T/Link is not offered to operators");
    fleet_node_fini(&operator);
}

static void a_stranger_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct fleet stranger;
    struct fleet_node node;

    fleet_init(&stranger, 7);
    fleet_node_make(&stranger, "edge-1", &node);
    expect_refusal(scene, &node, RPC_REFUSED_STRANGER);
    assert_string_equal(scene->refused_name, "edge-1");
    fleet_node_fini(&node);
    fleet_fini(&stranger);
}

static void a_node_of_another_fleet_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct fleet other;
    struct fleet_node node;

    fleet_init(&other, 9);
    fleet_node_make(&other, "edge-1", &node);
    expect_refusal(scene, &node, RPC_REFUSED_FOREIGN_FLEET);
    fleet_node_fini(&node);
    fleet_fini(&other);
}

static void an_invite_for_another_name_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;

    fleet_node_invite(&scene->fleet, "edge-1", FLEET_NOW + 60, &node);
    fleet_node_join(&scene->fleet, &node, "edge-2");
    expect_refusal(scene, &node, RPC_REFUSED_WRONG_NAME);
    fleet_node_fini(&node);
}

static void an_invite_used_twice_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct fleet_node first, second;

    fleet_node_make(&scene->fleet, "edge-1", &first);
    fleet_node_join_again(&scene->fleet, &first, &second);
    assert_int_equal(say_hello(scene, dial(scene, &first)).status, RPC_OK);
    scene->is_called = 0;
    expect_refusal(scene, &second, RPC_REFUSED_INVITE_USED);
    fleet_node_fini(&first);
    fleet_node_fini(&second);
}

static void an_invite_that_is_too_old_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;

    fleet_node_invite(&scene->fleet, "edge-1", FLEET_NOW - 1, &node);
    fleet_node_join(&scene->fleet, &node, "edge-1");
    expect_refusal(scene, &node, RPC_REFUSED_JOIN_BY_PASSED);
    fleet_node_fini(&node);
}

static void a_retired_node_does_not_get_in(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row;
    struct fleet_node node;

    fleet_node_make(&scene->fleet, "edge-1", &node);
    row = fleet_row(&node, RPC_NODE_RETIRED);
    fleet_publish(scene->member_trust, &scene->fleet, &row, 1);
    expect_refusal(scene, &node, RPC_REFUSED_RETIRED);
    fleet_node_fini(&node);
}

static void the_dialler_says_why_it_refused_the_far_end(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;
    struct answer answer;
    struct rpc_trust_node row = fleet_row(&scene->member, RPC_NODE_RETIRED);

    fleet_node_make(&scene->fleet, "edge-1", &node);
    fleet_publish(scene->dialler_trust, &scene->fleet, &row, 1);
    answer = say_hello(scene, dial(scene, &node));
    assert_int_equal(answer.status, RPC_UNAVAILABLE);
    assert_non_null(strstr(answer.text, "refused the node at 127.0.0.1:"));
    assert_non_null(strstr(answer.text, "the node has been retired"));
    assert_int_equal(rpc_trust_refused_count(scene->dialler_trust, RPC_REFUSED_RETIRED), 1);
    fleet_node_fini(&node);
}

static void a_refused_dialler_is_told_where_to_look(void **state)
{
    struct scene *scene = *state;
    struct fleet_node node;
    struct answer answer;

    fleet_node_invite(&scene->fleet, "edge-1", FLEET_NOW - 1, &node);
    fleet_node_join(&scene->fleet, &node, "edge-1");
    answer = say_hello(scene, dial(scene, &node));
    assert_non_null(strstr(answer.text, "it refused our certificate and its log says why"));
    fleet_node_fini(&node);
}

static void a_connection_that_stands_is_judged_at_every_call(void **state)
{
    struct scene *scene = *state;
    struct rpc_trust_node row;
    struct fleet_node node;
    struct rpc_channel *channel;
    struct answer answer;

    fleet_node_make(&scene->fleet, "edge-1", &node);
    channel = dial(scene, &node);
    assert_int_equal(say_hello(scene, channel).status, RPC_OK);
    row = fleet_row(&node, RPC_NODE_JOINED);
    fleet_publish(scene->member_trust, &scene->fleet, &row, 1);
    assert_int_equal(say_hello(scene, channel).status, RPC_OK);
    assert_true(scene->caller.is_recorded);
    row.status = RPC_NODE_RETIRED;
    fleet_publish(scene->member_trust, &scene->fleet, &row, 1);
    answer = say_hello(scene, channel);
    assert_int_equal(answer.status, RPC_UNAUTHENTICATED);
    assert_string_equal(answer.text, "the node has been retired");
    fleet_node_fini(&node);
}

struct listener {
    int is_open, is_over;
    enum rpc_status status;
    char text[512];
    struct rpc_identity identity;
};

static void on_listener_open(
    void *user, struct rpc_stream *stream, const struct rpc_identity *identity)
{
    struct listener *listener = user;

    (void)stream;
    listener->is_open = 1;
    listener->identity = *identity;
}

static void on_listener_end(
    void *user, struct rpc_stream *stream, enum rpc_status status, const char *text)
{
    struct listener *listener = user;

    (void)stream;
    listener->is_over = 1;
    listener->status = status;
    (void)snprintf(listener->text, sizeof(listener->text), "%s", text);
}

static void open_link(struct scene *scene, const struct fleet_node *as, struct listener *listener)
{
    static const struct rpc_stream_events events = {
        .on_open = on_listener_open, .on_end = on_listener_end};
    struct rpc_stream_options options = {.path = "/t.T/Link", .events = &events, .user = listener};
    struct rpc_stream *stream;

    assert_int_equal(rpc_stream_open(dial(scene, as), &options, &stream), 0);
    turn_until(scene->loop, &listener->is_open);
}

static void a_live_stream_is_cut_when_its_node_is_retired(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct fleet_node node;
    struct rpc_trust_node row;

    fleet_node_make(&scene->fleet, "edge-1", &node);
    open_link(scene, &node, &listener);
    assert_string_equal(listener.identity.name, "member");
    assert_true(listener.identity.is_recorded);
    row = fleet_row(&node, RPC_NODE_RETIRED);
    fleet_publish(scene->member_trust, &scene->fleet, &row, 1);
    turn_until(scene->loop, &listener.is_over);
    assert_true(scene->is_cancelled);
    assert_int_equal(listener.status, RPC_UNAUTHENTICATED);
    assert_string_equal(listener.text, "the node has been retired");
    fleet_node_fini(&node);
}

static void a_dialled_stream_is_cut_when_its_far_end_is_suspended(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct fleet_node node;
    struct rpc_trust_node row = fleet_row(&scene->member, RPC_NODE_SUSPENDED);

    fleet_node_make(&scene->fleet, "edge-1", &node);
    open_link(scene, &node, &listener);
    fleet_publish(scene->dialler_trust, &scene->fleet, &row, 1);
    turn_until(scene->loop, &listener.is_over);
    assert_int_equal(listener.status, RPC_UNAUTHENTICATED);
    assert_string_equal(listener.text, "the node is suspended: two keys used its invite");
    fleet_node_fini(&node);
}

static void a_publish_that_changes_nothing_cuts_nobody(void **state)
{
    struct scene *scene = *state;
    static struct listener listener; /* it ends with the loop */
    struct fleet_node node;
    struct rpc_trust_node rows[2];

    fleet_node_make(&scene->fleet, "edge-1", &node);
    open_link(scene, &node, &listener);
    rows[0] = fleet_row(&node, RPC_NODE_INVITED);
    rows[1] = fleet_row(&scene->member, RPC_NODE_JOINED);
    fleet_publish(scene->member_trust, &scene->fleet, rows, 2);
    rows[0].status = RPC_NODE_JOINED;
    fleet_publish(scene->member_trust, &scene->fleet, rows, 2);
    turn_for(scene->loop, 20);
    assert_false(listener.is_over);
    fleet_node_fini(&node);
}

static void a_key_of_another_certificate_is_refused_at_once(void **state)
{
    struct scene *scene = *state;
    struct rpc_credentials *credentials;
    struct fleet_node node;
    struct problem problem;

    fleet_node_make(&scene->fleet, "edge-1", &node);
    assert_true(
        rpc_credentials_new(buffer_bytes(&node.chain_pem), buffer_bytes(&scene->member.key_pem),
            scene->member_trust, &credentials, &problem) < 0);
    assert_string_equal(
        problem.text, "the private key does not belong to the certificate of 'edge-1'");
    fleet_node_fini(&node);
}

static void a_port_in_use_is_refused(void **state)
{
    struct scene *scene = *state;
    struct rpc_server *second;
    struct problem problem;

    assert_int_equal(rpc_server_new(scene->loop, NULL, 0, &second), 0);
    assert_true(rpc_server_listen_tls(
                    second, scene->address, scene->member_credentials, NULL, &problem) < 0);
    assert_non_null(strstr(problem.text, "is the port free?"));
}

static void reflection_is_not_offered_over_the_network(void **state)
{
    struct scene *scene = *state;
    struct fleet_node operator;
    struct answer answer = {0};

    fleet_user_make(&scene->fleet, RPC_OPERATOR, "anna", &operator);
    assert_int_equal(rpc_call_start(dial(scene, &operator),
                         "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                         bytes_of("", 0), 10000, on_answer, &answer, NULL),
        0);
    turn_until(scene->loop, &answer.is_done);
    assert_int_equal(answer.status, RPC_PERMISSION_DENIED);
    fleet_node_fini(&operator);
}

/* ---- a foreign TLS client */

struct foreign {
    FILE *pipe;
    struct rpc_watch *watch;
    char text[65536];
    size_t len;
    int is_over;
};

static void on_foreign(void *user, int fd)
{
    struct foreign *foreign = user;
    ssize_t len = read(fd, foreign->text + foreign->len, sizeof(foreign->text) - 1 - foreign->len);

    if (len > 0) {
        foreign->len += (size_t)len;
        return;
    }
    rpc_watch_remove(foreign->watch);
    foreign->is_over = 1;
}

/* What openssl's client says to the member. */
static const char *talk(struct scene *scene, const char *arguments)
{
    static struct foreign foreign;
    char command[256];

    if (system("command -v openssl >/dev/null") != 0) {
        print_message("need_tool openssl\n");
        skip();
    }
    memset(&foreign, 0, sizeof(foreign));
    (void)snprintf(command, sizeof(command),
        "openssl s_client -connect %s -alpn h2 -ign_eof %s </dev/null 2>&1", scene->address,
        arguments);
    foreign.pipe = popen(command, "r");
    assert_non_null(foreign.pipe);
    assert_int_equal(
        rpc_watch_add(scene->loop, fileno(foreign.pipe), on_foreign, &foreign, &foreign.watch), 0);
    turn_until(scene->loop, &foreign.is_over);
    (void)pclose(foreign.pipe);
    return foreign.text;
}

static void tls_1_2_is_not_spoken(void **state)
{
    assert_non_null(strstr(talk(*state, "-tls1_3"), "Cipher is TLS_"));
    assert_non_null(strstr(talk(*state, "-tls1_2"), "Cipher is (NONE)"));
}

static void without_a_certificate_nobody_gets_in(void **state)
{
    /* The far end of TLS 1.3 sees the end of the handshake, and then of the connection. */
    assert_non_null(strstr(talk(*state, "-tls1_3"), "unexpected eof while reading"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_node_is_admitted_and_its_join_record_made),
        TEST(an_operator_may_call_but_not_link),
        TEST(a_stranger_does_not_get_in),
        TEST(a_node_of_another_fleet_does_not_get_in),
        TEST(an_invite_for_another_name_does_not_get_in),
        TEST(an_invite_used_twice_does_not_get_in),
        TEST(an_invite_that_is_too_old_does_not_get_in),
        TEST(a_retired_node_does_not_get_in),
        TEST(the_dialler_says_why_it_refused_the_far_end),
        TEST(a_refused_dialler_is_told_where_to_look),
        TEST(a_connection_that_stands_is_judged_at_every_call),
        TEST(a_live_stream_is_cut_when_its_node_is_retired),
        TEST(a_dialled_stream_is_cut_when_its_far_end_is_suspended),
        TEST(a_publish_that_changes_nothing_cuts_nobody),
        TEST(a_key_of_another_certificate_is_refused_at_once),
        TEST(a_port_in_use_is_refused),
        TEST(reflection_is_not_offered_over_the_network),
        TEST(tls_1_2_is_not_spoken),
        TEST(without_a_certificate_nobody_gets_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
