# SPDX-License-Identifier: Apache-2.0
"""page.py - the page of the packet bench: ratios with their budgets (design, section 9), then rows, then curves."""
import os
import re

import svg

# How many times as many packets a second, or as fast, ours has to be.
RATIOS = {"nft/linear-1k": 20, "nft/linear-10k": 150, "nft/concatenated-10k": 8, "nft/interval-10k": 8, "nft/interval-100k": 6,
          "ipset/hash-net-10k": 7, "ipset/hash-net-100k": 6, "xdp-filter/ipv4-10k": 1.2}
# By entries: the budget of the first line that has as many.
VERDICT_NS = ((1500, 115), (15000, 170), (150000, 300))
HIT_NS = ((15000, 40), (150000, 140), (1500000, 260))
COMPILE_MS = ((15000, 50), (150000, 500), (1500000, 1500))
IPV6_FACTOR = 1.6
UNITS = {None: 1, "": 1, "k": 1000, "M": 1000000}


def entries(name):
    """How many rules or prefixes a set has, by its name: acl_v6_10000, neurocuts_acl1_10k, derived_union_v4_1M."""
    found = re.search(r"_(\d+)(k|M)?(?:_|/|$)", name)
    return int(found.group(1)) * UNITS[found.group(2)] if found else None


def by_entries(table, count):
    return next((value for most, value in table if count is not None and count <= most), None)


def is_budgeted_hit(name):
    return name.endswith("/hit") and (entries(name) or 0) >= 10000


def limit(row):
    """The most the row may be, in its unit, or None."""
    name = row["name"]
    kind, is_v6, count = name.split("/")[0], "v6" in name, entries(name)
    if kind == "verdict" or is_budgeted_hit(name):
        value = by_entries(VERDICT_NS if kind == "verdict" else HIT_NS, count)
        return value and value * (IPV6_FACTOR if is_v6 else 1)
    if kind == "compile":
        return by_entries(COMPILE_MS, count)
    if kind == "memory":
        if "rule" in row["unit"]:
            return 256 if is_v6 else 128
        return 64 if count and count >= 1000000 else None  # small lists pay for a root
    return 50 if kind in ("swap", "add-one") and row["unit"] == "ms" else None


def ratio(row):
    if not row["peer_value"] or not row["value"] or row["name"].split("/")[0] not in ("peer", "hit"):
        return None
    return row["value"] / row["peer_value"] if row["unit"] == "Mpps" else row["peer_value"] / row["value"]


def ratio_budget(row):
    if row["name"].startswith("hit/"):
        return 6 if is_budgeted_hit(row["name"]) else None
    return RATIOS.get(row["name"].split("/", 1)[1])


def met(is_met):
    return "yes" if is_met else "**no**"


def shown(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 1000 else "%.3g" % value


def spread(row, prefix=""):
    value = row["peer_value"] if prefix else row["value"]
    if row.get(prefix + "low") is None or value is None:
        return shown(value)
    return "%s (%s-%s)" % (shown(value), shown(row[prefix + "low"]), shown(row[prefix + "high"]))


def ratios(rows):
    lines = ["## Times as fast as the peer", "", "| what | the peer | ratio | budget | met |", "|---|---|---|---|---|"]
    for row in rows:
        times = ratio(row)
        if times is None:
            continue
        budget = ratio_budget(row)
        lines.append("| `%s` | %s | %s | %s | %s |" % (row["name"], row["peer"], shown(times), ">= %g" % budget if budget else "",
                                                       met(times >= budget) if budget else ""))
    return lines


def absolute(rows):
    lines = ["## Rows", "", "| what | ours | unit | budget | met | the peer | its value | busy | refused |", "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        budget = limit(row)
        busy = ["/".join(shown(row[key]) for key in (what, "peer_" + what) if row.get(key) is not None) for what in ("busy", "refused")]
        lines.append("| `%s` | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            row["name"], spread(row), row["unit"], "<= %g" % budget if budget else "",
            met(row["value"] <= budget) if budget and row["value"] is not None else "",
            row["peer"] or "", spread(row, "peer_") if row["peer"] else "", busy[0], busy[1]))
    return lines


def curves(rows, kind):
    """{flavour and trace: [(entries, value)]}, and the peer's where there is one; the worst trace of each set."""
    ours, theirs = {}, {}
    for row in rows:
        parts, count = row["name"].split("/"), entries(row["name"])
        if parts[0] != kind or count is None or len(parts) < 3 or not row["value"] or row["value"] <= 0:
            continue
        name = re.sub(r"_(\d+)(k|M)?(?=_|$)", "", parts[1])
        ours.setdefault(name, {})[count] = max(row["value"], ours.get(name, {}).get(count, 0))
        if kind == "hit" and row["peer_value"] and row["peer_value"] > 0:
            theirs.setdefault(name + ", LPM trie", {})[count] = max(row["peer_value"], theirs.get(name + ", LPM trie", {}).get(count, 0))
    return {name: list(points.items()) for name, points in {**ours, **theirs}.items() if len(points) > 1}


PLOTS = (("verdict", "A verdict, the worst trace of a set", "rules"), ("hit", "A prefix found, the worst trace of a list", "prefixes"))


def write_plots(path, rows):
    lines = []
    for kind, title, what in PLOTS:
        found = curves(rows, kind)
        if not found:
            continue
        name = "%s-%s.svg" % (os.path.splitext(path)[0], kind)
        with open(name, "w") as file:
            file.write(svg.plot(title, what, "ns above the program without it", found))
        lines += ["![%s](%s)" % (title, os.path.basename(name)), ""]
    return lines


def write(path, head, rows):
    """head: the lines all pages begin with."""
    lines = head + [""] + ratios(rows) + [""] + write_plots(path, rows) + absolute(rows)
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
