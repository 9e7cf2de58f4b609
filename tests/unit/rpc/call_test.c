/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include "rpc/client.h"
#include "rpc/loop_internal.h"
#include "rpc/server.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* One loop holds both ends. */
struct scene {
    char folder[64];
    char path[96];
    struct rpc_loop *loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct rpc_call *waiting; /* a call of /t.T/Wait or /t.T/Flood that is open */
    int is_waiting, is_cancelled, has_room;
    unsigned sent;
    uint8_t *block;
};

#define BLOCK_BYTES 100000

/* ---- methods */

static void on_echo(void *user, struct rpc_call *call, struct bytes request)
{
    (void)user;
    assert_int_equal(rpc_call_identity(call)->kind, RPC_LOCAL);
    rpc_call_reply_bytes(call, request);
}

static void on_refuse(void *user, struct rpc_call *call, struct bytes request)
{
    (void)user;
    (void)request;
    rpc_call_fail(
        call, RPC_FAILED_PRECONDITION, "the rule '%s' is in use: 100%% of it", "drop-ssh");
}

static void on_wait_cancel(void *user, struct rpc_call *call)
{
    struct scene *scene = user;

    scene->is_cancelled = 1;
    scene->waiting = NULL;
    rpc_call_fail(call, RPC_CANCELLED, "cancelled");
}

static const struct rpc_call_events wait_events = {.on_cancel = on_wait_cancel};

static void on_wait(void *user, struct rpc_call *call, struct bytes request)
{
    struct scene *scene = user;

    (void)request;
    scene->waiting = call;
    scene->is_waiting = 1;
    rpc_call_attach(call, &wait_events, scene);
}

static void on_count(void *user, struct rpc_call *call, struct bytes request)
{
    (void)user;
    for (uint8_t i = 0; i < request.at[0]; i++)
        assert_int_equal(rpc_call_send_bytes(call, bytes_of(&i, 1)), 0);
    rpc_call_end(call);
}

static void on_flood_room(void *user, struct rpc_call *call)
{
    struct scene *scene = user;

    scene->has_room++;
    rpc_call_end(call);
}

static void on_flood(void *user, struct rpc_call *call, struct bytes request)
{
    static const struct rpc_call_events events = {
        .on_cancel = on_wait_cancel, .on_room = on_flood_room};
    struct scene *scene = user;

    (void)request;
    rpc_call_attach(call, &events, scene);
    rpc_call_set_send_max(call, 10 * BLOCK_BYTES);
    while (rpc_call_send_bytes(call, bytes_of(scene->block, BLOCK_BYTES)) == 0)
        scene->sent++;
}

static void on_chat_message(void *user, struct rpc_call *call, struct bytes message)
{
    (void)user;
    assert_int_equal(rpc_call_send_bytes(call, message), 0);
}

static void on_chat_half_close(void *user, struct rpc_call *call)
{
    (void)user;
    rpc_call_end(call);
}

static void on_chat(void *user, struct rpc_call *call, struct bytes request)
{
    static const struct rpc_call_events events = {
        .on_cancel = on_wait_cancel,
        .on_message = on_chat_message,
        .on_half_close = on_chat_half_close,
    };

    (void)request;
    rpc_call_attach(call, &events, user);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct rpc_method methods[] = {
        {.path = "/t.T/Echo", .kind = RPC_UNARY, .who = RPC_MAY(RPC_LOCAL), .on_call = on_echo},
        {.path = "/t.T/Refuse", .kind = RPC_UNARY, .who = RPC_MAY_ANYONE, .on_call = on_refuse},
        {.path = "/t.T/Wait",
            .kind = RPC_UNARY,
            .who = RPC_MAY_ANYONE,
            .on_call = on_wait,
            .user = scene},
        {.path = "/t.T/Nodes", .kind = RPC_UNARY, .who = RPC_MAY(RPC_NODE), .on_call = on_echo},
        {.path = "/t.T/Count",
            .kind = RPC_SERVER_STREAM,
            .who = RPC_MAY_ANYONE,
            .on_call = on_count},
        {.path = "/t.T/Flood",
            .kind = RPC_SERVER_STREAM,
            .who = RPC_MAY_ANYONE,
            .on_call = on_flood,
            .user = scene},
        {.path = "/t.T/Chat",
            .kind = RPC_BIDI,
            .who = RPC_MAY_ANYONE,
            .on_call = on_chat,
            .user = scene},
    };
    struct rpc_channel_options options = {0};
    struct problem problem;

    (void)strcpy(scene->folder, "/tmp/rpc-test-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/s", scene->folder);
    scene->block = calloc(1, BLOCK_BYTES);
    assert_int_equal(rpc_loop_new(&scene->loop, &problem), 0);
    assert_int_equal(
        rpc_server_new(scene->loop, methods, sizeof(methods) / sizeof(methods[0]), &scene->server),
        0);
    assert_int_equal(rpc_server_listen_unix(scene->server, scene->path, &problem), 0);
    assert_int_equal(rpc_server_start(scene->server, &problem), 0);
    options.target = scene->path;
    assert_int_equal(rpc_channel_new(scene->loop, &options, &scene->channel, &problem), 0);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    rpc_loop_free(scene->loop);
    (void)unlink(scene->path);
    (void)rmdir(scene->folder);
    free(scene->block);
    free(scene);
    return 0;
}

/* ---- what comes back */

struct answer {
    int is_done;
    enum rpc_status status;
    char text[512];
    char reply[64];
    size_t reply_len;
};

static void on_answer(void *user, enum rpc_status status, const char *text, struct bytes reply)
{
    struct answer *answer = user;

    answer->is_done = 1;
    answer->status = status;
    (void)snprintf(answer->text, sizeof(answer->text), "%s", text);
    answer->reply_len = reply.len;
    memcpy(answer->reply, reply.at,
        reply.len < sizeof(answer->reply) ? reply.len : sizeof(answer->reply));
}

static struct answer call_once(
    struct scene *scene, const char *path, struct bytes request, uint32_t timeout_ms)
{
    struct answer answer = {0};

    assert_int_equal(
        rpc_call_start(scene->channel, path, request, timeout_ms, on_answer, &answer, NULL), 0);
    turn_until(scene->loop, &answer.is_done);
    return answer;
}

static void a_unary_call_brings_its_reply(void **state)
{
    struct answer answer = call_once(*state, "/t.T/Echo", bytes_of("hello", 5), 5000);

    assert_int_equal(answer.status, RPC_OK);
    assert_int_equal(answer.reply_len, 5);
    assert_memory_equal(answer.reply, "hello", 5);
}

static void an_empty_request_is_a_request(void **state)
{
    struct answer answer = call_once(*state, "/t.T/Echo", (struct bytes){0}, 5000);

    assert_int_equal(answer.status, RPC_OK);
    assert_int_equal(answer.reply_len, 0);
}

static void a_failure_brings_its_sentence(void **state)
{
    struct answer answer = call_once(*state, "/t.T/Refuse", (struct bytes){0}, 5000);

    assert_int_equal(answer.status, RPC_FAILED_PRECONDITION);
    assert_string_equal(answer.text, "the rule 'drop-ssh' is in use: 100% of it");
}

static void an_unknown_method_is_unimplemented_with_a_sentence(void **state)
{
    struct answer answer = call_once(*state, "/t.T/Nothing", (struct bytes){0}, 5000);

    assert_int_equal(answer.status, RPC_UNIMPLEMENTED);
    assert_string_equal(answer.text, "'/t.T/Nothing' is not a method of this server");
}

static void a_method_of_others_is_denied(void **state)
{
    struct answer answer = call_once(*state, "/t.T/Nodes", (struct bytes){0}, 5000);

    assert_int_equal(answer.status, RPC_PERMISSION_DENIED);
    assert_string_equal(answer.text, "/t.T/Nodes is not offered to local callers");
}

static void a_deadline_ends_the_call_at_both_ends(void **state)
{
    struct scene *scene = *state;
    struct answer answer = call_once(scene, "/t.T/Wait", (struct bytes){0}, 50);

    assert_int_equal(answer.status, RPC_DEADLINE_EXCEEDED);
    turn_until(scene->loop, &scene->is_cancelled);
}

static void a_cancelled_call_is_noticed_by_the_server(void **state)
{
    struct scene *scene = *state;
    struct answer answer = {0};
    struct rpc_request *request;

    assert_int_equal(rpc_call_start(scene->channel, "/t.T/Wait", (struct bytes){0}, 0, on_answer,
                         &answer, &request),
        0);
    turn_until(scene->loop, &scene->is_waiting);
    rpc_request_cancel(request);
    turn_until(scene->loop, &answer.is_done);
    turn_until(scene->loop, &scene->is_cancelled);
    assert_int_equal(answer.status, RPC_CANCELLED);
}

static void a_request_over_the_limit_is_refused(void **state)
{
    uint8_t *large = calloc(1, 5 * 1024 * 1024);
    struct answer answer = call_once(*state, "/t.T/Echo", bytes_of(large, 5 * 1024 * 1024), 5000);

    assert_int_equal(answer.status, RPC_RESOURCE_EXHAUSTED);
    free(large);
}

/* ---- streams */

struct listener {
    struct scene *scene;
    int is_open, is_over;
    unsigned messages;
    uint8_t last;
    enum rpc_status status;
    char text[512];
};

static void on_listener_open(
    void *user, struct rpc_stream *stream, const struct rpc_identity *identity)
{
    (void)stream;
    assert_null(identity);
    ((struct listener *)user)->is_open = 1;
}

static void on_listener_message(void *user, struct rpc_stream *stream, struct bytes message)
{
    struct listener *listener = user;

    (void)stream;
    listener->last = message.at[0];
    listener->messages++;
}

static void on_listener_end(
    void *user, struct rpc_stream *stream, enum rpc_status status, const char *text)
{
    struct listener *listener = user;

    (void)stream;
    listener->status = status;
    (void)snprintf(listener->text, sizeof(listener->text), "%s", text);
    listener->is_over = 1;
}

static const struct rpc_stream_events listener_events = {
    .on_open = on_listener_open,
    .on_message = on_listener_message,
    .on_end = on_listener_end,
};

static struct rpc_stream *open_stream(
    struct scene *scene, const char *path, struct listener *listener)
{
    struct rpc_stream_options options = {
        .path = path, .events = &listener_events, .user = listener};
    struct rpc_stream *stream;

    assert_int_equal(rpc_stream_open(scene->channel, &options, &stream), 0);
    return stream;
}

static void a_server_stream_brings_all_in_order(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct rpc_stream *stream = open_stream(scene, "/t.T/Count", &listener);

    assert_int_equal(rpc_stream_send(stream, bytes_of("\xc8", 1)), 0);
    rpc_stream_half_close(stream);
    turn_until(scene->loop, &listener.is_over);
    assert_int_equal(listener.status, RPC_OK);
    assert_int_equal(listener.messages, 200);
    assert_int_equal(listener.last, 199);
    assert_true(listener.is_open);
}

static void a_full_send_queue_says_so_and_later_has_room(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct rpc_stream *stream = open_stream(scene, "/t.T/Flood", &listener);

    assert_int_equal(rpc_stream_send(stream, bytes_of("x", 1)), 0);
    rpc_stream_half_close(stream);
    turn_until(scene->loop, &listener.is_over);
    assert_int_equal(listener.status, RPC_OK);
    assert_int_equal(scene->has_room, 1);
    assert_in_range(scene->sent, 10, 12); /* the queue, and what was on its way */
    assert_int_equal(listener.messages, scene->sent);
}

static void both_ends_of_a_bidi_stream_speak_and_it_ends_well(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct rpc_stream *stream = open_stream(scene, "/t.T/Chat", &listener);

    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(rpc_stream_send(stream, bytes_of(&i, 1)), 0);
    rpc_stream_half_close(stream);
    turn_until(scene->loop, &listener.is_over);
    assert_int_equal(listener.status, RPC_OK);
    assert_int_equal(listener.messages, 100);
    assert_int_equal(listener.last, 99);
}

static void a_refused_stream_was_never_open(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};

    (void)open_stream(scene, "/t.T/Nothing", &listener);
    turn_until(scene->loop, &listener.is_over);
    assert_int_equal(listener.status, RPC_UNIMPLEMENTED);
    assert_false(listener.is_open);
}

static void a_cancelled_stream_ends_at_both_ends(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {0};
    struct rpc_stream *stream = open_stream(scene, "/t.T/Chat", &listener);

    turn_until(scene->loop, &listener.is_open);
    rpc_stream_cancel(stream);
    turn_until(scene->loop, &listener.is_over);
    while (rpc_server_calls_count(scene->server) > 0)
        turn_for(scene->loop, 1);
    assert_int_equal(listener.status, RPC_CANCELLED);
}

/* ---- sockets and ends */

static void the_socket_is_for_its_group_only(void **state)
{
    struct scene *scene = *state;
    struct stat status;

    assert_int_equal(stat(scene->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
}

static void a_live_socket_is_not_stolen(void **state)
{
    struct scene *scene = *state;
    struct rpc_server *second;
    struct problem problem;

    assert_int_equal(rpc_server_new(scene->loop, NULL, 0, &second), 0);
    assert_int_equal(rpc_server_listen_unix(second, scene->path, &problem), -EADDRINUSE);
    assert_non_null(strstr(problem.text, "another daemon listens"));
}

static void freeing_a_channel_ends_its_calls(void **state)
{
    struct scene *scene = *state;
    struct answer answer = {0};

    assert_int_equal(
        rpc_call_start(scene->channel, "/t.T/Wait", (struct bytes){0}, 0, on_answer, &answer, NULL),
        0);
    turn_until(scene->loop, &scene->is_waiting);
    rpc_channel_free(scene->channel);
    turn_until(scene->loop, &answer.is_done);
    assert_int_equal(answer.status, RPC_CANCELLED);
}

static void a_graceful_stop_lets_a_call_finish(void **state)
{
    struct scene *scene = *state;
    struct rpc_channel_options options = {.target = scene->path};
    struct rpc_loop *other;
    struct rpc_channel *channel;
    struct answer answer = {0};

    /* The caller has a loop of its own: the stop ends the calls that this loop makes itself. */
    assert_int_equal(rpc_loop_new(&other, NULL), 0);
    assert_int_equal(rpc_channel_new(other, &options, &channel, NULL), 0);
    assert_int_equal(
        rpc_call_start(channel, "/t.T/Wait", (struct bytes){0}, 0, on_answer, &answer, NULL), 0);
    while (!scene->is_waiting) {
        turn_for(other, 1);
        turn_for(scene->loop, 1);
    }
    rpc_loop_stop(scene->loop, 5000);
    assert_false(scene->is_cancelled);
    rpc_call_reply_bytes(scene->waiting, bytes_of("late", 4));
    rpc_loop_run(scene->loop);
    turn_until(other, &answer.is_done);
    assert_int_equal(answer.status, RPC_OK);
    rpc_loop_free(other);
}

static void a_stop_with_calls_in_flight_is_clean_each_time(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 32; i++) {
        struct answer answers[8] = {0};
        struct listener listeners[4] = {0};
        struct scene *scene;
        void *own = NULL;

        assert_int_equal(set_up(&own), 0);
        scene = own;
        for (unsigned k = 0; k < 8; k++)
            assert_int_equal(rpc_call_start(scene->channel, k % 2 ? "/t.T/Echo" : "/t.T/Nothing",
                                 bytes_of("x", 1), 0, on_answer, &answers[k], NULL),
                0);
        for (unsigned k = 0; k < 4; k++)
            (void)rpc_stream_send(open_stream(scene, "/t.T/Chat", &listeners[k]), bytes_of("y", 1));
        for (unsigned turns = 0; turns < i; turns++)
            (void)rpc_loop_turn(scene->loop);
        rpc_loop_stop(scene->loop, i % 3 ? 20 : 0);
        rpc_loop_run(scene->loop);
        for (unsigned k = 0; k < 8; k++)
            assert_true(answers[k].is_done);
        for (unsigned k = 0; k < 4; k++)
            assert_true(listeners[k].is_over);
        (void)tear_down(&own);
    }
}

/* ---- the blocking form, against a server in another thread */

static void *run_loop(void *loop)
{
    rpc_loop_run(loop);
    return NULL;
}

struct stopper {
    struct rpc_tag tag;
    struct rpc_loop *loop;
};

static void on_stop(struct rpc_tag *tag, int ok)
{
    (void)ok;
    rpc_loop_stop(((struct stopper *)tag)->loop, 0);
}

static bool stop_at_third(void *user, struct bytes message)
{
    (void)message;
    return ++*(unsigned *)user < 3;
}

static bool take_all(void *user, struct bytes message)
{
    (void)message;
    ++*(unsigned *)user;
    return true;
}

static void the_blocking_form_does_all_a_command_needs(void **state)
{
    struct scene *scene = *state;
    struct stopper stopper = {.tag.fn = on_stop, .loop = scene->loop};
    struct rpc_channel_options options = {.target = scene->path};
    struct rpc_blocking *blocking;
    struct buffer reply = {0};
    struct problem problem;
    unsigned messages = 0;
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, run_loop, scene->loop), 0);
    assert_int_equal(rpc_blocking_open(&options, &blocking, &problem), 0);
    assert_int_equal(
        rpc_call_blocking(blocking, "/t.T/Echo", bytes_of("hi", 2), 5000, &reply, &problem), 0);
    assert_memory_equal(reply.at, "hi", 2);
    assert_int_equal(
        rpc_call_blocking(blocking, "/t.T/Refuse", bytes_of("hi", 2), 5000, &reply, &problem),
        -EPERM);
    assert_string_equal(problem.text, "the rule 'drop-ssh' is in use: 100% of it");
    assert_int_equal(rpc_stream_blocking(blocking, "/t.T/Count", bytes_of("\x0a", 1), 5000,
                         take_all, &messages, &problem),
        0);
    assert_int_equal(messages, 10);
    messages = 0;
    assert_int_equal(rpc_stream_blocking(blocking, "/t.T/Count", bytes_of("\x0a", 1), 5000,
                         stop_at_third, &messages, &problem),
        0);
    assert_int_equal(messages, 3);
    assert_int_equal(rpc_stream_blocking(blocking, "/t.T/Nothing", bytes_of("\x0a", 1), 5000,
                         take_all, &messages, &problem),
        -ENOSYS);
    rpc_blocking_close(blocking);
    buffer_fini(&reply);
    assert_int_equal(rpc_post(scene->loop, &stopper.tag), 0);
    (void)pthread_join(thread, NULL);
}

static void nobody_listening_is_said_at_once(void **state)
{
    struct rpc_channel_options options = {.target = "/tmp/rpc-test-nobody"};
    struct rpc_blocking *blocking;
    struct buffer reply = {0};
    struct problem problem;
    uint64_t start_ns = rpc_now_ns();

    (void)state;
    assert_int_equal(rpc_blocking_open(&options, &blocking, &problem), 0);
    assert_int_equal(
        rpc_call_blocking(blocking, "/t.T/Echo", bytes_of("hi", 2), 10000, &reply, &problem),
        -ECONNREFUSED);
    assert_non_null(strstr(problem.text, "cannot connect to /tmp/rpc-test-nobody: "));
    assert_true(rpc_now_ns() - start_ns < 5000000000ULL);
    rpc_blocking_close(blocking);
}

static void addresses_that_make_no_sense_are_refused(void **state)
{
    static const char *const addresses[] = {"host", "host:", ":1", "1.2.3.4:x"};
    struct rpc_channel_options options = {0};
    struct rpc_blocking *blocking;
    struct problem problem;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        options.target = addresses[i];
        assert_int_equal(rpc_blocking_open(&options, &blocking, &problem), -EINVAL);
    }
    assert_string_equal(problem.text, "'1.2.3.4:x' needs a certificate to connect with");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_unary_call_brings_its_reply),
        TEST(an_empty_request_is_a_request),
        TEST(a_failure_brings_its_sentence),
        TEST(an_unknown_method_is_unimplemented_with_a_sentence),
        TEST(a_method_of_others_is_denied),
        TEST(a_deadline_ends_the_call_at_both_ends),
        TEST(a_cancelled_call_is_noticed_by_the_server),
        TEST(a_request_over_the_limit_is_refused),
        TEST(a_server_stream_brings_all_in_order),
        TEST(a_full_send_queue_says_so_and_later_has_room),
        TEST(both_ends_of_a_bidi_stream_speak_and_it_ends_well),
        TEST(a_refused_stream_was_never_open),
        TEST(a_cancelled_stream_ends_at_both_ends),
        TEST(the_socket_is_for_its_group_only),
        TEST(a_live_socket_is_not_stolen),
        TEST(freeing_a_channel_ends_its_calls),
        TEST(a_graceful_stop_lets_a_call_finish),
        cmocka_unit_test(a_stop_with_calls_in_flight_is_clean_each_time),
        TEST(the_blocking_form_does_all_a_command_needs),
        cmocka_unit_test(nobody_listening_is_said_at_once),
        cmocka_unit_test(addresses_that_make_no_sense_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
