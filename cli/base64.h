/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* base64.h - RFC 4648, with padding, strict. Pure. */
#include "base/bytes.h"

/* Appends without a NUL. 0, -ENOMEM. */
int base64_print(struct bytes bytes, struct buffer *text);

/* Appends the bytes. 0, -ENOMEM, -EINVAL for anything but one canonical encoding. */
int base64_parse(struct bytes text, struct buffer *ret_bytes);
