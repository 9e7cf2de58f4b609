/* SPDX-License-Identifier: Apache-2.0 */
/* Packets while the word goes back and forth between two generations: each gets the verdict of one
 * of them. */
#include "base/prng.h"
#include "tests/bpf/kernel.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FLIPS 10000
#define PACKETS 5000
#define OTHER_SLOT 2

struct flipper {
    struct kernel *kernel;
    atomic_uint flips;
    atomic_bool is_over;
};

static void *flip(void *user)
{
    struct flipper *flipper = user;
    struct prng prng;

    prng_seed(&prng, 1);
    for (uint32_t i = 0; i < FLIPS || !atomic_load(&flipper->is_over); i++) {
        kernel_set_word(
            flipper->kernel, FW_WORD(prng_below(&prng, 2) ? OTHER_SLOT : KERNEL_SLOT, 0, 0));
        atomic_fetch_add(&flipper->flips, 1);
    }
    return NULL;
}

/* One world drops by its last rule what the other lets pass by its last: default and every other
 * rule would be a mixture. */
static void open_world(struct world *world, const char *last)
{
    assert_int_equal(world_init(world), 0);
    for (int i = 0; i < 40; i++) {
        char text[96];

        (void)snprintf(text, sizeof(text), "%s in udp from 203.0.113.%d to any port %d priority %d",
            i % 2 ? "drop" : "allow", i, 2000 + i, i);
        assert_int_equal(world_rule(world, text), 0);
    }
    assert_int_equal(world_rule(world, last), 0);
    assert_int_equal(world_compile(world), 0);
}

static void every_packet_sees_one_generation(void **state)
{
    struct world *first = calloc(1, sizeof(*first)), *second = calloc(1, sizeof(*second));
    struct flipper flipper = {0};
    struct packet packet = {0};
    uint32_t passed = 0, dropped = 0, packets = 0;
    pthread_t thread;

    (void)state;
    assert_true(first && second);
    open_world(first, "drop in tcp to any port 80 priority 900");
    open_world(second, "allow in tcp to any port 80 priority 900");
    assert_int_equal(kernel_new(first->tables, &flipper.kernel, &first->problem), 0);
    assert_int_equal(kernel_add(flipper.kernel, second->tables, OTHER_SLOT), 0);
    packet_ethernet(&packet, 0x0800);
    packet_ipv4(&packet, "203.0.113.7", "192.0.2.1", 6);
    packet_tcp(&packet, 4000, 80, 2);
    packet_end(&packet);
    assert_int_equal(pthread_create(&thread, NULL, flip, &flipper), 0);
    /* On one busy core the flips come in bursts: go on until both were seen. */
    while (atomic_load(&flipper.flips) < FLIPS || packets < PACKETS ||
           ((!passed || !dropped) && packets < PACKETS * 100)) {
        struct host_answer answer;

        assert_int_equal(
            kernel_decide(flipper.kernel, FW_KIND_XDP, bytes_of(packet.bytes, packet.len), &answer),
            0);
        passed += !answer.drops;
        dropped += answer.drops;
        packets++;
    }
    atomic_store(&flipper.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    print_message("%u packets in %u flips: %u dropped, %u passed\n", packets,
        atomic_load(&flipper.flips), dropped, passed);
    assert_true(passed > 0 && dropped > 0);
    assert_int_equal(kernel_reason_packets(flipper.kernel, FW_REASON_DROP_RULE), dropped);
    assert_int_equal(kernel_reason_packets(flipper.kernel, FW_REASON_PASS_RULE), passed);
    kernel_free(flipper.kernel);
    world_fini(first);
    world_fini(second);
    free(first);
    free(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_packet_sees_one_generation),
    };

    if (!kernel_is_possible()) {
        print_message("skipped: loading BPF programs needs root and a kernel with BPF\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
