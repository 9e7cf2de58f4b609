/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_abi.h - the bytes kernel and daemon agree on. A change of any of them raises FW_ABI_VERSION.
 *
 * Addresses are in network order, an IPv4 one in the first four of 16 bytes, the rest zero. All
 * other numbers are in host order. Structs have no hidden padding: map keys are compared as bytes.
 */
#include <linux/types.h>

#define FW_ABI_VERSION 2 /* the N of the pin directory vN */

#define FW_SLOTS 256         /* generations; slot 0 is lifeline only */
#define FW_SLOTS_NEAR 8      /* the slots below are reached by a direct jump */
#define FW_SHARDS_MAX 16     /* counters: shard = CPU mod shards, which are a power of two */
#define FW_REASONS_MAX 128   /* counters of reasons: index = shard * FW_REASONS_MAX + reason */
#define FW_RULES_MAX 262144  /* terminal leaf rules of one root */
#define FW_OBSERVED_MAX 1024 /* log and shadow leaf rules of one root */
#define FW_HITS_MAX 16       /* log and shadow rules counted for one packet */
#define FW_SETS_MAX 64
#define FW_CLASSES_MAX 65536 /* with class 0, "in no set" */
#define FW_GLOBS_MAX 64
#define FW_GLOB_BYTES 65
#define FW_MANAGE_MAX 64
#define FW_ETHERTYPES_MAX 8 /* configured extras */

enum fw_kind { FW_KIND_XDP, FW_KIND_TC_IN, FW_KIND_COUNT, FW_KIND_HOST = FW_KIND_COUNT };
enum fw_direction { FW_IN, FW_OUT, FW_DIRECTION_COUNT };
enum fw_family { FW_IPV4, FW_IPV6, FW_FAMILY_COUNT };

/* Same values as picket.v1.DeviceClass. */
enum fw_class {
    FW_CLASS_NONE,
    FW_CLASS_EXTERNAL,
    FW_CLASS_INTERNAL,
    FW_CLASS_CONTAINER,
    FW_CLASS_COUNT
};

enum fw_action { FW_ALLOW = 1, FW_DROP = 2, FW_LOG = 5 }; /* values of picket.v1.Action */

/*
 * The control word, map fw_word[0], read once a packet: active slot, fallback slot, deadline in
 * boot milliseconds. Deadline 0: confirmed, neither fallback nor clock is looked at. Else packets
 * at or past it use the fallback. fw_word[1] is the plan word, not read yet.
 */
#define FW_WORD(active, fallback, deadline_ms)                     \
    ((__u64)(__u8)(active) << 56 | (__u64)(__u8)(fallback) << 48 | \
        ((__u64)(deadline_ms)&FW_DEADLINE_MASK))
#define FW_DEADLINE_MASK 0xffffffffffffULL

static inline __u32 fw_word_active(__u64 word)
{
    return (__u32)(word >> 56);
}

static inline __u32 fw_word_fallback(__u64 word)
{
    return (__u32)(word >> 48) & 0xff;
}

static inline __u64 fw_word_deadline_ms(__u64 word)
{
    return word & FW_DEADLINE_MASK;
}

/* What a packet at now_ms uses. */
static inline __u32 fw_word_slot(__u64 word, __u64 now_ms)
{
    __u64 deadline_ms = fw_word_deadline_ms(word);

    return deadline_ms == 0 || now_ms < deadline_ms ? fw_word_active(word) : fw_word_fallback(word);
}

/* Per CPU and kind, permanent. The trampoline writes the slot; no later stage reads word or clock.
 */
struct fw_scratch {
    __u64 slot;
    __u32 verdict;
    __u32 flags;
};
_Static_assert(sizeof(struct fw_scratch) == 16, "fw_scratch outlives programs");

struct fw_count {
    __u64 packets; /* wire packets */
    __u64 bytes;
    __u64 last_ns; /* of a rule: of its last packet, monotonic, some milliseconds coarse */
    __u64 tick;    /* the kernel's jiffies when last_ns was read: within one it stands */
};
_Static_assert(sizeof(struct fw_count) == 32, "fw_count is read by mmap");

/* ---- what belongs to one generation */

enum fw_gen_flag {
    FW_GEN_LIFELINE_ONLY = 1, /* slot 0: no rules, what is not lifeline drops */
    FW_GEN_DRY_RUN = 2,       /* every drop becomes a counted pass */
};

enum fw_root_flag {
    FW_ROOT_SOURCE_SETS = 1, /* some rule asks for the class of the source */
    FW_ROOT_TARGET_SETS = 2,
    FW_ROOT_L4 = 4, /* some enforced rule is on ports, ICMP type or TCP flags */
};

/*
 * A forest: decision trees in a blob, ascending by their first order. What has 0 trees matches
 * nothing.
 */
#define FW_TREES_MAX 24
struct fw_forest {
    /*
     * A leaf, or 0: a few rules that came after the trees were built. Looked at first; a rule of it
     * stands before those of the trees that have its order.
     */
    __u64 late;
    __u64 trees[FW_TREES_MAX]; /* nodes, FW_NODE_... */
    __u32 count;
    __u32 zero;
};

enum fw_forest_kind { FW_ENFORCE, FW_OBSERVE, FW_FOREST_COUNT };

/* The rules of one direction and family. */
struct fw_root {
    struct fw_forest forests[FW_FOREST_COUNT];
    __u32 flags; /* enum fw_root_flag */
    __u32 zero;
};
_Static_assert(sizeof(struct fw_root) == 424, "fw_root has no padding");

/* Addresses to classes (fw_trie.h): blobs FW_BLOB_TRIE4 and FW_BLOB_TRIE6; then fw_classes[class]
 * is the sets that an address is in. */
struct fw_trie {
    __u32 root;      /* its first word in the blob */
    __u32 root_bits; /* 0: no trie, every address is of class 0 */
};

/* Map fw_gen[0]. */
struct fw_gen {
    __u32 abi;   /* FW_ABI_VERSION */
    __u32 flags; /* enum fw_gen_flag */
    struct fw_root roots[FW_DIRECTION_COUNT][FW_FAMILY_COUNT];
    struct fw_trie tries[FW_FAMILY_COUNT];
    __u16 mesh_port;
    __u16 manage_count; /* of fw_manage */
    __u16 ethertypes_count;
    __u16 ethertypes[FW_ETHERTYPES_MAX];
    __u16 zero;
    __u32 hosts_mask; /* sets of fw_hosts, less one */
    __u32 hosts_seed;
};
_Static_assert(sizeof(struct fw_gen) == 1752, "fw_gen has no padding");

/*
 * Small fields of a packet in one word, so that a rule tests all of them with one mask: protocol,
 * TCP flags, DSCP, kind of fragment (picket.v1.Fragment), own address, device class, whether there
 * is a transport header (it is no later fragment), connection state (not written yet); and, in the
 * upper half, the outer VLAN id.
 */
#define FW_WORD_PROTOCOL 0
#define FW_WORD_TCP_FLAGS 8
#define FW_WORD_DSCP 16
#define FW_WORD_FRAGMENT 22
#define FW_WORD_SELF 24
#define FW_WORD_CLASS 25
#define FW_WORD_L4 27
#define FW_WORD_STATE 28
#define FW_WORD_VLAN 32

enum fw_fragment { FW_FRAGMENT_NONE = 1, FW_FRAGMENT_FIRST = 2, FW_FRAGMENT_LATER = 3 };

/*
 * Both port ranges in one word: first and last source port, first and last target port, 16 bits
 * each from the lowest. A packet has its two ports where the firsts stand: FW_PORTS(s, 0, t, 0).
 * ICMP: its type is the source port, its code the target port.
 */
#define FW_PORTS(source_first, source_last, target_first, target_last)                  \
    ((__u64)(source_first) | (__u64)(source_last) << 16 | (__u64)(target_first) << 32 | \
        (__u64)(target_last) << 48)
#define FW_PORTS_ANY FW_PORTS(0, 0xffff, 0, 0xffff)

enum fw_rule_flag {
    FW_RULE_NOT_SOURCE = 1, /* the source prefix must not match */
    FW_RULE_NOT_TARGET = 2,
    FW_RULE_SHADOW = 4, /* counted, decides nothing */
};

/*
 * What a rule is once it matched: counter (22 bits: local index of the object), place (10: which of
 * its root's log and shadow rules it is a leaf of), order (20), action (4: enum fw_action), flags
 * (8: enum fw_rule_flag). The order of a terminal rule is its number among those of its root; that
 * of a log or shadow rule is the number of terminal rules before it.
 */
#define FW_COUNTER_NONE 0x3fffffU
#define FW_ORDER_NONE 0xfffffU
#define FW_ID(counter, place, order, action, flags)                                           \
    ((__u64)(counter) | (__u64)(place) << 22 | (__u64)(order) << 32 | (__u64)(action) << 52 | \
        (__u64)(flags) << 56)
#define FW_ID_COUNTER(id) ((__u32)(id)&FW_COUNTER_NONE)
#define FW_ID_PLACE(id) ((__u32)((id) >> 22) & 0x3ff)
#define FW_ID_ORDER(id) ((__u32)((id) >> 32) & FW_ORDER_NONE)
#define FW_ID_ACTION(id) ((__u32)((id) >> 52) & 0xf)
#define FW_ID_FLAGS(id) ((__u32)((id) >> 56))
#define FW_ID_NONE FW_ID(FW_COUNTER_NONE, 0x3ff, FW_ORDER_NONE, 0, 0)

#define FW_SET_PRESENT 0x80
#define FW_SET_NEGATE 0x40
#define FW_SET_INDEX 0x3f

/* A leaf rule with all that can be asked: lists are expanded, all fields must hold. Addresses in
 * network order. */
struct fw_rule {
    __u64 source[2];
    __u64 source_mask[2];
    __u64 target[2];
    __u64 target_mask[2];
    __u64 word;
    __u64 word_mask;
    __u64 ports;     /* FW_PORTS */
    __u64 id;        /* FW_ID */
    __u64 globs;     /* 0, or the device matches one of these globs */
    __u8 source_set; /* FW_SET_PRESENT, FW_SET_NEGATE, index */
    __u8 target_set;
    __u8 states; /* connection states, not written yet */
    __u8 zero;
    __u32 limit; /* of what is counted against a rate, not written yet */
};
_Static_assert(sizeof(struct fw_rule) == 112, "fw_rule has no padding");

/* The same for a rule that asks for neither set, glob, VLAN nor "not": addresses as numbers. */
struct fw_rule4 {
    __u64 pair; /* source << 32 | target */
    __u64 pair_mask;
    __u32 word;
    __u32 word_mask;
    __u64 ports;
    __u64 id;
};
_Static_assert(sizeof(struct fw_rule4) == 40, "fw_rule4 has no padding");

struct fw_rule6 {
    __u64 source[2]; /* high half first */
    __u64 source_mask[2];
    __u64 target[2];
    __u64 target_mask[2];
    __u32 word;
    __u32 word_mask;
    __u64 ports;
    __u64 id;
};
_Static_assert(sizeof(struct fw_rule6) == 88, "fw_rule6 has no padding");

/*
 * A blob is an array of u64, addressed by number; map fw_forest4, ... Where the kernel does not
 * take one large value it is cut into chunks of FW_CHUNK_WORDS, which no structure crosses.
 */
enum fw_blob { FW_BLOB_FOREST4, FW_BLOB_FOREST6, FW_BLOB_TRIE4, FW_BLOB_TRIE6, FW_BLOB_COUNT };
#define FW_CHUNK_SHIFT 17
#define FW_CHUNK_WORDS (1U << FW_CHUNK_SHIFT)
#define FW_BLOB_WORDS_MAX (1U << 26) /* 512 MiB */
#define FW_BLOB_READ_BYTES 3584      /* one access reads no further */

/* Constants of the programs: whoever loads them says how the blobs lie. */
struct fw_blob_shape {
    __u32 last; /* offset in bytes at which FW_BLOB_READ_BYTES can still be read */
    __u32 is_cut;
};

/*
 * A node of a tree, one u64, in an array of its siblings: order (20 bits: of the first rule below),
 * base (28), shift (6), word (3), bits (4), is full, is chained.
 *
 * bits > 0: an inner node. Its children are the 1 << bits nodes from base on; a packet's child is
 * cut[word] >> shift, bits of it. bits 0: a leaf. From base on stand `shift` rules (at most
 * FW_LEAF_MAX; ascending by order): fw_rule if full, else fw_rule4 or fw_rule6; if chained, a node
 * follows them, the leaf that goes on. A node of order FW_ORDER_NONE has nothing below.
 */
#define FW_NODE_ORDER 0
#define FW_NODE_BASE 20
#define FW_NODE_SHIFT 48
#define FW_NODE_WORD 54
#define FW_NODE_BITS 57
#define FW_NODE_FULL 61
#define FW_NODE_CHAINED 62
#define FW_NODE_NONE ((__u64)FW_ORDER_NONE)
#define FW_NODE_BITS_MAX 15
#define FW_DEPTH_MAX 16 /* inner nodes on a way */
#define FW_LEAF_MAX 12
#define FW_PASSES_A_RUN 8 /* leaves one run of the verdict stage looks at */
#define FW_PASSES_MAX 128 /* leaves of the longest walk of an enforce forest, chains included */
#define FW_LATE_MAX 32    /* rules of the late leaf, which is chained */
#define FW_PASSES_OBSERVE_MAX 96

/*
 * What trees cut: the packet as numbers. IPv4: cut[0] = source << 32 | target. IPv6: cut[0 ... 3] =
 * source, target, high halves first. Both: ports and the lower half of the small fields, and what
 * the full rule asks for.
 */
#define FW_CUT_PORTS 4 /* source port << 48 | target port << 32 | word & 0xffffffff */
#define FW_CUT_SOURCE_SETS 5
#define FW_CUT_TARGET_SETS 6
#define FW_CUT_VLAN 7 /* word >> 32 */
#define FW_CUTS 8

/*
 * A device is in fw_devices[ifindex], or above FW_DEVICES_NEAR in the hash fw_devices_far. An
 * unknown ifindex is lifeline only, as Ethernet.
 */
#define FW_DEVICES_NEAR 4096
enum fw_device_flag {
    FW_DEVICE_RAW_IP = 1,  /* no link header: tun, WireGuard, ... */
    FW_DEVICE_EXEMPT = 2,  /* everything passes, counted */
    FW_DEVICE_DHCP = 4,    /* a DHCP client listens here */
    FW_DEVICE_NO_TAGS = 8, /* XDP does not see hardware-style VLAN tags here */
    FW_DEVICE_KNOWN = 16,  /* the entry is one */
};

struct fw_device {
    __u64 globs;                       /* bit i: its name matches globs[i] of fw_policy */
    __u8 class;                        /* enum fw_class */
    __u8 flags;                        /* enum fw_device_flag */
    __u8 defaults[FW_DIRECTION_COUNT]; /* enum fw_action; 0 counts as allow */
    __u32 number;                      /* of its counters; 0: it has none of its own */
};
_Static_assert(sizeof(struct fw_device) == 16, "fw_device has no padding");

/*
 * Map fw_hosts[set]: what addresses are to this box. A table of our own: the kernel's hash costs
 * every packet a call. An address is in one of the ways of its set, or nowhere.
 */
enum fw_host_flag {
    FW_HOST_OWN = 1,
    FW_HOST_PEER = 2,
    FW_HOST_DNS = 4,
    FW_HOST_NTP = 8,
    FW_HOST_IPV6 = 16, /* the address is one */
};

#define FW_HOST_WAYS 4
#define FW_HOST_SETS_MAX 1048576 /* a power of two */
struct fw_host_set {
    __u16 flags[FW_HOST_WAYS] __attribute__((aligned(8))); /* enum fw_host_flag; 0: free */
    __u64 addresses[FW_HOST_WAYS][2];                      /* network order */
};
_Static_assert(sizeof(struct fw_host_set) == 72, "all flags are one word before the addresses");

static inline __u32 fw_host_set_of(
    const struct fw_gen *gen, __u32 family, __u64 address_0, __u64 address_1)
{
    __u64 mixed = (address_0 + family + gen->hosts_seed) * 0x9e3779b97f4a7c15ULL;

    mixed = ((mixed >> 32 ^ mixed) + address_1) * 0xd6e8feb86659fd93ULL;
    return (__u32)(mixed >> 40) & gen->hosts_mask;
}

/* Map fw_manage[0 ... manage_count - 1]: from a prefix to a port of the box itself. */
struct fw_manage {
    __u64 source[2];
    __u64 source_mask[2];
    __u8 family; /* enum fw_family */
    __u8 protocol;
    __u16 port;
    __u32 zero;
};
_Static_assert(sizeof(struct fw_manage) == 40, "fw_manage has no padding");

/* Map fw_fragments (LRU): the verdict of a first fragment, kept for 2 s. */
struct fw_fragment_key {
    __u64 source[2];
    __u64 target[2];
    __u32 id;
    __u8 direction;
    __u8 class;
    __u8 family;
    __u8 protocol; /* IPv4 only */
};
_Static_assert(sizeof(struct fw_fragment_key) == 40, "fw_fragment_key is a map key");

struct fw_fragment_kept {
    __u64 until_ns; /* bpf_ktime_get_ns */
    __u64 slot;
    __u32 drops;   /* 1 or 0 */
    __u32 counter; /* of the rule that decided, or FW_COUNTER_NONE */
};

/*
 * Map fw_mesh_sources[set]: what strangers may still send to the mesh port (D9), by source: an IPv4
 * address or an IPv6 /64. One allowance for all packets, of which one that opens a connection takes
 * as much as FW_MESH_OPEN_PACKETS: 65,536 packets or 32 openings a second, twice that at once.
 */
struct fw_mesh_source {
    __u64 source;
    __u64 whole_ns; /* bpf_ktime_get_ns at which its allowance is whole again */
};
#define FW_MESH_WAYS 4
#define FW_MESH_SETS 1024 /* a power of two */
struct fw_mesh_set {
    struct fw_mesh_source ways[FW_MESH_WAYS];
};
_Static_assert(sizeof(struct fw_mesh_set) == 64, "a set is a cache line");
#define FW_MESH_PACKET_NS 15258ULL
#define FW_MESH_OPEN_PACKETS 2048
#define FW_MESH_BURST_NS 2000000000ULL

#define FW_FRAGMENT_KEPT_NS 2000000000ULL

/*
 * Map fw_policy[0]: not read by programs. From it the entry of a device in this generation is made
 * (compile_device_entry), also by a daemon that found the generation running.
 */
struct fw_policy {
    __u32 globs_count;
    __u8 defaults[FW_DIRECTION_COUNT][FW_CLASS_COUNT]; /* enum fw_action */
    __u32 dhcp_classes;                                /* bit (1 << class): a DHCP client there */
    char globs[FW_GLOBS_MAX][FW_GLOB_BYTES];
    __u8 zero[4 - FW_GLOBS_MAX * FW_GLOB_BYTES % 4];
};

/* ---- devices as they are counted */

/*
 * Map fw_device_counts, permanent: index = shard * FW_NUMBERS + number of the device. A number is a
 * device's own until it is gone from every generation; 0 is for those that have none. Behind the
 * shards one row more, the daemon's: bytes[0] of it is the ifindex that has the number.
 */
#define FW_NUMBERS 2048
struct fw_device_count {
    __u64 packets[2]; /* wire packets: passed, dropped */
    __u64 bytes[2];
};
_Static_assert(sizeof(struct fw_device_count) == 32, "fw_device_count is read by mmap");

/* ---- sampled events */

/*
 * Map fw_event_pace[0], permanent: how far apart the events of one CPU are, and how far they may be
 * ahead of that. cost_ns 0: nobody listens.
 */
#define FW_EVENTS_BYTES 262144
struct fw_event_pace {
    __u64 cost_ns;
    __u64 ahead_ns;
};

enum fw_event_flag {
    FW_EVENT_DROPPED = 1,
    FW_EVENT_DRY_RUN = 2, /* it would have been dropped */
};

/*
 * What a packet was and what became of it; map fw_events is a ring of them. Addresses are zero
 * where the packet has none, or none was read before it dropped; all else of it likewise.
 */
struct fw_event {
    __u64 time_ns; /* CLOCK_MONOTONIC, some milliseconds coarse */
    __u64 source[2];
    __u64 target[2];
    __u32 ifindex;
    __u32 frame_bytes;
    __u32 counter;     /* of the rule that decided; FW_COUNTER_NONE */
    __u32 observed;    /* of the first log or shadow rule that matched; FW_COUNTER_NONE */
    __u16 source_port; /* ICMP type */
    __u16 target_port; /* ICMP code */
    __u16 ethertype;
    __u16 vlan;
    __u8 family; /* enum fw_family */
    __u8 protocol;
    __u8 tcp_flags;
    __u8 fragment; /* enum fw_fragment, or 0 */
    __u8 reason;   /* enum fw_reason */
    __u8 flags;    /* enum fw_event_flag */
    __u8 slot;
    __u8 observed_count; /* log and shadow rules that matched */
};
_Static_assert(sizeof(struct fw_event) == 72, "fw_event has no padding");

/* Map fw_event_cpus[0], permanent, per CPU. */
struct fw_event_cpu {
    __u64 whole_ns; /* CLOCK_MONOTONIC at which this CPU is no longer ahead */
    __u64 missed;   /* events that pace or a full ring swallowed */
    struct fw_event event;
};

/* May this CPU send one now? Then it is counted. */
static inline int fw_event_may(
    struct fw_event_cpu *cpu, const struct fw_event_pace *pace, __u64 now_ns)
{
    __u64 from_ns = cpu->whole_ns > now_ns ? cpu->whole_ns : now_ns;

    if (from_ns - now_ns > pace->ahead_ns) {
        cpu->missed++;
        return 0;
    }
    cpu->whole_ns = from_ns + pace->cost_ns;
    return 1;
}
