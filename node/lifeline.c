/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lifeline.h"
#include "base/own.h"
#include "node/links/links.h"
#include "node/node.h"
#include "replica/replica.h"
#include "store/ledger/rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lifeline {
    struct node *node;
    struct compile_lifeline out;
    struct compile_manage manage[FW_MANAGE_MAX];
    struct compile_host *hosts;
    size_t hosts_capacity;
};

/* PREFIX PROTOCOL PORT */
static int read_manage(struct lifeline *lifeline, const char *row, struct problem *reterr_problem)
{
    struct compile_manage *to = &lifeline->manage[lifeline->out.manage_count];
    char prefix[64], protocol[8];
    unsigned port = 0;

    if (lifeline->out.manage_count == FW_MANAGE_MAX)
        return problem_say(
            reterr_problem, -E2BIG, "manage may stand %d times at most", FW_MANAGE_MAX);
    if (sscanf(row, "%63s %7s %u", prefix, protocol, &port) != 3 || port < 1 || port > 65535)
        return problem_say(reterr_problem, -EINVAL,
            "manage is PREFIX PROTOCOL PORT, such as 192.0.2.0/24 tcp 22, not '%s'", row);
    if (strcmp(protocol, "tcp") == 0)
        to->protocol = IPPROTO_TCP;
    else if (strcmp(protocol, "udp") == 0)
        to->protocol = IPPROTO_UDP;
    else
        return problem_say(
            reterr_problem, -EINVAL, "manage: the protocol is tcp or udp, not '%s'", protocol);
    to->port = (uint16_t)port;
    lifeline->out.manage_count++;
    return prefix_parse(prefix, to->address, &to->is_v6, &to->length, reterr_problem);
}

static int host_add(struct lifeline *lifeline, const uint8_t address[16], bool is_v6, uint8_t flags)
{
    struct compile_host *more = lifeline->hosts;

    if (lifeline->out.hosts_count == lifeline->hosts_capacity) {
        size_t capacity = lifeline->hosts_capacity ? lifeline->hosts_capacity * 2 : 32;

        more = realloc(lifeline->hosts, capacity * sizeof(*more));
        if (!more)
            return -ENOMEM;
        lifeline->hosts = more;
        lifeline->hosts_capacity = capacity;
    }
    memset(&more[lifeline->out.hosts_count], 0, sizeof(*more));
    memcpy(more[lifeline->out.hosts_count].address, address, is_v6 ? 16 : 4);
    more[lifeline->out.hosts_count].is_v6 = is_v6;
    more[lifeline->out.hosts_count].flags = flags;
    lifeline->out.hosts_count++;
    return 0;
}

/* A literal address, alone or as 192.0.2.1:port or [2001:db8::1]:port. False for names. */
static bool read_literal(const char *text, uint8_t ret_address[16], bool *ret_is_v6)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *from = text[0] == '[' ? text + 1 : text;
    const char *colon = strchr(from, ':');
    size_t len = strlen(from);

    if (text[0] == '[')
        len = strcspn(from, "]");
    else if (colon && !strchr(colon + 1, ':'))
        len = (size_t)(colon - from);
    if (len >= sizeof(host))
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    memset(ret_address, 0, 16);
    *ret_is_v6 = inet_pton(AF_INET6, host, ret_address) == 1;
    return *ret_is_v6 || inet_pton(AF_INET, host, ret_address) == 1;
}

static void add_texts(struct lifeline *lifeline, char *const *texts, size_t count, uint8_t flags)
{
    uint8_t address[16];
    bool is_v6;

    for (size_t i = 0; i < count; i++)
        if (read_literal(texts[i], address, &is_v6))
            (void)host_add(lifeline, address, is_v6, flags);
}

static void add_neighbours(struct lifeline *lifeline)
{
    struct node *node = lifeline->node;
    uint32_t count = node->replica ? replica_peers_count(node->replica) : 0;

    for (uint32_t i = 0; i < count; i++) {
        struct mesh_peer peer;
        uint8_t address[16];
        bool is_v6;

        replica_peer_at(node->replica, i, &peer);
        if (read_literal(peer.address, address, &is_v6))
            (void)host_add(lifeline, address, is_v6, FW_HOST_PEER);
    }
}

static void add_own(struct lifeline *lifeline, const struct links *links)
{
    size_t count = 0;
    const struct link_address *own = links_addresses(links, &count);

    for (size_t i = 0; i < count; i++)
        (void)host_add(lifeline, own[i].address, own[i].family == AF_INET6, FW_HOST_OWN);
}

const struct compile_lifeline *lifeline_fill(struct lifeline *lifeline, const struct links *links)
{
    struct node *node = lifeline->node;

    lifeline->out.hosts_count = 0;
    add_own(lifeline, links);
    add_texts(lifeline, node->identity.peers, node->identity.peers_count, FW_HOST_PEER);
    add_texts(lifeline, node->config.peer.items, node->config.peer.count, FW_HOST_PEER);
    add_texts(lifeline, node->config.dns.items, node->config.dns.count, FW_HOST_DNS);
    add_texts(lifeline, node->config.ntp.items, node->config.ntp.count, FW_HOST_NTP);
    add_neighbours(lifeline);
    lifeline->out.hosts = lifeline->hosts;
    lifeline->out.manage = lifeline->manage;
    return &lifeline->out;
}

static int read_addresses(
    const struct config_list *rows, const char *name, struct problem *reterr_problem)
{
    uint8_t address[16];
    bool is_v6;

    for (unsigned i = 0; i < rows->count; i++)
        if (!read_literal(rows->items[i], address, &is_v6))
            return problem_say(
                reterr_problem, -EINVAL, "%s takes an address, not '%s'", name, rows->items[i]);
    return 0;
}

OWN_AS(own_lifeline, struct lifeline, lifeline_free)

int lifeline_new(struct node *node, struct lifeline **ret_lifeline, struct problem *reterr_problem)
{
    OWN(own_lifeline) struct lifeline *lifeline = calloc(1, sizeof(*lifeline));
    const struct node_config *config = &node->config;
    const char *port = strrchr(config->listen, ':');
    int r = 0;

    if (!lifeline)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    lifeline->node = node;
    if (!port || !(lifeline->out.mesh_port = (uint16_t)strtoul(port + 1, NULL, 10)))
        return problem_say(
            reterr_problem, -EINVAL, "listen is ADDRESS:PORT, not '%s'", config->listen);
    if (config->dhcp_client)
        lifeline->out.dhcp_classes = 1U << FW_CLASS_EXTERNAL;
    for (unsigned i = 0; r == 0 && i < config->manage.count; i++)
        r = read_manage(lifeline, config->manage.items[i], reterr_problem);
    if (r == 0)
        r = read_addresses(&config->dns, "dns", reterr_problem);
    if (r == 0)
        r = read_addresses(&config->ntp, "ntp", reterr_problem);
    if (r == 0)
        *ret_lifeline = give(lifeline);
    return r;
}

void lifeline_free(struct lifeline *lifeline)
{
    if (!lifeline)
        return;
    free(lifeline->hosts);
    free(lifeline);
}
