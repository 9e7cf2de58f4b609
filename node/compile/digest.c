/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.c - one hash over what state, labels and time make of a node: rules in order, with the
 * content of the sets they name, then defaults. Devices and what this node cannot do are not in it.
 */
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>

#define DIGEST_VERSION 2

/* Which object, and which version of it: an operation's reference says all of its content. */
static int append_version(const struct build *build, struct buffer *text, uint32_t object)
{
    int r = buffer_append(text, build->objects[object].id, OP_REF_BYTES);

    return r == 0 ? buffer_append(text, build->objects[object].winner, OP_REF_BYTES) : r;
}

/* 0, or 1 and the hash of the content. */
static int append_set(const struct build *build, struct buffer *text, uint8_t set)
{
    uint8_t present = (set & FW_SET_PRESENT) != 0;
    int r = buffer_append(text, &present, 1);

    if (r == 0 && present)
        r = buffer_append(text, build->sets[set & FW_SET_INDEX].hash, HASH_BYTES);
    return r;
}

static int append_rule(const struct build *build, struct buffer *text, uint32_t i)
{
    const struct build_rule *rule = &build->rules[i];
    int r = append_version(build, text, rule->object);

    if (r == 0)
        r = append_set(build, text, rule->source_set);
    return r == 0 ? append_set(build, text, rule->target_set) : r;
}

static int append_defaults(const struct build *build, struct buffer *text)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < build->tables->objects_count; i++) {
        const struct compile_object *object = &build->tables->objects[i];

        if (object->kind != OBJECT_DEFAULT ||
            (object->status != COMPILE_EFFECTIVE && object->status != COMPILE_CANNOT_ENFORCE))
            continue;
        r = append_version(build, text, i);
    }
    return r;
}

int build_digest(struct build *build)
{
    struct buffer text = {0};
    uint8_t head[8];
    int r;

    put_be32(head, DIGEST_VERSION);
    put_be32(head + 4, build->rules_count);
    r = buffer_append(&text, head, sizeof(head));
    for (uint32_t i = 0; r == 0 && i < build->rules_count; i++)
        r = append_rule(build, &text, i);
    if (r == 0)
        r = append_defaults(build, &text);
    if (r == 0)
        build->input->hash(buffer_bytes(&text), build->tables->digest);
    buffer_fini(&text);
    return r;
}
