import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { faultNames } from "../faults/faults.ts";
import { planStrikes, spread, stepsOf } from "../faults/plan.ts";
import { startProxy, type Proxy } from "../faults/proxy.ts";

describe("the plan of a campaign", () => {
  test("steps come once each, without their tokens", () => {
    expect(
      stepsOf(["file /etc/a 644", "file /etc/a 644", "", "boot", "run win10", "file /etc/b 755"]),
    ).toEqual(["file /etc/a", "boot", "run win10", "file /etc/b"]);
  });

  test("every step meets as many faults as were asked for, and every fault comes about as often", () => {
    const steps = { up: Array.from({ length: 13 }, (_, n) => `file ${n}`), destroy: ["leave"] };
    const strikes = planStrikes(steps, faultNames, 3);
    expect(strikes).toHaveLength(42);
    for (const step of [...steps.up, "leave"])
      expect(new Set(strikes.filter((one) => one.step === step).map(({ fault }) => fault)).size).toBe(3);
    const counts = faultNames.map((name) => strikes.filter(({ fault }) => fault === name).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test.each([
    [10, 3],
    [10, 10],
    [10, 20],
    [7, 1],
  ])("of %s at most %s, from the first on", (length, most) => {
    const list = Array.from({ length }, (_, index) => index);
    const chosen = spread(list, most);
    expect(chosen).toHaveLength(Math.min(length, most));
    expect(chosen[0]).toBe(0);
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

  test("passes on, and resets what is open; the next connection passes again", async () => {
    const client = await start();
    expect(await echo(client, "one")).toBe("one");
    const ended = once(client, "error");
    proxy.reset();
    expect((await ended)[0]).toMatchObject({ code: "ECONNRESET" });
    expect(await echo(await open(), "two")).toBe("two");
  });

  test("falls silent on what is open and what comes, and says so to nobody", async () => {
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
    // when this has gone to the other side and back, so would have the others
    expect(await echo(await open(), "four")).toBe("four");
    expect(heard).toEqual([]);
  });
});
