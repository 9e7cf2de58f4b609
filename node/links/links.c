/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/links.h"
#include "base/check.h"
#include "base/own.h"
#include "node/links/message.h"
#include "node/links/seen.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_BYTES (64 * 1024)

_Static_assert(offsetof(struct link_device, index) == 0, "compare_device reads the head");
_Static_assert(sizeof(struct link_address) == 24, "compare_address: no hidden padding");

/* One dump a socket at a time, so addresses follow devices. */
enum dump_state { DUMP_NONE, DUMP_DEVICES, DUMP_ADDRESSES };

struct links {
    int epoll_fd; /* what the caller watches: it outlives a reopened socket */
    struct nl_sock *sock;
    uint32_t receive_bytes;
    enum dump_state dump;
    bool dump_broken; /* the one under way missed something: its silence proves nothing */
    bool dump_wanted;
    uint32_t dump_seq;
    uint32_t round;
    uint64_t dump_until_ms; /* then the one under way is given up */
    uint64_t dump_after_ms; /* the next one, at the latest */
    bool addresses_differ;
    struct seen devices;
    struct seen addresses;
    struct links_counts counts;
    _Alignas(NLMSG_ALIGNTO) uint8_t bytes[READ_BYTES];
};

OWN_AS(own_links, struct links, links_close)
OWN_AS(own_nl_message, struct nl_msg, nlmsg_free)

static int compare_device(const void *item, const void *key)
{
    uint32_t a = *(const uint32_t *)item; /* the first field of a device is its index */
    uint32_t b = *(const uint32_t *)key;

    return (a > b) - (a < b);
}

static int compare_address(const void *item, const void *key)
{
    return memcmp(item, key, sizeof(struct link_address));
}

static void tell(const struct links_listener *listener, enum links_event_kind kind,
    const struct link_device *device, const struct link_device *was)
{
    struct links_event event = {.kind = kind, .device = device, .was = was};

    listener->fn(listener->user, &event);
}

static void sock_close(struct links *links)
{
    if (links->sock)
        nl_socket_free(links->sock);
    links->sock = NULL;
    links->dump = DUMP_NONE;
}

/* Forced past the system's maximum where we may; a smaller buffer only means more dumps. */
static void set_receive_bytes(int fd, uint32_t receive_bytes)
{
    int wanted = (int)receive_bytes;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
}

static int sock_open(struct links *links)
{
    links->sock = nl_socket_alloc();
    if (!links->sock)
        return -ENOMEM;
    nl_socket_disable_auto_ack(links->sock);
    if (nl_connect(links->sock, NETLINK_ROUTE) < 0)
        return -EIO;
    int fd = nl_socket_get_fd(links->sock);
    struct epoll_event watch = {.events = EPOLLIN};

    set_receive_bytes(fd, links->receive_bytes);
    if (nl_socket_set_nonblocking(links->sock) < 0 ||
        nl_socket_add_memberships(
            links->sock, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, 0) < 0)
        return -EPROTO;
    return epoll_ctl(links->epoll_fd, EPOLL_CTL_ADD, fd, &watch) < 0 ? -errno : 0;
}

static int send_dump(struct links *links, int type)
{
    struct ifinfomsg any_device = {.ifi_family = AF_UNSPEC};
    struct ifaddrmsg any_address = {.ifa_family = AF_UNSPEC};
    OWN(own_nl_message)
    struct nl_msg *request = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP);

    if (!request)
        return -ENOMEM;
    int r = type == RTM_GETLINK
                ? nlmsg_append(request, &any_device, sizeof(any_device), NLMSG_ALIGNTO)
                : nlmsg_append(request, &any_address, sizeof(any_address), NLMSG_ALIGNTO);

    if (r == 0 && type == RTM_GETLINK)
        r = nla_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (r < 0)
        return -ENOMEM;
    nl_complete_msg(links->sock, request);
    links->dump_seq = nlmsg_hdr(request)->nlmsg_seq;
    return nl_send(links->sock, request) < 0 ? -EIO : 0;
}

static int dump_start(struct links *links, enum dump_state what, uint64_t now_ms)
{
    int r = send_dump(links, what == DUMP_DEVICES ? RTM_GETLINK : RTM_GETADDR);

    if (r < 0) {
        links->dump = DUMP_NONE;
        links->dump_after_ms = now_ms + LINKS_RETRY_MS;
        return r;
    }
    links->dump = what;
    links->dump_until_ms = now_ms + LINKS_DUMP_MS;
    if (what == DUMP_DEVICES) {
        links->dump_broken = false;
        links->dump_wanted = false;
        links->round++;
        links->counts.dumps++;
    }
    return 0;
}

/* A new socket has missed everything since the old one: it begins with a dump. */
static int reopen(struct links *links, uint64_t now_ms)
{
    links->counts.reopened++;
    sock_close(links);
    int r = sock_open(links);

    if (r < 0) {
        sock_close(links);
        links->dump_after_ms = now_ms + LINKS_RETRY_MS;
        return r;
    }
    return dump_start(links, DUMP_DEVICES, now_ms);
}

int links_open(const struct links_options *options, uint64_t now_ms, struct links **ret_links,
    struct problem *reterr_problem)
{
    OWN(own_links) struct links *links = calloc(1, sizeof(*links));

    if (!links)
        return problem_say(reterr_problem, -ENOMEM, "no memory for the list of devices");
    seen_init(&links->devices, sizeof(struct link_device), LINKS_DEVICES_MAX, compare_device);
    seen_init(&links->addresses, sizeof(struct link_address), LINKS_ADDRESSES_MAX, compare_address);
    links->receive_bytes = options->receive_bytes ? options->receive_bytes : LINKS_RECEIVE_BYTES;
    links->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int r = links->epoll_fd < 0 ? -errno : sock_open(links);

    if (r == 0)
        r = dump_start(links, DUMP_DEVICES, now_ms);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "the kernel refuses to list network devices: %s", strerror(-r));
    *ret_links = give(links);
    return 0;
}

void links_close(struct links *links)
{
    if (!links)
        return;
    sock_close(links);
    own_fd(&links->epoll_fd);
    seen_fini(&links->devices);
    seen_fini(&links->addresses);
    free(links);
}

int links_fd(const struct links *links)
{
    return links->epoll_fd;
}

static bool device_differs(const struct link_device *a, const struct link_device *b)
{
    return a->is_up != b->is_up || a->link_type != b->link_type || a->mtu != b->mtu ||
           a->master_index != b->master_index || a->lower_index != b->lower_index ||
           a->is_lower_foreign != b->is_lower_foreign || strcmp(a->name, b->name) != 0 ||
           strcmp(a->kind, b->kind) != 0;
}

/* An item that cannot be kept makes this round's dump worthless, so nothing is taken for gone. */
static void refuse(struct links *links, uint64_t *count)
{
    (*count)++;
    links->dump_broken = true;
}

static void on_device(
    struct links *links, const struct link_device *device, const struct links_listener *listener)
{
    size_t position;

    if (!seen_find(&links->devices, device, &position)) {
        if (seen_insert(&links->devices, position, device, links->round) < 0)
            refuse(links, &links->counts.refused);
        else
            tell(listener, LINKS_ON_APPEARED, seen_at(&links->devices, position), NULL);
        return;
    }
    struct link_device *known = seen_at(&links->devices, position);
    struct link_device was = *known;

    *known = *device;
    links->devices.rounds[position] = links->round;
    if (device_differs(&was, known))
        tell(listener, LINKS_ON_CHANGED, known, &was);
}

static void device_gone(struct links *links, size_t position, const struct links_listener *listener)
{
    struct link_device was = *(struct link_device *)seen_at(&links->devices, position);

    seen_remove(&links->devices, position);
    tell(listener, LINKS_ON_GONE, &was, NULL);
}

static void on_device_gone(
    struct links *links, const struct link_device *device, const struct links_listener *listener)
{
    size_t position;

    if (seen_find(&links->devices, device, &position))
        device_gone(links, position, listener);
}

static void on_address(struct links *links, const struct link_address *address)
{
    size_t position;

    if (seen_find(&links->addresses, address, &position))
        links->addresses.rounds[position] = links->round;
    else if (seen_insert(&links->addresses, position, address, links->round) < 0)
        refuse(links, &links->counts.refused);
    else
        links->addresses_differ = true;
}

static void on_address_gone(struct links *links, const struct link_address *address)
{
    size_t position;

    if (!seen_find(&links->addresses, address, &position))
        return;
    seen_remove(&links->addresses, position);
    links->addresses_differ = true;
}

/* What a whole dump did not show is gone. */
static void sweep(struct links *links, const struct links_listener *listener)
{
    size_t at = 0;

    while ((at = seen_stale(&links->devices, at, links->round)) < links->devices.count)
        device_gone(links, at, listener);
    at = 0;
    while ((at = seen_stale(&links->addresses, at, links->round)) < links->addresses.count) {
        seen_remove(&links->addresses, at);
        links->addresses_differ = true;
    }
}

static void on_dump_end(
    struct links *links, int error, uint64_t now_ms, const struct links_listener *listener)
{
    enum dump_state ended = links->dump;

    links->dump = DUMP_NONE;
    if (error < 0)
        links->dump_broken = true;
    if (links->dump_broken) {
        links->counts.dumps_broken++;
        links->dump_after_ms = now_ms + LINKS_RETRY_MS;
        return;
    }
    if (ended == DUMP_DEVICES) {
        (void)dump_start(links, DUMP_ADDRESSES, now_ms);
        return;
    }
    sweep(links, listener);
    links->dump_after_ms = now_ms + LINKS_RECONCILE_MS;
    tell(listener, LINKS_ON_SYNCED, NULL, NULL);
}

static void on_message(struct links *links, struct nlmsghdr *header, uint64_t now_ms,
    const struct links_listener *listener)
{
    struct message message;
    bool is_of_dump = links->dump != DUMP_NONE && header->nlmsg_seq == links->dump_seq;

    message_parse(header, &message);
    if (is_of_dump && header->nlmsg_flags & NLM_F_DUMP_INTR)
        links->dump_broken = true;
    switch (message.kind) {
    case MESSAGE_DEVICE:
        on_device(links, &message.device, listener);
        return;
    case MESSAGE_DEVICE_GONE:
        on_device_gone(links, &message.device, listener);
        return;
    case MESSAGE_ADDRESS:
        on_address(links, &message.address);
        return;
    case MESSAGE_ADDRESS_GONE:
        on_address_gone(links, &message.address);
        return;
    case MESSAGE_DONE:
    case MESSAGE_ERROR:
        if (is_of_dump)
            on_dump_end(links, message.error, now_ms, listener);
        return;
    case MESSAGE_OTHER:
        return;
    }
}

/*
 * The kernel dropped messages for us. A dump under way is worthless, and its end asks for the next
 * one LINKS_RETRY_MS later, so that a storm of changes costs ten dumps a second at most.
 */
static void on_overrun(struct links *links)
{
    links->counts.overruns++;
    if (links->dump == DUMP_NONE)
        links->dump_wanted = true;
    else
        links->dump_broken = true;
}

/* 1: a datagram was taken; 0: there is none; -errno: the socket is of no use any more. */
static int read_one(struct links *links, uint64_t now_ms, const struct links_listener *listener)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    struct iovec room = {.iov_base = links->bytes, .iov_len = sizeof(links->bytes)};
    struct msghdr datagram = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &room, .msg_iovlen = 1};
    ssize_t len = recvmsg(nl_socket_get_fd(links->sock), &datagram, 0);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (len < 0 && errno != ENOBUFS)
        return -errno;
    if (len < 0 || datagram.msg_flags & MSG_TRUNC) {
        on_overrun(links);
        return 1;
    }
    if (from.nl_pid != 0) /* not the kernel */
        return 1;
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)links->bytes;

    for (int left = (int)len; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
        links->counts.messages++;
        on_message(links, header, now_ms, listener);
    }
    return 1;
}

int links_read(struct links *links, uint64_t now_ms, const struct links_listener *listener)
{
    int r = links->sock ? 1 : 0;

    for (int reads = 0; r > 0 && reads < LINKS_READS_MAX; reads++)
        r = read_one(links, now_ms, listener);
    if (links->addresses_differ) {
        links->addresses_differ = false;
        tell(listener, LINKS_ON_ADDRESSES, NULL, NULL);
    }
    if (r < 0)
        return reopen(links, now_ms);
    if (links->dump_wanted && links->dump == DUMP_NONE && links->sock)
        return dump_start(links, DUMP_DEVICES, now_ms);
    return 0;
}

int links_resync(struct links *links, uint64_t now_ms)
{
    if (!links->sock)
        return reopen(links, now_ms);
    links->dump_wanted = true;
    return links->dump == DUMP_NONE ? dump_start(links, DUMP_DEVICES, now_ms) : 0;
}

uint64_t links_deadline_ms(const struct links *links)
{
    return links->dump == DUMP_NONE ? links->dump_after_ms : links->dump_until_ms;
}

int links_tick(struct links *links, uint64_t now_ms)
{
    if (now_ms < links_deadline_ms(links))
        return 0;
    if (!links->sock || links->dump != DUMP_NONE)
        return reopen(links, now_ms);
    return dump_start(links, DUMP_DEVICES, now_ms);
}

const struct link_device *links_find(const struct links *links, uint32_t index)
{
    size_t position;

    return seen_find(&links->devices, &index, &position) ? seen_at(&links->devices, position)
                                                         : NULL;
}

const struct link_device *links_devices(const struct links *links, size_t *ret_count)
{
    *ret_count = links->devices.count;
    return (const struct link_device *)(const void *)links->devices.items;
}

const struct link_address *links_addresses(const struct links *links, size_t *ret_count)
{
    *ret_count = links->addresses.count;
    return (const struct link_address *)(const void *)links->addresses.items;
}

void links_counts(const struct links *links, struct links_counts *ret_counts)
{
    *ret_counts = links->counts;
}
