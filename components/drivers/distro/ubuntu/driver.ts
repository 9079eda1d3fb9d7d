import type { DistroDriver } from "../../../plan/driver.ts";
import { debian } from "../debian/driver.ts";

/** Ubuntu from 24.04: Debian's packages under Debian's names. */
export const ubuntu: DistroDriver = {
  ...debian,
  name: "ubuntu",
  detect: (facts) => facts.distro.id === "ubuntu",
};
