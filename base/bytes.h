/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * bytes.h - borrowed byte strings, growing ones, hex, big-endian numbers.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32
#define KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define OP_REF_BYTES 36 /* entry id, then the operation's index, big endian */

/* Borrowed: valid as long as its owner says. len 0 may come with a NULL pointer. */
struct bytes {
    const uint8_t *at;
    size_t len;
};

/* Owned: grows; free with buffer_fini(). */
struct buffer {
    uint8_t *at;
    size_t len;
    size_t capacity;
};

bool bytes_equal(struct bytes a, struct bytes b);

/* memcmp order, a prefix before what it is a prefix of. */
int bytes_compare(struct bytes a, struct bytes b);

void buffer_fini(struct buffer *buffer);

/* 0 or -ENOMEM; on failure the buffer is as before. */
int buffer_append(struct buffer *buffer, const void *from, size_t len);
int buffer_reserve(struct buffer *buffer, size_t more);

/* A copy on the heap with malloc(); NULL if memory is short. len 0 gives one byte to free. */
uint8_t *bytes_copy(const void *from, size_t len);

/* Writes 2 * len digits and a NUL. */
void hex_print(const uint8_t *from, size_t len, char *ret_text);

/* Reads exactly len bytes from 2 * len digits and nothing more; 0 or -EINVAL. */
int hex_parse(const char *text, uint8_t *ret_bytes, size_t len);

static inline struct bytes bytes_of(const void *at, size_t len)
{
    return (struct bytes){.at = at, .len = len};
}

static inline struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){.at = buffer->at, .len = buffer->len};
}

static inline void put_be32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

static inline uint32_t get_be32(const uint8_t *at)
{
    return ((uint32_t)at[0] << 24) | ((uint32_t)at[1] << 16) | ((uint32_t)at[2] << 8) | at[3];
}

static inline void put_be64(uint8_t *to, uint64_t value)
{
    put_be32(to, (uint32_t)(value >> 32));
    put_be32(to + 4, (uint32_t)value);
}

static inline uint64_t get_be64(const uint8_t *at)
{
    return ((uint64_t)get_be32(at) << 32) | get_be32(at + 4);
}
