/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * links.h - which network devices this namespace has, by dump and by listening.
 *
 * I/O:     one non-blocking netlink descriptor; nothing here waits. The caller watches links_fd().
 * Time:    a parameter, boot or monotonic milliseconds that never go back.
 * Threads: one, whoever reads. No state is shared.
 * Loss:    an overrun of the socket, a broken dump and a reopened socket end in a full dump whose
 *          difference to what is known is told as ordinary events.
 * Never:   waits for operstate, takes an AF_BRIDGE message for a deletion, tells a thing twice.
 */
#include "base/problem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NAME_BYTES 16
#define LINK_KIND_BYTES 16
#define LINKS_DEVICES_MAX 65536
#define LINKS_ADDRESSES_MAX 65536

/* What the kernel says of one device. */
struct link_device {
    uint32_t index;        /* ifindex, never 0 */
    uint32_t master_index; /* bridge or bond it is a port of; 0: none */
    uint32_t lower_index;  /* IFLA_LINK: the other end of a veth, the parent of a VLAN; 0: none */
    uint32_t mtu;
    uint32_t
        xdp_program_id; /* of whatever XDP program it carries; 0: none. Its change is no event */
    uint16_t link_type; /* ARPHRD_... */
    bool is_up;         /* IFF_UP, not operstate */
    bool is_loopback;
    bool is_lower_foreign; /* lower_index counts in another namespace */
    char name[LINK_NAME_BYTES];
    char kind[LINK_KIND_BYTES]; /* IFLA_INFO_KIND: veth, bridge, tun ...; empty: hardware or lo */
};

/* Bridge, VLAN, bond, team and other devices that only repeat frames of lower devices of this box.
 */
bool link_is_upper(const struct link_device *device);

struct link_address {
    uint32_t device_index;
    uint8_t family; /* AF_INET or AF_INET6 */
    uint8_t prefix_bits;
    uint16_t zero;
    uint8_t address[16]; /* IPv4 in the first four bytes, the rest zero */
};

enum links_event_kind {
    LINKS_ON_APPEARED,
    LINKS_ON_CHANGED,   /* name, up, kind, link type, master, lower or mtu; `was` is how it stood
                           before */
    LINKS_ON_GONE,      /* also when it moved to another namespace */
    LINKS_ON_ADDRESSES, /* links_addresses() differs; at most once per links_read() */
    LINKS_ON_SYNCED,    /* a dump has ended: what is known is what the kernel has */
};

struct links_event {
    enum links_event_kind kind;
    const struct link_device *device; /* APPEARED, CHANGED, GONE; valid during the callback */
    const struct link_device *was;    /* CHANGED */
};

struct links_listener {
    void *user;
    void (*fn)(void *user, const struct links_event *event);
};

struct links_options {
    uint32_t receive_bytes; /* socket buffer wanted; 0: LINKS_RECEIVE_BYTES. Forced if we may */
};
#define LINKS_RECEIVE_BYTES (8 * 1024 * 1024)

struct links;

/* Joins the groups, then asks for the first dump; its result comes by links_read(). */
int links_open(const struct links_options *options, uint64_t now_ms, struct links **ret_links,
    struct problem *reterr_problem);

/* Accepts NULL. */
void links_close(struct links *links);

/* Readable when there is something to read. Stays the same for the life of links. */
int links_fd(const struct links *links);

/*
 * Reads until the descriptor is empty or LINKS_READS_MAX messages were taken (it is then still
 * readable), and tells the listener. The listener must not call links_read or links_close. 0, or a
 * negative errno when even a new socket cannot be had: call again after links_deadline_ms().
 */
#define LINKS_READS_MAX 256
int links_read(struct links *links, uint64_t now_ms, const struct links_listener *listener);

/* Asks for a dump, at once or after the one under way. */
int links_resync(struct links *links, uint64_t now_ms);

/* When links_tick() wants to be called: the reconciling dump, a retry, a dump that never ended. */
uint64_t links_deadline_ms(const struct links *links);
int links_tick(struct links *links, uint64_t now_ms);
#define LINKS_RECONCILE_MS 10000
#define LINKS_RETRY_MS 100
#define LINKS_DUMP_MS 5000

/* NULL if unknown. Valid until the next links_read(). */
const struct link_device *links_find(const struct links *links, uint32_t index);

/* All known, ascending by index. Valid until the next links_read(). */
const struct link_device *links_devices(const struct links *links, size_t *ret_count);
const struct link_address *links_addresses(const struct links *links, size_t *ret_count);

struct links_counts {
    uint64_t messages, overruns, reopened, dumps, dumps_broken,
        refused; /* refused: above a maximum */
};
void links_counts(const struct links *links, struct links_counts *ret_counts);
