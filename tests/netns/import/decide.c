/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - import-decide RULES FRAMES: for each frame what the host build of the packet path
 * says.
 *
 * RULES: a rule's line each, or `set NAME PREFIX ...`. FRAMES: two bytes of length (big endian),
 * the frame. Prints one letter a frame: p passes, d drops, by a rule or the default; ? anything
 * else.
 */
#include "tests/bpf/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_line(struct world *world, char *line)
{
    char name[65];
    int used = 0;
    int r;

    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "set %64s %n", name, &used) == 1 && used > 0)
        r = world_set(world, name, line + used);
    else
        r = world_rule(world, line);
    if (r < 0)
        (void)fprintf(stderr, "'%s': %s\n", line, world->problem.text);
    return r;
}

static int add_rules(struct world *world, const char *path)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;
    int r = file ? 0 : -1;

    while (r == 0 && getline(&line, &room, file) > 0)
        r = add_line(world, line);
    free(line);
    if (file)
        (void)fclose(file);
    return r;
}

static char letter(const struct host_answer *answer)
{
    switch (answer->reason) {
    case FW_REASON_PASS_RULE:
    case FW_REASON_PASS_DEFAULT:
        return 'p';
    case FW_REASON_DROP_RULE:
        return 'd';
    default:
        return '?';
    }
}

static void decide_all(struct host *host, FILE *file)
{
    uint8_t head[2], frame[65536];
    uint64_t now_ns = 1000000000;

    while (fread(head, 1, 2, file) == 2) {
        size_t len = (size_t)head[0] << 8 | head[1];
        struct host_packet packet = {.kind = FW_KIND_TC_IN, .ifindex = WORLD_DEVICE};
        struct host_answer answer;

        if (fread(frame, 1, len, file) != len)
            return;
        packet.frame = bytes_of(frame, len);
        packet.now_ns = now_ns++;
        host_decide(host, &packet, &answer);
        (void)putchar(letter(&answer));
    }
    (void)putchar('\n');
}

int main(int argc, char **argv)
{
    struct world *world = calloc(1, sizeof(*world));
    struct host *host = NULL;
    FILE *file = argc == 3 ? fopen(argv[2], "re") : NULL;
    int r = file && world ? world_init(world) : -1;

    if (r == 0)
        r = add_rules(world, argv[1]);
    if (r == 0)
        r = world_compile(world);
    if (r == 0)
        r = host_new(world->tables, &host);
    if (r == 0)
        decide_all(host, file);
    else
        (void)fprintf(stderr, "import-decide: %s\n", world ? world->problem.text : "no memory");
    host_free(host);
    if (world)
        world_fini(world);
    free(world);
    if (file)
        (void)fclose(file);
    return r == 0 ? 0 : 1;
}
