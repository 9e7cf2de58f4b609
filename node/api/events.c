/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events.c - Node.Events: sampled packets to everybody who listens. Nothing waits for a slow one:
 * it loses events and is told how many.
 */
#include "bpf/fw_reasons.h"
#include "node/api/api.h"
#include "node/api/api_internal.h"
#include "node/metrics.h"
#include "node/node.h"
#include "rpc/loop.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/node.pb-c.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define HEARER_BYTES_MAX (256 * 1024) /* that wait for one who is slow */

struct hearer {
    struct hearer *next;
    struct api *api;
    struct rpc_call *call;
    uint64_t missed; /* not told yet */
};

/* ---- one event as a message */

static char *name_of(struct reply *reply, struct node *node, const uint8_t *id)
{
    struct ledger_object object;

    if (!id || !ledger_object_find(node->ledger, id, &object) || object.kind != OBJECT_RULE)
        return reply_text(reply, "");
    return reply_text(reply, object.of.rule->name);
}

static void fill_rules(struct reply *reply, struct node *node, const struct datapath_event *event,
    Picket__V1__Event *out)
{
    const uint8_t *decided = enforce_counted(node->enforce, event->counter);
    const uint8_t *observed = enforce_counted(node->enforce, event->observed);

    out->rule = name_of(reply, node, decided);
    out->observed_rule = name_of(reply, node, observed);
    if (decided)
        out->object = reply_bytes(reply, bytes_of(decided, OP_REF_BYTES));
    if (observed)
        out->observed_object = reply_bytes(reply, bytes_of(observed, OP_REF_BYTES));
}

static void fill_packet(const struct datapath_event *event, Picket__V1__Event *out)
{
    size_t len = event->is_v6 ? 16 : 4;
    bool is_icmp = event->protocol == (event->is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);

    if (event->has_addresses) {
        out->source = reply_borrow(bytes_of(event->source, len));
        out->target = reply_borrow(bytes_of(event->target, len));
    }
    out->ethertype = event->ethertype;
    out->vlan = event->vlan;
    out->protocol = event->protocol;
    out->icmp_type = is_icmp ? event->source_port : 0;
    out->icmp_code = is_icmp ? event->target_port : 0;
    out->source_port = is_icmp ? 0 : event->source_port;
    out->target_port = is_icmp ? 0 : event->target_port;
    out->tcp_flags = event->tcp_flags;
    out->frame_bytes = event->frame_bytes;
}

static void fill(struct reply *reply, struct node *node, const struct datapath_event *event,
    Picket__V1__Event *out)
{
    const struct link_device *link = enforce_link(node->enforce, event->ifindex);

    out->time_ms = box_wall_ms(event->time_ns);
    out->device = reply_text(reply, link ? link->name : "");
    out->device_index = event->ifindex;
    out->verdict = reply_text(reply, event->is_dry_run   ? "would_drop"
                                     : event->is_dropped ? "drop"
                                                         : "pass");
    out->reason = reply_text(reply, metrics_reason_word(event->reason));
    out->slot = event->slot;
    fill_packet(event, out);
    fill_rules(reply, node, event, out);
}

/* ---- to those who listen */

static void tell(struct hearer *hearer, Picket__V1__Event *event)
{
    event->missed = hearer->missed;
    if (rpc_call_send(hearer->call, &event->base) == 0)
        hearer->missed = 0;
    else if (event->reason && event->reason[0])
        hearer->missed++;
}

static void tell_missed(struct hearer *hearer)
{
    Picket__V1__Event event = PICKET__V1__EVENT__INIT;

    event.time_ms = box_wall_ms(rpc_now_ns());
    if (hearer->missed)
        tell(hearer, &event);
}

static void on_event(void *user, const struct datapath_event *event)
{
    struct api *api = user;
    struct reply reply = {0};
    Picket__V1__Event *out = reply_message(&reply, &picket__v1__event__descriptor);

    if (out)
        fill(&reply, api_node(api), event, out);
    for (struct hearer *hearer = api_hearers(api)->first; hearer; hearer = hearer->next) {
        if (out && !reply.is_short)
            tell(hearer, out);
        else
            hearer->missed++;
    }
    reply_fini(&reply);
}

static void on_missed(void *user, uint64_t count)
{
    for (struct hearer *hearer = api_hearers(user)->first; hearer; hearer = hearer->next) {
        hearer->missed += count;
        tell_missed(hearer);
    }
}

static void on_room(void *user, struct rpc_call *call)
{
    (void)call;
    tell_missed(user);
}

static void on_cancel(void *user, struct rpc_call *call)
{
    struct hearer *hearer = user;
    struct hearers *hearers = api_hearers(hearer->api);
    struct hearer **slot = &hearers->first;

    while (*slot && *slot != hearer)
        slot = &(*slot)->next;
    if (*slot)
        *slot = hearer->next;
    if (!hearers->first)
        (void)enforce_listen(api_node(hearer->api)->enforce, NULL);
    free(hearer);
    rpc_call_fail(call, RPC_CANCELLED, "the stream has ended");
}

void hearers_end_all(struct hearers *hearers)
{
    while (hearers->first) {
        struct hearer *hearer = hearers->first;

        hearers->first = hearer->next;
        if (!hearers->first)
            (void)enforce_listen(api_node(hearer->api)->enforce, NULL);
        rpc_call_fail(hearer->call, RPC_UNAVAILABLE, "this node is stopping");
        free(hearer);
    }
}

/* The first who comes turns it on. */
static int begin(struct api *api)
{
    struct hearers *hearers = api_hearers(api);

    if (hearers->first)
        return 0;
    hearers->listener =
        (struct enforce_listener){.on_event = on_event, .on_missed = on_missed, .user = api};
    return enforce_listen(api_node(api)->enforce, &hearers->listener);
}

void api_node_events(void *user, struct rpc_call *call, struct bytes request)
{
    static const struct rpc_call_events events = {.on_cancel = on_cancel, .on_room = on_room};
    struct hearers *hearers = api_hearers(user);
    struct hearer *hearer = calloc(1, sizeof(*hearer));
    int r = hearer ? begin(user) : -ENOMEM;

    (void)request;
    if (r < 0) {
        free(hearer);
        rpc_call_fail(call, RPC_UNAVAILABLE, "this node cannot read its packets' events: %s",
            strerror(-r)); /* NOLINT(concurrency-mt-unsafe): known codes */
        return;
    }
    *hearer = (struct hearer){.next = hearers->first, .api = user, .call = call};
    hearers->first = hearer;
    rpc_call_set_send_max(call, HEARER_BYTES_MAX);
    rpc_call_attach(call, &events, hearer);
}
