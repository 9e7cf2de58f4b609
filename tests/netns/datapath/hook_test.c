/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/grace.h"
#include "node/datapath/hook.h"
#include "tests/netns/links/ns.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static const char *bpffs;
static char pin[96];

/* return verdict; */
static int program(enum bpf_prog_type type, int verdict)
{
    const struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = verdict},
        {.code = BPF_JMP | BPF_EXIT},
    };
    int fd = bpf_prog_load(type, "verdict", "GPL", code, 2, NULL);

    assert_true(fd >= 0);
    return fd;
}

static int make_tap(void **state)
{
    (void)state;
    (void)snprintf(pin, sizeof(pin), "%s/link", bpffs);
    must("ip tuntap add dev tap0 mode tap");
    return 0;
}

static int drop_tap(void **state)
{
    (void)state;
    (void)sh("ip link del dev tap0");
    (void)unlink(pin);
    return 0;
}

static void a_pinned_link_outlives_who_made_it(void **state)
{
    int fd = program(BPF_PROG_TYPE_XDP, 1);

    (void)state;
    assert_int_equal(hook_xdp_attach(fd, ns_index("tap0"), pin), 0);
    (void)close(fd);
    assert_int_equal(hook_xdp_look(ns_index("tap0"), pin), HOOK_OURS);
    must("ip -d link show dev tap0 | grep -q 'prog/xdp'");
}

static void a_link_whose_device_is_gone_is_defunct(void **state)
{
    int fd = program(BPF_PROG_TYPE_XDP, 1);
    uint32_t index = ns_index("tap0");

    (void)state;
    assert_int_equal(hook_xdp_attach(fd, index, pin), 0);
    must("ip link del dev tap0");
    assert_int_equal(hook_xdp_look(index, pin), HOOK_DEFUNCT);
    assert_int_equal(hook_xdp_remove(pin), 0);
    assert_int_equal(hook_xdp_look(index, pin), HOOK_ABSENT);
    (void)close(fd);
}

static void removing_a_link_detaches(void **state)
{
    int fd = program(BPF_PROG_TYPE_XDP, 1);

    (void)state;
    assert_int_equal(hook_xdp_attach(fd, ns_index("tap0"), pin), 0);
    assert_int_equal(hook_xdp_remove(pin), 0);
    must("! ip -d link show dev tap0 | grep -q 'prog/xdp'");
    (void)close(fd);
}

static void a_foreign_program_is_told_by_ebusy(void **state)
{
    int fd = program(BPF_PROG_TYPE_XDP, 1);
    char other[128];

    (void)state;
    (void)snprintf(other, sizeof(other), "%s/other", bpffs);
    assert_int_equal(hook_xdp_attach(fd, ns_index("tap0"), other), 0);
    assert_int_equal(hook_xdp_attach(fd, ns_index("tap0"), pin), -EBUSY);
    assert_int_equal(hook_xdp_remove(other), 0);
    (void)close(fd);
}

static void a_filter_is_found_again_by_program(void **state)
{
    int fd = program(BPF_PROG_TYPE_SCHED_CLS, 2);
    uint32_t index = ns_index("tap0");

    (void)state;
    assert_int_equal(hook_tc_look(index, hook_program_id(fd)), HOOK_ABSENT);
    assert_int_equal(hook_tc_attach(fd, index), 0);
    assert_int_equal(hook_tc_attach(fd, index), 0);
    assert_int_equal(hook_tc_look(index, hook_program_id(fd)), HOOK_OURS);
    assert_int_equal(hook_tc_look(index, hook_program_id(fd) + 1), HOOK_ABSENT);
    assert_int_equal(hook_tc_remove(index), 0);
    assert_int_equal(hook_tc_look(index, hook_program_id(fd)), HOOK_ABSENT);
    assert_int_equal(hook_tc_remove(index), 0);
    (void)close(fd);
}

static void a_lost_clsact_is_noticed(void **state)
{
    int fd = program(BPF_PROG_TYPE_SCHED_CLS, 2);
    uint32_t index = ns_index("tap0");

    (void)state;
    assert_int_equal(hook_tc_attach(fd, index), 0);
    must("tc qdisc del dev tap0 clsact");
    assert_int_equal(hook_tc_look(index, hook_program_id(fd)), HOOK_ABSENT);
    assert_int_equal(hook_tc_attach(fd, index), 0);
    assert_int_equal(hook_tc_look(index, hook_program_id(fd)), HOOK_OURS);
    (void)close(fd);
}

static void a_grace_period_can_be_waited_for(void **state)
{
    (void)state;
    assert_int_equal(grace_wait(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pinned_link_outlives_who_made_it, make_tap, drop_tap),
        cmocka_unit_test_setup_teardown(a_link_whose_device_is_gone_is_defunct, make_tap, drop_tap),
        cmocka_unit_test_setup_teardown(removing_a_link_detaches, make_tap, drop_tap),
        cmocka_unit_test_setup_teardown(a_foreign_program_is_told_by_ebusy, make_tap, drop_tap),
        cmocka_unit_test_setup_teardown(a_filter_is_found_again_by_program, make_tap, drop_tap),
        cmocka_unit_test_setup_teardown(a_lost_clsact_is_noticed, make_tap, drop_tap),
        cmocka_unit_test(a_grace_period_can_be_waited_for),
    };

    ns_enter();
    bpffs = ns_bpffs();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ns_leave();
    return failed;
}
