# SPDX-License-Identifier: Apache-2.0
"""bench.py SECTION [--json FILE] [--markdown FILE] [--small] [options of the section] - runs a section, prints its rows, and writes
them as a JSON array of {"name", "value", "unit", "peer", "peer_value"} and what the section adds. Names are stable: they are compared over time. See scripts/bench."""
import argparse
import datetime
import json
import os
import platform
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "tests", name) for name in ("bench", "netns", "clients")]

SECTIONS = ("way", "packet")


def machine():
    """One line: CPU, cores, memory, kernel."""
    model = "unknown CPU"
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return "%s, %d cores, %.0f GiB, Linux %s" % (model, os.cpu_count(), memory, platform.release().split("-")[0])


def shown(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 1000 else "%.3g" % value


def print_table(rows):
    width = max([32] + [len(row["name"]) for row in rows])
    print("%-*s %10s %-4s  %10s  %s" % (width, "name", "value", "unit", "peer", "the peer"))
    for row in rows:
        peer = row["peer"] or ""
        print("%-*s %10s %-4s  %10s  %s" % (width, row["name"], shown(row["value"]), row["unit"], shown(row["peer_value"]), peer))


def write_markdown(path, section, rows, load):
    """A page of docs/figures/."""
    lines = ["# %s" % section.TITLE, "", "* date: %s" % datetime.date.today().isoformat(), "* machine: %s" % machine(),
             "* load average before and after (the bench's own daemons included): %.1f, %.1f" % (load, os.getloadavg()[0]),
             "* command: `scripts/bench %s`" % " ".join(os.path.basename(word) for word in sys.argv[1:]),
             "", section.METHOD]
    if hasattr(section, "write_page"):
        section.write_page(path, lines, rows)
        return
    lines += ["", "| what | value | unit | the peer | its value |", "|---|---|---|---|---|"]
    for row in rows:
        lines.append("| `%s` | %s | %s | %s | %s |" % (row["name"], shown(row["value"]), row["unit"], row["peer"] or "",
                                                       shown(row["peer_value"]) if row["peer"] else ""))
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def main():
    arguments = argparse.ArgumentParser(prog="scripts/bench", description="Measures. Never fails for being slow.")
    arguments.add_argument("section", choices=SECTIONS)
    arguments.add_argument("--json", metavar="FILE", help="write the rows there too")
    arguments.add_argument("--markdown", metavar="FILE", help="write a page with machine, date and rows there too")
    arguments.add_argument("--small", action="store_true", help="tiny counts: does it run?")
    arguments.add_argument("--rules", metavar="FILE", nargs="+", action="extend", help="packet: ClassBench filters, plain or gzipped")
    arguments.add_argument("--prefixes", metavar="FILE", nargs="+", action="extend", help="packet: a prefix a line, plain or gzipped")
    arguments.add_argument("--largest", metavar="N", type=int, help="packet: generated sets and lists of at most N")
    arguments.add_argument("--rounds", metavar="N", type=int, help="packet: of each measurement, odd")
    arguments.add_argument("--peers", action="store_true", help="packet: the whole way too, beside other firewalls")
    options = arguments.parse_args()
    for name in ("rules", "prefixes"):
        setattr(options, name, [os.path.abspath(file) for file in getattr(options, name) or []])
    section, load = __import__(options.section), os.getloadavg()[0]
    print("machine:", machine(), flush=True)
    rows, is_right = section.run(options.small, options)
    print_table(rows)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
            file.write("\n")
    if options.markdown:
        write_markdown(options.markdown, section, rows, load)
    return 0 if is_right else 1


try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit(130)
