import * as pulumi from "@pulumi/pulumi";
export declare function getNetworkDnsmasqOptionsTemplate(args: GetNetworkDnsmasqOptionsTemplateArgs, opts?: pulumi.InvokeOptions): Promise<GetNetworkDnsmasqOptionsTemplateResult>;
export interface GetNetworkDnsmasqOptionsTemplateArgs {
    optionName: string;
    optionValue?: string;
}
export interface GetNetworkDnsmasqOptionsTemplateResult {
    readonly id: string;
    readonly optionName: string;
    readonly optionValue?: string;
    readonly rendered: {
        [key: string]: string;
    };
}
export declare function getNetworkDnsmasqOptionsTemplateOutput(args: GetNetworkDnsmasqOptionsTemplateOutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNetworkDnsmasqOptionsTemplateResult>;
export interface GetNetworkDnsmasqOptionsTemplateOutputArgs {
    optionName: pulumi.Input<string>;
    optionValue?: pulumi.Input<string | undefined>;
}
