/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * set_content.h - the canonical list of a set's base content, in chunks (ledger.md L14).
 *
 * An element on the wire: family (1 byte: 4 or 6), prefix length (1), address (4 or 16), expiry (8,
 * big endian, unix seconds, 0 never). Sorted by (family, address, length); equal prefixes merged
 * with the latest expiry; covering ones kept. All chunks but the last are exactly CHUNK_BYTES; an
 * element may straddle two. Pure.
 */
#include "store/ledger/ledger.h"

/* Sorts and merges in place; returns the new count. */
uint32_t set_content_canonical(struct set_element *elements, uint32_t count);

/* Appends the encoding of canonical elements. 0, -ENOMEM. */
int set_content_encode(
    const struct set_element *elements, uint32_t count, struct buffer *ret_content);

/* Strict: canonical order, host bits zero, nothing left over, counts equal to the manifest's. 0,
 * -EBADMSG, -ENOMEM. */
int set_content_decode(struct bytes content, uint64_t elements_v4, uint64_t elements_v6,
    struct set_element **ret_elements, uint32_t *ret_count);
