/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * datapath.h - the kernel side of the firewall: load, pin, attach, fill, flip, count.
 *
 * Threads: calls come from the owner and return at once; one worker thread does the work in the
 *          order of the calls. Every done callback runs on that thread and must only post.
 * Bytes:   a result and what it points to live until its callback returns.
 * Packets: see one generation. A fill touches nothing that runs; a flip is one store of one u64.
 *          Closing, crashing and reopening change nothing for packets: everything is pinned.
 * Order:   slot 0 (lifeline only) and the word are in place before the first attach; a device's
 *          entry is in every loaded generation before its attach.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "node/links/links.h"
#include "node/links/mode.h"

#define DATAPATH_SLOT_LIFELINE 0
#define DATAPATH_QUEUE_MAX 8192
#define DATAPATH_REASON_BYTES 160

struct compile_tables; /* node/compile/compile.h */
struct datapath;

struct datapath_options {
    const char *bpffs; /* a mounted bpffs, such as /sys/fs/bpf; pins go below <bpffs>/picket/vN */
    const struct compile_tables *lifeline; /* of slot 0, borrowed; NULL: what every box needs */
    bool tests_force_native;               /* tests only: native XDP on a veth too */
    bool tests_cut_blobs; /* tests only: chunks, as on kernels that take no large values */
};

/*
 * Loads everything, or takes over what is pinned for this layout. A pin directory of another layout
 * is left alone. Waits for the kernel (a tenth of a second, half a second the first time): for the
 * start of the program, before the loop. Refusals say what to do: not a bpffs and how to mount one,
 * BPF not permitted, a damaged pin directory.
 */
int datapath_open(const struct datapath_options *options, struct datapath **ret_datapath,
    struct problem *reterr_problem);

/*
 * Which object counts at which index in the generation that was found running, as an earlier daemon
 * left it; nothing if it left none. Right after datapath_open(), before any other call.
 */
typedef void (*datapath_counted_fn)(void *user, uint32_t counter, const uint8_t id[OP_REF_BYTES]);
void datapath_counted(const struct datapath *datapath, datapath_counted_fn fn, void *user);

/* Finishes what was queued, then forgets. Pins, links and filters stay. Accepts NULL. */
void datapath_close(struct datapath *datapath);

/* How one device stands. */
struct datapath_device {
    uint32_t index;
    enum device_mode mode;
    bool is_protected; /* our program was seen on it at the last look */
    char reason[DATAPATH_REASON_BYTES];
};

struct datapath_count {
    uint64_t packets;
    uint64_t bytes;
    uint64_t last_ns; /* of the last packet, CLOCK_MONOTONIC, some milliseconds coarse; 0: none */
};

/* By the device it came in on, since the device is known; zero where no number was left for it. */
struct datapath_device_count {
    uint32_t index;
    struct datapath_count passed, dropped;
};

struct datapath_result {
    int code;          /* 0 or a negative errno */
    const char *why;   /* a sentence if code < 0, else "" */
    uint8_t slot;      /* fill, flip: the slot concerned */
    uint32_t repaired; /* reconcile: attachments that were missing and are back */
    const struct datapath_device *devices; /* attach: one; reconcile: all, ascending by index */
    size_t devices_count;
    const struct datapath_count *reasons; /* counters: by enum fw_reason */
    size_t reasons_count;
    const struct datapath_count
        *rules; /* counters: by the counter index of the generation in force */
    size_t rules_count;
    const struct datapath_device_count *device_counts; /* counters: ascending by index */
    size_t device_counts_count;
    uint64_t events_missed; /* counters: events that the cap swallowed, ever */
};

struct datapath_done {
    void (*fn)(struct datapath_done *done, const struct datapath_result *result);
};

/* All that follows: 0, -ENOMEM, or -ENOBUFS above DATAPATH_QUEUE_MAX; then done is never called.
 * done may be NULL where only the order matters. */

/*
 * Decides the mode, enters the device in every loaded generation, attaches. Idempotent: a device
 * that is attached stays untouched, a changed entry is rewritten. device_class is an enum fw_class.
 * A failure leaves the device in the list as DEVICE_NONE with the reason; reconcile tries again.
 */
int datapath_attach(struct datapath *datapath, const struct link_device *device,
    uint8_t device_class, struct datapath_done *done);

/* Takes our program off a device that still is here (an operator's wish). */
int datapath_detach(struct datapath *datapath, uint32_t index, struct datapath_done *done);

/* The device is gone, or in another namespace: entries, link and pin go. */
int datapath_forget(struct datapath *datapath, uint32_t index, struct datapath_done *done);

/*
 * Slot 0 takes another lifeline: what packets get where no generation runs. tables are those of
 * compile_lifeline_only(), borrowed until done. While slot 0 is in use, packets get nothing but ARP
 * for a grace period.
 */
int datapath_lifeline(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done);

/*
 * Fills a free slot beside the running generation; result.slot names it. tables are borrowed until
 * done. Failure frees the slot, keeps the running generation and says why.
 */
int datapath_fill(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done);

/* Makes sure that the next fill with tables of this size is quick: no program is to be loaded for
 * it. tables are borrowed until done. */
int datapath_prepare(
    struct datapath *datapath, const struct compile_tables *tables, struct datapath_done *done);

/*
 * One store: packets use slot from here on, and when done is called, after a grace period, none is
 * in another. deadline_ms 0: confirmed, the left slot is set aside behind done. Else boot
 * milliseconds at which packets return to the last confirmed generation by themselves; a later flip
 * of the same slot with 0 confirms it.
 */
int datapath_flip(
    struct datapath *datapath, uint8_t slot, uint64_t deadline_ms, struct datapath_done *done);

/* Looks at the kernel: puts back a missing link or filter, removes defunct links, retries
 * DEVICE_NONE. */
int datapath_reconcile(struct datapath *datapath, struct datapath_done *done);
int datapath_counters(struct datapath *datapath, struct datapath_done *done);

/* Uninstall: every program off every device, every pin of this layout gone. Only close may follow.
 */
int datapath_remove_all(struct datapath *datapath, struct datapath_done *done);

/* The slot packets use at boot time now_ms, read from the word. Any thread. */
uint8_t datapath_active_slot(const struct datapath *datapath, uint64_t now_ms);

/* ---- sampled events. The owner's thread; nothing of it waits. */

/* A packet that dropped, or that a log or shadow rule matched, as far as it was understood. */
struct datapath_event {
    uint64_t time_ns; /* CLOCK_MONOTONIC, some milliseconds coarse */
    uint8_t source[16], target[16];
    bool is_v6, has_addresses;
    bool is_dropped, is_dry_run; /* dry run: it would have been dropped */
    uint32_t ifindex;
    uint32_t frame_bytes;
    uint32_t counter;  /* of the rule that decided; UINT32_MAX: none */
    uint32_t observed; /* of the first log or shadow rule that matched; UINT32_MAX: none */
    uint16_t source_port, target_port; /* ICMP: type, code */
    uint16_t ethertype, vlan;
    uint8_t protocol, tcp_flags;
    uint8_t reason; /* enum fw_reason */
    uint8_t slot;
};
typedef void (*datapath_event_fn)(void *user, const struct datapath_event *event);

/* At most so many a second from here on, split over the CPUs that are online, and a quarter of it
 * at once; 0, as at the start: none. What is too many is counted (events_missed). */
void datapath_events_pace(struct datapath *datapath, uint32_t per_second);

/* Readable while there are events; the datapath's own. */
int datapath_events_fd(const struct datapath *datapath);

/* All that are there; fn may be NULL: they are forgotten. */
void datapath_events_read(struct datapath *datapath, datapath_event_fn fn, void *user);
