/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * compile.h - from the state to the tables of one generation.
 *
 * Owns:     the tables and all they point to; compile_tables_free().
 * Steps:    compile_run() reads the ledger; compile_build() makes of it what the kernel walks.
 * I/O:      none; no clock: the effective time is in the input.
 * Threads:  one per ledger and per struct compile_indexes.
 * Fails:    -ENOMEM; -E2BIG with a sentence when a limit of the node is exceeded: keep the last
 *           generation, report cannot_enforce. A rule this version cannot enforce is left out by
 *           itself and says so in `objects`.
 * Pure:     tables are a function of the input; local indexes also of the inputs before it.
 */
#include "base/bytes.h"
#include "base/problem.h"
#include "bpf/fw_abi.h"
#include "bpf/fw_reasons.h"
#include "node/compile/amendable.h"
#include "node/compile/blob.h"
#include "node/compile/forest.h"
#include "node/compile/trie.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <stdbool.h>

struct ledger;
#define COMPILE_DEVICES_MAX 65536

struct compile_indexes; /* indexes.h */

/* ---- input */

struct compile_device {
    uint32_t index;
    const char *name;
    uint16_t link_type;   /* ARPHRD_... */
    uint8_t device_class; /* enum fw_class */
    bool is_exempt;       /* frames pass: uppers, and what configuration says */
    bool is_xdp;          /* native XDP: it does not see hardware-style VLAN tags */
    uint32_t number;      /* of its counters, where it is known */
};

struct compile_manage {
    uint8_t address[16];
    bool is_v6;
    uint8_t length;
    uint8_t protocol; /* 6, 17, 132 */
    uint16_t port;
};

struct compile_host {
    uint8_t address[16]; /* IPv4 in the first four */
    bool is_v6;
    uint8_t flags; /* enum fw_host_flag: own, peer, dns, ntp. One address may stand several times */
};

/* The lifeline: local, never replicated (datapath.md D9, amendment 7). Borrowed during the call. */
struct compile_lifeline {
    uint16_t mesh_port;    /* 0: none */
    uint32_t dhcp_classes; /* bit (1 << enum fw_class): a DHCP client listens on such devices */
    const struct compile_host *hosts;
    size_t hosts_count;
    const struct compile_manage *manage; /* at most FW_MANAGE_MAX */
    size_t manage_count;
    const uint16_t *ethertypes; /* extras that pass, at most FW_ETHERTYPES_MAX */
    size_t ethertypes_count;
};

struct compile_input {
    struct ledger *ledger; /* NULL: no rules */
    Picket__V1__Label *const *labels;
    size_t labels_count;
    uint64_t time_s; /* effective time, unix seconds */
    const struct compile_device *devices;
    size_t devices_count;
    const struct compile_lifeline *lifeline;
    bool is_dry_run;
    struct compile_indexes *indexes;
    /* The bytes of a chunk, borrowed until the next call; false if it is not here. */
    bool (*chunk)(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk);
    /* 32 bytes over any bytes; BLAKE2b of store/keys. */
    void (*hash)(struct bytes message, uint8_t ret_hash[HASH_BYTES]);
    void *user;
};

/* ---- output */

enum compile_status {
    COMPILE_EFFECTIVE,
    COMPILE_EXPIRED,             /* valid_until is past */
    COMPILE_NOT_YET,             /* valid_from is to come */
    COMPILE_OUT_OF_SCOPE,        /* this node's labels do not match */
    COMPILE_WAITING_FOR_CONTENT, /* its changeset has a set of which a chunk is missing */
    COMPILE_CANNOT_ENFORCE,      /* this version or this node cannot: `why` */
    COMPILE_MALFORMED,           /* set content; compiles as empty */
    COMPILE_DELETED,             /* a conflict in which the delete wins */
    COMPILE_STATUS_COUNT,
};

/* "effective", "waiting_for_content", ... */
const char *compile_status_word(enum compile_status status);

/* Every object of the ledger, ascending by id. */
struct compile_object {
    uint8_t id[OP_REF_BYTES];
    uint8_t kind;    /* enum object_kind */
    uint8_t status;  /* enum compile_status */
    bool is_counted; /* a rule with a counter */
    bool is_fresh; /* no generation in force counted for it yet: zero its counter before the flip */
    uint32_t counter;  /* local index, if is_counted */
    uint32_t elements; /* live elements of a set */
    const char *why;   /* a sentence; "" if effective */
};

/* Flat, exactly as the maps want it. */
/* The leaf rules of one forest, ascending by order. */
struct compile_leaves {
    struct fw_rule *items;
    uint32_t count;
};
/* The prefixes of one family's sets, as trie_build() wants them. */
struct compile_rows {
    struct trie_row *items;
    uint32_t count;
};
struct compile_device_row {
    uint32_t index;
    struct fw_device device;
};

struct compile_tables {
    struct fw_gen gen;
    struct fw_policy policy;
    struct compile_leaves leaves[FW_FAMILY_COUNT][FW_FOREST_COUNT];
    struct compile_rows rows[FW_FAMILY_COUNT];
    struct blob blobs[FW_BLOB_COUNT]; /* out of leaves and rows: compile_build() */
    struct forest_shape shapes[FW_FAMILY_COUNT][FW_FOREST_COUNT];
    struct compile_amendable amendable; /* amend.h */
    uint64_t *classes;                  /* by class; [0] is 0 */
    uint32_t classes_count;
    struct compile_device_row *devices;
    uint32_t devices_count;
    struct fw_host_set *hosts;
    uint32_t hosts_count; /* sets, a power of two */
    struct fw_manage *manage;
    uint32_t manage_count;

    struct compile_object *objects;
    uint32_t objects_count;
    uint32_t counters_count;  /* local indexes are below this: how large fw_rule_counts must be */
    uint32_t rules_effective; /* rules and prefixes in force, for the status */
    uint32_t prefixes_effective;
    bool is_waiting;            /* some object waits for content */
    uint64_t next_change_s;     /* compile again at this time; UINT64_MAX: time changes nothing */
    uint8_t digest[HASH_BYTES]; /* over the ordered, scoped, effective rules, sets and defaults */
};

/* Everything but the blobs. */
int compile_run(const struct compile_input *input, struct compile_tables **ret_tables,
    struct problem *reterr_problem);

/* The same over objects the caller has, ascending by id; input->ledger (may be NULL) is only asked
 * for the additions of sets. */
struct ledger_object;
int compile_objects(const struct compile_input *input, struct ledger_object *objects,
    uint32_t objects_count, struct compile_tables **ret_tables, struct problem *reterr_problem);

/* The tables of slot 0: the lifeline, no rules. The rest of the input but devices is ignored. */
int compile_lifeline_only(const struct compile_input *input, struct compile_tables **ret_tables,
    struct problem *reterr_problem);

/*
 * The blobs out of the leaves and rows, which is most of the time that compiling takes, and the
 * roots in gen. Needs nothing but the tables: any thread. -ENOMEM, or -E2BIG with a sentence.
 */
int compile_build(struct compile_tables *tables, struct problem *reterr_problem);

/* What was built of tables that are the same (compile_is_same()) goes to others, which were not. */
void compile_take_built(struct compile_tables *to, struct compile_tables *from);

/* Once the kernel has them: the largest part of the tables goes. */
void compile_blobs_drop(struct compile_tables *tables);

void compile_tables_free(struct compile_tables *tables); /* accepts NULL */

/* The entry of a device that appeared after the generation was compiled: enter it before attach. */
void compile_device_entry(const struct fw_policy *policy, const struct compile_device *device,
    struct fw_device *ret_device);

/* Would the kernel see no difference? */
bool compile_is_same(const struct compile_tables *a, const struct compile_tables *b);

/* NULL if unknown. */
const struct compile_object *compile_object_find(
    const struct compile_tables *tables, const uint8_t id[OP_REF_BYTES]);

/* Does a device name match a glob (* ? [a-z] [!a])? */
bool compile_glob_matches(const char *glob, const char *name);
