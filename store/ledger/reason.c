/* SPDX-License-Identifier: Apache-2.0 */
/* reason.c - the words of LEDGER_REASONS. */
#include "store/ledger/record.h"

#include "base/check.h"

const char *ledger_reason_word(enum ledger_reason reason)
{
    static const char *const words[] = {
#define LEDGER_REASON_WORD(name, word, text) [LEDGER_##name] = word,
        LEDGER_REASONS(LEDGER_REASON_WORD)
#undef LEDGER_REASON_WORD
    };

    CHECK(reason < LEDGER_REASON_COUNT, "a reason comes from this folder");
    return words[reason];
}

const char *ledger_reason_text(enum ledger_reason reason)
{
    static const char *const texts[] = {
#define LEDGER_REASON_TEXT(name, word, text) [LEDGER_##name] = text,
        LEDGER_REASONS(LEDGER_REASON_TEXT)
#undef LEDGER_REASON_TEXT
    };

    CHECK(reason < LEDGER_REASON_COUNT, "a reason comes from this folder");
    return texts[reason];
}
