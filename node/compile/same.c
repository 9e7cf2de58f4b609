/* SPDX-License-Identifier: Apache-2.0 */
#include "node/compile/compile.h"

#include <string.h>

static bool is_same_array(const void *a, const void *b, size_t a_count, size_t b_count, size_t size)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

static bool has_same_rules(const struct compile_tables *a, const struct compile_tables *b)
{
    bool is_same = true;

    for (uint32_t family = 0; family < FW_FAMILY_COUNT; family++) {
        const struct compile_rows *x = &a->rows[family], *y = &b->rows[family];

        is_same =
            is_same && is_same_array(x->items, y->items, x->count, y->count, sizeof(*x->items));
        for (uint32_t forest = 0; is_same && forest < FW_FOREST_COUNT; forest++) {
            const struct compile_leaves *v = &a->leaves[family][forest];
            const struct compile_leaves *w = &b->leaves[family][forest];

            is_same = is_same_array(v->items, w->items, v->count, w->count, sizeof(*v->items));
        }
    }
    return is_same;
}

/* The blobs, and where in them what begins, follow from leaves and rows. */
bool compile_is_same(const struct compile_tables *a, const struct compile_tables *b)
{
    struct fw_gen x = a->gen, y = b->gen;

    memset(x.roots, 0, sizeof(x.roots));
    memset(y.roots, 0, sizeof(y.roots));
    memset(x.tries, 0, sizeof(x.tries));
    memset(y.tries, 0, sizeof(y.tries));
    return memcmp(&x, &y, sizeof(x)) == 0 && has_same_rules(a, b) &&
           memcmp(&a->policy, &b->policy, sizeof(a->policy)) == 0 &&
           is_same_array(
               a->classes, b->classes, a->classes_count, b->classes_count, sizeof(*a->classes)) &&
           is_same_array(
               a->devices, b->devices, a->devices_count, b->devices_count, sizeof(*a->devices)) &&
           is_same_array(a->hosts, b->hosts, a->hosts_count, b->hosts_count, sizeof(*a->hosts)) &&
           is_same_array(
               a->manage, b->manage, a->manage_count, b->manage_count, sizeof(*a->manage));
}
