import { createHash } from "node:crypto";
import type { DistroDriver } from "./driver.ts";
import type { Facts } from "./facts.ts";
import type { Checked } from "./problem.ts";
import { QEMU_CONF, qemuConfBlock, qemuConfStep, type LibvirtSpec } from "./qemu-conf.ts";
import { receiptName, type Step } from "./step.ts";

/** Packages, qemu.conf and the daemon itself, in this order. */
export const planLibvirt = (
  spec: LibvirtSpec,
  facts: Facts,
  distro: DistroDriver,
): Checked<readonly Step[]> => {
  const missing = distro.packages.filter((name) => (facts.packages[name] ?? null) === null);
  const installed = facts.receipts[receiptName("packages")] !== undefined;
  const { step: conf, problems } = qemuConfStep(spec, distro.firmwarePackage, facts, ["packages"]);
  if (problems.length > 0) return { ok: false, problems };
  const digest = createHash("sha256")
    .update(qemuConfBlock(spec, distro.firmwarePackage))
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
        args: distro.packages,
        after: [],
        so: missing.length === 0,
        minutes: 30,
        ...(installed &&
          missing.length > 0 && {
            drift: { kind: "state", found: `not installed: ${missing.join(", ")}`, wanted: "installed" },
          }),
      },
      conf,
      {
        key: "libvirtd",
        verb: "libvirtd",
        args: [digest, login, ...spec.networks],
        after: ["packages", QEMU_CONF],
        so: answers && loaded?.notes["config"] === digest && loaded.notes["login"] === login,
        ...(loaded &&
          !answers && {
            drift: { kind: "state", found: "libvirtd does not listen", wanted: "running" },
          }),
      },
    ],
  };
};
