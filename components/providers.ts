import * as command from "@pulumi/command";
import * as libvirt from "@pulumi/libvirt";
import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "./ssh/connection.ts";
import { libvirtUri, wasConnectedTo } from "./ssh/libvirt-uri.ts";

/** What starts the plugins for one host. */
export interface Providers {
  readonly commands: command.Provider;
  readonly libvirt?: libvirt.Provider;
}

/** The command plugin's provider, one for all hosts. */
export const commandProvider = (): command.Provider => new command.Provider("commands");

export const libvirtProvider = (host: string, uri: pulumi.Input<string>): libvirt.Provider =>
  new libvirt.Provider(host, { uri });

/**
 * libvirt's provider before the host is planned, so that a preview's connection to libvirt is made while the probe's
 * answer comes: only in a preview, as root, for a host that was connected to before.
 */
export const earlyLibvirt = (name: string, connection: Connection): libvirt.Provider | undefined =>
  pulumi.runtime.isDryRun() && connection.user === "root" && wasConnectedTo(name)
    ? libvirtProvider(name, libvirtUri(name, connection))
    : undefined;
