import * as pulumi from "@pulumi/pulumi";
import { afterEach, beforeAll, expect, test } from "vitest";
import { planRoms, type GivenRom, type RomPlan } from "../../components/plan/rom/rom-plan.ts";
import { cardSchema } from "../../components/plan/kernel/kernel-spec.ts";
import { hostCommands, type HostContext } from "../../components/step-commands.ts";
import { VideoBios } from "../../components/video-bios.ts";
import { xeonFacts } from "../fixtures/xeon.ts";
import { ipxeRom, KIB, makeNvidiaRom, readBytes } from "../unit/support/option-rom.ts";

const made: { readonly name: string; readonly inputs: Record<string, unknown> }[] = [];
/** The host's output for a dump. */
let shown: Uint8Array = new Uint8Array();

const ROM = makeNvidiaRom({ size: 128 * KIB });
const PATH = "/usr/share/qemu/vfio-fleet/gtx1050.rom";
const DUMPED = "/usr/share/qemu/vfio-fleet/gtx1050.dump.rom";

beforeAll(async () => {
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs, id }) => {
      made.push({ name, inputs: inputs as Record<string, unknown> });
      return {
        id: id ?? name,
        state: { ...(inputs as object), stdout: Buffer.from(shown).toString("base64") },
      };
    },
    call: () => ({}),
  });
});

const host: HostContext = {
  name: "xeon",
  connection: {
    host: "192.0.2.10",
    port: 22,
    user: "root",
    hostKey: "ssh-ed25519 AAAA",
    auth: { kind: "key", path: "~/.ssh/id_ed25519", privateKey: "the private key" },
  },
  facts: xeonFacts(),
  run: "2026-01-02T03:04:05.000Z,op@desk,4711,test,9",
};

const planFor = (rom: unknown): RomPlan => {
  const given: Record<string, GivenRom> = { gtx1050: { ok: true, bytes: ROM } };
  const card = cardSchema.parse({ address: "03:00.0", ids: ["10de:1c81", "10de:0fb9"], rom });
  const plan = planRoms({ gtx1050: card }, host.facts, given);
  if (!plan.ok) throw new Error(JSON.stringify(plan.problems));
  return plan.value;
};

/**
 * Declares the ROM and a domain's step that depends on it, as a host does. Returns the result of that step's
 * resource.
 */
const declare = async (rom: unknown): Promise<string> => {
  made.length = 0;
  const agent = new pulumi.ComponentResource("test:index:Agent", "agent");
  const roms = new VideoBios(host, planFor(rom), agent, {});
  const step = {
    key: "domain win10",
    verb: "domain",
    args: ["win10"],
    input: "<domain/>",
    after: [],
    inPlace: false,
  };
  const parent = new pulumi.ComponentResource("test:index:Domain", "win10");
  const domain = hostCommands(host, [step], parent, [roms], roms.judged).get("domain win10");
  if (!domain) throw new Error("no domain");
  const urn = domain.urn as unknown as { promise(): Promise<string> };
  return Promise.race([urn.promise().then(() => "made"), failure()]);
};

/** How the program ends: Pulumi ends it at the first unhandled rejection and prints its message. */
const failure = async (): Promise<string> => {
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const reason = await new Promise<unknown>((resolve) => {
    process.on("unhandledRejection", resolve);
    // The handlers are restored before the next test.
    giveBack = () => {
      process.removeAllListeners("unhandledRejection");
      for (const listener of others) process.on("unhandledRejection", listener);
    };
  });
  return reason instanceof Error ? reason.message : String(reason);
};
let giveBack = (): void => undefined;
afterEach(async () => {
  // Rejections that follow from the first one come within the same turn.
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  giveBack();
});

const inputsOf = (name: string): Record<string, unknown> | undefined =>
  made.find((one) => one.name === `xeon:${name}`)?.inputs;

test("a file is sent by stdin, as a secret that no diff shows", async () => {
  expect(await declare({ file: "roms/gtx1050.rom" })).toBe("made");
  const step = inputsOf(PATH);
  const stdin = step?.["stdin"] as { value: string };
  expect(step).toMatchObject({
    create: `/usr/local/lib/vfio-fleet/host rom ${PATH} key=${PATH} token=2026-01-02T03:04:05.000Z,op@desk,4711,test,9 bytes=${stdin.value.length}`,
    delete: `/usr/local/lib/vfio-fleet/host unrom ${PATH}`,
  });
  expect(Buffer.compare(Buffer.from(stdin.value, "base64"), ROM)).toBe(0);
});

test("a usable dump lets the domain's step run, and the domain's definition stays readable", async () => {
  shown = ROM;
  expect(await declare({ dump: true })).toBe("made");
  expect(inputsOf(DUMPED)).toMatchObject({
    create: `/usr/local/lib/vfio-fleet/host dump ${DUMPED} 0000:03:00.0 10de:1c81 key=${DUMPED} token=2026-01-02T03:04:05.000Z,op@desk,4711,test,9`,
    logging: "stderr",
  });
  expect(inputsOf("domain win10")?.["stdin"]).toBe("<domain/>");
});

test("an unusable dump ends the program with its findings before the domain is touched", async () => {
  shown = readBytes(ipxeRom("efi-e1000e.rom"));
  expect(await declare({ dump: true })).toMatch(
    /xeon: 1 problem, no domain was changed\n {2}cards\.gtx1050\.rom\.dump: what the card shows cannot work for 10de:1c81: made for 8086:10d3/,
  );
  expect(inputsOf(DUMPED)).toBeDefined();
  expect(inputsOf("domain win10")).toBeUndefined();
});
