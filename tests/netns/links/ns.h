/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ns.h - a test program's own network and mount namespace, and commands in it.
 */
#include <stdbool.h>
#include <stdint.h>

/* Enters new namespaces with lo up; exits 77 with a sentence where that is not permitted. */
void ns_enter(void);

/* Mounts a bpffs of its own on a new temporary folder and gives its name; exits 77 if it cannot. */
const char *ns_bpffs(void);

/* Takes it away again. */
void ns_leave(void);

/* Runs a shell command, quietly. Its exit code. */
__attribute__((format(printf, 1, 2))) int sh(const char *format, ...);

/* As sh, and fails the running test if it fails. */
#define must(...) assert_int_equal(sh(__VA_ARGS__), 0)

/* Whether this kernel makes devices of a kind. */
bool ns_has_kind(const char *kind);

/* ifindex by name in this namespace, 0 if there is none. */
uint32_t ns_index(const char *name);

uint64_t ns_now_ms(void);
