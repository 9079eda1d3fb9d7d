import { z } from "zod";

const strings = z.array(z.string());

/** What a file of format 1 says otherwise: all of it is about what a host is booted by. */
const earlierFacts = z.looseObject({
  exists: strings,
  boot: z.looseObject({
    present: strings,
    grubLinux: strings.optional(),
    grubDropIns: z.boolean().optional(),
  }),
});
const earlierDocument = z.looseObject({
  format: z.literal("vfio-fleet-facts/1"),
  hosts: z.array(z.looseObject({ facts: earlierFacts })),
});

const upgradedFacts = ({ exists, boot, ...facts }: z.infer<typeof earlierFacts>): unknown => {
  const { present, grubLinux, grubDropIns, ...rest } = boot;
  return {
    ...facts,
    boot: rest,
    exists: [...new Set([...exists, ...present])],
    excerpts: {
      ...(grubLinux && { "/boot/grub/grub.cfg": grubLinux }),
      ...(grubDropIns !== undefined && {
        "/usr/sbin/grub-mkconfig": grubDropIns ? ["for x in ${sysconfdir}/default/grub.d/*.cfg ; do"] : [],
      }),
    },
  };
};

/** A document of an earlier format in the present one; all else as it is. */
export const upgraded = (document: unknown): unknown => {
  const earlier = earlierDocument.safeParse(document);
  if (!earlier.success) return document;
  return {
    ...earlier.data,
    format: "vfio-fleet-facts/2",
    hosts: earlier.data.hosts.map((host) => ({ ...host, facts: upgradedFacts(host.facts) })),
  };
};
