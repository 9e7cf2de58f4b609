/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINK_TYPE_ETHER 1 /* ARPHRD_ETHER */
#define LINK_TYPE_LOOPBACK 772

/* [a-z], [!a]; *glob stands behind '['. False if the bracket never closes. */
static bool bracket_matches(const char **glob, char c, bool *ret_matches)
{
    const char *at = *glob;
    bool is_not = *at == '!' || *at == '^', is_in = false, is_first = true;

    if (is_not)
        at++;
    for (; *at && (*at != ']' || is_first); at++, is_first = false) {
        if (at[1] == '-' && at[2] && at[2] != ']') {
            is_in |= *at <= c && c <= at[2];
            at += 2;
        } else {
            is_in |= *at == c;
        }
    }
    if (!*at)
        return false;
    *glob = at + 1;
    *ret_matches = is_in != is_not;
    return true;
}

/* One element of the glob that is no star against one character. */
static bool step(const char **glob, char c)
{
    const char *at = *glob;
    bool matches;

    if (*at == '[') {
        at++;
        if (bracket_matches(&at, c, &matches)) {
            *glob = at;
            return matches;
        }
        at = *glob; /* no bracket after all: a character like others */
    }
    *glob = at + 1;
    return *at == '?' || *at == c;
}

bool compile_glob_matches(const char *glob, const char *name)
{
    const char *star = NULL, *retry = NULL;

    while (*name) {
        if (*glob == '*') {
            star = ++glob;
            retry = name;
            continue;
        }
        if (*glob && step(&glob, *name)) {
            name++;
            continue;
        }
        if (!star)
            return false;
        glob = star;
        name = ++retry;
    }
    while (*glob == '*')
        glob++;
    return *glob == '\0';
}

static uint32_t glob_find(const struct fw_policy *policy, const char *glob)
{
    for (uint32_t i = 0; i < policy->globs_count; i++)
        if (strcmp(policy->globs[i], glob) == 0)
            return i;
    return UINT32_MAX;
}

int build_globs(struct build *build)
{
    struct fw_policy *policy = &build->tables->policy;

    for (uint32_t i = 0; i < build->rules_count; i++) {
        const Picket__V1__Match *match = build->rules[i].rule->match;

        for (size_t j = 0; match && j < match->n_devices; j++) {
            if (glob_find(policy, match->devices[j]) != UINT32_MAX)
                continue;
            if (policy->globs_count == FW_GLOBS_MAX)
                return problem_say(build->reterr_problem, -E2BIG,
                    "the rules name more than %d different device patterns", FW_GLOBS_MAX);
            CHECK(strlen(match->devices[j]) < FW_GLOB_BYTES, "rule_check bounds it");
            strcpy(policy->globs[policy->globs_count++], match->devices[j]);
        }
    }
    return 0;
}

uint64_t build_glob_bits(const struct build *build, const Picket__V1__Match *match)
{
    uint64_t bits = 0;

    for (size_t i = 0; match && i < match->n_devices; i++)
        bits |= 1ULL << glob_find(&build->tables->policy, match->devices[i]);
    return bits;
}

void compile_device_entry(const struct fw_policy *policy, const struct compile_device *device,
    struct fw_device *ret_device)
{
    bool has_link_header =
        device->link_type == LINK_TYPE_ETHER || device->link_type == LINK_TYPE_LOOPBACK;

    *ret_device = (struct fw_device){
        .class = device->device_class, .flags = FW_DEVICE_KNOWN, .number = device->number};
    for (uint32_t i = 0; i < policy->globs_count && i < FW_GLOBS_MAX; i++)
        if (compile_glob_matches(policy->globs[i], device->name))
            ret_device->globs |= 1ULL << i;
    if (device->device_class < FW_CLASS_COUNT) {
        ret_device->defaults[FW_IN] = policy->defaults[FW_IN][device->device_class];
        ret_device->defaults[FW_OUT] = policy->defaults[FW_OUT][device->device_class];
    }
    if (!has_link_header)
        ret_device->flags |= FW_DEVICE_RAW_IP;
    if (device->is_exempt)
        ret_device->flags |= FW_DEVICE_EXEMPT;
    if (device->is_xdp)
        ret_device->flags |= FW_DEVICE_NO_TAGS;
    if (policy->dhcp_classes & 1U << device->device_class)
        ret_device->flags |= FW_DEVICE_DHCP;
}

int build_devices(const struct compile_input *input, struct compile_tables *tables)
{
    if (input->devices_count == 0)
        return 0;
    tables->devices = calloc(input->devices_count, sizeof(*tables->devices));
    if (!tables->devices)
        return -ENOMEM;
    for (size_t i = 0; i < input->devices_count; i++) {
        struct compile_device_row *row = &tables->devices[tables->devices_count++];

        row->index = input->devices[i].index;
        compile_device_entry(&tables->policy, &input->devices[i], &row->device);
    }
    return 0;
}

static void mask_put(uint8_t *mask, uint32_t bits)
{
    for (uint32_t i = 0; i < bits; i++)
        mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static int build_manage(const struct compile_lifeline *lifeline, struct compile_tables *tables)
{
    if (lifeline->manage_count == 0)
        return 0;
    tables->manage = calloc(lifeline->manage_count, sizeof(*tables->manage));
    if (!tables->manage)
        return -ENOMEM;
    for (size_t i = 0; i < lifeline->manage_count; i++) {
        const struct compile_manage *from = &lifeline->manage[i];
        struct fw_manage *to = &tables->manage[i];

        memcpy(to->source, from->address, from->is_v6 ? 16 : 4);
        mask_put((uint8_t *)to->source_mask, from->length);
        to->family = from->is_v6 ? FW_IPV6 : FW_IPV4;
        to->protocol = from->protocol;
        to->port = from->port;
    }
    tables->manage_count = (uint32_t)lifeline->manage_count;
    return 0;
}

int build_lifeline(const struct compile_input *input, struct compile_tables *tables,
    struct problem *reterr_problem)
{
    const struct compile_lifeline *lifeline = input->lifeline;
    int r;

    if (!lifeline)
        return 0;
    CHECK(lifeline->manage_count <= FW_MANAGE_MAX, "configuration bounds it");
    CHECK(lifeline->ethertypes_count <= FW_ETHERTYPES_MAX, "configuration bounds it");
    tables->policy.dhcp_classes = lifeline->dhcp_classes;
    tables->gen.mesh_port = lifeline->mesh_port;
    tables->gen.manage_count = (uint16_t)lifeline->manage_count;
    tables->gen.ethertypes_count = (uint16_t)lifeline->ethertypes_count;
    for (size_t i = 0; i < lifeline->ethertypes_count; i++)
        tables->gen.ethertypes[i] = lifeline->ethertypes[i];
    r = build_hosts(lifeline, tables, reterr_problem);
    return r == 0 ? build_manage(lifeline, tables) : r;
}
