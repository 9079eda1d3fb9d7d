import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Outcome } from "../../faults/campaign.ts";
import { faultNames, faultOf, type FaultName } from "../../faults/faults.ts";
import { atMost, listed, rotation, stepName, type Choice } from "../../faults/plan.ts";
import { startProxy, type Proxy } from "../../faults/proxy.ts";
import { noteOutcomes, readRecord } from "../../faults/record.ts";

describe("the choice of faults", () => {
  const steps = ["packages", "boot", "libvirtd", ...Array.from({ length: 13 }, (_, n) => `file /etc/${n}`)];
  const two = (choice: Choice): [string, FaultName | undefined][] =>
    [...steps, ...steps].map((step) => [step, choice("up", step)]);

  test("a step's name leaves out the parts that change from run to run", () => {
    expect(stepName("file /etc/a 644 token=x")).toBe("file /etc/a");
    expect(stepName("boot\n")).toBe("boot");
  });

  test("no step meets one fault twice, and faults for any step come about equally often", () => {
    const chosen = two(rotation(faultNames));
    expect(new Set(chosen.map(String)).size).toBe(2 * steps.length);
    const counts = faultNames
      .filter((name) => faultOf(name).at === undefined)
      .map((name) => chosen.filter(([, fault]) => fault === name).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(new Set(chosen.map(([, fault]) => fault))).toEqual(new Set(faultNames));
  });

  test("a fault strikes only where it has an effect", () => {
    for (const [step, fault] of two(rotation(faultNames)))
      expect([step, fault, fault && (faultOf(fault).at?.test(step) ?? true)]).toEqual([step, fault, true]);
    expect(rotation(["dpkg locked"])("up", "boot")).toBeUndefined();
    expect(rotation(["power cut"], (step) => step === "boot")("up", "packages")).toBeUndefined();
  });

  test("the choice continues from the recorded strikes of an earlier campaign", () => {
    const folder = mkdtempSync(join(tmpdir(), "vfio-fleet-record-"));
    const file = join(folder, "record");
    const note = (step: string, fault: FaultName): Outcome => ({
      host: "h",
      direction: "up",
      step,
      fault,
      wrong: ["a\nb"],
    });
    try {
      expect(readRecord(file)).toEqual([]);
      const outcomes = [note("boot", "power cut"), note("packages libvirt-daemon-system", "disk full")];
      for (const one of outcomes) noteOutcomes(file, [one]);
      expect(readRecord(file)).toEqual(outcomes);
      const choice = rotation(["power cut", "disk full", "engine killed"], undefined, readRecord(file));
      expect([choice("up", "boot"), choice("up", "boot"), choice("up", "boot")]).toEqual([
        "engine killed",
        "disk full",
        undefined,
      ]);
      // A fresh choice, because the one above has already counted these.
      const first = rotation(["disk full", "engine killed"], undefined, readRecord(file));
      expect([first("up", "packages"), first("up", "packages")]).toEqual(["engine killed", undefined]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("the number of strikes is limited", () => {
    expect(two(atMost(5, rotation(faultNames))).filter(([, fault]) => fault)).toHaveLength(5);
  });

  test("listed strikes come once each, in any order of steps", () => {
    const choice = listed([
      { direction: "up", step: "boot", fault: "power cut" },
      { direction: "up", step: "file ", fault: "disk full" },
      { direction: "destroy", step: "file ", fault: "plugin killed" },
    ]);
    expect(two(choice).filter(([, fault]) => fault)).toEqual([
      ["boot", "power cut"],
      ["file /etc/0", "disk full"],
    ]);
    expect(choice("destroy", "file /etc/0")).toBe("plugin killed");
  });
});

describe("the proxy", () => {
  let proxy: Proxy;
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  afterEach(async () => {
    await proxy.close();
    server.close();
  });
  const start = async (): Promise<Socket> => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    proxy = await startProxy(() => (server.address() as AddressInfo).port);
    return open();
  };
  const open = async (): Promise<Socket> => {
    const client = connect(proxy.port, "127.0.0.1");
    await once(client, "connect");
    return client;
  };
  const echo = async (client: Socket, text: string): Promise<string> => {
    client.write(text);
    const [answer] = (await once(client, "data")) as [Buffer];
    return answer.toString();
  };

  test("forwards data, and resets open connections; the next connection works", async () => {
    const client = await start();
    expect(await echo(client, "one")).toBe("one");
    const ended = once(client, "error");
    proxy.reset();
    expect((await ended)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(await echo(await open(), "two")).toBe("two");
  });

  test("drops data of old and new connections silently", async () => {
    const client = await start();
    expect(await echo(client, "one")).toBe("one");
    proxy.silence();
    const heard: string[] = [];
    client
      .on("data", (chunk: Buffer) => heard.push(chunk.toString()))
      .on("close", () => heard.push("closed"));
    client.write("two");
    const late = await open();
    late.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
    late.write("three");
    proxy.restore();
    // If this has made the round trip, the dropped data would have arrived too.
    expect(await echo(await open(), "four")).toBe("four");
    expect(heard).toEqual([]);
  });
});
