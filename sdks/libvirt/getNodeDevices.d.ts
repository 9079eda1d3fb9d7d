import * as pulumi from "@pulumi/pulumi";
export declare function getNodeDevices(args?: GetNodeDevicesArgs, opts?: pulumi.InvokeOptions): Promise<GetNodeDevicesResult>;
export interface GetNodeDevicesArgs {
    capability?: string;
}
export interface GetNodeDevicesResult {
    readonly capability?: string;
    readonly devices: string[];
    readonly id: string;
}
export declare function getNodeDevicesOutput(args?: GetNodeDevicesOutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNodeDevicesResult>;
export interface GetNodeDevicesOutputArgs {
    capability?: pulumi.Input<string | undefined>;
}
