/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* own.h - who frees what, stated where the variable is declared. */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define OWN(drop) __attribute__((cleanup(drop)))

/* OWN_AS(own_store, struct store, store_close) defines the callback OWN(own_store) needs. */
#define OWN_AS(name, type, drop)         \
    static inline void name(type **slot) \
    {                                    \
        drop(*slot);                     \
    }

static inline void own_memory(void *slot)
{
    free(*(void **)slot);
}

static inline void own_fd(int *slot)
{
    if (*slot >= 0)
        (void)close(*slot);
}

/* give(x): x's value moves to a new owner; x becomes empty and its cleanup does nothing. */
#define give(pointer)                           \
    __extension__({                             \
        __typeof__(pointer) given_ = (pointer); \
        (pointer) = NULL;                       \
        given_;                                 \
    })
#define give_fd(fd)        \
    __extension__({        \
        int given_ = (fd); \
        (fd) = -1;         \
        given_;            \
    })
