import * as pulumi from "@pulumi/pulumi";
import * as inputs from "./types/input";
import * as outputs from "./types/output";
export declare function getNodeDeviceInfo(args: GetNodeDeviceInfoArgs, opts?: pulumi.InvokeOptions): Promise<GetNodeDeviceInfoResult>;
export interface GetNodeDeviceInfoArgs {
    capability?: inputs.GetNodeDeviceInfoCapability;
    name: string;
}
export interface GetNodeDeviceInfoResult {
    readonly capability: outputs.GetNodeDeviceInfoCapability;
    readonly devnodes: outputs.GetNodeDeviceInfoDevnode[];
    readonly id: string;
    readonly name: string;
    readonly parent: string;
    readonly path: string;
    readonly xml: string;
}
export declare function getNodeDeviceInfoOutput(args: GetNodeDeviceInfoOutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNodeDeviceInfoResult>;
export interface GetNodeDeviceInfoOutputArgs {
    capability?: pulumi.Input<inputs.GetNodeDeviceInfoCapabilityArgs | undefined>;
    name: pulumi.Input<string>;
}
