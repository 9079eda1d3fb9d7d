import { describe, expect, test } from "vitest";
import { z } from "zod";
import { parseCpuset, formatCpuset } from "../../../components/plan/domain/spec/cpuset.ts";
import { domainSchema } from "../../../components/plan/domain/spec/schema.ts";
import { profileSettings } from "../../../components/plan/domain/spec/settings.ts";
import { domainUuid, interfaceMac, uuidV5 } from "../../../components/plan/domain/resolve/uuid.ts";
import { full, minimal } from "../../fixtures/domain.ts";

const issues = (input: unknown): string[] => {
  const read = domainSchema.safeParse(input);
  return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
};

/** Every field of every object below a schema, with its path. */
const fields = (schema: unknown, path: string): { path: string; description: string | undefined }[] => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return fields(schema.def.innerType, path);
  if (schema instanceof z.ZodPipe) return fields(schema.def.in, path);
  if (schema instanceof z.ZodArray) return fields(schema.def.element, `${path}[]`);
  if (schema instanceof z.ZodUnion) return schema.def.options.flatMap((option) => fields(option, path));
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([name, field]) => {
      const at = path === "" ? name : `${path}.${name}`;
      // The description of the field, or of the schema inside its optional or default.
      const described = (one: unknown): string | undefined =>
        one instanceof z.ZodType
          ? (one.description ??
            (one instanceof z.ZodOptional || one instanceof z.ZodDefault
              ? described(one.def.innerType)
              : undefined))
          : undefined;
      return [{ path: at, description: described(field) }, ...fields(field, at)];
    });
  return [];
};

test("every field is described", () => {
  const all = fields(domainSchema, "");
  expect(all.length).toBeGreaterThan(90);
  expect(all.filter(({ description }) => (description ?? "").length < 8).map(({ path }) => path)).toEqual([]);
});

test("the smallest domain and one with every field are accepted", () => {
  expect(issues(minimal)).toEqual([]);
  expect(issues(full)).toEqual([]);
});

test("the full domain of the fixtures sets every field", () => {
  expect(Object.keys(full).sort()).toEqual(Object.keys(domainSchema.shape).sort());
});

test("both profiles fill the same fields", () => {
  expect(Object.keys(profileSettings.reference).sort()).toEqual(
    Object.keys(profileSettings["windows-11"]).sort(),
  );
});

describe("each mistake is named with its place", () => {
  test.each<readonly [field: string, value: unknown, line: string | RegExp]>([
    ["colour", "red", ': Unrecognized key: "colour"'],
    ["profile", "windows-95", /^profile: Invalid option: expected one of "reference"\|"windows-11"/],
    ["memory", "8GiB", 'memory: expected a number, a space and MiB, GiB or TiB, such as "8 GiB"'],
    ["memory", 8, 'memory: expected a number, a space and MiB, GiB or TiB, such as "8 GiB"'],
    ["memory", "0 GiB", 'memory: "0 GiB" is not a positive whole number of MiB'],
    ["memory", "-1 GiB", /^memory: /],
    ["memory", "0.3 MiB", 'memory: "0.3 MiB" is not a positive whole number of MiB'],
    ["memory", "9999999999999 TiB", /not a positive whole number/],
    ["machine", "pc-q36-1", 'machine: expected i440fx, q35 or a versioned one such as "pc-q35-7.2"'],
    ["topology", { sockets: 1, cores: 0, threads: 1 }, /^topology\.cores: /],
    ["topology", { sockets: 1, cores: 1 }, /^topology\.threads: /],
    ["pinning", { vcpus: ["3-1"] }, 'pinning.vcpus.0: "3-1" is not a list of host CPUs such as "0-3,8"'],
    ["firmware", { code: "/a" }, "firmware: code and vars go together"],
    ["hyperv", { vendorId: "thirteen chars" }, /^hyperv\.vendorId: expected 1 to 12 letters/],
    ["hyperv", { enlightenments: ["turbo"] }, /^hyperv\.enlightenments\.0: /],
    ["disks", [{ type: "floppy" }], /^disks\.0\.type: /],
    [
      "disks",
      [{ type: "file", path: "images/a", format: "raw" }],
      /^disks\.0\.path: expected an absolute path/,
    ],
    [
      "disks",
      [{ type: "file", path: "/a/../b", format: "raw" }],
      /^disks\.0\.path: expected an absolute path/,
    ],
    ["disks", [{ type: "file", path: "/a//b", format: "raw" }], /^disks\.0\.path: expected an absolute path/],
    ["disks", [{ type: "file", path: "/a\nb", format: "raw" }], /^disks\.0\.path: expected one line of text/],
    ["disks", [{ type: "file", path: "/a" }], /^disks\.0\.format: /],
    ["disks", [{ type: "lvm", device: "/dev/sda" }], /^disks\.0\.device: expected a logical volume/],
    ["disks", [{ type: "lvm", device: "/dev/disk/by-id" }], /^disks\.0\.device: expected a logical volume/],
    ["disks", [{ type: "zvol", device: "/dev/tank/x" }], /^disks\.0\.device: expected a ZFS volume/],
    ["disks", [{ type: "block", device: "/dev/sda" }], /^disks\.0\.device: expected a lasting device name/],
    [
      "disks",
      [{ type: "volume", sizeGiB: 1, name: "../x" }],
      /^disks\.0\.name: expected a name without slashes/,
    ],
    ["disks", [{ type: "volume", sizeGiB: 1, name: ".." }], /^disks\.0\.name: expected a name, not a folder/],
    ["disks", [{ type: "volume", sizeGiB: 0.5 }], /^disks\.0\.sizeGiB: /],
    ["disks", [{ type: "volume", sizeGiB: 1, size: 2 }], 'disks.0: Unrecognized key: "size"'],
    [
      "networks",
      [{ type: "bridge", bridge: "a-very-long-bridge" }],
      /^networks\.0\.bridge: expected a bridge/,
    ],
    [
      "networks",
      [{ type: "network", mac: "01:00:00:00:00:00" }],
      /^networks\.0\.mac: expected a unicast MAC/,
    ],
    ["graphics", { type: "spice" }, /^graphics\.type: /],
    ["graphics", { type: "vnc", listen: "localhost" }, /^graphics\.listen: /],
    ["graphics", { type: "vnc", port: 80 }, /^graphics\.port: /],
    ["video", "qxl", /^video: /],
    [
      "usb",
      { devices: [{ id: "046d" }] },
      /^usb\.devices\.0\.id: expected vendor:product as lsusb prints it/,
    ],
    ["evdev", [{ device: "/dev/sda" }], /^evdev\.0\.device: expected an input device/],
    ["lookingGlass", { sizeMiB: 48 }, /^lookingGlass\.sizeMiB: expected a power of two/],
    ["gpus", ["a", "a"], "gpus: names a card twice"],
    ["gpus", { any: 0 }, /^gpus\.any: /],
    ["install", { virtioIso: "/a.iso" }, /^install\.iso: /],
    [
      "install",
      { iso: { path: "/a.iso", sha256: "abc" } },
      /^install\.iso\.sha256: expected 64 hexadecimal digits/,
    ],
    ["install", "later", /^install: /],
    ["shutdownTimeoutSeconds", 0, /^shutdownTimeoutSeconds: /],
  ])("%s: %j", (field, value, line) => {
    const found = issues({ ...minimal, [field]: value });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(line);
  });

  test("all at once", () => {
    expect(issues({ profile: "x", memory: "x", video: "x", colour: "x" })).toHaveLength(4);
  });
});

test("CPU lists", () => {
  expect(parseCpuset("0-2,8,1")).toEqual([0, 1, 2, 8]);
  for (const wrong of ["", "a", "1-", "-1", "3-1", "1,,2", "1 2"]) expect(parseCpuset(wrong)).toBeUndefined();
  expect(formatCpuset([8, 0, 1, 2, 1])).toBe("0-2,8");
  expect(formatCpuset([0, 1])).toBe("0-1");
});

test("UUIDs of version 5 and MAC addresses follow from their names", () => {
  // RFC 9562's namespace for DNS names; other implementations give this value.
  expect(uuidV5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "python.org")).toBe(
    "886313e1-3b8a-5372-9b90-0c9aee199e5d",
  );
  expect(domainUuid("xeon", "win")).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const mac = interfaceMac(domainUuid("xeon", "win"), 0);
  expect(mac).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
  expect(interfaceMac(domainUuid("xeon", "win"), 1)).not.toBe(mac);
});
