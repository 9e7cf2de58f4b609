# SPDX-License-Identifier: Apache-2.0
"""page.py - the page of the packet bench: ratios with their budgets (design, section 9), the worst of each kind by name, plots, rows."""
import os
import re
import statistics

import svg

# How many times as many packets a second, or as fast, ours has to be.
RATIOS = {"nft/linear-1k": 20, "nft/linear-10k": 150, "nft/concatenated-10k": 8, "nft/interval-10k": 8, "nft/interval-100k": 6,
          "ipset/hash-net-10k": 7, "ipset/hash-net-100k": 6, "xdp-filter/ipv4-10k": 1.2}
HIT_RATIO = 6
# By entries: the budget of the first line that has as many.
VERDICT_NS = ((1500, 115), (15000, 170), (150000, 300))
VERDICT_MEDIAN_NS = ((1500, 60), (15000, 80), (150000, 130))  # of the sets of a size, each by its worst trace
HIT_NS = ((15000, 40), (150000, 140), (1500000, 260))
COMPILE_MS = ((15000, 50), (150000, 500), (1500000, 1500))
IPV6_FACTOR = 1.6
UNITS = {None: 1, "": 1, "k": 1000, "M": 1000000}
CLASSES = ((150, "100 or fewer"), (1500, "1k"), (15000, "10k"), (150000, "100k"), (1500000, "1M"))


def kind_of(row):
    return row["name"].split("/")[0]


def set_of(row):
    return row["name"].split("/")[1]


def entries(row):
    """How many rules or prefixes: as the row says, else by the name: acl_v6_10000, neurocuts_acl1_10k."""
    if row.get("rules") or row.get("prefixes"):
        return row.get("rules") or row["prefixes"]
    found = re.search(r"_(\d+)(k|M)?(?:_|/|$)", row["name"])
    return int(found.group(1)) * UNITS[found.group(2)] if found else None


def is_v6(row):
    return row["family"] == 6 if row.get("family") else "v6" in row["name"]


def by_entries(table, count):
    return next((value for most, value in table if count is not None and count <= most), None)


def is_budgeted_hit(row):
    return row["name"].endswith("/hit") and (entries(row) or 0) >= 5000


def limit(row):
    """The most the row may be, in its unit, or None."""
    kind, count = kind_of(row), entries(row)
    if kind == "verdict" or (kind == "hit" and is_budgeted_hit(row)):
        value = by_entries(VERDICT_NS if kind == "verdict" else HIT_NS, count)
        return value and value * (IPV6_FACTOR if is_v6(row) else 1)
    if kind == "compile":
        return by_entries(COMPILE_MS, count)
    if kind == "memory":
        if "rule" in row["unit"]:
            return 256 if is_v6(row) else 128
        return 64 if count and count >= 1000000 else None  # small lists pay for a root
    return 50 if kind in ("swap", "add-one") else None


def ratio(row):
    if not row["peer_value"] or not row["value"] or kind_of(row) not in ("peer", "hit") or row["value"] < 0 or row["peer_value"] < 0:
        return None
    return row["value"] / row["peer_value"] if row["unit"] == "Mpps" else row["peer_value"] / row["value"]


def ratio_budget(row):
    if kind_of(row) == "hit":
        return HIT_RATIO if is_budgeted_hit(row) else None
    return RATIOS.get(row["name"].split("/", 1)[1])


def met(is_met):
    return "yes" if is_met else "**no**"


def shown(value):
    if value is None:
        return "-"
    return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value


def spread(row, prefix=""):
    value = row["peer_value"] if prefix else row["value"]
    if row.get(prefix + "low") is None or value is None or row[prefix + "low"] == row[prefix + "high"]:
        return shown(value)
    return "%s (%s-%s)" % (shown(value), shown(row[prefix + "low"]), shown(row[prefix + "high"]))


def table(title, heads, lines, words=()):
    """A section, or nothing where it would be empty."""
    if not lines:
        return []
    cells = ["| %s |" % " | ".join(line) for line in [heads, ["---"] * len(heads)] + lines]
    return ["## " + title, ""] + list(words) + ([""] if words else []) + cells + [""]


def against(value, budget, sign):
    is_met = value >= budget if sign == ">=" else value <= budget
    return ["%s %g" % (sign, budget), met(is_met)]


# ---- ratios

def budgeted_first(rows):
    return sorted(rows, key=lambda row: ratio_budget(row) is None)


def live_ratios(rows):
    cpu = {row["name"]: row for row in rows if row["name"].endswith("/cpu")}
    live = [row for row in rows if kind_of(row) == "peer" and row["unit"] == "Mpps" and ratio(row)]
    lines, short = [], []
    for row in budgeted_first(live):
        budget, times, of_cpu = ratio_budget(row), ratio(row), cpu.get(row["name"] + "/cpu")
        lines.append(["`%s`" % row["name"], row["peer"], "**%s**" % shown(times)] + (against(times, budget, ">=") if budget else ["", ""])
                     + [spread(row), spread(row, "peer_"), shown(of_cpu["value"]) if of_cpu else "", shown(of_cpu["peer_value"]) if of_cpu else ""])
        short += [(times / budget, row["name"])] if budget else []
    words = ["Least of its budget: `%s`, %s of it." % (min(short)[1], shown(min(short)[0]))] if short else []
    return table("Times as many packets a second as the peer", ["what", "the peer", "times", "budget", "met", "ours, Mpps", "the peer's",
                                                                "ours, CPU ns", "the peer's"], lines, words)


def hit_ratios(rows):
    lines = []
    for row in budgeted_first([row for row in rows if kind_of(row) == "hit" and ratio(row)]):
        budget, times = ratio_budget(row), ratio(row)
        lines.append(["`%s`" % row["name"], "**%s**" % shown(times)] + (against(times, budget, ">=") if budget else ["", ""])
                     + [spread(row), shown(row["peer_value"])])
    return table("Times as fast as the kernel's LPM trie", ["list, trace", "times", "budget", "met", "ours, ns", "the trie's"], lines)


def change_ratios(rows):
    lines = [["`%s`" % row["name"], row["peer"], "**%s**" % shown(ratio(row)), shown(row["value"]), shown(row["peer_value"])]
             for row in rows if kind_of(row) == "peer" and row["unit"] == "ms" and ratio(row)]
    words = ["Ours compiles, fills and flips all, whatever changes; the first `load` verifies programs, too."]
    return table("What a change costs, beside the peers", ["what", "the peer", "times as fast", "ours, ms", "the peer's"], lines, words)


# ---- the worst

def size_class(row):
    return next((name for most, name in CLASSES if (entries(row) or 0) <= most), "more")


def groups_of(rows, kind):
    """Rows of a kind by size and family, in that order."""
    groups = {}
    for row in rows:
        if kind_of(row) == kind and "/" in row["name"]:
            groups.setdefault(([name for _, name in CLASSES].index(size_class(row)), is_v6(row), "prefixes" in row), []).append(row)
    return [groups[key] for key in sorted(groups)]


def worst_of(group):
    """By the budget where all have one: those of a group may differ."""
    budgets = [limit(row) for row in group]
    return max(zip(group, budgets), key=lambda pair: pair[0]["value"] / (pair[1] if all(budgets) else 1))[0]


def described(row):
    return "%s, IPv%d, %s %s" % (kind_of(row), 6 if is_v6(row) else 4, size_class(row), "prefixes" if "prefixes" in row else "rules")


def verdict_medians(rows):
    lines = []
    for group in groups_of(rows, "verdict"):
        sets = {}
        for row in group:
            sets[set_of(row)] = max(row["value"], sets.get(set_of(row), row["value"]))
        budget = by_entries(VERDICT_MEDIAN_NS, entries(group[0]))
        budget = budget and budget * (IPV6_FACTOR if is_v6(group[0]) else 1)
        value = statistics.median(sets.values())
        lines.append([described(group[0]) + ", median of %d sets" % len(sets), "", shown(value), "ns"]
                     + (against(value, budget, "<=") if budget else ["", ""]))
    return lines


def worst(rows):
    lines = []
    for kind in ("verdict", "hit", "compile", "memory", "add-one", "swap", "load"):
        for group in groups_of(rows, kind):
            row = worst_of(group)
            budget = limit(row)
            lines.append([described(row), "`%s`" % row["name"].split("/", 1)[1], "**%s**" % spread(row), row["unit"]]
                         + (against(row["value"], budget, "<=") if budget else ["", ""]))
        lines += verdict_medians(rows) if kind == "verdict" else []
    return table("The worst of each kind", ["what", "the worst set", "median (spread)", "unit", "budget", "met"], lines,
                 ["Of all sets and traces of a kind, size and family, the one that is furthest above its budget."])


# ---- all

def all_rows(rows):
    lines = []
    for row in rows:
        budget = limit(row)
        busy = ["/".join(shown(row[key]) for key in (what, "peer_" + what) if row.get(key) is not None) for what in ("busy", "refused")]
        lines.append(["`%s`" % row["name"], spread(row), row["unit"]] + (against(row["value"], budget, "<=") if budget and row["value"] is not None
                                                                        else ["", ""])
                     + [row["peer"] or ("the worst: `%s`" % row["of"] if row.get("of") else ""), spread(row, "peer_") if row["peer"] else ""] + busy)
    return table("All rows", ["what", "ours, median (spread)", "unit", "budget", "met", "the peer", "its value", "busy", "refused"], lines)


# ---- plots

GENERATED = re.compile(r"^(acl|fw|ipc|blocklist)(_v6)?_\d+$")


def curves(rows, kind, is_theirs=False):
    """{flavour and family: [(entries, value, low, high)]} of the generated sets, by the worst trace of each."""
    found = {}
    for row in rows:
        value = row["peer_value"] if is_theirs else row["value"]
        if kind_of(row) != kind or "/" not in row["name"] or not GENERATED.match(set_of(row)) or not value or value <= 0:
            continue
        flavour = "%s, IPv%d" % (set_of(row).split("_")[0], 6 if is_v6(row) else 4)
        point = (entries(row), value) + ((value, value) if is_theirs else (row.get("low") or value, row.get("high") or value))
        size = set_of(row)
        if point[1] > found.setdefault(flavour, {}).get(size, (0, 0))[1]:
            found[flavour][size] = point
    return {name: sorted(points.values()) for name, points in found.items()}


def published(rows, kind):
    """The worst trace of each set that came from a file: (entries, value, name)."""
    found = {}
    for row in rows:
        if kind_of(row) == kind and "/" in row["name"] and not GENERATED.match(set_of(row)) and entries(row) and row["value"] > 0:
            found[set_of(row)] = max((entries(row), row["value"], set_of(row)), found.get(set_of(row), (0, 0, "")), key=lambda point: point[1])
    return list(found.values())


def hit_curves(rows):
    ours, theirs = curves(rows, "hit"), curves(rows, "hit", True)
    renamed = {"ours, " + name.split(", ")[1]: points for name, points in ours.items()}
    renamed.update({"LPM trie, " + name.split(", ")[1]: points for name, points in theirs.items()})
    return renamed


def bars(rows):
    """[(configuration, [(whose, value, low, high)])] of what was measured on the road."""
    found = []
    for row in rows:
        if row["unit"] != "Mpps" or row["value"] is None:
            continue
        whose = "ours" if row["peer"] else "floor"
        name = row["name"].replace("peer/", "").replace("floor/live/", "")
        pair = [(whose, row["value"], row.get("low"), row.get("high"))]
        pair += [("the peer", row["peer_value"], row.get("peer_low"), row.get("peer_high"))] if row["peer"] else []
        found.append((name, pair))
    return found


def plots(rows):
    """(file's ending, title, text of it)"""
    above = "ns above the program without it"
    found = []
    for kind, title, across, of in (("verdict", "A verdict, by the worst trace of each set", "rules", curves(rows, "verdict")),
                                    ("hit", "A prefix found or not, by the worst trace of each list", "prefixes", hit_curves(rows)),
                                    ("add-one", "One rule added: compile, fill, flip", "rules", curves(rows, "add-one"))):
        if any(len(points) > 1 for points in of.values()):
            found.append((kind, title, svg.curves(title, across, "ms" if kind == "add-one" else above, of, published(rows, kind))))
    if bars(rows):
        title = "Packets a second through a veth pair, all to be dropped"
        found.append(("live", title, svg.bars(title, "million packets a second of one core", bars(rows))))
    return found


def write_plots(path, rows):
    lines = []
    for ending, title, text in plots(rows):
        name = "%s-%s.svg" % (os.path.splitext(path)[0], ending)
        with open(name, "w") as file:
            file.write(text)
        lines += ["![%s](%s)" % (title, os.path.basename(name)), ""]
    return ["## Plots", "", "Points are medians, lines at them the spread of the rounds; grey points are published sets.", ""] + lines if lines else []


def write(path, head, rows):
    """head: the lines all pages begin with."""
    lines = head + [""] + live_ratios(rows) + hit_ratios(rows) + worst(rows) + write_plots(path, rows) + change_ratios(rows) + all_rows(rows)
    with open(path, "w") as file:
        file.write("\n".join(lines).rstrip("\n") + "\n")
