/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/slots.h"
#include "base/check.h"
#include "node/compile/compile.h"
#include "node/datapath/datapath.h"
#include "node/datapath/grace.h"
#include <errno.h>
#include <string.h>
#include <time.h>

static uint64_t boot_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Active, or where an armed word returns to. */
static bool is_in_word(uint64_t word, uint32_t slot)
{
    return slot == fw_word_active(word) ||
           (fw_word_deadline_ms(word) && slot == fw_word_fallback(word));
}

struct generation *slots_running(const struct slots *slots)
{
    return slots->all[fw_word_slot(entry_word(slots->entry), boot_ms())];
}

/* No packet can be in it: it becomes the spare, in place of an older one. */
static void set_aside(struct slots *slots, struct generation *generation)
{
    slots->all[generation->slot] = NULL;
    if (!generation->is_refillable) {
        generation_retire(slots->entry, generation);
        return;
    }
    generation_withdraw(slots->entry, generation->slot);
    if (slots->spare)
        generation_retire(slots->entry, slots->spare);
    slots->spare = generation;
}

/* What packets may have seen and the word names no more. The caller has waited for the grace
 * period. */
static void retire_left(struct slots *slots)
{
    uint64_t word = entry_word(slots->entry);
    struct generation *heir = slots->all[fw_word_active(word)];

    for (uint32_t i = 1; i < FW_SLOTS; i++) {
        struct generation *generation = slots->all[i];

        if (!generation || !generation->was_used || is_in_word(word, i))
            continue;
        if (heir)
            generation_carry_counts(generation, heir);
        set_aside(slots, generation);
    }
}

static void adopt_one(void *user, uint32_t slot)
{
    struct slots *slots = user;

    if (slot < FW_SLOTS && !slots->all[slot])
        (void)generation_adopt(slots->entry, (uint8_t)slot, &slots->all[slot]);
}

/* A deadline that has passed while nobody was here: what packets use is confirmed. */
static void settle_word(const struct slots *slots)
{
    uint64_t word = entry_word(slots->entry);
    uint32_t used = fw_word_slot(word, boot_ms());

    if (fw_word_deadline_ms(word) && used != fw_word_active(word))
        entry_set_word(slots->entry, FW_WORD(used, used, 0));
}

static int adopt(struct slots *slots)
{
    int r = pins_each_slot(&slots->entry->pins, adopt_one, slots);

    if (r < 0)
        return r;
    settle_word(slots);
    r = grace_wait();
    if (r == 0)
        retire_left(slots);
    return r;
}

/*
 * Slot 0 is made anew at each start, as its lifeline may be configured otherwise, and when the
 * box's addresses change. Packets need it only while no other generation runs; one that comes while
 * it is exchanged gets the entry program's own last answer: ARP passes, the rest drops. The grace
 * period keeps the old parse from meeting the new verdict.
 */
int slots_lifeline(
    struct slots *slots, const struct compile_tables *lifeline, struct problem *reterr_problem)
{
    static const struct compile_tables nothing = {
        .gen = {.abi = FW_ABI_VERSION, .flags = FW_GEN_LIFELINE_ONLY}};

    struct generation *old = slots->all[DATAPATH_SLOT_LIFELINE];
    const struct compile_tables *tables = lifeline ? lifeline : &nothing;

    generation_withdraw(slots->entry, DATAPATH_SLOT_LIFELINE);
    int r = old ? grace_wait() : 0;

    if (r < 0)
        return problem_say(reterr_problem, r, "no grace period: %s", strerror(-r));
    if (old && generation_refill(slots->entry, old, tables, NULL, reterr_problem) == 0)
        return 0;
    if (old)
        generation_retire(slots->entry, old);
    slots->all[DATAPATH_SLOT_LIFELINE] = NULL;
    r = pins_slot_remove(&slots->entry->pins, DATAPATH_SLOT_LIFELINE);
    if (r < 0)
        return problem_say(reterr_problem, r, "slot 0 cannot be unpinned: %s", strerror(-r));
    return generation_fill(slots->entry, DATAPATH_SLOT_LIFELINE, tables, NULL,
        &slots->all[DATAPATH_SLOT_LIFELINE], reterr_problem);
}

int slots_open(struct slots *slots, struct entry *entry, const struct compile_tables *lifeline,
    struct problem *reterr_problem)
{
    *slots = (struct slots){.entry = entry};
    int r = adopt(slots);

    if (r < 0)
        return problem_say(reterr_problem, r,
            "what an earlier start pinned cannot be taken over: %s", strerror(-r));
    return slots_lifeline(slots, lifeline, reterr_problem);
}

void slots_close(struct slots *slots)
{
    for (uint32_t i = 0; i < FW_SLOTS; i++) {
        generation_forget(slots->all[i]);
        slots->all[i] = NULL;
    }
    generation_forget(slots->spare);
    slots->spare = NULL;
}

/* Filled and never used: a later fill takes its place, and no packet can be in it. */
static void drop_unused(struct slots *slots)
{
    for (uint32_t i = 1; i < FW_SLOTS; i++) {
        struct generation *generation = slots->all[i];

        if (generation && !generation->was_used)
            set_aside(slots, generation);
    }
}

static bool is_free(const struct slots *slots, uint32_t slot)
{
    return slot != DATAPATH_SLOT_LIFELINE && !slots->all[slot] &&
           !(slots->spare && slots->spare->slot == slot);
}

/* 0: none. A near one if there is one; starts behind the active one, so that a slot is long unused
 * before it is used again. */
static uint8_t free_slot(const struct slots *slots)
{
    uint32_t active = fw_word_active(entry_word(slots->entry));

    for (uint32_t i = 1; i <= FW_SLOTS_NEAR; i++) {
        if (is_free(slots, (active + i) % FW_SLOTS_NEAR))
            return (uint8_t)((active + i) % FW_SLOTS_NEAR);
    }
    for (uint32_t slot = FW_SLOTS_NEAR; slot < FW_SLOTS; slot++) {
        if (is_free(slots, slot))
            return (uint8_t)slot;
    }
    return 0;
}

/* Into a slot of its own, with programs and maps of its own. */
static int fill_anew(struct slots *slots, const struct compile_tables *tables, uint8_t *ret_slot,
    struct problem *reterr_problem)
{
    uint8_t slot = free_slot(slots);

    if (!slot)
        return problem_say(reterr_problem, -EBUSY, "all %d slots are in use", FW_SLOTS - 1);
    int r = pins_slot_remove(&slots->entry->pins, slot);

    if (r < 0)
        return problem_say(reterr_problem, r, "slot %u cannot be unpinned: %s", slot, strerror(-r));
    r = generation_fill(
        slots->entry, slot, tables, slots_running(slots), &slots->all[slot], reterr_problem);
    if (r == 0)
        *ret_slot = slot;
    return r;
}

int slots_fill(struct slots *slots, const struct compile_tables *tables, uint8_t *ret_slot,
    struct problem *reterr_problem)
{
    drop_unused(slots);
    struct generation *spare = slots->spare;

    slots->spare = NULL;
    if (!spare)
        return fill_anew(slots, tables, ret_slot, reterr_problem);
    int r = generation_refill(slots->entry, spare, tables, slots_running(slots), reterr_problem);

    if (r == 0) {
        *ret_slot = spare->slot;
        slots->all[spare->slot] = spare;
        return 0;
    }
    generation_retire(slots->entry, spare);
    return r == -E2BIG ? fill_anew(slots, tables, ret_slot, reterr_problem) : r;
}

int slots_prepare(
    struct slots *slots, const struct compile_tables *tables, struct problem *reterr_problem)
{
    struct generation *ready;
    uint8_t slot;
    int r;

    if (slots->spare && generation_takes(slots->spare, tables, slots_running(slots)))
        return 0;
    r = fill_anew(slots, tables, &slot, reterr_problem);
    if (r < 0)
        return r;
    ready = slots->all[slot];
    set_aside(slots, ready);
    return 0;
}

static uint64_t word_for(const struct slots *slots, uint8_t slot, uint64_t deadline_ms)
{
    uint64_t word = entry_word(slots->entry);
    uint64_t now_ms = boot_ms();
    bool is_armed = fw_word_deadline_ms(word) > now_ms;

    if (deadline_ms == 0)
        return FW_WORD(slot, slot, 0);
    return FW_WORD(
        slot, is_armed ? fw_word_fallback(word) : fw_word_slot(word, now_ms), deadline_ms);
}

int slots_flip(
    struct slots *slots, uint8_t slot, uint64_t deadline_ms, struct problem *reterr_problem)
{
    if (!slots->all[slot])
        return problem_say(reterr_problem, -ENOENT, "slot %u is not filled", slot);
    if (deadline_ms > FW_DEADLINE_MASK)
        return problem_say(reterr_problem, -ERANGE, "the deadline is beyond 48 bits");
    slots->all[slot]->was_used = true;
    entry_set_word(slots->entry, word_for(slots, slot, deadline_ms));
    /* Packets use the slot from here on. Only what was left depends on the wait: without it, it
     * stays loaded until a later flip. */
    slots->has_left = grace_wait() == 0;
    return 0;
}

void slots_tidy(struct slots *slots)
{
    if (slots->has_left)
        retire_left(slots);
    slots->has_left = false;
}

int slots_enter(const struct slots *slots, const struct compile_device *device)
{
    for (uint32_t i = 0; i < FW_SLOTS; i++) {
        int r = slots->all[i] ? generation_enter(slots->all[i], device) : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

void slots_leave(const struct slots *slots, uint32_t index)
{
    for (uint32_t i = 0; i < FW_SLOTS; i++) {
        if (slots->all[i])
            generation_leave(slots->all[i], index);
    }
}
