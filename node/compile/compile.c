/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/compile.h"
#include "base/check.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *compile_status_word(enum compile_status status)
{
    static const char *const words[COMPILE_STATUS_COUNT] = {
        [COMPILE_EFFECTIVE] = "effective",
        [COMPILE_EXPIRED] = "expired",
        [COMPILE_NOT_YET] = "not_yet",
        [COMPILE_OUT_OF_SCOPE] = "out_of_scope",
        [COMPILE_WAITING_FOR_CONTENT] = "waiting_for_content",
        [COMPILE_CANNOT_ENFORCE] = "cannot_enforce",
        [COMPILE_MALFORMED] = "malformed",
        [COMPILE_DELETED] = "deleted",
    };

    CHECK((uint32_t)status < COMPILE_STATUS_COUNT, "it is one of the enum");
    return words[status];
}

int build_grow(void **items, size_t *capacity, size_t count, size_t item_bytes)
{
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *grown;

    if (count < *capacity)
        return 0;
    grown = realloc(*items, wanted * item_bytes);
    if (!grown)
        return -ENOMEM;
    *items = grown;
    *capacity = wanted;
    return 0;
}

void compile_blobs_drop(struct compile_tables *tables)
{
    for (uint32_t i = 0; i < FW_BLOB_COUNT; i++)
        blob_fini(&tables->blobs[i]);
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        free(tables->amendable.hides[family]);
        tables->amendable.hides[family] = NULL;
    }
}

void compile_tables_free(struct compile_tables *tables)
{
    if (!tables)
        return;
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        for (uint32_t forest = 0; forest < FW_FOREST_COUNT; forest++)
            free(tables->leaves[family][forest].items);
        free(tables->rows[family].items);
    }
    free(tables->amendable.places);
    compile_blobs_drop(tables);
    free(tables->classes);
    free(tables->devices);
    free(tables->hosts);
    free(tables->manage);
    free(tables->objects);
    free(tables);
}

const struct compile_object *compile_object_find(
    const struct compile_tables *tables, const uint8_t id[OP_REF_BYTES])
{
    uint32_t low = 0, high = tables->objects_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = memcmp(tables->objects[middle].id, id, OP_REF_BYTES);

        if (order == 0)
            return &tables->objects[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int open_tables(const struct compile_input *input, uint32_t objects_count, uint32_t flags,
    struct compile_tables **ret_tables, struct problem *reterr_problem)
{
    struct compile_tables *tables = calloc(1, sizeof(*tables));
    int r = -ENOMEM;

    if (tables)
        tables->objects = calloc(objects_count + 1U, sizeof(*tables->objects));
    if (tables && tables->objects) {
        tables->gen.abi = FW_ABI_VERSION;
        tables->gen.flags = flags | (input->is_dry_run ? FW_GEN_DRY_RUN : 0U);
        tables->next_change_s = UINT64_MAX;
        memset(tables->policy.defaults, FW_ALLOW, sizeof(tables->policy.defaults));
        r = build_lifeline(input, tables, reterr_problem);
    }
    if (r < 0)
        compile_tables_free(tables);
    else
        *ret_tables = tables;
    return r;
}

static void list_objects(struct build *build, uint32_t count)
{
    build->tables->objects_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct compile_object *object = &build->tables->objects[i];

        CHECK(i == 0 || memcmp(build->objects[i - 1].id, build->objects[i].id, OP_REF_BYTES) < 0,
            "objects are ascending by id");
        memcpy(object->id, build->objects[i].id, OP_REF_BYTES);
        object->kind = (uint8_t)build->objects[i].kind;
        object->why = "";
    }
}

static void drop_refused(struct build *build)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < build->rules_count; i++)
        if (build->tables->objects[build->rules[i].object].is_counted)
            build->rules[kept++] = build->rules[i];
    build->rules_count = kept;
}

static int run(struct build *build)
{
    int r;

    build->rules_capacity = 0;
    r = build_select(build);
    if (r == 0)
        r = build_digest(build); /* before the rules that only this node cannot enforce go */
    if (r < 0)
        return r;
    drop_refused(build);
    r = build_globs(build);
    if (r == 0)
        r = build_rules(build);
    if (r == 0)
        r = build_classes(build);
    if (r == 0)
        r = build_devices(build->input, build->tables);
    build->tables->counters_count = compile_indexes_limit(build->input->indexes);
    return r;
}

int compile_objects(const struct compile_input *input, struct ledger_object *objects,
    uint32_t objects_count, struct compile_tables **ret_tables, struct problem *reterr_problem)
{
    struct build build = {.input = input, .objects = objects, .reterr_problem = reterr_problem};
    int r = open_tables(input, objects_count, 0, &build.tables, reterr_problem);

    if (r < 0)
        return r;
    list_objects(&build, objects_count);
    r = run(&build);
    free(build.rules);
    free(build.members[FW_IPV4].items);
    free(build.members[FW_IPV6].items);
    if (r < 0)
        compile_tables_free(build.tables);
    else
        *ret_tables = build.tables;
    return r;
}

int compile_run(const struct compile_input *input, struct compile_tables **ret_tables,
    struct problem *reterr_problem)
{
    uint32_t count = input->ledger ? ledger_objects_count(input->ledger) : 0;
    struct ledger_object *objects = calloc(count + 1U, sizeof(*objects));
    int r;

    if (!objects)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        ledger_object_at(input->ledger, i, &objects[i]);
    r = compile_objects(input, objects, count, ret_tables, reterr_problem);
    free(objects);
    return r;
}

int compile_lifeline_only(const struct compile_input *input, struct compile_tables **ret_tables,
    struct problem *reterr_problem)
{
    struct compile_tables *tables;
    int r = open_tables(input, 0, FW_GEN_LIFELINE_ONLY, &tables, reterr_problem);

    if (r < 0)
        return r;
    tables->classes = calloc(1, sizeof(*tables->classes));
    tables->classes_count = 1;
    r = tables->classes ? build_devices(input, tables) : -ENOMEM;
    if (r < 0)
        compile_tables_free(tables);
    else
        *ret_tables = tables;
    return r;
}

/* ---- what the kernel walks */

#define WORDS_LEAST (1U << 17) /* what a forest may take at least: 1 MiB */
#define WORDS_A_RULE 32        /* and for each rule: 256 bytes */

static int build_forest(
    struct compile_tables *tables, uint32_t family, uint32_t kind, struct problem *reterr_problem)
{
    const struct compile_leaves *leaves = &tables->leaves[family][kind];
    const struct forest_limits limits = {.passes_max = kind == FW_ENFORCE
                                                           ? FW_PASSES_MAX - FOREST_PASSES_OF_LATE
                                                           : FW_PASSES_OBSERVE_MAX,
        .words_max = WORDS_LEAST + (uint64_t)leaves->count * WORDS_A_RULE};
    uint64_t *hides = NULL;

    if (leaves->count == 0)
        return 0;
    if (kind == FW_ENFORCE) {
        free(tables->amendable.hides[family]);
        tables->amendable.hides[family] = hides = calloc(leaves->count / 64 + 1, sizeof(*hides));
        if (!hides)
            return -ENOMEM;
    }
    return forest_build(&tables->blobs[FW_BLOB_FOREST4 + family], leaves->items, leaves->count,
        (enum fw_family)family, &limits, hides, &tables->gen.roots[FW_IN][family].forests[kind],
        &tables->shapes[family][kind], reterr_problem);
}

int compile_build(struct compile_tables *tables, struct problem *reterr_problem)
{
    int r = 0;

    for (uint32_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++) {
        r = build_forest(tables, family, FW_ENFORCE, reterr_problem);
        if (r == 0)
            r = build_forest(tables, family, FW_OBSERVE, reterr_problem);
        tables->amendable.late_at[family] = tables->blobs[FW_BLOB_FOREST4 + family].count;
        if (r == 0)
            r = trie_build(&tables->blobs[FW_BLOB_TRIE4 + family], tables->rows[family].items,
                tables->rows[family].count, (enum fw_family)family, &tables->gen.tries[family],
                reterr_problem);
    }
    return r;
}

void compile_take_built(struct compile_tables *to, struct compile_tables *from)
{
    memcpy(to->gen.roots, from->gen.roots, sizeof(to->gen.roots));
    memcpy(to->gen.tries, from->gen.tries, sizeof(to->gen.tries));
    memcpy(to->shapes, from->shapes, sizeof(to->shapes));
    memcpy(to->blobs, from->blobs, sizeof(to->blobs));
    memset(from->blobs, 0, sizeof(from->blobs));
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        to->amendable.hides[family] = from->amendable.hides[family];
        to->amendable.late_at[family] = from->amendable.late_at[family];
        from->amendable.hides[family] = NULL;
    }
}
