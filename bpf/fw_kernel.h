/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/* fw_kernel.h - fw_env.h as the kernel answers it: maps, the frame of XDP and of tc. */
#include "bpf/fw_maps.h"

#include "bpf/fw_env.h"

#define FW_MAP(name, map_type, entries, key_type, value_type) \
    struct {                                                  \
        __uint(type, map_type);                               \
        __uint(max_entries, entries);                         \
        __type(key, key_type);                                \
        __type(value, value_type);                            \
    } name SEC(".maps")

#define FW_MAP_FLAGS(name, map_type, entries, key_type, value_type, flags) \
    struct {                                                               \
        __uint(type, map_type);                                            \
        __uint(max_entries, entries);                                      \
        __uint(map_flags, flags);                                          \
        __type(key, key_type);                                             \
        __type(value, value_type);                                         \
    } name SEC(".maps")

/* One value, or chunks: the loader says how large (README.md) and sets fw_blob_shapes. */
#define FW_BLOB_MAP(name)                                       \
    struct {                                                    \
        __uint(type, BPF_MAP_TYPE_ARRAY);                       \
        __uint(map_flags, BPF_F_MMAPABLE);                      \
        __uint(max_entries, 1);                                 \
        __uint(key_size, sizeof(__u32));                        \
        __uint(value_size, sizeof(__u64) + FW_BLOB_READ_BYTES); \
    } name SEC(".maps")

FW_BLOB_MAP(fw_forest4);
FW_BLOB_MAP(fw_forest6);
FW_BLOB_MAP(fw_trie4);
FW_BLOB_MAP(fw_trie6);

/* Sizes are the loader's (README.md). */
FW_MAP(fw_gen, BPF_MAP_TYPE_ARRAY, 1, __u32, struct fw_gen);
FW_MAP(fw_policy, BPF_MAP_TYPE_ARRAY, 1, __u32, struct fw_policy);
FW_MAP(fw_classes, BPF_MAP_TYPE_ARRAY, 1, __u32, __u64);
FW_MAP(fw_manage, BPF_MAP_TYPE_ARRAY, FW_MANAGE_MAX, __u32, struct fw_manage);
FW_MAP(fw_mesh_sources, BPF_MAP_TYPE_ARRAY, FW_MESH_SETS, __u32, struct fw_mesh_set);
FW_MAP(fw_hosts, BPF_MAP_TYPE_ARRAY, 1, __u32, struct fw_host_set);
FW_MAP(fw_fragments, BPF_MAP_TYPE_LRU_HASH, 4096, struct fw_fragment_key, struct fw_fragment_kept);
FW_MAP(fw_devices, BPF_MAP_TYPE_ARRAY, FW_DEVICES_NEAR, __u32, struct fw_device);
FW_MAP_FLAGS(fw_devices_far, BPF_MAP_TYPE_HASH, 65536, __u32, struct fw_device, BPF_F_NO_PREALLOC);
FW_MAP_FLAGS(fw_rule_counts, BPF_MAP_TYPE_ARRAY, 1, __u32, struct fw_count, BPF_F_MMAPABLE);

const volatile __u32 fw_rule_counters = 0;

/* The last offset at which FW_BLOB_READ_BYTES can be read, and whether the blob is cut in chunks.
 */
const volatile struct fw_blob_shape fw_blob_shapes[FW_BLOB_COUNT];

/* kind is a constant wherever this is inlined, so each program keeps one half. */
struct fw_env {
    void *ctx;
    __u32 kind;
    __u32 shard; /* fw_shard() */
    __u32 frame_bytes;
    __u32 wire_packets;
    __u32 kernel_type;
    __u32 is_at_network;
};

/*
 * In words, from wherever: left to itself the compiler copies bytes, as it cannot know that what
 * verifies here reads unaligned. len is a constant.
 */
fw_inline void fw_copy(void *to, const void *from, __u32 len)
{
    typedef __u32 word __attribute__((may_alias));
    typedef __u16 half __attribute__((may_alias));

    FW_UNROLL
    for (__u32 i = 0; i + 4 <= len; i += 4)
        *(word *)(to + i) = *(const word *)(from + i);
    if (len & 2)
        *(half *)(to + (len & ~3U)) = *(const half *)(from + (len & ~3U));
    if (len & 1)
        *(__u8 *)(to + len - 1) = *(const __u8 *)(from + len - 1);
}

fw_inline _Bool fw_load_xdp(const struct xdp_md *xdp, __u32 offset, void *to, __u32 len)
{
    void *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;

    /* Bounded where the verifier looks, not where the compiler thinks it knows. */
    asm volatile("%0 &= 0x3ff" : "+r"(offset));
    data += offset;
    if (data + len > end)
        return 0;
    fw_copy(to, data, len);
    return 1;
}

#define FW_PULL_BYTES 1600 /* headers, and whatever stands before them */

/* The kernel reads what lies in one piece only; a packet in pieces is put together first. */
fw_inline _Bool fw_load_network(struct __sk_buff *skb, __u32 offset, void *to, __u32 len)
{
    __u32 all = skb->len;

    if (bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET) == 0)
        return 1;
    return bpf_skb_pull_data(skb, all < FW_PULL_BYTES ? all : FW_PULL_BYTES) == 0 &&
           bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET) == 0;
}

fw_inline _Bool fw_load(const struct fw_env *env, __u32 offset, void *to, __u32 len)
{
    if (env->kind == FW_KIND_XDP)
        return fw_load_xdp(env->ctx, offset, to, len);
    if (env->is_at_network)
        return fw_load_network(env->ctx, offset, to, len);
    return bpf_skb_load_bytes(env->ctx, offset, to, len) == 0;
}

fw_inline __u32 fw_frame_len(const struct fw_env *env)
{
    return env->frame_bytes;
}

fw_inline __u32 fw_kernel_type(const struct fw_env *env)
{
    return env->kind == FW_KIND_XDP ? 0 : env->kernel_type;
}

fw_inline _Bool fw_is_at_network(const struct fw_env *env)
{
    return env->kind != FW_KIND_XDP && env->is_at_network;
}

fw_inline _Bool fw_stripped_tag(const struct fw_env *env, __u32 *ret_tci)
{
    struct __sk_buff *skb = env->ctx;

    if (env->kind == FW_KIND_XDP || !skb->vlan_present)
        return 0;
    *ret_tci = skb->vlan_tci;
    return 1;
}

fw_inline __u64 fw_now_ns(const struct fw_env *env)
{
    (void)env;
    return bpf_ktime_get_ns();
}

/* blob is a constant: one lookup is left. */
fw_inline const void *fw_blob_chunk(enum fw_blob blob, __u32 chunk)
{
    switch (blob) {
    case FW_BLOB_FOREST4:
        return bpf_map_lookup_elem(&fw_forest4, &chunk);
    case FW_BLOB_FOREST6:
        return bpf_map_lookup_elem(&fw_forest6, &chunk);
    case FW_BLOB_TRIE4:
        return bpf_map_lookup_elem(&fw_trie4, &chunk);
    default:
        return bpf_map_lookup_elem(&fw_trie6, &chunk);
    }
}

fw_inline const void *fw_blob_whole(const struct fw_env *env, enum fw_blob blob)
{
    (void)env;
    return fw_blob_chunk(blob, 0);
}

fw_inline const void *fw_blob_at(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u32 at)
{
    __u64 offset = (__u64)at << 3;

    (void)env;
    if (fw_blob_shapes[blob].is_cut) {
        whole = fw_blob_chunk(blob, at >> FW_CHUNK_SHIFT);
        offset = (__u64)(at & (FW_CHUNK_WORDS - 1)) << 3;
    }
    if (!whole || offset > fw_blob_shapes[blob].last)
        return 0;
    return whole + offset;
}

/* The innermost step of a walk: no check that is not needed. */
fw_inline __u64 fw_blob_word(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u64 at, __u64 otherwise)
{
    __u64 offset = at << 3;

    if (fw_blob_shapes[blob].is_cut) {
        const __u64 *word = fw_blob_at(env, blob, whole, (__u32)at);

        return word ? *word : otherwise;
    }
    if (offset > fw_blob_shapes[blob].last)
        return otherwise;
    return *(const __u64 *)(whole + offset);
}

fw_inline __u64 fw_members_of(const struct fw_env *env, __u32 class)
{
    __u64 *members = bpf_map_lookup_elem(&fw_classes, &class);

    (void)env;
    return members ? *members : 0;
}

fw_inline const struct fw_manage *fw_manage_at(const struct fw_env *env, __u32 index)
{
    (void)env;
    return bpf_map_lookup_elem(&fw_manage, &index);
}

fw_inline const struct fw_host_set *fw_host_set_at(const struct fw_env *env, __u32 set)
{
    (void)env;
    return bpf_map_lookup_elem(&fw_hosts, &set);
}

fw_inline _Bool fw_fragment_find(
    const struct fw_env *env, const struct fw_fragment_key *key, struct fw_fragment_kept *ret_kept)
{
    struct fw_fragment_kept *kept = bpf_map_lookup_elem(&fw_fragments, key);

    (void)env;
    if (kept)
        *ret_kept = *kept;
    return kept != 0;
}

fw_inline void fw_fragment_keep(const struct fw_env *env, const struct fw_fragment_key *key,
    const struct fw_fragment_kept *kept)
{
    (void)env;
    bpf_map_update_elem(&fw_fragments, key, kept, BPF_ANY);
}

fw_inline struct fw_mesh_set *fw_mesh_set_at(const struct fw_env *env, __u32 index)
{
    (void)env;
    return bpf_map_lookup_elem(&fw_mesh_sources, &index);
}

fw_inline void fw_count_rule(const struct fw_env *env, __u32 counter)
{
    __u32 index = env->shard * fw_rule_counters + counter;
    struct fw_count *count = bpf_map_lookup_elem(&fw_rule_counts, &index);
    __u64 tick = bpf_jiffies64();

    if (!count)
        return;
    fw_add(count, env->wire_packets, env->frame_bytes);
    /* Jiffies are read in place, a clock by a call. */
    if (count->tick != tick) {
        count->tick = tick;
        count->last_ns = fw_coarse_ns();
    }
}

fw_inline void fw_count_reason(const struct fw_env *env, __u32 reason)
{
    fw_add_reason(env->shard, reason, env->wire_packets, env->frame_bytes);
}

fw_inline void fw_count_device(const struct fw_env *env, __u32 number, _Bool drops)
{
    __u32 index = env->shard * FW_NUMBERS + number;
    struct fw_device_count *count = bpf_map_lookup_elem(&fw_device_counts, &index);
    __u32 which = drops ? 1 : 0;

    if (!count)
        return;
    if (fw_counts_atomic) {
        __sync_fetch_and_add(&count->packets[which], env->wire_packets);
        __sync_fetch_and_add(&count->bytes[which], env->frame_bytes);
    } else {
        count->packets[which] += env->wire_packets;
        count->bytes[which] += env->frame_bytes;
    }
}

fw_inline struct fw_event *fw_event_open(const struct fw_env *env)
{
    __u32 zero = 0;
    const struct fw_event_pace *pace = bpf_map_lookup_elem(&fw_event_pace, &zero);
    struct fw_event_cpu *cpu;
    __u64 now;

    (void)env;
    if (!pace || pace->cost_ns == 0)
        return 0;
    cpu = bpf_map_lookup_elem(&fw_event_cpus, &zero);
    now = fw_coarse_ns();
    if (!cpu || !fw_event_may(cpu, pace, now))
        return 0;
    cpu->event.time_ns = now;
    return &cpu->event;
}

fw_inline void fw_event_send(const struct fw_env *env, struct fw_event *event)
{
    struct fw_event_cpu *cpu = (void *)event - __builtin_offsetof(struct fw_event_cpu, event);

    (void)env;
    if (bpf_ringbuf_output(&fw_events, event, sizeof(*event), 0) < 0)
        cpu->missed++;
}
