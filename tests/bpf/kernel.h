/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* kernel.h - the real programs over compiled tables, without a device: BPF_PROG_TEST_RUN. */
#include "node/compile/host.h"

#define KERNEL_SLOT 1

struct kernel;

/* True if BPF programs can be loaded here; else a test skips. */
bool kernel_is_possible(void);

int kernel_new(const struct compile_tables *tables, struct kernel **ret_kernel,
    struct problem *reterr_problem);
/* The same with blobs in chunks, as where the kernel takes no large values. */
int kernel_new_cut(const struct compile_tables *tables, struct kernel **ret_kernel,
    struct problem *reterr_problem);
/* The same for measuring: counters and clock as the daemon has them, so no atomic adds. The caller
 * stays on one CPU. From 5.11. */
int kernel_new_one_cpu(const struct compile_tables *tables, struct kernel **ret_kernel,
    struct problem *reterr_problem);
/* Other tables in its maps, where they fit: smaller ones do. No packet may be under way. */
int kernel_refill(struct kernel *kernel, const struct compile_tables *tables);
void kernel_free(struct kernel *kernel);

/* The verdict and its reason by the whole way: entry program, parse, rules. counter: UINT32_MAX
 * unless a rule was counted. -EINVAL: the kernel does not run a frame that short. */
int kernel_decide(
    struct kernel *kernel, enum fw_kind kind, struct bytes frame, struct host_answer *ret_answer);

/* Nanoseconds a frame by the whole way, of `repeat` runs in a row; negative: errno. */
double kernel_time(
    const struct kernel *kernel, enum fw_kind kind, struct bytes frame, uint32_t repeat);

/* Of the largest program; 0 where the kernel (before 5.16) does not say. */
uint32_t kernel_verified_max(const struct kernel *kernel);

/* A second generation in another slot, once; kernel_set_word() chooses between them. */
int kernel_add(struct kernel *kernel, const struct compile_tables *tables, uint32_t slot);

uint64_t kernel_reason_packets(const struct kernel *kernel, enum fw_reason reason);

/* A map of the loaded generation, borrowed; NULL where it has none of this name. */
struct bpf_map;
const struct bpf_map *kernel_map(const struct kernel *kernel, const char *name);

void kernel_set_word(struct kernel *kernel, uint64_t word);
/* Empties a place of a stage: 0 parse, by slot; 1 verdict, by family. */
int kernel_remove_program(struct kernel *kernel, enum fw_kind kind, uint32_t stage, uint32_t place);
