/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* enforce_inside.h - what enforce.c and enforce_amend.c share. */
#include "node/compile/compile.h"
#include "node/enforce.h"
#include "node/inputs.h"
#include "node/job.h"
#include "rpc/loop.h"

#define NS_PER_MS 1000000ULL
#define SETTLE_NS (2 * NS_PER_MS) /* a burst of writes makes one generation */

/*
 * How few changes of many rules get into force before a whole generation is there (node/compile/
 * amend.h): the running tables are amended and filled again. The whole one, with the digest,
 * follows when writes pause.
 */
struct amend_way {
    struct rpc_timer timer;
    uint64_t revision; /* the ledger's, up to which amendments are in force; 0: none are */
    uint64_t coming;   /* that of the one on its way */
    bool is_busy;      /* one is on its way: running is the datapath's, too */
    bool is_wanted;
    bool is_off; /* until the next generation: one came without what had been amended */
};

/* Who listens to sampled events. */
struct listening {
    const struct enforce_listener *listener; /* NULL: nobody */
    struct rpc_watch *watch;
    uint64_t missed; /* by the kernel, ever, as last read */
    bool is_missed_known;
};

/* One generation on its way: compiled -> built -> filled -> flipped. */
struct enforce {
    struct node *node;
    struct builder *builder;
    struct datapath *datapath;
    struct devices *devices;
    struct compile_tables *running, *coming; /* coming: the builder's, then the datapath's */
    struct compile_tables *lifeline, *lifeline_coming; /* of slot 0 */
    uint64_t running_revision, coming_revision;        /* the ledger's, as they were compiled */
    struct amend_way amend;
    struct rpc_timer compile, counters, reconcile;
    struct enforce_waiter *waiters;
    struct inputs inputs; /* of the compiler */
    struct datapath_count *reasons, *rules;
    size_t reasons_count, rules_count;
    struct datapath_device_count *device_counts;
    size_t device_counts_count;
    struct listening listening;
    uint64_t waiting_since_ns; /* for chunks of sets; 0: for none */
    uint64_t flips;
    uint8_t slot;
    bool is_dirty, is_busy, is_stopping, is_counting;
    bool is_built;   /* coming waits for an amendment that is on its way */
    bool is_filling; /* coming is the datapath's */
    uint64_t dirty_since_ns;
    bool is_compiled; /* ahead of the timer, which goes on with it */
    int compiled;     /* its result and sentence */
    struct problem compile_problem;
    char failure[DATAPATH_REASON_BYTES]; /* "": none */
};

/* ---- enforce.c */

void enforce_schedule(struct enforce *enforce, uint64_t in_ns);
void enforce_tell_waiters(struct enforce *enforce, uint64_t revision, bool is_enforced);
/* These tables are in force: counters that start at zero now have done so. */
void enforce_forget_fresh(struct enforce *enforce, struct compile_tables *tables);
/* Until the list of devices is complete, and while a write is between ledger and disk, it is too
 * early. */
bool enforce_is_settled(const struct enforce *enforce);
/* An amendment has ended: what waited for it goes on. */
void enforce_go_on(struct enforce *enforce);

/* ---- enforce_amend.c */

void enforce_amend_due(struct rpc_timer *timer);
/* Something changed: amends soon if that is possible. False: a whole generation is next. */
bool enforce_amend_soon(struct enforce *enforce);
/* Amends now if one is wanted and possible. */
void enforce_amend_if_wanted(struct enforce *enforce);
/* A generation has settled: the next one shall not have to load programs. */
void enforce_amend_prepare(struct enforce *enforce);
/* Before coming is filled: it must not lack what is in force. False: it would. */
bool enforce_amend_coming(struct enforce *enforce);

/* ---- enforce_events.c */

/* The kernel's count of events that the cap swallowed was read. */
void enforce_events_missed(struct enforce *enforce, uint64_t missed);
