/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - picket-bench-flood DEVICE TRACE: as many packets as one core can make, out of a device.
 *
 * Says "ready" when all is loaded. Each line of its input is a number of seconds: it sends that
 * long and answers "SECONDS PACKETS". Ends with its input.
 */
#include "tests/bench/packet/live/flood.h"

#include "live/flood.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A call begins with a grace period: shorter ones leave the core idle. */
#define A_CALL (1U << 21)
#define A_SHORT_CALL (1U << 13) /* where less than 0.1 s is asked for: does it run? */
#define A_BATCH 256

struct source {
    struct flood *programs;
    const struct flood_header *headers; /* of the file, mapped */
    uint32_t count;
    size_t bytes;
    uint8_t frame[FLOOD_FRAME_BYTES];
    uint32_t frame_bytes;
    int program_fd;
};

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "picket-bench-flood: %s: %s\n", what, strerror(error));
    return -error;
}

static int open_trace(struct source *source, const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *at;

    if (fd < 0 || fstat(fd, &about) < 0)
        return complain(path, errno);
    source->bytes = (size_t)about.st_size;
    source->count = (uint32_t)(source->bytes / sizeof(struct flood_header));
    if (source->count == 0 || source->count > FLOOD_HEADERS_MAX ||
        (source->count & (source->count - 1)) != 0)
        return complain("a trace has a power of two of headers, at most 1048576", EINVAL);
    at = mmap(NULL, source->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)close(fd);
    if (at == MAP_FAILED)
        return complain(path, errno);
    source->headers = at;
    return 0;
}

/* What all frames of a family have in common. The 20 bytes behind IP are a TCP header (offset 5,
 * SYN) and a UDP datagram (length 20, no checksum) at the same time. */
static void make_frame(struct source *source, bool is_v6)
{
    static const uint8_t ethernet[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
    uint8_t *ip = source->frame + FLOOD_ETHERNET_BYTES;
    uint8_t *l4 = ip + (is_v6 ? FLOOD_IPV6_BYTES : FLOOD_IPV4_BYTES);

    memcpy(source->frame, ethernet, sizeof(ethernet));
    source->frame[12] = is_v6 ? 0x86 : 0x08;
    source->frame[13] = is_v6 ? 0xdd : 0x00;
    ip[0] = is_v6 ? 0x60 : 0x45;
    if (is_v6) {
        ip[5] = FLOOD_L4_BYTES;
        ip[7] = 64;
    } else {
        ip[3] = FLOOD_IPV4_BYTES + FLOOD_L4_BYTES;
        ip[8] = 64;
    }
    l4[5] = FLOOD_L4_BYTES;
    l4[12] = 0x50;
    l4[13] = 0x02;
    source->frame_bytes = (uint32_t)(l4 + FLOOD_L4_BYTES - source->frame);
    if (source->frame_bytes < 60)
        source->frame_bytes = 60;
}

/* The sum over the IPv4 header that the frame will have. */
static uint16_t check_of(const struct source *source, const struct flood_header *header)
{
    const uint8_t *ip = source->frame + FLOOD_ETHERNET_BYTES;
    uint32_t sum = header->protocol;

    for (size_t i = 0; i < FLOOD_IPV4_BYTES; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    for (size_t i = 0; i < 4; i += 2) {
        sum += (uint32_t)header->source[i] << 8 | header->source[i + 1];
        sum += (uint32_t)header->target[i] << 8 | header->target[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~sum & 0xffff;
    return (uint16_t)(sum << 8 | sum >> 8); /* little-endian machine, network order */
}

static int fill_trace(const struct source *source, bool is_v6)
{
    int fd = bpf_map__fd(source->programs->maps.trace);
    struct flood_header *to = mmap(NULL, source->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (to == MAP_FAILED)
        return complain("the trace map", errno);
    for (uint32_t i = 0; i < source->count; i++) {
        to[i] = source->headers[i];
        to[i].check = is_v6 ? 0 : check_of(source, &to[i]);
    }
    (void)munmap(to, source->bytes);
    return 0;
}

static int load(struct source *source, const char *device)
{
    bool is_v6 = source->headers[0].version == 6;
    struct flood *programs = flood__open();
    int r;

    if (!programs)
        return complain("the programs", errno);
    source->programs = programs;
    programs->rodata->device = if_nametoindex(device);
    programs->rodata->trace_mask = source->count - 1;
    if (programs->rodata->device == 0)
        return complain(device, ENODEV);
    (void)bpf_map__set_max_entries(programs->maps.trace, source->count);
    r = flood__load(programs);
    if (r < 0)
        return complain("the programs", -r);
    make_frame(source, is_v6);
    source->program_fd =
        bpf_program__fd(is_v6 ? programs->progs.flood_ipv6 : programs->progs.flood_ipv4);
    return fill_trace(source, is_v6);
}

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int send_for(const struct source *source, double seconds)
{
    uint32_t a_call = seconds < 0.1 ? A_SHORT_CALL : A_CALL;
    double start = now_s();
    uint64_t sent = 0;

    while (now_s() - start < seconds) {
        LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = source->frame,
            .data_size_in = source->frame_bytes, .repeat = (int)a_call,
            .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = A_BATCH);
        int r = bpf_prog_test_run_opts(source->program_fd, &options);

        if (r < 0)
            return complain("live frames (kernel 5.18)", -r);
        sent += a_call;
    }
    printf("%.6f %llu\n", now_s() - start, (unsigned long long)sent);
    return 0;
}

/* Alone on CPU 0, before others there: a source with gaps measures nothing. */
static void take_a_core(void)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    (void)sched_setaffinity(0, sizeof(cpus), &cpus);
    (void)setpriority(PRIO_PROCESS, 0, -20);
}

int main(int argc, char **argv)
{
    struct source source = {0};
    double seconds;
    int r;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: picket-bench-flood DEVICE TRACE\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    r = open_trace(&source, argv[2]);
    if (r == 0)
        r = load(&source, argv[1]);
    if (r == 0) {
        take_a_core();
        printf("ready\n");
    }
    while (r == 0 && scanf("%lf", &seconds) == 1)
        r = send_for(&source, seconds);
    flood__destroy(source.programs);
    return r < 0;
}
