/** What a coded file says about itself. */
export interface Facts {
  format: string;
  /** Of the whole file. */
  bytes: number;
  /** Of the restored picture. */
  width: number;
  height: number;
  /** The first 32 hexadecimal digits of the fingerprint of the network that restores it. */
  network: string;
  /** The bundled preset that holds the network, if one does. */
  preset: string | null;
  /** The quantizer step that the network is told. */
  qstep: number | null;
  /** The codec: its class and its arguments. */
  settings: { class: string; [argument: string]: unknown };
  /** What wrote the file: libraries and their versions. */
  library: string;
  /** Whether the file says in its metadata what its colours mean; they are shown as sRGB. */
  hasProfile: boolean;
  /** What is restored where it is no picture, such as "normal-map opengl". */
  holds: string | null;
  /** What the restored samples stand for where it is no light: "depth" or "radiance". Here they are levels all the same. */
  values: string | null;
  /** The first 32 hexadecimal digits of the SHA-256 of the decoded pixels. */
  pixels: string;
  /** Whether every byte is as it was written. */
  unaltered: boolean;
  /** Whether this browser decoded the very pixels; null where it offers no SHA-256. Known once it is restored. */
  exact?: boolean | null;
}

/** The network of a site: its `network.json`. */
export interface Network {
  name: string;
  description: string;
  file: string;
  fingerprint: string;
  channels: number;
  bottleneckChannels: number;
  factor: number;
  resamples: boolean;
  macroblock: number;
  radius: number;
  alignment: number;
  conditioned: boolean;
  qstep: number | null;
}

export interface LoadOptions {
  /** Where `network.json` and the network lie; as written by `keras-sandwich web`, beside the module's folder. */
  networkUrl?: string | URL;
  /** Where ONNX Runtime Web's files lie. */
  runtimeUrl?: string | URL;
  /** Without it: WebGPU where there is an adapter, else WebAssembly. */
  device?: "webgpu" | "wasm";
  /** At most so many workers on the processor; 4 and no more than its cores less one. */
  workers?: number;
}

export interface RestoreOptions {
  /** Called with 0 to 1, and what the file says. */
  onProgress?: (part: number, facts: Facts) => void;
  signal?: AbortSignal;
  /** Restore also what was edited or saved anew. */
  acceptAltered?: boolean;
  /** Pixels a side of a window's result. */
  tile?: number;
}

/** The file is no picture that keras-sandwich wrote. */
export class NotASandwichFile extends Error {}
/** The file was one, and is cut short, edited or saved anew. */
export class DamagedFile extends Error {}
/** The file is whole, and another network restores it. */
export class OtherNetwork extends Error {}

export class Restorer {
  static load(options?: LoadOptions): Promise<Restorer>;
  readonly network: Network;
  /** What the network runs on, once it does. */
  readonly device: "webgpu" | "wasm" | null;
  /** What a file says about itself, without restoring it. */
  read(blob: Blob): Promise<Facts>;
  /** An `OtherNetwork` error unless this restorer has the file's network. */
  require(facts: Facts): void;
  /** Fetches the runtime and the network; `restore` does so itself. */
  warmUp(): Promise<void>;
  restore(blob: Blob, options?: RestoreOptions): Promise<ImageData>;
  /** Ends the workers and frees what they hold. */
  close(): Promise<void>;
}

/** Restores with one restorer for the whole page. */
export function restore(blob: Blob, options?: RestoreOptions): Promise<ImageData>;
