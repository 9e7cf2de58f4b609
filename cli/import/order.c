/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order.c - which base chains make up the list, in which order, and how it ends.
 *
 * INPUT is for packets to the box itself; of multicast and broadcast, whose addresses are none of
 * the box, it is asked once more, before FORWARD. A policy that drops is a default where the file
 * speaks of both families, INPUT and FORWARD alike, and lets known flows pass as a default does;
 * else it is a last rule for what it is about.
 */
#include "cli/import/model.h"

#include <string.h>

struct ending {
    uint8_t exists[4], drops[4], knows[4]; /* by hook: families */
};

/* Where known flows are let pass before everything else, a drop is for the others: said in the
 * rule, it also holds where a node does not know flows. */
static bool knows_flows(struct importing *in, uint32_t mark, const struct match *block)
{
    struct match known = *block;

    known.states = STATE_KNOWN;
    for (uint32_t i = mark; i < in->flats_count; i++)
        if (in->flats[i].verdict == VERDICT_ALLOW && match_covers(&in->flats[i].match, &known))
            return true;
    return false;
}

static void spare_known(struct importing *in, uint32_t mark, const struct match *block)
{
    for (uint32_t i = mark; i < in->flats_count; i++) {
        struct flat *flat = &in->flats[i];

        if ((flat->verdict == VERDICT_DROP || flat->verdict == VERDICT_REJECT) &&
            !flat->match.states && match_covers(&flat->match, block))
            flat->match.states = STATE_NEW;
    }
}

static void walk_multicast(
    struct importing *in, struct chain *chain, uint8_t family, bool has_forward)
{
    static const struct span v4[] = {{0xe0000000U, 0xefffffffU}, {UINT32_MAX, UINT32_MAX}};
    struct span v4_copy[2], v6 = {(wide)0xff << 120, ~(wide)0};
    struct match match;
    bool is_decided;

    if (!(chain->families & family))
        return;
    memcpy(v4_copy, v4, sizeof(v4_copy));
    match_init(&match, family);
    match.targets = TO_OTHER; /* no address of the box */
    match.fields[FIELD_TARGET] =
        family == FAMILY_V4 ? spans_of(in, v4_copy, 2) : spans_of(in, &v6, 1);
    in->block++;
    in->skips_tcp = true;
    import_walk(in, chain, &match, &is_decided);
    in->skips_tcp = false;
    if (!is_decided && has_forward)
        import_emit(in, &match, chain->drops ? VERDICT_DROP : VERDICT_ALLOW, HOOK_INPUT);
}

static bool is_two(struct importing *in, uint32_t mark, const struct chain *chain)
{
    bool drops = chain->drops;

    for (uint32_t i = mark; i < in->flats_count; i++)
        drops = drops ||
                (in->flats[i].verdict != VERDICT_ALLOW && in->flats[i].verdict != VERDICT_LIMIT &&
                    in->flats[i].verdict != VERDICT_LOG);
    return drops;
}

/* A packet must pass both chains; a list ends at its first match. */
static void undo_second(struct importing *in, uint32_t mark, struct chain *chain)
{
    bool is_lost = is_two(in, mark, chain);

    for (uint32_t i = mark; i < in->flats_count; i++) {
        const struct step *step = in->flats[i].step;

        if (step && is_lost)
            import_refuse(in, step->line, step->effect,
                "it stands in a second chain at this hook, behind one that lets packets pass; a "
                "packet must pass both, a list ends at its first match");
        else if (step)
            import_note(in, step->line, "an earlier chain at this hook decides already");
    }
    if (chain->drops)
        import_refuse(in, chain->line, EFFECT_STOP,
            "the policy of a second chain at this hook, behind one that lets packets pass");
    in->flats_count = mark;
}

static bool allows(const struct importing *in, uint32_t mark)
{
    for (uint32_t i = mark; i < in->flats_count; i++)
        if (in->flats[i].verdict == VERDICT_ALLOW || in->flats[i].verdict == VERDICT_LIMIT)
            return true;
    return false;
}

static void walk_base(struct importing *in, struct chain *chain, struct ending *ending,
    uint8_t *allowed, bool has_forward)
{
    uint32_t mark = in->flats_count;
    struct match match;
    bool is_decided;

    match_init(&match, chain->families);
    if (chain->hook == HOOK_INPUT)
        match.targets = TO_SELF;
    else if (chain->hook == HOOK_FORWARD)
        match.targets = TO_OTHER;
    in->block++;
    import_walk(in, chain, &match, &is_decided);
    if (*allowed & chain->families) {
        undo_second(in, mark, chain);
        return;
    }
    if (knows_flows(in, mark, &match)) {
        ending->knows[chain->hook] |= chain->families;
        spare_known(in, mark, &match);
    }
    ending->exists[chain->hook] |= chain->families;
    if (chain->drops && !is_decided)
        ending->drops[chain->hook] |= chain->families;
    if (chain->hook == HOOK_INPUT) {
        walk_multicast(in, chain, FAMILY_V4, has_forward);
        walk_multicast(in, chain, FAMILY_V6, has_forward);
    }
    if (allows(in, mark))
        *allowed |= chain->families;
}

static struct chain *next_base(struct importing *in, enum hook hook, struct chain *last)
{
    struct chain *best = NULL;

    for (struct chain *chain = in->chains; chain; chain = chain->later) {
        if (chain->hook != hook || chain->is_walked)
            continue;
        if (!best || chain->priority < best->priority)
            best = chain;
    }
    (void)last;
    return best;
}

static void close_families(struct importing *in, const struct ending *ending, uint8_t families)
{
    bool input = (ending->drops[HOOK_INPUT] & families) == families;
    bool forward = (ending->drops[HOOK_FORWARD] & families) == families;
    struct match match;

    match_init(&match, families);
    match.targets = (uint8_t)((input ? TO_SELF : 0) | (forward ? TO_OTHER : 0));
    if (match.targets == (TO_SELF | TO_OTHER) &&
        (ending->knows[HOOK_INPUT] & families) != (ending->knows[HOOK_FORWARD] & families)) {
        match.targets = TO_OTHER;
        match.states = (ending->knows[HOOK_FORWARD] & families) ? STATE_NEW : 0;
        import_emit(in, &match, VERDICT_DROP, HOOK_FORWARD);
        match.targets = TO_SELF;
    }
    match.states = 0;
    if (ending->knows[(match.targets & TO_SELF) ? HOOK_INPUT : HOOK_FORWARD] & families)
        match.states = STATE_NEW;
    if (match.targets)
        import_emit(in, &match, VERDICT_DROP, input ? HOOK_INPUT : HOOK_FORWARD);
}

static void close_list(struct importing *in, const struct ending *ending)
{
    uint8_t in_drops = ending->drops[HOOK_INPUT] & ending->drops[HOOK_FORWARD] &
                       ending->knows[HOOK_INPUT] & ending->knows[HOOK_FORWARD];
    bool is_same =
        ending->drops[HOOK_INPUT] == FAMILY_BOTH && ending->drops[HOOK_FORWARD] == FAMILY_BOTH &&
        ending->knows[HOOK_INPUT] == FAMILY_BOTH && ending->knows[HOOK_FORWARD] == FAMILY_BOTH;
    struct match match;

    in->block++;
    in->has_default_in = in_drops == FAMILY_BOTH;
    if (!in->has_default_in && is_same) {
        close_families(in, ending, FAMILY_BOTH);
    } else if (!in->has_default_in) {
        close_families(in, ending, FAMILY_V4);
        close_families(in, ending, FAMILY_V6);
    }
    in->has_default_out = (ending->drops[HOOK_OUTPUT] & ending->knows[HOOK_OUTPUT]) == FAMILY_BOTH;
    for (uint8_t family = FAMILY_V4; !in->has_default_out && family <= FAMILY_V6; family++) {
        match_init(&match, family);
        match.states = (ending->knows[HOOK_OUTPUT] & family) ? STATE_NEW : 0;
        if (ending->drops[HOOK_OUTPUT] & family)
            import_emit(in, &match, VERDICT_DROP, HOOK_OUTPUT);
    }
}

/* ---- limits that are equal, lines that nothing leads to */

/* Over its rate a packet goes on to the next rule; Picket drops it. Equal, if they drop it too. */
static bool limit_is_equal(struct importing *in, uint32_t index)
{
    const struct flat *limit = &in->flats[index];
    struct match both;

    for (uint32_t i = index + 1; i < in->flats_count; i++) {
        const struct flat *flat = &in->flats[i];

        if (flat->verdict == VERDICT_LOG ||
            match_and(in, &limit->match, &flat->match, &both) == MATCH_NONE)
            continue;
        if (flat->verdict != VERDICT_DROP)
            return false;
        both = limit->match;
        if (flat->match.states == STATE_NEW)
            both.states = STATE_NEW;
        if (match_covers(&flat->match, &both))
            return true;
    }
    return in->has_default_in;
}

static void settle_limits(struct importing *in)
{
    for (uint32_t i = 0; i < in->flats_count; i++) {
        struct flat *flat = &in->flats[i];
        bool is_split =
            i > 0 && in->flats[i - 1].step == flat->step && in->flats[i - 1].block == flat->block;

        if (flat->verdict != VERDICT_LIMIT || (limit_is_equal(in, i) && !is_split))
            continue;
        flat->verdict = VERDICT_REFUSED;
        import_refuse(in, flat->step->line, EFFECT_ALLOW,
            "a limit that is not equal: over the rate Picket drops, here the next rules decide");
    }
}

static void refuse_foreign(struct importing *in, struct chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct step *step = &chain->steps[i];
        enum effect effect = step->verdict == VERDICT_ALLOW ? EFFECT_ALLOW
                             : step->verdict == VERDICT_DROP || step->verdict == VERDICT_REJECT
                                 ? EFFECT_STOP
                                 : EFFECT_UNKNOWN;

        import_refuse(in, step->line, effect, chain->why_foreign);
    }
}

/* Chains that only what was refused leads to are lost with it. */
static void mark_lost(struct importing *in)
{
    bool is_changed = true;

    for (int round = 0; is_changed && round < IMPORT_JUMPS_MAX; round++) {
        is_changed = false;
        for (struct chain *chain = in->chains; chain; chain = chain->later)
            for (uint32_t i = 0; i < chain->count; i++) {
                struct chain *to = chain->steps[i].chain;
                bool leads = chain->hook == HOOK_FOREIGN || chain->is_lost ||
                             in->lines[chain->steps[i].line].state == LINE_REFUSED;

                if (to && leads && !to->is_walked && !to->is_lost)
                    is_changed = to->is_lost = true;
            }
    }
}

static void settle_lines(struct importing *in)
{
    mark_lost(in);
    for (struct chain *chain = in->chains; chain; chain = chain->later) {
        for (uint32_t i = 0; i < chain->count; i++) {
            uint32_t line = chain->steps[i].line;

            if (in->lines[line].state != LINE_OPEN)
                continue;
            if (chain->is_lost)
                import_refuse(in, line, EFFECT_UNKNOWN, "only refused lines lead to its chain");
            else
                import_note(in, line,
                    chain->is_walked ? "no packet gets here that could match"
                                     : "no hook leads to its chain; it decides nothing");
        }
    }
}

void import_flatten(struct importing *in)
{
    static const enum hook hooks[] = {HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT};
    struct ending ending = {0};
    struct chain *chain;
    bool has_forward = false;

    for (chain = in->chains; chain; chain = chain->later) {
        has_forward =
            has_forward || (chain->hook == HOOK_FORWARD && (chain->drops || chain->count));
        for (uint32_t i = 0; i < chain->count; i++)
            if (chain->steps[i].target && !chain->steps[i].chain)
                chain->steps[i].chain = import_chain_find(in, chain->table, chain->steps[i].target);
        if (chain->hook == HOOK_FOREIGN)
            refuse_foreign(in, chain);
    }
    for (int i = 0; i < 3; i++) {
        uint8_t allowed = 0;

        while ((chain = next_base(in, hooks[i], NULL))) {
            uint32_t mark = in->flats_count;

            if (chain->hook == HOOK_OUTPUT && chain->count > 0)
                import_note(in, chain->steps[0].line,
                    "OUTPUT becomes 'out', which also meets what this box forwards");
            walk_base(in, chain, &ending, &allowed, has_forward);
            for (uint32_t j = mark; j < in->flats_count; j++)
                in->flats[j].hook = hooks[i];
        }
    }
    close_list(in, &ending);
    settle_limits(in);
    settle_lines(in);
}
