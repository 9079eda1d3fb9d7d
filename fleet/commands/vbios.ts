import { type Command, Option } from "commander";
import type { ShowOptions } from "../vbios/show.ts";

/** `vfio-fleet vbios …`: look at video BIOS files and make them fit for a guest. */
export const registerVbios = (program: Command): void => {
  const vbios = program
    .command("vbios")
    .description("look at a video BIOS (PCI option ROM) file, and make it fit for a guest");

  vbios
    .command("show")
    .description("show the images of a file, and judge whether a guest's firmware can use them")
    .argument("<file>", "a dump of a card's ROM")
    .option("--card <vendor:device>", "the card that is to carry it, as lspci -n prints it: 10de:1c81")
    .addOption(
      new Option("--firmware <firmware>", "the guest's firmware")
        .choices(["ovmf", "seabios"])
        .default("ovmf"),
    )
    .option("--json", "print JSON instead of tables")
    .addHelpText("after", "\nExit status: 0 when the file can be used, 1 when not, 2 when it cannot be read.")
    .action(async (file: string, options: ShowOptions) => {
      const { showRom } = await import("../vbios/show.ts");
      process.exitCode = await showRom(file, options);
    });

  vbios
    .command("patch")
    .description("write a copy with nothing but the images: what precedes and follows them is cut")
    .argument("<in>", "a dump of a card's ROM; it stays as it is")
    .argument("<out>", "the new file; it must not exist yet")
    .addHelpText(
      "after",
      "\nNo byte of an image is changed, and nothing is ever written to a card." +
        "\nExit status: 0 when OUT was written, 1 when nothing sensible would come out, 2 when a file cannot be read or written.",
    )
    .action(async (input: string, output: string) => {
      const { patchRom } = await import("../vbios/patch.ts");
      process.exitCode = await patchRom(input, output);
    });
};
