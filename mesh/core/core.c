/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core.h"
#include "base/check.h"
#include "mesh/core/core_internal.h"
#include "mesh/core/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_default(uint32_t *value, uint32_t preset)
{
    if (!*value)
        *value = preset;
}

static void set_options(struct mesh_core *core, const struct mesh_options *options)
{
    core->options = *options;
    core->options.dial = NULL; /* copied into the book */
    core->options.own = NULL;
    core->options.name = core->name;
    strncpy(core->name, options->name ? options->name : "", sizeof(core->name) - 1);
    put_default(&core->options.keepalive_ms, 1000);
    put_default(&core->options.silence_ms, 5000);
    put_default(&core->options.grace_ms, 500);
    put_default(&core->options.want_ms, 2000);
    put_default(&core->options.news_ms, 20);
    put_default(&core->options.dial_min_ms, 200);
    put_default(&core->options.dial_max_ms, 10000);
    put_default(&core->options.faults_max, 20);
}

static int set_addresses(struct mesh_core *core, const struct mesh_options *options)
{
    if (options->own_count > MESH_OWN_ADDRESSES_MAX || options->dial_count > MESH_ADDRESSES_MAX)
        return -EINVAL;
    for (uint32_t i = 0; i < options->own_count; i++) {
        if (!mesh_address_fits(options->own[i]))
            return -EINVAL;
        strncpy(core->own[i], options->own[i], MESH_ADDRESS_BYTES - 1);
    }
    core->own_count = options->own_count;
    for (uint32_t i = 0; i < options->dial_count; i++) {
        struct mesh_address *address;

        if (!mesh_address_fits(options->dial[i]))
            return -EINVAL;
        address = mesh_book_learn(core, options->dial[i], NULL);
        if (address) /* its own address in a list that all nodes share is no mistake */
            address->is_configured = true;
    }
    return 0;
}

int mesh_core_new(
    const struct mesh_options *options, const struct mesh_view *view, struct mesh_core **ret_core)
{
    struct mesh_core *core = calloc(1, sizeof(*core));
    int r;

    if (!core)
        return -ENOMEM;
    set_options(core, options);
    core->view = *view;
    prng_seed(&core->prng, options->seed);
    r = set_addresses(core, options);
    if (r < 0) {
        mesh_core_free(core);
        return r;
    }
    *ret_core = core;
    return 0;
}

void mesh_core_free(struct mesh_core *core)
{
    if (!core)
        return;
    buffer_fini(&core->out);
    buffer_fini(&core->scratch);
    free(core);
}

void mesh_emit(struct mesh_core *core, const struct mesh_effect *effect)
{
    core->effects->fn(core->effects->user, effect);
}

const uint8_t *mesh_root(struct mesh_core *core)
{
    uint8_t *newest = core->roots[(core->roots_count + MESH_ROOTS_MAX - 1) % MESH_ROOTS_MAX];
    uint8_t root[HASH_BYTES];

    if (core->has_root)
        return newest;
    core->has_root = true;
    core->view.records_root(core->view.user, root);
    if (core->roots_count && memcmp(newest, root, HASH_BYTES) == 0)
        return newest;
    newest = core->roots[core->roots_count++ % MESH_ROOTS_MAX];
    memcpy(newest, root, HASH_BYTES);
    return newest;
}

bool mesh_root_was_ours(struct mesh_core *core, const uint8_t root[HASH_BYTES])
{
    uint32_t count = core->roots_count < MESH_ROOTS_MAX ? core->roots_count : MESH_ROOTS_MAX;

    for (uint32_t i = 0; i < count; i++)
        if (memcmp(core->roots[i], root, HASH_BYTES) == 0)
            return true;
    return false;
}

uint64_t mesh_jitter(struct mesh_core *core, uint64_t most_ms)
{
    return most_ms - prng_below(&core->prng, most_ms / 2 + 1);
}

static void dispatch_link(struct mesh_core *core, const struct mesh_event *event)
{
    struct mesh_link *link = mesh_link_find(core, event->link);

    if (!link) /* closed here while this was on its way */
        return;
    if (event->kind == MESH_ON_FRAME)
        mesh_recv(core, link, event->frame);
    else if (event->kind == MESH_ON_REFUSED)
        mesh_link_blame(core, link, event->reason);
    else if (event->kind == MESH_ON_WAITS)
        mesh_repair_waits(core, link, &event->record);
    else if (event->kind == MESH_ON_CHUNK_READ)
        mesh_chunk_read(core, link, event);
    else if (event->kind == MESH_ON_DROPPED) {
        core->counts.sends_dropped++;
        link->is_dirty = true;
    }
}

static void tick(struct mesh_core *core)
{
    mesh_link_tick(core);
    mesh_repair_tick(core);
    mesh_chunk_tick(core);
    mesh_book_tick(core);
}

void mesh_core_step(
    struct mesh_core *core, const struct mesh_event *event, const struct mesh_effects *effects)
{
    CHECK(event->now_ms >= core->now_ms, "time does not go back");
    CHECK(!core->effects, "a callback does not call step");
    core->now_ms = event->now_ms;
    core->time_s = event->time_s;
    core->effects = effects;
    core->has_root = false;
    switch (event->kind) {
    case MESH_ON_TICK:
        tick(core);
        break;
    case MESH_ON_LINK_UP:
        mesh_link_up(core, event);
        break;
    case MESH_ON_LINK_DOWN:
        mesh_link_down(core, event);
        break;
    case MESH_ON_DIAL_FAILED:
        core->counts.dials_failed++;
        mesh_book_failed(core, event->address, event->sentence);
        break;
    case MESH_ON_ADDED:
        mesh_spread_added(core, event);
        if (event->record.kind == MESH_ENTRY)
            mesh_chunk_entry_added(core);
        break;
    case MESH_ON_SETTLED:
        core->news_due = true;
        mesh_link_news(core);
        break;
    case MESH_ON_CHUNK:
        mesh_chunk_stored(core, event->chunk);
        break;
    case MESH_ON_FRAME:
    case MESH_ON_DROPPED:
    case MESH_ON_REFUSED:
    case MESH_ON_WAITS:
    case MESH_ON_CHUNK_READ:
        dispatch_link(core, event);
        break;
    }
    core->effects = NULL;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t mesh_core_deadline_ms(const struct mesh_core *core)
{
    return earlier(earlier(mesh_link_deadline_ms(core), mesh_book_deadline_ms(core)),
        earlier(mesh_repair_deadline_ms(core), mesh_chunk_deadline_ms(core)));
}

const struct mesh_counts *mesh_core_counts(const struct mesh_core *core)
{
    return &core->counts;
}

void mesh_trace_link(struct mesh_core *core, const char *what, const struct mesh_link *link,
    const char *key, const char *word)
{
    struct trace_line line;

    if (!core->options.trace)
        return;
    trace_start(&line, what);
    trace_word(&line, "peer", link->name);
    trace_word(&line, key, word);
    core->options.trace(core->options.trace_user, line.text);
}

void mesh_trace_number(struct mesh_core *core, const char *what, const struct mesh_link *link,
    const char *key, uint64_t number)
{
    struct trace_line line;

    if (!core->options.trace)
        return;
    trace_start(&line, what);
    trace_word(&line, "peer", link->name);
    trace_number(&line, key, number);
    core->options.trace(core->options.trace_user, line.text);
}
