/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_apply.c - picket apply: reads the file and the fleet, signs the difference. */
#include "base/own.h"
#include "cli/output.h"
#include "cli/plan_batches.h"

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

/* ---- one changeset, or several */

struct applying {
    struct writing *writing;
    struct plan *plan;
    const struct objects *objects;
    uint32_t batches; /* changesets the file takes */
    uint32_t done;
};

static int send_sets(const struct applying *applying, struct problem *reterr_problem)
{
    struct plan *plan = applying->plan;
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < plan->desired->sets_count; i++)
        if (plan->uploads[i].chunks_count)
            r = set_upload_send(&plan->uploads[i], applying->writing, reterr_problem);
    return r;
}

/* The steps from..end in as many changesets as they take; ret_ids (may be NULL): one a step. */
static int write_steps(struct applying *applying, uint32_t from, uint32_t end,
    uint8_t (*ret_ids)[OP_REF_BYTES], struct problem *reterr_problem)
{
    struct plan *plan = applying->plan;
    uint8_t id[HASH_BYTES];

    for (uint32_t at = from; at < end; applying->done++) {
        uint32_t next = plan_batch_end(plan, at, end);
        int r = write_sign(applying->writing, plan->operations + at, next - at, id, reterr_problem);

        if (r == 0)
            r = write_send(applying->writing, NULL, 0, reterr_problem);
        if (r < 0)
            return r;
        for (uint32_t i = at; ret_ids && i < next; i++) {
            memcpy(ret_ids[i], id, HASH_BYTES);
            put_be32(ret_ids[i] + HASH_BYTES, i - at);
        }
        at = next;
    }
    return 0;
}

/* Sets first: what the rules call them is known once they are signed. */
static int write_batches(struct applying *applying, struct problem *reterr_problem)
{
    struct plan *plan = applying->plan;
    OWN(own_memory) uint8_t(*ids)[OP_REF_BYTES] = calloc(plan->sets_steps + 1UL, sizeof(*ids));
    int r;

    if (!ids)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = write_steps(applying, 0, plan->sets_steps, ids, reterr_problem);
    if (r == 0)
        r = plan_after_sets(plan, applying->objects, applying->writing->grant, ids, reterr_problem);
    if (r == 0 && plan_order(plan) < 0)
        r = problem_say(reterr_problem, -ENOMEM, "out of memory");
    return r < 0 ? r : write_steps(applying, plan->sets_steps, plan->count, NULL, reterr_problem);
}

static int apply_batches(struct applying *applying, struct problem *reterr_problem)
{
    struct cli *cli = applying->writing->cli;
    struct problem why = {0};
    int r;

    (void)fprintf(cli->err, "picket: %u changes in %u changesets, one after the other\n",
        applying->plan->count, applying->batches);
    r = send_sets(applying, &why);
    if (r == 0)
        r = write_batches(applying, &why);
    if (r == 0)
        return 0;
    (void)fprintf(cli->err,
        "picket: %u of %u changesets are written; run the same command again for the others\n",
        applying->done, applying->batches);
    return problem_say(reterr_problem, r, "%s", why.text);
}

/* Would it be written as it was asked? */
static int check_batches(const struct applying *applying, struct problem *reterr_problem)
{
    struct cli *cli = applying->writing->cli;

    if (applying->batches == 1 || option_is_given(cli->given, OPT_BATCHES))
        return 0;
    if (option_is_given(cli->given, OPT_DRY_RUN)) {
        (void)fprintf(
            cli->err, "picket: these are %u changesets; they need --batches\n", applying->batches);
        return 0;
    }
    return problem_say(reterr_problem, -E2BIG,
        "%u changes are more than one changeset holds (%d, 64 KiB) and cannot take effect at once; "
        "--batches makes them in %u changesets, one after the other",
        applying->plan->count, ENTRY_OPS_MAX, applying->batches);
}

static int write_plan(struct applying *applying, struct problem *reterr_problem)
{
    int r = send_sets(applying, reterr_problem);

    return r < 0 ? r : write_steps(applying, 0, applying->plan->count, NULL, reterr_problem);
}

/* What an earlier run signed and could not send is part of the fleet the file is compared with. */
static int send_kept(struct writing *writing, struct problem *reterr_problem)
{
    if (!writing->chain.tail.len || option_is_given(writing->cli->given, OPT_DRY_RUN))
        return 0;
    return write_send(writing, NULL, 0, reterr_problem);
}

static int apply(struct writing *writing, const struct desired_options *options, const char *path,
    struct problem *reterr_problem)
{
    struct cli *cli = writing->cli;
    OWN(objects_fini) struct objects objects = {0};
    OWN(plan_fini) struct plan plan = {0};
    struct applying applying = {.writing = writing, .plan = &plan, .objects = &objects};
    int r = desired_read(path, options, &plan.desired, reterr_problem);

    if (r == 0)
        r = send_kept(writing, reterr_problem);
    if (r == 0)
        r = objects_load(writing->first, cli->fleet->ledger, "", "", &objects, reterr_problem);
    if (r == 0)
        r = plan_make(&plan, &objects, writing->grant, reterr_problem);
    if (r == 0 && plan_batch_end(&plan, 0, plan.count) < plan.count && plan_order(&plan) < 0)
        r = problem_say(reterr_problem, -ENOMEM, "out of memory");
    if (r < 0)
        return r;
    applying.batches = plan_batches_count(&plan);
    r = check_batches(&applying, reterr_problem);
    if (r < 0)
        return r;
    if (option_is_given(cli->given, OPT_DRY_RUN) || !plan.count)
        return show_result(cli, &plan, reterr_problem);
    if (applying.batches == 1) {
        r = write_plan(&applying, reterr_problem);
        return r < 0 ? r : show_result(cli, &plan, reterr_problem);
    }
    r = apply_batches(&applying, reterr_problem);
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
