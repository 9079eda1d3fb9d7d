import { z } from "zod";
import { oneOfKinds } from "../../forms.ts";
import { lineSchema, objectNameSchema, pathBelow, pathSchema, sha256Schema } from "../../../facts/text.ts";

export const diskBuses = ["virtio", "sata", "scsi", "ide"] as const;
export type DiskBus = (typeof diskBuses)[number];

const imageFormat = z.enum(["qcow2", "raw"]);

const common = {
  bus: z.enum(diskBuses).optional().describe("how the guest sees the disk; the profile's unless set"),
  target: z
    .string()
    .regex(/^(vd|sd|hd)[a-z]$/, 'expected a target such as "vda", "sdb" or "hda"')
    .optional()
    .describe(
      "the disk's fixed place, such as vdb; by order in the list unless set. Set it before taking an earlier disk out",
    ),
  cache: z
    .enum(["none", "writeback", "writethrough", "directsync", "unsafe"])
    .default("none")
    .describe("host page cache; none goes past it"),
  io: z
    .enum(["native", "threads", "io_uring"])
    .optional()
    .describe("how QEMU reads and writes; native where the cache mode allows it"),
  discard: z.boolean().default(true).describe("hand the guest's TRIM to the storage"),
  serial: lineSchema
    .regex(/^[A-Za-z0-9_.+ -]{1,36}$/, "expected letters, digits, spaces and _.+-, at most 36")
    .optional()
    .describe("serial number the guest reads"),
};

const device = (expected: string, pattern: RegExp) => pathBelow(expected, pattern);

export const diskSchema = z.discriminatedUnion("type", [
  z
    .strictObject({
      type: z.literal("volume").describe("a volume that the stack creates"),
      pool: objectNameSchema.default("default").describe("libvirt pool"),
      name: objectNameSchema.optional().describe("volume name; DOMAIN.qcow2, DOMAIN-1.qcow2, … unless set"),
      sizeGiB: z.int().min(1).max(1_048_576).describe("size in GiB; may grow later, never shrink"),
      format: imageFormat.optional().describe("qcow2 in pools of files, raw in pools of devices unless set"),
      ...common,
    })
    .describe("created by the stack, kept when the domain goes unless deleteData says otherwise"),
  z
    .strictObject({
      type: z.literal("existing-volume").describe("a volume that is there already"),
      pool: objectNameSchema.default("default").describe("libvirt pool"),
      name: objectNameSchema.describe("volume name"),
      format: imageFormat.describe("the volume's real format; it is never guessed"),
      ...common,
    })
    .describe("used as it is, never formatted, never deleted"),
  z
    .strictObject({
      type: z.literal("file").describe("an image file that is there already"),
      path: pathSchema.describe("the file on the host"),
      format: imageFormat.describe("the file's real format; it is never guessed"),
      ...common,
    })
    .describe("used as it is, never formatted, never deleted"),
  z
    .strictObject({
      type: z.literal("lvm").describe("a logical volume that is there already"),
      device: device(
        "a logical volume such as /dev/vg0/win10 or /dev/mapper/vg0-win10",
        /^\/dev\/(mapper\/[^/]+|(?!(disk|zvol|mapper|input|bus|vfio|shm|pts|net|dri|snd|block|char|fd|mqueue|hugepages)\/)[^/]+\/[^/]+)$/,
      ).describe("/dev/VG/LV on the host"),
      ...common,
    })
    .describe("used as it is, never formatted, never deleted"),
  z
    .strictObject({
      type: z.literal("zvol").describe("a ZFS volume that is there already"),
      device: device("a ZFS volume such as /dev/zvol/tank/win10", /^\/dev\/zvol\/[^/]+\/.+$/).describe(
        "/dev/zvol/POOL/… on the host",
      ),
      ...common,
    })
    .describe("used as it is, never formatted, never deleted"),
  z
    .strictObject({
      type: z.literal("block").describe("a whole disk or partition"),
      device: device(
        "a lasting device name such as /dev/disk/by-id/nvme-…; /dev/sda may be another disk after a reboot",
        /^\/dev\/disk\/by-id\/[^/]+$/,
      ).describe("/dev/disk/by-id/… on the host"),
      ...common,
    })
    .describe("used as it is, never formatted, never deleted"),
]);
export type DiskSpec = z.infer<typeof diskSchema>;

const imagePath = pathSchema.transform((path) => ({ path }));
const image = z.strictObject({
  path: pathSchema.describe("the image on the host"),
  sha256: sha256Schema.optional().describe("checked on the host before the image is used"),
});

const mediumSchema = oneOfKinds({ text: imagePath, mapping: image }, "expected a path, or {path: PATH}");

export const driveSchema = oneOfKinds(
  { text: z.union([z.literal("empty"), imagePath], "expected empty or an absolute path"), mapping: image },
  "expected empty, a path, or {path: PATH}",
);

export const installSchema = oneOfKinds(
  {
    text: z.literal("done"),
    mapping: z.strictObject({
      iso: mediumSchema.describe("the operating system's installation image; the domain boots from it"),
      virtioIso: mediumSchema.optional().describe("the virtio drivers for Windows, needed for a virtio disk"),
      autounattend: mediumSchema
        .optional()
        .describe("an image that holds autounattend.xml, for an installation without questions"),
    }),
  },
  "expected done or {iso: PATH}",
).describe("media of the installation: attached and booted from; done, or leaving it out, takes them off");
