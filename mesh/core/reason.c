/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/reason.h"

#include "base/check.h"

static const struct {
    const char *word, *text;
} reasons[MESH_REASON_COUNT] = {
#define MESH_REASON_ROW(name, word, text) [MESH_##name] = {word, text},
    MESH_REASONS(MESH_REASON_ROW)
#undef MESH_REASON_ROW
};

const char *mesh_reason_word(enum mesh_reason reason)
{
    CHECK(reason < MESH_REASON_COUNT, "a reason is one of the list");
    return reasons[reason].word;
}

const char *mesh_reason_text(enum mesh_reason reason)
{
    CHECK(reason < MESH_REASON_COUNT, "a reason is one of the list");
    return reasons[reason].text;
}
