/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * grace.h - waits until every packet that was being judged when it was called has its verdict.
 *
 * An update of a map of maps returns only after an RCU grace period (maybe_wait_bpf_programs in
 * kernel/bpf/syscall.c, since 4.20): XDP and tc programs run inside RCU read sections, so none that
 * began before the call is left.
 */

/* 0 or a negative errno: then a grace period has not been proved. 9 to 24 ms. */
int grace_wait(void);
