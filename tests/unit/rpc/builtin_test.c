/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet.h"

#include "proto/grpc/health/v1/health.pb-c.h"
#include "proto/grpc/reflection/v1alpha/reflection.pb-c.h"
#include "rpc/client.h"
#include "rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Health and reflection, as a client sees them. */
struct scene {
    char folder[64];
    char path[96];
    struct rpc_loop *loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct buffer received; /* the newest message */
    int messages, is_over;
    enum rpc_status status;
    char text[256];
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct rpc_channel_options options = {0};
    struct problem problem;

    (void)strcpy(scene->folder, "/tmp/rpc-test-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/s", scene->folder);
    assert_int_equal(rpc_loop_new(&scene->loop, &problem), 0);
    assert_int_equal(rpc_server_new(scene->loop, NULL, 0, &scene->server), 0);
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
    buffer_fini(&scene->received);
    free(scene);
    return 0;
}

static void keep(struct scene *scene, struct bytes message)
{
    scene->received.len = 0;
    assert_int_equal(buffer_append(&scene->received, message.at, message.len), 0);
}

static void on_reply(void *user, enum rpc_status status, const char *text, struct bytes reply)
{
    struct scene *scene = user;

    keep(scene, reply);
    scene->status = status;
    (void)snprintf(scene->text, sizeof(scene->text), "%s", text);
    scene->is_over = 1;
}

static void on_message(void *user, struct rpc_stream *stream, struct bytes message)
{
    struct scene *scene = user;

    (void)stream;
    keep(scene, message);
    scene->messages++;
}

static void on_end(void *user, struct rpc_stream *stream, enum rpc_status status, const char *text)
{
    struct scene *scene = user;

    (void)stream;
    scene->status = status;
    (void)snprintf(scene->text, sizeof(scene->text), "%s", text);
    scene->is_over = 1;
}

static const struct rpc_stream_events stream_events = {.on_message = on_message, .on_end = on_end};

static struct rpc_stream *open_stream(
    struct scene *scene, const char *path, const ProtobufCMessage *request)
{
    struct rpc_stream_options options = {.path = path, .events = &stream_events, .user = scene};
    struct rpc_stream *stream;
    uint8_t packed[256];
    size_t len = protobuf_c_message_pack(request, packed);

    assert_int_equal(rpc_stream_open(scene->channel, &options, &stream), 0);
    assert_int_equal(rpc_stream_send(stream, bytes_of(packed, len)), 0);
    rpc_stream_half_close(stream);
    return stream;
}

/* ---- health */

static int health_in(const struct scene *scene)
{
    Grpc__Health__V1__HealthCheckResponse *response =
        grpc__health__v1__health_check_response__unpack(
            NULL, scene->received.len, scene->received.at);
    int status;

    assert_non_null(response);
    status = (int)response->status;
    grpc__health__v1__health_check_response__free_unpacked(response, NULL);
    return status;
}

static int check(struct scene *scene, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    uint8_t packed[256];
    size_t len;

    request.service = (char *)(uintptr_t)service;
    len = grpc__health__v1__health_check_request__pack(&request, packed);
    scene->is_over = 0;
    assert_int_equal(rpc_call_start(scene->channel, "/grpc.health.v1.Health/Check",
                         bytes_of(packed, len), 5000, on_reply, scene, NULL),
        0);
    turn_until(scene->loop, &scene->is_over);
    return scene->status == RPC_OK ? health_in(scene) : -(int)scene->status;
}

static void the_server_serves_from_the_start(void **state)
{
    assert_int_equal(check(*state, ""), 1);
}

static void an_unknown_service_is_not_found(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(check(scene, "picket.v1.Rules"), -RPC_NOT_FOUND);
    assert_string_equal(scene->text, "no service 'picket.v1.Rules' is known here");
    assert_int_equal(rpc_server_set_health(scene->server, "picket.v1.Rules", true), 0);
    assert_int_equal(check(scene, "picket.v1.Rules"), 1);
}

static void a_health_request_that_is_none_is_refused(void **state)
{
    struct scene *scene = *state;

    assert_int_equal(rpc_call_start(scene->channel, "/grpc.health.v1.Health/Check",
                         bytes_of("\x0a\xff", 2), 5000, on_reply, scene, NULL),
        0);
    turn_until(scene->loop, &scene->is_over);
    assert_int_equal(scene->status, RPC_INVALID_ARGUMENT);
}

static void a_watcher_hears_of_every_change(void **state)
{
    struct scene *scene = *state;
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = (char *)(uintptr_t) "picket.v1.Log";
    (void)open_stream(scene, "/grpc.health.v1.Health/Watch", &request.base);
    turn_until(scene->loop, &scene->messages);
    assert_int_equal(health_in(scene), 3); /* not known yet */
    scene->messages = 0;
    assert_int_equal(rpc_server_set_health(scene->server, "picket.v1.Log", true), 0);
    turn_until(scene->loop, &scene->messages);
    assert_int_equal(health_in(scene), 1);
    scene->messages = 0;
    assert_int_equal(
        rpc_server_set_health(scene->server, "picket.v1.Log", true), 0); /* no change */
    assert_int_equal(rpc_server_set_health(scene->server, "picket.v1.Log", false), 0);
    turn_until(scene->loop, &scene->messages);
    assert_int_equal(health_in(scene), 2);
    assert_int_equal(scene->messages, 1);
}

static void a_watcher_does_not_hold_up_the_stop(void **state)
{
    struct scene *scene = *state;
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    (void)open_stream(scene, "/grpc.health.v1.Health/Watch", &request.base);
    turn_until(scene->loop, &scene->messages);
    rpc_loop_stop(scene->loop, 10000);
    rpc_loop_run(scene->loop);
    assert_true(scene->is_over);
}

/* ---- reflection */

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse reflection_response;

static reflection_response *ask(struct scene *scene, const char *path, reflection_request *request)
{
    reflection_response *response;

    scene->is_over = 0;
    (void)open_stream(scene, path, &request->base);
    turn_until(scene->loop, &scene->is_over);
    assert_int_equal(scene->status, RPC_OK);
    response = grpc__reflection__v1alpha__server_reflection_response__unpack(
        NULL, scene->received.len, scene->received.at);
    assert_non_null(response);
    return response;
}

#define V1 "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
#define V1ALPHA "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"

static void reflection_lists_every_service(void **state)
{
    static const char *const expected[] = {"picket.v1.Rules", "picket.v1.Log", "picket.v1.Fleet",
        "picket.v1.Node", "picket.v1.Mesh", "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection"};
    reflection_request request = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__INIT;
    reflection_response *response;
    unsigned found = 0;

    request.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    request.list_services = (char *)(uintptr_t) "*";
    response = ask(*state, V1, &request);
    for (size_t i = 0; i < response->list_services_response->n_service; i++) {
        for (size_t k = 0; k < sizeof(expected) / sizeof(expected[0]); k++) {
            if (strcmp(response->list_services_response->service[i]->name, expected[k]) == 0)
                found |= 1U << k;
        }
    }
    assert_int_equal(found, 0x7f);
    assert_int_equal(response->list_services_response->n_service, 7);
    grpc__reflection__v1alpha__server_reflection_response__free_unpacked(response, NULL);
}

/* The number of files it answers with; the first begins with the wanted file's name. */
static size_t ask_symbol(struct scene *scene, const char *symbol, const char *file)
{
    reflection_request request = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__INIT;
    reflection_response *response;
    size_t count = 0;

    request.message_request_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    request.file_containing_symbol = (char *)(uintptr_t)symbol;
    response = ask(scene, V1ALPHA, &request);
    if (response->message_response_case ==
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE) {
        ProtobufCBinaryData *files = response->file_descriptor_response->file_descriptor_proto;

        count = response->file_descriptor_response->n_file_descriptor_proto;
        assert_memory_equal(files[0].data + 2, file, strlen(file));
    }
    grpc__reflection__v1alpha__server_reflection_response__free_unpacked(response, NULL);
    return count;
}

static void reflection_finds_symbols_with_all_they_import(void **state)
{
    assert_int_equal(ask_symbol(*state, "picket.v1.Rules", "picket/v1/rules.proto"), 2);
    assert_int_equal(ask_symbol(*state, "picket.v1.Rules.Apply", "picket/v1/rules.proto"), 2);
    assert_int_equal(ask_symbol(*state, "picket.v1.Wait.For", "picket/v1/rules.proto"), 2);
    assert_int_equal(ask_symbol(*state, "picket.v1.Rule", "picket/v1/entry.proto"), 1);
    assert_int_equal(
        ask_symbol(*state, "picket.v1.FleetStatusRequest", "picket/v1/fleet.proto"), 3);
    assert_int_equal(ask_symbol(*state, "grpc.health.v1.Health", "grpc/health/v1/health.proto"), 1);
}

static void reflection_does_not_invent_symbols(void **state)
{
    assert_int_equal(ask_symbol(*state, "picket.v1.Nothing", ""), 0);
    assert_int_equal(ask_symbol(*state, "picket.v1.Rules.Nothing", ""), 0);
    assert_int_equal(ask_symbol(*state, "picket.v1", ""), 0);
    assert_int_equal(ask_symbol(*state, "", ""), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_server_serves_from_the_start),
        TEST(an_unknown_service_is_not_found),
        TEST(a_health_request_that_is_none_is_refused),
        TEST(a_watcher_hears_of_every_change),
        TEST(a_watcher_does_not_hold_up_the_stop),
        TEST(reflection_lists_every_service),
        TEST(reflection_finds_symbols_with_all_they_import),
        TEST(reflection_does_not_invent_symbols),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
