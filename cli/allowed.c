/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/allowed.h"

#include "base/own.h"
#include "store/ledger/rule.h"

#include <errno.h>

int allowed_scope(
    const Picket__V1__Grant *grant, const Picket__V1__Scope *scope, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};

    if (scope_contains(grant->scope, scope))
        return 0;
    if (scope_print(grant->scope, &text) < 0 || buffer_append(&text, "", 1) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    return problem_say(reterr_problem, -EPERM,
        "your grant reaches %.120s only; say so in the rule: scope %.80s", (const char *)text.at,
        (const char *)text.at);
}

static int allowed_one(
    const Picket__V1__Grant *grant, const Picket__V1__Rule *rule, struct problem *reterr_problem)
{
    if (!(grant->actions & (UINT32_C(1) << rule->action)))
        return problem_say(reterr_problem, -EPERM, "your grant does not include the action \"%s\"",
            action_word(rule->action));
    if (rule->priority < grant->priority_min || rule->priority > grant->priority_max)
        return problem_say(reterr_problem, -EPERM, "your grant covers priorities %u to %u, not %u",
            grant->priority_min, grant->priority_max, rule->priority);
    return allowed_scope(grant, rule->scope, reterr_problem);
}

int allowed_rule(const Picket__V1__Grant *grant, const Picket__V1__Rule *was,
    const Picket__V1__Rule *is, struct problem *reterr_problem)
{
    int r = was ? allowed_one(grant, was, reterr_problem) : 0;

    return r == 0 && is ? allowed_one(grant, is, reterr_problem) : r;
}
