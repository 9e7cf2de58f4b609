/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/mode.h"
#include "base/check.h"
#include "node/links/links.h"
#include <string.h>

const char *device_mode_name(enum device_mode mode)
{
    switch (mode) {
    case DEVICE_NONE:
        return "none";
    case DEVICE_NATIVE:
        return "native";
    case DEVICE_TC:
        return "tc";
    case DEVICE_EXEMPT:
        return "exempt";
    }
    check_failed("mode", __FILE__, __LINE__, "the mode is one of the enum");
}

static bool kind_is_one_of(const struct link_device *device, const char *const *kinds)
{
    for (; *kinds; kinds++) {
        if (strcmp(device->kind, *kinds) == 0)
            return true;
    }
    return false;
}

/* macvlan, ipvlan and tunnels are no uppers: what they receive is not what a lower device showed
 * us. */
bool link_is_upper(const struct link_device *device)
{
    static const char *const kinds[] = {
        "bridge", "vlan", "bond", "team", "vrf", "openvswitch", "hsr", "batadv", NULL};

    /* Where the lower device is in another namespace, nothing of ours is on it. */
    return !device->is_lower_foreign && kind_is_one_of(device, kinds);
}

static bool is_veth(const struct link_device *device)
{
    static const char *const kinds[] = {"veth", "netkit", NULL};

    return kind_is_one_of(device, kinds);
}

struct mode_choice mode_decide(const struct mode_facts *facts)
{
    const struct link_device *device = facts->device;

    if (device->is_loopback)
        return (struct mode_choice){DEVICE_EXEMPT, "the loopback device is never filtered"};
    if (link_is_upper(device))
        return (struct mode_choice){DEVICE_EXEMPT,
            "an upper device: its frames are filtered on the devices below it; it carries no "
            "program of its own until the gate exists"};
    if (facts->wants_tc)
        return (struct mode_choice){DEVICE_TC, "tc ingress, as configured"};
    if (facts->is_xdp_foreign)
        return (struct mode_choice){
            DEVICE_TC, "tc ingress: the device carries an XDP program of somebody else"};
    if (is_veth(device))
        return (struct mode_choice){
            DEVICE_TC, "tc ingress: native XDP would take segmentation offload from a veth"};
    switch (facts->offer) {
    case XDP_OFFER_NATIVE:
        return (struct mode_choice){DEVICE_NATIVE, "native XDP: the driver offers it"};
    case XDP_OFFER_NONE:
        return (struct mode_choice){DEVICE_TC, "tc ingress: the driver offers no native XDP"};
    case XDP_OFFER_UNKNOWN:
        return (struct mode_choice){DEVICE_NATIVE,
            "native XDP: the kernel cannot say what the driver offers, so it is tried"};
    }
    check_failed("facts->offer", __FILE__, __LINE__, "the offer is one of the enum");
}
