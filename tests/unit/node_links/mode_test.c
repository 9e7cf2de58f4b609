/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/links.h"
#include "node/links/mode.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static struct mode_choice decide(const char *kind, enum xdp_offer offer)
{
    struct link_device device = {.index = 2};

    (void)strncpy(device.kind, kind, sizeof(device.kind) - 1);
    return mode_decide(&(struct mode_facts){.device = &device, .offer = offer});
}

static void hardware_that_offers_xdp_runs_natively(void **state)
{
    (void)state;
    assert_int_equal(decide("", XDP_OFFER_NATIVE).mode, DEVICE_NATIVE);
}

static void hardware_that_offers_none_runs_at_tc(void **state)
{
    (void)state;
    assert_int_equal(decide("", XDP_OFFER_NONE).mode, DEVICE_TC);
}

static void an_unknown_offer_is_tried(void **state)
{
    (void)state;
    assert_int_equal(decide("tun", XDP_OFFER_UNKNOWN).mode, DEVICE_NATIVE);
}

static void a_veth_runs_at_tc_whatever_it_offers(void **state)
{
    (void)state;
    assert_int_equal(decide("veth", XDP_OFFER_NATIVE).mode, DEVICE_TC);
}

static void uppers_are_exempt(void **state)
{
    static const char *const kinds[] = {"bridge", "vlan", "bond", "team", "vrf"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(decide(kinds[i], XDP_OFFER_NATIVE).mode, DEVICE_EXEMPT);
}

/* A container's VLAN over a device of its host: nothing of ours sees the frames below it. */
static void an_upper_over_a_device_elsewhere_is_filtered_itself(void **state)
{
    struct link_device device = {
        .index = 2, .kind = "vlan", .lower_index = 7, .is_lower_foreign = true};
    struct mode_facts facts = {.device = &device, .offer = XDP_OFFER_NONE};

    (void)state;
    assert_false(link_is_upper(&device));
    assert_int_equal(mode_decide(&facts).mode, DEVICE_TC);
}

static void an_exempt_upper_says_that_the_gate_is_missing(void **state)
{
    (void)state;
    assert_non_null(strstr(decide("bridge", XDP_OFFER_NONE).reason, "until the gate exists"));
}

static void tunnels_and_macvlans_are_no_uppers(void **state)
{
    static const char *const kinds[] = {"vxlan", "macvlan", "wireguard", "gre", "ifb"};

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        assert_int_equal(decide(kinds[i], XDP_OFFER_NONE).mode, DEVICE_TC);
}

static void a_bridge_port_carries_our_program_itself(void **state)
{
    struct link_device port = {.index = 4, .master_index = 2, .kind = "veth"};

    (void)state;
    assert_int_equal(mode_decide(&(struct mode_facts){.device = &port}).mode, DEVICE_TC);
}

static void loopback_is_exempt(void **state)
{
    struct link_device lo = {.index = 1, .is_loopback = true};

    (void)state;
    assert_int_equal(mode_decide(&(struct mode_facts){.device = &lo}).mode, DEVICE_EXEMPT);
}

static void a_foreign_xdp_program_moves_us_to_tc(void **state)
{
    struct link_device nic = {.index = 2};
    struct mode_facts facts = {.device = &nic, .offer = XDP_OFFER_NATIVE, .is_xdp_foreign = true};

    (void)state;
    assert_int_equal(mode_decide(&facts).mode, DEVICE_TC);
}

static void configured_tc_wins_over_native(void **state)
{
    struct link_device nic = {.index = 2};
    struct mode_facts facts = {.device = &nic, .offer = XDP_OFFER_NATIVE, .wants_tc = true};

    (void)state;
    assert_int_equal(mode_decide(&facts).mode, DEVICE_TC);
}

static void every_mode_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(device_mode_name(DEVICE_NONE), "none");
    assert_string_equal(device_mode_name(DEVICE_NATIVE), "native");
    assert_string_equal(device_mode_name(DEVICE_TC), "tc");
    assert_string_equal(device_mode_name(DEVICE_EXEMPT), "exempt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hardware_that_offers_xdp_runs_natively),
        cmocka_unit_test(hardware_that_offers_none_runs_at_tc),
        cmocka_unit_test(an_unknown_offer_is_tried),
        cmocka_unit_test(a_veth_runs_at_tc_whatever_it_offers),
        cmocka_unit_test(uppers_are_exempt),
        cmocka_unit_test(an_upper_over_a_device_elsewhere_is_filtered_itself),
        cmocka_unit_test(an_exempt_upper_says_that_the_gate_is_missing),
        cmocka_unit_test(tunnels_and_macvlans_are_no_uppers),
        cmocka_unit_test(a_bridge_port_carries_our_program_itself),
        cmocka_unit_test(loopback_is_exempt),
        cmocka_unit_test(a_foreign_xdp_program_moves_us_to_tc),
        cmocka_unit_test(configured_tc_wins_over_native),
        cmocka_unit_test(every_mode_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
