/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * check.h - statements about our own code. They stay on in release. Never use one on outside input.
 */

/* Prints the claim, runs the dump hook (the flight recorder), aborts. */
_Noreturn void check_failed(const char *claim, const char *file, int line, const char *why);

/* The hook must not allocate or take locks. NULL turns it off. */
void check_set_dump(void (*dump_fn)(void));

#define CHECK(claim, why) ((claim) ? (void)0 : check_failed(#claim, __FILE__, __LINE__, (why)))
#define IMPLIES(a, b) (!(a) || (b))
