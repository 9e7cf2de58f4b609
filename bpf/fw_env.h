/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_env.h - what parse and decide ask of the world. The kernel answers in fw_kernel.h, the host in
 * node/compile/host_env.h; whoever includes fw_parse.h or fw_decide.h includes one of them before.
 *
 * struct fw_env is the includer's: the packet and, on the host, the tables.
 */
#include "bpf/fw_abi.h"
#include "bpf/fw_reasons.h"

#define fw_inline static inline __attribute__((always_inline))

#ifdef __bpf__
#define FW_UNROLL _Pragma("unroll")
#else
#define FW_UNROLL
#endif

struct fw_env;

/* Copies len bytes (a constant) at offset from the start of the frame to where FW_ALIGNED says;
 * false if they are not there. offset is below FW_LOAD_MAX. */
#define FW_ALIGNED __attribute__((aligned(8)))
fw_inline _Bool fw_load(const struct fw_env *env, __u32 offset, void *to, __u32 len);
#define FW_LOAD_MAX 1024

fw_inline __u32 fw_frame_len(const struct fw_env *env);

/* What the kernel takes the packet for, and will deliver it as: an ethertype; 0 where it has not
 * looked yet. */
fw_inline __u32 fw_kernel_type(const struct fw_env *env);

/* Offsets count from the IP header that the kernel found. What it left in front of it (nothing, a
 * link header, the outer header of a tunnel) depends on the driver. */
fw_inline _Bool fw_is_at_network(const struct fw_env *env);

/* A VLAN tag the kernel took out of the frame; false if there is none. tci in host order. */
fw_inline _Bool fw_stripped_tag(const struct fw_env *env, __u32 *ret_tci);

fw_inline __u64 fw_now_ns(const struct fw_env *env);

/*
 * Where word `at` of a blob stands; NULL: outside. FW_BLOB_READ_BYTES may be read from there. blob
 * is a constant; whole is what fw_blob_whole() said, so that a blob in one piece is looked up once.
 */
fw_inline const void *fw_blob_whole(const struct fw_env *env, enum fw_blob blob);
fw_inline const void *fw_blob_at(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u32 at);
/* The word itself, or `otherwise` outside; whole is not NULL. */
fw_inline __u64 fw_blob_word(
    const struct fw_env *env, enum fw_blob blob, const void *whole, __u64 at, __u64 otherwise);

/* NULL or 0 where there is nothing. */
fw_inline __u64 fw_members_of(const struct fw_env *env, __u32 class);
fw_inline const struct fw_manage *fw_manage_at(const struct fw_env *env, __u32 index);
fw_inline const struct fw_host_set *fw_host_set_at(const struct fw_env *env, __u32 set);

fw_inline _Bool fw_fragment_find(
    const struct fw_env *env, const struct fw_fragment_key *key, struct fw_fragment_kept *ret_kept);
fw_inline void fw_fragment_keep(const struct fw_env *env, const struct fw_fragment_key *key,
    const struct fw_fragment_kept *kept);

/* index below FW_MESH_SETS. NULL where nothing is remembered. */
fw_inline struct fw_mesh_set *fw_mesh_set_at(const struct fw_env *env, __u32 index);

/* Adds this packet. */
fw_inline void fw_count_rule(const struct fw_env *env, __u32 counter);
fw_inline void fw_count_reason(const struct fw_env *env, __u32 reason);
fw_inline void fw_count_device(const struct fw_env *env, __u32 number, _Bool drops);

/* Where to write an event, its time in place; NULL: nobody listens, or it is too many. */
fw_inline struct fw_event *fw_event_open(const struct fw_env *env);
fw_inline void fw_event_send(const struct fw_env *env, struct fw_event *event);
