/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/server.h"

#include "base/check.h"
#include "base/limits.h"
#include "base/member.h"
#include "rpc/credentials_internal.h"
#include "rpc/server_internal.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_server *make_grpc_server(void)
{
    grpc_arg list[] = {
        int_arg(GRPC_ARG_ALLOW_REUSEPORT, 0),
        int_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128),
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, REQUEST_BYTES_MAX),
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        int_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 30000),
        int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        int_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args args = {.num_args = sizeof(list) / sizeof(list[0]), .args = list};

    return grpc_server_create(&args, NULL);
}

/* ---- the end */

static void let_go(struct rpc_server *server)
{
    rpc_timer_clear(server->loop, &server->grace);
    if (server->trust)
        rpc_trust_unwatch(server->trust, &server->watcher);
    server->trust = NULL;
    rpc_loop_drop(server->loop);
}

static void on_drained(struct rpc_tag *tag, int ok)
{
    struct rpc_server *server = OWNER_OF(struct rpc_server, drained, tag);

    (void)ok;
    server->is_drained = true;
    let_go(server);
}

static void cancel_all(struct rpc_server *server)
{
    grpc_server_cancel_all_calls(server->grpc);
}

static void on_grace(struct rpc_timer *timer)
{
    cancel_all(OWNER_OF(struct rpc_server, grace, timer));
}

/* Each call once; fn may finish any of them. */
static void each_call(struct rpc_server *server, void (*fn)(struct rpc_call *call))
{
    struct rpc_call *call = server->calls;

    if (call)
        rpc_call_ref(call);
    while (call) {
        struct rpc_call *next;

        fn(call);
        next = call->next;
        if (next)
            rpc_call_ref(next);
        rpc_call_unref(call);
        call = next;
    }
}

static void tell_stream(struct rpc_call *call)
{
    if (call->method->kind != RPC_UNARY)
        rpc_call_tell(call, false);
}

static void stop_server(struct rpc_part *part, uint32_t grace_ms)
{
    struct rpc_server *server = (struct rpc_server *)part;

    server->is_stopping = true;
    grpc_server_shutdown_and_notify(server->grpc, rpc_loop_queue(server->loop), &server->drained);
    each_call(server, tell_stream);
    if (grace_ms == 0)
        cancel_all(server);
    else
        rpc_timer_set(server->loop, &server->grace, rpc_now_ns() + grace_ms * 1000000ULL);
}

static void free_server(struct rpc_part *part)
{
    struct rpc_server *server = (struct rpc_server *)part;

    CHECK(!server->calls, "calls hold the loop, so they are gone");
    grpc_server_destroy(server->grpc);
    rpc_health_free(server->health);
    free(server->routes);
    free(server);
}

/* ---- identities that are no longer admitted */

static void judge_again(struct rpc_call *call)
{
    struct rpc_judgement judgement;

    if (!call->leaf_pem || call->is_dead || call->is_finished)
        return;
    rpc_trust_recheck(
        call->server->trust, bytes_of(call->leaf_pem, strlen(call->leaf_pem)), false, &judgement);
    if (judgement.refusal == RPC_REFUSED_NONE)
        call->identity = judgement.identity;
    else
        rpc_call_cut(call, RPC_UNAUTHENTICATED, rpc_refusal_text(judgement.refusal));
}

static void on_publish(struct rpc_trust_watcher *watcher)
{
    each_call(OWNER_OF(struct rpc_server, watcher, watcher), judge_again);
}

/* ---- the beginning */

static int take_methods(struct rpc_server *server, const struct rpc_method *methods, uint32_t count)
{
    struct rpc_method own[RPC_HEALTH_METHODS + RPC_REFLECTION_METHODS];
    uint32_t own_count = RPC_HEALTH_METHODS + RPC_REFLECTION_METHODS;

    rpc_health_methods(server->health, own);
    rpc_reflection_methods(own + RPC_HEALTH_METHODS);
    server->routes = calloc(count + own_count, sizeof(*server->routes));
    if (!server->routes)
        return -ENOMEM;
    server->routes_count = count + own_count;
    for (uint32_t i = 0; i < server->routes_count; i++) {
        struct rpc_route *route = &server->routes[i];

        route->method = i < count ? methods[i] : own[i - count];
        route->handle = grpc_server_register_method(server->grpc, route->method.path, NULL,
            route->method.kind == RPC_BIDI ? GRPC_SRM_PAYLOAD_NONE
                                           : GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER,
            0);
        CHECK(route->handle, "a path is registered once");
    }
    return 0;
}

int rpc_server_new(struct rpc_loop *loop, const struct rpc_method *methods, uint32_t methods_count,
    struct rpc_server **ret_server)
{
    struct rpc_server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    CHECK(!rpc_loop_is_stopping(loop), "nothing starts after the stop");
    r = rpc_health_new(server, &server->health);
    if (r < 0) {
        free(server);
        return r;
    }
    server->loop = loop;
    server->part.stop = stop_server;
    server->part.free = free_server;
    server->drained.fn = on_drained;
    server->grace.fn = on_grace;
    server->watcher.on_publish = on_publish;
    server->grpc = make_grpc_server();
    grpc_server_register_completion_queue(server->grpc, rpc_loop_queue(loop), NULL);
    rpc_loop_hold(loop);
    rpc_loop_add_part(loop, &server->part);
    r = take_methods(server, methods, methods_count);
    if (r < 0)
        return r; /* the loop frees what there is */
    *ret_server = server;
    return 0;
}

/* Is somebody listening there? A stale file refuses the connection. */
static bool is_live_socket(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_live;

    if (fd < 0)
        return false;
    is_live =
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN;
    (void)close(fd);
    return is_live;
}

int rpc_server_listen_unix(
    struct rpc_server *server, const char *path, struct problem *reterr_problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char target[sizeof(address.sun_path) + 8];
    grpc_server_credentials *credentials;
    mode_t before;
    int port;

    if (strlen(path) >= sizeof(address.sun_path))
        return problem_say(reterr_problem, -ENAMETOOLONG,
            "the socket path '%s' is longer than %zu bytes", path, sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (is_live_socket(&address))
        return problem_say(reterr_problem, -EADDRINUSE, "another daemon listens on '%s'", path);
    (void)snprintf(target, sizeof(target), "unix:%s", path);
    credentials = grpc_insecure_server_credentials_create();
    before = umask(0117);
    port = grpc_server_add_http2_port(server->grpc, target, credentials);
    (void)umask(before);
    grpc_server_credentials_release(credentials);
    if (!port)
        return problem_say(reterr_problem, -EADDRNOTAVAIL,
            "cannot listen on the socket '%s': does its folder exist, and may this user write "
            "there?",
            path);
    return 0;
}

int rpc_server_listen_tls(struct rpc_server *server, const char *address,
    const struct rpc_credentials *credentials, int *ret_port, struct problem *reterr_problem)
{
    grpc_server_credentials *creds = rpc_credentials_for_server(credentials);
    struct rpc_trust *trust = rpc_credentials_trust(credentials);
    int port;

    if (!creds)
        return -ENOMEM;
    CHECK(!server->trust || server->trust == trust, "one server, one trust");
    port = grpc_server_add_http2_port(server->grpc, address, creds);
    grpc_server_credentials_release(creds);
    if (!port)
        return problem_say(reterr_problem, -EADDRINUSE,
            "cannot listen on '%s': is the address of this machine, and is the port free?",
            address);
    if (!server->trust) {
        server->trust = trust;
        rpc_trust_watch(trust, &server->watcher);
    }
    if (ret_port)
        *ret_port = port;
    return 0;
}

int rpc_server_start(struct rpc_server *server, struct problem *reterr_problem)
{
    (void)reterr_problem;
    CHECK(!server->is_started && !server->is_stopping, "a server starts once");
    server->is_started = true;
    grpc_server_start(server->grpc);
    for (uint32_t i = 0; i < server->routes_count; i++)
        rpc_call_expect(server, &server->routes[i]);
    rpc_call_expect(server, NULL);
    return 0;
}

uint32_t rpc_server_calls_count(const struct rpc_server *server)
{
    return server->calls_count;
}
