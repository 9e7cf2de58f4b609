/* SPDX-License-Identifier: Apache-2.0 */
/* apply_file_fuzz.c - any YAML: refused with file and line, or rules that pass every check. No set
 * files. */
#include "base/check.h"
#include "cli/text/yaml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    const struct desired_options options = {.now_s = 1};
    struct desired *desired;
    struct problem problem = {0};

    /* Escapes could spell the key another way. */
    if (memmem(input, len, "file", 4) || memchr(input, '\\', len))
        return 0;
    if (desired_parse("rules.yaml", bytes_of(input, len), &options, &desired, &problem) < 0) {
        CHECK(strncmp(problem.text, "rules.yaml:", 11) == 0, "a refusal names the file");
        return 0;
    }
    for (uint32_t i = 0; i < desired->rules_count; i++)
        CHECK(rule_check(desired->rules[i].rule, NULL) == 0, "a rule passes its check");
    for (uint32_t i = 0; i < desired->sets_count; i++)
        CHECK(set_check(desired->sets[i].set, NULL) == 0, "a set passes its check");
    desired_free(desired);
    return 0;
}
