import type { EngineEvent } from "@pulumi/pulumi/automation/events.js";
import { expect, test } from "vitest";
import { hostEvents } from "../../../fleet/stack/engine/events.ts";

const urn = (name: string, type = "command:remote:Command"): string =>
  `urn:pulumi:rack::vfio-fleet::vfio-fleet:index:GpuHost$${type}::${name}`;
const event = (more: object): EngineEvent => ({ sequence: 1, timestamp: 1, ...more });
const before = (op: string, name: string, type = "command:remote:Command") =>
  event({ resourcePreEvent: { metadata: { op, urn: urn(name, type), type } } });

test("a step belongs to the host in its resource's name, whatever the name contains", () => {
  expect(hostEvents(before("update", "a1:/etc/x::y"), ["a1", "a"])).toEqual([
    { kind: "step", host: "a1", step: "/etc/x::y" },
  ]);
});

test("unchanged resources and other events give nothing", () => {
  expect(hostEvents(before("same", "a1:boot"), ["a1"])).toEqual([]);
  expect(hostEvents(before("create", "a1", "vfio-fleet:index:GpuHost"), ["a1"])).toEqual([]);
  expect(hostEvents(before("create", "other:boot"), ["a1"])).toEqual([]);
});

test.each([
  ["create", "create"],
  ["update", "update"],
  ["delete", "delete"],
  ["replace", "replace"],
])("%s counts", (op, change) => {
  const done = event({ resOutputsEvent: { metadata: { op, urn: urn("a1:boot"), type: "" } } });
  expect(hostEvents(done, ["a1"])).toEqual([{ kind: "change", host: "a1", change }]);
});

test("errors come without colours, and with their host if it is known", () => {
  const said = event({
    diagnosticEvent: {
      urn: urn("a1:boot"),
      prefix: "<{%fg 1%}>error: <{%reset%}>",
      message: "no\n",
      severity: "error",
      color: "never",
    },
  });
  expect(hostEvents(said, ["a1"])).toEqual([
    { kind: "says", host: "a1", severity: "error", text: "error: no" },
  ]);
});

test("debug messages are dropped, because they hold private keys", () => {
  const said = event({
    diagnosticEvent: { message: "privateKey, -----BEGIN", severity: "debug", color: "never" },
  });
  expect(hostEvents(said, ["a1"])).toEqual([]);
});
