export declare const uri: string | undefined;
