/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c - picket apply: reads the file and the fleet, signs the difference. */
#include "base/own.h"
#include "cli/output.h"
#include "cli/plan.h"

#include <errno.h>
#include <string.h>

static void show_plan(struct cli *cli, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->count; i++)
        (void)fprintf(
            cli->out, "%s %s %s\n", plan->steps[i].verb, plan->steps[i].kind, plan->steps[i].name);
}

static int show_result(struct cli *cli, const struct plan *plan, struct problem *reterr_problem)
{
    bool is_dry = option_is_given(cli->given, OPT_DRY_RUN);

    if (cli_is_json(cli)) {
        json_t *list = json_array();

        for (uint32_t i = 0; i < plan->count; i++)
            (void)json_array_append_new(
                list, json_pack("{s:s,s:s,s:s}", "verb", plan->steps[i].verb, "kind",
                          plan->steps[i].kind, "name", plan->steps[i].name));
        return json_show(
            cli->out, json_pack("{s:o,s:b}", "changes", list, "applied", !is_dry), reterr_problem);
    }
    show_plan(cli, plan);
    if (!plan->count)
        (void)fprintf(cli->out, "nothing to do: the fleet is as the file says\n");
    else
        (void)fprintf(cli->out, "%u changes %s\n", plan->count,
            is_dry ? "would be signed (dry run)" : "signed and written");
    return 0;
}

static int apply(struct writing *writing, const struct desired_options *options, const char *path,
    struct problem *reterr_problem)
{
    struct cli *cli = writing->cli;
    OWN(objects_fini) struct objects objects = {0};
    OWN(plan_fini) struct plan plan = {0};
    uint8_t id[HASH_BYTES];
    int r = desired_read(path, options, &plan.desired, reterr_problem);

    if (r < 0)
        return r;
    r = objects_load(writing->first, cli->fleet->ledger, "", "", &objects, reterr_problem);
    if (r == 0)
        r = plan_make(&plan, &objects, writing->grant, reterr_problem);
    if (r == 0 && plan.count && !option_is_given(cli->given, OPT_DRY_RUN)) {
        for (uint32_t i = 0; r == 0 && i < plan.desired->sets_count; i++)
            if (plan.uploads[i].chunks_count)
                r = set_upload_send(&plan.uploads[i], writing, reterr_problem);
        if (r == 0)
            r = write_sign(writing, plan.operations, plan.operations_count, id, reterr_problem);
        if (r == 0)
            r = write_send(writing, NULL, 0, reterr_problem);
    }
    return r < 0 ? r : show_result(cli, &plan, reterr_problem);
}

int cmd_apply(struct cli *cli, struct problem *reterr_problem)
{
    const char *path = option_value(cli->given, OPT_FILE);
    struct set_search search = {0};
    struct desired_options options = {
        .set_find = objects_set_find, .user = &search, .now_s = cli_now_s()};
    struct writing writing;
    int r;

    if (!path && cli->words_count)
        path = cli->words[0];
    if (!path)
        return cli_usage(cli, reterr_problem, "say which file: picket apply -f FILE");
    r = write_begin(cli, FLEET_OPERATOR_KEY, false, &writing, reterr_problem);
    if (r < 0)
        return r;
    search.connection = writing.first;
    search.ledger = cli->fleet->ledger;
    r = apply(&writing, &options, path, reterr_problem);
    write_end(&writing);
    return r;
}
