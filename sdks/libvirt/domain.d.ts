import * as pulumi from "@pulumi/pulumi";
import * as inputs from "./types/input";
import * as outputs from "./types/output";
export declare class Domain extends pulumi.CustomResource {
    /**
     * Get an existing Domain resource's state with the given name, ID, and optional extra
     * properties used to qualify the lookup.
     *
     * @param name The _unique_ name of the resulting resource.
     * @param id The _unique_ provider ID of the resource to lookup.
     * @param state Any extra arguments used during the lookup.
     * @param opts Optional settings to control the behavior of the CustomResource.
     */
    static get(name: string, id: pulumi.Input<pulumi.ID>, state?: DomainState, opts?: pulumi.CustomResourceOptions): Domain;
    /**
     * Returns true if the given object is an instance of Domain.  This is designed to work even
     * when multiple copies of the Pulumi SDK have been loaded into the same process.
     */
    static isInstance(obj: any): obj is Domain;
    readonly arch: pulumi.Output<string>;
    readonly autostart: pulumi.Output<boolean>;
    readonly bootDevices: pulumi.Output<outputs.DomainBootDevice[] | undefined>;
    readonly cloudinit: pulumi.Output<string | undefined>;
    readonly cmdlines: pulumi.Output<{
        [key: string]: string;
    }[] | undefined>;
    readonly consoles: pulumi.Output<outputs.DomainConsole[] | undefined>;
    readonly coreosIgnition: pulumi.Output<string | undefined>;
    readonly cpu: pulumi.Output<outputs.DomainCpu>;
    readonly description: pulumi.Output<string | undefined>;
    readonly disks: pulumi.Output<outputs.DomainDisk[] | undefined>;
    readonly emulator: pulumi.Output<string>;
    readonly filesystems: pulumi.Output<outputs.DomainFilesystem[] | undefined>;
    readonly firmware: pulumi.Output<string | undefined>;
    readonly fwCfgName: pulumi.Output<string | undefined>;
    readonly graphics: pulumi.Output<outputs.DomainGraphics | undefined>;
    readonly initrd: pulumi.Output<string | undefined>;
    readonly kernel: pulumi.Output<string | undefined>;
    readonly machine: pulumi.Output<string>;
    readonly memory: pulumi.Output<number | undefined>;
    readonly metadata: pulumi.Output<string | undefined>;
    readonly name: pulumi.Output<string>;
    readonly networkInterfaces: pulumi.Output<outputs.DomainNetworkInterface[] | undefined>;
    readonly nvram: pulumi.Output<outputs.DomainNvram>;
    readonly qemuAgent: pulumi.Output<boolean | undefined>;
    readonly running: pulumi.Output<boolean | undefined>;
    readonly tpm: pulumi.Output<outputs.DomainTpm | undefined>;
    readonly type: pulumi.Output<string | undefined>;
    readonly vcpu: pulumi.Output<number | undefined>;
    readonly video: pulumi.Output<outputs.DomainVideo | undefined>;
    readonly xml: pulumi.Output<outputs.DomainXml | undefined>;
    /**
     * Create a Domain resource with the given unique name, arguments, and options.
     *
     * @param name The _unique_ name of the resource.
     * @param args The arguments to use to populate this resource's properties.
     * @param opts A bag of options that control this resource's behavior.
     */
    constructor(name: string, args?: DomainArgs, opts?: pulumi.CustomResourceOptions);
}
export interface DomainState {
    arch?: pulumi.Input<string | undefined>;
    autostart?: pulumi.Input<boolean | undefined>;
    bootDevices?: pulumi.Input<pulumi.Input<inputs.DomainBootDevice>[] | undefined>;
    cloudinit?: pulumi.Input<string | undefined>;
    cmdlines?: pulumi.Input<pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    }>[] | undefined>;
    consoles?: pulumi.Input<pulumi.Input<inputs.DomainConsole>[] | undefined>;
    coreosIgnition?: pulumi.Input<string | undefined>;
    cpu?: pulumi.Input<inputs.DomainCpu | undefined>;
    description?: pulumi.Input<string | undefined>;
    disks?: pulumi.Input<pulumi.Input<inputs.DomainDisk>[] | undefined>;
    emulator?: pulumi.Input<string | undefined>;
    filesystems?: pulumi.Input<pulumi.Input<inputs.DomainFilesystem>[] | undefined>;
    firmware?: pulumi.Input<string | undefined>;
    fwCfgName?: pulumi.Input<string | undefined>;
    graphics?: pulumi.Input<inputs.DomainGraphics | undefined>;
    initrd?: pulumi.Input<string | undefined>;
    kernel?: pulumi.Input<string | undefined>;
    machine?: pulumi.Input<string | undefined>;
    memory?: pulumi.Input<number | undefined>;
    metadata?: pulumi.Input<string | undefined>;
    name?: pulumi.Input<string | undefined>;
    networkInterfaces?: pulumi.Input<pulumi.Input<inputs.DomainNetworkInterface>[] | undefined>;
    nvram?: pulumi.Input<inputs.DomainNvram | undefined>;
    qemuAgent?: pulumi.Input<boolean | undefined>;
    running?: pulumi.Input<boolean | undefined>;
    tpm?: pulumi.Input<inputs.DomainTpm | undefined>;
    type?: pulumi.Input<string | undefined>;
    vcpu?: pulumi.Input<number | undefined>;
    video?: pulumi.Input<inputs.DomainVideo | undefined>;
    xml?: pulumi.Input<inputs.DomainXml | undefined>;
}
/**
 * The set of arguments for constructing a Domain resource.
 */
export interface DomainArgs {
    arch?: pulumi.Input<string | undefined>;
    autostart?: pulumi.Input<boolean | undefined>;
    bootDevices?: pulumi.Input<pulumi.Input<inputs.DomainBootDevice>[] | undefined>;
    cloudinit?: pulumi.Input<string | undefined>;
    cmdlines?: pulumi.Input<pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    }>[] | undefined>;
    consoles?: pulumi.Input<pulumi.Input<inputs.DomainConsole>[] | undefined>;
    coreosIgnition?: pulumi.Input<string | undefined>;
    cpu?: pulumi.Input<inputs.DomainCpu | undefined>;
    description?: pulumi.Input<string | undefined>;
    disks?: pulumi.Input<pulumi.Input<inputs.DomainDisk>[] | undefined>;
    emulator?: pulumi.Input<string | undefined>;
    filesystems?: pulumi.Input<pulumi.Input<inputs.DomainFilesystem>[] | undefined>;
    firmware?: pulumi.Input<string | undefined>;
    fwCfgName?: pulumi.Input<string | undefined>;
    graphics?: pulumi.Input<inputs.DomainGraphics | undefined>;
    initrd?: pulumi.Input<string | undefined>;
    kernel?: pulumi.Input<string | undefined>;
    machine?: pulumi.Input<string | undefined>;
    memory?: pulumi.Input<number | undefined>;
    metadata?: pulumi.Input<string | undefined>;
    name?: pulumi.Input<string | undefined>;
    networkInterfaces?: pulumi.Input<pulumi.Input<inputs.DomainNetworkInterface>[] | undefined>;
    nvram?: pulumi.Input<inputs.DomainNvram | undefined>;
    qemuAgent?: pulumi.Input<boolean | undefined>;
    running?: pulumi.Input<boolean | undefined>;
    tpm?: pulumi.Input<inputs.DomainTpm | undefined>;
    type?: pulumi.Input<string | undefined>;
    vcpu?: pulumi.Input<number | undefined>;
    video?: pulumi.Input<inputs.DomainVideo | undefined>;
    xml?: pulumi.Input<inputs.DomainXml | undefined>;
}
