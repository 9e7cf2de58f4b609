/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_set.c - picket set import, list, delete. */
#include "base/own.h"
#include "cli/allowed.h"
#include "cli/import/netset.h"
#include "cli/output.h"
#include "cli/read.h"
#include "cli/set_upload.h"
#include "store/ledger/author.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- import */

struct importing {
    struct cli *cli;
    const char *name;
    struct set_element *elements;
    uint32_t count;
    Picket__V1__Set set;
    Picket__V1__Scope *scope;
    struct set_upload upload;
};

static int read_list(struct importing *importing, struct problem *reterr_problem)
{
    const char *path = importing->cli->words[1];
    bool is_input = strcmp(path, "-") == 0;
    FILE *file = is_input ? stdin : fopen(path, "re");
    int r;

    if (!file)
        return problem_say(reterr_problem, -errno, "cannot read \"%s\": %m", path);
    r = netset_read(file, is_input ? "standard input" : path, cli_now_s(), &importing->elements,
        &importing->count, reterr_problem);
    if (!is_input)
        (void)fclose(file);
    return r;
}

static int describe(struct importing *importing, struct problem *reterr_problem)
{
    const char *kind = option_value(importing->cli->given, OPT_KIND);
    const char *scope = option_value(importing->cli->given, OPT_SCOPE);
    int r = 0;

    picket__v1__set__init(&importing->set);
    importing->set.name = (char *)(uintptr_t)importing->name;
    if (kind && strcmp(kind, "ban") == 0)
        importing->set.kind = PICKET__V1__SET_KIND__SET_KIND_BAN;
    else if (kind && strcmp(kind, "plain") != 0)
        return cli_usage(importing->cli, reterr_problem,
            "there is no kind \"%.40s\" of sets; kinds are plain and ban", kind);
    if (scope)
        r = scope_parse(scope, &importing->scope, reterr_problem);
    importing->set.scope = importing->scope;
    if (r == 0)
        r = set_check(&importing->set, reterr_problem);
    importing->cli->is_usage = r < 0;
    return r;
}

/* A set of that name gets a new version; it keeps its kind and scope unless they are given. */
static int find_old(struct importing *importing, struct writing *writing, struct objects *objects,
    const struct object **ret_old, struct problem *reterr_problem)
{
    const struct object *old;
    int r = objects_load(writing->first, importing->cli->fleet->ledger, "set", importing->name,
        objects, reterr_problem);

    if (r < 0 || !objects->count)
        return r;
    old = &objects->at[0];
    if (objects->count > 1)
        return problem_say(reterr_problem, -EPERM,
            "%u sets are called \"%s\"; delete all but one by id: picket set delete ID",
            objects->count, importing->name);
    if (old->trouble)
        return problem_say(reterr_problem, old->trouble, "%s", old->why.text);
    if (old->set && !option_is_given(importing->cli->given, OPT_KIND))
        importing->set.kind = old->set->kind;
    if (old->set && !option_is_given(importing->cli->given, OPT_SCOPE))
        importing->set.scope = old->set->scope;
    if (old->set) {
        importing->set.comment = old->set->comment;
        importing->set.owner = old->set->owner;
    }
    *ret_old = old;
    return 0;
}

static int sign_set(struct importing *importing, struct writing *writing, const struct object *old,
    struct problem *reterr_problem)
{
    Picket__V1__PutSet put = PICKET__V1__PUT_SET__INIT;
    Picket__V1__Operation operation;
    Picket__V1__Operation *operations[] = {&operation};
    uint8_t id[HASH_BYTES];
    int r;

    put.set = &importing->set;
    put.manifest = set_upload_manifest(&importing->upload);
    if (old) {
        put.object = old->said->id;
        put.bases = old->said->heads;
        put.n_bases = old->said->n_heads;
        put.vector = old->said->vector;
        put.n_vector = old->said->n_vector;
    }
    r = author_operation(PICKET__V1__OP_KIND__OP_PUT_SET, &put.base, &operation);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot encode the set: %s", strerror(-r));
    r = write_sign(writing, operations, 1, id, reterr_problem);
    author_operation_fini(&operation);
    return r;
}

static int import_set(
    struct importing *importing, struct writing *writing, struct problem *reterr_problem)
{
    OWN(objects_fini) struct objects objects = {0};
    const struct object *old = NULL;
    int r = find_old(importing, writing, &objects, &old, reterr_problem);

    if (r == 0)
        r = allowed_scope(writing->grant, importing->set.scope, reterr_problem);
    if (r == 0)
        r = set_upload_prepare(
            &importing->upload, importing->elements, importing->count, reterr_problem);
    if (r == 0)
        r = set_upload_send(&importing->upload, writing, reterr_problem);
    if (r == 0)
        r = sign_set(importing, writing, old, reterr_problem);
    if (r == 0)
        r = write_send(writing, NULL, 0, reterr_problem);
    if (r == 0)
        (void)fprintf(importing->cli->out, "%s set %s: %" PRIu32 " prefixes\n",
            old ? "replaced" : "made", importing->name, importing->count);
    return r;
}

int cmd_set_import(struct cli *cli, struct problem *reterr_problem)
{
    struct importing importing = {.cli = cli, .name = cli->words[0]};
    struct writing writing;
    int r = describe(&importing, reterr_problem);

    if (r == 0)
        r = read_list(&importing, reterr_problem);
    if (r == 0)
        r = write_begin(cli, FLEET_OPERATOR_KEY, false, &writing, reterr_problem);
    if (r == 0) {
        r = import_set(&importing, &writing, reterr_problem);
        write_end(&writing);
    }
    set_upload_fini(&importing.upload);
    scope_free(importing.scope);
    free(importing.elements);
    return r;
}

/* ---- list, delete */

int cmd_set_delete(struct cli *cli, struct problem *reterr_problem)
{
    return cmd_delete_object(cli, "set", reterr_problem);
}

static const char *kind_word(const struct object *object)
{
    if (!object->set)
        return "deleted";
    return object->set->kind == PICKET__V1__SET_KIND__SET_KIND_BAN ? "ban" : "plain";
}

static int print_sets(
    struct cli *cli, const struct objects *objects, struct problem *reterr_problem)
{
    struct table *table;

    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < objects->count; i++) {
            const struct object *at = &objects->at[i];

            (void)json_array_append_new(
                list, json_pack("{s:o,s:s,s:s,s:o,s:s,s:b,s:b,s:s}", "id",
                          json_hex(bytes_of(at->said->id.data, at->said->id.len)), "name",
                          object_name(at), "kind", kind_word(at), "elements",
                          json_number(at->said->elements), "status", at->said->status, "conflict",
                          at->said->conflict, "verified", at->trouble == 0, "person", at->person));
        }
        return json_show(cli->out, json_pack("{s:o}", "sets", list), reterr_problem);
    }
    table = table_new((const char *const[]){"NAME", "KIND", "PREFIXES", "STATUS", "ID"}, 5);
    for (uint32_t i = 0; i < objects->count; i++) {
        const struct object *at = &objects->at[i];
        char elements[24];
        char id[32];

        (void)snprintf(elements, sizeof(elements), "%" PRIu64, at->said->elements);
        object_id_print(at, id);
        table_add(table, (const char *const[]){object_name(at), kind_word(at), elements,
                             at->trouble == -EBADMSG ? "NOT PROVEN"
                             : at->said->conflict    ? "conflict"
                                                     : at->said->status,
                             id});
    }
    table_print(table, cli->out, "no sets yet; make one: picket set import NAME FILE");
    return 0;
}

int cmd_set_list(struct cli *cli, struct problem *reterr_problem)
{
    struct reading reading;
    int r = read_begin(cli, &reading, reterr_problem);

    if (r == 0)
        r = objects_load(
            reading.connection, reading.ledger, "set", "", &reading.objects, reterr_problem);
    if (r == 0)
        r = print_sets(cli, &reading.objects, reterr_problem);
    read_end(&reading);
    return r;
}
