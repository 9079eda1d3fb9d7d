import type { Rule } from "../../rule.ts";

export const idsTakeTwin = {
  id: "ids-take-twin",
  title: "Binding by id takes more than one card",
  looksAt: "vfio-pci's parameter ids, compared with all devices of the host",
  explanation:
    "vfio-pci ids= names a model, not a slot. It takes every card of that model at boot, even the one with the host's screen.",
  remedy: "bind by address: kernel.binding: address (the default)",
  source: "quickpassthrough#10; truenas/middleware#11397",
  find: ({ facts }) => {
    const ids = (facts.moduleParameters["vfio_pci"]?.["ids"] ?? "").split(",");
    return ids
      .filter((id) => /^[0-9a-f]{4}:[0-9a-f]{4}/i.test(id))
      .flatMap((id) => {
        const taken = facts.pci.filter((device) => device.id === id.toLowerCase().slice(0, 9));
        return taken.length < 2
          ? []
          : [
              {
                subject: `vfio-pci ids=${id}`,
                verdict: "risk" as const,
                found: `takes ${taken.map((device) => device.address).join(", ")}`,
              },
            ];
      });
  },
} as const satisfies Rule;
