/* SPDX-License-Identifier: Apache-2.0 */
/* netset_fuzz.c - any list: refused with a sentence, or canonical elements. */
#include "base/check.h"
#include "cli/import/netset.h"
#include "store/ledger/set_content.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct set_element *elements, *again;
    struct buffer content = {0};
    struct problem problem = {0};
    uint32_t count, again_count;
    uint64_t v4 = 0;

    if (netset_parse(bytes_of(input, len), "list", 1, &elements, &count, &problem) < 0) {
        CHECK(problem.text[0], "a refusal has a sentence");
        return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        v4 += !elements[i].is_v6;
    CHECK(set_content_encode(elements, count, &content) == 0, "there is memory");
    CHECK(set_content_decode(buffer_bytes(&content), v4, count - v4, &again, &again_count) == 0,
        "the elements are canonical");
    free(again);
    free(elements);
    buffer_fini(&content);
    return 0;
}
