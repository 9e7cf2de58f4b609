/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * peers.bpf.c - what ours is compared with at the same hook: programs that drop everything, that
 * only parse, and that look one address up in the kernel's LPM trie.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct lpm4 {
    __u32 bits;
    __u32 address;
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1); /* set when loaded */
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct lpm4);
    __type(value, __u32);
} prefixes SEC(".maps");

struct lpm6 {
    __u32 bits;
    __u8 address[16];
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1); /* set when loaded */
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct lpm6);
    __type(value, __u32);
} prefixes6 SEC(".maps");

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
    return XDP_DROP;
}

/* What a stateless 5-tuple firewall reads of a packet; zeroes where it ends early. */
struct seen {
    __u32 source, target; /* of IPv6: the last four bytes */
    __u32 ports;
    __u32 protocol;
};

static __always_inline void see(struct xdp_md *ctx, struct seen *seen)
{
    void *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = (void *)(long)ctx->data;
    void *l4 = eth + 1;

    if (l4 > end)
        return;
    if (eth->h_proto == bpf_htons(ETH_P_IP)) {
        struct iphdr *ip = l4;

        if ((void *)(ip + 1) > end || ip->ihl < 5)
            return;
        seen->source = ip->saddr;
        seen->target = ip->daddr;
        seen->protocol = ip->protocol;
        l4 += ip->ihl * 4;
    } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
        struct ipv6hdr *ip = l4;

        if ((void *)(ip + 1) > end)
            return;
        seen->source = ip->saddr.in6_u.u6_addr32[3];
        seen->target = ip->daddr.in6_u.u6_addr32[3];
        seen->protocol = ip->nexthdr;
        l4 = ip + 1;
    }
    if (l4 + 4 <= end)
        seen->ports = *(__u32 *)l4;
}

/* All but one packet in 2^32 drop: what was read must count for something. */
SEC("xdp")
int parse_drop(struct xdp_md *ctx)
{
    struct seen seen = {};

    see(ctx, &seen);
    return (seen.source ^ seen.target ^ seen.ports ^ seen.protocol) == 0x9e3779b9 ? XDP_PASS
                                                                                  : XDP_DROP;
}

SEC("xdp")
int lpm_drop(struct xdp_md *ctx)
{
    struct seen seen = {};
    struct lpm4 key = {.bits = 32};

    see(ctx, &seen);
    key.address = seen.source;
    return bpf_map_lookup_elem(&prefixes, &key) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int lpm6_drop(struct xdp_md *ctx)
{
    struct ethhdr *eth = (void *)(long)ctx->data;
    struct ipv6hdr *ip = (void *)(eth + 1);
    struct lpm6 key = {.bits = 128};

    if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IPV6))
        return XDP_PASS;
    __builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
    return bpf_map_lookup_elem(&prefixes6, &key) ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
