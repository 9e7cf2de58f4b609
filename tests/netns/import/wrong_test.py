# SPDX-License-Identifier: Apache-2.0
"""picket import, used wrongly: one sentence that says what to do, its exit code, and no output that apply would take for an empty file."""
import gzip
import os
import subprocess
import tempfile

import dumps

RULES = b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n"
NFT = b"table inet t {\n\tchain i {\n\t\ttype filter hook input priority 0; policy accept;\n\t\ttcp dport 22 drop\n\t}\n}\n"
HUGE = b"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s " + b"1.2.3.4," * 400000 + b" -j DROP\n-A INPUT -s 192.0.2.0/24 -j DROP\nCOMMIT\n"

# words, content of the file (None: there is none), exit code, words of the sentence
WRONG = [
    (["iptables-save", "FILE"], None, 1, ["cannot read", "No such file"]),
    (["iptables-save", "."], None, 1, ["is a folder", "name the file"]),
    (["iptables-save", "FILE"], b"", 1, ["is empty"]),
    (["nft", "FILE"], b"\n \n", 1, ["is empty"]),
    (["ipset", "-"], b"", 1, ["standard input is empty"]),
    (["netset", "FILE"], b"", 1, ["is empty"]),
    (["iptables-save", "FILE"], bytes(range(256)) * 20, 1, ["zero byte", "not a text file"]),
    (["nft", "FILE"], gzip.compress(NFT), 1, ["compressed", "zcat FILE | picket import nft -"]),
    (["iptables-save", "FILE"], NFT, 1, ["looks like", "picket import nft FILE"]),
    (["nft", "FILE"], RULES, 1, ["looks like", "picket import iptables-save FILE"]),
    (["netset", "FILE"], RULES, 1, ["looks like", "picket import iptables-save FILE"]),
    (["ipset", "-"], b"hello world\n", 1, ["nothing in standard input is ipset", "picket import --help"]),
    (["iptables", "FILE"], RULES, 2, ["cannot be imported", "known are"]),
    (["iptables-save"], None, 2, ["something is missing"]),
    (["iptables-save", "FILE", "more"], RULES, 2, ["one word too many"]),
    (["iptables-save", "FILE", "--batches"], RULES, 2, ["--batches"]),
    (["iptables-save", "FILE", "-o", "none/of/these"], RULES, 1, ["cannot write"]),
]


def run(folder, words, content):
    path = os.path.join(folder, "rules")
    if os.path.exists(path):
        os.unlink(path)
    if content is not None:
        open(path, "wb").write(content)
    return subprocess.run([os.path.join(dumps.BUILD, "picket"), "import", *[path if w == "FILE" else w for w in words]], cwd=folder,
                          input=content if "-" in words else b"", capture_output=True, timeout=60, check=False)


with tempfile.TemporaryDirectory() as scratch:
    for words, content, code, said in WRONG:
        done = run(scratch, words, content)
        error = done.stderr.decode(errors="replace")
        assert done.returncode == code, (words, done.returncode, error)
        assert len(error.strip().splitlines()) == 1 and error.startswith("picket: "), (words, error)
        assert all(text in error for text in said), (words, error)
        assert not done.stdout, (words, done.stdout[:200])
    done = run(scratch, ["iptables-save", "FILE"], HUGE)
    assert done.returncode == 4 and b"  - 'drop" in done.stdout, done.stderr[-300:]
    assert len(done.stderr) < 2000 and len(done.stdout) < 2000, "a refused line is shown whole"
    done = run(scratch, ["iptables-save", "-"], RULES)
    assert done.returncode == 0 and b"192.0.2.0/24" in done.stdout
    done = run(scratch, ["iptables-save", "-"], b"*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    assert done.returncode == 0 and b"owner: " in done.stdout, "a firewall without rules is not an empty file"
print("%d wrong uses, a sentence each" % len(WRONG))
