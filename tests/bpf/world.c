/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/world.h"
#include "base/check.h"
#include "node/compile/indexes.h"
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool world_chunk(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk)
{
    struct world *world = user;
    uint32_t index = get_be32(hash);

    if (world->chunks_missing || index >= world->chunks_count)
        return false;
    *ret_chunk = buffer_bytes(&world->chunks[index]);
    return true;
}

/* Good enough to tell two texts apart. */
static void world_hash(struct bytes message, uint8_t ret_hash[HASH_BYTES])
{
    for (uint64_t lane = 0; lane < 4; lane++) {
        uint64_t hash = 0xcbf29ce484222325ULL + lane;

        for (size_t i = 0; i < message.len; i++)
            hash = (hash ^ message.at[i]) * 0x100000001b3ULL;
        put_be64(ret_hash + lane * 8, hash);
    }
}

static void host(struct world *world, const char *address, uint8_t flags)
{
    struct compile_host *to = &((struct compile_host *)world->hosts)[world->lifeline.hosts_count++];
    uint8_t length;

    to->flags = flags;
    CHECK(
        prefix_parse(address, to->address, &to->is_v6, &length, NULL) == 0, "an address of a test");
}

int world_init(struct world *world)
{
    memset(world, 0, sizeof(*world));
    world->device = (struct compile_device){
        .index = WORLD_DEVICE, .name = "eth0", .link_type = 1, .device_class = FW_CLASS_EXTERNAL};
    host(world, "192.0.2.1", FW_HOST_OWN);
    host(world, "2001:db8::1", FW_HOST_OWN);
    host(world, "fe80::1", FW_HOST_OWN);
    host(world, "192.0.2.7", FW_HOST_PEER);
    host(world, "192.0.2.53", FW_HOST_DNS);
    host(world, "192.0.2.123", FW_HOST_NTP);
    world->manage[0] =
        (struct compile_manage){.address = {198, 51, 100}, .length = 24, .protocol = 6, .port = 22};
    world->lifeline.mesh_port = 7425;
    world->lifeline.hosts = world->hosts;
    world->lifeline.manage = world->manage;
    world->lifeline.manage_count = 1;
    world->input = (struct compile_input){.time_s = 1000000,
        .devices = &world->device,
        .devices_count = 1,
        .lifeline = &world->lifeline,
        .chunk = world_chunk,
        .hash = world_hash,
        .user = world};
    return compile_indexes_new(&world->input.indexes);
}

void world_fini(struct world *world)
{
    for (uint32_t i = 0; i < world->objects_count; i++)
        protobuf_c_message_free_unpacked(world->messages[i], NULL);
    for (uint32_t i = 0; i < world->chunks_count; i++)
        buffer_fini(&world->chunks[i]);
    for (uint32_t i = 0; i < world->objects_count; i++) {
        if (world->objects[i].kind == OBJECT_SET && world->objects[i].manifest) {
            Picket__V1__Manifest *manifest = (Picket__V1__Manifest *)world->objects[i].manifest;

            picket__v1__manifest__free_unpacked(manifest, NULL);
        }
    }
    compile_tables_free(world->tables);
    compile_indexes_free(world->input.indexes);
}

static struct ledger_object *new_object(struct world *world, enum object_kind kind, void *message)
{
    uint32_t index = world->objects_count++;
    struct ledger_object *object = &world->objects[index];

    CHECK(index < WORLD_OBJECTS_MAX, "a test has few objects");
    world->messages[index] = message;
    object->kind = kind;
    object->heads_count = 1;
    put_be32(object->id, index); /* each came by an entry of its own */
    memcpy(object->winner, object->id, OP_REF_BYTES);
    return object;
}

static int find_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    struct world *world = user;

    for (uint32_t i = 0; i < world->objects_count; i++) {
        if (world->objects[i].kind == OBJECT_SET &&
            strcmp(world->objects[i].of.set->name, name) == 0) {
            memcpy(ret_id, world->objects[i].id, OP_REF_BYTES);
            return 0;
        }
    }
    return problem_say(reterr_problem, -ENOENT, "no set '%.40s'", name);
}

int world_rule(struct world *world, const char *text)
{
    Picket__V1__Rule *rule;
    int r = rule_parse(text, find_set, world, &rule, &world->problem);

    if (r < 0)
        return r;
    new_object(world, OBJECT_RULE, rule)->of.rule = rule;
    return 0;
}

static uint8_t *chunk_name(uint32_t index)
{
    uint8_t *name = calloc(1, HASH_BYTES);

    CHECK(name, "memory");
    put_be32(name, index);
    return name;
}

/* Cuts the content into chunks and names them by their number. */
static void add_chunks(struct world *world, Picket__V1__Manifest *manifest, struct bytes content)
{
    manifest->content_len = content.len;
    manifest->n_chunks = (content.len + CHUNK_BYTES - 1) / CHUNK_BYTES;
    manifest->chunks = calloc(manifest->n_chunks + 1, sizeof(*manifest->chunks));
    CHECK(manifest->chunks, "memory");
    for (size_t i = 0; i < manifest->n_chunks; i++) {
        size_t len = content.len - i * CHUNK_BYTES;
        uint32_t index = world->chunks_count++;

        CHECK(index < WORLD_CHUNKS_MAX, "a test has few chunks");
        if (len > CHUNK_BYTES)
            len = CHUNK_BYTES;
        CHECK(
            buffer_append(&world->chunks[index], content.at + i * CHUNK_BYTES, len) == 0, "memory");
        manifest->chunks[i].data = chunk_name(index);
        manifest->chunks[i].len = HASH_BYTES;
    }
}

int world_set_of(
    struct world *world, const char *name, struct set_element *elements, uint32_t count)
{
    Picket__V1__Set *set = calloc(1, sizeof(*set));
    Picket__V1__Manifest *manifest = calloc(1, sizeof(*manifest));
    struct buffer content = {0};
    struct ledger_object *object;

    CHECK(set && manifest, "memory");
    picket__v1__set__init(set);
    picket__v1__manifest__init(manifest);
    set->name = strdup(name);
    count = set_content_canonical(elements, count);
    CHECK(set_content_encode(elements, count, &content) == 0, "memory");
    for (uint32_t i = 0; i < count; i++) {
        manifest->elements_v4 += !elements[i].is_v6;
        manifest->elements_v6 += elements[i].is_v6;
    }
    add_chunks(world, manifest, buffer_bytes(&content));
    buffer_fini(&content);
    object = new_object(world, OBJECT_SET, set);
    object->of.set = set;
    object->manifest = manifest;
    return 0;
}

int world_set(struct world *world, const char *name, const char *prefixes)
{
    struct set_element elements[64] = {0};
    uint32_t count = 0;
    char text[1024], *rest = text, *word;

    CHECK(strlen(prefixes) < sizeof(text), "a test's list is short");
    strcpy(text, prefixes);
    while ((word = strtok_r(rest, " ", &rest))) {
        bool is_v6;
        int r = prefix_parse(
            word, elements[count].address, &is_v6, &elements[count].length, &world->problem);

        if (r < 0)
            return r;
        elements[count++].is_v6 = is_v6;
    }
    return world_set_of(world, name, elements, count);
}

int world_default_drop(struct world *world)
{
    Picket__V1__DefaultPolicy *policy = calloc(1, sizeof(*policy));

    CHECK(policy, "memory");
    picket__v1__default_policy__init(policy);
    policy->direction = PICKET__V1__DIRECTION__DIRECTION_IN;
    policy->action = PICKET__V1__ACTION__ACTION_DROP;
    new_object(world, OBJECT_DEFAULT, policy)->of.policy = policy;
    return 0;
}

int world_compile(struct world *world)
{
    struct compile_tables *tables = NULL;
    int r = compile_objects(
        &world->input, world->objects, world->objects_count, &tables, &world->problem);

    if (r == 0)
        r = compile_build(tables, &world->problem);
    if (r < 0) {
        compile_tables_free(tables);
        return r;
    }
    compile_tables_free(world->tables);
    world->tables = tables;
    return 0;
}

const struct compile_object *world_object(const struct world *world, uint32_t index)
{
    return compile_object_find(world->tables, world->objects[index].id);
}
