/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import/match.h"

#include "cli/import/model.h"

#include <stdlib.h>
#include <string.h>

static int compare_spans(const void *a, const void *b)
{
    const struct span *left = a, *right = b;

    return (left->first > right->first) - (left->first < right->first);
}

static struct spans *spans_room(struct importing *in, uint32_t count)
{
    return import_take(in, sizeof(struct spans) + (size_t)count * sizeof(struct span));
}

const struct spans *spans_of(struct importing *in, struct span *list, uint32_t count)
{
    struct spans *made = spans_room(in, count);

    if (count > 0)
        qsort(list, count, sizeof(*list), compare_spans);
    for (uint32_t i = 0; i < count; i++) {
        struct span *last = made->count ? &made->at[made->count - 1] : NULL;

        if (last && (last->last == ~(wide)0 || list[i].first <= last->last + 1)) {
            if (list[i].last > last->last)
                last->last = list[i].last;
        } else {
            made->at[made->count++] = list[i];
        }
    }
    return made;
}

const struct spans *spans_one(struct importing *in, wide first, wide last)
{
    struct span span = {first, last};

    return spans_of(in, &span, 1);
}

const struct spans *spans_and(struct importing *in, const struct spans *a, const struct spans *b)
{
    struct spans *made = spans_room(in, a->count + b->count);
    uint32_t i = 0, j = 0;

    while (i < a->count && j < b->count) {
        wide first = a->at[i].first > b->at[j].first ? a->at[i].first : b->at[j].first;
        wide last = a->at[i].last < b->at[j].last ? a->at[i].last : b->at[j].last;

        if (first <= last)
            made->at[made->count++] = (struct span){first, last};
        if (a->at[i].last < b->at[j].last)
            i++;
        else
            j++;
    }
    return made;
}

const struct spans *spans_not(struct importing *in, const struct spans *a, wide max)
{
    struct spans *made = spans_room(in, a->count + 1);
    wide next = 0;

    for (uint32_t i = 0; i < a->count; i++) {
        if (a->at[i].first > next)
            made->at[made->count++] = (struct span){next, a->at[i].first - 1};
        if (a->at[i].last >= max)
            return made;
        next = a->at[i].last + 1;
    }
    made->at[made->count++] = (struct span){next, max};
    return made;
}

bool spans_cover(const struct spans *a, const struct spans *b)
{
    uint32_t i = 0;

    for (uint32_t j = 0; j < b->count; j++) {
        while (i < a->count && a->at[i].last < b->at[j].first)
            i++;
        if (i == a->count || a->at[i].first > b->at[j].first || a->at[i].last < b->at[j].last)
            return false;
    }
    return true;
}

uint8_t span_prefix(struct span *span, uint8_t bits)
{
    wide size = 1;
    uint8_t length = bits;

    /* size - 1 is compared, because 2^128 has no number. */
    while (length > 0 && (span->first & size) == 0 && (size << 1) - 1 <= span->last - span->first) {
        size <<= 1;
        length--;
        if (size == 0)
            break;
    }
    span->first += size;
    return length;
}

uint32_t spans_prefixes(const struct spans *spans, uint8_t bits)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < spans->count; i++) {
        struct span rest = spans->at[i];
        wide before;

        do {
            before = rest.first;
            (void)span_prefix(&rest, bits);
            count++;
        } while (rest.first > before && rest.first <= rest.last);
    }
    return count;
}

void match_init(struct match *match, uint8_t families)
{
    *match = (struct match){.families = families,
        .targets = TO_SELF | TO_OTHER,
        .fragments = FRAGMENT_WHOLE | FRAGMENT_BEGIN | FRAGMENT_REST,
        .vlan = -1};
}

wide field_max(enum field field, uint8_t families)
{
    if (field <= FIELD_TARGET)
        return families == FAMILY_V6 ? ~(wide)0 : UINT32_MAX;
    if (field == FIELD_SPORT || field == FIELD_DPORT)
        return 65535;
    return field == FIELD_DSCP ? 63 : 255;
}

enum match_answer match_field(
    struct importing *in, struct match *match, enum field field, const struct spans *spans)
{
    const struct spans *old = match->fields[field];

    if (old)
        spans = spans_and(in, old, spans);
    match->fields[field] = spans;
    if (spans->count == 0)
        return MATCH_NONE;
    if (spans->at[0].first == 0 && spans->at[0].last == field_max(field, match->families) &&
        field >= FIELD_PROTOCOL)
        match->fields[field] = NULL;
    return MATCH_SOME;
}

/* What both globs match: they are names or beginnings, so it is one of them or nothing. */
static const char *glob_and(const char *a, const char *b)
{
    size_t a_len = strcspn(a, "*"), b_len = strcspn(b, "*");

    if (a[a_len] && (b_len >= a_len) && memcmp(a, b, a_len) == 0)
        return b;
    if (b[b_len] && (a_len >= b_len) && memcmp(a, b, b_len) == 0)
        return a;
    return strcmp(a, b) == 0 ? a : NULL;
}

const struct devices *devices_and(
    struct importing *in, const struct devices *a, const struct devices *b)
{
    struct devices *made;
    size_t room;

    if (!a || !b)
        return a ? a : b;
    room = (size_t)a->count * b->count;
    if (room > 4096)
        import_stop(in, -7, "too many devices in one condition");
    made = import_take(in, sizeof(*made) + room * sizeof(char *));
    for (uint32_t i = 0; i < a->count; i++)
        for (uint32_t j = 0; j < b->count; j++) {
            const char *glob = glob_and(a->at[i], b->at[j]);

            if (glob)
                made->at[made->count++] = glob;
        }
    return made;
}

/* A set of the file becomes its addresses, where more than its name is needed. False: unknown. */
static bool set_resolve(struct importing *in, struct match *match, int side)
{
    const struct spans *spans = import_set_spans(in, match->sets[side]);

    if (!spans)
        return false;
    if (match->sets_not[side])
        spans = spans_not(in, spans, field_max((enum field)side, match->families));
    if (match->fields[side])
        spans = spans_and(in, match->fields[side], spans);
    match->fields[side] = spans;
    match->sets[side] = NULL;
    return true;
}

static enum match_answer side_and(
    struct importing *in, const struct match *b, struct match *ret, int side)
{
    if (b->sets[side] && ret->sets[side]) {
        if (strcmp(b->sets[side], ret->sets[side]) == 0)
            return b->sets_not[side] == ret->sets_not[side] ? MATCH_SOME : MATCH_NONE;
        if (!set_resolve(in, ret, side))
            return MATCH_HARD;
    }
    if (b->sets[side]) {
        ret->sets[side] = b->sets[side];
        ret->sets_not[side] = b->sets_not[side];
    }
    if (ret->sets[side] && ret->fields[side] && !set_resolve(in, ret, side))
        return MATCH_HARD;
    return ret->fields[side] && ret->fields[side]->count == 0 ? MATCH_NONE : MATCH_SOME;
}

static enum match_answer sides_and(struct importing *in, const struct match *b, struct match *ret)
{
    enum match_answer source = side_and(in, b, ret, FIELD_SOURCE);
    enum match_answer target = side_and(in, b, ret, FIELD_TARGET);

    if (source == MATCH_NONE || target == MATCH_NONE)
        return MATCH_NONE;
    return source == MATCH_HARD ? source : target;
}

enum match_answer match_and(
    struct importing *in, const struct match *a, const struct match *b, struct match *ret)
{
    uint8_t both = a->flags_mask & b->flags_mask;
    struct match made = *a;

    made.families &= b->families;
    made.targets &= b->targets;
    made.fragments &= b->fragments;
    made.is_out |= b->is_out;
    if (a->states && b->states)
        made.states = a->states & b->states;
    else
        made.states = a->states | b->states;
    if (!made.families || !made.targets || !made.fragments ||
        (a->states && b->states && !made.states) ||
        (a->flags_value & both) != (b->flags_value & both) ||
        (a->vlan >= 0 && b->vlan >= 0 && a->vlan != b->vlan))
        return MATCH_NONE;
    made.flags_mask |= b->flags_mask;
    made.flags_value |= b->flags_value;
    if (b->vlan >= 0)
        made.vlan = b->vlan;
    for (int field = 0; field < FIELD_COUNT; field++)
        if (b->fields[field] && match_field(in, &made, field, b->fields[field]) == MATCH_NONE)
            return MATCH_NONE;
    made.devices = devices_and(in, a->devices, b->devices);
    if (made.devices && made.devices->count == 0)
        return MATCH_NONE;
    *ret = made;
    return sides_and(in, b, ret);
}

static bool devices_cover(const struct devices *a, const struct devices *b)
{
    for (uint32_t i = 0; b && i < b->count; i++) {
        bool is_in = false;

        for (uint32_t j = 0; j < a->count && !is_in; j++)
            is_in = glob_and(a->at[j], b->at[i]) == b->at[i] || strcmp(a->at[j], b->at[i]) == 0;
        if (!is_in)
            return false;
    }
    return b != NULL;
}

bool match_covers(const struct match *a, const struct match *b)
{
    if ((a->families & b->families) != b->families || (a->targets & b->targets) != b->targets ||
        (a->fragments & b->fragments) != b->fragments ||
        (a->states && (!b->states || (a->states & b->states) != b->states)) ||
        (a->vlan >= 0 && a->vlan != b->vlan) || (a->flags_mask & b->flags_mask) != a->flags_mask ||
        (b->flags_value & a->flags_mask) != a->flags_value)
        return false;
    for (int side = 0; side < 2; side++)
        if (a->sets[side] && (!b->sets[side] || strcmp(a->sets[side], b->sets[side]) != 0 ||
                                 a->sets_not[side] != b->sets_not[side]))
            return false;
    for (int field = 0; field < FIELD_COUNT; field++)
        if (a->fields[field] &&
            (!b->fields[field] || !spans_cover(a->fields[field], b->fields[field])))
            return false;
    return !a->devices || devices_cover(a->devices, b->devices);
}
