/* SPDX-License-Identifier: Apache-2.0 */
/* set_content.c - a set's base content as one canonical byte string. */
#include "store/ledger/set_content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BYTES(is_v6) ((is_v6) ? 16U : 4U)
#define ELEMENT_BYTES_MAX (2 + 16 + 8)

static int compare_prefixes(const struct set_element *a, const struct set_element *b)
{
    int order = (a->is_v6 != 0) - (b->is_v6 != 0);

    if (order == 0)
        order = memcmp(a->address, b->address, ADDRESS_BYTES(a->is_v6));
    return order != 0 ? order : (int)a->length - (int)b->length;
}

static int compare_elements(const void *a, const void *b)
{
    return compare_prefixes(a, b);
}

/* 0 is never, which is later than everything. */
static uint64_t later(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return 0;
    return a > b ? a : b;
}

uint32_t set_content_canonical(struct set_element *elements, uint32_t count)
{
    uint32_t kept = 0;

    if (count == 0)
        return 0;
    qsort(elements, count, sizeof(*elements), compare_elements);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_prefixes(&elements[kept], &elements[i]) == 0)
            elements[kept].expiry = later(elements[kept].expiry, elements[i].expiry);
        else
            elements[++kept] = elements[i];
    }
    return kept + 1;
}

static size_t encode_element(const struct set_element *element, uint8_t to[ELEMENT_BYTES_MAX])
{
    size_t address_len = ADDRESS_BYTES(element->is_v6);

    to[0] = element->is_v6 ? 6 : 4;
    to[1] = element->length;
    memcpy(to + 2, element->address, address_len);
    put_be64(to + 2 + address_len, element->expiry);
    return 2 + address_len + 8;
}

int set_content_encode(
    const struct set_element *elements, uint32_t count, struct buffer *ret_content)
{
    size_t len_before = ret_content->len;
    int r = buffer_reserve(ret_content, (size_t)count * ELEMENT_BYTES_MAX);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint8_t bytes[ELEMENT_BYTES_MAX];

        r = buffer_append(ret_content, bytes, encode_element(&elements[i], bytes));
    }
    if (r < 0)
        ret_content->len = len_before;
    return r;
}

static bool host_bits_are_zero(const struct set_element *element)
{
    for (size_t i = 0; i < ADDRESS_BYTES(element->is_v6); i++) {
        size_t bits = element->length > 8 * i ? element->length - 8 * i : 0;

        if (bits < 8 && (element->address[i] & (0xFFU >> bits)) != 0)
            return false;
    }
    return true;
}

/* Takes one element off the front of *content. */
static int decode_element(struct bytes *content, struct set_element *ret_element)
{
    size_t address_len, len;

    if (content->len < 2 || (content->at[0] != 4 && content->at[0] != 6))
        return -EBADMSG;
    *ret_element = (struct set_element){.is_v6 = content->at[0] == 6, .length = content->at[1]};
    address_len = ADDRESS_BYTES(ret_element->is_v6);
    len = 2 + address_len + 8;
    if (content->len < len || ret_element->length > 8 * address_len)
        return -EBADMSG;
    memcpy(ret_element->address, content->at + 2, address_len);
    ret_element->expiry = get_be64(content->at + 2 + address_len);
    if (!host_bits_are_zero(ret_element))
        return -EBADMSG;
    *content = bytes_of(content->at + len, content->len - len);
    return 0;
}

static int decode_all(
    struct bytes content, uint64_t elements_v4, struct set_element *elements, uint64_t count)
{
    uint64_t seen_v4 = 0;

    for (uint64_t i = 0; i < count; i++) {
        if (decode_element(&content, &elements[i]) < 0)
            return -EBADMSG;
        if (i > 0 && compare_prefixes(&elements[i - 1], &elements[i]) >= 0)
            return -EBADMSG;
        seen_v4 += elements[i].is_v6 ? 0 : 1;
    }
    return seen_v4 == elements_v4 ? 0 : -EBADMSG;
}

int set_content_decode(struct bytes content, uint64_t elements_v4, uint64_t elements_v6,
    struct set_element **ret_elements, uint32_t *ret_count)
{
    struct set_element *elements;
    uint64_t count = elements_v4 + elements_v6;

    /* The length is exactly known from the counts, so a lie costs no memory. */
    if (elements_v4 > SET_ELEMENTS_MAX || elements_v6 > SET_ELEMENTS_MAX ||
        count > SET_ELEMENTS_MAX)
        return -EBADMSG;
    if (content.len != elements_v4 * 14 + elements_v6 * 26)
        return -EBADMSG;
    elements = malloc((count > 0 ? count : 1) * sizeof(*elements));
    if (!elements)
        return -ENOMEM;
    if (decode_all(content, elements_v4, elements, count) < 0) {
        free(elements);
        return -EBADMSG;
    }
    *ret_elements = elements;
    *ret_count = (uint32_t)count;
    return 0;
}
