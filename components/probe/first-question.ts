/**
 * What a shell that was started early is asked before there is a question: a line when libvirt can be connected to. It
 * stands in front of the probe's sections.
 */
export const FIRST_QUESTION = "[ ! -S /run/libvirt/libvirt-sock ] || echo libvirt=socket\n";

/** So much of what a shell prints may hold the answer: a login's own greeting may stand before it. */
export const FIRST_BYTES = 4096;

/** Calls `onLibvirt` as soon as the first question was answered with yes. */
export const hearingFirst = (onLibvirt: () => void): ((chunk: Buffer) => void) => {
  let text: string | undefined = "";
  return (chunk) => {
    if (text === undefined) return;
    text += chunk.toString("latin1");
    if (text.includes("libvirt=socket\n")) {
      text = undefined;
      onLibvirt();
    } else if (text.length > FIRST_BYTES) text = undefined;
  };
};
