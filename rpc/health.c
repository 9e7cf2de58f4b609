/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/grpc/health/v1/health.pb-c.h"
#include "proto/wire/wire.h"
#include "rpc/server_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_BYTES_MAX 127
#define SERVICES_MAX 64
#define WATCHERS_MAX 256
#define REQUEST_BUDGET 4096

typedef Grpc__Health__V1__HealthCheckResponse health_response;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus serving_status;

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

struct service {
    char name[SERVICE_BYTES_MAX + 1];
    bool is_serving;
};

struct watcher {
    struct rpc_health *health;
    struct rpc_call *call;
    struct watcher *next, *prev;
    char service[SERVICE_BYTES_MAX + 1];
};

struct rpc_health {
    struct rpc_server *server;
    struct service services[SERVICES_MAX]; /* the first is "" */
    uint32_t services_count;
    struct watcher *watchers;
    uint32_t watchers_count;
};

int rpc_health_new(struct rpc_server *server, struct rpc_health **ret_health)
{
    struct rpc_health *health = calloc(1, sizeof(*health));

    if (!health)
        return -ENOMEM;
    health->server = server;
    health->services_count = 1;
    health->services[0].is_serving = true;
    *ret_health = health;
    return 0;
}

void rpc_health_free(struct rpc_health *health)
{
    free(health);
}

static struct service *find_service(struct rpc_health *health, const char *name)
{
    for (uint32_t i = 0; i < health->services_count; i++) {
        if (strcmp(health->services[i].name, name) == 0)
            return &health->services[i];
    }
    return NULL;
}

static serving_status status_of(struct rpc_health *health, const char *name)
{
    const struct service *service = find_service(health, name);

    if (!service)
        return SERVICE_UNKNOWN;
    return service->is_serving ? SERVING : NOT_SERVING;
}

/* Fails the call and returns false if the request cannot be read. */
static bool read_service(
    struct rpc_call *call, struct bytes request, char ret_service[SERVICE_BYTES_MAX + 1])
{
    ProtobufCMessage *message = NULL;
    enum wire_fault fault = wire_unpack_lenient(
        &grpc__health__v1__health_check_request__descriptor, request, REQUEST_BUDGET, &message);
    const char *service;

    if (fault != WIRE_OK) {
        rpc_call_fail(
            call, RPC_INVALID_ARGUMENT, "the request cannot be read: %s", wire_fault_text(fault));
        return false;
    }
    service = ((Grpc__Health__V1__HealthCheckRequest *)message)->service;
    if (strlen(service) > SERVICE_BYTES_MAX) {
        rpc_call_fail(call, RPC_INVALID_ARGUMENT, "the service name is longer than %d bytes",
            SERVICE_BYTES_MAX);
        wire_free(message);
        return false;
    }
    memcpy(ret_service, service, strlen(service) + 1);
    wire_free(message);
    return true;
}

static void on_check(void *user, struct rpc_call *call, struct bytes request)
{
    struct rpc_health *health = user;
    health_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    char service[SERVICE_BYTES_MAX + 1];

    if (!read_service(call, request, service))
        return;
    response.status = status_of(health, service);
    if (response.status == SERVICE_UNKNOWN)
        rpc_call_fail(call, RPC_NOT_FOUND, "no service '%s' is known here", service);
    else
        rpc_call_reply(call, &response.base);
}

static void tell_watcher(struct watcher *watcher)
{
    health_response response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    response.status = status_of(watcher->health, watcher->service);
    (void)rpc_call_send(watcher->call, &response.base); /* a full queue: the reader is asleep */
}

static void on_watch_cancel(void *user, struct rpc_call *call)
{
    struct watcher *watcher = user;

    if (watcher->prev)
        watcher->prev->next = watcher->next;
    else
        watcher->health->watchers = watcher->next;
    if (watcher->next)
        watcher->next->prev = watcher->prev;
    watcher->health->watchers_count--;
    free(watcher);
    rpc_call_fail(call, RPC_UNAVAILABLE, "the server is stopping");
}

static const struct rpc_call_events watch_events = {.on_cancel = on_watch_cancel};

static void on_watch(void *user, struct rpc_call *call, struct bytes request)
{
    struct rpc_health *health = user;
    char service[SERVICE_BYTES_MAX + 1];
    struct watcher *watcher;

    if (!read_service(call, request, service))
        return;
    watcher = health->watchers_count < WATCHERS_MAX ? calloc(1, sizeof(*watcher)) : NULL;
    if (!watcher) {
        rpc_call_fail(
            call, RPC_RESOURCE_EXHAUSTED, "at most %d health watchers are served", WATCHERS_MAX);
        return;
    }
    watcher->health = health;
    watcher->call = call;
    memcpy(watcher->service, service, sizeof(service));
    watcher->next = health->watchers;
    if (watcher->next)
        watcher->next->prev = watcher;
    health->watchers = watcher;
    health->watchers_count++;
    rpc_call_attach(call, &watch_events, watcher);
    tell_watcher(watcher);
}

void rpc_health_methods(
    struct rpc_health *health, struct rpc_method ret_methods[RPC_HEALTH_METHODS])
{
    ret_methods[0] = (struct rpc_method){.path = "/grpc.health.v1.Health/Check",
        .kind = RPC_UNARY,
        .who = RPC_MAY_ANYONE,
        .on_call = on_check,
        .user = health};
    ret_methods[1] = (struct rpc_method){.path = "/grpc.health.v1.Health/Watch",
        .kind = RPC_SERVER_STREAM,
        .who = RPC_MAY_ANYONE,
        .on_call = on_watch,
        .user = health};
}

int rpc_server_set_health(struct rpc_server *server, const char *name, bool is_serving)
{
    struct rpc_health *health = server->health;
    struct service *service = find_service(health, name);

    if (service && service->is_serving == is_serving)
        return 0;
    if (!service) {
        if (health->services_count == SERVICES_MAX || strlen(name) > SERVICE_BYTES_MAX)
            return -ENOSPC;
        service = &health->services[health->services_count++];
        memcpy(service->name, name, strlen(name) + 1);
    }
    service->is_serving = is_serving;
    for (struct watcher *watcher = health->watchers; watcher; watcher = watcher->next) {
        if (strcmp(watcher->service, name) == 0)
            tell_watcher(watcher);
    }
    return 0;
}
