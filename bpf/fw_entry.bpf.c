/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * fw_entry.bpf.c - what is attached to devices and never changes: reads the control word and calls
 * the generation's program (datapath.md D12, D13, amendments 1 and 2).
 */
#include "bpf/fw_maps.h"
#include "bpf/fw_reasons.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, __u64);
} fw_word SEC(".maps");

FW_PROGRAM_ARRAY(fw_xdp_parse_progs);
FW_PROGRAM_ARRAY(fw_tc_parse_progs);

/* The one read of word and clock; the slot is what every later stage uses. */
static __u32 pick_slot(void)
{
    __u32 zero = 0;
    volatile __u64 *word = bpf_map_lookup_elem(&fw_word, &zero);
    __u64 now, deadline_ms;

    if (!word)
        return 0;
    now = *word;
    deadline_ms = fw_word_deadline_ms(now);
    if (deadline_ms == 0)
        return fw_word_active(now);
    return fw_word_slot(now, bpf_ktime_get_boot_ns() / 1000000);
}

static __u32 enter(struct fw_scratch *scratch)
{
    __u32 slot = pick_slot();

    scratch->slot = slot;
    scratch->verdict = 0;
    scratch->flags = 0;
    return slot;
}

/*
 * Slots in use are low ones, and a call to a constant place becomes a direct jump: where indirect
 * ones are guarded against speculation it costs a fifth.
 */
static inline __attribute__((always_inline)) void call(void *ctx, const void *programs, __u32 slot)
{
    switch (slot) {
#define CALL(number)                                 \
    case number:                                     \
        bpf_tail_call_static(ctx, programs, number); \
        return;
        CALL(0)
        CALL(1)
        CALL(2)
        CALL(3)
        CALL(4)
        CALL(5)
        CALL(6)
        CALL(7)
#undef CALL
    default:
        bpf_tail_call(ctx, (void *)programs, slot);
    }
}

_Static_assert(FW_SLOTS_NEAR == 8, "a case for each");

/* No program at all: ARP, so that the box can be found, and nothing else. */
static _Bool is_arp(__u32 protocol_be, __u64 bytes)
{
    _Bool is = protocol_be == bpf_htons(ETH_P_ARP);

    fw_add_reason(fw_shard(), is ? FW_REASON_PASS_ARP : FW_REASON_DROP_STAGE, 1, bytes);
    return is;
}

/* The frame comes from memory or from another core: asked for now, it arrives while the word and
 * the tables are looked at. */
static inline __attribute__((always_inline)) void fetch(const struct xdp_md *ctx)
{
    const void *data = (const void *)(long)ctx->data, *end = (const void *)(long)ctx->data_end;

    if (data + sizeof(struct ethhdr) <= end)
        (void)*(const volatile __u8 *)data;
}

SEC("xdp")
int fw_xdp_entry(struct xdp_md *ctx)
{
    __u32 zero = 0;
    struct fw_scratch *scratch = bpf_map_lookup_elem(&fw_xdp_scratch, &zero);
    void *data, *end;

    fetch(ctx);
    if (!scratch)
        return XDP_DROP;
    call(ctx, &fw_xdp_parse_progs, enter(scratch));
    scratch->slot = 0;
    bpf_tail_call_static(ctx, &fw_xdp_parse_progs, 0);
    data = (void *)(long)ctx->data;
    end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    __u32 protocol = (void *)(eth + 1) <= end ? eth->h_proto : 0;

    return is_arp(protocol, (__u64)(end - data)) ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int fw_tc_entry(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct fw_scratch *scratch = bpf_map_lookup_elem(&fw_tc_scratch, &zero);

    if (!scratch)
        return TC_ACT_SHOT;
    call(skb, &fw_tc_parse_progs, enter(scratch));
    scratch->slot = 0;
    bpf_tail_call_static(skb, &fw_tc_parse_progs, 0);
    return is_arp(skb->protocol, skb->len) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
