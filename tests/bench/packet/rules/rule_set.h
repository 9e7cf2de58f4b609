/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rule_set.h - rules and headers as the packet bench and the differential tests know them.
 *
 * One flat struct for every source: ClassBench files, our generator, adversarial sets. Rules stand
 * in the order in which they decide: the answer to a header is the index of the first rule that
 * matches and decides (allow, drop; neither log nor shadow), or BENCH_NO_RULE.
 *
 * Owns:     a set owns its rules and sets; bench_rules_fini().
 * Threads:  any, as far as nobody changes the set.
 */
#include <stdbool.h>
#include <stdint.h>

#define BENCH_NO_RULE UINT32_MAX
#define BENCH_ANY 0xff        /* dscp, glob, source_set, target_set */
#define BENCH_VLAN_ANY 0xffff /* vlan; 0 is: without a tag */
#define BENCH_SETS_MAX 16
#define BENCH_DEVICES 4 /* names in bench_devices[], patterns in bench_globs[] */

enum bench_flag {
    BENCH_NOT_SOURCE = 1, /* the source prefix, or set, must not match */
    BENCH_NOT_TARGET = 2,
    BENCH_SHADOW = 4, /* is counted, decides nothing */
};

/*
 * All fields must hold. Addresses are in network order with host bits zero, an IPv4 one in the
 * first four bytes, the rest zero. With protocol 1 or 58 and flag-free ports, the source ports are
 * the ICMP type and the target ports the code (first == last, or 0 to 65535: any).
 */
struct bench_rule {
    uint8_t source[16], target[16];
    uint16_t source_first, source_last;
    uint16_t target_first, target_last;
    uint8_t source_length, target_length;
    uint8_t family;                  /* enum fw_family */
    uint8_t protocol, protocol_mask; /* mask 0 or 0xff */
    uint8_t tcp_flags, tcp_flags_mask;
    uint8_t action; /* enum fw_action */
    uint8_t flags;  /* enum bench_flag */
    uint8_t dscp;
    uint8_t fragment;     /* enum fw_fragment; 0: any */
    uint8_t device_class; /* enum fw_class; 0: any */
    uint8_t to;           /* picket.v1.Target: 0 any, 1 self, 2 other */
    uint8_t glob;         /* index of bench_globs */
    uint8_t source_set,
        target_set; /* index of the set's sets; the prefix of that side is /0 then */
    uint16_t vlan;
    uint16_t priority; /* never falls from a rule to the next */
    uint32_t object;   /* rules of one priority stand in order of their objects; all differ */
};

/* What a packet says, by itself and by where it came in. */
struct bench_header {
    uint8_t source[16], target[16];
    uint16_t source_port, target_port; /* ICMP: type, code */
    uint8_t family, protocol;
    uint8_t tcp_flags;
    uint8_t dscp;
    uint8_t fragment;     /* enum fw_fragment; a later one has no ports, type or flags */
    uint8_t device_class; /* enum fw_class */
    uint8_t device;       /* index of bench_devices */
    bool is_to_self;
    uint16_t vlan;
    uint32_t drawn_from; /* index of the rule it was made for; BENCH_NO_RULE */
};

struct bench_prefix {
    uint8_t address[16];
    uint8_t length;
    uint8_t family;
    uint16_t zero;
    uint32_t value; /* of the list; 0 if it gives none */
};

/* Named "set0", "set1", ... in messages. */
struct bench_set {
    struct bench_prefix *prefixes; /* sorted as prefixes.h says */
    uint32_t count;
};

struct bench_rules {
    struct bench_rule *rules;
    uint32_t count;
    uint32_t capacity;
    struct bench_set *sets;
    uint32_t sets_count;
    bool is_full; /* some rule asks for more than addresses, ports, protocol */
};

struct bench_headers {
    struct bench_header *headers;
    uint32_t count;
    uint32_t capacity;
};

extern const char *const bench_devices[BENCH_DEVICES]; /* "eth0", ... */
extern const uint8_t bench_device_classes[BENCH_DEVICES];
extern const char *const bench_globs[BENCH_DEVICES];    /* "eth*", ... */
extern const uint8_t bench_glob_devices[BENCH_DEVICES]; /* bit (1 << device): that glob matches */
extern const uint8_t bench_self[2]
                               [16]; /* what is_to_self means in traces: 192.0.2.1, 2001:db8::1 */

/* What matches everything of a family and drops it. */
struct bench_rule bench_rule_any(uint8_t family);
/* TCP from zeroes to zeroes, untagged, whole, on device 0, external. */
struct bench_header bench_header_plain(uint8_t family);

/* 0 or -ENOMEM. A rule appended gets its index as its object. */
int bench_rules_append(struct bench_rules *rules, const struct bench_rule *rule);
int bench_headers_append(struct bench_headers *headers, const struct bench_header *header);

void bench_rules_fini(struct bench_rules *rules);
void bench_headers_fini(struct bench_headers *headers);

/* Priorities 0 to 65535 in even steps, for a set that was appended in order. */
void bench_rules_number(struct bench_rules *rules);

/* Does a prefix of `length` bits hold the address? */
bool bench_prefix_holds(const uint8_t *prefix, uint8_t length, const uint8_t *address);
/* Zeroes, or with `ones` sets, every bit of the address behind the first `length`. */
void bench_address_cut(uint8_t *address, uint8_t family, uint8_t length, bool ones);
