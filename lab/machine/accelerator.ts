/** Whether KVM works on this machine: proved by a boot, not by the existence of /dev/kvm. */
import { execa } from "execa";
import { accessSync, constants, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { emulator } from "./emulator.ts";
import { firmware } from "./firmware.ts";
import type { Image } from "../images/build.ts";
import { labDir } from "../paths.ts";
import type { Accelerator } from "./qemu-args.ts";

const LIMIT_MS = 20_000;
const KVM_TRIAL =
  "-no-user-config -nodefaults -display none -no-reboot -serial stdio -machine q35,kernel-irqchip=split -accel kvm -cpu host -smp 2 -m 512M";

/** `kvm` if a lab host's firmware and kernel boot under it, else `tcg`. Checked once in each boot of this machine. */
export const accelerator = async (
  image: Image,
  onProgress?: (line: string) => void,
): Promise<Accelerator> => {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return "tcg";
  }
  const key = `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()} ${image.id}`;
  const file = join(labDir(), "accelerator");
  const known = readIfThere(file)?.split("\n");
  if (known?.[0] === key && (known[1] === "kvm" || known[1] === "tcg")) return known[1];
  onProgress?.(`checking whether KVM works here (at most ${LIMIT_MS / 1000} s)`);
  const found = (await bootsUnderKvm(image)) ? "kvm" : "tcg";
  onProgress?.(found === "kvm" ? "KVM works" : "KVM does not boot a host here, so the processor is emulated");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${key}\n${found}\n`);
  return found;
};

const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
};

/** Boots through the firmware to the kernel's last message, the missing root file system. */
const bootsUnderKvm = async (image: Image): Promise<boolean> => {
  const run = execa(
    "setpriv",
    [
      // setpriv becomes QEMU, and the kernel kills it when this process ends for any reason.
      "--pdeathsig",
      "KILL",
      ...emulator(),
      ...KVM_TRIAL.split(" "),
      "-drive",
      `if=pflash,unit=0,format=raw,readonly=on,file=${firmware().code.replaceAll(",", ",,")}`,
      "-kernel",
      image.kernel,
      "-append",
      "console=ttyS0 panic=-1",
    ],
    { stdin: "ignore", reject: false, timeout: LIMIT_MS, killSignal: "SIGKILL", buffer: false },
  );
  for await (const line of run.iterable()) {
    if (line.includes("Kernel panic - not syncing: VFS")) {
      run.kill("SIGKILL");
      await run;
      return true;
    }
  }
  await run;
  return false;
};
