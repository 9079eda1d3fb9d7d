/** The UEFI firmware for lab hosts: OVMF in the folders of several distributions. */
import { existsSync } from "node:fs";

export interface Firmware {
  readonly code: string;
  /** The initial variables of a new host. */
  readonly variables: string;
}

const CANDIDATES: readonly Firmware[] = [
  { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" },
  { code: "/usr/share/edk2/x64/OVMF_CODE.4m.fd", variables: "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
  { code: "/usr/share/edk2/ovmf/OVMF_CODE.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
];

export const firmware = (): Firmware => {
  const found = CANDIDATES.find(({ code, variables }) => existsSync(code) && existsSync(variables));
  if (found !== undefined) return found;
  throw new Error(
    `no UEFI firmware for lab hosts found in ${CANDIDATES.map(({ code }) => code).join(", ")}; run ./setup`,
  );
};
