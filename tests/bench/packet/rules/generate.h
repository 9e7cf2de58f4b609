/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * generate.h - rule sets from a seed: like the published ones, and as nasty as we can think of.
 *
 * A name, a family, a count and a seed give the same rules on every machine.
 */
#include "base/problem.h"
#include "tests/bench/packet/rules/rule_set.h"

#define GENERATE_RULES_MAX 1048576

struct generate {
    const char *name; /* of generate_names[] */
    uint8_t family;   /* enum fw_family */
    uint32_t count;   /* rules wanted: 1 to GENERATE_RULES_MAX. Sets of a fixed size ignore it */
    uint64_t seed;
};

/*
 * "acl", "fw", "ipc"   like the seeds of that name: exactly `count` different rules
 * adversarial:
 * "overlap"            prefixes of length 0 to 12, random port ranges: everything overlaps
 * "one-port"           65,536 rules that differ in the target port alone
 * "duplicates"         one rule again and again
 * "shadowed"           the first matches everything, the others are drawn as acl
 * "nested"             prefixes /0, /1, ... of one address on both sides, longest first
 * "everything-set"     every rule names a set that holds everything
 * "priority-ends"      priorities 0 and 65535 alone; objects in the opposite order
 * "flags"              random ternary masks of TCP flags
 * "full"               every field: VLAN, DSCP, fragment, glob, class, self, negation, sets, log,
 *                      shadow
 */
extern const char *const generate_names[]; /* ends with NULL; the first three are like seeds */

bool generate_is_full(const char *name); /* asks for more than five fields */

/* 0; -EINVAL with a sentence; -ENOMEM. The result is empty on failure. */
int generate_rules(
    const struct generate *generate, struct bench_rules *ret_rules, struct problem *reterr_problem);
