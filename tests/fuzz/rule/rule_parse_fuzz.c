/* SPDX-License-Identifier: Apache-2.0 */
/* rule_parse_fuzz.c - any text: it is refused with a sentence, or its written form is a fixed
 * point. */
#include "base/check.h"
#include "proto/wire/wire.h"
#include "store/ledger/rule.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

static int find_set(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem)
{
    (void)user;
    (void)reterr_problem;
    memset(ret_id, 0, OP_REF_BYTES);
    memcpy(ret_id, name, strlen(name) < OP_REF_BYTES ? strlen(name) : OP_REF_BYTES);
    return 0;
}

static void check_wire(const Picket__V1__Rule *rule)
{
    struct buffer wire = {0};

    CHECK(wire_pack(&rule->base, &wire) == 0, "there is memory");
    CHECK(wire_check(&picket__v1__rule__descriptor, buffer_bytes(&wire)) == WIRE_OK,
        "a rule that was read is canonical");
    buffer_fini(&wire);
}

static void print(const char *text, struct buffer *ret_text, bool must_be_read)
{
    struct problem problem = {0};
    Picket__V1__Rule *rule = NULL;
    int r = rule_parse(text, find_set, NULL, &rule, &problem);

    CHECK(r == 0 || problem.text[0] != '\0', "a refusal has a sentence");
    CHECK(r == 0 || !must_be_read, "what was written is read");
    if (r < 0)
        return;
    check_wire(rule);
    CHECK(rule_print(rule, NULL, NULL, ret_text) == 0, "there is memory");
    CHECK(buffer_append(ret_text, "", 1) == 0, "there is memory");
    rule_free(rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct buffer once = {0}, twice = {0};
    char *text = malloc(len + 1);

    CHECK(text, "there is memory");
    memcpy(text, input, len);
    text[len] = '\0';
    print(text, &once, false);
    if (once.len > 0) {
        print((const char *)once.at, &twice, true);
        CHECK(bytes_equal(buffer_bytes(&once), buffer_bytes(&twice)),
            "the written form is a fixed point");
    }
    buffer_fini(&once);
    buffer_fini(&twice);
    free(text);
    return 0;
}
