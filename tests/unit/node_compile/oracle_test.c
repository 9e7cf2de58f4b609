/* SPDX-License-Identifier: Apache-2.0 */
/* Random rules and packets: compiler and packet path against the plain reading of the rules. */
#include "base/prng.h"
#include "node/compile/oracle.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define SETS_OF_RULES 60
#define RULES 40
#define PACKETS 200

/* Few values, so that rules and packets meet. */
static const char *const addresses4[] = {
    "10.0.0.1", "10.0.5.9", "10.1.0.1", "192.0.2.1", "172.16.3.4"};
static const char *const prefixes4[] = {
    "10.0.0.0/8", "10.0.0.0/16", "10.0.5.0/24", "192.0.2.1", "0.0.0.0/0"};
static const char *const addresses6[] = {
    "2001:db8::1", "2001:db8:1::5", "fd00::1", "2001:db8:1:2::9"};
static const char *const prefixes6[] = {
    "2001:db8::/32", "2001:db8:1::/48", "fd00::1", "2001:db8:1:2::/64", "::/0"};
static const char *const set_a[] = {"10.0.5.0/24", "2001:db8:1::/48"};

#define PICK(prng, list) list[prng_below(prng, sizeof(list) / sizeof(list[0]))]

static void add(char *text, const char *more)
{
    strcat(text, more);
}

static void add_side(struct prng *prng, char *text, const char *word, bool is_v6)
{
    uint64_t turn = prng_below(prng, 6);

    if (turn > 4)
        return;
    add(text, word);
    if (turn == 0) {
        add(text, prng_below(prng, 2) ? "@a" : "not @a");
        return;
    }
    if (turn == 1)
        add(text, "not ");
    add(text, is_v6 ? PICK(prng, prefixes6) : PICK(prng, prefixes4));
    if (turn < 4) {
        add(text, ",");
        add(text, prng_below(prng, 3) ? (is_v6 ? PICK(prng, prefixes6) : PICK(prng, prefixes4))
                                      : (is_v6 ? PICK(prng, prefixes4) : PICK(prng, prefixes6)));
    }
}

static void add_transport(struct prng *prng, char *text)
{
    static const char *const words[] = {" tcp port 80,443-445", " udp sport 53 port 1000-2000",
        " tcp,udp,sctp port 80", " icmp,icmpv6 icmp-type 8,128/0,3/1", " tcp flags syn/syn,ack",
        " udp", " proto 47,tcp", "", ""};

    add(text, PICK(prng, words));
}

static void add_rest(struct prng *prng, char *text)
{
    static const char *const words[] = {" to self", " to other", " dscp 46", " vlan 5",
        " fragment none", " fragment first", " device eth*,wg0", " device wan0", " class external",
        " class internal", " family ipv4", " shadow", "", "", "", "", "", ""};

    add(text, PICK(prng, words));
    char priority[32];

    (void)snprintf(priority, sizeof(priority), " priority %d", (int)prng_below(prng, 6));
    add(text, priority);
}

/* Some texts contradict themselves; the parser refuses them and another is drawn. */
static void add_random_rule(struct prng *prng, struct world *world)
{
    static const char *const actions[] = {"drop", "allow", "reject", "log", "drop in"};

    for (;;) {
        char text[512] = "";
        bool is_v6 = prng_below(prng, 2);

        add(text, PICK(prng, actions));
        add_transport(prng, text);
        add_side(prng, text, " from ", is_v6);
        add_side(prng, text, " to ", is_v6);
        add_rest(prng, text);
        if (world_rule(world, text) == 0)
            return;
    }
}

static bool is_in_set_a(void *user, const struct oracle_rule *rule, struct bytes set,
    const uint8_t *address, bool is_v6)
{
    uint8_t prefix[16];
    bool prefix_is_v6;
    uint8_t length;

    (void)user;
    (void)rule;
    (void)set;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(prefix_parse(set_a[i], prefix, &prefix_is_v6, &length, NULL), 0);
        if (prefix_is_v6 == is_v6 && memcmp(prefix, address, length / 8) == 0)
            return true;
    }
    return false;
}

static void transport(struct prng *prng, struct packet *packet, struct oracle_packet *out)
{
    static const uint16_t ports[] = {80, 443, 445, 53, 1500, 9999};

    out->source_port = PICK(prng, ports);
    out->target_port = PICK(prng, ports);
    out->has_ports = out->protocol == 6 || out->protocol == 17 || out->protocol == 132;
    out->has_icmp = out->protocol == (out->is_v6 ? 58 : 1);
    out->tcp_flags = PICK(prng, ((uint8_t[]){0x02, 0x12, 0x10}));
    out->icmp_type = PICK(prng, ((uint8_t[]){8, 128, 3, 0}));
    out->icmp_code = (uint8_t)prng_below(prng, 2);
    if (out->protocol == 6)
        packet_tcp(packet, out->source_port, out->target_port, out->tcp_flags);
    else if (out->protocol == 17)
        packet_udp(packet, out->source_port, out->target_port);
    else if (out->protocol == 132)
        packet_sctp(packet, out->source_port, out->target_port);
    else
        packet_icmp(packet, out->icmp_type, out->icmp_code);
}

static void random_packet(struct prng *prng, struct packet *packet, struct oracle_packet *out)
{
    static const uint8_t protocols[] = {6, 6, 17, 132, 1, 58, 47};

    *out = (struct oracle_packet){.device = "eth0",
        .device_class = PICKET__V1__DEVICE_CLASS__DEVICE_CLASS_EXTERNAL,
        .fragment = PICKET__V1__FRAGMENT__FRAGMENT_NONE};
    out->is_v6 = prng_below(prng, 2);
    out->protocol = PICK(prng, protocols);
    packet_ethernet(packet, out->is_v6 ? 0x86dd : 0x0800);
    if (prng_below(prng, 3) == 0) {
        out->vlan = 5;
        packet_tag(packet, 0x8100, 5);
    }
    const char *source = out->is_v6 ? PICK(prng, addresses6) : PICK(prng, addresses4);
    const char *target = out->is_v6 ? PICK(prng, addresses6) : PICK(prng, addresses4);
    int family = out->is_v6 ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, source, out->source), 1);
    assert_int_equal(inet_pton(family, target, out->target), 1);
    out->is_to_self = strcmp(target, "192.0.2.1") == 0 || strcmp(target, "2001:db8::1") == 0;
    if (out->is_v6) {
        packet_ipv6(packet, source, target, out->protocol);
    } else {
        packet_ipv4(packet, source, target, out->protocol);
        if (prng_below(prng, 3) == 0) {
            out->dscp = 46;
            packet->bytes[packet->ip_at + 1] = 46 << 2;
        }
    }
    transport(prng, packet, out);
    packet_end(packet);
}

static unsigned decided, left_to_default;

static void compare(
    struct prng *prng, struct world *world, const struct oracle_rule *rules, size_t count)
{
    struct host *host;

    assert_int_equal(host_new(world->tables, &host), 0);
    for (int i = 0; i < PACKETS; i++) {
        struct packet packet = {0};
        struct oracle_packet plain;
        struct host_answer answer;

        random_packet(prng, &packet, &plain);
        host_decide(host,
            &(struct host_packet){
                .ifindex = WORLD_DEVICE, .frame = bytes_of(packet.bytes, packet.len)},
            &answer);
        const struct oracle_rule *rule = oracle_decide(rules, count, &plain, is_in_set_a, NULL);
        *(rule ? &decided : &left_to_default) += 1;
        uint32_t counter =
            rule ? compile_object_find(world->tables, rule->id)->counter : FW_COUNTER_NONE;

        if (counter != answer.counter)
            fail_msg("packet %d: rule %u instead of %u (reason %d)", i, answer.counter, counter,
                answer.reason);
    }
    host_free(host);
}

static void compiled_rules_decide_as_the_plain_reading_does(void **state)
{
    static struct world world;
    static struct oracle_rule rules[RULES];
    struct prng prng;

    (void)state;
    prng_seed(&prng, 11);
    for (int i = 0; i < SETS_OF_RULES; i++) {
        size_t count = 0;

        assert_int_equal(world_init(&world), 0);
        assert_int_equal(world_set(&world, "a", "10.0.5.0/24 2001:db8:1::/48"), 0);
        for (int j = 0; j < RULES; j++) {
            add_random_rule(&prng, &world);
            const struct ledger_object *object = &world.objects[world.objects_count - 1];

            rules[count++] = (struct oracle_rule){.id = object->id, .rule = object->of.rule};
        }
        if (world_compile(&world) < 0)
            fail_msg("%s", world.problem.text);
        compare(&prng, &world, rules, count);
        world_fini(&world);
    }
    /* The draw is no use if one answer is always right. */
    assert_true(decided > SETS_OF_RULES * PACKETS / 4);
    assert_true(left_to_default > SETS_OF_RULES * PACKETS / 50);
    print_message("%u decided by a rule, %u by default\n", decided, left_to_default);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compiled_rules_decide_as_the_plain_reading_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
