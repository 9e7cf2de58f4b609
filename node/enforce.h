/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * enforce.h - from the state to the kernel: devices, compile, fill, flip, counters.
 *
 * Threads: logic. Slow work runs on the datapath's worker and comes back as posts.
 * Order:   one generation is under way at a time; changes meanwhile make one more after it.
 * Fails:   a generation that cannot be compiled or filled leaves the last one in force;
 * enforce_status says why.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "node/datapath/datapath.h"

#include <stdbool.h>
#include <stdint.h>

struct enforce;
struct node;

/* Opens the datapath and the netlink watcher; attaches as devices are told. */
int enforce_new(struct node *node, struct enforce **ret_enforce, struct problem *reterr_problem);
void enforce_free(struct enforce *enforce); /* waits for the worker; accepts NULL */

/* Begins to watch devices and to compile. / No more of it; the kernel keeps what it has. */
void enforce_start(struct enforce *enforce);
void enforce_stop(struct enforce *enforce);

/* The state, a chunk or the time may have changed: compile soon. */
void enforce_state_changed(struct enforce *enforce);

/*
 * Inside the replica's STATE: the ledger holds nothing that is not on disk, and under steady writes
 * may not be so again for long. Who has waited long enough compiles now; the rest follows from the
 * loop. Never steps the replica.
 */
void enforce_state_is_whole(struct enforce *enforce);

struct enforce_status {
    const uint8_t *digest; /* 32, of the generation in force; NULL before the first */
    uint64_t revision;     /* the ledger revision it was compiled from */
    uint8_t slot;
    uint64_t flips;
    const char *enforcing; /* yes, no, cannot_enforce */
    const char *reason;    /* "" if yes */
    uint32_t rules, prefixes;
};
void enforce_status(const struct enforce *enforce, struct enforce_status *ret_status);

/* Why this object is not in force here, or "effective"; its counters here. */
const char *enforce_object(const struct enforce *enforce, const uint8_t object[OP_REF_BYTES],
    struct datapath_count *ret_count);

/* Called once a generation compiled from this revision or a later one is in force, or has failed
 * (then is_enforced is false). */
struct enforce_waiter {
    void (*fn)(struct enforce_waiter *waiter, bool is_enforced);
    uint64_t revision;
    struct enforce_waiter *next;
};
void enforce_wait(struct enforce *enforce, struct enforce_waiter *waiter);
void enforce_wait_cancel(struct enforce *enforce, struct enforce_waiter *waiter);

/* Devices as last seen, with the link's name and kind; valid until the next turn of the loop. */
const struct datapath_device *enforce_devices(const struct enforce *enforce, size_t *ret_count);
const struct link_device *enforce_link(const struct enforce *enforce, uint32_t index);
const char *enforce_class_name(const struct enforce *enforce, uint32_t index);

/* By enum fw_reason, as of the last read (at most a second old). */
const struct datapath_count *enforce_reasons(const struct enforce *enforce, size_t *ret_count);

/* Packets of a device, likewise; zeros if it is unknown. */
struct datapath_device_count enforce_device_count(const struct enforce *enforce, uint32_t index);

/* ---- sampled events: the kernel makes them only while somebody listens. */

#define ENFORCE_EVENTS_A_SECOND 1000

struct enforce_listener {
    void (*on_event)(void *user, const struct datapath_event *event);
    void (*on_missed)(void *user, uint64_t count); /* more than the cap, or than the ring held */
    void *user;
};
/* One at a time; NULL ends it. Borrowed until then. 0 or a negative errno. */
int enforce_listen(struct enforce *enforce, const struct enforce_listener *listener);

/* The object that counts at this index; NULL: it is gone. */
const uint8_t *enforce_counted(const struct enforce *enforce, uint32_t counter);
