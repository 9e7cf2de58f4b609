#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Foreign clients at one real node. Python signs an entry from docs/format.md alone, applies it, lists and follows, over the local
socket and over TLS; then npm's @grpc/grpc-js lists, and applies a second entry that Python signed."""
import os
import queue
import shutil
import subprocess
import sys
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = os.path.join(TOP, "tests", "clients")
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "netns")]

import grpc  # noqa: E402
import picket_format as fmt  # noqa: E402
from lab import Lab, wait_until  # noqa: E402
from nacl.signing import VerifyKey  # noqa: E402
from picket_client import Author, Client, fleet_status, generate, read_plain_key  # noqa: E402

lab = Lab(1)
of = generate()
entry_pb, rules_pb, log_pb, health_pb, reflection_pb = (of[name] for name in ("entry", "rules", "log", "health", "reflection"))
client = Client(lab.socket(1))


def refused(*call):
    """(code, sentence) of a call that must fail."""
    try:
        client.call(*call)
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("%s was accepted" % call[0])


def apply_request(signed, **wait):
    request = rules_pb.ApplyRequest(entries=[entry_pb.SignedEntry.FromString(signed)])
    if wait:
        request.wait.CopyFrom(rules_pb.Wait(**wait))
    return "/picket.v1.Rules/Apply", request, rules_pb.ApplyResponse


def rules():
    reply = client.call("/picket.v1.Rules/List", rules_pb.ListRequest(kind="rule"), rules_pb.ListResponse)
    return {item.rule.name: item for item in reply.objects}


def put(name, priority, port):
    rule = {"name": name, "priority": priority, "action": fmt.DROP, "direction": 1, "comment": "made by hand",
            "match": {"source": {"prefixes": fmt.prefixes("198.51.100.0/24", "2001:db8:7::/48")}, "protocols": [6, 17],
                      "destination_ports": fmt.ports((port, port + 9))}}
    return fmt.operation(fmt.OP_PUT_RULE, "PutRule", {"rule": rule})


def follow_into(stream, seen):
    try:
        for item in stream:
            seen.put(item)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.CANCELLED, error


def health_and_reflection():
    check = ("/grpc.health.v1.Health/Check", health_pb.HealthCheckResponse)
    serving = health_pb.HealthCheckResponse.SERVING
    for service in ("", "picket.v1.Rules", "picket.v1.Mesh"):
        request = health_pb.HealthCheckRequest(service=service)
        assert client.call(check[0], request, check[1]).status == serving, service
    code, sentence = refused(check[0], health_pb.HealthCheckRequest(service="nobody"), check[1])
    assert code == grpc.StatusCode.NOT_FOUND and "nobody" in sentence, sentence
    watch = client.stream("/grpc.health.v1.Health/Watch", health_pb.HealthCheckRequest(), check[1])
    assert next(watch).status == serving
    watch.cancel()

    asked = [reflection_pb.ServerReflectionRequest(list_services=""),
             reflection_pb.ServerReflectionRequest(file_containing_symbol="picket.v1.Rules")]
    answers = list(client.talk("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", asked,
                               reflection_pb.ServerReflectionResponse))
    listed = {service.name for service in answers[0].list_services_response.service}
    wanted = {"picket.v1." + name for name in ("Rules", "Log", "Fleet", "Node")} | {"grpc.health.v1.Health"}
    assert wanted <= listed, listed
    assert any(b"picket/v1/rules.proto" in file for file in answers[1].file_descriptor_response.file_descriptor_proto)
    print("health serves, reflection lists", len(listed), "services")


def not_there_yet():
    absent = (("/picket.v1.Rules/Plan", rules_pb.ApplyRequest(), rules_pb.PlanResponse),
              ("/picket.v1.Log/Prove", log_pb.GetEntryRequest(), log_pb.Proof),
              ("/picket.v1.Node/Explain", of["node"].ExplainRequest(), of["node"].ExplainResponse),
              ("/picket.v1.Rules/Nonsense", rules_pb.ListRequest(), rules_pb.ListResponse))
    for call in absent:
        code, sentence = refused(*call)
        assert code == grpc.StatusCode.UNIMPLEMENTED and call[0] in sentence and len(sentence.split()) > 4, (code, sentence)
    print("what is not there says so:", sentence)


def python_writes(author):
    seen = queue.Queue()
    stream = client.stream("/picket.v1.Log/Follow", log_pb.ListLogRequest(), log_pb.LogEntry)
    follower = threading.Thread(target=follow_into, args=(stream, seen))
    follower.start()
    signed, entry_id = author.sign(put("by-python", 500, 7000))
    reply = client.call(*apply_request(signed, **{"for": rules_pb.Wait.FOR_ENFORCED, "timeout_ms": 10000}))
    answer = reply.entries[0]
    assert answer.id == entry_id and not answer.known and answer.status == "effective", reply
    assert reply.durable_nodes == 1 and reply.enforced_here, reply

    while True:
        item = seen.get(timeout=10)
        if item.id == entry_id:
            break
    assert item.entry.SerializeToString() == signed, "the log holds other bytes than were signed"
    assert item.status == "effective" and item.person and "by-python" in item.lines[0], item
    stream.cancel()
    follower.join()

    rule = rules()["by-python"]
    assert rule.id == fmt.op_reference(entry_id) and list(rule.heads) == [rule.id] and not rule.conflict, rule
    assert [proof.SerializeToString() for proof in rule.entries] == [signed] and rule.rule.comment == "made by hand", rule
    print("python's entry is enforced, followed as '%s' of %s, and listed" % (item.lines[0][:60], item.person))
    return signed, entry_id


def python_is_refused(known, fresh):
    """known: bytes that were applied; fresh: sound bytes that no node has seen."""
    before = fleet_status(client, of)
    again = client.call(*apply_request(known)).entries[0]
    assert again.known and again.status == "effective", again
    sound = entry_pb.SignedEntry.FromString(fresh)
    later = fmt.encode("Header", dict(fmt.decode("Header", sound.header), valid_until=4102444800))
    for header, signature in ((sound.header, bytes([sound.signature[0] ^ 1]) + sound.signature[1:]), (later, sound.signature)):
        changed = entry_pb.SignedEntry(header=header, ops=sound.ops, signature=signature)
        code, sentence = refused(*apply_request(changed.SerializeToString()))
        assert code == grpc.StatusCode.PERMISSION_DENIED and sentence.startswith("bad_signature: "), (code, sentence)
    code, about_field = refused("/picket.v1.Rules/Get", rules_pb.GetRequest(object=b"short"), rules_pb.Object)
    assert code == grpc.StatusCode.INVALID_ARGUMENT and about_field.startswith("object: "), about_field
    after = fleet_status(client, of)
    assert (after.entries, after.state_root) == (before.entries, before.state_root), "something refused was kept"
    print("the same bytes are known, a changed byte is refused:", sentence)


def verify_log():
    """Every entry of the log, page by page: canonical, signed by its author, linked to the one before."""
    after, heads, count = 0, {}, 0
    while True:
        page = client.call("/picket.v1.Log/List", log_pb.ListLogRequest(after=after, limit=2), log_pb.ListLogResponse)
        for item in page.entries:
            header = fmt.decode("Header", item.entry.header)
            assert item.id == fmt.picket_hash("entry", item.entry.header)
            VerifyKey(header["author"]).verify(item.id, item.entry.signature)
            assert header["ops_hash"] == fmt.picket_hash("ops", item.entry.ops)
            assert (header["seq"] - 1, header.get("prev")) == heads.get(header["author"], (0, None)), "a chain is broken"
            heads[header["author"]] = (header["seq"], item.id)
            count += 1
        if not page.next:
            break
        after = page.next
    told = fleet_status(client, of)
    assert count == told.entries and heads == {head.author: (head.seq, head.id) for head in told.heads}, (count, told)
    print("the log's %d entries verify, with %d authors" % (count, len(heads)))


def python_writes_a_set(author):
    """A set and a rule on it in one changeset: refused without the content, in force with it."""
    elements = {"203.0.113.0/24": 0, "2001:db8:bad::/48": 0}
    elements.update({"192.0.2.%d/32" % host: 0 for host in range(200)})
    content, chunks = fmt.set_content(elements)
    manifest = {"elements_v4": 201, "elements_v6": 1, "content_len": len(content), "chunks": chunks}
    new_set = {"set": {"name": "listed", "kind": 1}, "manifest": manifest}
    rule = {"name": "on-listed", "priority": 40, "action": fmt.DROP, "direction": 1, "match": {"source": {"set": bytes(4)}}}
    signed, _ = author.sign(fmt.operation(fmt.OP_PUT_SET, "PutSet", new_set),
                            fmt.operation(fmt.OP_PUT_RULE, "PutRule", {"rule": rule}))
    code, sentence = refused(*apply_request(signed))
    assert code == grpc.StatusCode.FAILED_PRECONDITION and sentence.startswith("waiting_for_content: "), (code, sentence)
    reply = client.call("/picket.v1.Rules/PutChunks", rules_pb.PutChunksRequest(chunks=[content]), rules_pb.PutChunksResponse)
    assert list(reply.hashes) == chunks
    reply = client.call(*apply_request(signed, **{"for": rules_pb.Wait.FOR_ENFORCED}))
    assert reply.entries[0].status == "effective" and reply.enforced_here, reply
    listed = client.call("/picket.v1.Rules/List", rules_pb.ListRequest(kind="set", name="listed"), rules_pb.ListResponse).objects[0]
    status = client.call("/picket.v1.Node/Status", of["node"].NodeStatusRequest(), of["node"].NodeStatusResponse)
    assert (listed.elements, listed.status, status.prefixes) == (202, "effective", 202), (listed, status)
    print("a set of 202 prefixes and its rule are in force")


def node_client(folder, *words):
    done = subprocess.run(["node", "client.mjs", os.path.join(TOP, "proto"), lab.socket(1), *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, "node client.mjs %s: %s" % (words[0], done.stderr)
    return done.stdout.split()


def node_writes(signed, entry_id):
    """False: there is no Node.js here."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    folder = os.path.join(lab.folder, "node-client")
    shutil.copytree(os.path.join(HERE, "node"), folder, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, "npm could not install @grpc/grpc-js:\n" + done.stdout
    assert node_client(folder, "list") == ["by-python"]
    path = os.path.join(folder, "entry")
    with open(path, "wb") as file:
        file.write(signed)
    assert node_client(folder, "apply", path) == [entry_id.hex(), "effective"]
    assert sorted(node_client(folder, "list")) == ["by-node", "by-python"]
    print("node lists, and applies what python signed")
    return True


def python_over_tls():
    """The TLS port, for an operator's certificate and for none; reflection is the local socket's alone."""
    words = [os.path.join(HERE, "over_tls.py"), lab.address(1) + ":7425", "n1"]
    words += [os.path.join(lab.fleet, name) for name in ("client.pem", "ca.crt")]
    told = lab.run("host", "/usr/bin/python3", "-B", *words).splitlines()
    assert told == ["rules by-python", "health 1", "reflection PERMISSION_DENIED", "alone UNAVAILABLE"], told
    print("over TLS: an operator's certificate lists, none gets nothing")


def python_deletes(author, name):
    """From what the node says, after checking it: the head's reference must be of an entry that this key signed."""
    rule = rules()[name]
    body = fmt.encode("Delete", {"object": rule.id, "bases": list(rule.heads)})
    signed, _ = author.sign({"kind": fmt.OP_DELETE, "body": body})
    assert client.call(*apply_request(signed)).entries[0].status == "effective"
    wait_until("'%s' is gone" % name, lambda: name not in rules())


author = Author(fmt, fmt.Key(read_plain_key(os.path.join(lab.fleet, "operator.key"))), fleet_status(client, of))
health_and_reflection()
not_there_yet()
first, _ = python_writes(author)
second, second_id = author.sign(put("by-node", 600, 8000))
python_is_refused(first, second)
python_over_tls()
has_node = node_writes(second, second_id)
if not has_node:
    client.call(*apply_request(second))
python_deletes(author, "by-python")
python_writes_a_set(author)
verify_log()
if not has_node:
    print("skipped: node or npm is not here, so only the Python client was tried")
    sys.exit(77)
