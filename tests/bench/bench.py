# SPDX-License-Identifier: Apache-2.0
"""bench.py SECTION [--json FILE] [--small] - runs a section, prints its rows, and writes them as a JSON array of
{"name", "value", "unit", "peer", "peer_value"}. Names are stable: they are compared over time. See scripts/bench."""
import argparse
import json
import os
import platform
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", name) for name in ("bench", "netns", "clients")]

SECTIONS = ("way",)


def machine():
    """One line: CPU, cores, kernel."""
    model = "unknown CPU"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return "%s, %d cores, Linux %s" % (model, os.cpu_count(), platform.release())


def shown(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 1000 else "%.3g" % value


def print_table(rows):
    print("%-32s %10s %-4s  %10s  %s" % ("name", "value", "unit", "peer", "the peer"))
    for row in rows:
        print("%-32s %10s %-4s  %10s  %s" % (row["name"], shown(row["value"]), row["unit"], shown(row["peer_value"]), row["peer"] or ""))


def main():
    arguments = argparse.ArgumentParser(prog="scripts/bench", description="Measures. Never fails for being slow.")
    arguments.add_argument("section", choices=SECTIONS)
    arguments.add_argument("--json", metavar="FILE", help="write the rows there too")
    arguments.add_argument("--small", action="store_true", help="tiny counts: does it run?")
    options = arguments.parse_args()
    section = __import__(options.section)
    print("machine:", machine(), flush=True)
    rows = section.run(options.small)
    print_table(rows)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")


main()
