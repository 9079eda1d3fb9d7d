import { z } from "zod";
import {
  cardNameSchema,
  lineSchema,
  macSchema,
  objectNameSchema,
  pathBelow,
  pathSchema,
} from "../../../facts/text.ts";
import { oneOfKinds } from "../../forms.ts";

const networkCommon = {
  model: z
    .enum(["virtio", "e1000e", "e1000", "rtl8139"])
    .default("virtio")
    .describe("the card the guest sees; virtio needs its driver, e1000e is in Windows"),
  mac: macSchema.optional().describe("MAC address; fixed by the domain's UUID unless set"),
  link: z.enum(["up", "down"]).default("up").describe("down: as with the cable pulled out; changes at once"),
};

export const networkSchema = z.discriminatedUnion("type", [
  z
    .strictObject({
      type: z.literal("network").describe("one of libvirt's networks"),
      network: z
        .string()
        .regex(/^[A-Za-z0-9_+-]+$/, "expected a libvirt network's name: letters, digits and _+-")
        .default("default")
        .describe("the network's name"),
      ...networkCommon,
    })
    .describe("behind the host, usually by NAT"),
  z
    .strictObject({
      type: z.literal("bridge").describe("a bridge of the host"),
      bridge: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,15}$/, "expected a bridge such as br0, at most 15 characters")
        .describe("the bridge's name"),
      ...networkCommon,
    })
    .describe("on the host's own network"),
]);
export type NetworkSpec = z.infer<typeof networkSchema>;

export const graphicsSchema = z
  .discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("vnc").describe("a VNC server of QEMU"),
      listen: z
        .union([z.ipv4(), z.ipv6()], "expected an IPv4 or IPv6 address")
        .default("127.0.0.1")
        .describe("address on the host; it has no password, so reach the default through an SSH tunnel"),
      port: oneOfKinds(
        { text: z.literal("auto"), number: z.int().min(5900).max(65_535) },
        "expected auto or a port from 5900 to 65535",
      )
        .default("auto")
        .describe("TCP port on the host; auto takes the first free one from 5900"),
    }),
    z.strictObject({ type: z.literal("none").describe("no screen but the card's own") }),
  ])
  .describe("how the emulated screen is reached; it goes dark once the card's own driver runs");
export type GraphicsSpec = z.infer<typeof graphicsSchema>;

export const usbSchema = z
  .strictObject({
    controller: z
      .enum(["qemu-xhci", "nec-xhci", "none"])
      .optional()
      .describe("the emulated USB controller; none: no USB in the guest"),
    devices: z
      .array(
        z.strictObject({
          id: z
            .string()
            .regex(
              /^[0-9a-f]{4}:[0-9a-f]{4}$/i,
              'expected vendor:product as lsusb prints it, such as "046d:c52b"',
            )
            .toLowerCase()
            .describe('vendor:product as lsusb prints it, such as "046d:c52b"'),
          optional: z
            .boolean()
            .default(false)
            .describe("start the domain although the device is not plugged in"),
        }),
      )
      .optional()
      .describe("USB devices of the host handed to the guest"),
  })
  .describe("the USB controller of the guest, and devices of the host behind it");

export const evdevSchema = z
  .strictObject({
    device: pathBelow("an input device below /dev/input/", /^\/dev\/input\/.+$/).describe(
      "/dev/input/by-id/…-event-kbd or …-event-mouse on the host",
    ),
    grab: z
      .enum(["all", "self"])
      .default("all")
      .describe("all: the hotkey switches every device of the domain; self: only this one"),
    hotkey: z
      .enum(["ctrl-ctrl", "alt-alt", "shift-shift", "meta-meta", "scrolllock", "ctrl-scrolllock"])
      .default("ctrl-ctrl")
      .describe("keys that switch the device between host and guest"),
    repeat: z.boolean().default(true).describe("repeat held keys"),
  })
  .describe("a keyboard or mouse of the host, switched between host and guest by a hotkey");
export type EvdevSpec = z.infer<typeof evdevSchema>;

const powerOfTwo = (size: number): boolean => Number.isInteger(Math.log2(size));

export const lookingGlassSchema = z
  .strictObject({
    sizeMiB: z
      .int()
      .min(1)
      .max(1024)
      .refine(powerOfTwo, "expected a power of two, such as 32 for 1080p or 128 for 4K")
      .default(32)
      .describe("shared memory for the picture, a power of two: 32 for 1080p, 64 for 1440p, 128 for 4K"),
    name: objectNameSchema
      .optional()
      .describe("the file below /dev/shm that the client opens; looking-glass-DOMAIN unless set"),
  })
  .describe("shared memory through which the Looking Glass client shows the card's picture on the host");

const folder = {
  source: pathSchema.describe("the folder on the host"),
  tag: lineSchema.max(36, "expected at most 36 characters").describe("the name by which the guest mounts it"),
};

export const sharedFolderSchema = z.discriminatedUnion("type", [
  z
    .strictObject({
      type: z.literal("virtiofs").describe("virtiofsd; fast, in Windows with WinFsp and the virtio drivers"),
      ...folder,
    })
    .describe("needs shared memory, which is then set"),
  z
    .strictObject({
      type: z.literal("9p").describe("QEMU's own; no driver for Windows"),
      ...folder,
      readonly: z.boolean().default(false).describe("the guest cannot write"),
      access: z
        .enum(["mapped", "passthrough", "squash"])
        .default("mapped")
        .describe("how owners and modes are kept"),
    })
    .describe("for Linux guests"),
]);
export type SharedFolderSpec = z.infer<typeof sharedFolderSchema>;

export const balloonSchema = oneOfKinds(
  {
    text: z.literal("off"),
    mapping: z.strictObject({
      statsSeconds: z
        .int()
        .min(1)
        .max(3600)
        .describe("how often the guest reports its use of memory; needs the balloon driver in the guest"),
    }),
  },
  "expected off or {statsSeconds: N}",
).describe("memory balloon: useless with a card, whose guest's memory stays pinned; only for its statistics");

export const gpusSchema = oneOfKinds(
  {
    list: z
      .array(cardNameSchema)
      .max(8)
      .refine((names) => new Set(names).size === names.length, "names a card twice"),
    mapping: z.strictObject({ any: z.int().min(1).max(8).describe("how many free cards to take") }),
  },
  "expected a list of cards' names, or {any: N}",
).describe("cards by their names in the stack, or {any: N} for any N free ones");
