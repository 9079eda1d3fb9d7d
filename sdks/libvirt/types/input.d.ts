import * as pulumi from "@pulumi/pulumi";
import * as inputs from "../types/input";
export interface DomainBootDevice {
    devs?: pulumi.Input<pulumi.Input<string>[] | undefined>;
}
export interface DomainConsole {
    sourceHost?: pulumi.Input<string | undefined>;
    sourcePath?: pulumi.Input<string | undefined>;
    sourceService?: pulumi.Input<string | undefined>;
    targetPort: pulumi.Input<string>;
    targetType?: pulumi.Input<string | undefined>;
    type: pulumi.Input<string>;
}
export interface DomainCpu {
    mode?: pulumi.Input<string | undefined>;
}
export interface DomainDisk {
    blockDevice?: pulumi.Input<string | undefined>;
    file?: pulumi.Input<string | undefined>;
    scsi?: pulumi.Input<boolean | undefined>;
    url?: pulumi.Input<string | undefined>;
    volumeId?: pulumi.Input<string | undefined>;
    wwn?: pulumi.Input<string | undefined>;
}
export interface DomainFilesystem {
    accessmode?: pulumi.Input<string | undefined>;
    readonly?: pulumi.Input<boolean | undefined>;
    source: pulumi.Input<string>;
    target: pulumi.Input<string>;
}
export interface DomainGraphics {
    autoport?: pulumi.Input<boolean | undefined>;
    listenAddress?: pulumi.Input<string | undefined>;
    listenType?: pulumi.Input<string | undefined>;
    type?: pulumi.Input<string | undefined>;
    websocket?: pulumi.Input<number | undefined>;
}
export interface DomainNetworkInterface {
    addresses?: pulumi.Input<pulumi.Input<string>[] | undefined>;
    bridge?: pulumi.Input<string | undefined>;
    hostname?: pulumi.Input<string | undefined>;
    mac?: pulumi.Input<string | undefined>;
    macvtap?: pulumi.Input<string | undefined>;
    networkId?: pulumi.Input<string | undefined>;
    networkName?: pulumi.Input<string | undefined>;
    passthrough?: pulumi.Input<string | undefined>;
    vepa?: pulumi.Input<string | undefined>;
    waitForLease?: pulumi.Input<boolean | undefined>;
}
export interface DomainNvram {
    file?: pulumi.Input<string | undefined>;
    template?: pulumi.Input<string | undefined>;
}
export interface DomainTpm {
    backendDevicePath?: pulumi.Input<string | undefined>;
    backendEncryptionSecret?: pulumi.Input<string | undefined>;
    backendPersistentState?: pulumi.Input<boolean | undefined>;
    backendType?: pulumi.Input<string | undefined>;
    backendVersion?: pulumi.Input<string | undefined>;
    model?: pulumi.Input<string | undefined>;
}
export interface DomainVideo {
    type?: pulumi.Input<string | undefined>;
}
export interface DomainXml {
    xslt?: pulumi.Input<string | undefined>;
}
export interface GetNodeDeviceInfoCapability {
    /**
     * If present, the MAC address of the device
     */
    address?: string;
    /**
     * Block device name
     */
    block?: string;
    /**
     * The bus within the host
     */
    bus?: string;
    /**
     * Holds key <span pulumi-lang-nodejs="`type`" pulumi-lang-dotnet="`Type`" pulumi-lang-go="`type`" pulumi-lang-python="`type`" pulumi-lang-yaml="`type`" pulumi-lang-java="`type`">`type`</span> that describes the type of network interface: <span pulumi-lang-nodejs="`80203`" pulumi-lang-dotnet="`80203`" pulumi-lang-go="`80203`" pulumi-lang-python="`80203`" pulumi-lang-yaml="`80203`" pulumi-lang-java="`80203`">`80203`</span> for IEEE 802.3 or <span pulumi-lang-nodejs="`80211`" pulumi-lang-dotnet="`80211`" pulumi-lang-go="`80211`" pulumi-lang-python="`80211`" pulumi-lang-yaml="`80211`" pulumi-lang-java="`80211`">`80211`</span> for IEEE 802.11
     */
    capability?: {
        [key: string]: string;
    };
    /**
     * Device class
     */
    class?: string;
    description?: string;
    /**
     * Which device within the \
     */
    device?: string;
    /**
     * Device PCI domain
     */
    domain?: string;
    /**
     * Device drive type
     */
    driveType?: string;
    /**
     * Type of DRM device: <span pulumi-lang-nodejs="`render`" pulumi-lang-dotnet="`Render`" pulumi-lang-go="`render`" pulumi-lang-python="`render`" pulumi-lang-yaml="`render`" pulumi-lang-java="`render`">`render`</span> or <span pulumi-lang-nodejs="`card`" pulumi-lang-dotnet="`Card`" pulumi-lang-go="`card`" pulumi-lang-python="`card`" pulumi-lang-yaml="`card`" pulumi-lang-java="`card`">`card`</span>
     */
    drmType?: string;
    features?: string[];
    firmware?: {
        [key: string]: string;
    };
    /**
     * Device PCI function
     */
    function?: string;
    hardware?: {
        [key: string]: string;
    };
    /**
     * The SCSI host containing the device
     */
    host?: string;
    /**
     * The interface name tied to this device
     */
    interface?: string;
    /**
     * Structure that holds IOMMU Group <span pulumi-lang-nodejs="`number`" pulumi-lang-dotnet="`Number`" pulumi-lang-go="`number`" pulumi-lang-python="`number`" pulumi-lang-yaml="`number`" pulumi-lang-java="`number`">`number`</span> and the list of devices that are part of the group
     */
    iommuGroup?: inputs.GetNodeDeviceInfoCapabilityIommuGroup;
    /**
     * Optional to reflect the status of the link via <span pulumi-lang-nodejs="`speed`" pulumi-lang-dotnet="`Speed`" pulumi-lang-go="`speed`" pulumi-lang-python="`speed`" pulumi-lang-yaml="`speed`" pulumi-lang-java="`speed`">`speed`</span> and <span pulumi-lang-nodejs="`state`" pulumi-lang-dotnet="`State`" pulumi-lang-go="`state`" pulumi-lang-python="`state`" pulumi-lang-yaml="`state`" pulumi-lang-java="`state`">`state`</span> keys
     */
    link?: {
        [key: string]: string;
    };
    /**
     * Device logical block size
     */
    logicalBlockSize?: string;
    /**
     * The lun within the target
     */
    lun?: string;
    /**
     * Device model
     */
    model?: string;
    /**
     * Number of blocks on the device
     */
    numBlocks?: string;
    /**
     * Device number
     */
    number?: string;
    /**
     * If present, the product <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    product?: {
        [key: string]: string;
    };
    /**
     * Device protocol
     */
    protocol?: string;
    /**
     * The type of SCSI device
     */
    scsiType?: string;
    /**
     * Device serial number
     */
    serial?: string;
    /**
     * Device size in bytes
     */
    size?: string;
    /**
     * Device PCI slot
     */
    slot?: string;
    /**
     * Device subclass
     */
    subclass?: string;
    /**
     * The target within the bus
     */
    target?: string;
    /**
     * Device type: <span pulumi-lang-nodejs="`pci`" pulumi-lang-dotnet="`Pci`" pulumi-lang-go="`pci`" pulumi-lang-python="`pci`" pulumi-lang-yaml="`pci`" pulumi-lang-java="`pci`">`pci`</span>, <span pulumi-lang-nodejs="`storage`" pulumi-lang-dotnet="`Storage`" pulumi-lang-go="`storage`" pulumi-lang-python="`storage`" pulumi-lang-yaml="`storage`" pulumi-lang-java="`storage`">`storage`</span>, <span pulumi-lang-nodejs="`usb`" pulumi-lang-dotnet="`Usb`" pulumi-lang-go="`usb`" pulumi-lang-python="`usb`" pulumi-lang-yaml="`usb`" pulumi-lang-java="`usb`">`usb`</span>
     */
    type?: string;
    /**
     * This optionally provides the value from the 'unique_id' file found in the scsi_host's directory
     */
    uniqueId?: string;
    /**
     * If present, the vendor <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    vendor?: {
        [key: string]: string;
    };
}
export interface GetNodeDeviceInfoCapabilityArgs {
    /**
     * If present, the MAC address of the device
     */
    address?: pulumi.Input<string | undefined>;
    /**
     * Block device name
     */
    block?: pulumi.Input<string | undefined>;
    /**
     * The bus within the host
     */
    bus?: pulumi.Input<string | undefined>;
    /**
     * Holds key <span pulumi-lang-nodejs="`type`" pulumi-lang-dotnet="`Type`" pulumi-lang-go="`type`" pulumi-lang-python="`type`" pulumi-lang-yaml="`type`" pulumi-lang-java="`type`">`type`</span> that describes the type of network interface: <span pulumi-lang-nodejs="`80203`" pulumi-lang-dotnet="`80203`" pulumi-lang-go="`80203`" pulumi-lang-python="`80203`" pulumi-lang-yaml="`80203`" pulumi-lang-java="`80203`">`80203`</span> for IEEE 802.3 or <span pulumi-lang-nodejs="`80211`" pulumi-lang-dotnet="`80211`" pulumi-lang-go="`80211`" pulumi-lang-python="`80211`" pulumi-lang-yaml="`80211`" pulumi-lang-java="`80211`">`80211`</span> for IEEE 802.11
     */
    capability?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
    /**
     * Device class
     */
    class?: pulumi.Input<string | undefined>;
    description?: pulumi.Input<string | undefined>;
    /**
     * Which device within the \
     */
    device?: pulumi.Input<string | undefined>;
    /**
     * Device PCI domain
     */
    domain?: pulumi.Input<string | undefined>;
    /**
     * Device drive type
     */
    driveType?: pulumi.Input<string | undefined>;
    /**
     * Type of DRM device: <span pulumi-lang-nodejs="`render`" pulumi-lang-dotnet="`Render`" pulumi-lang-go="`render`" pulumi-lang-python="`render`" pulumi-lang-yaml="`render`" pulumi-lang-java="`render`">`render`</span> or <span pulumi-lang-nodejs="`card`" pulumi-lang-dotnet="`Card`" pulumi-lang-go="`card`" pulumi-lang-python="`card`" pulumi-lang-yaml="`card`" pulumi-lang-java="`card`">`card`</span>
     */
    drmType?: pulumi.Input<string | undefined>;
    features?: pulumi.Input<pulumi.Input<string>[] | undefined>;
    firmware?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
    /**
     * Device PCI function
     */
    function?: pulumi.Input<string | undefined>;
    hardware?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
    /**
     * The SCSI host containing the device
     */
    host?: pulumi.Input<string | undefined>;
    /**
     * The interface name tied to this device
     */
    interface?: pulumi.Input<string | undefined>;
    /**
     * Structure that holds IOMMU Group <span pulumi-lang-nodejs="`number`" pulumi-lang-dotnet="`Number`" pulumi-lang-go="`number`" pulumi-lang-python="`number`" pulumi-lang-yaml="`number`" pulumi-lang-java="`number`">`number`</span> and the list of devices that are part of the group
     */
    iommuGroup?: pulumi.Input<inputs.GetNodeDeviceInfoCapabilityIommuGroupArgs | undefined>;
    /**
     * Optional to reflect the status of the link via <span pulumi-lang-nodejs="`speed`" pulumi-lang-dotnet="`Speed`" pulumi-lang-go="`speed`" pulumi-lang-python="`speed`" pulumi-lang-yaml="`speed`" pulumi-lang-java="`speed`">`speed`</span> and <span pulumi-lang-nodejs="`state`" pulumi-lang-dotnet="`State`" pulumi-lang-go="`state`" pulumi-lang-python="`state`" pulumi-lang-yaml="`state`" pulumi-lang-java="`state`">`state`</span> keys
     */
    link?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
    /**
     * Device logical block size
     */
    logicalBlockSize?: pulumi.Input<string | undefined>;
    /**
     * The lun within the target
     */
    lun?: pulumi.Input<string | undefined>;
    /**
     * Device model
     */
    model?: pulumi.Input<string | undefined>;
    /**
     * Number of blocks on the device
     */
    numBlocks?: pulumi.Input<string | undefined>;
    /**
     * Device number
     */
    number?: pulumi.Input<string | undefined>;
    /**
     * If present, the product <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    product?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
    /**
     * Device protocol
     */
    protocol?: pulumi.Input<string | undefined>;
    /**
     * The type of SCSI device
     */
    scsiType?: pulumi.Input<string | undefined>;
    /**
     * Device serial number
     */
    serial?: pulumi.Input<string | undefined>;
    /**
     * Device size in bytes
     */
    size?: pulumi.Input<string | undefined>;
    /**
     * Device PCI slot
     */
    slot?: pulumi.Input<string | undefined>;
    /**
     * Device subclass
     */
    subclass?: pulumi.Input<string | undefined>;
    /**
     * The target within the bus
     */
    target?: pulumi.Input<string | undefined>;
    /**
     * Device type: <span pulumi-lang-nodejs="`pci`" pulumi-lang-dotnet="`Pci`" pulumi-lang-go="`pci`" pulumi-lang-python="`pci`" pulumi-lang-yaml="`pci`" pulumi-lang-java="`pci`">`pci`</span>, <span pulumi-lang-nodejs="`storage`" pulumi-lang-dotnet="`Storage`" pulumi-lang-go="`storage`" pulumi-lang-python="`storage`" pulumi-lang-yaml="`storage`" pulumi-lang-java="`storage`">`storage`</span>, <span pulumi-lang-nodejs="`usb`" pulumi-lang-dotnet="`Usb`" pulumi-lang-go="`usb`" pulumi-lang-python="`usb`" pulumi-lang-yaml="`usb`" pulumi-lang-java="`usb`">`usb`</span>
     */
    type?: pulumi.Input<string | undefined>;
    /**
     * This optionally provides the value from the 'unique_id' file found in the scsi_host's directory
     */
    uniqueId?: pulumi.Input<string | undefined>;
    /**
     * If present, the vendor <span pulumi-lang-nodejs="`id`" pulumi-lang-dotnet="`Id`" pulumi-lang-go="`id`" pulumi-lang-python="`id`" pulumi-lang-yaml="`id`" pulumi-lang-java="`id`">`id`</span> and <span pulumi-lang-nodejs="`name`" pulumi-lang-dotnet="`Name`" pulumi-lang-go="`name`" pulumi-lang-python="`name`" pulumi-lang-yaml="`name`" pulumi-lang-java="`name`">`name`</span> from the device ROM
     */
    vendor?: pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    } | undefined>;
}
export interface GetNodeDeviceInfoCapabilityIommuGroup {
    addresses?: {
        [key: string]: string;
    }[];
    /**
     * Device number
     */
    number?: string;
}
export interface GetNodeDeviceInfoCapabilityIommuGroupArgs {
    addresses?: pulumi.Input<pulumi.Input<{
        [key: string]: pulumi.Input<string>;
    }>[] | undefined>;
    /**
     * Device number
     */
    number?: pulumi.Input<string | undefined>;
}
export interface NetworkDhcp {
    enabled?: pulumi.Input<boolean | undefined>;
}
export interface NetworkDns {
    enabled?: pulumi.Input<boolean | undefined>;
    forwarders?: pulumi.Input<pulumi.Input<inputs.NetworkDnsForwarder>[] | undefined>;
    hosts?: pulumi.Input<pulumi.Input<inputs.NetworkDnsHost>[] | undefined>;
    localOnly?: pulumi.Input<boolean | undefined>;
    srvs?: pulumi.Input<pulumi.Input<inputs.NetworkDnsSrv>[] | undefined>;
}
export interface NetworkDnsForwarder {
    address?: pulumi.Input<string | undefined>;
    domain?: pulumi.Input<string | undefined>;
}
export interface NetworkDnsHost {
    hostname?: pulumi.Input<string | undefined>;
    ip?: pulumi.Input<string | undefined>;
}
export interface NetworkDnsSrv {
    domain?: pulumi.Input<string | undefined>;
    port?: pulumi.Input<string | undefined>;
    priority?: pulumi.Input<string | undefined>;
    protocol?: pulumi.Input<string | undefined>;
    service?: pulumi.Input<string | undefined>;
    target?: pulumi.Input<string | undefined>;
    weight?: pulumi.Input<string | undefined>;
}
export interface NetworkDnsmasqOptions {
    options?: pulumi.Input<pulumi.Input<inputs.NetworkDnsmasqOptionsOption>[] | undefined>;
}
export interface NetworkDnsmasqOptionsOption {
    optionName?: pulumi.Input<string | undefined>;
    optionValue?: pulumi.Input<string | undefined>;
}
export interface NetworkRoute {
    cidr: pulumi.Input<string>;
    gateway: pulumi.Input<string>;
}
export interface NetworkXml {
    xslt?: pulumi.Input<string | undefined>;
}
export interface PoolSource {
    devices?: pulumi.Input<pulumi.Input<inputs.PoolSourceDevice>[] | undefined>;
    name?: pulumi.Input<string | undefined>;
}
export interface PoolSourceDevice {
    path?: pulumi.Input<string | undefined>;
}
export interface PoolTarget {
    path?: pulumi.Input<string | undefined>;
}
export interface PoolXml {
    xslt?: pulumi.Input<string | undefined>;
}
export interface VolumeXml {
    xslt?: pulumi.Input<string | undefined>;
}
