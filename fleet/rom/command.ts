import { type Command, Option } from "commander";
import type { DumpOptions } from "./dump.ts";
import type { ShowOptions } from "./show.ts";

const firmwareOption = (): Option =>
  new Option("--firmware <firmware>", "the guest's firmware").choices(["ovmf", "seabios"]).default("ovmf");

/** `vfio-fleet rom …`: dumps ROMs from cards, checks ROM files and patches them for a guest. */
export const registerRom = (program: Command): void => {
  const rom = program
    .command("rom")
    .alias("vbios")
    .description(
      "dump a card's ROM (its PCI option ROM, also called video BIOS), check it, and patch it for a guest",
    );

  rom
    .command("dump")
    .description("read the ROM of a card over SSH into a file, and check it")
    .argument("<target>", "a stack, or an SSH target: user@host or user@host:port")
    .argument("<card>", "a card of the stack (HOST/CARD where several have it), or a PCI address")
    .requiredOption("-o, --output <file>", "the file to write; it must not exist yet")
    .option("--force", "overwrite the file")
    .addOption(firmwareOption())
    .option("--identity <file>", "private key for an SSH target")
    .option("--host-key <line>", "the SSH target's public host key, as its ssh_host_ed25519_key.pub holds it")
    .option("--ssh-config <file>", "ssh_config file for an SSH target; the default is ~/.ssh/config")
    .addHelpText(
      "after",
      "\nThe card must not be the host's boot display and must not be in use: its driver is vfio-pci or none, and no" +
        "\nrunning domain has it. A sleeping card is woken. Nothing is ever written to a card." +
        "\nExit status: 0 when FILE was written and can be used; 1 when it was written and cannot be used, or when reading" +
        "\nwas refused; 2 when the host could not be probed or the file could not be written.",
    )
    .action(async (target: string, card: string, options: DumpOptions) => {
      const { dumpRom } = await import("./dump.ts");
      process.exitCode = await dumpRom(target, card, options);
    });

  rom
    .command("show")
    .description("list the images in a ROM file, and check whether a guest's firmware can use them")
    .argument("<file>", "a dump of a card's ROM")
    .option("--card <vendor:device>", "the card that gets the ROM, as lspci -n prints its id: 10de:1c81")
    .addOption(firmwareOption())
    .option("--json", "print JSON instead of tables")
    .addHelpText(
      "after",
      "\nExit status: 0 when the file can be used, 1 when it cannot, 2 when it cannot be read.",
    )
    .action(async (file: string, options: ShowOptions) => {
      const { showRom } = await import("./show.ts");
      process.exitCode = await showRom(file, options);
    });

  rom
    .command("patch")
    .description("write a copy with the images only: bytes before and after them are cut")
    .argument("<in>", "a dump of a card's ROM; it is not changed")
    .argument("<out>", "the new file; it must not exist yet")
    .addHelpText(
      "after",
      "\nNo byte of an image is changed, and nothing is ever written to a card." +
        "\nExit status: 0 when OUT was written, 1 when the result would be no usable ROM, 2 when a file cannot be read or written.",
    )
    .action(async (input: string, output: string) => {
      const { patchRom } = await import("./patch.ts");
      process.exitCode = await patchRom(input, output);
    });
};
