import * as outputs from "../types/output";
export interface DomainBootDevice {
    devs?: string[];
}
export interface DomainConsole {
    sourceHost?: string;
    sourcePath?: string;
    sourceService?: string;
    targetPort: string;
    targetType?: string;
    type: string;
}
export interface DomainCpu {
    mode: string;
}
export interface DomainDisk {
    blockDevice?: string;
    file?: string;
    scsi?: boolean;
    url?: string;
    volumeId?: string;
    wwn: string;
}
export interface DomainFilesystem {
    accessmode?: string;
    readonly?: boolean;
    source: string;
    target: string;
}
export interface DomainGraphics {
    autoport?: boolean;
    listenAddress?: string;
    listenType?: string;
    type?: string;
    websocket?: number;
}
export interface DomainNetworkInterface {
    addresses: string[];
    bridge?: string;
    hostname: string;
    mac: string;
    macvtap?: string;
    networkId: string;
    networkName: string;
    passthrough?: string;
    vepa?: string;
    waitForLease?: boolean;
}
export interface DomainNvram {
    file: string;
    template: string;
}
export interface DomainTpm {
    backendDevicePath?: string;
    backendEncryptionSecret?: string;
    backendPersistentState?: boolean;
    backendType?: string;
    backendVersion?: string;
    model?: string;
}
export interface DomainVideo {
    type?: string;
}
export interface DomainXml {
    xslt?: string;
}
export interface GetNodeDeviceInfoCapability {
    /**
     * If present, the MAC address of the device
     */
    address?: string;
    /**
     * Block device name
     */
    block: string;
    /**
     * The bus within the host
     */
    bus: string;
    /**
     * Holds key <span pulumi-lang-nodejs="`type`" pulumi-lang-dotnet="`Type`" pulumi-lang-go="`type`" pulumi-lang-python="`type`" pulumi-lang-yaml="`type`" pulumi-lang-java="`type`">`type`</span> that describes the type of network interface: <span pulumi-lang-nodejs="`80203`" pulumi-lang-dotnet="`80203`" pulumi-lang-go="`80203`" pulumi-lang-python="`80203`" pulumi-lang-yaml="`80203`" pulumi-lang-java="`80203`">`80203`</span> for IEEE 802.3 or <span pulumi-lang-nodejs="`80211`" pulumi-lang-dotnet="`80211`" pulumi-lang-go="`80211`" pulumi-lang-python="`80211`" pulumi-lang-yaml="`80211`" pulumi-lang-java="`80211`">`80211`</span> for IEEE 802.11
     */
    capability?: {
        [key: string]: string;
    };
    /**
     * Device class
     */
    class: string;
    description: string;
    /**
     * Which device within the \
     */
    device: string;
    /**
     * Device PCI domain
     */
    domain: string;
    /**
     * Device drive type
     */
    driveType: string;
    /**
     * Type of DRM device: <span pulumi-lang-nodejs="`render`" pulumi-lang-dotnet="`Render`" pulumi-lang-go="`render`" pulumi-lang-python="`render`" pulumi-lang-yaml="`render`" pulumi-lang-java="`render`">`render`</span> or <span pulumi-lang-nodejs="`card`" pulumi-lang-dotnet="`Card`" pulumi-lang-go="`card`" pulumi-lang-python="`card`" pulumi-lang-yaml="`card`" pulumi-lang-java="`card`">`card`</span>
     */
    drmType: string;
    features?: string[];
    firmware?: {
        [key: string]: string;
    };
    /**
     * Device PCI function
     */
    function: string;
    hardware?: {
        [key: string]: string;
    };
    /**
     * The SCSI host containing the device
     */
    host: string;
    /**
     * The interface name tied to this device
     */
    interface?: string;
    /**
     * Structure that holds IOMMU Group <span pulumi-lang-nodejs="`number`" pulumi-lang-dotnet="`Number`" pulumi-lang-go="`number`" pulumi-lang-python="`number`" pulumi-lang-yaml="`number`" pulumi-lang-java="`number`">`number`</span> and the list of devices that are part of the group
     */
    iommuGroup: outputs.GetNodeDeviceInfoCapabilityIommuGroup;
    /**
     * Optional to reflect the status of the link via <span pulumi-lang-nodejs="`speed`" pulumi-lang-dotnet="`Speed`" pulumi-lang-go="`speed`" pulumi-lang-python="`speed`" pulumi-lang-yaml="`speed`" pulumi-lang-java="`speed`">`speed`</span> and <span pulumi-lang-nodejs="`state`" pulumi-lang-dotnet="`State`" pulumi-lang-go="`state`" pulumi-lang-python="`state`" pulumi-lang-yaml="`state`" pulumi-lang-java="`state`">`state`</span> keys
     */
    link?: {
        [key: string]: string;
    };
    /**
     * Device logical block size
     */
    logicalBlockSize: string;
    /**
     * The lun within the target
     */
    lun: string;
    /**
     * Device model
     */
    model: string;
    /**
     * Number of blocks on the device
     */
    numBlocks: string;
    /**
     * Device number
     */
    number: string;
    /**
     * If present, the product <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    product?: {
        [key: string]: string;
    };
    /**
     * Device protocol
     */
    protocol: string;
    /**
     * The type of SCSI device
     */
    scsiType: string;
    /**
     * Device serial number
     */
    serial: string;
    /**
     * Device size in bytes
     */
    size: string;
    /**
     * Device PCI slot
     */
    slot: string;
    /**
     * Device subclass
     */
    subclass: string;
    /**
     * The target within the bus
     */
    target: string;
    /**
     * Device type: <span pulumi-lang-nodejs="`pci`" pulumi-lang-dotnet="`Pci`" pulumi-lang-go="`pci`" pulumi-lang-python="`pci`" pulumi-lang-yaml="`pci`" pulumi-lang-java="`pci`">`pci`</span>, <span pulumi-lang-nodejs="`storage`" pulumi-lang-dotnet="`Storage`" pulumi-lang-go="`storage`" pulumi-lang-python="`storage`" pulumi-lang-yaml="`storage`" pulumi-lang-java="`storage`">`storage`</span>, <span pulumi-lang-nodejs="`usb`" pulumi-lang-dotnet="`Usb`" pulumi-lang-go="`usb`" pulumi-lang-python="`usb`" pulumi-lang-yaml="`usb`" pulumi-lang-java="`usb`">`usb`</span>
     */
    type: string;
    /**
     * This optionally provides the value from the 'unique_id' file found in the scsi_host's directory
     */
    uniqueId: string;
    /**
     * If present, the vendor <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    vendor?: {
        [key: string]: string;
    };
}
export interface GetNodeDeviceInfoCapabilityIommuGroup {
    addresses: {
        [key: string]: string;
    }[];
    /**
     * Device number
     */
    number: string;
}
export interface GetNodeDeviceInfoDevnode {
    /**
     * Full path of the device
     */
    path: string;
    /**
     * Device type: <span pulumi-lang-nodejs="`pci`" pulumi-lang-dotnet="`Pci`" pulumi-lang-go="`pci`" pulumi-lang-python="`pci`" pulumi-lang-yaml="`pci`" pulumi-lang-java="`pci`">`pci`</span>, <span pulumi-lang-nodejs="`storage`" pulumi-lang-dotnet="`Storage`" pulumi-lang-go="`storage`" pulumi-lang-python="`storage`" pulumi-lang-yaml="`storage`" pulumi-lang-java="`storage`">`storage`</span>, <span pulumi-lang-nodejs="`usb`" pulumi-lang-dotnet="`Usb`" pulumi-lang-go="`usb`" pulumi-lang-python="`usb`" pulumi-lang-yaml="`usb`" pulumi-lang-java="`usb`">`usb`</span>
     */
    type: string;
}
export interface NetworkDhcp {
    enabled: boolean;
}
export interface NetworkDns {
    enabled?: boolean;
    forwarders?: outputs.NetworkDnsForwarder[];
    hosts?: outputs.NetworkDnsHost[];
    localOnly?: boolean;
    srvs?: outputs.NetworkDnsSrv[];
}
export interface NetworkDnsForwarder {
    address?: string;
    domain?: string;
}
export interface NetworkDnsHost {
    hostname?: string;
    ip?: string;
}
export interface NetworkDnsSrv {
    domain?: string;
    port?: string;
    priority?: string;
    protocol?: string;
    service?: string;
    target?: string;
    weight?: string;
}
export interface NetworkDnsmasqOptions {
    options?: outputs.NetworkDnsmasqOptionsOption[];
}
export interface NetworkDnsmasqOptionsOption {
    optionName?: string;
    optionValue?: string;
}
export interface NetworkRoute {
    cidr: string;
    gateway: string;
}
export interface NetworkXml {
    xslt?: string;
}
export interface PoolSource {
    devices?: outputs.PoolSourceDevice[];
    name?: string;
}
export interface PoolSourceDevice {
    path?: string;
}
export interface PoolTarget {
    path: string;
}
export interface PoolXml {
    xslt?: string;
}
export interface VolumeXml {
    xslt?: string;
}
