/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/objects.h"

#include "base/nearest.h"
#include "base/own.h"
#include "cli/verify.h"
#include "proto/wire/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_OBJECTS 40 /* with their signed entries, a page stays below the transport's limit */
#define BODY_MEMORY_MAX (16UL * ENTRY_BYTES_MAX)
#define ID_DIGITS_MIN 8

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

/* ---- from the signed entry */

/* The object an operation is about: named in it, or created by it. */
static bool is_about(ProtobufCBinaryData named, ProtobufCBinaryData head, ProtobufCBinaryData id)
{
    ProtobufCBinaryData object = named.len ? named : head;

    return object.len == id.len && memcmp(object.data, id.data, id.len) == 0;
}

static const ProtobufCMessageDescriptor *body_type(uint32_t kind)
{
    switch (kind) {
    case PICKET__V1__OP_KIND__OP_PUT_RULE:
        return &picket__v1__put_rule__descriptor;
    case PICKET__V1__OP_KIND__OP_PUT_SET:
        return &picket__v1__put_set__descriptor;
    case PICKET__V1__OP_KIND__OP_PUT_DEFAULT:
        return &picket__v1__put_default__descriptor;
    case PICKET__V1__OP_KIND__OP_DELETE:
        return &picket__v1__delete__descriptor;
    default:
        return NULL;
    }
}

static ProtobufCBinaryData named_object(const ProtobufCMessage *body)
{
    if (body->descriptor == &picket__v1__put_rule__descriptor)
        return ((const Picket__V1__PutRule *)body)->object;
    if (body->descriptor == &picket__v1__put_set__descriptor)
        return ((const Picket__V1__PutSet *)body)->object;
    if (body->descriptor == &picket__v1__put_default__descriptor)
        return ((const Picket__V1__PutDefault *)body)->object;
    return ((const Picket__V1__Delete *)body)->object;
}

static void take_body(struct object *object, ProtobufCMessage *body)
{
    object->body = body;
    if (body->descriptor == &picket__v1__put_rule__descriptor) {
        object->rule = ((const Picket__V1__PutRule *)body)->rule;
    } else if (body->descriptor == &picket__v1__put_set__descriptor) {
        object->set = ((const Picket__V1__PutSet *)body)->set;
        object->manifest = ((const Picket__V1__PutSet *)body)->manifest;
    } else if (body->descriptor == &picket__v1__put_default__descriptor) {
        object->policy = ((const Picket__V1__PutDefault *)body)->policy;
    }
}

static int say_untrue(struct object *object, const char *what)
{
    char id[17];

    hex_print(object->said->id.data, 8, id);
    return problem_say(&object->why, -EBADMSG, "the node's answer about object %s is %s", id, what);
}

/* The head's operation out of its entry, which has been verified. */
static int open_operation(struct object *object, const Picket__V1__SignedEntry *entry,
    ProtobufCBinaryData head, ProtobufCMessage **ret_body)
{
    OWN(own_message) Picket__V1__Ops *ops = NULL;
    OWN(own_message) ProtobufCMessage *body = NULL;
    uint32_t index = get_be32(head.data + HASH_BYTES);
    const ProtobufCMessageDescriptor *type;

    if (wire_unpack(&picket__v1__ops__descriptor, bytes_of(entry->ops.data, entry->ops.len),
            BODY_MEMORY_MAX, (ProtobufCMessage **)&ops) != WIRE_OK ||
        index >= ops->n_ops)
        return say_untrue(object, "no operation of its entry");
    type = body_type(ops->ops[index]->kind);
    if (!type || wire_unpack(type, bytes_of(ops->ops[index]->body.data, ops->ops[index]->body.len),
                     BODY_MEMORY_MAX, &body) != WIRE_OK)
        return say_untrue(object, "no change of an object");
    if (!is_about(named_object(body), head, object->said->id))
        return say_untrue(object, "about another object");
    *ret_body = give(body);
    return 0;
}

/* Is there a signed entry for this head, by someone the trust log granted something? */
static int verify_head(const struct ledger *ledger, struct object *object, ProtobufCBinaryData head)
{
    for (size_t i = 0; i < object->said->n_entries; i++) {
        OWN(buffer_fini) struct buffer bytes = {0};
        ProtobufCMessage *body = NULL;
        const Picket__V1__Grant *grant;
        struct record_view view;
        bool is_live;
        int r;

        if (wire_pack(&object->said->entries[i]->base, &bytes) < 0)
            return problem_say(&object->why, -ENOMEM, "out of memory");
        if (record_open(ledger, RECORD_ENTRY, buffer_bytes(&bytes), &view) != LEDGER_OK ||
            memcmp(view.id, head.data, HASH_BYTES) != 0)
            continue;
        r = verify_record(ledger, RECORD_ENTRY, buffer_bytes(&bytes),
            "the signed entry of an object", &view, &object->why);
        if (r < 0)
            return r;
        grant = verify_grant_of(ledger, view.author, &is_live);
        if (!grant)
            return say_untrue(object, "signed by a key that nothing was granted to");
        r = open_operation(object, object->said->entries[i], head, &body);
        if (r < 0)
            return r;
        if (!object->body && object->said->winner.len == OP_REF_BYTES &&
            memcmp(head.data, object->said->winner.data, OP_REF_BYTES) == 0) {
            take_body(object, body);
            object->person = grant->person;
        } else {
            wire_free(body);
        }
        return 0;
    }
    return say_untrue(object, "without the signed entry that would prove it");
}

static int verify_object(const struct ledger *ledger, struct object *object)
{
    const Picket__V1__Object *said = object->said;

    if (!said->n_heads)
        return say_untrue(object, "without any version");
    for (size_t i = 0; i < said->n_heads; i++) {
        int r;

        if (said->heads[i].len != OP_REF_BYTES)
            return say_untrue(object, "malformed");
        r = verify_head(ledger, object, said->heads[i]);
        if (r < 0)
            return r;
    }
    return object->body ? 0 : say_untrue(object, "without its winning version");
}

static enum object_kind said_kind(const Picket__V1__Object *said)
{
    switch (said->object_case) {
    case PICKET__V1__OBJECT__OBJECT_SET:
        return OBJECT_SET;
    case PICKET__V1__OBJECT__OBJECT_POLICY:
        return OBJECT_DEFAULT;
    default:
        return OBJECT_RULE;
    }
}

static void take_object(
    const struct ledger *ledger, const Picket__V1__Object *said, struct object *object)
{
    object->said = said;
    object->person = "";
    object->kind = said_kind(said);
    if (ledger) {
        object->trouble = verify_object(ledger, object);
        return;
    }
    object->trouble = problem_say(&object->why, -EPERM,
        "without the fleet's folder nothing can be verified; name it with --fleet");
    if (said->object_case == PICKET__V1__OBJECT__OBJECT_RULE)
        object->rule = said->rule;
    else if (said->object_case == PICKET__V1__OBJECT__OBJECT_SET)
        object->set = said->set;
    else if (said->object_case == PICKET__V1__OBJECT__OBJECT_POLICY)
        object->policy = said->policy;
}

/* ---- loading */

static int take_page(
    const struct ledger *ledger, struct objects *objects, Picket__V1__ListResponse *page)
{
    Picket__V1__ListResponse **pages =
        realloc(objects->pages, (objects->pages_count + 1) * sizeof(*pages));
    struct object *at;

    if (pages)
        objects->pages = pages;
    at = realloc(objects->at, (objects->count + page->n_objects + 1) * sizeof(*at));
    if (at)
        objects->at = at;
    if (!pages || !at) {
        wire_free(&page->base);
        return -ENOMEM;
    }
    objects->pages[objects->pages_count++] = page;
    for (size_t i = 0; i < page->n_objects; i++) {
        if (page->objects[i]->id.len != OP_REF_BYTES)
            continue;
        memset(&objects->at[objects->count], 0, sizeof(*objects->at));
        take_object(ledger, page->objects[i], &objects->at[objects->count]);
        objects->count++;
    }
    return 0;
}

int objects_load(struct connection *connection, const struct ledger *ledger, const char *kind,
    const char *name, struct objects *ret_objects, struct problem *reterr_problem)
{
    Picket__V1__ListRequest request = PICKET__V1__LIST_REQUEST__INIT;
    Picket__V1__ListResponse *page = NULL;
    int r;

    memset(ret_objects, 0, sizeof(*ret_objects));
    request.kind = (char *)(uintptr_t)kind;
    request.name = (char *)(uintptr_t)name;
    request.limit = PAGE_OBJECTS;
    do {
        ProtobufCBinaryData before = request.after;

        r = connection_ask(connection, "/picket.v1.Rules/List", &request,
            &picket__v1__list_response__descriptor, &page, reterr_problem);
        if (r < 0)
            break;
        request.after = page->next;
        if (take_page(ledger, ret_objects, page) < 0)
            r = problem_say(reterr_problem, -ENOMEM, "out of memory");
        else if (request.after.len && request.after.len == before.len &&
                 memcmp(request.after.data, before.data, before.len) <= 0)
            r = problem_say(reterr_problem, -EPROTO, "the node's list does not end");
    } while (r == 0 && request.after.len);
    if (r < 0)
        objects_fini(ret_objects);
    return r;
}

void objects_fini(struct objects *objects)
{
    for (uint32_t i = 0; i < objects->count; i++)
        wire_free(objects->at[i].body);
    free(objects->at);
    for (uint32_t i = 0; i < objects->pages_count; i++)
        wire_free(&objects->pages[i]->base);
    free(objects->pages);
    memset(objects, 0, sizeof(*objects));
}

const char *object_name(const struct object *object)
{
    if (object->rule)
        return object->rule->name;
    return object->set ? object->set->name : "";
}

/* ---- picking one */

void object_id_print(const struct object *object, char ret_text[32])
{
    char hex[17];

    hex_print(object->said->id.data, 8, hex);
    (void)snprintf(ret_text, 32, "%s:%u", hex, get_be32(object->said->id.data + HASH_BYTES));
}

static bool is_id_prefix(const char *words, const struct object *object)
{
    char id[2 * OP_REF_BYTES + 1];
    char index[16];
    const char *colon = strchr(words, ':');
    size_t len = colon ? (size_t)(colon - words) : strlen(words);

    hex_print(object->said->id.data, OP_REF_BYTES, id);
    (void)snprintf(index, sizeof(index), "%u", get_be32(object->said->id.data + HASH_BYTES));
    return len >= ID_DIGITS_MIN && len <= 2 * OP_REF_BYTES && memcmp(id, words, len) == 0 &&
           (!colon || strcmp(colon + 1, index) == 0);
}

static int say_missing(
    const struct objects *all, const char *kind, const char *words, struct problem *reterr_problem)
{
    OWN(own_memory) const char **names = calloc(all->count + 1, sizeof(*names));
    const char *near;

    if (!names)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < all->count; i++)
        names[i] = object_name(&all->at[i]);
    near = nearest_word(words, names, all->count);
    if (near && near[0])
        return problem_say(reterr_problem, -ENOENT,
            "there is no %s \"%.80s\"; did you mean \"%s\"?", kind, words, near);
    return problem_say(
        reterr_problem, -ENOENT, "there is no %s \"%.80s\"; see picket %s list", kind, words, kind);
}

static int say_ambiguous(
    const struct objects *all, const char *kind, const char *words, struct problem *reterr_problem)
{
    char ids[160] = "";

    for (uint32_t i = 0; i < all->count; i++) {
        char id[32];
        size_t used = strlen(ids);
        bool is_meant =
            strcmp(object_name(&all->at[i]), words) == 0 || is_id_prefix(words, &all->at[i]);

        object_id_print(&all->at[i], id);
        if (is_meant)
            (void)snprintf(ids + used, sizeof(ids) - used, "%s%s", used ? ", " : "", id);
    }
    return problem_say(reterr_problem, -EPERM,
        "several %ss are called \"%.64s\"; say which one by its id: %s", kind, words, ids);
}

int objects_pick(struct connection *connection, const struct ledger *ledger, const char *kind,
    const char *words, struct objects *ret_objects, const struct object **ret_object,
    struct problem *reterr_problem)
{
    const struct object *found = NULL;
    uint32_t count = 0;
    int r = objects_load(connection, ledger, kind, words, ret_objects, reterr_problem);

    if (r == 0 && !ret_objects->count) {
        objects_fini(ret_objects);
        r = objects_load(connection, ledger, kind, "", ret_objects, reterr_problem);
    }
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < ret_objects->count; i++)
        if (strcmp(object_name(&ret_objects->at[i]), words) == 0 ||
            is_id_prefix(words, &ret_objects->at[i])) {
            found = &ret_objects->at[i];
            count++;
        }
    if (!count)
        r = say_missing(ret_objects, kind, words, reterr_problem);
    else if (count > 1)
        r = say_ambiguous(ret_objects, kind, words, reterr_problem);
    else if (found->trouble)
        r = problem_say(reterr_problem, found->trouble, "%s", found->why.text);
    if (r < 0)
        objects_fini(ret_objects);
    else
        *ret_object = found;
    return r;
}

int objects_set_find(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    struct set_search *search = user;
    struct objects objects = {0};
    const struct object *set = NULL;
    int r;

    if (!search->connection)
        return problem_say(reterr_problem, -ENOENT, "without a node no set is known");
    r = objects_pick(
        search->connection, search->ledger, "set", name, &objects, &set, reterr_problem);
    if (r < 0)
        return r;
    memcpy(ret_id, set->said->id.data, OP_REF_BYTES);
    objects_fini(&objects);
    return 0;
}

/* ---- printing */

struct printing {
    const struct objects *objects;
    const struct object *object;
};

static const char *set_name(void *user, struct bytes reference)
{
    const struct printing *printing = user;
    uint8_t id[OP_REF_BYTES];

    if (printing->object->said->winner.len != OP_REF_BYTES ||
        !ledger_set_resolve(printing->object->said->winner.data, reference, id))
        return NULL;
    for (uint32_t i = 0; i < printing->objects->count; i++)
        if (printing->objects->at[i].set &&
            memcmp(printing->objects->at[i].said->id.data, id, OP_REF_BYTES) == 0)
            return object_name(&printing->objects->at[i]);
    return NULL;
}

int object_rule_text(
    const struct objects *objects, const struct object *object, struct buffer *text)
{
    struct printing printing = {.objects = objects, .object = object};

    return rule_print(object->rule, set_name, &printing, text);
}
