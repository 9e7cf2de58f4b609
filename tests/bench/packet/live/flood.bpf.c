/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * flood.bpf.c - writes the next header of the trace into a frame and sends it to a device. Run by
 * BPF_PROG_TEST_RUN with live frames: pages come back with what was written before, so only what
 * differs from header to header is written.
 */
#include "tests/bench/packet/live/flood.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1); /* set when loaded: a power of two */
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct flood_header);
} trace SEC(".maps");

const volatile __u32 device;
const volatile __u32 trace_mask;
__u32 next; /* one CPU runs this */

static __always_inline const struct flood_header *take_header(void)
{
    __u32 index = next++ & trace_mask;

    return bpf_map_lookup_elem(&trace, &index);
}

SEC("xdp")
int flood_ipv4(struct xdp_md *ctx)
{
    __u8 *frame = (__u8 *)(long)ctx->data;
    __u8 *ip = frame + FLOOD_ETHERNET_BYTES;
    const struct flood_header *header = take_header();

    if (!header || ip + FLOOD_IPV4_BYTES + FLOOD_L4_BYTES > (__u8 *)(long)ctx->data_end)
        return XDP_ABORTED;
    ip[9] = header->protocol;
    *(__u16 *)(ip + 10) = header->check;
    *(__u32 *)(ip + 12) = *(const __u32 *)header->source;
    *(__u32 *)(ip + 16) = *(const __u32 *)header->target;
    *(__u16 *)(ip + FLOOD_IPV4_BYTES) = header->source_port;
    *(__u16 *)(ip + FLOOD_IPV4_BYTES + 2) = header->target_port;
    return (int)bpf_redirect(device, 0);
}

SEC("xdp")
int flood_ipv6(struct xdp_md *ctx)
{
    __u8 *frame = (__u8 *)(long)ctx->data;
    __u8 *ip = frame + FLOOD_ETHERNET_BYTES;
    const struct flood_header *header = take_header();

    if (!header || ip + FLOOD_IPV6_BYTES + FLOOD_L4_BYTES > (__u8 *)(long)ctx->data_end)
        return XDP_ABORTED;
    ip[6] = header->protocol;
    __builtin_memcpy(ip + 8, header->source, 16);
    __builtin_memcpy(ip + 24, header->target, 16);
    *(__u16 *)(ip + FLOOD_IPV6_BYTES) = header->source_port;
    *(__u16 *)(ip + FLOOD_IPV6_BYTES + 2) = header->target_port;
    return (int)bpf_redirect(device, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
