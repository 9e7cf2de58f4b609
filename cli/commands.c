/* SPDX-License-Identifier: Apache-2.0 */
/* commands.c - every command, its words and its options. Man page and completion read this table.
 */
#include "cli/cli.h"

#define TARGET (OPT(NODE) | OPT(SOCKET) | OPT(FLEET))
#define READER (TARGET | OPT(JSON) | OPT(PASSPHRASE_FILE))
#define WRITER (TARGET | OPT(JSON) | OPT(OPERATOR) | OPT(PASSPHRASE_FILE) | OPT(WAIT))

/* A longer name before a shorter one that begins it. */
const struct command commands[] = {
    {"fleet init", cmd_fleet_init, "NAME", 1, 1, OPT(DIR) | OPT(PERSON) | OPT(PASSPHRASE_FILE),
        "make a fleet: its root, its enroller, you as its first operator",
        "Everything goes into ~/.config/picket/NAME. Move root.key to a safe place when all is "
        "set\n"
        "up: it is needed only to grant and to end. With --passphrase-file the keys are closed."},
    {"fleet status", cmd_fleet_status, "", 0, 0, READER,
        "show the fleet as a node sees it, and whether its nodes agree", NULL},
    {"fleet catch-up", cmd_fleet_catch_up, "", 0, 0, TARGET | OPT(OPERATOR) | OPT(PASSPHRASE_FILE),
        "fetch what your key signed elsewhere, so that this folder may sign again",
        "Needed after a folder was restored from a copy, or when one key is used on two machines."},
    {"trust grant", cmd_trust_grant, "ROLE PERSON", 2, 2,
        TARGET | OPT(KEY) | OPT(NEW_KEY) | OPT(SCOPE) | OPT(ACTIONS) | OPT(BAND) | OPT(BUDGET) |
            OPT(PASSPHRASE_FILE),
        "let a person's key write rules, within limits",
        "ROLE: operator, gateway, banner, observer or witness.\n"
        "  picket trust grant operator berta --new-key berta.key --scope site=berlin --band "
        "1000-1999\n"
        "Needs root.key. With --node or --socket the record is sent at once, else with the next\n"
        "change."},
    {"trust list", cmd_trust_list, "", 0, 0, READER, "show who may do what", NULL},
    {"node invite", cmd_node_invite, "NAME...", 1, 64,
        TARGET | OPT(LABEL) | OPT(JOIN_BY) | OPT(PEER) | OPT(OUT) | OPT(PASSPHRASE_FILE) |
            OPT(WAIT),
        "make the file with which a box joins the fleet",
        "  picket node invite edge7 --label site=berlin --peer 192.0.2.1:7425 -o edge7.invite\n"
        "With several names, FILE of -o is a folder and each box gets FILE/NAME.invite."},
    {"node join", cmd_node_join, "FILE", 1, 1, OPT(STATE),
        "make this box the node that an invite file names", NULL},
    {"node list", cmd_node_list, "", 0, 0, READER, "show the nodes of the fleet", NULL},
    {"rule add", cmd_rule_add, "TEXT...", 1, WORDS_MAX, WRITER, "sign a rule and write it",
        "  picket rule add drop in tcp from 192.0.2.0/24 to any port 22 priority 100 name ssh"},
    {"rule list", cmd_rule_list, "", 0, 0, READER, "show all rules, in their order", NULL},
    {"rule show", cmd_rule_show, "NAME", 1, 1, READER, "show one rule, by name or id", NULL},
    {"rule delete", cmd_rule_delete, "NAME", 1, 1, WRITER, "take a rule away, by name or id", NULL},
    {"set import", cmd_set_import, "NAME FILE", 2, 2, WRITER | OPT(KIND) | OPT(SCOPE),
        "make a set of addresses, or replace it, from a list (- reads standard input)",
        "One address, prefix or range a line, or what ipset save prints.\n"
        "  picket set import bad blocklist.netset --kind ban\n"
        "  picket rule add drop in from @bad name no-bad"},
    {"set add", cmd_set_add, "NAME PREFIX...", 2, WORDS_MAX, WRITER | OPT(EXPIRES),
        "put addresses into a set", NULL},
    {"set remove", cmd_set_remove, "NAME PREFIX...", 2, WORDS_MAX, WRITER,
        "take addresses that were added out of a set", NULL},
    {"set list", cmd_set_list, "", 0, 0, READER, "show all sets", NULL},
    {"set delete", cmd_set_delete, "NAME", 1, 1, WRITER, "take a set away, by name or id", NULL},
    {"apply", cmd_apply, "-f FILE", 0, 1, WRITER | OPT(FILE) | OPT(DRY_RUN) | OPT(BATCHES),
        "make the fleet's rules what a file says; what its owner took out goes",
        "The file is YAML:\n"
        "  owner: web                 # what this file owns; of it, what is not in the file goes\n"
        "  sets:\n"
        "    - name: bad\n"
        "      kind: ban              # or plain\n"
        "      elements: [192.0.2.0/24, 2001:db8::/32]    # or  file: bad.netset\n"
        "  rules:                     # in order; priorities 1000, 1010, ... unless named\n"
        "    - \"drop in from @bad name no-bad\"\n"
        "    - {name: ssh, action: allow, direction: in, protocol: tcp, from: [198.51.100.0/24], "
        "port: 22}\n"
        "With --dry-run the changes are shown and nothing is signed.\n"
        "The file takes effect whole or not at all, as long as one changeset holds it: 256 "
        "changes,\n"
        "64 KiB. With --batches a larger one is made in several: sets, then new rules (those that\n"
        "decide first come first), changed ones, and what goes last. In between packets meet the\n"
        "old verdict or the new one, where rules are only added or only taken away. What is cut\n"
        "short goes on when the same command is run again."},
    {"import", cmd_import, "iptables-save|ip6tables-save|nft|ipset|netset FILE", 2, 2, OPT(OUT),
        "turn the saved rules of another firewall into a file for apply (- reads standard input)",
        "  iptables-save | picket import iptables-save - | picket apply -f - --batches\n"
        "  nft list ruleset > old; picket import nft old -o rules.yaml\n"
        "No node is asked and nothing is written to the fleet; apply does that. What cannot be\n"
        "expressed is refused line by line on standard error, as FILE:LINE: reason: the line; the\n"
        "rest is written all the same, and the exit code is 4. The owner in the YAML is the "
        "file's\n"
        "name, for standard input the format: two imports of one owner replace each other.\n"
        "More than 256 changes are more than apply makes at once: they need its --batches."},
    {"status", cmd_status, "", 0, 0, READER, "show what one node does", NULL},
    {"interfaces", cmd_interfaces, "", 0, 0, READER,
        "show the devices of a node and how each is filtered", NULL},
    {"counters", cmd_counters, "", 0, 0, READER, "show packets a rule and a reason, on one node",
        NULL},
    {"events", cmd_events, "", 0, 0, READER,
        "follow the packets that one node drops or that log rules match",
        "A sample: at most 1,000 events a second, and what is left out is counted. Nothing is\n"
        "sampled while nobody follows. Ends when interrupted; with --json one object a line."},
    {"peers", cmd_peers, "", 0, 0, READER, "show the neighbours of a node", NULL},
    {"log", cmd_log, "", 0, 0, READER | OPT(FOLLOW) | OPT(LIMIT),
        "show who changed what, in the order in which a node took it", NULL},
};

const uint32_t commands_count = sizeof(commands) / sizeof(commands[0]);
