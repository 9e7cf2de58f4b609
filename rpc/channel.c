/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/limits.h"
#include "base/member.h"
#include "rpc/client_internal.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TARGET_BYTES_MAX 320

static grpc_arg int_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static grpc_channel *make_grpc_channel(const char *target, grpc_channel_credentials *credentials,
    const struct rpc_channel_options *options)
{
    size_t bytes_max = options->message_bytes_max ? options->message_bytes_max : REQUEST_BYTES_MAX;
    grpc_arg list[16] = {
        int_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        int_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
        int_arg(GRPC_ARG_ENABLE_RETRIES, 0),
        int_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        int_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200),
        int_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000), /* really the timeout of TCP and TLS */
        int_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000),
        int_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        int_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)bytes_max),
        int_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
    };
    grpc_channel_args args = {.num_args = 10, .args = list};

    if (options->has_keepalive) {
        list[args.num_args++] = int_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
        list[args.num_args++] = int_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
        list[args.num_args++] = int_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
        list[args.num_args++] = int_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    }
    return grpc_channel_create(target, credentials, &args);
}

/* "/path", "unix:/path", "1.2.3.4:port", "[v6]:port", "name:port" as gRPC wants them. */
static int spell_target(const char *target, bool has_tls, char ret_text[TARGET_BYTES_MAX],
    struct problem *reterr_problem)
{
    const char *prefix = "dns:///";
    const char *colon = strrchr(target, ':');
    bool is_unix = target[0] == '/' || strncmp(target, "unix:", 5) == 0;

    if (strlen(target) > TARGET_BYTES_MAX - 16)
        return problem_say(reterr_problem, -EINVAL, "the address is too long");
    if (is_unix == has_tls)
        return problem_say(reterr_problem, -EINVAL,
            is_unix ? "'%s' is a local socket and takes no certificate"
                    : "'%s' needs a certificate to connect with",
            target);
    if (is_unix) {
        (void)snprintf(ret_text, TARGET_BYTES_MAX, "%s%s", target[0] == '/' ? "unix:" : "", target);
        return 0;
    }
    if (!colon || colon == target || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
        !colon[1])
        return problem_say(
            reterr_problem, -EINVAL, "'%s' is not an address of the form host:port", target);
    if (target[0] == '[')
        prefix = "ipv6:";
    else if (strspn(target, "0123456789.") == (size_t)(colon - target))
        prefix = "ipv4:";
    (void)snprintf(ret_text, TARGET_BYTES_MAX, "%s%s", prefix, target);
    return 0;
}

/* ---- life */

static void let_go(struct rpc_channel *channel)
{
    if (channel->trust)
        rpc_trust_unwatch(channel->trust, &channel->watcher);
    if (channel->grpc)
        grpc_channel_destroy(channel->grpc);
    rpc_note_drop(channel->note);
    free(channel->target);
    free(channel);
}

static void cancel_runs(struct rpc_channel *channel)
{
    for (struct rpc_run *run = channel->runs; run; run = run->next)
        (void)grpc_call_cancel(run->grpc, NULL);
}

static void stop_channel(struct rpc_part *part, uint32_t grace_ms)
{
    (void)grace_ms;
    cancel_runs((struct rpc_channel *)part);
}

static void free_part(struct rpc_part *part)
{
    struct rpc_channel *channel = (struct rpc_channel *)part;

    CHECK(!channel->runs, "runs hold the loop, so they are gone");
    let_go(channel);
}

/* The identity of every open stream, again. */
static void on_publish(struct rpc_trust_watcher *watcher)
{
    struct rpc_channel *channel = OWNER_OF(struct rpc_channel, watcher, watcher);

    for (struct rpc_run *run = channel->runs; run; run = run->next) {
        struct rpc_judgement judgement;

        if (!run->leaf_pem)
            continue;
        rpc_trust_recheck(
            channel->trust, bytes_of(run->leaf_pem, strlen(run->leaf_pem)), true, &judgement);
        if (judgement.refusal != RPC_REFUSED_NONE)
            (void)grpc_call_cancel_with_status(
                run->grpc, GRPC_STATUS_UNAUTHENTICATED, rpc_refusal_text(judgement.refusal), NULL);
    }
}

static int connect_later(
    struct rpc_channel *channel, const char *target, const struct rpc_channel_options *options)
{
    grpc_channel_credentials *credentials;

    if (options->credentials) {
        channel->note = rpc_note_new();
        if (!channel->note)
            return -ENOMEM;
        credentials = rpc_credentials_for_channel(options->credentials, channel->note);
        if (!credentials)
            return -ENOMEM;
        channel->trust = rpc_credentials_trust(options->credentials);
        channel->watcher.on_publish = on_publish;
        rpc_trust_watch(channel->trust, &channel->watcher);
    } else {
        credentials = grpc_insecure_credentials_create();
    }
    channel->grpc = make_grpc_channel(target, credentials, options);
    grpc_channel_credentials_release(credentials);
    return 0;
}

int rpc_channel_new(struct rpc_loop *loop, const struct rpc_channel_options *options,
    struct rpc_channel **ret_channel, struct problem *reterr_problem)
{
    char target[TARGET_BYTES_MAX];
    struct rpc_channel *channel;
    int r = spell_target(options->target, options->credentials != NULL, target, reterr_problem);

    if (r < 0)
        return r;
    if (rpc_loop_is_stopping(loop))
        return problem_say(reterr_problem, -ESHUTDOWN, "the event loop is stopping");
    channel = calloc(1, sizeof(*channel));
    if (!channel)
        return -ENOMEM;
    channel->loop = loop;
    channel->target = strdup(options->target);
    r = channel->target ? connect_later(channel, target, options) : -ENOMEM;
    if (r < 0) {
        let_go(channel);
        return r;
    }
    channel->part.stop = stop_channel;
    channel->part.free = free_part;
    rpc_loop_add_part(loop, &channel->part);
    *ret_channel = channel;
    return 0;
}

void rpc_channel_free(struct rpc_channel *channel)
{
    if (!channel)
        return;
    CHECK(!channel->is_freed, "a channel is freed once");
    channel->is_freed = true;
    rpc_loop_remove_part(channel->loop, &channel->part);
    cancel_runs(channel);
    if (!channel->runs)
        let_go(channel);
}

/* ---- runs */

int rpc_run_start(
    struct rpc_run *run, struct rpc_channel *channel, const char *path, uint32_t timeout_ms)
{
    gpr_timespec deadline = gpr_inf_future(GPR_CLOCK_REALTIME);
    grpc_slice method;

    if (rpc_loop_is_stopping(channel->loop) || channel->is_freed)
        return -ESHUTDOWN;
    if (timeout_ms)
        deadline = gpr_time_add(
            gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis((int64_t)timeout_ms, GPR_TIMESPAN));
    run->channel = channel;
    method = grpc_slice_from_copied_string(path);
    run->grpc = grpc_channel_create_call(
        channel->grpc, NULL, 0, rpc_loop_queue(channel->loop), method, NULL, deadline, NULL);
    grpc_slice_unref(method);
    run->next = channel->runs;
    if (run->next)
        run->next->prev = run;
    channel->runs = run;
    rpc_loop_hold(channel->loop);
    return 0;
}

void rpc_run_end(struct rpc_run *run)
{
    struct rpc_channel *channel = run->channel;

    if (run->prev)
        run->prev->next = run->next;
    else
        channel->runs = run->next;
    if (run->next)
        run->next->prev = run->prev;
    grpc_call_unref(run->grpc);
    free(run->leaf_pem);
    rpc_loop_drop(channel->loop);
    if (channel->is_freed && !channel->runs)
        let_go(channel);
}

/* TLS 1.3 lets the dialler finish before the far end has judged it: a refusal looks like this. */
static bool was_closed(const struct rpc_run *run, const char *details)
{
    return run->channel->note && atomic_load(&run->channel->note->handshakes) > 0 &&
           (strstr(details, "Socket closed") || strstr(details, "onnection reset") ||
               strstr(details, "Broken pipe"));
}

static void explain_unavailable(const struct rpc_run *run, const char *details, char *ret_text)
{
    const struct rpc_channel *channel = run->channel;
    int refusal = channel->note ? atomic_load(&channel->note->refusal) : RPC_REFUSED_NONE;
    const char *last = strstr(details, "last error: ");

    if (refusal != RPC_REFUSED_NONE)
        (void)snprintf(ret_text, RPC_TEXT_BYTES_MAX, "refused the node at %s: %s", channel->target,
            rpc_refusal_text((enum rpc_refusal)refusal));
    else if (was_closed(run, details))
        (void)snprintf(ret_text, RPC_TEXT_BYTES_MAX,
            "the node at %.100s closed the connection; if it does so at once, it refused our "
            "certificate and its log says why",
            channel->target);
    else
        (void)snprintf(ret_text, RPC_TEXT_BYTES_MAX, "cannot connect to %.100s: %.300s",
            channel->target, last ? last + strlen("last error: ") : details);
}

void rpc_run_explain(
    const struct rpc_run *run, grpc_status_code status, grpc_slice details, char *ret_text)
{
    char text[RPC_TEXT_BYTES_MAX];
    size_t len = GRPC_SLICE_LENGTH(details);

    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    memcpy(text, GRPC_SLICE_START_PTR(details), len);
    text[len] = 0;
    if (status == GRPC_STATUS_OK)
        ret_text[0] = 0;
    else if (status == GRPC_STATUS_UNAVAILABLE)
        explain_unavailable(run, text, ret_text);
    else if (status == GRPC_STATUS_DEADLINE_EXCEEDED)
        (void)snprintf(
            ret_text, RPC_TEXT_BYTES_MAX, "%s did not answer in time", run->channel->target);
    else
        memcpy(ret_text, text, len + 1);
}
