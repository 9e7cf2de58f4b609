/* SPDX-License-Identifier: Apache-2.0 */
/* disk.c - a log with group commit: what is pending dies in a crash, what is durable does not. */
#include "tests/sim/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct sim_write *grow(struct sim_write **list, uint32_t *count, uint32_t *capacity)
{
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        *list = realloc(*list, *capacity * sizeof(**list));
        if (!*list)
            abort();
    }
    return &(*list)[(*count)++];
}

static uint64_t commit_ms(struct sim_world *world)
{
    if (sim_has_fault(world, SIM_SLOW_DISK) && sim_chance(world, 5))
        return sim_between(world, 50, 1000);
    return sim_between(world, 1, 6);
}

static void start_commit(struct sim_world *world, uint32_t node)
{
    struct sim_disk *disk = &world->nodes[node].disk;

    if (disk->is_committing || !disk->pending_count)
        return;
    disk->is_committing = true;
    disk->committing_count = disk->pending_count;
    sim_push(world, commit_ms(world),
        (struct sim_event){.kind = SIM_COMMIT, .node = node, .epoch = world->nodes[node].epoch});
}

static void confirm(
    struct sim_world *world, uint32_t node, const struct sim_write *write, int result)
{
    struct sim_event event = {.node = node, .epoch = world->nodes[node].epoch, .result = result};

    event.kind = write->is_chunk ? SIM_CHUNK_STORED : SIM_STORED;
    event.ticket = write->ticket;
    sim_push(world, 0, event);
}

void sim_disk_put(struct sim_world *world, uint32_t node, const struct replica_effect *effect)
{
    struct sim_disk *disk = &world->nodes[node].disk;
    struct sim_write *write = grow(&disk->pending, &disk->pending_count, &disk->pending_capacity);

    *write = (struct sim_write){.is_chunk = effect->kind == REPLICA_DO_STORE_CHUNK,
        .is_submitted = effect->is_submitted,
        .kind = effect->record_kind,
        .ticket = effect->ticket,
        .bytes = bytes_copy(effect->bytes.at, effect->bytes.len),
        .len = effect->bytes.len};
    memcpy(write->id, effect->id, HASH_BYTES);
    if (world->options.bug == SIM_BUG_DISK_LIES)
        confirm(world, node, write, 0);
    start_commit(world, node);
}

bool sim_disk_has(const struct sim_disk *disk, const uint8_t id[HASH_BYTES])
{
    return idmap_find(&disk->ids, id) != IDMAP_NONE;
}

static void persist(struct sim_disk *disk, struct sim_write *write)
{
    if (sim_disk_has(disk, write->id)) {
        free(write->bytes);
        return;
    }
    *grow(&disk->durable, &disk->durable_count, &disk->durable_capacity) = *write;
    if (idmap_put(&disk->ids, write->id, disk->durable_count - 1) < 0)
        abort();
}

static void commit(struct sim_world *world, uint32_t node)
{
    struct sim_disk *disk = &world->nodes[node].disk;
    uint32_t count = disk->committing_count;
    int result = disk->is_broken ? -EIO : 0;

    if (sim_has_fault(world, SIM_CRASH) && sim_chance(world, 400)) {
        sim_say(world, "n%u crash.before_persist writes=%u", node, count);
        sim_node_crash(world, node);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (world->options.bug != SIM_BUG_DISK_LIES)
            confirm(world, node, &disk->pending[i], result);
        if (result == 0)
            persist(disk, &disk->pending[i]);
        else
            free(disk->pending[i].bytes);
    }
    disk->pending_count -= count;
    memmove(disk->pending, disk->pending + count, disk->pending_count * sizeof(*disk->pending));
    disk->is_committing = false;
    if (sim_has_fault(world, SIM_CRASH) && sim_chance(world, 400)) {
        sim_say(world, "n%u crash.after_persist writes=%u", node, count);
        sim_node_crash(world, node);
        return;
    }
    start_commit(world, node);
}

void sim_disk_read(struct sim_world *world, uint32_t node, const struct replica_effect *effect)
{
    const struct sim_disk *disk = &world->nodes[node].disk;
    uint32_t index = idmap_find(&disk->ids, effect->id);
    struct sim_event event = {
        .kind = SIM_CHUNK_READ, .node = node, .epoch = world->nodes[node].epoch};

    event.ticket = effect->ticket;
    event.result = -ENOENT;
    if (index != IDMAP_NONE) {
        event.result = 0;
        event.bytes = bytes_copy(disk->durable[index].bytes, disk->durable[index].len);
        event.len = disk->durable[index].len;
    }
    sim_push(world, 1, event);
}

static void stored(struct sim_world *world, const struct sim_event *from)
{
    struct replica_event event = {
        .kind = from->kind == SIM_STORED ? REPLICA_ON_STORED : REPLICA_ON_CHUNK_STORED};

    event.stored.ticket = from->ticket;
    event.stored.result = from->result;
    sim_step(world, from->node, &event);
}

void sim_disk_event(struct sim_world *world, struct sim_event *event)
{
    struct replica_event read = {.kind = REPLICA_ON_CHUNK_READ};

    if (event->kind == SIM_COMMIT) {
        commit(world, event->node);
    } else if (event->kind == SIM_CHUNK_READ) {
        read.chunk_read.ticket = event->ticket;
        read.chunk_read.result = event->result;
        read.chunk_read.content = bytes_of(event->bytes, event->len);
        sim_step(world, event->node, &read);
    } else {
        stored(world, event);
    }
}

void sim_disk_crash(struct sim_world *world, uint32_t node)
{
    struct sim_disk *disk = &world->nodes[node].disk;

    for (uint32_t i = 0; i < disk->pending_count; i++)
        free(disk->pending[i].bytes);
    disk->pending_count = 0;
    disk->is_committing = false;
    if (world->options.bug == SIM_BUG_DISK_FORGETS && disk->durable_count) {
        struct sim_write *last = &disk->durable[--disk->durable_count];

        idmap_remove(&disk->ids, last->id);
        free(last->bytes);
    }
}

void sim_disk_load(struct sim_world *world, uint32_t node)
{
    struct sim_disk *disk = &world->nodes[node].disk;

    for (uint32_t i = 0; i < disk->durable_count; i++) {
        struct sim_write *write = &disk->durable[i];

        if (write->is_chunk)
            (void)replica_load_chunk(world->nodes[node].replica, write->id);
        else if (replica_load(world->nodes[node].replica, write->kind,
                     bytes_of(write->bytes, write->len)) < 0)
            sim_fail(world, "I4: n%u cannot load a record it stored", node);
    }
}

void sim_disk_free(struct sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->durable_count; i++)
        free(disk->durable[i].bytes);
    for (uint32_t i = 0; i < disk->pending_count; i++)
        free(disk->pending[i].bytes);
    free(disk->durable);
    free(disk->pending);
    idmap_fini(&disk->ids);
}
