/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/generate.h"
#include "bpf/fw_abi.h"
#include "tests/bench/packet/rules/generators.h"

#include <errno.h>
#include <string.h>

const char *const generate_names[] = {"acl", "fw", "ipc", "overlap", "one-port", "duplicates",
    "shadowed", "nested", "everything-set", "priority-ends", "flags", "full", NULL};

typedef int (*generator)(const struct generate *generate, struct bench_rules *rules);

static int generate_acl(const struct generate *generate, struct bench_rules *rules)
{
    return generate_like_seeds(generate, "acl", rules);
}

static int generate_fw(const struct generate *generate, struct bench_rules *rules)
{
    return generate_like_seeds(generate, "fw", rules);
}

static int generate_ipc(const struct generate *generate, struct bench_rules *rules)
{
    return generate_like_seeds(generate, "ipc", rules);
}

/* In the order of generate_names. */
static const generator generators[] = {generate_acl, generate_fw, generate_ipc, generate_overlap,
    generate_one_port, generate_duplicates, generate_shadowed, generate_nested,
    generate_everything_set, generate_priority_ends, generate_flags, generate_full};

bool generate_is_full(const char *name)
{
    return strcmp(name, "everything-set") == 0 || strcmp(name, "flags") == 0 ||
           strcmp(name, "full") == 0;
}

static generator find(const char *name)
{
    for (size_t i = 0; generate_names[i]; i++) {
        if (strcmp(generate_names[i], name) == 0)
            return generators[i];
    }
    return NULL;
}

int generate_rules(
    const struct generate *generate, struct bench_rules *ret_rules, struct problem *reterr_problem)
{
    generator make = find(generate->name);
    int r;

    memset(ret_rules, 0, sizeof(*ret_rules));
    if (!make)
        return problem_say(
            reterr_problem, -EINVAL, "there is no generated set '%.40s'", generate->name);
    if (generate->count < 1 || generate->count > GENERATE_RULES_MAX)
        return problem_say(reterr_problem, -EINVAL, "%u rules; 1 to %d can be generated",
            generate->count, GENERATE_RULES_MAX);
    if (generate->family >= FW_FAMILY_COUNT)
        return problem_say(reterr_problem, -EINVAL, "family %u is unknown", generate->family);
    r = make(generate, ret_rules);
    if (r < 0) {
        bench_rules_fini(ret_rules);
        return problem_say(reterr_problem, r, "memory is short");
    }
    if (make != generate_priority_ends)
        bench_rules_number(ret_rules);
    return 0;
}
