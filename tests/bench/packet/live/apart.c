/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apart.c - picket-bench-apart: how far CPU 0 and CPU 1 are apart, in ns for a cache line to go
 * from one to the other and back. A virtual machine's CPUs are moved: beside each other they share
 * a cache, elsewhere each line of a packet that comes from the other costs several times as much.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BLOCKS 8
#define TRIPS 2000
#define SECONDS_MOST 2 /* where another has the core: no answer is one, too */

static struct {
    _Alignas(128) _Atomic uint32_t turn; /* odd: CPU 1's */
} line;

static void pin(uint32_t cpu)
{
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    (void)sched_setaffinity(0, sizeof(cpus), &cpus);
}

static void *answer(void *user)
{
    pin(1);
    for (uint32_t trip = 0; trip < BLOCKS * TRIPS; trip++) {
        while (atomic_load(&line.turn) != 2 * trip + 1)
            ;
        atomic_store(&line.turn, 2 * trip + 2);
    }
    return user;
}

static double now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(void)
{
    double least = 0;
    uint32_t trip = 0;
    pthread_t other;

    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        printf("0\n");
        return 0;
    }
    (void)alarm(SECONDS_MOST);
    pin(0);
    if (pthread_create(&other, NULL, answer, NULL))
        return 1;
    /* What else runs there only adds: the least block counts. */
    for (uint32_t block = 0; block < BLOCKS; block++) {
        double start = now_ns(), took;

        for (uint32_t i = 0; i < TRIPS; i++, trip++) {
            atomic_store(&line.turn, 2 * trip + 1);
            while (atomic_load(&line.turn) != 2 * trip + 2)
                ;
        }
        took = (now_ns() - start) / TRIPS;
        least = block == 0 || took < least ? took : least;
    }
    (void)pthread_join(other, NULL);
    printf("%.0f\n", least);
    return 0;
}
