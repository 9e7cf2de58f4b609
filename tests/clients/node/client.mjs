// SPDX-License-Identifier: Apache-2.0
// client.mjs PROTO_FOLDER SOCKET list            - prints the names of the rules, one a line
// client.mjs PROTO_FOLDER SOCKET apply FILE      - submits the SignedEntry in FILE; prints its id and status
import { readFileSync } from "node:fs";
import grpc from "@grpc/grpc-js";
import loader from "@grpc/proto-loader";

const [folder, socket, verb, file] = process.argv.slice(2);
const options = { keepCase: true, includeDirs: [folder] };
const load = (name) => loader.loadSync(`picket/v1/${name}.proto`, options);
const rules = new (grpc.loadPackageDefinition(load("rules")).picket.v1.Rules)(
  `unix:${socket}`,
  grpc.credentials.createInsecure(),
);

function call(method, request) {
  return new Promise((resolve, reject) =>
    rules[method](request, { deadline: Date.now() + 10000 }, (error, reply) => (error ? reject(error) : resolve(reply))),
  );
}

// A length-delimited field of a protobuf message, by number: enough to take a SignedEntry apart unchanged.
function field(bytes, wanted) {
  for (let at = 0; at < bytes.length; ) {
    const number = bytes[at++] >> 3;
    let length = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      more = bytes[at] > 127;
      length |= (bytes[at++] & 127) << shift;
    }
    if (number === wanted) return bytes.subarray(at, at + length);
    at += length;
  }
  throw new Error(`the entry has no field ${wanted}`);
}

try {
  if (verb === "list") {
    const reply = await call("List", { kind: "rule" });
    for (const object of reply.objects) console.log(object.rule.name);
  } else {
    const bytes = readFileSync(file);
    const entry = { header: field(bytes, 1), ops: field(bytes, 2), signature: field(bytes, 3) };
    const reply = await call("Apply", { entries: [entry] });
    console.log(reply.entries[0].id.toString("hex"), reply.entries[0].status);
  }
} catch (error) {
  console.error(`${error.code ?? ""} ${error.details ?? error.message}`);
  process.exitCode = 1;
}
