/* SPDX-License-Identifier: Apache-2.0 */
/*
 * set_content_fuzz.c - any content: it is refused, or encoding what was decoded gives it back. The
 * first byte is the count of IPv4 elements, the second of IPv6.
 */
#include "base/check.h"
#include "store/ledger/set_content.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct set_element *elements;
    struct buffer again = {0};
    struct bytes content;
    uint32_t count;

    if (len < 2)
        return 0;
    content = bytes_of(input + 2, len - 2);
    if (set_content_decode(content, input[0], input[1], &elements, &count) < 0)
        return 0;
    CHECK(set_content_canonical(elements, count) == count, "decoded elements are canonical");
    CHECK(set_content_encode(elements, count, &again) == 0, "there is memory");
    CHECK(bytes_equal(content, buffer_bytes(&again)), "one list, one encoding");
    buffer_fini(&again);
    free(elements);
    return 0;
}
