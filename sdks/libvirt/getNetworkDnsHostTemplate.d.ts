import * as pulumi from "@pulumi/pulumi";
export declare function getNetworkDnsHostTemplate(args: GetNetworkDnsHostTemplateArgs, opts?: pulumi.InvokeOptions): Promise<GetNetworkDnsHostTemplateResult>;
export interface GetNetworkDnsHostTemplateArgs {
    hostname: string;
    ip: string;
}
export interface GetNetworkDnsHostTemplateResult {
    readonly hostname: string;
    readonly id: string;
    readonly ip: string;
    readonly rendered: {
        [key: string]: string;
    };
}
export declare function getNetworkDnsHostTemplateOutput(args: GetNetworkDnsHostTemplateOutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNetworkDnsHostTemplateResult>;
export interface GetNetworkDnsHostTemplateOutputArgs {
    hostname: pulumi.Input<string>;
    ip: pulumi.Input<string>;
}
