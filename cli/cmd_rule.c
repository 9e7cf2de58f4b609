/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_rule.c - picket rule add, list, show, delete. */
#include "base/own.h"
#include "cli/allowed.h"
#include "cli/objects.h"
#include "cli/output.h"
#include "cli/read.h"
#include "cli/write.h"
#include "store/ledger/author.h"
#include "store/ledger/rule.h"
#include "store/ledger/rule_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* ---- add */

static int join_words(const struct cli *cli, struct buffer *text)
{
    for (uint32_t i = 0; i < cli->words_count; i++)
        if ((i && buffer_append(text, " ", 1) < 0) ||
            buffer_append(text, cli->words[i], strlen(cli->words[i])) < 0)
            return -ENOMEM;
    return buffer_append(text, "", 1);
}

/* A second rule of one name could be meant by nobody. */
static int check_name_is_free(
    struct writing *writing, const char *name, struct problem *reterr_problem)
{
    struct objects objects = {0};
    int r = 0;

    if (!name[0])
        return 0;
    r = objects_load(
        writing->first, writing->cli->fleet->ledger, "rule", name, &objects, reterr_problem);
    if (r == 0 && objects.count)
        r = problem_say(reterr_problem, -EEXIST,
            "there is a rule \"%.64s\" already; choose another name, or delete it first: picket "
            "rule delete %.64s",
            name, name);
    objects_fini(&objects);
    return r;
}

static int sign_rule(struct writing *writing, Picket__V1__Rule *rule, uint8_t ret_id[HASH_BYTES],
    struct problem *reterr_problem)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Operation operation;
    Picket__V1__Operation *operations[] = {&operation};
    int r;

    put.rule = rule;
    r = author_operation(PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, &operation);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot encode the rule: %s", strerror(-r));
    r = write_sign(writing, operations, 1, ret_id, reterr_problem);
    author_operation_fini(&operation);
    return r;
}

static int show_added(struct cli *cli, const Picket__V1__Rule *rule, const uint8_t id[HASH_BYTES],
    struct problem *reterr_problem)
{
    uint8_t object[OP_REF_BYTES] = {0};
    char hex[17];

    memcpy(object, id, HASH_BYTES);
    if (cli_is_json(cli))
        return json_show(cli->out,
            json_pack("{s:o,s:s,s:o}", "id", json_hex(bytes_of(object, sizeof(object))), "name",
                rule->name, "entry", json_hex(bytes_of(id, HASH_BYTES))),
            reterr_problem);
    short_hex(bytes_of(object, sizeof(object)), hex);
    (void)fprintf(cli->out, "added rule %s%s%s\n", rule->name, rule->name[0] ? " " : "", hex);
    return 0;
}

static void own_rule(Picket__V1__Rule **slot)
{
    if (*slot)
        rule_free(*slot);
}

#define PRIORITY_PRESET 1000 /* room before and behind */

/* Who names no priority gets the preset, or the nearest that the grant allows. */
static void preset_priority(const Picket__V1__Grant *grant, Picket__V1__Rule *rule)
{
    rule->priority = PRIORITY_PRESET;
    if (rule->priority > grant->priority_max)
        rule->priority = grant->priority_max;
    if (rule->priority < grant->priority_min)
        rule->priority = grant->priority_min;
}

static int add_rule(struct writing *writing, const char *text, struct problem *reterr_problem)
{
    struct rule_parse_notes notes = {0};
    struct set_search search = {
        .connection = writing->first, .ledger = writing->cli->fleet->ledger};
    OWN(own_rule) Picket__V1__Rule *rule = NULL;
    uint8_t id[HASH_BYTES];
    int r = rule_parse_noted(text, objects_set_find, &search, &rule, &notes, reterr_problem);

    if (r < 0)
        return r;
    if (!notes.has_priority)
        preset_priority(writing->grant, rule);
    r = allowed_rule(writing->grant, NULL, rule, reterr_problem);
    if (r == 0)
        r = check_name_is_free(writing, rule->name, reterr_problem);
    if (r == 0)
        r = sign_rule(writing, rule, id, reterr_problem);
    if (r == 0)
        r = write_send(writing, NULL, 0, reterr_problem);
    return r < 0 ? r : show_added(writing->cli, rule, id, reterr_problem);
}

/* Any name will do: for reading the words before a node is asked. */
static int any_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    (void)name;
    (void)reterr_problem;
    memset(ret_id, 0, OP_REF_BYTES);
    return 0;
}

static int check_words(struct cli *cli, const char *text, struct problem *reterr_problem)
{
    OWN(own_rule) Picket__V1__Rule *rule = NULL;
    int r = rule_parse(text, any_set, NULL, &rule, reterr_problem);

    cli->is_usage = r == -EINVAL;
    return r;
}

int cmd_rule_add(struct cli *cli, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    struct writing writing;
    int r;

    if (join_words(cli, &text) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = check_words(cli, (const char *)text.at, reterr_problem);
    if (r == 0)
        r = write_begin(cli, FLEET_OPERATOR_KEY, false, &writing, reterr_problem);
    if (r < 0)
        return r;
    r = add_rule(&writing, (const char *)text.at, reterr_problem);
    write_end(&writing);
    return r;
}

/* ---- delete */

/* What the node must still have when it takes this: what we saw. */
static void expect_heads(const struct object *object, Picket__V1__Expectation *ret_expect)
{
    picket__v1__expectation__init(ret_expect);
    ret_expect->object = object->said->id;
    ret_expect->heads = object->said->heads;
    ret_expect->n_heads = object->said->n_heads;
}

int cmd_delete_object(struct cli *cli, const char *kind, struct problem *reterr_problem)
{
    Picket__V1__Delete message = PICKET__V1__DELETE__INIT;
    Picket__V1__Expectation expect;
    Picket__V1__Expectation *expectations[] = {&expect};
    Picket__V1__Operation operation;
    Picket__V1__Operation *operations[] = {&operation};
    struct objects objects = {0};
    const struct object *object = NULL;
    struct writing writing;
    uint8_t id[HASH_BYTES];
    int r = write_begin(cli, FLEET_OPERATOR_KEY, false, &writing, reterr_problem);

    if (r < 0)
        return r;
    r = objects_pick(
        writing.first, cli->fleet->ledger, kind, cli->words[0], &objects, &object, reterr_problem);
    if (r == 0 && object->rule)
        r = allowed_rule(writing.grant, object->rule, NULL, reterr_problem);
    if (r == 0) {
        expect_heads(object, &expect);
        message.object = object->said->id;
        message.bases = object->said->heads;
        message.n_bases = object->said->n_heads;
        r = author_operation(PICKET__V1__OP_KIND__OP_DELETE, &message.base, &operation);
        if (r == 0) {
            r = write_sign(&writing, operations, 1, id, reterr_problem);
            author_operation_fini(&operation);
        }
    }
    if (r == 0)
        r = write_send(&writing, expectations, 1, reterr_problem);
    if (r == 0)
        (void)fprintf(cli->out, "deleted %s %s\n", kind, object_name(object));
    objects_fini(&objects);
    write_end(&writing);
    return r;
}

int cmd_rule_delete(struct cli *cli, struct problem *reterr_problem)
{
    return cmd_delete_object(cli, "rule", reterr_problem);
}

/* ---- list, show */

static json_t *rule_json(const struct objects *objects, const struct object *object)
{
    OWN(buffer_fini) struct buffer text = {0};
    const Picket__V1__Object *said = object->said;

    if (object->rule && object_rule_text(objects, object, &text) < 0)
        return NULL;
    return json_pack("{s:o,s:s,s:s%,s:i,s:s,s:s,s:b,s:b,s:s,s:o,s:o,s:o}", "id",
        json_hex(bytes_of(said->id.data, said->id.len)), "name", object_name(object), "text",
        text.at ? (const char *)text.at : "", text.len, "priority",
        object->rule ? (int)object->rule->priority : 0, "action",
        object->rule ? action_word(object->rule->action) : "deleted", "status", said->status,
        "conflict", said->conflict, "verified", object->trouble == 0, "person", object->person,
        "packets", json_number(said->packets), "bytes", json_number(said->bytes), "last_hit_ms",
        json_number(said->last_hit_ms));
}

static int compare_rules(const void *a, const void *b)
{
    const struct object *one = *(const struct object *const *)a;
    const struct object *two = *(const struct object *const *)b;
    uint32_t first = one->rule ? one->rule->priority : UINT32_MAX;
    uint32_t second = two->rule ? two->rule->priority : UINT32_MAX;

    if (first != second)
        return first < second ? -1 : 1;
    return memcmp(one->said->id.data, two->said->id.data, OP_REF_BYTES);
}

static const char *status_of(const struct object *object)
{
    if (object->trouble == -EBADMSG)
        return "NOT PROVEN";
    return object->said->conflict ? "conflict" : object->said->status;
}

static void rule_row(
    const struct objects *objects, const struct object *object, struct table *table)
{
    OWN(buffer_fini) struct buffer text = {0};
    char priority[16];
    char packets[24];
    char id[32];

    if (object->rule)
        (void)object_rule_text(objects, object, &text);
    (void)buffer_append(&text, "", 1);
    (void)snprintf(priority, sizeof(priority), "%u", object->rule ? object->rule->priority : 0);
    (void)snprintf(packets, sizeof(packets), "%" PRIu64, object->said->packets);
    object_id_print(object, id);
    table_add(table, (const char *const[]){priority, object_name(object), status_of(object),
                         packets, id, (const char *)text.at});
}

static int print_rules(struct cli *cli, const struct objects *objects, const struct object **rules,
    uint32_t count, struct problem *reterr_problem)
{
    struct table *table;

    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < count; i++)
            (void)json_array_append_new(list, rule_json(objects, rules[i]));
        return json_show(cli->out, json_pack("{s:o}", "rules", list), reterr_problem);
    }
    table =
        table_new((const char *const[]){"PRIORITY", "NAME", "STATUS", "PACKETS", "ID", "RULE"}, 6);
    for (uint32_t i = 0; i < count; i++)
        rule_row(objects, rules[i], table);
    table_print(table, cli->out,
        "no rules yet; add one: picket rule add drop in tcp to any port 23 name no-telnet");
    return 0;
}

int cmd_rule_list(struct cli *cli, struct problem *reterr_problem)
{
    struct reading reading;
    OWN(own_memory) const struct object **rules = NULL;
    uint32_t count = 0;
    int r = read_begin(cli, &reading, reterr_problem);

    if (r == 0)
        r = objects_load(
            reading.connection, reading.ledger, "", "", &reading.objects, reterr_problem);
    if (r == 0) {
        rules = calloc(reading.objects.count + 1, sizeof(*rules));
        if (!rules)
            r = problem_say(reterr_problem, -ENOMEM, "out of memory");
    }
    for (uint32_t i = 0; r == 0 && i < reading.objects.count; i++)
        if (reading.objects.at[i].kind == OBJECT_RULE)
            rules[count++] = &reading.objects.at[i];
    if (r == 0 && count)
        qsort(rules, count, sizeof(*rules), compare_rules);
    if (r == 0)
        r = print_rules(cli, &reading.objects, rules, count, reterr_problem);
    read_end(&reading);
    return r;
}

static void show_heads(struct cli *cli, const struct object *object)
{
    const Picket__V1__Object *said = object->said;

    (void)fprintf(cli->out, "signed by  %s%s\n", object->person[0] ? object->person : "?",
        object->trouble ? " (not proven)" : "");
    for (size_t i = 0; i < said->n_heads; i++) {
        char hex[2 * OP_REF_BYTES + 1];

        hex_print(said->heads[i].data, said->heads[i].len, hex);
        (void)fprintf(cli->out, "version    %s%s\n", hex,
            said->n_heads > 1 && said->winner.len == said->heads[i].len &&
                    memcmp(said->winner.data, said->heads[i].data, said->winner.len) == 0
                ? " (in force)"
                : "");
    }
}

static int show_rule(struct cli *cli, const struct objects *objects, const struct object *object,
    struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    char hex[2 * OP_REF_BYTES + 1];
    char last[32];

    if (cli_is_json(cli))
        return json_show(cli->out, rule_json(objects, object), reterr_problem);
    if (object->rule)
        (void)object_rule_text(objects, object, &text);
    if (buffer_append(&text, "", 1) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    hex_print(object->said->id.data, OP_REF_BYTES, hex);
    (void)fprintf(cli->out, "name       %s\nid         %s\nrule       %s\nstatus     %s\n",
        object_name(object), hex, (const char *)text.at, object->said->status);
    time_print(object->said->last_hit_ms / 1000, last);
    (void)fprintf(cli->out, "packets    %" PRIu64 "\nbytes      %" PRIu64 "\nlast hit   %s\n",
        object->said->packets, object->said->bytes, last);
    show_heads(cli, object);
    return 0;
}

int cmd_rule_show(struct cli *cli, struct problem *reterr_problem)
{
    struct reading reading;
    struct objects picked = {0};
    const struct object *object = NULL;
    int r = read_begin(cli, &reading, reterr_problem);

    if (r == 0)
        r = objects_load(
            reading.connection, reading.ledger, "set", "", &reading.objects, reterr_problem);
    if (r == 0)
        r = objects_pick(reading.connection, reading.ledger, "rule", cli->words[0], &picked,
            &object, reterr_problem);
    if (r == 0)
        r = show_rule(cli, &reading.objects, object, reterr_problem);
    objects_fini(&picked);
    read_end(&reading);
    return r;
}
