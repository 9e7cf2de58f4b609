/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.c - picket-bench-peer DEVICE drop|parse|lpm [PREFIXES]: a program of peers.bpf.c on a
 * device, in native mode, until its input ends. PREFIXES: a prefix a line, of one family.
 *
 * Says "ready MS": how long the trie took to fill.
 */
#include "live/peers.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Keys of the trie: a length, then an address of 4 or 16 bytes. */
struct list {
    uint8_t *keys;
    uint32_t key_bytes; /* of each */
    uint32_t *values;
    uint32_t count;
    uint32_t capacity;
};

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "picket-bench-peer: %s: %s\n", what, strerror(error));
    return -error;
}

static int grow(struct list *list)
{
    uint32_t capacity = list->capacity ? list->capacity * 2 : 1024;
    uint8_t *keys = realloc(list->keys, (size_t)capacity * list->key_bytes);
    uint32_t *values = keys ? realloc(list->values, capacity * sizeof(*values)) : NULL;

    if (keys)
        list->keys = keys;
    if (!values)
        return complain("the list", ENOMEM);
    list->values = values;
    list->capacity = capacity;
    return 0;
}

static int add(struct list *list, char *line)
{
    char *slash = strchr(line, '/');
    bool is_v6 = strchr(line, ':') != NULL;
    uint32_t bits = is_v6 ? 128 : 32;
    uint8_t address[16];

    line[strcspn(line, "\t\n")] = 0;
    if (slash) {
        *slash = 0;
        bits = (uint32_t)strtoul(slash + 1, NULL, 10);
    }
    if (list->count == 0)
        list->key_bytes = is_v6 ? 20 : 8;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, line, address) != 1 || bits > (is_v6 ? 128 : 32) ||
        list->key_bytes != (is_v6 ? 20 : 8))
        return complain(line, EINVAL);
    if (list->count == list->capacity && grow(list) < 0)
        return -ENOMEM;
    memcpy(list->keys + (size_t)list->count * list->key_bytes, &bits, sizeof(bits));
    memcpy(list->keys + (size_t)list->count * list->key_bytes + sizeof(bits), address,
        list->key_bytes - sizeof(bits));
    list->values[list->count++] = 1;
    return 0;
}

static int read_list(const char *path, struct list *list)
{
    FILE *file = fopen(path, "re");
    char line[128];
    int r = 0;

    if (!file)
        return complain(path, errno);
    while (r == 0 && fgets(line, sizeof(line), file))
        r = add(list, line);
    (void)fclose(file);
    return r;
}

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Milliseconds, or negative. */
static double fill(int fd, const struct list *list)
{
    double start = now_ms();

    for (uint32_t at = 0; at < list->count;) {
        uint32_t count = list->count - at < 65536 ? list->count - at : 65536;
        int r = bpf_map_update_batch(
            fd, list->keys + (size_t)at * list->key_bytes, list->values + at, &count, NULL);

        if (r < 0)
            return complain("bpf_map_update_batch", -r);
        at += count;
    }
    return now_ms() - start;
}

static struct bpf_program *program_named(
    const struct peers *programs, const char *word, const struct list *list)
{
    if (strcmp(word, "drop") == 0)
        return programs->progs.drop_all;
    if (strcmp(word, "parse") == 0)
        return programs->progs.parse_drop;
    if (strcmp(word, "lpm") != 0)
        return NULL;
    return list->key_bytes == 20 ? programs->progs.lpm6_drop : programs->progs.lpm_drop;
}

static int attach(struct bpf_program *program, const char *device)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    int fd =
        bpf_link_create(bpf_program__fd(program), (int)if_nametoindex(device), BPF_XDP, &options);

    return fd < 0 ? complain(device, -fd) : fd;
}

static int run(struct peers *programs, char **argv, const struct list *list)
{
    struct bpf_program *program = program_named(programs, argv[2], list);
    struct bpf_map *map =
        list->key_bytes == 20 ? programs->maps.prefixes6 : programs->maps.prefixes;
    double ms = 0;
    char rest[64];
    int r;

    if (!program)
        return complain(argv[2], EINVAL);
    if (list->count)
        (void)bpf_map__set_max_entries(map, list->count);
    r = peers__load(programs);
    if (r < 0)
        return complain("the programs", -r);
    if (list->count)
        ms = fill(bpf_map__fd(map), list);
    if (ms < 0)
        return (int)ms;
    r = attach(program, argv[1]); /* the link goes with this program */
    if (r < 0)
        return r;
    printf("ready %.3f\n", ms);
    while (fgets(rest, sizeof(rest), stdin))
        ;
    return 0;
}

int main(int argc, char **argv)
{
    struct list list = {0};
    struct peers *programs;
    int r;

    if (argc < 3 || argc > 4) {
        (void)fprintf(stderr, "usage: picket-bench-peer DEVICE drop|parse|lpm [PREFIXES]\n");
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    r = argc == 4 ? read_list(argv[3], &list) : 0;
    programs = r == 0 ? peers__open() : NULL;
    if (r == 0)
        r = programs ? run(programs, argv, &list) : -errno;
    peers__destroy(programs);
    free(list.keys);
    free(list.values);
    return r < 0;
}
