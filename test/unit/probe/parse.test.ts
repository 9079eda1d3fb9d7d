import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { parseProbe, ProbeAnswerError } from "../../../components/probe/parse.ts";

/** The least that is a whole answer, and whatever sections a test adds. */
const answer = (sections: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.from(
    Object.entries({
      host: "privilege=root\nuser=root\nhostname=h\nbootId=b\nkernel=6.1.0\narchitecture=x86_64",
      ...sections,
      end: "",
    })
      .map(([name, text]) => `@n0nce ${name}\n${text}\n`)
      .join(""),
  );

test("a receipt keeps its token and every note, whatever letters and digits name it", () => {
  const folder = "/var/lib/vfio-fleet/receipts";
  const values =
    `==> ${folder}/%etc%x.conf <==\ntoken=2026-01-02T03:04:05.000Z\nsha256=ab12\n\n` +
    `==> ${folder}/prove <==\nimages=/boot/a:1:2,/boot/b:3:4,`;
  expect(parseProbe(answer({ values }), "n0nce").receipts).toEqual({
    "%etc%x.conf": { token: "2026-01-02T03:04:05.000Z", notes: { sha256: "ab12" } },
    prove: { token: "", notes: { images: "/boot/a:1:2,/boot/b:3:4," } },
  });
});

test.each([
  ["what ext4 keeps to itself is no room", "ext4 /dev/vda2", "4095 2000000 4096", 0],
  ["a fiftieth of a small one", "ext4 /dev/vda2", "2000 50000 1024", 1000 * 1024],
  ["another file system keeps nothing", "vfat /dev/vda1", "2000 50000 1024", 2000 * 1024],
  ["an earlier trial makes room for the next one", "xfs /dev/vda2", "10 50 4096\n7000000", 7_040_960],
  ["a host that does not say", "ext4 /dev/vda2", "", undefined],
])("room on /boot: %s", (_, filesystem, room, expected) => {
  const { boot } = parseProbe(answer({ "boot-filesystem": filesystem, "boot-free": room }), "n0nce");
  expect(boot.freeBytes).toBe(expected);
});

test("contents are cut by the announced sizes", () => {
  const contents = "one\ntwo";
  const { files, initramfs } = parseProbe(
    answer({
      files:
        "4 644 root root 17 /etc/one\n3 600 root root 17 /etc/t w o\n9 644 root root 17 /boot/initrd.img-6",
      images: "/boot/initrd.img-6",
      contents,
    }),
    "n0nce",
  );
  expect(files["/etc/one"]).toMatchObject({ content: "one\n", mode: "644" });
  expect(initramfs.images).toEqual(["/boot/initrd.img-6:9:17"]);
  expect(files["/etc/t w o"]).toMatchObject({ content: "two", mode: "600" });
});

test("files are bytes: markers of another nonce, invalid UTF-8 and NUL in them are theirs", () => {
  const odd = Buffer.from("\n@other end\n\n@n0nc end\n\xff\0", "latin1");
  const [before = "", after = ""] = answer({
    files: `${odd.length} 644 root root 17 /etc/odd`,
    contents: "HERE",
  })
    .toString()
    .split("HERE");
  const { files } = parseProbe(Buffer.concat([Buffer.from(before), odd, Buffer.from(after)]), "n0nce");
  expect(files["/etc/odd"]?.sha256).toBe(createHash("sha256").update(odd).digest("hex"));
});

test("a file that changed while it was read is an error, not a wrong content", () => {
  expect(() =>
    parseProbe(answer({ files: "9 644 root root 17 /etc/one", contents: "one" }), "n0nce"),
  ).toThrow(ProbeAnswerError);
});

test("a file's content cannot pretend to be a section of another nonce", () => {
  expect(
    parseProbe(
      answer({ values: "==> /etc/os-release <==\nID=debian\n@other packages\nqemu 1 installed" }),
      "n0nce",
    ).packages,
  ).toEqual({});
});

test.each([
  ["nothing", Buffer.from("")],
  ["something else", Buffer.from("Welcome to Ubuntu!\n")],
  ["an answer that was cut", answer().subarray(0, -8)],
  [
    "an answer that was cut in the middle of a file",
    answer({ files: "9 644 root root 17 /etc/one", contents: "one" }).subarray(0, -14),
  ],
  ["an answer without its host", answer({ host: "" })],
])("%s is refused", (_, text) => {
  expect(() => parseProbe(text, "n0nce")).toThrow(ProbeAnswerError);
});
