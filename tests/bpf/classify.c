/* SPDX-License-Identifier: Apache-2.0 */
/* classify.c - picket-classify: one frame and some rules in, the verdict of host and kernel out. */
#include "tests/bench/packet/micro/classify_headers.h"
#include "tests/bpf/kernel.h"
#include "tests/bpf/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 2048

static const char *const usage =
    "usage: picket-classify [--tc] [--raw] HEX RULE...\n"
    "       picket-classify --rules FILE --headers FILE\n"
    "  HEX   a frame; --raw: it begins with the IP header\n"
    "  RULE  a rule's line, such as: drop in tcp to any port 23\n"
    "        or a set before the rules that name it: set NAME PREFIX PREFIX ...\n"
    "  FILE  ClassBench filters and a trace, plain or gzipped: prints, for each header, the index "
    "of\n"
    "        the rule that decides, or -1: by the kernel, by the host\n"
    "  Prints one line for the host and one for the kernel (XDP; --tc: tc). The box is 192.0.2.1 "
    "and\n"
    "  2001:db8::1; its device is eth0, external. Exit 0: they agree. 1: they do not. 2: "
    "nonsense.\n"
    "  77: they would agree, but BPF programs cannot be loaded here.\n";

static const char *reason_word(enum fw_reason reason)
{
    static const char *const words[] = {
#define REASON_WORD(name, word, text) word,
        FW_REASONS(REASON_WORD)
#undef REASON_WORD
    };

    return (uint32_t)reason < FW_REASON_COUNT ? words[reason] : "none";
}

static const char *rule_name(const struct world *world, uint32_t counter, char ret_text[32])
{
    for (uint32_t i = 0; i < world->objects_count; i++) {
        const struct compile_object *object = world_object(world, i);

        if (!object->is_counted || object->counter != counter)
            continue;
        (void)snprintf(ret_text, 32, "%u", i + 1);
        return ret_text;
    }
    return "-";
}

static void print_answer(
    const struct world *world, const char *who, const struct host_answer *answer)
{
    char rule[32];

    (void)printf("%-6s %s %s argument=%s\n", who, answer->drops ? "drop" : "pass",
        reason_word(answer->reason), rule_name(world, answer->counter, rule));
}

static int add_line(struct world *world, const char *line)
{
    char name[65];
    int used = 0;
    int r;

    if (sscanf(line, "set %64s %n", name, &used) == 1 && used > 0)
        r = world_set(world, name, line + used);
    else
        r = world_rule(world, line);
    if (r < 0)
        (void)fprintf(stderr, "'%s': %s\n", line, world->problem.text);
    return r;
}

static int ask_kernel(
    const struct world *world, const struct host_packet *packet, const struct host_answer *host)
{
    struct problem problem;
    struct kernel *kernel;
    struct host_answer answer;
    int r;

    if (!kernel_is_possible()) {
        (void)printf("kernel skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    if (kernel_new(world->tables, &kernel, &problem) < 0) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return 1;
    }
    r = kernel_decide(kernel, packet->kind, packet->frame, &answer);
    if (r == 0)
        print_answer(world, "kernel", &answer);
    else
        (void)printf("kernel does not run a frame like this: %s\n", strerror(-r));
    kernel_free(kernel);
    return r == 0 && answer.drops == host->drops && answer.reason == host->reason ? 0 : 1;
}

static int classify(struct world *world, const struct host_packet *packet)
{
    struct host_answer answer;
    struct host *host;

    if (world_compile(world) < 0) {
        (void)fprintf(stderr, "%s\n", world->problem.text);
        return 2;
    }
    if (host_new(world->tables, &host) < 0)
        return 1;
    host_decide(host, packet, &answer);
    host_free(host);
    print_answer(world, "host", &answer);
    return ask_kernel(world, packet, &answer);
}

int main(int argc, char **argv)
{
    static struct world world;
    static uint8_t frame[FRAME_MAX];
    struct host_packet packet = {.kind = FW_KIND_XDP, .ifindex = WORLD_DEVICE, .now_ns = 1000};
    int r, i = 1;

    if (argc == 5 && strcmp(argv[1], "--rules") == 0 && strcmp(argv[3], "--headers") == 0)
        return classify_headers(argv[2], argv[4]);
    r = world_init(&world);

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--tc") == 0)
            packet.kind = FW_KIND_TC_IN;
        else if (strcmp(argv[i], "--raw") == 0)
            world.device.link_type = 65534;
        else
            r = -1;
    }
    size_t len = i < argc ? strlen(argv[i]) / 2 : 0;

    if (r < 0 || len == 0 || len > FRAME_MAX || strlen(argv[i]) % 2 ||
        hex_parse(argv[i], frame, len) < 0) {
        (void)fputs(usage, stderr);
        return 2;
    }
    packet.frame = bytes_of(frame, len);
    for (i++; i < argc && r == 0; i++)
        r = add_line(&world, argv[i]);
    r = r < 0 ? 2 : classify(&world, &packet);
    world_fini(&world);
    return r;
}
