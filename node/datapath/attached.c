/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/attached.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include "node/datapath/hook.h"
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct device {
    struct datapath_device state;
    struct link_device link;
    uint8_t device_class;
    uint32_t number; /* numbers.h */
};

void attached_fini(struct attached *devices)
{
    free(devices->all);
    devices->all = NULL;
    devices->count = 0;
    devices->capacity = 0;
}

static size_t position_of(const struct attached *devices, uint32_t index)
{
    size_t low = 0;
    size_t high = devices->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (devices->all[middle].state.index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct device *find(const struct attached *devices, uint32_t index)
{
    size_t at = position_of(devices, index);

    return at < devices->count && devices->all[at].state.index == index ? &devices->all[at] : NULL;
}

/* NULL if memory is short. */
static struct device *add(struct attached *devices, uint32_t index)
{
    size_t at = position_of(devices, index);

    if (devices->count == devices->capacity) {
        size_t capacity = devices->capacity ? devices->capacity * 2 : 16;
        struct device *all = realloc(devices->all, capacity * sizeof(*all));

        if (!all)
            return NULL;
        devices->all = all;
        devices->capacity = capacity;
    }
    struct device *device = &devices->all[at];

    memmove(device + 1, device, (devices->count - at) * sizeof(*device));
    *device = (struct device){.state = {.index = index}};
    devices->count++;
    return device;
}

static void say(struct device *device, enum device_mode mode, const char *reason)
{
    device->state.mode = mode;
    device->state.is_protected = mode == DEVICE_NATIVE || mode == DEVICE_TC;
    (void)snprintf(device->state.reason, sizeof(device->state.reason), "%s", reason);
}

/* Attaching does not depend on it: a device without an entry has the lifeline only, which is
 * closed. */
static void enter(const struct attached *devices, struct device *device)
{
    device->number = numbers_take(&devices->numbers, device->state.index, device->number);
    struct compile_device row = {
        .index = device->state.index,
        .name = device->link.name,
        .link_type = device->link.link_type,
        .device_class = device->device_class,
        .is_exempt = device->state.mode == DEVICE_EXEMPT,
        .is_xdp = device->state.mode == DEVICE_NATIVE,
        .number = device->number,
    };

    if (slots_enter(devices->slots, &row) < 0)
        (void)snprintf(device->state.reason, sizeof(device->state.reason),
            "lifeline only: its entry cannot be written into a generation");
}

static const struct entry *entry_of(const struct attached *devices)
{
    return devices->slots->entry;
}

static bool is_native_here(const struct attached *devices, uint32_t index)
{
    char pin[PIN_PATH_BYTES];

    pins_link_path(&entry_of(devices)->pins, index, pin);
    return hook_xdp_look(index, pin) == HOOK_OURS;
}

static bool is_tc_here(const struct attached *devices, uint32_t index)
{
    return hook_tc_look(index, entry_of(devices)->tc_id) == HOOK_OURS;
}

static struct mode_choice choose(const struct attached *devices, const struct device *device)
{
    struct mode_facts facts = {.device = &device->link};
    uint32_t xdp_id = device->link.xdp_program_id;

    facts.is_xdp_foreign = xdp_id && xdp_id != entry_of(devices)->xdp_id;
    struct mode_choice choice = mode_decide(&facts);

    if (choice.mode == DEVICE_EXEMPT || facts.is_xdp_foreign)
        return choice;
    if (devices->forces_native && choice.mode == DEVICE_TC)
        return (struct mode_choice){DEVICE_NATIVE, "native XDP, forced"};
    facts.offer = mode_xdp_offer(device->state.index);
    return mode_decide(&facts);
}

static void attach_tc(struct attached *devices, struct device *device, const char *reason)
{
    char failure[DATAPATH_REASON_BYTES];

    say(device, DEVICE_TC, reason);
    enter(devices, device);
    int r = hook_tc_attach(entry_of(devices)->tc_fd, device->state.index);

    if (r == 0)
        return;
    (void)snprintf(failure, sizeof(failure), "not attached: %s", strerror(-r));
    say(device, DEVICE_NONE, failure);
}

/* A driver that refuses gets tc; nothing is tried twice on a device, as a first attach may reset
 * it. */
static void attach_native(struct attached *devices, struct device *device, const char *reason)
{
    char pin[PIN_PATH_BYTES];
    char why[DATAPATH_REASON_BYTES];

    say(device, DEVICE_NATIVE, reason);
    pins_link_path(&entry_of(devices)->pins, device->state.index, pin);
    (void)hook_xdp_remove(pin); /* of an earlier device with this index */
    enter(devices, device);
    int r = hook_xdp_attach(entry_of(devices)->xdp_fd, device->state.index, pin);

    if (r == 0)
        return;
    if (r == -EBUSY)
        (void)snprintf(why, sizeof(why),
            "tc ingress: the device carries an XDP program of "
            "somebody else");
    else
        (void)snprintf(
            why, sizeof(why), "tc ingress: the driver refuses native XDP (%s)", strerror(-r));
    attach_tc(devices, device, why);
}

/* What is attached stays as it is: changes never touch the link. */
static void place(struct attached *devices, struct device *device)
{
    struct mode_choice choice = choose(devices, device);

    if (choice.mode == DEVICE_EXEMPT) {
        say(device, DEVICE_EXEMPT, choice.reason);
        enter(devices, device);
    } else if (is_native_here(devices, device->state.index)) {
        say(device, DEVICE_NATIVE,
            choice.mode == DEVICE_NATIVE ? choice.reason : "native XDP: attached before");
        enter(devices, device);
    } else if (is_tc_here(devices, device->state.index)) {
        say(device, DEVICE_TC,
            choice.mode == DEVICE_TC ? choice.reason : "tc ingress: attached before");
        enter(devices, device);
    } else if (choice.mode == DEVICE_NATIVE) {
        attach_native(devices, device, choice.reason);
    } else {
        attach_tc(devices, device, choice.reason);
    }
}

static bool is_still_there(const struct attached *devices, const struct device *device)
{
    switch (device->state.mode) {
    case DEVICE_NATIVE:
        return is_native_here(devices, device->state.index);
    case DEVICE_TC:
        return is_tc_here(devices, device->state.index);
    case DEVICE_EXEMPT: /* until what is below it moves to another namespace */
        return device->link.is_loopback || link_is_upper(&device->link);
    case DEVICE_NONE:
        return false;
    }
    return false;
}

int attached_attach(struct attached *devices, const struct link_device *link, uint8_t device_class,
    struct datapath_device *ret_state)
{
    struct device *device = find(devices, link->index);
    bool is_other = !device || strcmp(device->link.kind, link->kind) != 0;

    memset(ret_state, 0, sizeof(*ret_state));
    if (!device)
        device = add(devices, link->index);
    if (!device)
        return -ENOMEM;
    device->link = *link;
    device->device_class = device_class;
    if (is_other || !is_still_there(devices, device))
        place(devices, device);
    else
        enter(devices, device);
    *ret_state = device->state;
    return device->state.mode == DEVICE_NONE ? -EIO : 0;
}

static int take_off(const struct attached *devices, uint32_t index)
{
    char pin[PIN_PATH_BYTES];

    pins_link_path(&entry_of(devices)->pins, index, pin);
    int r = hook_xdp_remove(pin);
    int tc = is_tc_here(devices, index) ? hook_tc_remove(index) : 0;

    slots_leave(devices->slots, index);
    numbers_drop(&devices->numbers, index);
    return r < 0 ? r : tc;
}

int attached_forget(struct attached *devices, uint32_t index)
{
    struct device *device = find(devices, index);
    int r = take_off(devices, index);

    if (!device)
        return r;
    size_t behind = devices->count - (size_t)(device - devices->all) - 1;

    memmove(device, device + 1, behind * sizeof(*device));
    devices->count--;
    return r;
}

/* A pin whose device is gone, and nobody told us. */
static void drop_defunct(void *user, uint32_t index)
{
    const struct attached *devices = user;
    char pin[PIN_PATH_BYTES];

    pins_link_path(&entry_of(devices)->pins, index, pin);
    if (hook_xdp_look(index, pin) == HOOK_DEFUNCT)
        (void)hook_xdp_remove(pin);
}

static bool is_here(uint32_t index)
{
    char name[IF_NAMESIZE];

    return if_indextoname(index, name) != NULL;
}

uint32_t attached_reconcile(struct attached *devices)
{
    uint32_t repaired = 0;

    for (size_t i = 0; i < devices->count; i++) {
        struct device *device = &devices->all[i];

        if (is_still_there(devices, device)) {
            enter(devices, device);
            continue;
        }
        place(devices, device);
        repaired += device->state.is_protected;
    }
    (void)pins_each_link(&entry_of(devices)->pins, drop_defunct, devices);
    numbers_drop_absent(&devices->numbers, is_here);
    return repaired;
}

void attached_enter_all(const struct attached *devices)
{
    for (size_t i = 0; i < devices->count; i++)
        enter(devices, &devices->all[i]);
}

struct datapath_device *attached_states(const struct attached *devices)
{
    struct datapath_device *states = calloc(devices->count + 1, sizeof(*states));

    for (size_t i = 0; states && i < devices->count; i++)
        states[i] = devices->all[i].state;
    return states;
}

static struct datapath_count one_way(const struct fw_device_count *count, int which)
{
    return (struct datapath_count){.packets = count->packets[which], .bytes = count->bytes[which]};
}

struct datapath_device_count *attached_counts(const struct attached *devices)
{
    struct datapath_device_count *rows = calloc(devices->count + 1, sizeof(*rows));

    for (size_t i = 0; rows && i < devices->count; i++) {
        const struct device *device = &devices->all[i];
        struct fw_device_count count = {0};

        if (device->number)
            count = numbers_count(&devices->numbers, device->number);
        rows[i] = (struct datapath_device_count){
            device->state.index, one_way(&count, 0), one_way(&count, 1)};
    }
    return rows;
}

static void take_off_link(void *user, uint32_t index)
{
    (void)take_off(user, index);
}

void attached_detach_everywhere(struct attached *devices)
{
    struct if_nameindex *names = if_nameindex();

    for (const struct if_nameindex *name = names; name && name->if_index; name++)
        (void)take_off(devices, name->if_index);
    if (names)
        if_freenameindex(names);
    (void)pins_each_link(&entry_of(devices)->pins, take_off_link, devices);
    devices->count = 0;
}
