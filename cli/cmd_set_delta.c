/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_set_delta.c - picket set add, remove: a few addresses, without a new version of the set. */
#include "base/own.h"
#include "cli/allowed.h"
#include "cli/objects.h"
#include "cli/verify.h"
#include "cli/write.h"
#include "proto/wire/wire.h"
#include "store/ledger/author.h"
#include "store/ledger/set_content.h"

#include "proto/picket/v1/log.pb-c.h"

#include <errno.h>
#include <string.h>

#define LOG_PAGE 40
#define ELEMENTS_MAX (WORDS_MAX)
#define OPS_MEMORY_MAX (16UL * ENTRY_BYTES_MAX)
#define ELEMENT_REF_BYTES (OP_REF_BYTES + 4)
#define REMOVE_MAX 1024

static void own_message(void *slot)
{
    wire_free(*(ProtobufCMessage **)slot);
}

struct delta {
    struct cli *cli;
    struct writing writing;
    struct objects objects;
    const struct object *set;
    struct set_element elements[ELEMENTS_MAX];
    uint32_t count;
    uint8_t (*removed)[ELEMENT_REF_BYTES];
    uint32_t removed_count;
    struct problem *reterr_problem;
};

static int read_elements(struct delta *delta)
{
    const char *text = option_value(delta->cli->given, OPT_EXPIRES);
    uint64_t seconds = 0;
    int r = text ? duration_parse(text, &seconds, delta->reterr_problem) : 0;

    for (uint32_t i = 1; r == 0 && i < delta->cli->words_count; i++) {
        struct set_element *element = &delta->elements[delta->count++];
        bool is_v6 = false;

        memset(element, 0, sizeof(*element));
        r = prefix_parse(delta->cli->words[i], element->address, &is_v6, &element->length,
            delta->reterr_problem);
        element->is_v6 = is_v6;
        element->expiry = text ? cli_now_s() + seconds : 0;
    }
    delta->cli->is_usage = r < 0;
    if (r == 0)
        delta->count = set_content_canonical(delta->elements, delta->count);
    return r;
}

static int begin(struct delta *delta)
{
    int r = read_elements(delta);

    if (r == 0)
        r = write_begin(
            delta->cli, FLEET_OPERATOR_KEY, false, &delta->writing, delta->reterr_problem);
    if (r == 0)
        r = objects_pick(delta->writing.first, delta->cli->fleet->ledger, "set",
            delta->cli->words[0], &delta->objects, &delta->set, delta->reterr_problem);
    if (r == 0 && !delta->set->set)
        r = problem_say(delta->reterr_problem, -EPERM, "the set \"%s\" has been deleted by someone",
            delta->cli->words[0]);
    if (r == 0)
        r = allowed_scope(delta->writing.grant, delta->set->set->scope, delta->reterr_problem);
    return r;
}

static void end(struct delta *delta)
{
    objects_fini(&delta->objects);
    if (delta->writing.cli)
        write_end(&delta->writing);
    free(delta->removed);
    free(delta);
}

static int sign_and_send(struct delta *delta, Picket__V1__SetDelta *message)
{
    Picket__V1__Operation operation;
    Picket__V1__Operation *operations[] = {&operation};
    uint8_t id[HASH_BYTES];
    int r;

    message->set = delta->set->said->id;
    r = author_operation(PICKET__V1__OP_KIND__OP_SET_DELTA, &message->base, &operation);
    if (r < 0)
        return problem_say(delta->reterr_problem, r, "cannot encode the change: %s", strerror(-r));
    r = write_sign(&delta->writing, operations, 1, id, delta->reterr_problem);
    author_operation_fini(&operation);
    return r < 0 ? r : write_send(&delta->writing, NULL, 0, delta->reterr_problem);
}

static int add_all(struct delta *delta)
{
    Picket__V1__SetDelta message = PICKET__V1__SET_DELTA__INIT;
    Picket__V1__Element elements[ELEMENTS_MAX];
    Picket__V1__Prefix prefixes[ELEMENTS_MAX];
    Picket__V1__Element *list[ELEMENTS_MAX];

    for (uint32_t i = 0; i < delta->count; i++) {
        picket__v1__prefix__init(&prefixes[i]);
        picket__v1__element__init(&elements[i]);
        prefixes[i].address = (ProtobufCBinaryData){
            .data = delta->elements[i].address, .len = delta->elements[i].is_v6 ? 16 : 4};
        prefixes[i].length = delta->elements[i].length;
        elements[i].prefix = &prefixes[i];
        elements[i].expiry = delta->elements[i].expiry;
        list[i] = &elements[i];
    }
    message.add = list;
    message.n_add = delta->count;
    return sign_and_send(delta, &message);
}

int cmd_set_add(struct cli *cli, struct problem *reterr_problem)
{
    struct delta *delta = calloc(1, sizeof(*delta));
    int r;

    if (!delta)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    delta->cli = cli;
    delta->reterr_problem = reterr_problem;
    r = begin(delta);
    if (r == 0)
        r = add_all(delta);
    if (r == 0)
        (void)fprintf(cli->out, "added %u to set %s\n", delta->count, object_name(delta->set));
    end(delta);
    return r;
}

/* ---- remove: every addition of these prefixes that the log holds is named */

static bool is_meant(const struct delta *delta, const Picket__V1__Element *element)
{
    for (uint32_t i = 0; i < delta->count; i++) {
        const struct set_element *at = &delta->elements[i];
        size_t len = at->is_v6 ? 16 : 4;

        if (element->prefix && element->prefix->length == at->length &&
            element->prefix->address.len == len &&
            memcmp(element->prefix->address.data, at->address, len) == 0)
            return true;
    }
    return false;
}

/* Does the delta name the set, by id or as the operation `local` of its own entry? */
static bool is_of_set(
    const struct delta *delta, const Picket__V1__SetDelta *message, const uint8_t id[HASH_BYTES])
{
    const uint8_t *set = delta->set->said->id.data;

    if (message->set.len == OP_REF_BYTES)
        return memcmp(message->set.data, set, OP_REF_BYTES) == 0;
    return message->set.len == 4 && memcmp(set, id, HASH_BYTES) == 0 &&
           memcmp(set + HASH_BYTES, message->set.data, 4) == 0;
}

static int take_additions(struct delta *delta, const Picket__V1__SetDelta *message,
    const uint8_t id[HASH_BYTES], uint32_t op)
{
    for (uint32_t i = 0; i < message->n_add; i++) {
        uint8_t(*grown)[ELEMENT_REF_BYTES];

        if (!is_meant(delta, message->add[i]))
            continue;
        if (delta->removed_count == REMOVE_MAX)
            return problem_say(delta->reterr_problem, -E2BIG,
                "more than %d additions would be cancelled at once; name fewer prefixes",
                REMOVE_MAX);
        grown = realloc(delta->removed, (delta->removed_count + 1) * sizeof(*grown));
        if (!grown)
            return problem_say(delta->reterr_problem, -ENOMEM, "out of memory");
        delta->removed = grown;
        memcpy(grown[delta->removed_count], id, HASH_BYTES);
        put_be32(grown[delta->removed_count] + HASH_BYTES, op);
        put_be32(grown[delta->removed_count] + OP_REF_BYTES, i);
        delta->removed_count++;
    }
    return 0;
}

/* One entry of the log, verified first. */
static int scan_entry(struct delta *delta, const Picket__V1__LogEntry *said)
{
    OWN(buffer_fini) struct buffer bytes = {0};
    OWN(own_message) Picket__V1__Ops *ops = NULL;
    struct record_view view;
    int r = 0;

    if (!said->entry || wire_unpack(&picket__v1__ops__descriptor,
                            bytes_of(said->entry->ops.data, said->entry->ops.len), OPS_MEMORY_MAX,
                            (ProtobufCMessage **)&ops) != WIRE_OK)
        return 0; /* void: adds nothing */
    if (wire_pack(&said->entry->base, &bytes) < 0)
        return problem_say(delta->reterr_problem, -ENOMEM, "out of memory");
    if (verify_record(
            delta->cli->fleet->ledger, RECORD_ENTRY, buffer_bytes(&bytes), "", &view, NULL) < 0)
        return 0;
    for (uint32_t i = 0; r == 0 && i < ops->n_ops; i++) {
        OWN(own_message) Picket__V1__SetDelta *message = NULL;

        if (ops->ops[i]->kind != PICKET__V1__OP_KIND__OP_SET_DELTA ||
            wire_unpack(&picket__v1__set_delta__descriptor,
                bytes_of(ops->ops[i]->body.data, ops->ops[i]->body.len), OPS_MEMORY_MAX,
                (ProtobufCMessage **)&message) != WIRE_OK)
            continue;
        if (is_of_set(delta, message, view.id))
            r = take_additions(delta, message, view.id, i);
    }
    return r;
}

static int scan_log(struct delta *delta)
{
    Picket__V1__ListLogRequest request = PICKET__V1__LIST_LOG_REQUEST__INIT;
    int r = 0;

    request.limit = LOG_PAGE;
    while (r == 0) {
        OWN(own_message) Picket__V1__ListLogResponse *page = NULL;

        r = connection_ask(delta->writing.first, "/picket.v1.Log/List", &request,
            &picket__v1__list_log_response__descriptor, &page, delta->reterr_problem);
        for (size_t i = 0; r == 0 && i < page->n_entries; i++)
            if (strcmp(page->entries[i]->status, "effective") == 0)
                r = scan_entry(delta, page->entries[i]);
        if (r < 0 || page->next <= request.after)
            break;
        request.after = page->next;
    }
    return r;
}

static int compare_references(const void *a, const void *b)
{
    return memcmp(a, b, ELEMENT_REF_BYTES);
}

static int remove_all(struct delta *delta)
{
    Picket__V1__SetDelta message = PICKET__V1__SET_DELTA__INIT;
    ProtobufCBinaryData list[REMOVE_MAX];
    int r = scan_log(delta);

    if (r < 0)
        return r;
    if (!delta->removed_count)
        return problem_say(delta->reterr_problem, -ENOENT,
            "\"%.60s\" was not added to set %.60s by itself; what came with an imported list goes "
            "by importing the list without it",
            delta->cli->words[1], object_name(delta->set));
    qsort(delta->removed, delta->removed_count, sizeof(*delta->removed), compare_references);
    for (uint32_t i = 0; i < delta->removed_count; i++)
        list[i] = (ProtobufCBinaryData){.data = delta->removed[i], .len = ELEMENT_REF_BYTES};
    message.remove = list;
    message.n_remove = delta->removed_count;
    return sign_and_send(delta, &message);
}

int cmd_set_remove(struct cli *cli, struct problem *reterr_problem)
{
    struct delta *delta = calloc(1, sizeof(*delta));
    int r;

    if (!delta)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    delta->cli = cli;
    delta->reterr_problem = reterr_problem;
    r = begin(delta);
    if (r == 0)
        r = remove_all(delta);
    if (r == 0)
        (void)fprintf(cli->out, "cancelled %u additions of set %s\n", delta->removed_count,
            object_name(delta->set));
    end(delta);
    return r;
}
