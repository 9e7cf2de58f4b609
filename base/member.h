/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* member.h - from a part to the whole: a callback gets the part it was registered with. */
#include <stddef.h>

/* The struct `type` whose `member` pointer points to. */
#define OWNER_OF(type, member, pointer) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
