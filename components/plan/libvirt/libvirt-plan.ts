import { createHash } from "node:crypto";
import type { DistroDriver } from "../driver.ts";
import type { Facts } from "../../facts/facts.ts";
import type { Checked } from "../../facts/problem.ts";
import { QEMU_CONF, qemuConfBlock, qemuConfStep, type LibvirtSpec } from "./qemu-conf.ts";
import { receiptNotes, splitMissing } from "../receipt.ts";
import { fileStep, receiptName, type Step } from "../step.ts";

/** Keeps two domains from having one card; libvirt runs it (libvirt: hooks, since 6.5 any program in this folder). */
export const CARD_HOOK = "/etc/libvirt/hooks/qemu.d/vfio-fleet";

/**
 * Packages, qemu.conf, the hook and the daemon itself, in this order.
 * @param further packages that the domains need beyond those of every host
 * @param hook the text of the hook that keeps cards apart
 */
export const planLibvirt = (
  spec: LibvirtSpec,
  facts: Facts,
  distro: DistroDriver,
  further: readonly string[],
  hook: string,
): Checked<readonly Step[]> => {
  const packages = [...distro.packages, ...further];
  const missing = packages.filter((name) => (facts.packages[name] ?? null) === null);
  const then = receiptNotes(facts, "packages");
  // receipts did not always hold the words; the packages of every host were wanted all the same
  const wantedThen = then && (then["asked"]?.split(" ") ?? distro.packages);
  const { lost, added } = splitMissing(missing, (name) => wantedThen?.includes(name) === true);
  const { step: conf, problems } = qemuConfStep(spec, distro.firmware.images, facts, ["packages"]);
  if (problems.length > 0) return { ok: false, problems };
  // libvirt looks for hooks as it starts, and reads them whenever it runs one: a first one needs a restart, a new text none
  const digest = createHash("sha256")
    .update(qemuConfBlock(spec, distro.firmware.images))
    .update(CARD_HOOK)
    .digest("hex")
    .slice(0, 16);
  const loaded = facts.receipts[receiptName("libvirtd")];
  const answers = facts.libvirt.socket;
  // @pulumi/libvirt connects as the login itself, and libvirt lets only root and its own group in
  const login = facts.privilege === "root" ? "-" : facts.user;
  return {
    ok: true,
    value: [
      {
        key: "packages",
        verb: "packages",
        args: packages,
        after: [],
        inPlace: missing.length === 0,
        minutes: 30,
        ...(lost.length > 0 && {
          drift: { kind: "state", found: `not installed: ${lost.join(", ")}`, wanted: "installed" },
        }),
        ...(then && added.length > 0 && { nowWanted: `packages ${added.join(", ")}` }),
      },
      conf,
      fileStep(facts, { path: CARD_HOOK, mode: "755", content: hook }, ["packages"]),
      {
        key: "libvirtd",
        verb: "libvirtd",
        args: [digest, login, ...spec.networks],
        after: ["packages", QEMU_CONF, CARD_HOOK],
        inPlace: answers && loaded?.notes["config"] === digest && loaded.notes["login"] === login,
        ...(loaded &&
          !answers && {
            drift: { kind: "state", found: "libvirtd does not listen", wanted: "running" },
          }),
      },
    ],
  };
};
