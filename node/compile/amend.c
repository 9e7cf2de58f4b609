/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/amend.h"
#include "node/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One call's work. */
struct amending {
    struct compile_tables *tables;
    const struct compile_input *input;
    struct amendment *of;
    struct compile_tables *few; /* made of them alone */
    struct fw_rule late[FW_FAMILY_COUNT][FW_LATE_MAX];
    uint32_t late_count[FW_FAMILY_COUNT];
    uint64_t *forgotten[FW_FAMILY_COUNT]; /* by order */
};

bool amend_is_possible(const struct compile_tables *tables)
{
    uint32_t leaves =
        tables->leaves[FW_IPV4][FW_ENFORCE].count + tables->leaves[FW_IPV6][FW_ENFORCE].count;

    return leaves >= AMEND_FROM && tables->amendable.places && !tables->is_waiting &&
           tables->blobs[FW_BLOB_FOREST4].count + tables->blobs[FW_BLOB_FOREST6].count > 0;
}

/* ---- what changed */

static int id_order(const void *a, const void *b)
{
    return memcmp(a, b, OP_REF_BYTES);
}

static bool is_amended(const struct amending *amending, const uint8_t id[OP_REF_BYTES])
{
    return bsearch(id, amending->of->ids, amending->of->ids_count, OP_REF_BYTES, id_order) != NULL;
}

static bool names_set(const Picket__V1__Addresses *side)
{
    return side && side->set.len > 0;
}

/* Sets, patterns of devices, what only counts, and what another object decides, are for a whole
 * run. */
static bool is_plain(const struct ledger_object *object)
{
    const Picket__V1__Rule *rule = object->of.rule;
    const Picket__V1__Match *match;

    if (object->kind != OBJECT_RULE)
        return false;
    if (object->winner_is_delete)
        return true;
    match = rule->match;
    return !build_rule_is_observed(rule) &&
           (!match || (match->n_devices == 0 && !names_set(match->source) &&
                          !names_set(match->destination)));
}

static bool are_plain(const struct amending *amending)
{
    for (uint32_t i = 0; i < amending->of->ids_count; i++) {
        const struct compile_object *before =
            compile_object_find(amending->tables, amending->of->ids[i]);

        if (before && before->kind != OBJECT_RULE)
            return false;
    }
    for (uint32_t i = 0; i < amending->of->objects_count; i++)
        if (!is_plain(&amending->of->objects[i]))
            return false;
    return true;
}

static int compile_few(struct amending *amending)
{
    struct problem problem;
    int r = compile_objects(amending->input, amending->of->objects, amending->of->objects_count,
        &amending->few, &problem);

    if (r < 0)
        return r == -ENOMEM ? r : -ENOTSUP;
    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        const struct compile_leaves *leaves = amending->few->leaves[family];
        const struct fw_root *root = &amending->tables->gen.roots[FW_IN][family];

        /* A negated list is a set, too; and among log rules a late one has no place. */
        if (amending->few->rows[family].count > 0 || leaves[FW_OBSERVE].count > 0 ||
            leaves[FW_ENFORCE].count > FW_LATE_MAX ||
            (leaves[FW_ENFORCE].count > 0 && root->forests[FW_OBSERVE].count > 0))
            return -ENOTSUP;
    }
    return amending->few->is_waiting ? -ENOTSUP : 0;
}

/* ---- where late rules stand */

static int place_order(const struct compile_place *a, const struct compile_place *b)
{
    int order = (a->priority > b->priority) - (a->priority < b->priority);

    return order ? order : memcmp(a->id, b->id, OP_REF_BYTES);
}

/* The first place that is not before `place`; NULL: all are. */
static const struct compile_place *seek(
    const struct compile_tables *tables, const struct compile_place *place)
{
    uint32_t low = 0, high = tables->amendable.places_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (place_order(&tables->amendable.places[middle], place) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tables->amendable.places_count ? &tables->amendable.places[low] : NULL;
}

static uint32_t order_of(
    const struct compile_tables *tables, const struct compile_place *place, uint32_t family)
{
    return place && place < tables->amendable.places + tables->amendable.places_count
               ? place->order[family]
               : tables->leaves[family][FW_ENFORCE].count;
}

static void make_late(struct amending *amending, uint32_t family)
{
    const struct compile_tables *few = amending->few;

    for (uint32_t i = 0; i < few->amendable.places_count; i++) {
        const struct compile_place *place = &few->amendable.places[i];
        uint32_t end = order_of(few, place + 1, family);
        uint64_t order = order_of(amending->tables, seek(amending->tables, place), family);

        for (uint32_t leaf = place->order[family]; leaf < end; leaf++) {
            struct fw_rule *late = &amending->late[family][amending->late_count[family]++];

            *late = few->leaves[family][FW_ENFORCE].items[leaf];
            late->id &= ~((uint64_t)FW_ORDER_NONE << 32);
            late->id |= order << 32;
        }
    }
}

/* ---- what is to be forgotten */

static bool is_same_but_id(const struct fw_rule *a, const struct fw_rule *b)
{
    struct fw_rule x = *a, y = *b;

    x.id = y.id = 0;
    return memcmp(&x, &y, sizeof(x)) == 0;
}

/* The same packets at the same place: then the late rules decide before the old ones, which can
 * stay, with what they hide. */
static bool is_covered(const struct amending *amending, const struct compile_place *old,
    uint32_t family, uint32_t first, uint32_t end)
{
    const struct compile_tables *few = amending->few;
    const struct compile_place *now = seek(few, old);
    uint32_t at;

    if (!now || place_order(now, old) != 0)
        return false;
    at = now->order[family];
    if (order_of(few, now + 1, family) - at != end - first)
        return false;
    for (uint32_t i = 0; i < end - first; i++)
        if (!is_same_but_id(&few->leaves[family][FW_ENFORCE].items[at + i],
                &amending->tables->leaves[family][FW_ENFORCE].items[first + i]))
            return false;
    return true;
}

static int forget_place(
    struct amending *amending, const struct compile_place *place, uint32_t family)
{
    const struct compile_tables *tables = amending->tables;
    uint32_t first = place->order[family], end = order_of(tables, place + 1, family);
    const uint64_t *hides = tables->amendable.hides[family];

    if (is_covered(amending, place, family, first, end))
        return 0;
    for (uint32_t order = first; order < end; order++) {
        if (hides && hides[order / 64] >> order % 64 & 1)
            return -ENOTSUP;
        amending->forgotten[family][order / 64] |= 1ULL << order % 64;
    }
    return 0;
}

static int find_forgotten(struct amending *amending)
{
    const struct compile_tables *tables = amending->tables;
    int r = 0;

    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        amending->forgotten[family] = calloc(
            tables->leaves[family][FW_ENFORCE].count / 64 + 1U, sizeof(*amending->forgotten[0]));
        if (!amending->forgotten[family])
            return -ENOMEM;
    }
    for (uint32_t i = 0; r == 0 && i < tables->amendable.places_count; i++) {
        if (!is_amended(amending, tables->amendable.places[i].id))
            continue;
        r = forget_place(amending, &tables->amendable.places[i], FW_IPV4);
        if (r == 0)
            r = forget_place(amending, &tables->amendable.places[i], FW_IPV6);
    }
    return r;
}

/* ---- objects */

static int object_order(const void *a, const void *b)
{
    return memcmp(((const struct compile_object *)a)->id, ((const struct compile_object *)b)->id,
        OP_REF_BYTES);
}

/* Without those that changed, with those that are. */
static int merge_objects(struct amending *amending)
{
    struct compile_tables *tables = amending->tables, *few = amending->few;
    struct compile_object *merged =
        calloc((size_t)tables->objects_count + few->objects_count + 1, sizeof(*merged));
    uint32_t count = 0, next = 0;

    if (!merged)
        return -ENOMEM;
    for (uint32_t i = 0; i < tables->objects_count; i++) {
        const struct compile_object *old = &tables->objects[i];

        while (next < few->objects_count && object_order(&few->objects[next], old) < 0)
            merged[count++] = few->objects[next++];
        if (!is_amended(amending, old->id)) {
            merged[count++] = *old;
            continue;
        }
        tables->rules_effective -= old->is_counted;
        /* What counted before goes on counting. */
        if (next < few->objects_count && object_order(&few->objects[next], old) == 0)
            few->objects[next].is_fresh &= !old->is_counted;
    }
    while (next < few->objects_count)
        merged[count++] = few->objects[next++];
    free(tables->objects);
    tables->objects = merged;
    tables->objects_count = count;
    tables->rules_effective += few->rules_effective;
    return 0;
}

/* ---- all of it */

static int change_forests(struct amending *amending)
{
    struct compile_tables *tables = amending->tables;
    int r = 0;

    for (uint32_t family = 0; r == 0 && family < FW_FAMILY_COUNT; family++) {
        struct fw_root *root = &tables->gen.roots[FW_IN][family];
        struct blob *blob = &tables->blobs[FW_BLOB_FOREST4 + family];

        blob->count = tables->amendable.late_at[family];
        uint64_t late;

        r = forest_add_late(blob, amending->late[family], amending->late_count[family],
            (enum fw_family)family, &late);
        if (r < 0)
            continue;
        root->forests[FW_ENFORCE].late = late;
        root->flags |= amending->few->gen.roots[FW_IN][family].flags;
        forest_forget(
            blob, &root->forests[FW_ENFORCE], (enum fw_family)family, amending->forgotten[family]);
    }
    return r;
}

/* Past the point where it could be left as it was. */
static int commit(struct amending *amending)
{
    struct compile_tables *tables = amending->tables;
    int r = change_forests(amending);

    if (r == 0)
        r = merge_objects(amending);
    if (r < 0) {
        free(tables->amendable.places);
        tables->amendable.places = NULL;
        return -ENOMEM;
    }
    tables->counters_count = compile_indexes_limit(amending->input->indexes);
    if (amending->few->next_change_s < tables->next_change_s)
        tables->next_change_s = amending->few->next_change_s;
    return 0;
}

static int prepare(struct amending *amending)
{
    int r;

    if (!amend_is_possible(amending->tables) || !are_plain(amending))
        return -ENOTSUP;
    r = compile_few(amending);
    if (r < 0)
        return r;
    make_late(amending, FW_IPV4);
    make_late(amending, FW_IPV6);
    return find_forgotten(amending);
}

int amend(
    struct compile_tables *tables, const struct compile_input *input, struct amendment *amendment)
{
    struct amending *amending = calloc(1, sizeof(*amending));
    int r;

    if (!amending)
        return -ENOMEM;
    amending->tables = tables;
    amending->input = input;
    amending->of = amendment;
    qsort(amendment->ids, amendment->ids_count, OP_REF_BYTES, id_order);
    r = prepare(amending);
    if (r == 0)
        r = commit(amending);
    compile_tables_free(amending->few);
    free(amending->forgotten[FW_IPV4]);
    free(amending->forgotten[FW_IPV6]);
    free(amending);
    return r;
}
