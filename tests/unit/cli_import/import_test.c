/* SPDX-License-Identifier: Apache-2.0 */
/* import_test.c - rules of other firewalls: what each line becomes, or why it is refused. */
#include "cli/import/import.h"

#include "base/own.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int run(enum import_format format, const char *text, struct import_result *result)
{
    const struct import_options options = {
        .format = format, .name = "old", .owner = "o", .now_s = 1000};
    struct problem problem = {0};
    int r = import_text(bytes_of(text, strlen(text)), &options, result, &problem);

    if (r == 0) {
        assert_int_equal(buffer_append(&result->yaml, "", 1), 0);
        assert_int_equal(buffer_append(&result->remarks, "", 1), 0);
    } else {
        assert_true(problem.text[0] != '\0');
    }
    return r;
}

/* The rules without quotes and names, a line each. */
static void rules_of(const struct import_result *result, char *ret_text, size_t room)
{
    char *copy = strdup((const char *)result->yaml.at), *rest = copy, *line;

    ret_text[0] = '\0';
    while ((line = strsep(&rest, "\n"))) {
        char *name = strstr(line, " name \"");
        char *comment = strstr(line, " comment \"");
        size_t len = strlen(ret_text);

        if (strncmp(line, "  - '", 5) != 0)
            continue;
        if (name)
            *name = '\0';
        (void)snprintf(ret_text + len, room - len, "%s%.*s\n", line + 5,
            comment ? (int)(strrchr(comment, '\'') - comment) : 0, comment ? comment : "");
    }
    free(copy);
}

static void assert_becomes(enum import_format format, const char *text, const char *expected)
{
    OWN(import_result_fini) struct import_result result;
    char got[8192];

    assert_int_equal(run(format, text, &result), 0);
    rules_of(&result, got, sizeof(got));
    if (strcmp(got, expected) != 0)
        fail_msg("for\n%sgot\n%sinstead of\n%s%s", text, got, expected, result.remarks.at);
}

static void assert_remarks(enum import_format format, const char *text, const char *part)
{
    OWN(import_result_fini) struct import_result result;

    assert_int_equal(run(format, text, &result), 0);
    if (!strstr((const char *)result.remarks.at, part))
        fail_msg("for\n%sgot '%s' instead of '%s'", text, result.remarks.at, part);
}

/* ---- iptables: one rule of FORWARD, so that there is one block */

static const struct {
    const char *words, *rule; /* behind "in"; NULL: refused */
} iptables_rules[] = {
    {"-j ACCEPT", "allow in to other family ipv4"},
    {"-s 10.0.0.0/8 -d 192.0.2.1/32 -p tcp -m tcp --sport 1:1023 --dport 22 -j DROP",
        "drop in proto tcp from 10.0.0.0/8 sport 1-1023 to other to 192.0.2.1 dport 22"},
    {"-s 10.0.0.0/255.0.0.0 -j DROP", "drop in from 10.0.0.0/8 to other"},
    {"-s 10.1.2.3/8 -j DROP", "drop in from 10.0.0.0/8 to other"},
    {"-s 10.0.0.0/255.0.255.0 -j DROP", NULL},
    {"! -s 10.0.0.0/8 -j DROP", "drop in from not 10.0.0.0/8 to other"},
    {"-s ! 10.0.0.0/8 -j DROP", "drop in from not 10.0.0.0/8 to other"},
    {"-s 2001:db8::1 -j DROP", NULL},
    {"-s 10.0.0.300 -j DROP", NULL},
    {"-i eth0 -j DROP", "drop in to other family ipv4 device eth0"},
    {"-i ppp+ -j DROP", "drop in to other family ipv4 device ppp*"},
    {"-i e[0] -j DROP", NULL},
    {"-o eth0 -j DROP", NULL},
    {"! -i lo -j DROP", "drop in to other family ipv4"},
    {"! -i eth0 -j DROP",
        "allow in to other family ipv4 device eth0\ndrop in to other family ipv4"},
    {"-p 47 -j DROP", "drop in proto gre to other family ipv4"},
    {"-p all -j DROP", "drop in to other family ipv4"},
    {"-p nothing -j DROP", NULL},
    {"-p tcp -m tcp ! --dport 22 -j DROP",
        "drop in proto tcp to other dport 0-21,23-65535 family ipv4"},
    {"-p udp -m multiport --dports 53,67:69 -j DROP",
        "drop in proto udp to other dport 53,67-69 family ipv4"},
    {"-p udp -m multiport --ports 53 -j DROP",
        "drop in proto udp sport 53 to other family ipv4\n"
        "drop in proto udp sport 0-52,54-65535 to other dport 53 family ipv4"},
    {"-p sctp -m sctp --dport 5000 -j DROP", "drop in proto sctp to other dport 5000 family ipv4"},
    {"-p dccp -m dccp --dport 5000 -j DROP", NULL},
    {"-m tcp --dport 22 -j DROP", NULL},
    {"-p tcp -m tcp --dport 65536 -j DROP", NULL},
    {"-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
        "drop in proto tcp to other flags syn/fin,syn,rst,ack family ipv4"},
    {"-p tcp --syn -j DROP", "drop in proto tcp to other flags syn/fin,syn,rst,ack family ipv4"},
    {"-p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j DROP",
        "drop in proto tcp to other flags none/syn family ipv4\n"
        "drop in proto tcp to other flags syn,ack/syn,ack family ipv4"},
    {"-p tcp -m tcp --tcp-flags SYN ACK -j DROP", NULL},
    {"-p icmp -m icmp --icmp-type 8 -j DROP",
        "drop in proto icmp to other icmp-type 8 family ipv4"},
    {"-p icmp -m icmp --icmp-type 3/1 -j DROP",
        "drop in proto icmp to other icmp-type 3/1 family ipv4"},
    {"-p icmp -m icmp --icmp-type echo-request -j DROP",
        "drop in proto icmp to other icmp-type 8 family ipv4"},
    {"-p icmp -m icmp --icmp-type any -j DROP", "drop in proto icmp to other family ipv4"},
    {"-p icmp -m icmp --icmp-type nonsense -j DROP", NULL},
    {"-m iprange --src-range 10.0.0.1-10.0.0.3 -j DROP",
        "drop in from 10.0.0.1,10.0.0.2/31 to other"},
    {"-m iprange ! --dst-range 10.0.0.0-10.255.255.255 -j DROP",
        "drop in to other to not 10.0.0.0/8"},
    {"-m iprange --src-range 10.0.0.3-10.0.0.1 -j DROP", NULL},
    {"-m set --match-set bad src -j DROP", "drop in from @\"bad\" to other family ipv4"},
    {"-m set ! --match-set bad dst -j DROP", "drop in to other to not @\"bad\" family ipv4"},
    {"-m set --match-set bad src,dst -j DROP", NULL},
    {"-s 10.0.0.0/8 -m set --match-set bad src -j DROP", NULL},
    {"-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "allow in to other family ipv4 state established"},
    {"-m state --state NEW -j DROP", "drop in to other family ipv4 state new"},
    {"-m conntrack --ctstate NEW,UNTRACKED -j DROP", "drop in to other family ipv4 state new"},
    {"-m conntrack --ctstate INVALID -j DROP", NULL},
    {"-m conntrack --ctstate RELATED -j ACCEPT", NULL},
    {"-m conntrack ! --ctstate NEW -j ACCEPT", NULL},
    {"-m comment --comment \"it's \\\"so\\\"\" -j DROP",
        "drop in to other family ipv4 comment \"it''s \\\"so\\\"\""},
    {"-m addrtype --dst-type MULTICAST -j DROP", "drop in to other to 224.0.0.0/4"},
    {"-m addrtype --dst-type BROADCAST -j DROP", NULL},
    {"-m dscp --dscp 0x0a -j DROP", "drop in to other dscp 10 family ipv4"},
    {"-f -j DROP", "drop in to other fragment later family ipv4"},
    {"! -f -j DROP", "drop in to other fragment none family ipv4\n"
                     "drop in to other fragment first family ipv4"},
    {"-j REJECT --reject-with icmp-port-unreachable", "reject in to other family ipv4"},
    {"-j LOG --log-prefix \"a b\" --log-level 7", "log in to other family ipv4"},
    {"-m limit --limit 3/min -j LOG", "log in to other family ipv4"},
    {"-m limit --limit 3/sec -j ACCEPT", NULL},
    {"-m limit --limit 3/sec -j DROP", NULL},
    {"-m mac --mac-source 00:11:22:33:44:55 -j DROP", NULL},
    {"-m owner --uid-owner 0 -j ACCEPT", NULL},
    {"-m recent --update --seconds 60 --name x -j DROP", NULL},
    {"-m string --string \"a b\" -j DROP", NULL},
    {"-j MARK --set-xmark 0x1/0xffffffff", NULL},
    {"-j NFQUEUE --queue-num 1", NULL},
    {"-j nowhere", NULL},
    {"-j", NULL},
    {"-s", NULL},
    {"! ", NULL},
    {"--nonsense 1 -j DROP", NULL},
};

static void a_line_of_iptables_is_one_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(iptables_rules) / sizeof(iptables_rules[0]); i++) {
        OWN(import_result_fini) struct import_result result;
        char text[512], got[4096], expected[512] = "";

        (void)snprintf(text, sizeof(text),
            "# by iptables-save\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD %s\nCOMMIT\n",
            iptables_rules[i].words);
        if (iptables_rules[i].rule)
            (void)snprintf(expected, sizeof(expected), "%s\n", iptables_rules[i].rule);
        assert_int_equal(run(IMPORT_IPTABLES, text, &result), 0);
        rules_of(&result, got, sizeof(got));
        if (strcmp(got, expected) != 0 || result.refused != !iptables_rules[i].rule)
            fail_msg("'%s' gave\n%sinstead of\n%s%s", iptables_rules[i].words, got, expected,
                result.remarks.at);
    }
}

#define FILTER(rules) "*filter\n:FORWARD ACCEPT [0:0]\n:C - [0:0]\n" rules "COMMIT\n"
#define FORWARD_C(jump, rules) FILTER("-A FORWARD " jump " -j C\n" rules)

static void a_jump_is_its_chain_under_the_condition(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        FORWARD_C("-p tcp", "-A C -s 10.0.0.0/8 -j ACCEPT\n-A C -p udp -j DROP\n-A C -j DROP\n"),
        "allow in proto tcp from 10.0.0.0/8 to other\ndrop in proto tcp to other family ipv4\n");
}

static void an_unconditional_return_ends_its_chain(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        FORWARD_C("-p tcp",
            "-A FORWARD -j DROP\n-A C -s 10.0.0.0/8 -j ACCEPT\n-A C -j RETURN\n-A C -j ACCEPT\n"),
        "allow in proto tcp from 10.0.0.0/8 to other\ndrop in to other family ipv4\n");
}

static void a_conditional_return_is_a_copy_of_what_follows_the_jump(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        FORWARD_C("-p tcp", "-A FORWARD -d 192.0.2.0/24 -j ACCEPT\n-A FORWARD -j REJECT\n"
                            "-A C -s 10.0.0.0/8 -j RETURN\n-A C -j DROP\n"),
        "allow in proto tcp from 10.0.0.0/8 to other to 192.0.2.0/24\n"
        "reject in proto tcp from 10.0.0.0/8 to other\n"
        "drop in proto tcp to other family ipv4\n"
        "allow in to other to 192.0.2.0/24\n"
        "reject in to other family ipv4\n");
}

static void a_return_to_the_end_is_the_policy(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        FORWARD_C("-p tcp", "-A C -s 10.0.0.0/8 -j RETURN\n-A C -j DROP\n"),
        "allow in proto tcp from 10.0.0.0/8 to other\ndrop in proto tcp to other family ipv4\n");
    assert_becomes(IMPORT_IPTABLES,
        FILTER("-A FORWARD -s 10.0.0.0/8 -j RETURN\n-A FORWARD -j DROP\n"),
        "allow in from 10.0.0.0/8 to other\ndrop in to other family ipv4\n");
}

static void a_goto_does_not_come_back(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        FILTER("-A FORWARD -p tcp -g C\n-A FORWARD -j DROP\n-A C -s 10.0.0.0/8 -j DROP\n"),
        "drop in proto tcp from 10.0.0.0/8 to other\nallow in proto tcp to other family ipv4\n"
        "drop in to other family ipv4\n");
}

static void a_refused_return_takes_the_rest_of_its_chain(void **state)
{
    static const char text[] =
        FORWARD_C("-p tcp", "-A FORWARD -p udp -j DROP\n-A C -s 10.0.0.0/8 -j DROP\n"
                            "-A C -m mac --mac-source 00:11:22:33:44:55 -j RETURN\n-A C -j DROP\n");
    (void)state;

    assert_becomes(IMPORT_IPTABLES, text,
        "drop in proto tcp from 10.0.0.0/8 to other\ndrop in proto udp to other family ipv4\n");
    assert_remarks(IMPORT_IPTABLES, text, "old:7: the match 'mac'");
    assert_remarks(IMPORT_IPTABLES, text, "old:8: it stands behind line 7");
}

static void a_chain_of_chains_that_calls_itself_is_refused(void **state)
{
    (void)state;
    assert_remarks(IMPORT_IPTABLES, FORWARD_C("", "-A C -p tcp -j C\n"), "too many jumps");
}

static void input_is_asked_of_multicast_too(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n"
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -m udp --dport 53 -j ACCEPT\n"
        "COMMIT\n",
        "allow in proto tcp to self dport 22 family ipv4\n"
        "allow in proto udp to self dport 53 family ipv4\n"
        "allow in proto udp to other to 224.0.0.0/4,255.255.255.255 dport 53\n"
        "drop in to other to 224.0.0.0/4,255.255.255.255\n"
        "drop in family ipv4\n");
}

static void a_limit_before_a_drop_is_a_limit(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        "*filter\n:FORWARD DROP [0:0]\n-A FORWARD -p icmp -m limit --limit 2/sec -j "
        "ACCEPT\nCOMMIT\n",
        "limit 2/s burst 5 in proto icmp to other family ipv4\ndrop in to other family ipv4\n");
}

static void an_ipv6_header_that_is_looked_behind_is_refused(void **state)
{
    static const char six[] = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p ah -j DROP\nCOMMIT\n";
    static const char both[] = "table inet t {\nchain c {\ntype filter hook input priority 0;\n"
                               "meta l4proto { esp, ah } drop\n}\n}\n";

    (void)state;
    assert_remarks(IMPORT_IP6TABLES, six, "old:3: Picket looks behind this header");
    assert_remarks(IMPORT_NFT, both, "old:4: note: in IPv6 Picket looks behind");
}

static void other_tables_and_other_lines_are_refused(void **state)
{
    (void)state;
    assert_remarks(IMPORT_IPTABLES,
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j DNAT\nCOMMIT\n",
        "old:3: NAT has no equal");
    assert_remarks(
        IMPORT_IPTABLES, "*raw\n:PREROUTING DROP [0:0]\nCOMMIT\n", "old:2: the table raw");
    assert_remarks(IMPORT_IPTABLES, "iptables -F\n", "old:1: this is no line of iptables-save");
    assert_remarks(IMPORT_IPTABLES, "*filter\n:X - [0:0]\n-A X -j ACCEPT\nCOMMIT\n",
        "old:3: note: no hook leads to its chain");
}

static void ip6tables_is_known_by_its_header_or_its_addresses(void **state)
{
    (void)state;
    assert_becomes(IMPORT_IPTABLES,
        "# Generated by ip6tables-save v1.8\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j "
        "DROP\nCOMMIT\n",
        "drop in to other family ipv6\n");
    assert_becomes(IMPORT_IPTABLES,
        "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -s 2001:db8::/32 -p ipv6-icmp -m icmp6 "
        "--icmpv6-type 128 -j DROP\nCOMMIT\n",
        "drop in proto icmpv6 from 2001:db8::/32 to other icmp-type 128\n");
}

/* ---- nft */

static const struct {
    const char *words, *rule;
} nft_rules[] = {
    {"accept", "allow in to other"},
    {"ip saddr 10.0.0.0/8 tcp dport 22 counter packets 1 bytes 2 drop",
        "drop in proto tcp from 10.0.0.0/8 to other dport 22"},
    {"ip saddr != 10.0.0.0/8 drop", "drop in from not 10.0.0.0/8 to other"},
    {"ip daddr { 10.0.0.1, 10.0.0.4-10.0.0.5 } drop", "drop in to other to 10.0.0.1,10.0.0.4/31"},
    {"ip6 saddr 2001:db8::/32 udp sport 53-55 drop",
        "drop in proto udp from 2001:db8::/32 sport 53-55 to other"},
    {"iifname \"eth*\" drop", "drop in to other device eth*"},
    {"iifname { \"eth0\", \"eth1\" } drop", "drop in to other device eth0,eth1"},
    {"oifname \"eth0\" drop", NULL},
    {"iif 5 drop", NULL},
    {"ct state established,related accept", "allow in to other state established"},
    {"ct state { established, related } accept", "allow in to other state established"},
    {"ct state vmap { established : accept, related : accept }",
        "allow in to other state established"},
    {"ct state invalid drop", NULL},
    {"ct state new,untracked drop", "drop in to other state new"},
    {"ct status dnat accept", NULL},
    {"meta l4proto { tcp, udp } th dport 53 drop", "drop in proto tcp,udp to other dport 53"},
    {"th dport 53 drop", NULL},
    {"meta l4proto icmp drop", "drop in proto icmp to other"},
    {"meta nfproto ipv4 drop", "drop in to other family ipv4"},
    {"ip protocol igmp drop", "drop in proto igmp to other family ipv4"},
    {"ip6 nexthdr tcp drop", NULL},
    {"icmp type echo-request drop", "drop in proto icmp to other icmp-type 8 family ipv4"},
    {"icmpv6 type { nd-router-advert, 128 } drop",
        "drop in proto icmpv6 to other icmp-type 128,134 family ipv6"},
    {"icmpv6 type . icmpv6 code { 130 . 0, 131 . 0 } drop",
        "drop in proto icmpv6 to other icmp-type 130/0 family ipv6\n"
        "drop in proto icmpv6 to other icmp-type 131/0 family ipv6"},
    {"tcp flags syn drop", "drop in proto tcp to other flags syn/syn"},
    {"tcp flags & (fin | syn | rst | ack) == syn drop",
        "drop in proto tcp to other flags syn/fin,syn,rst,ack"},
    {"tcp flags syn / fin,syn,rst,ack drop",
        "drop in proto tcp to other flags syn/fin,syn,rst,ack"},
    {"tcp flags ! fin,rst drop", "drop in proto tcp to other flags none/fin,rst"},
    {"ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.2 . 80-81 } drop",
        "drop in proto tcp from 10.0.0.1 to other dport 22\n"
        "drop in proto tcp from 10.0.0.2 to other dport 80-81"},
    {"tcp dport vmap { 22 : accept, 80 : drop, 443 : accept }",
        "allow in proto tcp to other dport 22,443\ndrop in proto tcp to other dport 80"},
    {"tcp dport != { 22, 80 } drop", "drop in proto tcp to other dport 0-21,23-79,81-65535"},
    {"vlan id 5 drop", "drop in to other vlan 5"},
    {"ip dscp cs1 drop", "drop in to other dscp 8 family ipv4"},
    {"fib daddr type local drop", ""},
    {"fib daddr type broadcast drop", NULL},
    {"meta mark 0x1 drop", NULL},
    {"ip saddr & 255.0.0.0 == 10.0.0.0 drop", NULL},
    {"limit rate 10/second accept", NULL},
    {"limit rate 10/second drop", NULL},
    {"log prefix \"a b \" flags all drop", "log in to other\ndrop in to other"},
    {"log prefix \"a\" limit rate 1/second burst 5 packets", "log in to other"},
    {"reject with icmpx type port-unreachable", "reject in to other"},
    {"drop comment \"why \"", "drop in to other comment \"why \""},
    {"counter", ""},
    {"queue to 1", NULL},
    {"ip saddr @nowhere drop", NULL},
    {"add @s { ip saddr } drop", NULL},
    {"snat to 10.0.0.1", NULL},
    {"nonsense here", NULL},
    {"tcp dport 53 jump {\nip saddr 10.0.0.1 accept\ndrop\n}",
        "allow in proto tcp from 10.0.0.1 to other dport 53\n"
        "drop in proto tcp to other dport 53"},
};

static void a_rule_of_nft_is_one_condition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(nft_rules) / sizeof(nft_rules[0]); i++) {
        OWN(import_result_fini) struct import_result result;
        char text[512], got[4096], expected[512] = "";

        (void)snprintf(text, sizeof(text),
            "table inet t {\n\tchain f {\n\t\ttype filter hook forward priority filter; policy "
            "accept;\n\t\t%s\n\t}\n}\n",
            nft_rules[i].words);
        if (nft_rules[i].rule && nft_rules[i].rule[0])
            (void)snprintf(expected, sizeof(expected), "%s\n", nft_rules[i].rule);
        assert_int_equal(run(IMPORT_NFT, text, &result), 0);
        rules_of(&result, got, sizeof(got));
        if (strcmp(got, expected) != 0 || (result.refused > 0) != !nft_rules[i].rule)
            fail_msg("'%s' gave\n%sinstead of\n%s%s", nft_rules[i].words, got, expected,
                result.remarks.at);
    }
}

static void named_sets_and_maps_are_followed(void **state)
{
    static const char text[] =
        "table ip t {\n\tset bad {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
        "\t\telements = { 10.0.0.0/8,\n\t\t\t     192.0.2.1 comment \"x\" }\n\t}\n"
        "\tset ports {\n\t\ttype inet_service\n\t\telements = { 22, 80 }\n\t}\n"
        "\tmap m {\n\t\ttype ifname : verdict\n\t\telements = { \"eth0\" : jump c }\n\t}\n"
        "\tchain f {\n\t\ttype filter hook forward priority 0; policy drop;\n"
        "\t\tip saddr @bad drop\n\t\ttcp dport @ports accept\n\t\tiifname vmap @m\n\t}\n"
        "\tchain c {\n\t\tip saddr 10.1.0.0/16 return\n\t\taccept\n\t}\n}\n";
    OWN(import_result_fini) struct import_result result;
    (void)state;

    assert_becomes(IMPORT_NFT, text,
        "drop in from @\"bad\" to other family ipv4\n"
        "allow in proto tcp to other dport 22,80 family ipv4\n"
        "drop in from 10.1.0.0/16 to other device eth0\n"
        "allow in to other family ipv4 device eth0\n"
        "drop in to other family ipv4\n");
    assert_int_equal(run(IMPORT_NFT, text, &result), 0);
    assert_int_equal(result.sets, 1);
    assert_int_equal(result.refused, 0);
    assert_non_null(strstr((char *)result.yaml.at, "elements: [10.0.0.0/8, 192.0.2.1]"));
}

static void policies_of_both_families_that_pass_known_flows_are_a_default(void **state)
{
    OWN(import_result_fini) struct import_result result;
    (void)state;

    assert_int_equal(
        run(IMPORT_NFT,
            "table inet t {\nchain i {\ntype filter hook input priority 0; policy drop;\n"
            "ct state established,related accept\n}\nchain f {\ntype filter hook forward priority "
            "0; policy drop;\nct state established,related accept\n}\n}\n",
            &result),
        0);
    assert_non_null(strstr((char *)result.yaml.at, "{direction: in, action: drop}"));
}

static void a_second_chain_behind_one_that_accepts_is_refused(void **state)
{
    (void)state;
    assert_remarks(IMPORT_NFT,
        "table inet t {\nchain a {\ntype filter hook input priority 0; policy accept;\n"
        "tcp dport 22 accept\n}\nchain b {\ntype filter hook input priority 10; policy accept;\n"
        "tcp dport 23 drop\n}\n}\n",
        "old:8: it stands in a second chain");
}

static void bridges_and_other_hooks_are_refused(void **state)
{
    (void)state;
    assert_remarks(
        IMPORT_NFT, "table bridge t {\nchain a {\ndrop\n}\n}\n", "old:3: tables of bridge");
    assert_remarks(IMPORT_NFT,
        "table ip t {\nchain a {\ntype nat hook prerouting priority 0; policy "
        "accept;\ndrop\n}\n}\n",
        "old:4: NAT has no equal");
}

/* ---- sets */

static void sets_of_ipset_become_sets_and_others_are_refused_by_line(void **state)
{
    static const char text[] =
        "create a hash:net family inet\nadd a 10.0.0.0/8\nadd a 192.0.2.1 timeout 60\n"
        "create b hash:ip,port family inet\nadd b 10.0.0.1,tcp:80\nadd a 10.0.0.1 nomatch\nbad\n";
    OWN(import_result_fini) struct import_result result;
    (void)state;

    assert_int_equal(run(IMPORT_IPSET, text, &result), 0);
    assert_int_equal(result.sets, 1);
    assert_int_equal(result.refused, 4);
    assert_non_null(
        strstr((char *)result.yaml.at, "['10.0.0.0/8', {prefix: '192.0.2.1', until: 1060}]"));
    assert_remarks(IMPORT_IPSET, text, "old:4: a set of type 'hash:ip,port'");
    assert_remarks(IMPORT_IPSET, text, "old:5: its set was refused");
}

static void a_netset_becomes_one_set_without_its_bad_lines(void **state)
{
    OWN(import_result_fini) struct import_result result;
    (void)state;

    assert_int_equal(run(IMPORT_NETSET, "# x\n10.0.0.1\nnonsense\n2001:db8::/32\n", &result), 0);
    assert_int_equal(result.refused, 1);
    assert_non_null(strstr((char *)result.yaml.at, "['10.0.0.1', '2001:db8::/32']"));
}

/* ---- limits */

static void chains_that_double_at_every_jump_end_by_a_limit(void **state)
{
    char text[8192] = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j c0\n";
    OWN(import_result_fini) struct import_result result;
    (void)state;

    for (int i = 0; i < 15; i++)
        for (int j = 0; j < 4; j++)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                "-A c%d -s 10.%d.%d.0/24 -j c%d\n", i, i, j, i + 1);
    for (int i = 0; i < 15; i++)
        for (int j = 0; j < 4; j++)
            (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                "-A c%d -p tcp -j c%d\n", i, i + 1);
    strcat(text, "-A c15 -j LOG\nCOMMIT\n");
    assert_int_equal(run(IMPORT_IPTABLES, text, &result), -E2BIG);
}

static void a_file_that_was_cut_off_is_refused_whole(void **state)
{
    const struct import_options options = {.name = "old", .owner = "o"};
    static const struct {
        enum import_format format;
        const char *text, *why;
    } cut[] = {
        {IMPORT_IPTABLES, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\n",
            "line 1 has no COMMIT"},
        {IMPORT_IPTABLES, "*filter\n*nat\nCOMMIT\n", "line 1 has no COMMIT"},
        {IMPORT_IPTABLES, "*nat\nCOMMIT\n*filter\n:INPUT AC", "line 3 has no COMMIT"},
        {IMPORT_NFT, "table inet t {\nchain c {\ndrop\n", "line 1 has no end"},
        {IMPORT_NFT, "table inet t {\n}\ntable ip u {\nchain c {\n}\n", "line 3 has no end"},
        {IMPORT_NFT, "table inet t {\nset s {\ntype ipv4_addr\nelements = { 192.0.2.1,",
            "line 1 has no end"},
    };
    struct import_result result;
    (void)state;

    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        struct bytes text = bytes_of(cut[i].text, strlen(cut[i].text));
        struct import_options as = options;
        struct problem problem;

        as.format = cut[i].format;
        assert_int_equal(import_text(text, &as, &result, &problem), -EINVAL);
        assert_non_null(strstr(problem.text, cut[i].why));
    }
}

static void a_zero_byte_is_no_text(void **state)
{
    const struct import_options options = {.name = "old", .owner = "o"};
    struct import_result result;
    (void)state;

    assert_int_equal(import_text(bytes_of("a\0b", 3), &options, &result, NULL), -EINVAL);
    assert_int_equal(import_text(bytes_of(NULL, 0), &options, &result, NULL), 0);
    import_result_fini(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_iptables_is_one_condition),
        cmocka_unit_test(a_jump_is_its_chain_under_the_condition),
        cmocka_unit_test(an_unconditional_return_ends_its_chain),
        cmocka_unit_test(a_conditional_return_is_a_copy_of_what_follows_the_jump),
        cmocka_unit_test(a_return_to_the_end_is_the_policy),
        cmocka_unit_test(a_goto_does_not_come_back),
        cmocka_unit_test(a_refused_return_takes_the_rest_of_its_chain),
        cmocka_unit_test(a_chain_of_chains_that_calls_itself_is_refused),
        cmocka_unit_test(input_is_asked_of_multicast_too),
        cmocka_unit_test(a_limit_before_a_drop_is_a_limit),
        cmocka_unit_test(an_ipv6_header_that_is_looked_behind_is_refused),
        cmocka_unit_test(other_tables_and_other_lines_are_refused),
        cmocka_unit_test(ip6tables_is_known_by_its_header_or_its_addresses),
        cmocka_unit_test(a_rule_of_nft_is_one_condition),
        cmocka_unit_test(named_sets_and_maps_are_followed),
        cmocka_unit_test(policies_of_both_families_that_pass_known_flows_are_a_default),
        cmocka_unit_test(a_second_chain_behind_one_that_accepts_is_refused),
        cmocka_unit_test(bridges_and_other_hooks_are_refused),
        cmocka_unit_test(sets_of_ipset_become_sets_and_others_are_refused_by_line),
        cmocka_unit_test(a_netset_becomes_one_set_without_its_bad_lines),
        cmocka_unit_test(chains_that_double_at_every_jump_end_by_a_limit),
        cmocka_unit_test(a_file_that_was_cut_off_is_refused_whole),
        cmocka_unit_test(a_zero_byte_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
