import type { FakeAgent } from "./fake-agent.ts";

/**
 * virsh over a folder: /virsh/NAME has `state`, `inactive.xml` and, while it runs, `live.xml`; a status file as libvirt's own
 * appears and goes with the instance. Files that change what happens: `fails` (why it does not start), `dies` (it ends at
 * once), `stubborn` (it does not shut down); /virsh/old: a libvirt that does not know --keep-tpm.
 */
const VIRSH = `if [ "$1" = -q ]; then shift 3; fi
verb=$1; shift
all=$ROOT/virsh
inactive=
while :; do case \${1:-} in --validate | --security-info | --live | --details) shift ;; --inactive) inactive=yes; shift ;; *) break ;; esac; done
at=$all/\${1:-}
status=$ROOT/run/libvirt/qemu/\${1:-}.xml
there() { [ -e "$at/state" ] || { echo "error: failed to get domain '\${1:-}'" >&2; exit 1; }; }
ends() { echo "shut off" >"$at/state"; rm -f "$at/live.xml" "$status"; }
case $verb in
  help) [ -e "$all/old" ] || echo "undefine [--keep-tpm]" ;;
  define)
    name=$(sed -n 's|.*<name>\\(.*\\)</name>.*|\\1|p' "$1")
    mkdir -p "$all/$name"; cp "$1" "$all/$name/inactive.xml"
    [ -e "$all/$name/state" ] || echo "shut off" >"$all/$name/state" ;;
  domstate) there; cat "$at/state" ;;
  domuuid) there; sed -n 's|.*<uuid>\\(.*\\)</uuid>.*|\\1|p' "$at/inactive.xml" ;;
  dumpxml)
    there
    case " $* " in *" --inactive "*) inactive=yes ;; esac
    if [ -z "$inactive" ] && [ -e "$at/live.xml" ]; then cat "$at/live.xml"; else cat "$at/inactive.xml"; fi ;;
  start)
    there
    if [ -e "$at/fails" ]; then cat "$at/fails" >&2; exit 1; fi
    if [ ! -e "$at/dies" ]; then
      echo running >"$at/state"; cp "$at/inactive.xml" "$at/live.xml"; mkdir -p "\${status%/*}"; cp "$at/inactive.xml" "$status"
    fi ;;
  shutdown) there; [ -e "$at/stubborn" ] || ends ;;
  destroy) there; ends ;;
  autostart) case $1 in --disable) rm -f "$all/$2/autostart" ;; *) : >"$at/autostart" ;; esac ;;
  undefine)
    while :; do case $1 in --*) shift ;; *) break ;; esac; done
    uuid=$(sed -n 's|.*<uuid>\\(.*\\)</uuid>.*|\\1|p' "$all/$1/inactive.xml")
    [ ! -e "$all/old" ] || rm -rf "$ROOT/var/lib/libvirt/swtpm/$uuid"
    rm -r "$all/$1" ;;
  domdisplay) echo vnc://127.0.0.1:0 ;;
  domblklist) [ ! -e "$at/drives\${inactive:+.inactive}" ] || cat "$at/drives\${inactive:+.inactive}" ;;
  domiflist) [ ! -e "$at/links\${inactive:+.inactive}" ] || cat "$at/links\${inactive:+.inactive}" ;;
  vol-dumpxml) echo "<volume><capacity unit='bytes'>$(cat "$all/capacity")</capacity></volume>" ;;
esac`;

export interface FakeDomain {
  /** addresses of host functions */
  readonly functions?: readonly string[];
  readonly running?: boolean;
  /** as this project wrote it, with a digest; undefined: made by hand */
  readonly digest?: string;
  readonly uuid?: string;
  /** further elements */
  readonly more?: string;
}

const hostdev = (address: string): string => {
  const [domain = "", bus = "", rest = ""] = address.split(":");
  const [slot = "", fn = ""] = rest.split(".");
  return `    <hostdev mode='subsystem' type='pci' managed='no'>
      <source>
        <address domain='0x${domain}' bus='0x${bus}' slot='0x${slot}' function='0x${fn}'/>
      </source>
      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>
    </hostdev>`;
};

/** A definition as libvirt prints it, as far as the agent reads it. */
export const definition = (name: string, domain: FakeDomain = {}): string => `<domain type='kvm'>
  <name>${name}</name>
  <uuid>${domain.uuid ?? "7c1c5d1e-0000-4000-8000-000000000001"}</uuid>
${
  domain.digest === undefined
    ? ""
    : `  <metadata>
    <vfio-fleet:domain xmlns:vfio-fleet="urn:vfio-fleet:domain:1" stack="home" host="xeon" digest="${domain.digest}" machine="pc">
      <vfio-fleet:card name="inno3d" place="0" functions="${(domain.functions ?? []).join(" ")}"/>
    </vfio-fleet:domain>
  </metadata>
`
}  <devices>
${(domain.functions ?? []).map(hostdev).join("\n")}
${domain.more ?? ""}
  </devices>
</domain>
`;

/** libvirt with these domains. */
export const fakeLibvirt = (host: FakeAgent, domains: Readonly<Record<string, FakeDomain>>): void => {
  host.tool("virsh", VIRSH);
  // waiting for a guest takes no time
  host.tool("sleep", ":");
  host.folder("/virsh");
  for (const [name, domain] of Object.entries(domains)) {
    const xml = definition(name, domain);
    host.file(`/virsh/${name}/inactive.xml`, xml, { exact: true });
    host.file(`/virsh/${name}/state`, domain.running ? "running" : "shut off");
    if (!domain.running) continue;
    host.file(`/virsh/${name}/live.xml`, xml, { exact: true });
    host.file(`/run/libvirt/qemu/${name}.xml`, xml, { exact: true });
  }
};

/** `running` or `shut off`, by name; undefined: not defined. */
export const stateOfDomain = (host: FakeAgent, name: string): string | undefined =>
  host.read(`/virsh/${name}/state`)?.trim();
