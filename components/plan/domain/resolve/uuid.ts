import { createHash } from "node:crypto";

/** This project's namespace for names (RFC 9562, section 6.6): chosen once, at random; never to be changed. */
const NAMESPACE = "b62bcd30-4054-4b39-9ae6-33be139364d3";

/** A UUID of version 5 for a name in a namespace (RFC 9562, section 5.5). */
export const uuidV5 = (namespace: string, name: string): string => {
  const digest = createHash("sha1")
    .update(Buffer.from(namespace.replaceAll("-", ""), "hex"))
    .update(name)
    .digest()
    .subarray(0, 16);
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

/** The UUID of the domain `name` on `host`: the same in every preview, on every machine the tool runs on. */
export const domainUuid = (host: string, name: string): string => uuidV5(NAMESPACE, `${host}/${name}`);

/** A MAC address for a domain's interface in QEMU's range 52:54:00, fixed by UUID and place. */
export const interfaceMac = (uuid: string, place: number): string => {
  const digest = createHash("sha256").update(`${uuid}/interface/${place}`).digest("hex");
  return `52:54:00:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}`;
};
