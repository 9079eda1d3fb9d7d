import { parseCmdline } from "../../../facts/cmdline.ts";
import type { Facts } from "../../../facts/facts.ts";
import {
  argumentSettings,
  fileSettings,
  idClaims,
  takesTwins,
  type ModuleSetting,
} from "../../../plan/kernel/leftovers.ts";
import type { Rule } from "../../rule.ts";

const LOADED = "the loaded module";
const OUT = "take ids= out of where it is set, build the initramfs and reboot; vfio-fleet binds by address";

/** Every place where ids= stands: the loaded module's own value says what counts now, the others what may at a boot. */
const settings = (facts: Facts): ModuleSetting[] => {
  const value = facts.moduleParameters["vfio_pci"]?.["ids"] ?? "";
  return [
    { module: "vfio_pci", name: "ids", value, text: "", where: LOADED },
    ...argumentSettings(parseCmdline(facts.cmdline), "the kernel command line"),
    ...fileSettings(facts),
  ];
};

export const idsTakeTwin = {
  id: "ids-take-twin",
  title: "Binding by id takes more than one card",
  looksAt: "ids= of vfio-pci and pci-stub (loaded, command line, modprobe.d, initramfs lists), all devices",
  explanation:
    "vfio-pci ids= names a model, not a slot: every card of the same model is taken at boot, the one that the host shows its screen on as well.",
  remedy: OUT,
  source: "quickpassthrough#10; truenas/middleware#11397",
  find: ({ facts }) =>
    [...Map.groupBy(idClaims(facts, settings(facts)), ({ id }) => id.toLowerCase())].flatMap(
      ([id, claims]) => {
        const [first] = claims;
        if (!first || !takesTwins(facts, first)) return [];
        const places = [...new Set(claims.map(({ where }) => where))];
        const files = places.filter((where) => where !== LOADED);
        return [
          {
            subject: `vfio-pci ids=${id}`,
            verdict: "risk" as const,
            found: `takes ${first.devices.map((device) => device.address).join(", ")} (set in: ${places.join(", ")})`,
            ...(files.length > 0 && { remedy: OUT.replace("where it is set", files.join(" and ")) }),
          },
        ];
      },
    ),
} as const satisfies Rule;
