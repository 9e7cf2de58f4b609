/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sets.c - the sets that rules name become classes of addresses (datapath.md D5): the longest
 * prefix of an address names its class, and the class says in which sets it is, those of covering
 * prefixes included.
 */
#include "base/check.h"
#include "base/idmap.h"
#include "base/limits.h"
#include "node/compile/build.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int add_member(struct build *build, uint32_t family, const struct build_member *member)
{
    struct build_members *members = &build->members[family];

    if (build_grow((void **)&members->items, &members->capacity, members->count,
            sizeof(*members->items)) < 0)
        return -ENOMEM;
    members->items[members->count++] = *member;
    return 0;
}

static int new_set(struct build *build, uint32_t object, uint8_t *ret_index)
{
    if (build->sets_count == FW_SETS_MAX)
        return problem_say(build->reterr_problem, -E2BIG,
            "the rules name more than %d sets (a list of several negated prefixes counts as one)",
            FW_SETS_MAX);
    *ret_index = (uint8_t)build->sets_count;
    build->sets[build->sets_count++].object = object;
    return 0;
}

/* The chunks of a manifest behind one another. -ENOENT: one is missing. */
static int read_content(
    const struct build *build, const Picket__V1__Manifest *manifest, struct buffer *ret_content)
{
    const struct compile_input *input = build->input;

    if (manifest->content_len > SET_CONTENT_BYTES_MAX)
        return -EBADMSG;
    for (size_t i = 0; i < manifest->n_chunks; i++) {
        struct bytes chunk;

        if (manifest->chunks[i].len != HASH_BYTES)
            return -EBADMSG;
        if (!input->chunk || !input->chunk(input->user, manifest->chunks[i].data, &chunk))
            return -ENOENT;
        if (buffer_append(ret_content, chunk.at, chunk.len) < 0)
            return -ENOMEM;
    }
    return ret_content->len == manifest->content_len ? 0 : -EBADMSG;
}

static int base_elements(const struct build *build, const Picket__V1__Manifest *manifest,
    struct set_element **ret_elements, uint32_t *ret_count)
{
    struct buffer content = {0};
    int r;

    if (!manifest || manifest->n_chunks == 0)
        return 0;
    r = read_content(build, manifest, &content);
    if (r == 0)
        r = set_content_decode(buffer_bytes(&content), manifest->elements_v4, manifest->elements_v6,
            ret_elements, ret_count);
    buffer_fini(&content);
    return r;
}

static int element_order(const void *a, const void *b)
{
    const struct set_element *x = a, *y = b;
    int order = (x->is_v6 > y->is_v6) - (x->is_v6 < y->is_v6);

    if (order == 0)
        order = memcmp(x->address, y->address, sizeof(x->address));
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

/* Sorts, drops what has expired, merges equal prefixes. */
static uint32_t keep_live(struct build *build, struct set_element *elements, uint32_t count)
{
    uint32_t live = 0, kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (elements[i].expiry != 0 && elements[i].expiry <= build->input->time_s)
            continue;
        if (elements[i].expiry != 0)
            build_note_time(build, elements[i].expiry);
        elements[live++] = elements[i];
    }
    if (live == 0)
        return 0;
    qsort(elements, live, sizeof(*elements), element_order);
    for (uint32_t i = 1; i < live; i++)
        if (element_order(&elements[kept], &elements[i]) != 0)
            elements[++kept] = elements[i];
    return kept + 1;
}

static int join_elements(struct set_element **elements, uint32_t *count,
    const struct set_element *more, uint32_t more_count)
{
    struct set_element *joined;

    if (more_count == 0)
        return 0;
    joined = realloc(*elements, ((size_t)*count + more_count) * sizeof(**elements));
    if (!joined)
        return -ENOMEM;
    memcpy(joined + *count, more, more_count * sizeof(*more));
    *elements = joined;
    *count += more_count;
    return 0;
}

int build_set_elements(
    struct build *build, uint32_t object, struct set_element **ret_elements, uint32_t *ret_count)
{
    struct set_element *elements = NULL, *additions = NULL;
    uint32_t count = 0, additions_count = 0;
    int r = base_elements(build, build->objects[object].manifest, &elements, &count);

    if (r == 0 && build->input->ledger)
        r = ledger_set_additions(
            build->input->ledger, build->objects[object].id, &additions, &additions_count);
    if (r == 0)
        r = join_elements(&elements, &count, additions, additions_count);
    free(additions);
    if (r < 0) {
        free(elements);
        return r;
    }
    *ret_count = count ? keep_live(build, elements, count) : 0;
    *ret_elements = elements;
    return 0;
}

static int add_elements(
    struct build *build, uint8_t index, const struct set_element *elements, uint32_t count)
{
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        struct build_member member = {.length = elements[i].length, .set = index};

        memcpy(member.address, elements[i].address, elements[i].is_v6 ? 16 : 4);
        r = add_member(build, elements[i].is_v6 ? FW_IPV6 : FW_IPV4, &member);
    }
    return r;
}

/* What a digest says of a set: its live elements, in order. */
static int hash_elements(const struct build *build, const struct set_element *elements,
    uint32_t count, uint8_t ret_hash[HASH_BYTES])
{
    struct buffer text = {0};
    int r = buffer_reserve(&text, (size_t)count * 18 + 1);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint8_t head[2] = {elements[i].is_v6 ? 6 : 4, elements[i].length};

        r = buffer_append(&text, head, sizeof(head));
        if (r == 0)
            r = buffer_append(&text, elements[i].address, elements[i].is_v6 ? 16 : 4);
    }
    if (r == 0)
        build->input->hash(buffer_bytes(&text), ret_hash);
    buffer_fini(&text);
    return r;
}

int build_set_index(struct build *build, uint32_t object, uint8_t *ret_index)
{
    struct set_element *elements = NULL;
    uint32_t count = 0;
    int r;

    for (uint32_t i = 0; i < build->sets_count; i++) {
        if (build->sets[i].object == object) {
            *ret_index = (uint8_t)i;
            return 0;
        }
    }
    r = new_set(build, object, ret_index);
    if (r == 0)
        r = build_set_elements(build, object, &elements, &count);
    if (r == 0)
        r = hash_elements(build, elements, count, build->sets[*ret_index].hash);
    if (r == 0)
        r = add_elements(build, *ret_index, elements, count);
    free(elements);
    if (r == 0) {
        build->tables->objects[object].elements = count;
        build->tables->prefixes_effective += count;
    }
    return r;
}

int build_set_of_prefixes(
    struct build *build, const Picket__V1__Addresses *side, uint32_t family, uint8_t *ret_index)
{
    int r = new_set(build, UINT32_MAX, ret_index);

    for (size_t i = 0; r == 0 && i < side->n_prefixes; i++) {
        const Picket__V1__Prefix *prefix = side->prefixes[i];
        struct build_member member = {.length = (uint8_t)prefix->length, .set = *ret_index};

        if (prefix->address.len != (family == FW_IPV4 ? 4 : 16))
            continue;
        memcpy(member.address, prefix->address.data, prefix->address.len);
        r = add_member(build, family, &member);
    }
    return r;
}

/* ---- classes */

static int member_order(const void *a, const void *b)
{
    const struct build_member *x = a, *y = b;
    int order = memcmp(x->address, y->address, sizeof(x->address));

    return order ? order : (x->length > y->length) - (x->length < y->length);
}

struct class_sweep {
    struct build *build;
    struct idmap ids; /* membership -> class */
    size_t classes_capacity;
    uint32_t family;
    uint32_t depth;
    struct {
        struct build_member member;
        uint64_t mask;
    } stack[129];
};

static int class_of(struct class_sweep *sweep, uint64_t mask, uint32_t *ret_class)
{
    struct compile_tables *tables = sweep->build->tables;
    uint8_t id[8];

    memcpy(id, &mask, sizeof(id));
    *ret_class = idmap_find(&sweep->ids, id);
    if (*ret_class != IDMAP_NONE)
        return 0;
    if (tables->classes_count == FW_CLASSES_MAX)
        return problem_say(sweep->build->reterr_problem, -E2BIG,
            "the sets overlap in more than %d different ways", FW_CLASSES_MAX - 1);
    if (build_grow((void **)&tables->classes, &sweep->classes_capacity, tables->classes_count,
            sizeof(*tables->classes)) < 0 ||
        idmap_put(&sweep->ids, id, tables->classes_count) < 0)
        return -ENOMEM;
    *ret_class = tables->classes_count;
    tables->classes[tables->classes_count++] = mask;
    return 0;
}

static bool covers(const struct build_member *outer, const struct build_member *inner)
{
    uint32_t whole = outer->length / 8, rest = outer->length % 8;

    if (outer->length > inner->length || memcmp(outer->address, inner->address, whole) != 0)
        return false;
    return rest == 0 ||
           ((outer->address[whole] ^ inner->address[whole]) & (uint8_t)(0xff00 >> rest)) == 0;
}

static void put_row(struct class_sweep *sweep, const struct build_member *member, uint32_t class)
{
    struct compile_rows *rows = &sweep->build->tables->rows[sweep->family];
    struct trie_row *row = &rows->items[rows->count++];

    *row = (struct trie_row){.class = (uint16_t) class, .length = member->length};
    memcpy(row->address, member->address, sizeof(row->address));
}

/* One prefix with the sets that name it: below what covers it. */
static int sweep_prefix(struct class_sweep *sweep, const struct build_member *member, uint64_t own)
{
    uint64_t inherited;
    uint32_t class;
    int r;

    while (sweep->depth > 0 && !covers(&sweep->stack[sweep->depth - 1].member, member))
        sweep->depth--;
    inherited = sweep->depth ? sweep->stack[sweep->depth - 1].mask : 0;
    if ((inherited | own) == inherited)
        return 0; /* what covers it says it all */
    r = class_of(sweep, inherited | own, &class);
    if (r < 0)
        return r;
    CHECK(sweep->depth < 129, "every level is a longer prefix");
    sweep->stack[sweep->depth].member = *member;
    sweep->stack[sweep->depth++].mask = inherited | own;
    put_row(sweep, member, class);
    return 0;
}

static int sweep_family(struct class_sweep *sweep)
{
    struct build_members *members = &sweep->build->members[sweep->family];
    int r = 0;

    sweep->depth = 0;
    if (members->count == 0)
        return 0;
    qsort(members->items, members->count, sizeof(*members->items), member_order);
    for (size_t i = 0, next; r == 0 && i < members->count; i = next) {
        uint64_t own = 0;

        for (next = i;
             next < members->count && member_order(&members->items[i], &members->items[next]) == 0;
             next++)
            own |= 1ULL << members->items[next].set;
        r = sweep_prefix(sweep, &members->items[i], own);
    }
    return r;
}

int build_classes(struct build *build)
{
    struct compile_tables *tables = build->tables;
    struct class_sweep sweep = {.build = build};
    uint32_t class;
    int r;

    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        tables->rows[family].items =
            calloc(build->members[family].count + 1, sizeof(*tables->rows[family].items));
        if (!tables->rows[family].items)
            return -ENOMEM;
    }
    idmap_init(&sweep.ids, 8, 0);
    r = class_of(&sweep, 0, &class);
    for (sweep.family = 0; r == 0 && sweep.family < FW_FAMILY_COUNT; sweep.family++)
        r = sweep_family(&sweep);
    idmap_fini(&sweep.ids);
    return r;
}
