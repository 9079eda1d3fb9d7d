import { z } from "zod";
import { oneOfKinds } from "../../forms.ts";
import { cpusetSchema } from "./cpuset.ts";

const count = (most: number) => z.int().min(1).max(most);

export const topologySchema = z
  .strictObject({
    sockets: count(8).describe("CPU sockets the guest sees"),
    cores: count(512).describe("cores in each socket"),
    threads: count(8).describe("threads of each core"),
  })
  .describe("what the guest's CPU looks like; sockets x cores x threads is its number of CPUs");
export type Topology = z.infer<typeof topologySchema>;

export const cpuSchema = z
  .strictObject({
    mode: z
      .enum(["host-passthrough", "host-model", "maximum"])
      .optional()
      .describe(
        "host-passthrough: the host's own CPU (needs KVM); host-model: libvirt's nearest named model; maximum: all that the accelerator offers, the default under virtualization: qemu",
      ),
    cachePassthrough: z
      .boolean()
      .optional()
      .describe("show the guest the host's caches (host-passthrough only)"),
    features: z
      .record(
        z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, "expected a CPU feature's name, such as invtsc"),
        z.enum(["force", "require", "optional", "disable", "forbid"]),
      )
      .optional()
      .describe("single CPU features and libvirt's policy for each, such as {invtsc: require}"),
  })
  .describe("the CPU model the guest sees");

export const pinningSchema = z
  .strictObject({
    vcpus: z
      .array(cpusetSchema)
      .min(1)
      .describe('host CPUs of each guest CPU in their order, such as ["2", "8", "3", "9"]'),
    emulator: cpusetSchema
      .optional()
      .describe('host CPUs for the rest of the QEMU process, such as "0-1,6-7"'),
    iothreads: z.array(cpusetSchema).default([]).describe("host CPUs of each I/O thread in their order"),
    memoryNode: z
      .int()
      .min(0)
      .max(1023)
      .optional()
      .describe("NUMA node that all memory has to come from; anywhere unless set"),
    crossNode: z
      .boolean()
      .default(false)
      .describe("accept CPUs or memory on another NUMA node than the cards'"),
  })
  .describe("which host CPUs run the guest; without it the host's scheduler decides");
export type Pinning = z.infer<typeof pinningSchema>;

/** libvirt's names (formatdomain, "Hypervisor features") that libvirt 9.0 knows. */
const enlightenments = [
  "relaxed",
  "vapic",
  "spinlocks",
  "vpindex",
  "runtime",
  "synic",
  "stimer",
  "reset",
  "frequencies",
  "reenlightenment",
  "tlbflush",
  "ipi",
  "evmcs",
  "avic",
] as const;
export type Enlightenment = (typeof enlightenments)[number];

export const hypervSchema = z
  .strictObject({
    vendorId: oneOfKinds(
      {
        text: z.string().regex(/^[A-Za-z0-9 _.-]{1,12}$/, "expected 1 to 12 letters, digits, spaces or _.-"),
        boolean: z.literal(false),
      },
      "expected 1 to 12 letters, digits, spaces or _.-, or false",
    )
      .optional()
      .describe("what the hypervisor calls itself to Windows, at most 12 characters; false: Microsoft Hv"),
    enlightenments: oneOfKinds(
      { text: z.enum(["none", "host"]), list: z.array(z.enum(enlightenments)) },
      "expected none, host or a list of names",
    )
      .optional()
      .describe(
        "help for Windows as a guest: host picks all that the host's CPU and accelerator serve, or a list of libvirt's names",
      ),
  })
  .describe("the hyperv interface that Windows sees");

export const clockSchema = z
  .strictObject({
    offset: z
      .enum(["localtime", "utc"])
      .optional()
      .describe("what the guest's clock shows; Windows expects localtime"),
    hpet: z.boolean().optional().describe("offer the HPET timer; it costs CPU time under Windows"),
    hypervClock: z.boolean().optional().describe("offer the hyperv reference clock, which Windows prefers"),
  })
  .describe("clock and timers");
