import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FakeAgent } from "./fake-agent.ts";

/** sysfs answers a read of `rom` with the ROM while the switch is on; a plain file cannot, so the reading tool does. */
const ROM_READER = `case \${1:-} in
  */rom)
    device=\${1%/rom}
    echo "read: switch $(cat "$1"), power $(cat "$device/power/control"), command $(od -An -tu1 -j4 -N1 "$device/config" | tr -d ' ')" >>"$ROOT/reads"
    [ ! -e "$ROOT/on-read" ] || . "$ROOT/on-read"
    [ "$(cat "$1")" = 1 ] || exit 1
    exec /usr/bin/base64 "$device/rom.bytes" ;;
esac
exec /usr/bin/base64 "$@"`;

export interface FakeCard {
  readonly address: string;
  /** vendor:device */
  readonly id: string;
  readonly rom: Uint8Array;
  readonly driver?: string;
  readonly bootVga?: boolean;
  /** power/control of sysfs */
  readonly control?: "auto" | "on";
  readonly powerState?: string;
  /** low byte of the PCI command register; 2: memory decoding */
  readonly command?: number;
}

/** A card in a made-up /sys, in IOMMU group 12, with a ROM that can be read as sysfs lets it be read. */
export const plugIn = (host: FakeAgent, card: FakeCard): void => {
  const at = `/sys/bus/pci/devices/${card.address}`;
  const [vendor, device] = card.id.split(":");
  const files = {
    vendor: `0x${vendor}`,
    device: `0x${device}`,
    rom: "0",
    "power/control": card.control ?? "on",
    power_state: card.powerState ?? "D0",
    ...(card.bootVga !== undefined && { boot_vga: card.bootVga ? "1" : "0" }),
  };
  for (const [name, content] of Object.entries(files)) host.file(`${at}/${name}`, content);
  const config = new Uint8Array(64);
  config[4] = card.command ?? 7;
  config[5] = 0x04;
  writeFileSync(join(host.root, at, "config"), config);
  writeFileSync(join(host.root, at, "rom.bytes"), card.rom);
  host.folder("/sys/kernel/iommu_groups/12");
  host.link(`${at}/iommu_group`, "/sys/kernel/iommu_groups/12");
  if (card.driver !== undefined) host.link(`${at}/driver`, `/sys/bus/pci/drivers/${card.driver}`);
  host.tool("base64", ROM_READER);
};

/** What the card's files say: the switch, the power control, the whole of config. */
export const stateOf = (host: FakeAgent, address: string): Record<string, string | undefined> => {
  const at = `/sys/bus/pci/devices/${address}`;
  return {
    switch: host.read(`${at}/rom`)?.trim(),
    power: host.read(`${at}/power/control`)?.trim(),
    config: host.read(`${at}/config`),
  };
};
