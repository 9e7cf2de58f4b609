/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_fuzz.c - any file: it is refused with a sentence, or its YAML is a file that `apply`
 * reads. The first byte names the format.
 */
#include "base/check.h"
#include "cli/import/import.h"
#include "cli/text/yaml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static int any_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    (void)name;
    (void)reterr_problem;
    memset(ret_id, 1, OP_REF_BYTES);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    const struct desired_options reading = {.set_find = any_set, .now_s = 1};
    struct import_options options = {.name = "old", .owner = "owner", .now_s = 1};
    struct import_result result;
    struct problem problem = {0};
    struct desired *desired;

    if (len == 0)
        return 0;
    options.format = (enum import_format)(input[0] % 5);
    if (import_text(bytes_of(input + 1, len - 1), &options, &result, &problem) < 0) {
        CHECK(problem.text[0], "a refusal has a sentence");
        return 0;
    }
    CHECK(desired_parse("y", buffer_bytes(&result.yaml), &reading, &desired, &problem) == 0,
        problem.text);
    CHECK(desired->rules_count == result.rules, "every rule was counted");
    CHECK(desired->sets_count == result.sets, "every set was counted");
    desired_free(desired);
    import_result_fini(&result);
    return 0;
}
