import { expect, test } from "vitest";
import { contradictions, missingArguments, parseCmdline } from "../../../components/facts/cmdline.ts";

test("a quoted value with spaces stays one argument", () => {
  expect(parseCmdline('quiet dyndbg="file drivers/pci/* +p" iommu=pt')).toEqual([
    "quiet",
    'dyndbg="file drivers/pci/* +p"',
    "iommu=pt",
  ]);
});

test("only missing arguments are added, in order", () => {
  expect(missingArguments(["intel_iommu=on", "iommu=pt"], ["quiet", "iommu=pt"])).toEqual(["intel_iommu=on"]);
  expect(missingArguments(["iommu=pt"], ["iommu=pt"])).toEqual([]);
});

test("another value for a wanted argument is a contradiction, with dash or underscore", () => {
  expect(contradictions(["intel_iommu=on"], ["intel_iommu=off", "quiet"])).toEqual([
    { wanted: "intel_iommu=on", found: "intel_iommu=off" },
  ]);
  expect(contradictions(["vfio_pci.ids=1:2"], ["vfio-pci.ids=3:4"])).toHaveLength(1);
  expect(contradictions(["iommu=pt"], ["iommu=pt"])).toEqual([]);
});
