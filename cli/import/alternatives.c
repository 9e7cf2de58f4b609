/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import/alternatives.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void alternatives_init(struct alternatives *all, struct importing *in, uint8_t families)
{
    all->in = in;
    all->why = NULL;
    all->except = NULL;
    all->count = 1;
    match_init(&all->at[0], families);
}

void alternatives_fail(struct alternatives *all, const char *format, ...)
{
    char text[300];
    va_list args;

    if (all->why)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    all->why = import_say(all->in, "%s", text);
}

void alternatives_and(struct alternatives *all, const struct match *pieces, uint32_t count)
{
    struct match *made;
    uint32_t made_count = 0;

    if ((uint64_t)all->count * count > 4 * ALTERNATIVES_MAX) {
        alternatives_fail(all, "the condition would become more than %d rules", ALTERNATIVES_MAX);
        return;
    }
    made = import_take(all->in, ((size_t)all->count * count + 1) * sizeof(*made));
    for (uint32_t i = 0; i < all->count; i++)
        for (uint32_t j = 0; j < count; j++) {
            switch (match_and(all->in, &all->at[i], &pieces[j], &made[made_count])) {
            case MATCH_SOME:
                made_count++;
                break;
            case MATCH_HARD:
                alternatives_fail(all, "a set and other addresses on one side cannot be expressed");
                break;
            case MATCH_NONE:
                break;
            }
        }
    if (made_count > ALTERNATIVES_MAX) {
        alternatives_fail(all, "the condition would become more than %d rules", ALTERNATIVES_MAX);
        return;
    }
    memcpy(all->at, made, made_count * sizeof(*made));
    all->count = made_count;
}

static struct match anything(void)
{
    struct match match;

    match_init(&match, FAMILY_BOTH);
    return match;
}

void alternatives_field(
    struct alternatives *all, enum field field, const struct spans *spans, bool is_not)
{
    struct match match = anything();

    if (is_not)
        spans = spans_not(all->in, spans, field_max(field, FAMILY_BOTH));
    if (match_field(all->in, &match, field, spans) == MATCH_NONE)
        all->count = 0;
    else
        alternatives_and(all, &match, 1);
}

void alternatives_family(struct alternatives *all, uint8_t families)
{
    struct match match = anything();

    match.families = families;
    if (!families)
        all->count = 0;
    else
        alternatives_and(all, &match, 1);
}

void alternatives_address(
    struct alternatives *all, enum field field, bool is_v6, const struct spans *spans, bool is_not)
{
    struct match match = anything();

    match.families = is_v6 ? FAMILY_V6 : FAMILY_V4;
    if (is_not)
        spans = spans_not(all->in, spans, field_max(field, match.families));
    match.fields[field] = spans;
    if (spans->count == 0)
        all->count = 0;
    else if (spans->count == 1 && spans->at[0].first == 0 &&
             spans->at[0].last == field_max(field, match.families))
        alternatives_family(all, match.families);
    else
        alternatives_and(all, &match, 1);
}

void alternatives_set(struct alternatives *all, enum field side, const char *name, bool is_not)
{
    struct match match = anything();

    match.sets[side] = name;
    match.sets_not[side] = is_not;
    alternatives_and(all, &match, 1);
}

void alternatives_protocol(struct alternatives *all, uint32_t protocol, bool is_not)
{
    alternatives_field(all, FIELD_PROTOCOL, spans_one(all->in, protocol, protocol), is_not);
}

void alternatives_icmp(
    struct alternatives *all, bool is_v6, struct span type, struct span code, bool is_not)
{
    struct match pieces[2] = {anything(), anything()};
    const struct spans *types = spans_one(all->in, type.first, type.last);
    const struct spans *codes = spans_one(all->in, code.first, code.last);

    alternatives_family(all, is_v6 ? FAMILY_V6 : FAMILY_V4);
    alternatives_protocol(all, is_v6 ? 58 : 1, false);
    if (!is_not) {
        alternatives_field(all, FIELD_TYPE, types, false);
        alternatives_field(all, FIELD_CODE, codes, false);
        return;
    }
    (void)match_field(all->in, &pieces[0], FIELD_TYPE, spans_not(all->in, types, 255));
    (void)match_field(all->in, &pieces[1], FIELD_TYPE, types);
    if (code.first == 0 && code.last == 255)
        alternatives_and(all, pieces, 1);
    else if (match_field(all->in, &pieces[1], FIELD_CODE, spans_not(all->in, codes, 255)) ==
             MATCH_SOME)
        alternatives_and(all, pieces, 2);
}

/* "Not" is: up to some flag as asked, that flag otherwise. The pieces exclude each other. */
void alternatives_flags(struct alternatives *all, uint8_t mask, uint8_t value, bool is_not)
{
    struct match pieces[8];
    uint32_t count = 0;
    uint8_t seen = 0;

    alternatives_protocol(all, 6, false);
    if (mask == 0 || (value & ~mask)) {
        alternatives_fail(all, "TCP flags are asked for that their mask leaves out");
        return;
    }
    for (int bit = 0; bit < 8 && is_not; bit++) {
        uint8_t flag = (uint8_t)(1U << bit);

        if (!(mask & flag))
            continue;
        pieces[count] = anything();
        pieces[count].flags_mask = seen | flag;
        pieces[count++].flags_value = (uint8_t)((value & seen) | (~value & flag));
        seen |= flag;
    }
    if (!is_not) {
        pieces[0] = anything();
        pieces[0].flags_mask = mask;
        pieces[0].flags_value = value;
        count = 1;
    }
    alternatives_and(all, pieces, count);
}

void alternatives_device(struct alternatives *all, bool is_out, const char *name, bool is_not)
{
    struct devices *devices = import_take(all->in, sizeof(*devices) + sizeof(char *));
    struct match match = anything();
    const char *why = device_check(name);

    if (why) {
        alternatives_fail(all, "%s", why);
        return;
    }
    match.is_out = is_out;
    if (strcmp(name, "*") == 0) {
        if (is_not)
            all->count = 0;
        return;
    }
    devices->count = 1;
    devices->at[0] = name;
    if (!is_not)
        match.devices = devices;
    else if (all->except && strcmp(name, "lo") != 0)
        alternatives_fail(all, "two devices that are excluded at once cannot be expressed");
    else if (strcmp(name, "lo") != 0) /* Picket never sees it */
        all->except = devices;
    alternatives_and(all, &match, 1);
}

void alternatives_fragments(struct alternatives *all, uint8_t fragments)
{
    struct match match = anything();

    match.fragments = fragments;
    alternatives_and(all, &match, 1);
}

void alternatives_states(struct alternatives *all, uint8_t states)
{
    struct match match = anything();

    match.states = states;
    alternatives_and(all, &match, 1);
}

void alternatives_targets(struct alternatives *all, uint8_t targets)
{
    struct match match = anything();

    match.targets = targets;
    alternatives_and(all, &match, 1);
}

void alternatives_emit(struct alternatives *all, struct chain *chain, const struct step *step)
{
    for (uint32_t i = 0; i < all->count; i++) {
        struct step made = *step;

        made.match = all->at[i];
        made.except = all->except;
        import_step(all->in, chain, &made);
    }
    if (all->count == 0)
        import_note(all->in, step->line, "no packet can match this");
}

static uint32_t width(const struct spans *spans)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < spans->count; i++)
        total += (uint32_t)(spans->at[i].last - spans->at[i].first) + 1;
    return total;
}

void alternatives_check_headers(struct alternatives *all, uint32_t line)
{
    static const struct span headers[] = {{43, 44}, {51, 51}, {60, 60}, {135, 135}, {139, 140}};
    const uint32_t count = sizeof(headers) / sizeof(headers[0]);
    struct span copy[sizeof(headers) / sizeof(headers[0])];
    const struct spans *walked, *both;

    memcpy(copy, headers, sizeof(copy));
    walked = spans_of(all->in, copy, count);
    for (uint32_t i = 0; i < all->count && !all->why; i++) {
        const struct match *match = &all->at[i];
        const struct spans *spans = match->fields[FIELD_PROTOCOL];

        /* A wide list is what is left of a "not". */
        if (!spans || !(match->families & FAMILY_V6) || width(spans) > 128)
            continue;
        both = spans_and(all->in, spans, walked);
        if (both->count && match->families == FAMILY_V6 && spans_cover(walked, spans))
            all->why = "Picket looks behind this header of IPv6; a rule cannot match it";
        else if (both->count)
            import_note(all->in, line,
                "in IPv6 Picket looks behind such headers (ah, routing and so on); there this "
                "matches the other protocols alone");
    }
}
