import type { InitramfsImages } from "../../../facts/question.ts";

/** Images as Debian and Ubuntu name them; see boot-images.sh. */
export const DEBIAN_IMAGES: InitramfsImages = {
  built: ["/boot/initrd.img-*"],
  trials: ["/boot/vfio-fleet-trial.img-*"],
};
