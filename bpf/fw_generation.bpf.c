/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * fw_generation.bpf.c - the programs of one generation, loaded once for each with maps of its own.
 * Two stages a kind: parse until the rules, then the walk over the rules of the family, which calls
 * itself until something decides.
 */
#include "bpf/fw_kernel.h"

#include "bpf/fw_decide.h"

#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>

/* Parse; for each of the two forests one run more than the full ones; a match of a log rule ends a
 * pass, too. */
_Static_assert(1 + FW_PASSES_MAX / FW_PASSES_A_RUN + 1 +
                       (FW_PASSES_OBSERVE_MAX + FW_HITS_MAX) / FW_PASSES_A_RUN + 1 <=
                   33,
    "the walk must end before the kernel's limit of tail calls");

int fw_xdp_verdict4(struct xdp_md *packet);
int fw_xdp_verdict6(struct xdp_md *packet);
int fw_tc_verdict4(struct __sk_buff *packet);
int fw_tc_verdict6(struct __sk_buff *packet);

/* The generation's own, so that a stage calls the next at a constant place, which is a direct jump.
 */
#define FW_VERDICTS(name, ipv4, ipv6)          \
    struct {                                   \
        __uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
        __uint(max_entries, FW_FAMILY_COUNT);  \
        __uint(key_size, sizeof(__u32));       \
        __array(values, int(void *));          \
    } name SEC(".maps") = {.values = {[FW_IPV4] = (void *)&(ipv4), [FW_IPV6] = (void *)&(ipv6)}}

FW_VERDICTS(fw_xdp_verdicts, fw_xdp_verdict4, fw_xdp_verdict6);
FW_VERDICTS(fw_tc_verdicts, fw_tc_verdict4, fw_tc_verdict6);

/* By kind: the key between the stages. */
FW_MAP(fw_work, BPF_MAP_TYPE_PERCPU_ARRAY, FW_KIND_COUNT, __u32, struct fw_key);

#define STAGE_ON 2 /* neither pass nor drop: on to the next stage */

fw_inline int stage_end(
    const struct fw_env *env, const struct fw_gen *gen, struct fw_key *key, enum fw_reason reason)
{
    if (reason == FW_REASON_NONE)
        return STAGE_ON;
    return fw_finish(env, gen, key, reason) ? 1 : 0;
}

/* Where there is a link header of which we know, offsets count from it: packets in pieces cost
 * nothing then. Else the kernel knows best where IP begins: sit, gre and others leave the outer
 * header in front of it, tun nothing. */
fw_inline _Bool is_at_network(const struct fw_env *env, const struct fw_device *device)
{
    return env->kind != FW_KIND_XDP && fw_is_ip(env->kernel_type) &&
           (!device || (device->flags & FW_DEVICE_RAW_IP));
}

fw_inline const struct fw_device *find_device(__u32 ifindex)
{
    const struct fw_device *device;

    if (ifindex >= FW_DEVICES_NEAR)
        return bpf_map_lookup_elem(&fw_devices_far, &ifindex);
    device = bpf_map_lookup_elem(&fw_devices, &ifindex);
    return device && (device->flags & FW_DEVICE_KNOWN) ? device : 0;
}

fw_inline int parse_stage(struct fw_env *env, __u32 ifindex, struct fw_scratch *scratch)
{
    __u32 zero = 0, kind = env->kind;
    struct fw_gen *gen = bpf_map_lookup_elem(&fw_gen, &zero);
    struct fw_key *key = bpf_map_lookup_elem(&fw_work, &kind);
    const struct fw_device *device = find_device(ifindex);

    if (!gen || !key)
        return 1;
    fw_key_open(key, ifindex, device, scratch->slot);
    key->wire_packets = env->wire_packets;
    key->frame_bytes = env->frame_bytes;
    env->is_at_network = is_at_network(env, device);
    return stage_end(env, gen, key, fw_begin(env, gen, device, key));
}

fw_inline int verdict_stage(struct fw_env *env, __u32 family)
{
    __u32 zero = 0, kind = env->kind;
    struct fw_gen *gen = bpf_map_lookup_elem(&fw_gen, &zero);
    struct fw_key *key = bpf_map_lookup_elem(&fw_work, &kind);

    if (!gen || !key)
        return 1;
    env->wire_packets = key->wire_packets;
    env->frame_bytes = key->frame_bytes;
    return stage_end(env, gen, key, fw_decide(env, gen, key, family));
}

fw_inline struct fw_env open_xdp(struct xdp_md *xdp)
{
    return (struct fw_env){.ctx = xdp,
        .kind = FW_KIND_XDP,
        .shard = fw_shard(),
        .frame_bytes = (__u32)((long)xdp->data_end - (long)xdp->data),
        .wire_packets = 1};
}

fw_inline struct fw_env open_tc(struct __sk_buff *skb)
{
    __u32 segments = skb->gso_segs;

    return (struct fw_env){.ctx = skb,
        .kind = FW_KIND_TC_IN,
        .shard = fw_shard(),
        .frame_bytes = skb->len,
        .wire_packets = segments ? segments : 1,
        .kernel_type = bpf_ntohs((__u16)skb->protocol)};
}

/* Which program goes on: of the packet's family. */
fw_inline _Bool is_ipv6(__u32 kind)
{
    const struct fw_key *key = bpf_map_lookup_elem(&fw_work, &kind);

    return key && key->family == FW_IPV6;
}

SEC("xdp")
int fw_xdp_parse(struct xdp_md *xdp)
{
    __u32 zero = 0;
    struct fw_env env = open_xdp(xdp);
    struct fw_scratch *scratch = bpf_map_lookup_elem(&fw_xdp_scratch, &zero);
    int verdict = scratch ? parse_stage(&env, xdp->ingress_ifindex, scratch) : 1;

    if (verdict == STAGE_ON && scratch) {
        if (is_ipv6(FW_KIND_XDP))
            bpf_tail_call_static(xdp, &fw_xdp_verdicts, FW_IPV6);
        else
            bpf_tail_call_static(xdp, &fw_xdp_verdicts, FW_IPV4);
        fw_count_reason(&env, FW_REASON_DROP_STAGE);
    }
    return verdict == 0 ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int fw_tc_parse(struct __sk_buff *skb)
{
    __u32 zero = 0;
    struct fw_env env = open_tc(skb);
    struct fw_scratch *scratch = bpf_map_lookup_elem(&fw_tc_scratch, &zero);
    int verdict = scratch ? parse_stage(&env, skb->ifindex, scratch) : 1;

    if (verdict == STAGE_ON && scratch) {
        if (is_ipv6(FW_KIND_TC_IN))
            bpf_tail_call_static(skb, &fw_tc_verdicts, FW_IPV6);
        else
            bpf_tail_call_static(skb, &fw_tc_verdicts, FW_IPV4);
        fw_count_reason(&env, FW_REASON_DROP_STAGE);
    }
    return verdict == 0 ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* The verdict program of a kind and family. */
#define VERDICT(name, section, context, of_kind, of_family, programs, pass, drop)    \
    SEC(section)                                                                     \
    int name(context *packet)                                                        \
    {                                                                                \
        struct fw_env env = {.ctx = packet, .kind = (of_kind), .shard = fw_shard()}; \
        int verdict = verdict_stage(&env, of_family);                                \
                                                                                     \
        if (verdict == STAGE_ON) {                                                   \
            bpf_tail_call_static(packet, &programs, of_family);                      \
            fw_count_reason(&env, FW_REASON_DROP_STAGE);                             \
        }                                                                            \
        return verdict == 0 ? (pass) : (drop);                                       \
    }

VERDICT(fw_xdp_verdict4, "xdp", struct xdp_md, FW_KIND_XDP, FW_IPV4, fw_xdp_verdicts, XDP_PASS,
    XDP_DROP)
VERDICT(fw_xdp_verdict6, "xdp", struct xdp_md, FW_KIND_XDP, FW_IPV6, fw_xdp_verdicts, XDP_PASS,
    XDP_DROP)
VERDICT(fw_tc_verdict4, "tc", struct __sk_buff, FW_KIND_TC_IN, FW_IPV4, fw_tc_verdicts,
    TC_ACT_UNSPEC, TC_ACT_SHOT)
VERDICT(fw_tc_verdict6, "tc", struct __sk_buff, FW_KIND_TC_IN, FW_IPV6, fw_tc_verdicts,
    TC_ACT_UNSPEC, TC_ACT_SHOT)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
