/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* host_env.h - fw_env.h as user space answers it: tables in plain memory. */
#include "node/compile/compile.h"

#include "bpf/fw_env.h"

#include <string.h>

#define HOST_FRAGMENTS 256 /* the oldest goes */

struct host_fragment {
    struct fw_fragment_key key;
    struct fw_fragment_kept kept;
};

/* What lasts from packet to packet. */
struct host_memory {
    struct host_fragment fragments[HOST_FRAGMENTS];
    uint32_t next_fragment;
    struct fw_mesh_set mesh_sources[FW_MESH_SETS];
    uint64_t reasons[FW_REASON_COUNT];
    uint64_t *rules;       /* counters_count of them */
    uint64_t devices[2];   /* passed, dropped */
    struct fw_event event; /* the last one */
    uint32_t events;
};

struct fw_env {
    const struct compile_tables *tables;
    struct host_memory *memory; /* NULL: only the frame is read */
    const uint8_t *frame;
    uint32_t frame_bytes;
    uint32_t kind;
    uint64_t now_ns;
    uint16_t stripped_tag;
    bool is_stripped;
    uint16_t kernel_type; /* 0: it has not looked */
    bool is_at_network;   /* frame begins there */
};

fw_inline _Bool fw_load(const struct fw_env *env, __u32 offset, void *to, __u32 len)
{
    if (offset > env->frame_bytes || env->frame_bytes - offset < len)
        return 0;
    memcpy(to, env->frame + offset, len);
    return 1;
}

fw_inline __u32 fw_frame_len(const struct fw_env *env)
{
    return env->frame_bytes;
}

fw_inline __u32 fw_kernel_type(const struct fw_env *env)
{
    return env->kernel_type;
}

fw_inline _Bool fw_is_at_network(const struct fw_env *env)
{
    return env->is_at_network;
}

fw_inline _Bool fw_stripped_tag(const struct fw_env *env, __u32 *ret_tci)
{
    *ret_tci = env->stripped_tag;
    return env->kind != FW_KIND_XDP && env->is_stripped;
}

fw_inline __u64 fw_now_ns(const struct fw_env *env)
{
    return env->now_ns;
}

fw_inline const void *fw_blob_whole(const struct fw_env *env, enum fw_blob blob)
{
    return env->tables->blobs[blob].words;
}

fw_inline const void *fw_blob_at(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u32 at)
{
    return at < env->tables->blobs[blob].count ? (const __u64 *)whole + at : NULL;
}

fw_inline __u64 fw_blob_word(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u64 at, __u64 otherwise)
{
    return at < env->tables->blobs[blob].count ? ((const __u64 *)whole)[at] : otherwise;
}

fw_inline __u64 fw_members_of(const struct fw_env *env, __u32 class)
{
    return class < env->tables->classes_count ? env->tables->classes[class] : 0;
}

fw_inline const struct fw_manage *fw_manage_at(const struct fw_env *env, __u32 index)
{
    return index < env->tables->manage_count ? &env->tables->manage[index] : NULL;
}

fw_inline const struct fw_host_set *fw_host_set_at(const struct fw_env *env, __u32 set)
{
    return set < env->tables->hosts_count ? &env->tables->hosts[set] : NULL;
}

fw_inline _Bool fw_fragment_find(
    const struct fw_env *env, const struct fw_fragment_key *key, struct fw_fragment_kept *ret_kept)
{
    for (uint32_t i = 0; i < HOST_FRAGMENTS; i++) {
        const struct host_fragment *fragment = &env->memory->fragments[i];

        if (fragment->kept.until_ns != 0 && memcmp(&fragment->key, key, sizeof(*key)) == 0) {
            *ret_kept = fragment->kept;
            return 1;
        }
    }
    return 0;
}

fw_inline void fw_fragment_keep(const struct fw_env *env, const struct fw_fragment_key *key,
    const struct fw_fragment_kept *kept)
{
    struct host_memory *memory = env->memory;
    uint32_t i = 0;

    while (i < HOST_FRAGMENTS && memcmp(&memory->fragments[i].key, key, sizeof(*key)) != 0)
        i++;
    if (i == HOST_FRAGMENTS)
        i = memory->next_fragment++ % HOST_FRAGMENTS;
    memory->fragments[i].key = *key;
    memory->fragments[i].kept = *kept;
}

fw_inline struct fw_mesh_set *fw_mesh_set_at(const struct fw_env *env, __u32 index)
{
    return env->memory ? &env->memory->mesh_sources[index] : NULL;
}

fw_inline void fw_count_rule(const struct fw_env *env, __u32 counter)
{
    if (counter < env->tables->counters_count)
        env->memory->rules[counter]++;
}

fw_inline void fw_count_reason(const struct fw_env *env, __u32 reason)
{
    env->memory->reasons[reason]++;
}

fw_inline void fw_count_device(const struct fw_env *env, __u32 number, _Bool drops)
{
    (void)number;
    env->memory->devices[drops ? 1 : 0]++;
}

/* On the host everybody listens. */
fw_inline struct fw_event *fw_event_open(const struct fw_env *env)
{
    env->memory->event.time_ns = env->now_ns;
    return &env->memory->event;
}

fw_inline void fw_event_send(const struct fw_env *env, struct fw_event *event)
{
    (void)event;
    env->memory->events++;
}
