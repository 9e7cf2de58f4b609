/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flatten.c - chains with jumps into one list that decides by its first match.
 *
 * A jump under a condition is its chain's rules, each under the condition, too. A return under a
 * condition is a copy, under that condition, of everything that follows the jump, policy included:
 * whatever comes behind the copy is then asked by other packets only. The same copy serves "not on
 * this device". What would become too long is refused, and with a return the rest of its chain.
 */
#include "cli/import/model.h"

#include <errno.h>
#include <string.h>

struct frame {
    struct chain *chain;
    uint32_t at;
    const struct frame *parent; /* at its jump; NULL: a base chain */
    uint32_t depth;
};

enum walked { WALK_ON, WALK_LEAVE, WALK_END };

static enum walked walk(
    struct importing *in, const struct frame *from, const struct match *match, bool is_total);

static void emit(struct importing *in, const struct step *step, const struct match *match,
    enum verdict verdict, enum hook hook)
{
    if (in->flats_count == IMPORT_RULES_MAX)
        import_stop(
            in, -E2BIG, "%.60s becomes more than %d rules", in->options->name, IMPORT_RULES_MAX);
    in->flats =
        import_room(in, in->flats, in->flats_count, &in->flats_capacity, sizeof(struct flat));
    in->flats[in->flats_count++] = (struct flat){
        .step = step, .match = *match, .verdict = verdict, .hook = hook, .block = in->block};
}

static enum effect effect_of(const struct step *step)
{
    switch (step->verdict) {
    case VERDICT_ALLOW:
    case VERDICT_LIMIT:
        return EFFECT_ALLOW;
    case VERDICT_DROP:
    case VERDICT_REJECT:
        return EFFECT_STOP;
    case VERDICT_LOG:
        return EFFECT_NOTHING;
    case VERDICT_RETURN:
    case VERDICT_GOTO:
        return EFFECT_LEAVE;
    case VERDICT_REFUSED:
        return step->effect;
    case VERDICT_JUMP:
        break;
    }
    return EFFECT_UNKNOWN;
}

/* A refused step that may leave its chain takes the rest of the chain with it: those rules were
 * never asked about the packets that left. In a base chain to leave is the policy's verdict. */
static enum walked refused(struct importing *in, const struct frame *frame, const struct step *step,
    const struct match *match, const char *why)
{
    const struct chain *chain = frame->chain;

    import_refuse(in, step->line, effect_of(step), why);
    emit(in, step, match, VERDICT_REFUSED, HOOK_NONE);
    if (effect_of(step) != EFFECT_LEAVE || !frame->parent)
        return WALK_ON;
    for (uint32_t i = frame->at + 1; i < chain->count; i++)
        if (chain->steps[i].line != step->line)
            import_refuse(in, chain->steps[i].line, effect_of(&chain->steps[i]),
                import_say(in, "it stands behind line %u, which leaves the chain and was refused",
                    in->lines[step->line].number));
    return WALK_LEAVE;
}

/* All that happens to these packets from a place on, to the policy. False: too much. */
static bool copy_rest(struct importing *in, const struct frame *from, const struct match *match)
{
    uint32_t mark = in->flats_count;

    (void)walk(in, from, match, true);
    if (in->flats_count - mark <= IMPORT_RETURN_MAX)
        return true;
    in->flats_count = mark;
    return false;
}

static void emit_policy(struct importing *in, const struct step *step, const struct match *match)
{
    emit(in, step, match, in->policy_drops ? VERDICT_DROP : VERDICT_ALLOW, HOOK_NONE);
}

static enum walked leave_chain(struct importing *in, const struct frame *frame,
    const struct step *step, const struct match *match, bool is_all)
{
    struct frame behind;

    if (!frame->parent) {
        emit_policy(in, step, match);
        return is_all ? WALK_END : WALK_ON;
    }
    if (is_all)
        return WALK_LEAVE;
    behind = *frame->parent;
    behind.at++;
    if (copy_rest(in, &behind, match))
        return WALK_ON;
    return refused(in, frame, step, match,
        "a RETURN under a condition that would copy too many rules; a list that decides by its "
        "first match has no other way");
}

static enum walked enter_chain(struct importing *in, const struct frame *frame,
    const struct step *step, const struct match *match, bool is_all)
{
    struct frame inner = {.chain = step->chain, .parent = frame, .depth = frame->depth + 1};
    uint32_t mark = in->flats_count;
    bool is_goto = step->verdict == VERDICT_GOTO;
    enum walked walked;

    if (!step->chain)
        return refused(in, frame, step, match,
            import_say(in, "there is no chain '%.60s', and no target of that name can be imported",
                step->target ? step->target : ""));
    if (inner.depth > IMPORT_JUMPS_MAX)
        return refused(in, frame, step, match, "too many jumps inside each other");
    step->chain->is_walked = true;
    if (is_goto)
        inner.parent = frame->parent;
    walked = walk(in, &inner, match, is_goto && !is_all);
    if (in->flats_count - mark > IMPORT_COPIES_MAX) {
        in->flats_count = mark;
        return refused(in, frame, step, match, "flattened, this would become too many rules");
    }
    if (is_all && walked == WALK_END)
        return WALK_END;
    return is_goto && is_all ? WALK_LEAVE : WALK_ON;
}

/* Takes the loopback device out of a match; true if nothing is left. */
static bool take_loopback(struct importing *in, struct match *match)
{
    const struct devices *old = match->devices;
    struct devices *kept;

    if (!old)
        return false;
    kept = import_take(in, sizeof(*kept) + old->count * sizeof(char *));
    for (uint32_t i = 0; i < old->count; i++)
        if (strcmp(old->at[i], "lo") != 0)
            kept->at[kept->count++] = old->at[i];
    if (kept->count < old->count)
        match->devices = kept;
    return kept->count == 0;
}

static enum walked on_loopback(struct importing *in, const struct frame *frame,
    const struct step *step, const struct match *match)
{
    if (step->verdict == VERDICT_DROP || step->verdict == VERDICT_REJECT)
        return refused(in, frame, step, match, "Picket does not filter the loopback device");
    import_note(in, step->line, "implied: Picket leaves the loopback device alone");
    return WALK_ON;
}

static enum walked decide(struct importing *in, const struct frame *frame, const struct step *step,
    const struct match *match, bool is_all)
{
    if (in->lines[step->line].state == LINE_OPEN)
        in->lines[step->line].state = LINE_DONE;
    switch (step->verdict) {
    case VERDICT_RETURN:
        return leave_chain(in, frame, step, match, is_all);
    case VERDICT_JUMP:
    case VERDICT_GOTO:
        return enter_chain(in, frame, step, match, is_all);
    default:
        emit(in, step, match, step->verdict, HOOK_NONE);
        return is_all && step->verdict != VERDICT_LOG && step->verdict != VERDICT_LIMIT ? WALK_END
                                                                                        : WALK_ON;
    }
}

static bool is_only_tcp(const struct match *match)
{
    const struct spans *protocols = match->fields[FIELD_PROTOCOL];

    return protocols && protocols->count == 1 && protocols->at[0].first == 6 &&
           protocols->at[0].last == 6;
}

static enum walked walk_step(
    struct importing *in, const struct frame *frame, const struct match *outer)
{
    const struct step *step = &frame->chain->steps[frame->at];
    struct match match, spared;
    bool is_all;

    if (++in->steps_walked > IMPORT_STEPS_MAX)
        import_stop(in, -E2BIG, "the jumps of %.60s lead through more than %d rules",
            in->options->name, IMPORT_STEPS_MAX);
    if (step->verdict == VERDICT_REFUSED)
        return refused(in, frame, step, outer, in->lines[step->line].why);
    switch (match_and(in, outer, &step->match, &match)) {
    case MATCH_NONE:
        return WALK_ON;
    case MATCH_HARD:
        return refused(in, frame, step, outer, "a set and other addresses on one side");
    case MATCH_SOME:
        break;
    }
    if (in->walks_output)
        match.is_out = false; /* the device of this direction */
    if (match.is_out)
        return refused(in, frame, step, outer,
            "the device a packet leaves by is not known where Picket decides, at the one it "
            "enters by");
    if (in->skips_tcp && is_only_tcp(&match))
        return WALK_ON;
    if (take_loopback(in, &match))
        return on_loopback(in, frame, step, outer);
    is_all = match_covers(&match, outer);
    spared = match;
    spared.devices = devices_and(in, match.devices, step->except);
    if (step->except && spared.devices->count > 0) {
        struct frame behind = *frame;

        behind.at++;
        if (step->verdict == VERDICT_LOG || !copy_rest(in, &behind, &spared))
            return refused(in, frame, step, outer,
                "'not on this device' would copy too many rules; devices cannot be excluded");
    }
    return decide(in, frame, step, &match, is_all);
}

static enum walked walk(
    struct importing *in, const struct frame *from, const struct match *match, bool is_total)
{
    struct frame frame = *from;

    for (;;) {
        for (; frame.at < frame.chain->count; frame.at++) {
            enum walked walked = walk_step(in, &frame, match);

            if (walked == WALK_END)
                return WALK_END;
            if (walked == WALK_LEAVE)
                break;
        }
        if (!is_total)
            return WALK_ON;
        if (!frame.parent) {
            emit_policy(in, NULL, match);
            return WALK_END;
        }
        frame = *frame.parent;
        frame.at++;
    }
}

void import_walk(
    struct importing *in, struct chain *chain, const struct match *match, bool *ret_is_decided)
{
    struct frame frame = {.chain = chain};

    chain->is_walked = true;
    in->policy_drops = chain->drops;
    in->walks_output = chain->hook == HOOK_OUTPUT;
    *ret_is_decided = walk(in, &frame, match, false) == WALK_END;
}

void import_emit(
    struct importing *in, const struct match *match, enum verdict verdict, enum hook hook)
{
    emit(in, NULL, match, verdict, hook);
}
