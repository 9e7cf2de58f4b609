/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bpf/flips.h"
#include "tests/bpf/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void every_packet_sees_one_generation(void **state)
{
    static const struct flips_least least = {.flips = 10000, .packets = 5000};
    struct problem problem = {0};
    struct flips_counts counts;
    struct flips *flips = NULL;
    int r = flips_new(&flips, &problem);

    (void)state;
    if (r == 0)
        r = flips_run(flips, &least, 1, &counts, &problem);
    flips_free(flips);
    if (r)
        fail_msg("%s", problem.text);
    print_message("%llu packets in %llu flips: %llu dropped, %llu passed\n",
        (unsigned long long)counts.packets, (unsigned long long)counts.flips,
        (unsigned long long)counts.dropped, (unsigned long long)counts.passed);
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
