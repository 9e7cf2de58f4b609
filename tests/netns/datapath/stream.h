/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * stream.h - real UDP packets into one end of a veth pair in this namespace, and what of them
 * arrives at a socket behind the other end.
 */
#include <stdint.h>

struct stream {
    int packet_fd; /* frames out of the far end */
    int socket_fd; /* where they arrive */
    uint8_t frame[64];
    uint32_t frame_len;
    uint32_t far_index;
};

/* near carries to_text (dotted) already; frames leave far for it. Fails the running test if it
 * cannot. */
void stream_open(struct stream *stream, const char *near, const char *far, const char *to_text);
void stream_close(struct stream *stream);

/* Sends count packets from one address; how many arrived. */
unsigned stream_send(struct stream *stream, const char *from_text, unsigned count);
