/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * box.h - a box with rules, by the way the daemon takes: messages, compiler, datapath.
 *
 * Owns:    all it reaches. Its pins are in a bpffs in a mount namespace of this program: nothing is
 *          left, however it ends.
 * Says:    what went wrong, on stderr. -1 is all that a caller gets.
 * Threads: one box a program (calls.h).
 */
#include "node/compile/compile.h"
#include "tests/bench/packet/live/calls.h"
#include "tests/bench/packet/rules/message.h"

#define BOX_BPFFS "/sys/fs/bpf"

struct box {
    struct messages *messages;
    struct compile_indexes *indexes;
    struct compile_tables *tables; /* in force; NULL: none */
    struct compile_device device;  /* devices_count 0 or 1 */
    size_t devices_count;
    struct datapath *datapath;
    bool has_bpffs;
};

/* Milliseconds. */
struct box_times {
    double compile, fill, flip;
    bool is_amended;
};

int box_open(struct box *box);
void box_close(struct box *box); /* takes all off again; accepts what is half open */

/* Native XDP on an Ethernet device. */
int box_attach(struct box *box, const char *device);

/* Only these rules and sets from here on. Making messages of them is not timed: a daemon has them.
 */
int box_publish(struct box *box, const struct bench_rules *rules, struct box_times *ret_times);

/* The same where nothing changed since the last whole box_publish() but that the objects from
 * `first` on were added: as the daemon does it then, by amend.h where that is possible. */
int box_publish_added(
    struct box *box, const struct bench_rules *rules, uint32_t first, struct box_times *ret_times);

/* Packets by reason; NULL: it failed. */
const struct datapath_count *box_reasons(struct box *box);
