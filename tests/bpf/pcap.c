/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/pcap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (64U * 1024 * 1024)
#define INTERFACES_MAX 32

struct capture {
    const uint8_t *at;
    size_t len;
    bool is_swapped;
    void (*fn)(void *user, uint32_t link_type, struct bytes frame);
    void *user;
};

static uint32_t number(const struct capture *capture, size_t offset, bool is_short)
{
    const uint8_t *at = capture->at + offset;

    if (is_short)
        return capture->is_swapped ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
    if (capture->is_swapped)
        return get_be32(at);
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void each_classic(struct capture *capture)
{
    uint32_t link_type = number(capture, 20, false);
    size_t offset = 24;

    while (offset + 16 <= capture->len) {
        size_t len = number(capture, offset + 8, false);

        offset += 16;
        if (len > capture->len - offset)
            return;
        capture->fn(capture->user, link_type, bytes_of(capture->at + offset, len));
        offset += len;
    }
}

static void each_block(struct capture *capture)
{
    uint32_t link_types[INTERFACES_MAX] = {0}, interfaces = 0;
    size_t offset = 0;

    while (offset + 12 <= capture->len) {
        uint32_t type = number(capture, offset, false);
        size_t len;

        if (type == 0x0a0d0d0a) /* a section names its byte order */
            capture->is_swapped = capture->at[offset + 8] == 0x1a;
        len = number(capture, offset + 4, false);
        if (len < 12 || len > capture->len - offset)
            return;
        if (type == 0x0a0d0d0a)
            interfaces = 0;
        if (type == 1 && interfaces < INTERFACES_MAX && len >= 20)
            link_types[interfaces++] = number(capture, offset + 8, true);
        if (type == 6 && len >= 32) {
            uint32_t interface = number(capture, offset + 8, false);
            uint32_t frame = number(capture, offset + 20, false);

            if (interface < interfaces && frame <= len - 32)
                capture->fn(capture->user, link_types[interface],
                    bytes_of(capture->at + offset + 28, frame));
        }
        offset += len;
    }
}

static int each(struct capture *capture)
{
    uint32_t magic;

    if (capture->len < 24)
        return -EBADMSG;
    magic = get_be32(capture->at);
    if (magic == 0x0a0d0d0a) {
        each_block(capture);
        return 0;
    }
    capture->is_swapped = magic == 0xa1b2c3d4 || magic == 0xa1b23c4d;
    if (!capture->is_swapped && magic != 0xd4c3b2a1 && magic != 0x4d3cb2a1)
        return -EBADMSG;
    each_classic(capture);
    return 0;
}

int pcap_each(
    const char *path, void (*fn)(void *user, uint32_t link_type, struct bytes frame), void *user)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = file ? malloc(FILE_BYTES_MAX) : NULL;
    int r = bytes ? 0 : -errno;

    if (bytes) {
        struct capture capture = {
            .at = bytes, .len = fread(bytes, 1, FILE_BYTES_MAX, file), .fn = fn, .user = user};

        r = each(&capture);
    }
    free(bytes);
    if (file)
        (void)fclose(file);
    return r;
}
