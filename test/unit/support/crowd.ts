import type { FakeFunction } from "./fake-host.ts";

/** So many functions as a large server has them: network cards of eight functions, each with a group of its own. */
export const crowd = (count: number): FakeFunction[] =>
  Array.from({ length: count }, (_, index) => {
    const bus = (0x10 + (index >> 3)).toString(16);
    return {
      address: `0000:${bus}:00.${index & 7}`,
      id: "8086:1533",
      class: "020000",
      driver: "igb",
      group: 40 + index,
      files: { boot_vga: "", power_state: "D0", sriov_totalvfs: "0", sriov_numvfs: "0" },
    };
  });
