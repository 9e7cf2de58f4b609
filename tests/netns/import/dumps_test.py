# SPDX-License-Identifier: Apache-2.0
"""Real saved firewalls: every rule line is imported, noted or refused with its reason; nothing crashes."""
import collections
import concurrent.futures
import re

import dumps


def main():
    folder = dumps.find_data("firewall")
    if not folder:
        dumps.skip("no test data here (PICKET_DATA): firewall/")
    counts = collections.Counter()
    found = [dump for dump in dumps.all_dumps(folder) if dump[2].strip()]  # an empty one is refused
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda dump: dumps.run_import(dump[0], dump[2]), found))
    for (_, name, _), (code, yaml, remarks) in zip(found, answers):
        if code == 1 and "nothing in standard input is" in remarks:
            counts.update(other_formats=1)  # such as what iptables -L prints
            continue
        assert code in (0, 4), "%s: exit %d: %s" % (name, code, remarks[-300:])
        rules, sets, refused = map(int, re.search(r"^(\d+) rules, (\d+) sets, (\d+) lines refused$", remarks, re.M).groups())
        assert (code == 4) == (refused > 0), name
        assert "owner: " in yaml and rules == len(re.findall(r"^  - '", yaml, re.M)), name
        assert refused == len(re.findall(r"^standard input:\d+: (?!note: ).+: .*$", remarks, re.M)), name
        counts.update(files=1, rules=rules, sets=sets, refused=refused, notes=len(dumps.noted_lines(remarks)))
    assert counts["other_formats"] <= 1, counts
    print(", ".join("%d %s" % (counts[k], k) for k in ("files", "rules", "sets", "refused", "notes", "other_formats")))


if __name__ == "__main__":
    main()
