/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_abi.h - the bytes kernel and daemon agree on. A change of any of them raises FW_ABI_VERSION.
 *
 * Addresses are in network order, an IPv4 one in the first four of 16 bytes, the rest zero. All
 * other numbers are in host order. Structs have no hidden padding: map keys are compared as bytes.
 */
#include <linux/types.h>

#define FW_ABI_VERSION 1 /* the N of the pin directory vN */

#define FW_SLOTS 256       /* generations; slot 0 is lifeline only */
#define FW_SHARDS_MAX 16   /* counters: shard = CPU mod shards */
#define FW_REASONS_MAX 128 /* counters of reasons: index = shard * FW_REASONS_MAX + reason */
#define FW_RULES_MAX 4096  /* leaf rules of one root */
#define FW_RULES_A_RUN 256 /* leaf rules one run of the verdict stage looks at */
#define FW_HITS_MAX 16     /* log and shadow rules counted for one packet */
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
};
_Static_assert(sizeof(struct fw_count) == 16, "fw_count is read by mmap");

/* ---- what belongs to one generation */

enum fw_gen_flag {
    FW_GEN_LIFELINE_ONLY = 1, /* slot 0: no rules, what is not lifeline drops */
    FW_GEN_DRY_RUN = 2,       /* every drop becomes a counted pass */
};

enum fw_root_flag {
    FW_ROOT_SETS = 1, /* some rule asks for the class of an address */
    FW_ROOT_L4 = 2,   /* some enforced rule is on ports, ICMP type or TCP flags */
};

/* Leaf rules first ... first + count - 1 of fw_rules, in order of (priority, object id). */
struct fw_root {
    __u32 first;
    __u32 count;
    __u32 flags; /* enum fw_root_flag */
    __u32 zero;
};

/* Map fw_gen[0]. */
struct fw_gen {
    __u32 abi;   /* FW_ABI_VERSION */
    __u32 flags; /* enum fw_gen_flag */
    struct fw_root roots[FW_DIRECTION_COUNT][FW_FAMILY_COUNT];
    __u16 mesh_port;
    __u16 manage_count; /* of fw_manage */
    __u16 ethertypes_count;
    __u16 ethertypes[FW_ETHERTYPES_MAX];
    __u16 zero;
};
_Static_assert(sizeof(struct fw_gen) == 96, "fw_gen has no padding");

/*
 * Small fields of a packet in one word, so that a rule tests all of them with one mask: protocol,
 * TCP flags, DSCP, kind of fragment (picket.v1.Fragment), own address, device class, outer VLAN id.
 */
#define FW_WORD_PROTOCOL 0
#define FW_WORD_TCP_FLAGS 8
#define FW_WORD_DSCP 16
#define FW_WORD_FRAGMENT 24
#define FW_WORD_SELF 26
#define FW_WORD_CLASS 28
#define FW_WORD_VLAN 32
#define FW_WORD_L4 44 /* the packet has a transport header: it is no later fragment */

enum fw_fragment { FW_FRAGMENT_NONE = 1, FW_FRAGMENT_FIRST = 2, FW_FRAGMENT_LATER = 3 };

enum fw_rule_flag {
    FW_RULE_NOT_SOURCE = 1, /* the source prefix must not match */
    FW_RULE_NOT_TARGET = 2,
    FW_RULE_SHADOW = 4, /* counted, decides nothing */
};

#define FW_SET_PRESENT 0x80
#define FW_SET_NEGATE 0x40
#define FW_SET_INDEX 0x3f

/* A leaf rule: lists are expanded. All fields must hold. Map fw_rules. */
struct fw_rule {
    __u64 source[2];
    __u64 source_mask[2];
    __u64 target[2];
    __u64 target_mask[2];
    __u64 word;
    __u64 word_mask;
    __u64 globs; /* 0, or the device matches one of these globs */
    __u16 source_port;
    __u16 source_port_span; /* last - first; 0 and 0xffff: any. ICMP: the type stands here */
    __u16 target_port;
    __u16 target_port_span; /* ICMP: the code */
    __u32 counter;          /* local index of the object */
    __u8 action;            /* enum fw_action */
    __u8 flags;             /* enum fw_rule_flag */
    __u8 source_set;        /* FW_SET_PRESENT, FW_SET_NEGATE, index */
    __u8 target_set;
    __u64 reserved; /* limits and connection state */
};
_Static_assert(sizeof(struct fw_rule) == 112, "fw_rule has no padding");

/* Maps fw_class4 and fw_class6 (LPM tries): address -> class; fw_classes[class] = member of which
 * sets. */
struct fw_lpm4 {
    __u32 bits;
    __u8 address[4];
};
struct fw_lpm6 {
    __u32 bits;
    __u8 address[16];
};

/* Map fw_devices: ifindex (u32) -> this. An unknown ifindex is lifeline only, as Ethernet. */
enum fw_device_flag {
    FW_DEVICE_RAW_IP = 1,  /* no link header: tun, WireGuard, ... */
    FW_DEVICE_EXEMPT = 2,  /* everything passes, counted */
    FW_DEVICE_DHCP = 4,    /* a DHCP client listens here */
    FW_DEVICE_NO_TAGS = 8, /* XDP does not see hardware-style VLAN tags here */
};

struct fw_device {
    __u64 globs;                       /* bit i: its name matches globs[i] of fw_policy */
    __u8 class;                        /* enum fw_class */
    __u8 flags;                        /* enum fw_device_flag */
    __u8 defaults[FW_DIRECTION_COUNT]; /* enum fw_action; 0 counts as allow */
    __u32 zero;
};
_Static_assert(sizeof(struct fw_device) == 16, "fw_device has no padding");

/* Map fw_hosts: address -> what it is to this box. */
enum fw_host_flag { FW_HOST_OWN = 1, FW_HOST_PEER = 2, FW_HOST_DNS = 4, FW_HOST_NTP = 8 };

struct fw_address {
    __u32 family; /* enum fw_family */
    __u8 address[16];
};
_Static_assert(sizeof(struct fw_address) == 20, "fw_address is a map key: no hidden padding");

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

#define FW_COUNTER_NONE 0xffffffffU
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
