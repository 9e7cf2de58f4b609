/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * pick.bpf.c - puts the next of many headers where the parser would have left it and goes on to
 * what is measured: the real verdict program of a loaded generation, whose maps it shares; the trie
 * alone; the kernel's LPM trie; or nothing, which is the control.
 */
#include "bpf/fw_kernel.h"

#include "bpf/fw_decide.h"

#include "tests/bench/packet/micro/pick.h"

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, FW_FAMILY_COUNT);
    __type(key, __u32);
    __type(value, __u32);
} fw_xdp_verdicts SEC(".maps");
FW_MAP(fw_work, BPF_MAP_TYPE_PERCPU_ARRAY, FW_KIND_COUNT, __u32, struct fw_key);
FW_MAP_FLAGS(pick_headers, BPF_MAP_TYPE_ARRAY, 1, __u32, struct pick, BPF_F_MMAPABLE);
FW_MAP_FLAGS(pick_answers, BPF_MAP_TYPE_ARRAY, 1, __u32, __u64, BPF_F_MMAPABLE);
FW_MAP_FLAGS(pick_next, BPF_MAP_TYPE_ARRAY, 1, __u32, __u64, BPF_F_MMAPABLE);

struct pick_lpm_key {
    __u32 bits;
    __u8 address[16];
};
FW_MAP_FLAGS(pick_lpm, BPF_MAP_TYPE_LPM_TRIE, 1, struct pick_lpm_key, __u32, BPF_F_NO_PREALLOC);

const volatile __u32 pick_count = 1;
const volatile __u32 pick_mode = PICK_NOTHING;
const volatile __u32 pick_keeps = 0; /* writes answers down */
const volatile __u32 pick_slot = 1;
const volatile __u32 pick_counted_mask = 0; /* PICK_COUNT: counters 0 to this */

/* Which header comes next. It depends on the answer before, so that runs cannot overlap. */
fw_inline __u32 next_index(__u64 answer)
{
    __u32 zero = 0, index, before;
    __u64 *next = bpf_map_lookup_elem(&pick_next, &zero);

    if (!next)
        return 0;
    index = (__u32)*next + (__u32)(answer >> 63);
    if (pick_keeps && *next > 0) {
        before = (__u32)*next - 1;
        next = bpf_map_lookup_elem(&pick_answers, &before);
        if (next)
            *next = answer;
        next = bpf_map_lookup_elem(&pick_next, &zero);
        if (!next)
            return 0;
    }
    *next = index + 1 < pick_count ? index + 1 : 0;
    return index;
}

fw_inline void fill_key(struct fw_key *key, const struct pick *pick)
{
    fw_key_open(key, PICK_DEVICE, 0, pick_slot);
    key->source[0] = pick->source[0];
    key->source[1] = pick->source[1];
    key->target[0] = pick->target[0];
    key->target[1] = pick->target[1];
    key->word = pick->word;
    key->globs = pick->globs;
    key->source_port = pick->source_port;
    key->target_port = pick->target_port;
    key->family = pick->family;
    key->protocol = pick->protocol;
    key->fragment = pick->fragment;
    key->class = pick->class;
    key->wire_packets = 1;
    key->frame_bytes = 64;
}

fw_inline __u64 find_lpm(const struct fw_key *key)
{
    struct pick_lpm_key find = {.bits = key->family == FW_IPV4 ? 32 : 128};
    __u32 *class;

    __builtin_memcpy(find.address, key->source, sizeof(find.address));
    class = bpf_map_lookup_elem(&pick_lpm, &find);
    return class ? *class : 0;
}

fw_inline __u64 find_trie(const struct fw_env *env, const struct fw_key *key)
{
    __u32 zero = 0;
    struct fw_gen *gen = bpf_map_lookup_elem(&fw_gen, &zero);
    __u64 high = fw_be64(key->source[0]);

    if (!gen)
        return 0;
    if (key->family == FW_IPV4)
        return fw_trie_class4(env, &gen->tries[FW_IPV4], (__u32)(high >> 32));
    return fw_trie_class6(env, &gen->tries[FW_IPV6], high, fw_be64(key->source[1]));
}

SEC("xdp")
int pick_run(struct xdp_md *xdp)
{
    __u32 zero = 0, index;
    struct fw_env env = {.ctx = xdp, .kind = FW_KIND_XDP, .shard = fw_shard()};
    struct fw_key *key = bpf_map_lookup_elem(&fw_work, &zero);
    struct fw_scratch *scratch = bpf_map_lookup_elem(&fw_xdp_scratch, &zero);
    struct pick *pick;

    if (!key || !scratch)
        return XDP_ABORTED;
    index = next_index(key->best);
    pick = bpf_map_lookup_elem(&pick_headers, &index);
    if (!pick)
        return XDP_ABORTED;
    fill_key(key, pick);
    scratch->slot = pick_slot;
    if (pick_mode == PICK_VERDICT) {
        if (pick->family == FW_IPV4)
            bpf_tail_call_static(xdp, &fw_xdp_verdicts, FW_IPV4);
        else
            bpf_tail_call_static(xdp, &fw_xdp_verdicts, FW_IPV6);
        return XDP_ABORTED;
    }
    if (pick_mode == PICK_TRIE)
        key->best = find_trie(&env, key);
    else if (pick_mode == PICK_LPM)
        key->best = find_lpm(key);
    else if (pick_mode == PICK_FINISH || pick_mode == PICK_COUNT) {
        struct fw_gen *gen = bpf_map_lookup_elem(&fw_gen, &zero);

        if (pick_mode == PICK_COUNT)
            key->best = FW_ID(index * 2654435761U & pick_counted_mask, 0, 0, FW_ALLOW, 0);
        if (gen)
            fw_finish(&env, gen, key,
                pick_mode == PICK_COUNT ? FW_REASON_PASS_RULE : FW_REASON_PASS_DEFAULT);
    } else
        key->best = pick->source[0] >> 1;
    return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
