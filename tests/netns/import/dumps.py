# SPDX-License-Identifier: Apache-2.0
"""dumps.py - real saved firewalls of the test data, and picket import over them."""
import io
import os
import re
import subprocess
import sys
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("PICKET_BUILD") or os.path.join(TOP, "build", "dev")


def skip(sentence):
    print("skipped:", sentence)
    sys.exit(77)


def find_data(name):
    for root in (os.environ.get("PICKET_DATA"), os.path.join(TOP, "shared", "data"), os.path.join(TOP, "..", "shared", "data")):
        if root and os.path.exists(os.path.join(root, name)):
            return os.path.join(root, name)
    return None


def in_archive(folder, name, wanted):
    """(name, bytes) of the files in an archive."""
    with tarfile.open(fileobj=io.BytesIO(open(os.path.join(folder, name), "rb").read())) as archive:
        for member in archive:
            if member.isfile() and wanted(member.name):
                yield member.name, archive.extractfile(member).read()


def all_dumps(folder):
    """(format, name, bytes) of everything that is in scope."""
    for name in sorted(os.listdir(folder)):
        if name.startswith("netnet__"):
            yield "iptables-save", name, open(os.path.join(folder, name), "rb").read()
    for name, text in in_archive(folder, "nftables_tests_shell_dumps.tar.gz", lambda n: n.endswith(".nft")):
        yield "nft", name, text
    seen = 0
    for name, text in in_archive(folder, "docker_golden.tar.gz", lambda n: n.endswith(".golden")):
        seen += 1
        if seen % 8 == 0:  # they are much alike
            yield ("nft" if "Nftabler" in name else "iptables-save"), name, text
    for name, text in in_archive(folder, "iptables_1.8.9_tests.tar.gz", lambda n: "/dumps/" in n):
        yield "iptables-save", name, text
    for name, text in in_archive(folder, "openwrt_fw4_tests.tar.gz", lambda n: "/tests/0" in "/" + n):
        part = text.split(b"-- Expect stdout --\n")
        if len(part) > 1:
            yield "nft", name, part[1].split(b"-- End --")[0]


def run_import(form, text):
    """(exit code, YAML, remarks) of picket import."""
    done = subprocess.run([os.path.join(BUILD, "picket"), "import", form, "-"], input=text, capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def refused_lines(remarks):
    return {int(n) for n in re.findall(r"^standard input:(\d+): (?!note: )", remarks, re.M)}


def noted_lines(remarks):
    return {int(n) for n in re.findall(r"^standard input:(\d+): note: ", remarks, re.M)}


def rule_texts(yaml):
    """The rules' lines, and sets as `set NAME PREFIX ...`."""
    sets = re.findall(r"  - name: '([^']+)'\n    elements: \[([^]]*)\]", yaml)
    lines = ["set %s %s" % (name, " ".join(p.strip(" '\n") for p in text.split(",") if p.strip())) for name, text in sets]
    return lines + [m.replace("''", "'") for m in re.findall(r"^  - '(.*)'$", yaml, re.M)]
