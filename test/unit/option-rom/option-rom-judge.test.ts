import { describe, expect, test } from "vitest";
import { judgeOptionRom, type JudgeOptions } from "../../../components/option-rom/judge.ts";
import { parseOptionRom } from "../../../components/option-rom/parse.ts";
import { parsePciId } from "../../../components/facts/pci.ts";
import {
  efiCode,
  KIB,
  makeContainer,
  makeEfi,
  makeNvidiaRom,
  makeRom,
  makeX86,
} from "../support/option-rom.ts";

const GTX_1050 = parsePciId("10de:1c81");
const GTX_1060 = parsePciId("10de:1c03");

const judge = (file: Uint8Array, options: JudgeOptions = { card: GTX_1050 }) =>
  judgeOptionRom(parseOptionRom(file), options);

/** Findings that are worse than a note, as `severity check: message`. */
const complaints = (file: Uint8Array, options?: JudgeOptions): readonly string[] =>
  judge(file, options)
    .findings.filter(({ severity }) => severity === "warning" || severity === "error")
    .map(({ severity, check, message }) => `${severity} ${check}: ${message}`);

const gop = () => makeRom([makeX86(64 * KIB), makeEfi(64 * KIB, { last: true })]);

test("a good ROM is usable, and every check has its line", () => {
  const judgement = judge(gop());
  expect(judgement.verdict).toBe("usable");
  expect(judgement.findings.map(({ severity, check }) => `${severity} ${check}`)).toEqual([
    "ok container",
    "ok chain",
    "ok efi",
    "ok x86",
    "ok checksum",
    "ok ids",
    "ok size",
  ]);
});

test("every message is one line", () => {
  const files = [
    gop(),
    makeNvidiaRom({ leading: makeContainer(0x9400, 3), size: 256 * KIB }),
    new Uint8Array(512),
  ];
  for (const file of files) {
    for (const { message } of judge(file).findings) expect(message).toMatch(/^\S.*\S$/);
  }
});

describe("a file that is no option ROM", () => {
  test.each([
    ["empty", new Uint8Array(), "the file is empty"],
    ["all FF", new Uint8Array(128 * KIB).fill(0xff), "all 128 KiB are ff: the card did not answer"],
    ["all 00", new Uint8Array(128 * KIB), "all 128 KiB are 00: there was no ROM to read"],
    ["text", new TextEncoder().encode("no ROM"), "the file does not contain these bytes"],
    [
      "55 aa in the middle of nothing",
      new Uint8Array(512).fill(0x55, 80, 81).fill(0xaa, 81, 82),
      "at 0x50, but",
    ],
    ["too large", new Uint8Array(16 * KIB * KIB + 512), "a PCI option ROM has at most 16 MiB"],
  ])("%s", (_, file, message) => {
    const judgement = judge(file);
    expect(judgement.verdict).toBe("unusable");
    expect(judgement.findings).toEqual([
      { check: "content", severity: "error", patchable: false, message: expect.stringContaining(message) },
    ]);
  });
});

describe("container headers", () => {
  test.each([
    [0x600, 128 * KIB + 0x600, 1],
    [0x600, 256 * KIB, 2],
    [0x9400, 256 * KIB, 3],
  ] as const)("with %i bytes in a file of %i, NVGI version %i, needs patching", (size, total, version) => {
    const file = makeNvidiaRom({ leading: makeContainer(size, version), size: total });
    expect(judge(file).verdict).toBe("needs-patch");
    expect(complaints(file)).toEqual([
      expect.stringMatching(
        new RegExp(`^error container: NVIDIA's container header \\(NVGI version ${version}`),
      ),
    ]);
  });

  test("of an unknown kind needs patching", () => {
    const file = makeRom([makeX86(64 * KIB), makeEfi(64 * KIB, { last: true })], {
      leading: new Uint8Array(KIB).fill(0x41),
    });
    expect(judge(file).verdict).toBe("needs-patch");
    expect(complaints(file)).toEqual([
      expect.stringMatching(/^error container: 1 KiB that are no option ROM/),
    ]);
  });

  test("patching does not help against another error", () => {
    const file = makeNvidiaRom({ leading: makeContainer(0x600, 2), size: 256 * KIB });
    expect(judge(file, { card: GTX_1060 }).verdict).toBe("unusable");
  });

  test("NVIDIA's private images after the last image are harmless", () => {
    const judgement = judge(makeNvidiaRom({ size: 256 * KIB }));
    expect(judgement.verdict).toBe("usable");
    expect(judgement.findings.at(-1)).toEqual({
      check: "trailing",
      severity: "note",
      message: "128 KiB follow the images (NVIDIA's private images): firmware does not read them",
    });
  });
});

describe("the chain of images", () => {
  test("truncated", () => {
    expect(complaints(gop().subarray(0, 100 * KIB))).toEqual([
      "error chain: truncated: 28 KiB of image 2 are missing: dump the ROM again",
      "error efi: OVMF does not start EFI image 2: its end is missing",
    ]);
  });

  test("truncated at 128 KiB, the size of the boot display's shadow", () => {
    const file = makeRom([makeX86(64 * KIB), makeEfi(80 * KIB, { last: true })]).subarray(0, 128 * KIB);
    expect(complaints(file)[0]).toMatch(/truncated: 16 KiB of image 2 .* the boot display's ROM/);
  });

  test("damaged: there is no image where the next one should be", () => {
    const file = gop();
    file[64 * KIB] = 0;
    expect(complaints(file)).toEqual([
      "error chain: damaged: image 2 should start at 0x10000, but there is none",
      expect.stringContaining("error efi: no EFI image"),
    ]);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["padding", new Uint8Array(64 * KIB).fill(0xff)],
    ["any bytes, if there is an EFI driver,", new Uint8Array(64 * KIB).fill(0x20)],
  ])("no image is marked as last, and %s follows", (_, trailing) => {
    const file = makeRom([makeX86(64 * KIB), makeEfi(64 * KIB)], { trailing });
    expect(judge(file).verdict).toBe("usable");
    expect(complaints(file)).toEqual([
      "warning chain: 2 images, none of them marked as last, and there is no further image at 0x20000",
    ]);
  });

  test("a gap", () => {
    const gap = new Uint8Array(512).fill(0x20);
    expect(complaints(makeRom([makeX86(64 * KIB), makeEfi(64 * KIB, { gap, last: true })]))).toEqual([
      "warning chain: 512 bytes lie before image 2: OVMF skips them, SeaBIOS and Linux stop there",
    ]);
  });
});

describe("EFI images that OVMF does not start", () => {
  const SIZE = 64 * KIB;
  const efi = (fields: Parameters<typeof efiCode>[1], initSize = SIZE) =>
    makeRom([makeEfi(SIZE, { code: efiCode(initSize, fields), last: true })]);
  const spoilt = (spoil: (file: Uint8Array) => Uint8Array) => spoil(efi({}));

  test.each([
    ["signature", efi({ signature: 0x0ef2 }), "its EFI signature is 0xef2, not 0xef1"],
    ["machine", efi({ machine: 0xaa64 }), "its driver is for ARM64, not for x86-64"],
    ["unknown machine", efi({ machine: 0x1234 }), "its driver is for machine 0x1234, not for x86-64"],
    ["subsystem", efi({ subsystem: 0x0a }), "it is not a driver but: application"],
    ["compression", efi({ compression: 2 }), "its compression 2 is unknown"],
    ["initialization size", efi({}, SIZE + 512), "its header places the driver outside the image"],
    ["image offset", efi({ imageOffset: 512 }, 512), "its header places the driver outside the image"],
    ["blank", spoilt((file) => file.fill(0xff, 0x60)), "its driver is blank"],
    [
      "no PE image",
      spoilt((file) => file.fill(0x20, 0x60, 0x62)),
      "its driver does not start with MZ, as a PE image does",
    ],
    ["cut compression", efi({ compression: 1 }), "its compressed driver is longer than the image"],
  ])("%s", (_, file, objection) => {
    expect(judge(file).verdict).toBe("unusable");
    expect(complaints(file)).toEqual([`error efi: OVMF does not start EFI image 1: ${objection}`]);
  });

  test("after a PCI data structure that is not aligned", () => {
    const file = makeRom([makeX86(64 * KIB, { pci: { offset: 0x1e } }), makeEfi(64 * KIB, { last: true })]);
    expect(complaints(file)).toEqual([
      "error efi: OVMF does not start EFI image 2: the PCI data structure of image 1 is not aligned to 4 bytes, and OVMF stops there",
    ]);
  });

  test("a compressed driver that fits is started", () => {
    const image = makeEfi(SIZE, { code: efiCode(SIZE, { compression: 1 }), last: true });
    const bytes = image.bytes.slice();
    new DataView(bytes.buffer).setUint32(0x60, SIZE - 0x60 - 8, true);
    expect(judge(makeRom([{ ...image, bytes }])).verdict).toBe("usable");
    new DataView(bytes.buffer).setUint32(0x60, SIZE - 0x60 - 7, true);
    expect(judge(makeRom([{ ...image, bytes }])).verdict).toBe("unusable");
  });

  test("one good EFI image is enough", () => {
    const file = makeRom([
      makeEfi(64 * KIB, { code: efiCode(64 * KIB, { machine: 0x014c }) }),
      makeEfi(64 * KIB, { last: true }),
    ]);
    expect(judge(file)).toMatchObject({ verdict: "usable" });
  });
});

describe("x86 only", () => {
  const file = makeRom([makeX86(64 * KIB, { last: true })]);

  test("is for SeaBIOS, not for OVMF", () => {
    expect(judge(file).verdict).toBe("unusable");
    expect(complaints(file)).toEqual([
      expect.stringMatching(/^error efi: no EFI image: OVMF cannot use this ROM/),
    ]);
    expect(judge(file, { card: GTX_1050, firmware: "seabios" }).verdict).toBe("usable");
  });

  test("a ROM with EFI only is for OVMF, not for SeaBIOS", () => {
    const efiOnly = makeRom([makeEfi(64 * KIB, { last: true })]);
    expect(judge(efiOnly).verdict).toBe("usable");
    expect(judge(efiOnly, { firmware: "seabios" }).verdict).toBe("unusable");
  });
});

describe("the checksum", () => {
  test.each([
    [
      "wrong",
      (file: Uint8Array) => file.fill(0x11, 0x200, 0x201),
      /x86 image 1 has the checksum \d+ instead of 0/,
    ],
    ["without a size", (file: Uint8Array) => file.fill(0, 2, 3), /names no initialization size/],
    [
      "beyond the image",
      (file: Uint8Array) => file.fill(200, 2, 3),
      /initialization size beyond its own end/,
    ],
  ])("%s: a warning for OVMF, an error for SeaBIOS", (_, spoil, message) => {
    const file = spoil(gop());
    expect(judge(file).verdict).toBe("usable");
    expect(complaints(file)).toEqual([expect.stringMatching(message)]);
    expect(complaints(file)[0]).toMatch(/^warning checksum/);
    expect(judge(file, { firmware: "seabios" }).verdict).toBe("unusable");
  });
});

describe("the ids", () => {
  test("of another card", () => {
    expect(complaints(gop(), { card: GTX_1060 })).toEqual([
      "error ids: made for 10de:1c81, not for this card (10de:1c03): use this card's own ROM",
    ]);
  });

  test("of another vendor with the same device id", () => {
    const file = makeRom([makeEfi(64 * KIB, { last: true, pci: { vendorId: 0x1002 } })]);
    expect(judge(file).verdict).toBe("unusable");
  });

  test("in the device list", () => {
    const file = makeRom([makeEfi(64 * KIB, { last: true, deviceIds: [0x1c02, 0x1c03] })]);
    expect(judge(file, { card: GTX_1060 })).toMatchObject({ verdict: "usable" });
    expect(judge(file, { card: GTX_1060 }).findings).toContainEqual({
      check: "ids",
      severity: "ok",
      message: "its device list names this card (10de:1c03)",
    });
    expect(judge(file, { card: parsePciId("10de:1c04") }).verdict).toBe("unusable");
  });

  test("in a broken device list", () => {
    const image = makeEfi(64 * KIB, { last: true, deviceIds: [0x1c03] });
    const file = makeRom([image]);
    new DataView(file.buffer).setUint16(0x24, 0xffff, true);
    file.fill(0x11, 0x1001b);
    expect(complaints(file)).toEqual([
      expect.stringMatching(/^warning ids: a device list is not used: it leads out/),
    ]);
  });

  test("of one image only", () => {
    const file = makeRom([
      makeX86(64 * KIB, { pci: { deviceId: 0x1c03 } }),
      makeEfi(64 * KIB, { last: true }),
    ]);
    expect(complaints(file)).toEqual([
      "warning ids: the EFI image is for this card (10de:1c81), but the x86 image is for 10de:1c03",
    ]);
    expect(complaints(file, {})).toEqual([
      "warning ids: its images are for different devices: 10de:1c03, 10de:1c81",
    ]);
  });

  test("without a card the ids are only listed", () => {
    expect(judge(gop(), {}).findings).toContainEqual({
      check: "ids",
      severity: "note",
      message: "made for 10de:1c81; not compared with a card",
    });
  });

  test("ids of private images do not count", () => {
    const other = makeX86(2 * KIB, {
      code: { kind: "other", codeType: 0xe0 },
      pci: { deviceId: 0x0ff0 },
      last: true,
    });
    expect(judge(makeRom([makeX86(64 * KIB), makeEfi(64 * KIB), other])).verdict).toBe("usable");
  });
});

test.each([
  [8, "warning"],
  [16, "ok"],
  [1024, "ok"],
  [1025, "warning"],
])("%i KiB of images: %s", (size, severity) => {
  const { findings } = judge(makeRom([makeEfi(size * KIB, { last: true })]));
  expect(findings.find(({ check }) => check === "size")).toMatchObject({ severity });
});
