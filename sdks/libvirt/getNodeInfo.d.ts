import * as pulumi from "@pulumi/pulumi";
export declare function getNodeInfo(opts?: pulumi.InvokeOptions): Promise<GetNodeInfoResult>;
export interface GetNodeInfoResult {
    readonly cpuCoresPerSocket: number;
    readonly cpuCoresTotal: number;
    readonly cpuModel: string;
    readonly cpuSockets: number;
    readonly cpuThreadsPerCore: number;
    readonly id: string;
    readonly memoryTotalKb: number;
    readonly numaNodes: number;
}
export declare function getNodeInfoOutput(opts?: pulumi.InvokeOutputOptions): pulumi.Output<GetNodeInfoResult>;
