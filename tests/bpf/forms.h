/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* forms.h - packets of many forms, of both families, for tests in which generations change. The
 * sources are 203.0.113.77, 198.18.3.3 (one) and 2001:db8:7::7. */
#include "tests/bpf/packet.h"

#define FORMS_COUNT 10

void forms_build(struct packet packets[FORMS_COUNT]);
