/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify.h"

#include <errno.h>
#include <string.h>

#include "store/keys/keys.h"

int verify_record(const struct ledger *ledger, enum record_kind kind, struct bytes record,
    const char *what, struct record_view *ret_view, struct problem *reterr_problem)
{
    enum ledger_reason reason = record_open(ledger, kind, record, ret_view);

    if (reason != LEDGER_OK)
        return problem_say(
            reterr_problem, -EBADMSG, "%s is refused: %s", what, ledger_reason_text(reason));
    for (uint32_t i = 0; i < ret_view->claims_count; i++) {
        const struct signature_claim *claim = &ret_view->claims[i];

        if (!keys_verify(claim->key, claim->hash, claim->signature))
            return problem_say(reterr_problem, -EBADMSG, "%s is refused: %s", what,
                ledger_reason_text(LEDGER_BAD_SIGNATURE));
    }
    return 0;
}

int verify_add(struct ledger *ledger, enum record_kind kind, struct bytes record, const char *what,
    struct problem *reterr_problem)
{
    struct record_view view;
    struct ledger_answer answer;
    int r = verify_record(ledger, kind, record, what, &view, reterr_problem);

    if (r < 0)
        return r;
    if (ledger_add(ledger, kind, record, &answer, NULL) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    if (answer.outcome == LEDGER_WAITS || answer.outcome == LEDGER_REFUSED)
        return problem_say(
            reterr_problem, -EBADMSG, "%s is refused: %s", what, ledger_reason_text(answer.reason));
    return 0;
}

const Picket__V1__Grant *verify_grant_of(
    const struct ledger *ledger, const uint8_t key[KEY_BYTES], bool *ret_is_live)
{
    const Picket__V1__Grant *found = NULL;
    uint32_t count = ledger_grants_count(ledger);

    *ret_is_live = false;
    for (uint32_t i = 0; i < count; i++) {
        bool is_live;
        const Picket__V1__Grant *grant = ledger_grant_at(ledger, i, &is_live);

        if (grant->key.len != KEY_BYTES || memcmp(grant->key.data, key, KEY_BYTES) != 0)
            continue;
        found = grant;
        *ret_is_live = is_live;
    }
    return found;
}
