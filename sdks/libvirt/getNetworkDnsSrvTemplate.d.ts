import * as pulumi from "@pulumi/pulumi";
export declare function getNetworkDnsSrvTemplate(args: GetNetworkDnsSrvTemplateArgs, opts?: pulumi.InvokeOptions): Promise<GetNetworkDnsSrvTemplateResult>;
export interface GetNetworkDnsSrvTemplateArgs {
    domain?: string;
    port?: string;
    priority?: string;
    protocol: string;
    service: string;
    target?: string;
    weight?: string;
}
export interface GetNetworkDnsSrvTemplateResult {
    readonly domain?: string;
    readonly id: string;
    readonly port?: string;
    readonly priority?: string;
    readonly protocol: string;
    readonly rendered: {
        [key: string]: string;
    };
    readonly service: string;
    readonly target?: string;
    readonly weight?: string;
}
export declare function getNetworkDnsSrvTemplateOutput(args: GetNetworkDnsSrvTemplateOutputArgs, opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNetworkDnsSrvTemplateResult>;
export interface GetNetworkDnsSrvTemplateOutputArgs {
    domain?: pulumi.Input<string | undefined>;
    port?: pulumi.Input<string | undefined>;
    priority?: pulumi.Input<string | undefined>;
    protocol: pulumi.Input<string>;
    service: pulumi.Input<string>;
    target?: pulumi.Input<string | undefined>;
    weight?: pulumi.Input<string | undefined>;
}
